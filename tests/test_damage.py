"""A file that is not what was written is found, whatever byte changed; nothing is read wrongly.

Every byte of small files is inverted, and every bit of it flipped in turn, one at a time.
"""

import json
import math
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from mlbench import store
from mlbench.data.languages import read_languages
from mlbench.data.prepare import hash_prompts, prepare
from mlbench.errors import MlbenchError, NewerStoreError, StoreError
from mlbench.families import read_families
from mlbench.files import UNSEALED, is_whole, seal
from mlbench.measures import ChoiceSample, TextSample, cell_score
from mlbench.models.weights import _digest_file
from mlbench.records import Cell, ChoiceDoc
from mlbench.store.cells import sealed_parquet
from mlbench.store.manifest import Contents, add_to_manifest, family_facts, read_manifest
from mlbench.store.read import read_run
from mlbench.store.texts import FOLDER, keep_texts, read_texts

CELL = Cell("org/model", "cldr_terms", "sw", 5)
SAMPLES = (
    ChoiceSample("1", "a:1", 1, ("科学", "тема", "موضوع"), (-1.5, -0.1, -3.0), (-1.0,) * 3),
    ChoiceSample("2", "a:2", 0, ("x", "y", "z"), (-1.5, -math.inf, -3.0), (-2.0,) * 3),
)


def result_of(cell=CELL, samples=SAMPLES, **signature):
    scores = {"acc": cell_score(samples, "acc")}
    usage = {"n_requests": 3, "n_tokens": 12, "n_truncated": 0, "seconds": 0.25}
    parts = store.Signature(family=cell.family, language=cell.language, **signature)
    return store.CellResult(cell, parts, scores, usage, samples)


def changed(content: bytes, step: int = 1) -> Iterator[bytes]:
    """Yield the content with each byte inverted, then with one of its bits flipped in turn."""
    for place in range(0, len(content), step):
        for mask in (0xFF, 1 << place % 8):
            yield content[:place] + bytes([content[place] ^ mask]) + content[place + 1 :]


def test_every_changed_byte_of_a_cell_is_found(tmp_path):
    path = tmp_path / "a.parquet"
    store.put(path, result_of())
    for content in changed(path.read_bytes()):
        path.write_bytes(content)
        with pytest.raises(StoreError, match="is damaged.*makes it again"):
            store.get(path)


def test_every_changed_byte_of_a_failure_is_found(tmp_path):
    path = tmp_path / "a.parquet"
    store.put_failed(path, store.FailedCell(CELL, "boom\ud800", "trace", store.Signature()))
    record = tmp_path / "a.failed.json"
    for content in changed(record.read_bytes()):
        record.write_bytes(content)
        with pytest.raises(StoreError, match="is damaged"):
            store.get(path)


def test_a_cell_without_a_seal_is_read_unless_it_must_have_one(tmp_path):
    """A file of an earlier version has none; one of this version has lost it."""
    path = tmp_path / "a.parquet"
    store.put(path, result_of())
    table = pq.read_table(path)
    meta = json.loads(table.schema.metadata[b"mlbench"])
    bare = table.replace_schema_metadata({b"mlbench": json.dumps(meta).encode()})
    pq.write_table(bare, path)
    with pytest.raises(StoreError, match="it is not what was written"):
        store.get(path)
    meta.pop("format")
    table = table.drop_columns(list(Cell._fields))
    earlier = table.replace_schema_metadata({b"mlbench": json.dumps(meta).encode()})
    pq.write_table(earlier, path, write_page_checksum=True)
    assert store.get(path, CELL) == result_of()
    for content in changed(path.read_bytes(), step=5):
        path.write_bytes(content)
        with suppress(MlbenchError):  # not all are found, and none is a stack trace
            store.get(path, CELL)


def test_a_cell_of_a_newer_format_is_not_ours_to_replace(tmp_path):
    path = tmp_path / "a.parquet"
    store.put(path, result_of())
    table = pq.read_table(path)
    meta = json.loads(table.schema.metadata[b"mlbench"]) | {"format": 4}
    path.write_bytes(sealed_parquet(table, {b"mlbench": json.dumps(meta).encode()}))
    with pytest.raises(NewerStoreError, match="has format 4.*pip install --upgrade mlbench"):
        store.get(path)


