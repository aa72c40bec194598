"""Which part of a signature decides what? One list, and every place asks it."""

import json
import math
from dataclasses import asdict, replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mlbench import store
from mlbench.data.languages import read_languages
from mlbench.data.prepare import Prepared
from mlbench.errors import NewerStoreError
from mlbench.families import read_families
from mlbench.measures import TextSample
from mlbench.records import Cell, FamilyDocs, Score
from mlbench.runner.plan import Plan, PlannedCell, find_states
from mlbench.store.manifest import family_facts
from mlbench.store.read import read_run
from mlbench.store.signature import AGAIN, ALIKE, ASKED, SHARED, Signature, parts_of, read_signature

CELL = Cell("m", "sib200_lm", "sw", 0)
OF_0_1_0 = {
    "model": "m",
    "backend": "hf",
    "arguments": "",
    "weights": "0123456789abcdef",
    "dtype": "float32",
    "engine": "packed",
    "overflow": "refuse",
    "verify": 0,
    "family": "sib200_lm",
    "family_version": 1,
    "language": "sw",
    "data_sha256": "d",
    "data_revision": "main",
    "prompts": "p",
    "shots": 0,
    "limit": None,
    "lm_eval": "0.4.13",
    "mlbench": "0.1.0",
    "mode": "packed",
    "given_up": [],
}
WANTED = Signature(**{**OF_0_1_0, "given_up": None, "mode": None, "mlbench": "0.2.0"})


def test_the_roles_of_the_parts():
    told = set(Signature.__dataclass_fields__) - set(parts_of(AGAIN)) - set(parts_of(SHARED))
    assert told == {"data_revision", "verify", "mode", "given_up", "mlbench"}
    assert set(parts_of(ASKED)) < set(parts_of(AGAIN))
    assert set(parts_of(SHARED)) == {
        "family",
        "family_version",
        "language",
        "shots",
        "limit",
        "looks",
        "data_sha256",
        "prompts",
        "chat",
    }
    assert {"dtype", "engine", "backend", "overflow", "lm_eval", "mlbench"} < set(parts_of(ALIKE))


@pytest.mark.parametrize("part", parts_of(AGAIN))
def test_another_value_of_a_part_is_another_cell(part):
    other = replace(WANTED, **{part: "another"})
    assert WANTED.same_cell(other) == (part,)
    assert WANTED.digest != other.digest


@pytest.mark.parametrize("part", ["data_revision", "verify", "mode", "given_up", "mlbench"])
def test_what_is_only_told_changes_no_cell_and_no_pair(part):
    other = replace(WANTED, **{part: ("another",)})
    assert WANTED.same_cell(other) == WANTED.comparable(other) == ()
    assert WANTED.digest == other.digest


def test_two_models_are_compared_on_the_same_docs_and_prompts():
    other = replace(WANTED, model="n", weights="x", dtype="bfloat16", engine="hf", lm_eval="1")
    assert WANTED.comparable(other) == ()
    assert WANTED.comparable(replace(other, prompts="q", limit=4)) == ("limit", "prompts")


def test_a_signature_is_printed_part_by_part():
    assert "|limit:50|looks:50,100,204|" in str(replace(WANTED, limit=50, looks=(50, 100, 204)))
    text = str(replace(WANTED, given_up=("packed differs", "kv2 raises")))
    assert text.startswith("family:sib200_lm|version:1|language:sw|shots:0|data:d|")
    assert text.endswith(
        "|verify:0|given up:packed differs,kv2 raises|lm-eval:0.4.13|mlbench:0.2.0"
    )
    assert WANTED.short == WANTED.digest[:8] and len(WANTED.digest) == 16


def test_a_digest_is_the_same_in_every_version():
    """It stands in run.json: a new version that made others would make every cell changed."""
    assert WANTED.digest == "d7b687546a0d87c7"


def test_a_cell_that_gets_more_docs_at_its_next_look_is_the_planned_one():
    looks = (50, 100, 204)
    first, second = (replace(WANTED, limit=n, looks=looks) for n in (50, 100))
    assert first.digest == second.digest != replace(first, looks=(100, 204)).digest
    assert first.same_cell(second) == first.comparable(second) == ("limit",)
    assert replace(WANTED, limit=50).digest != replace(WANTED, limit=100).digest


def test_a_signature_reads_as_its_stated_parts():
    signature = Signature(model="m", shots=0, given_up=())
    assert dict(signature) == {"shots": 0, "model": "m", "given_up": ()}
    assert signature.get("weights") is None and "weights" not in signature
    assert read_signature(json.loads(json.dumps(dict(signature)))) == signature


def write_0_1_0(folder, signature):
    """Write a cell and a manifest as version 0.1.0 did."""
    path = store.cell_path(folder, "m", CELL)
    path.parent.mkdir(parents=True)
    scores = {"bits": Score("bits", 1.0, 1, math.nan)}
    samples = (TextSample("d", "c", -1.0, 3),)
    store.put(path, store.CellResult(CELL, WANTED, scores, {}, samples))
    table = pq.read_table(path)
    meta = json.loads(table.schema.metadata[b"mlbench"])
    meta["signature"] = signature
    del meta["format"]
    metadata = {b"mlbench": json.dumps(meta).encode()}
    pq.write_table(
        pa.table(table.to_pydict(), table.schema).replace_schema_metadata(metadata), path
    )
    manifest = {
        "mlbench": "0.1.0",
        "created": "2026-11-28T00:00:00+00:00",
        "models": {"m": {"slug": "m"}},
        "families": {"sib200_lm": family_facts(read_families()["sib200_lm"])},
        "languages": {"sw": asdict(read_languages()["sw"])},
        "cells": {"m": {"sib200_lm": {"0": ["sw"]}}},
        "no_data": {},
    }
    (folder / "run.json").write_text(json.dumps(manifest), encoding="utf-8")
    return path


def state_of(folder, path, signature):
    family, language = read_families()["sib200_lm"], read_languages()["sw"]
    prepared = Prepared(family, language, FamilyDocs(()), "", "")
    plan = Plan(folder, (PlannedCell(CELL, None, prepared, path, signature),), {})
    return find_states(plan).cells[0].state


def test_a_cell_of_0_1_0_is_done_as_it_is(tmp_path):
    path = write_0_1_0(tmp_path, OF_0_1_0)
    assert state_of(tmp_path, path, WANTED) == "done"
    assert state_of(tmp_path, path, replace(WANTED, weights="w")) == "changed"
    run = read_run(tmp_path)
    assert run.state(CELL) == "done" and run.done[CELL].signature.mode == "packed"


def test_a_dtype_that_0_1_0_signed_for_another_backend_was_never_passed(tmp_path):
    vllm = {**OF_0_1_0, "backend": "vllm", "dtype": "float16"}
    path = write_0_1_0(tmp_path, vllm)
    assert state_of(tmp_path, path, replace(WANTED, backend="vllm", dtype=None)) == "done"


def test_a_cell_of_a_newer_mlbench_is_refused_with_what_to_type(tmp_path):
    path = write_0_1_0(tmp_path, {**OF_0_1_0, "chat_template": "x"})
    before = path.read_bytes()
    for read in (lambda: read_run(tmp_path), lambda: state_of(tmp_path, path, WANTED)):
        with pytest.raises(NewerStoreError, match="'chat_template'.*pip install --upgrade"):
            read()
    assert path.read_bytes() == before
