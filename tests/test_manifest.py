"""What is in run.json is checked before it is believed; what is lost of it is made again."""

import copy
import json
import shutil
from dataclasses import fields, replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from test_cli import refused, run_cli
from test_damage import result_of

from mlbench import store
from mlbench.data.languages import read_languages
from mlbench.errors import NewerStoreError, StoreError
from mlbench.families import read_families
from mlbench.records import Cell, Language
from mlbench.store import form
from mlbench.store.folder import BACKUP
from mlbench.store.manifest import (
    Contents,
    add_to_manifest,
    family_facts,
    read_manifest,
    save_manifest,
)
from mlbench.store.read import read_run
from mlbench.store.repair import ASIDE, repair_run

TAGS = ("en", "sw")
FAMILIES = ("cldr_terms", "cldr_plural")
MODELS = ("demo-polyglot", "demo-anglo")


def facts_of(name):
    return family_facts(read_families()[name]) | {"metrics": ["acc"]}


def add_cells(folder: Path, models=MODELS, families=FAMILIES, **signature) -> list[Cell]:
    """Put a cell of each model, family and language in a run, and plan it."""
    cells = [Cell(m, f, tag, 0) for m in models for f in families for tag in TAGS]
    digests = {}
    for cell in cells:
        result = result_of(cell, family_version=2, **signature)
        digests[cell] = result.signature.digest
        store.put(store.cell_path(folder, cell.model, cell), result)
    facts = {name: facts_of(name) for name in families}
    languages = [read_languages()[tag] for tag in TAGS]
    slugs = {name: {"slug": name, "licence": "MIT"} for name in models}
    add_to_manifest(
        folder, Contents(slugs, facts, cells, languages, {"f": {"yo": "none"}}, digests)
    )
    return cells


@pytest.fixture
def run() -> Path:
    """Return a run of two models, two families and two languages."""
    add_cells(Path("runs/r"))
    return Path("runs/r")


def as_0_1_0(run: Path) -> None:
    """Make a run's files such as version 0.1.0 wrote: no seal, no format, no digests, no copy."""
    content = read_manifest(run)
    for key in ("format", "signatures"):
        content.pop(key)
    (run / store.MANIFEST).write_text(json.dumps(content), encoding="utf-8")
    (run / BACKUP).unlink()
    for path in run.glob("[!.]*/*/*/*.parquet"):
        table = pq.read_table(path)
        meta = json.loads(table.schema.metadata[b"mlbench"])
        meta.pop("format")
        pq.write_table(table.replace_schema_metadata({b"mlbench": json.dumps(meta)}), path)


def edited(run: Path, edit) -> dict:
    content = copy.deepcopy(read_manifest(run))
    edit(content)
    return content


