"""A score of an earlier plan is never shown as done, and a failure never hides behind one."""

import json
from dataclasses import replace

import pytest
from conftest import SCRIPTS
from test_cli import refused, run_cli
from test_runner import SETTINGS, plan_of, states

from mlbench import store
from mlbench.measures import TextSample, cell_score
from mlbench.records import Cell
from mlbench.report.tables import table_from_run
from mlbench.runner.local import run
from mlbench.store.manifest import read_manifest
from mlbench.store.read import SCORED_EARLIER, read_run

SAMPLES = (TextSample("d", "c", -1.0, 3),)
SCORES = {"bits": cell_score(SAMPLES, "bits")}


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "runs" / "r"


@pytest.mark.slow
def test_a_cell_of_other_weights_is_changed_until_it_is_scored_again(sib200, checkpoint, folder):
    list(run(plan_of(folder, checkpoint), SETTINGS))
    later = plan_of(folder, checkpoint, replace(SETTINGS, overflow="truncate"))
    found = read_run(folder)
    assert not found.done and set(found.changed) == set(found.planned)
    list(run(replace(later, cells=later.cells[:1]), SETTINGS))
    found = read_run(folder)
    assert [found.state(cell) for cell in found.planned] == ["done", "changed"]
    assert found.reason(found.planned[1]) == SCORED_EARLIER


def test_the_page_and_the_list_say_why_a_changed_cell_has_no_score(
    sib200, checkpoint, folder, capsys
):
    list(run(plan_of(folder, checkpoint), SETTINGS))
    plan_of(folder, checkpoint, replace(SETTINGS, dtype="bfloat16"))
    views = table_from_run(read_run(folder)).cells.values()
    assert {(view.state, view.reason) for view in views} == {("missing", SCORED_EARLIER)}
    _, out, _ = run_cli(capsys, "list", "cells", str(folder))
    assert "2 planned cells: 0 done, 2 changed, 0 failed" in out
    assert out.count("scored under an earlier plan") == 2


def test_a_failure_is_newer_than_the_result_beside_it(tmp_path):
    cell, path = Cell("m", "f", "en", 0), tmp_path / "en.parquet"
    old, new = store.Signature(prompts="old"), store.Signature(prompts="new")
    store.put(path, store.CellResult(cell, old, SCORES, {}, SAMPLES))
    store.put_failed(path, store.FailedCell(cell, "out of memory", "trace", new))
    assert store.get(path) == store.FailedCell(cell, "out of memory", "trace", new)
    store.put(path, store.CellResult(cell, new, SCORES, {}, SAMPLES))
    assert store.get(path).signature == new


def test_a_run_without_digests_is_read_as_before(sib200, checkpoint, folder):
    list(run(plan_of(folder, checkpoint), SETTINGS))
    manifest = read_manifest(folder)
    assert manifest["signatures"]
    plan_of(folder, checkpoint, replace(SETTINGS, overflow="truncate"))
    of_0_1_0 = {k: v for k, v in manifest.items() if k not in ("signatures", "format")}
    (folder / "run.json").write_text(json.dumps(of_0_1_0), encoding="utf-8")
    assert len(read_run(folder).done) == 2


def test_an_import_keeps_digests_too(tmp_path, capsys):
    table = tmp_path / "cache" / "scores.csv"
    table.parent.mkdir()
    line = "model,family,language,doc_id,score,chance\n"
    table.write_text(line + "m,f,en,1,1,0.5\nm,f,en,2,0,0.5\n", encoding="utf-8")
    assert run_cli(capsys, "import", "csv", str(table), "--run", "r")[0] == 0
    assert len(read_manifest(store.find_run("r"))["signatures"]["m"]["f"]["0"]["en"]) == 16
    assert len(read_run("r").done) == 1
    with store.lock_run(store.find_run("r")):
        arguments = ("import", "csv", str(table), "--run", "r")
        assert "another mlbench is writing" in refused(capsys, *arguments)


def arguments_of(checkpoint, *more):
    families = ("--families", "sib200_lm", "--languages", "en", "ar")
    return ("run", "--models", str(checkpoint), *families, "--run", "r", *more)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("option", "differing"),
    [
        (("--limit", "4"), "limit none there, 4 now"),
        (("--dtype", "bfloat16"), "dtype 'float32' there, 'bfloat16' now"),
        (("--engine", "hf"), "engine 'packed' there, 'hf' now"),
    ],
)
def test_finished_cells_are_not_lost_to_another_way_of_asking(
    sib200, checkpoint, capsys, option, differing
):
    run_cli(capsys, *arguments_of(checkpoint))
    before = {p: p.read_bytes() for p in store.RUNS.rglob("*") if p.is_file()}
    message = refused(capsys, *arguments_of(checkpoint, *option))
    assert "2 of 2 finished cells in runs/r would be lost" in message
    assert differing in message and "--run NAME" in message and "--replace" in message
    assert before == {p: p.read_bytes() for p in store.RUNS.rglob("*") if p.is_file()}
    _, out, _ = run_cli(capsys, "plan", *arguments_of(checkpoint, *option)[1:])
    assert "2 changed" in out and "would be lost" in out
    code, out, _ = run_cli(capsys, *arguments_of(checkpoint, *option, "--replace"))
    assert code == 0 and "Done: 2 cells" in out
    assert len(read_run("r").done) == 2


@pytest.mark.slow
def test_a_checkpoint_trained_on_in_its_folder_is_scored_again_unasked(
    sib200, checkpoint, other_checkpoint, capsys, tmp_path
):
    import shutil

    place = tmp_path / "model"
    shutil.copytree(checkpoint, place)
    run_cli(capsys, *arguments_of(place))
    shutil.copy(other_checkpoint / "model.safetensors", place)
    code, out, _ = run_cli(capsys, *arguments_of(place))
    assert code == 0 and "changed: finished with other weights, so scored again" in out
    assert "Done: 2 cells" in out


@pytest.mark.slow
def test_cells_of_a_trial_are_scored_again_in_full_only_with_replace(sib200, checkpoint, capsys):
    run_cli(capsys, *arguments_of(checkpoint, "--limit", "2"))
    assert "limit 2 there, none now" in refused(capsys, *arguments_of(checkpoint))


@pytest.mark.slow
def test_a_run_of_other_languages_replaces_nothing(sib200, checkpoint, capsys):
    run_cli(capsys, *arguments_of(checkpoint))
    others = ",".join(tag for tag in SCRIPTS if tag not in ("en", "ar"))
    more = ("--languages", others, "--limit", "2")
    assert run_cli(capsys, *arguments_of(checkpoint, *more))[0] == 2  # en and ar are asked for too
    words = [a for a in arguments_of(checkpoint) if a not in ("en", "ar", "--languages")]
    assert run_cli(capsys, *words, *more)[0] == 0


@pytest.mark.slow
def test_states_of_a_plan_follow_the_digest(sib200, checkpoint, folder):
    list(run(plan_of(folder, checkpoint), SETTINGS))
    assert states(plan_of(folder, checkpoint, replace(SETTINGS, verify=3))) == ["done", "done"]
    assert len(read_run(folder).done) == 2