@pytest.fixture
def run(tmp_path) -> Path:
    """Return a run of one family, two languages and two models."""
    folder = tmp_path / "runs" / "r"
    facts = family_facts(read_families()["cldr_terms"]) | {"metrics": ["acc"]}
    languages = [read_languages()[tag] for tag in ("en", "sw")]
    cells = [
        Cell(model, name, tag, shots)
        for model in ("a", "b")
        for name in ("cldr_terms", "cldr_plural")
        for tag in ("en", "sw")
        for shots in (0, 5)
    ]
    results = {cell: result_of(cell) for cell in cells}
    for cell, result in results.items():
        store.put(store.cell_path(folder, cell.model, cell), result)
    digests = {cell: result.signature.digest for cell, result in results.items()}
    models = {name: {"slug": name} for name in ("a", "b")}
    families = {"cldr_terms": facts, "cldr_plural": facts}
    add_to_manifest(folder, Contents(models, families, cells, languages, {}, digests))
    assert set(read_run(folder).done) == set(cells)
    return folder


@pytest.mark.parametrize(
    "other",
    [
        Cell("b", "cldr_terms", "en", 0),
        Cell("a", "cldr_plural", "en", 0),
        Cell("a", "cldr_terms", "sw", 0),
        Cell("a", "cldr_terms", "en", 5),
    ],
)
def test_the_file_of_another_cell_is_damaged_and_says_whose_it_is(run, other):
    cell = Cell("a", "cldr_terms", "en", 0)
    shutil.copy(*(store.cell_path(run, c.model, c) for c in (other, cell)))
    found = read_run(run)
    assert set(found.damaged) == {cell}
    whose = f"{other.model!r}, {other.family!r} in {other.language!r}, {other.shots}-shot"
    assert f"it is the file of {whose}" in found.reason(cell)


def test_a_failure_of_another_cell_is_damaged_too(run):
    cell, other = Cell("a", "cldr_terms", "en", 0), Cell("b", "cldr_terms", "en", 0)
    place = store.cell_path(run, "a", cell)
    store.put_failed(place, store.FailedCell(other, "boom", "", store.Signature()))
    assert read_run(run).state(cell) == "damaged"


def test_a_sound_cell_of_another_plan_is_changed(run):
    cell = Cell("a", "cldr_terms", "en", 0)
    store.put(store.cell_path(run, "a", cell), result_of(cell, prompts="others"))
    assert read_run(run).state(cell) == "changed"


def texts_of(run, prepared):
    cell = Cell("m", prepared.family.name, prepared.language.tag, 0)
    samples = (TextSample("1", "1", -1.0, 10),)
    signature = store.Signature(data_sha256=prepared.sha256)
    return read_texts(run, store.CellResult(cell, signature, {}, {}, samples))


def test_every_changed_byte_of_texts_is_found_and_they_are_written_again(sib200, tmp_path):
    prepared = prepare(read_families()["sib200_lm"], read_languages()["ar"])
    keep_texts(tmp_path, prepared)
    (path,) = (tmp_path / FOLDER).rglob("*.texts")
    whole, texts = path.read_bytes(), texts_of(tmp_path, prepared)
    for content in changed(whole):
        path.write_bytes(content)
        with pytest.raises(StoreError, match="is damaged.*writes it again"):
            texts_of(tmp_path, prepared)
    keep_texts(tmp_path, prepared)
    assert path.read_bytes() == whole and texts_of(tmp_path, prepared) == texts


def test_texts_of_other_docs_are_damaged_and_say_whose_they_are(sib200, tmp_path):
    family = read_families()["sib200_lm"]
    arabic, hindi = (prepare(family, read_languages()[tag]) for tag in ("ar", "hi"))
    for prepared in (arabic, hindi):
        keep_texts(tmp_path, prepared)
    place = {path.name[:2]: path for path in (tmp_path / FOLDER).rglob("*.texts")}
    shutil.copy(place["hi"], place["ar"])
    with pytest.raises(StoreError, match="it is the file of sib200_lm in hi, docs"):
        texts_of(tmp_path, arabic)


def test_texts_of_an_earlier_version_are_read(sib200, tmp_path):
    prepared = prepare(read_families()["sib200_lm"], read_languages()["ar"])
    keep_texts(tmp_path, prepared)
    (path,) = (tmp_path / FOLDER).rglob("*.texts")
    texts = texts_of(tmp_path, prepared)
    table, former = pq.read_table(path), path.with_suffix(".parquet")
    pq.write_table(table.replace_schema_metadata(), former, compression="zstd")
    path.unlink()
    assert texts_of(tmp_path, prepared) == texts
    keep_texts(tmp_path, prepared)
    assert not path.is_file() and texts_of(tmp_path, prepared) == texts
    former.write_bytes(b"PAR1 cut short")
    keep_texts(tmp_path, prepared)
    assert not former.is_file() and texts_of(tmp_path, prepared) == texts