WRONG = {
    "no models": lambda c: c.pop("models"),
    "no cells": lambda c: c.pop("cells"),
    "no no_data": lambda c: c.pop("no_data"),
    "no created": lambda c: c.pop("created"),
    "created": lambda c: c.update(created="yesterday"),
    "models": lambda c: c.update(models=[]),
    "facts": lambda c: c["models"].update({MODELS[0]: None}),
    "no slug": lambda c: c["models"][MODELS[0]].pop("slug"),
    "chance": lambda c: c["families"]["cldr_terms"].update(chance="x"),
    "chance of 1": lambda c: c["families"]["cldr_terms"].update(chance=1.0),
    "metrics": lambda c: c["families"]["cldr_terms"].update(metrics=[]),
    "is_parallel": lambda c: c["families"]["cldr_terms"].update(is_parallel="yes"),
    "shots": lambda c: c["cells"][MODELS[0]]["cldr_terms"].update({"abc": ["en"]}),
    "negative shots": lambda c: c["cells"][MODELS[0]]["cldr_terms"].update({"-1": ["en"]}),
    "cells of a string": lambda c: c["cells"][MODELS[0]].update(cldr_terms="en"),
    "language in cells": lambda c: c["cells"][MODELS[0]]["cldr_terms"]["0"].append("yo"),
    "family in cells": lambda c: c["cells"][MODELS[0]].update(other={"0": ["en"]}),
    "model in cells": lambda c: c["cells"].update(other={"cldr_terms": {"0": ["en"]}}),
    "language key lacks": lambda c: c["languages"]["en"].pop("script"),
    "direction": lambda c: c["languages"]["en"].update(direction="up"),
    "tag": lambda c: c["languages"]["en"].update(tag="fr"),
    "digest": lambda c: c["signatures"][MODELS[0]]["cldr_terms"]["0"].update(en="none"),
    "format 0": lambda c: c.update(format=0),
    "format word": lambda c: c.update(format="2"),
    "slug up": lambda c: c["models"][MODELS[0]].update(slug="../other/demo-anglo"),
    "slug root": lambda c: c["models"][MODELS[0]].update(slug="/etc"),
    "slug folder": lambda c: c["models"][MODELS[0]].update(slug="a/b"),
    "slug windows": lambda c: c["models"][MODELS[0]].update(slug="a\\b"),
    "slug drive": lambda c: c["models"][MODELS[0]].update(slug="c:x"),
    "slug dots": lambda c: c["models"][MODELS[0]].update(slug=".."),
    "slug docs": lambda c: c["models"][MODELS[0]].update(slug=".docs"),
    "slug empty": lambda c: c["models"][MODELS[0]].update(slug=""),
    "slug nul": lambda c: c["models"][MODELS[0]].update(slug="a\0b"),
    "family up": lambda c: (
        c["families"].update({"../x": facts_of("cldr_terms")}),
        c["cells"][MODELS[0]].update({"../x": {"0": ["en"]}}),
    ),
    "tag up": lambda c: (
        c["languages"].update({"../en": {**c["languages"]["en"], "tag": "../en"}}),
        c["cells"][MODELS[0]]["cldr_terms"]["0"].append("../en"),
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_manifest_that_is_not_as_we_write_it_is_one_sentence(run, capsys, name):
    content = edited(run, WRONG[name])
    (run / store.MANIFEST).write_text(json.dumps({**content, "seal": None}), encoding="utf-8")
    before = {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()}
    for command in (("list", "cells", "r"), ("report", "r"), ("export", "r", "--format", "csv")):
        message = refused(capsys, *command)
        assert "runs/r/run.json is damaged (" in message
        assert "Type: mlbench repair r" in message
    assert before == {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    "text",
    ["", "null", "[]", "{}", "7", '"x"', "{", "[" * 100_000, "\ufeff{}", '{"format": 1e999}'],
)
def test_what_is_no_manifest_is_one_sentence(run, capsys, text):
    (run / store.MANIFEST).write_text(text, encoding="utf-8")
    message = refused(capsys, "list", "cells", "r")
    assert "is damaged (" in message and "Type: mlbench repair r" in message
    (run / store.MANIFEST).write_bytes(b"\xff\xfe" + text.encode())
    assert "is damaged (" in refused(capsys, "list", "cells", "r")


@pytest.mark.parametrize("number", [4, 99])
def test_a_newer_format_is_refused_whatever_else_it_holds(run, capsys, number):
    (run / store.MANIFEST).write_text(json.dumps({"format": number}), encoding="utf-8")
    for command in (
        ("list", "cells", "r"),
        ("repair", "r"),
        ("verdict", "r", "--a", "x", "--b", "y"),
    ):
        message = refused(capsys, *command)
        assert f"has format {number}" in message and "pip install --upgrade mlbench" in message
    with pytest.raises(NewerStoreError):
        read_run("r")


def test_keys_that_this_version_does_not_know_are_kept_and_not_looked_at(run):
    def add(content):
        content["news"] = {"x": 1}
        content["languages"]["en"]["tone"] = "flat"
        content["families"]["cldr_terms"]["colour"] = "blue"

    save_manifest(run, edited(run, add))
    found = read_run("r")
    assert len(found.done) == 8 and found.languages["en"] == read_languages()["en"]
    add_cells(run, families=("cldr_timespan",))
    content = read_manifest(run)
    assert content["news"] == {"x": 1} and content["families"]["cldr_terms"]["colour"] == "blue"


def test_a_manifest_of_0_1_0_is_read_and_gets_a_seal_at_the_next_change(run):
    as_0_1_0(run)
    assert len(read_run("r").done) == 8
    add_cells(run, models=("third",))
    assert read_manifest(run)["format"] == 3 and len(read_run("r").done) == 12


def test_a_copy_is_kept_at_each_change_and_nothing_is_written_without_one(run):
    for models in (MODELS, ("third",)):
        add_cells(run, models=models)
        assert (run / BACKUP).read_bytes() == (run / store.MANIFEST).read_bytes()
    before = {path: path.stat().st_mtime_ns for path in run.glob("run.json*")}
    add_to_manifest(run, Contents({}, {}, (), ()))
    assert before == {path: path.stat().st_mtime_ns for path in run.glob("run.json*")}


def state_of(run: Path):
    found = read_run(run)
    return found.created, found.planned, found.models, found.families, found.no_data, found.done


@pytest.mark.parametrize("text", ["", "null", '{"mlbench": "0.1.0"}', None])
def test_repair_brings_back_all_that_the_manifest_said(run, capsys, text):
    before = state_of(run)
    if text is None:
        (run / store.MANIFEST).unlink()
        assert "Its cells are: type mlbench repair r" in refused(capsys, "list", "cells", "r")
    else:
        (run / store.MANIFEST).write_text(text, encoding="utf-8")
    code, out, _ = run_cli(capsys, "repair", "r")
    assert code == 0 and "made again from run.json.bak; 8 cells known, 0 put back" in out
    assert state_of(run) == before
    if text is not None:
        assert (run / ASIDE).read_text(encoding="utf-8") == text and str(run / ASIDE) in out


def test_repair_without_a_copy_takes_the_cells_own_word(run, capsys):
    add_cells(run, families=("cldr_terms",), prompts="later")
    before = read_run(run)
    for name in (BACKUP, store.MANIFEST):
        (run / name).write_text("{}", encoding="utf-8")
    code, out, _ = run_cli(capsys, "repair", "r")
    assert code == 0 and "made again from the cells alone; 0 cells known, 8 put back" in out
    found = read_run(run)
    assert set(found.done) == set(before.done) and not found.changed
    assert found.languages == before.languages
    assert found.families == {name: family_facts(read_families()[name]) for name in FAMILIES}
    assert found.models["demo-polyglot"]["organisation"] and not found.damaged


def test_repair_puts_back_cells_that_a_deleted_manifest_hid(run, capsys):
    """Who once deleted run.json and repeated one of several commands."""
    for name in (BACKUP, store.MANIFEST):
        (run / name).unlink()
    add_cells(run, models=MODELS[:1], families=FAMILIES[:1])
    assert len(read_run(run).done) == 2
    _, out, _ = run_cli(capsys, "repair", "r")
    assert "run.json is whole; 2 cells known, 6 put back" in out and len(read_run(run).done) == 8


def test_repair_guesses_nothing_and_names_what_it_leaves_out(run, capsys):
    strange = Cell("m", "quiz", "en", 0)
    store.put(store.cell_path(run, "m", strange), result_of(strange))
    old = Cell(MODELS[0], "cldr_timespan", "en", 0)
    store.put(store.cell_path(run, old.model, old), result_of(old, family_version=1))
    moved = Cell(MODELS[0], "cldr_terms", "sw", 0)
    place = store.cell_path(run, MODELS[0], Cell("", "cldr_terms", "hi", 0))
    shutil.copy(store.cell_path(run, moved.model, moved), place)
    cut = store.cell_path(run, MODELS[0], Cell("", "cldr_terms", "ru", 0))
    cut.write_bytes(place.read_bytes()[:-9])
    _, out, _ = run_cli(capsys, "repair", "r")
    lines = [line for line in out.splitlines() if "not put back" in line]
    assert len(lines) == 4 and len(read_run(run).planned) == 8
    assert "nothing is known of family 'quiz'" in out and "Repeat the import" in out
    assert "nothing is known of family 'cldr_timespan', version 1" in out
    assert "it is a cell of 'demo-polyglot', 'cldr_terms' in 'sw'" in out
    assert "is damaged" in out


def test_repair_of_a_run_of_0_1_0_brings_back_every_model_and_cell(run, capsys):
    as_0_1_0(run)
    before = read_run(run)
    (run / store.MANIFEST).unlink()
    code, out, _ = run_cli(capsys, "repair", "r")
    assert code == 0 and "made again from the cells alone; 0 cells known, 8 put back" in out
    found = read_run(run)
    assert found.done == before.done and len(found.done) == 8 and not found.damaged
    assert set(found.models) == set(MODELS) and set(found.families) == set(FAMILIES)


def test_repair_takes_a_language_from_the_run_or_its_file_or_names_it(run, capsys):
    known = replace(read_languages()["en"], tag="qaa")
    for tag in ("qaa", "qab"):
        cell = Cell(MODELS[0], "cldr_terms", tag, 0)
        place = store.cell_path(run, cell.model, cell)
        store.put(place, result_of(cell, family_version=2))
    add_to_manifest(run, Contents({}, {}, (), [known]))
    (run / store.MANIFEST).unlink()
    _, out, _ = run_cli(capsys, "repair", "r")
    assert "run.json.bak; 8 cells known, 1 put back" in out
    assert "no language 'qab' in languages.yaml. Set MLBENCH_LANGUAGES to your file" in out
    found = read_run(run)
    assert len(found.done) == 9 and found.languages["qaa"] == known


def test_repair_keeps_a_damaged_cell_as_one(run, capsys):
    cell = Cell(MODELS[0], "cldr_terms", "sw", 0)
    path = store.cell_path(run, cell.model, cell)
    path.write_bytes(path.read_bytes()[:-9])
    (run / store.MANIFEST).unlink()
    _, out, _ = run_cli(capsys, "repair", "r")
    assert f"not put back: {path}: is damaged (" in out and "makes it again" in out
    assert read_run(run).counts["damaged"] == 1 and len(read_run(run).done) == 7


def test_repair_brings_back_a_failure_as_one(run):
    cell = Cell(MODELS[0], "cldr_timespan", "en", 0)
    signature = store.Signature(family="cldr_timespan", family_version=2)
    place = store.cell_path(run, cell.model, cell)
    store.put_failed(place, store.FailedCell(cell, "out of memory", "", signature))
    assert repair_run("r").added == (cell,)
    assert read_run(run).state(cell) == "failed"


def test_there_is_nothing_to_repair_where_there_is_no_run(run, capsys):
    assert "no run 'none'" in refused(capsys, "repair", "none")
    assert not Path("runs/none").exists()
    with store.lock_run(run):
        assert "another mlbench is writing" in refused(capsys, "repair", "r")


def test_an_import_again_brings_back_what_repair_could_not(run, tmp_path, capsys):
    table = tmp_path / "cache" / "t.csv"
    table.parent.mkdir()
    lines = "model,family,language,doc_id,score,chance\nm,quiz,en,1,1,0.5\nm,quiz,en,2,0,0.5\n"
    table.write_text(lines, encoding="utf-8")
    arguments = ("import", "csv", str(table), "--run", "q")
    run_cli(capsys, *arguments)
    for name in (BACKUP, store.MANIFEST):
        Path("runs/q", name).unlink()
    assert "Repeat the import" in run_cli(capsys, "repair", "q")[1]
    assert run_cli(capsys, *arguments)[0] == 0
    assert len(read_run("q").done) == 1


def files_of(run: Path) -> set[str]:
    return {str(p.relative_to(run)) for p in run.rglob("*") if p.is_file() and p.name != store.LOCK}


def test_forget_says_first_and_deletes_when_told(run, capsys):
    before = files_of(run)
    arguments = ("forget", "r", "--models", "demo-anglo")
    code, out, _ = run_cli(capsys, *arguments)
    assert code == 0 and "2 cells: cldr_terms of demo-anglo" in out
    assert "nothing is deleted yet" in out and files_of(run) == before
    code, out, _ = run_cli(capsys, *arguments, "--yes")
    assert code == 0 and "4 cells are gone" in out
    assert files_of(run) == {name for name in before if not name.startswith("demo-anglo")}
    found = read_run(run)
    assert list(found.models) == ["demo-polyglot"] and len(found.done) == 4
    assert set(found.families) == set(FAMILIES) and set(found.languages) == set(TAGS)
    assert not (run / "demo-anglo").exists()
    assert "no model 'demo-anglo'" in refused(capsys, *arguments, "--yes")
    assert run_cli(capsys, "repair", "r")[0] == 0 and len(read_run(run).planned) == 4


def test_forget_takes_away_a_family_or_a_language_and_what_nobody_needs_any_more(run, capsys):
    run_cli(capsys, "forget", "r", "--families", "cldr_plural", "--yes")
    run_cli(capsys, "forget", "r", "--languages", "sw", "--models", *MODELS, "--yes")
    found = read_run(run)
    assert list(found.families) == ["cldr_terms"] and list(found.languages) == ["en"]
    assert found.planned == tuple(Cell(model, "cldr_terms", "en", 0) for model in MODELS)
    assert len(found.done) == 2


def test_forget_refuses_what_is_not_there_and_all_that_is(run, capsys):
    before = files_of(run)
    assert "no family 'cldr_term'" in refused(capsys, "forget", "r", "--families", "cldr_term")
    assert "all 8 cells" in refused(capsys, "forget", "r", "--yes")
    with store.lock_run(run):
        message = refused(capsys, "forget", "r", "--models", MODELS[0], "--yes")
        assert "another mlbench is writing" in message
    assert files_of(run) == before


def test_forget_stopped_half_way_goes_on(run, capsys, monkeypatch):
    """The files go first, so the rest is still planned."""
    from mlbench.store import forget

    def full(*_):
        raise StoreError("cannot write run.json: No space left on device")

    arguments = ("forget", "r", "--models", "demo-anglo", "--yes")
    with monkeypatch.context() as patch:
        patch.setattr(forget, "save_manifest", full)
        assert "No space left" in refused(capsys, *arguments)
    assert read_run(run).state(Cell("demo-anglo", "cldr_terms", "en", 0)) == "missing"
    assert run_cli(capsys, *arguments)[0] == 0 and len(read_run(run).planned) == 4


def test_the_form_of_a_language_has_the_fields_of_a_language():
    """It is written again there to let keys of later versions pass, which a record does not."""
    assert list(form._Language.model_fields) == [field.name for field in fields(Language)]
