import json
import math
import os
import subprocess
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlbench import store
from mlbench.errors import SelectionError, StoreError
from mlbench.measures import ChoiceSample, TextSample, doc_scores
from mlbench.records import Cell, Score
from mlbench.store.cells import sealed_parquet
from mlbench.store.samples import cluster_ids_of, doc_ids_of, scores_of, tokens_of

CELL = Cell("org/model", "sib200_topic", "zh-Hans", 5)
CHOICES = ChoiceSample(
    "1", "a:1", 1, ("科学", "тема\u0000", "موضوع"), (-1.5, -0.1, -3.0), (-1.0,) * 3
)


def result(*samples, cell=CELL, **signature):
    scores = {"acc": Score("acc", 0.5, len(samples), math.nan)}
    usage = {"n_requests": 3, "n_tokens": 12, "n_truncated": 0, "seconds": 0.25}
    return store.CellResult(cell, store.Signature(weights="w", **signature), scores, usage, samples)


def test_a_cell_comes_back_as_it_was_put(tmp_path):
    path = store.cell_path(tmp_path, "slug", CELL)
    first = result(CHOICES, CHOICES)
    store.put(path, first)
    again = store.get(path)
    assert again.samples == first.samples and again.signature == first.signature
    assert again.cell == CELL and again.usage == first.usage
    assert math.isnan(again.scores["acc"].stderr) and again.scores["acc"].value == 0.5


text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
number = st.floats(allow_nan=False, width=64)


@given(st.lists(st.tuples(text, text, number, st.integers(0, 2**31 - 1)), min_size=1, max_size=5))
def test_any_text_and_any_float_come_back_bit_for_bit(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("store") / "x.parquet"
    samples = tuple(TextSample(*row) for row in rows)
    store.put(path, result(*samples))
    assert store.get(path).samples == samples


likelihoods = st.lists(st.sampled_from([-1.0, -2.5, -math.inf, math.nan]), min_size=1, max_size=4)


@given(st.lists(st.tuples(text, text, likelihoods), min_size=1, max_size=5))
def test_scores_from_columns_are_those_of_the_samples(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("store") / "x.parquet"
    samples = tuple(
        ChoiceSample(doc, cluster, 1, ("x",) * len(likely), tuple(likely))
        for doc, cluster, likely in rows
    )
    store.put(path, result(*samples))
    stored = store.get(path).samples
    assert scores_of(stored, "acc").tolist() == doc_scores(samples, "acc")
    assert scores_of(stored, "acc_norm").tolist() == doc_scores(samples, "acc_norm")
    assert doc_ids_of(stored) == doc_ids_of(samples) and tokens_of(stored) is None
    assert cluster_ids_of(stored) == cluster_ids_of(samples)


@given(st.lists(st.tuples(number, st.integers(1, 9), st.integers(0, 9)), min_size=1, max_size=5))
def test_bits_and_tokens_from_columns_are_those_of_the_texts(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("store") / "x.parquet"
    samples = tuple(TextSample("d", "c", *row) for row in rows)
    store.put(path, result(*samples))
    stored = store.get(path).samples
    for metric in ("bits", "bits_per_byte"):
        assert scores_of(stored, metric).tolist() == doc_scores(samples, metric)
    assert tokens_of(stored) == tokens_of(samples)
    assert (tokens_of(stored) is None) == any(sample.n_tokens == 0 for sample in samples)


def test_a_file_with_other_columns_is_damaged(tmp_path):
    path = tmp_path / "a.parquet"
    store.put(path, result(CHOICES))
    table = pq.read_table(path)
    meta = json.loads(table.schema.metadata[b"mlbench"])
    del meta["columns"], meta["n_rows"]  # as in files that did not tell them there
    metadata = {b"mlbench": json.dumps(meta).encode()}
    path.write_bytes(sealed_parquet(table, metadata))
    assert store.get(path).samples == result(CHOICES).samples
    path.write_bytes(sealed_parquet(table.drop_columns(["target"]), metadata))
    with pytest.raises(StoreError, match="is damaged .its columns are calibration, choices"):
        store.get(path)


def test_missing_failed_and_done_are_three_states(tmp_path):
    path = tmp_path / "a.parquet"
    assert store.get(path) is None
    store.put_failed(path, store.FailedCell(CELL, "boom", "trace", store.Signature(weights="w")))
    failed = store.get(path)
    assert isinstance(failed, store.FailedCell) and failed.cell == CELL
    store.put(path, result(CHOICES))
    assert isinstance(store.get(path), store.CellResult)
    assert [p.name for p in tmp_path.iterdir()] == ["a.parquet"]


@pytest.mark.parametrize("keep", [0.0, 0.3, 0.95, 0.999])
def test_a_truncated_file_is_damaged_not_empty(tmp_path, keep):
    path = tmp_path / "a.parquet"
    store.put(path, result(CHOICES))
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * keep)])
    with pytest.raises(StoreError, match="is damaged"):
        store.get(path)