def test_every_changed_byte_of_a_manifest_is_refused_with_one_sentence(run):
    path = run / store.MANIFEST
    for content in changed(path.read_bytes()):
        path.write_bytes(content)
        with pytest.raises(StoreError, match="is damaged.*Type: mlbench repair ") as refusal:
            read_manifest(run)
        assert "\n" not in str(refusal.value)


def prepared_file(tmp_path: Path) -> Path:
    (path,) = (tmp_path / "cache" / "docs").rglob("*.json")
    return path


def shift_targets(content: dict) -> dict:
    for doc in content["scored"]:
        doc["target"] = (doc["target"] + 1) % len(doc["choices"])
    return content


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text[: len(text) // 2],
        lambda text: "{}",
        lambda text: "[]",
        lambda text: "null",
        lambda text: json.dumps(shift_targets(json.loads(text))),
        lambda text: json.dumps(shift_targets(json.loads(text)) | {"seal": None}),
        lambda text: json.dumps(json.loads(text) | {"scored": 7}),
        lambda text: json.dumps(json.loads(text) | {"reason": "no data"}),
        lambda text: json.dumps(json.loads(text) | {"revision": "another"}),
    ],
    ids=["half", "object", "list", "null", "targets", "bare", "types", "reason", "revision"],
)
def test_prepared_docs_that_are_not_what_was_written_are_made_again(tmp_path, spoil):
    family, language = read_families()["cldr_calendar"], read_languages()["sw"]
    first = prepare(family, language)
    path = prepared_file(tmp_path)
    whole = path.read_bytes()
    path.write_text(spoil(whole.decode()), encoding="utf-8")
    assert prepare(family, language) == first and path.read_bytes() == whole


def test_every_changed_byte_of_prepared_docs_is_found(tmp_path):
    prepare(read_families()["cldr_calendar"], read_languages()["sw"])
    whole = prepared_file(tmp_path).read_bytes()
    assert is_whole(whole)
    for content in changed(whole, step=7):
        assert is_whole(content) is not True


def test_prepared_docs_of_another_language_are_made_again(tmp_path):
    family, languages = read_families()["cldr_calendar"], read_languages()
    swahili = prepare(family, languages["sw"])
    path = prepared_file(tmp_path)
    path.rename(tmp_path / "sw.json")
    hindi = prepare(family, languages["hi"])
    shutil.copy(prepared_file(tmp_path), path)
    assert hindi.docs != swahili.docs and prepare(family, languages["sw"]) == swahili


def test_a_digest_of_prompts_tells_another_target():
    prepared = prepare(read_families()["cldr_calendar"], read_languages()["sw"])
    first = prepared.docs.scored[0]
    assert isinstance(first, ChoiceDoc)
    moved = replace(first, target=(first.target + 1) % len(first.choices))
    docs = replace(prepared.docs, scored=(moved, *prepared.docs.scored[1:]))
    assert hash_prompts(prepared, 0, None) != hash_prompts(replace(prepared, docs=docs), 0, None)


def test_a_seal_in_the_text_of_a_doc_is_not_taken_for_the_file_s(tmp_path):
    path = tmp_path / "a.parquet"
    sealed = seal(f"a text {UNSEALED}".encode()).decode()
    samples = tuple(replace(SAMPLES[0], doc_id=text) for text in (UNSEALED, sealed))
    store.put(path, result_of(samples=samples))
    assert store.get(path, CELL).samples == samples


@pytest.fixture
def large(tmp_path, monkeypatch):
    """Return a file that is large enough for its digest to be kept."""
    path = tmp_path / "model.safetensors"
    with path.open("wb") as file:
        file.truncate(64 * 2**20)
    return path


def test_large_weights_of_the_same_size_and_time_have_a_digest_of_their_own(large, tmp_path):
    import os

    before, stat = _digest_file(large), large.stat()
    other = tmp_path / "other"
    shutil.copy(large, other)
    with other.open("r+b") as file:
        file.write(b"other weights")
    os.replace(other, large)  # as rsync -t does
    os.utime(large, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert large.stat().st_mtime_ns == stat.st_mtime_ns
    assert _digest_file(large) != before


def test_a_kept_digest_that_is_cut_off_is_made_again(large, tmp_path):
    before = _digest_file(large)
    (kept,) = (tmp_path / "cache" / "digests").iterdir()
    kept.write_text(before[:9], encoding="utf-8")
    assert _digest_file(large) == before and kept.read_text(encoding="utf-8") == before