def test_a_flipped_byte_in_the_data_is_found(tmp_path):
    path = tmp_path / "a.parquet"
    store.put(path, result(*[TextSample(str(i), "c", -float(i), i) for i in range(50)]))
    content = bytearray(path.read_bytes())
    content[60] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(StoreError, match="is damaged"):
        store.get(path)


def test_a_damaged_failure_record_is_told(tmp_path):
    (tmp_path / "a.failed.json").write_text("{", encoding="utf-8")
    with pytest.raises(StoreError, match="is damaged.*makes it again"):
        store.get(tmp_path / "a.parquet")


def test_a_folder_that_cannot_be_made_is_one_message(tmp_path):
    (tmp_path / "runs").write_text("a file", encoding="utf-8")
    with pytest.raises(StoreError, match="cannot write .*Finished cells are kept"):
        store.put(tmp_path / "runs" / "a.parquet", result(CHOICES))


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system needs root")
def test_a_full_disk_loses_no_finished_cell(tmp_path):
    small = tmp_path / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(small)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("this machine does not allow mounting a tmpfs")
    try:
        done = []
        with pytest.raises(StoreError, match="No space left on device.*Finished cells are kept"):
            for number in range(100):
                path = small / f"{number}.parquet"
                store.put(path, result(*[CHOICES] * 200, limit=number))
                done.append(path)
        assert done
        assert [store.get(path).signature.limit for path in done] == list(range(len(done)))
        assert not list(small.glob("*.part"))
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_a_run_that_is_not_there_names_those_that_are(tmp_path):
    (tmp_path / "runs" / "moat").mkdir(parents=True)
    (tmp_path / "runs" / "moat" / store.MANIFEST).write_text(json.dumps({}), encoding="utf-8")
    with pytest.raises(StoreError, match="no run 'maot'.*Runs here: moat"):
        store.find_run("maot")
    assert store.find_run("moat") == Path("runs/moat")
    assert store.find_run(tmp_path / "runs" / "moat") == tmp_path / "runs" / "moat"


def test_a_bare_name_is_a_run_under_runs_whatever_folder_is_here(tmp_path):
    for folder in ("tests", "bench"):
        (tmp_path / folder).mkdir()
    assert store.find_run("tests", must_exist=False) == Path("runs/tests")
    assert store.find_run("./tests", must_exist=False) == Path("tests")
    assert store.find_run("tests/", must_exist=False) == Path("tests")
    with pytest.raises(SelectionError, match="no folder for a run: it holds other things"):
        store.find_run(".", must_exist=False)
    (tmp_path / "runs" / "bench").mkdir(parents=True)
    (tmp_path / "runs" / "bench" / store.MANIFEST).write_text("{}", encoding="utf-8")
    assert store.find_run("bench") == Path("runs/bench")
    (tmp_path / "tests" / store.MANIFEST).write_text("{}", encoding="utf-8")
    with pytest.raises(StoreError, match=r"no run 'tests' .runs/tests/run.json.*type \./tests"):
        store.find_run("tests")
