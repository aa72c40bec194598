"""Finished cells are not lost to fewer docs or to other settings; what differs is said."""

from dataclasses import replace
from pathlib import Path

import pytest
from test_cli import refused, run_cli
from test_manifest import as_0_1_0

from mlbench import store
from mlbench.data.prepare import Prepared
from mlbench.errors import SelectionError
from mlbench.records import FamilyDocs
from mlbench.runner.command import do_work, prepare_work, select
from mlbench.runner.plan import find_states, refuse_replacing
from mlbench.settings import Settings
from mlbench.store.manifest import read_manifest
from mlbench.store.read import read_run
from mlbench.store.replacing import Replaced, name_changes, refuse_losses
from mlbench.store.signature import ASKED, Signature, parts_of

FIRST = Signature(limit=None, dtype="float32", engine="packed", lm_eval="0.4.13", weights="w1")


@pytest.mark.parametrize("part", parts_of(ASKED))
def test_another_setting_is_a_loss_and_is_said_old_to_new(part):
    earlier, wanted = replace(FIRST, **{part: "old"}), replace(FIRST, **{part: "new"})
    lost = Replaced(earlier, wanted, 4, 4)
    assert lost.losses == lost.changes == [f"{part} 'old' there, 'new' now"]
    with pytest.raises(SelectionError, match=rf"1 of 9 finished cells in r would be.*{part} 'old'"):
        refuse_losses(Path("r"), [lost], 9)


@pytest.mark.parametrize("part", ["weights", "lm_eval", "data_sha256", "prompts", "family_version"])
def test_what_changed_by_itself_is_said_and_is_no_loss(part):
    wanted = replace(FIRST, **{part: "new"})
    replaced = Replaced(replace(FIRST, **{part: "old"}), wanted, 4, 9)
    assert replaced.losses == [] and replaced.changes == [f"{part} 'old' there, 'new' now"]
    refuse_losses(Path("r"), [replaced], 9)


def test_fewer_docs_are_a_loss_whatever_made_them_fewer():
    wanted = replace(FIRST, data_sha256="other")
    with pytest.raises(SelectionError, match="docs 204 there, 50 now"):
        refuse_losses(Path("r"), [Replaced(FIRST, wanted, 204, 50)], 1)


def test_many_differences_are_named_once_each_and_counted():
    several = [
        Replaced(FIRST, replace(FIRST, weights=f"w{i}", lm_eval="0.5"), 1, 1) for i in range(2, 8)
    ]
    words = name_changes(several)
    assert words.startswith("weights 'w1' there, 'w2' now; lm_eval '0.4.13' there, '0.5' now; ")
    assert words.endswith("; and 3 more") and words.count("lm_eval") == 1


def work_of(checkpoint, **changes):
    settings = Settings(device="cpu", limit=3)
    chosen = select([str(checkpoint)], ["cldr_terms"], ["en"], None)
    from mlbench.data.prepare import prepare

    (prepared,) = (prepare(f, tag) for f in chosen.families for tag in chosen.languages)
    return prepare_work("r", chosen.models, [replace(prepared, **changes)], settings)


def cut(prepared: Prepared, n: int) -> FamilyDocs:
    return replace(prepared.docs, scored=prepared.docs.scored[:n])


@pytest.mark.slow
def test_a_data_set_that_lost_docs_does_not_replace_the_cell_of_all(checkpoint):
    whole = work_of(checkpoint)
    list(do_work(whole))
    (planned,) = whole.plan.cells
    fewer = work_of(checkpoint, docs=cut(planned.prepared, 2), sha256="f" * 64)
    with pytest.raises(SelectionError, match="docs 3 there, 2 now"):
        list(do_work(fewer))
    assert len(next(iter(read_run("r").done.values())).samples) == 3
    more = work_of(checkpoint, docs=cut(planned.prepared, 5), sha256="e" * 64)
    plan = find_states(more.plan)
    refuse_replacing(plan)
    assert "data_sha256" in name_changes(plan.replaced) and "docs" not in name_changes(
        plan.replaced
    )
    list(do_work(fewer, may_replace=True))
    assert len(next(iter(read_run("r").done.values())).samples) == 2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("part", "old", "new"), [("lm_eval", "0.4.1", "0.4."), ("weights", "w1", "")]
)
def test_plan_and_run_say_what_changed_by_itself(checkpoint, capsys, part, old, new):
    list(do_work(work_of(checkpoint)))
    run = read_run("r")
    ((cell, done),) = run.done.items()
    path = store.cell_path(run.folder, run.models[cell.model]["slug"], cell)
    store.put(path, replace(done, signature=replace(done.signature, **{part: old})))
    asked = ("--models", str(checkpoint), "--families", "cldr_terms", "--languages", "en")
    for command in ("plan", "run"):
        _, out, _ = run_cli(capsys, command, *asked, "--limit", "3", "--run", "r")
        assert f"so scored again ({part} '{old}' there, '{new}" in out


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--limit", "2"), "limit 3 there, 2 now; docs 3 there, 2 now"),
        (("--limit", "4"), "limit 3 there, 4 now"),
        (("--limit", "3", "--dtype", "bfloat16"), "dtype 'float32' there, 'bfloat16' now"),
        (("--limit", "3", "--engine", "hf"), "engine 'packed' there, 'hf' now"),
    ],
)
def test_plan_and_run_say_which_setting_differs_and_run_keeps_the_cells(
    checkpoint, capsys, options, words
):
    list(do_work(work_of(checkpoint)))
    before = {p: p.read_bytes() for p in store.RUNS.rglob("*") if p.is_file()}
    asked = ("--models", str(checkpoint), "--families", "cldr_terms", "--languages", "en")
    asked = (*asked, "--run", "r", *options)
    _, out, _ = run_cli(capsys, "plan", *asked)
    assert all(part in out for part in (*words.split("; "), "Refused by `mlbench run`: 1 of 1"))
    message = refused(capsys, "run", *asked)
    assert f"would be lost: they were scored otherwise ({words})" in message
    assert "1 of 1 finished cells in runs/r" in message and "or type --replace" in message
    assert before == {p: p.read_bytes() for p in store.RUNS.rglob("*") if p.is_file()}


@pytest.mark.slow
def test_a_run_of_0_1_0_is_planned_judged_and_drawn_as_it_is(checkpoint, other_checkpoint, capsys):
    models = (f"a={checkpoint}", f"b={other_checkpoint}")
    asked = ("--models", *models, "--families", "cldr_terms", "--languages", "en", "sw")
    asked = (*asked, "--limit", "20", "--run", "r", "--device", "cpu")
    code, _, err = run_cli(capsys, "run", *asked)
    assert code == 0, err
    judge = ("verdict", "r", "--a", "a", "--b", "b", "--json")
    verdict = run_cli(capsys, *judge)
    as_0_1_0(Path("runs/r"))
    before = {p: p.read_bytes() for p in store.RUNS.rglob("*.parquet")}
    assert run_cli(capsys, *judge) == verdict and verdict[0] == 0
    assert run_cli(capsys, "report", "r")[0] == 0
    code, out, _ = run_cli(capsys, "run", *asked)
    assert code == 0 and "4 cells (4 done)" in out
    assert before == {p: p.read_bytes() for p in store.RUNS.rglob("*.parquet")}
    assert read_manifest(Path("runs/r"))["format"] == 3


LINE = "model,family,language,doc_id,score,chance\n"


def write_table(path: Path, n_docs: int, score: int = 1) -> str:
    path.parent.mkdir(exist_ok=True)
    rows = (f"m,quiz,en,{i},{score},0.5\n" for i in range(n_docs))
    path.write_text(LINE + "".join(rows), encoding="utf-8")
    return str(path)


def test_an_import_of_fewer_docs_is_left_out_unless_replace_is_typed(tmp_path, capsys):
    table = tmp_path / "cache" / "t.csv"
    for n_docs, words in ((8, "1 new cells"), (9, "1 changed")):
        code, out, _ = run_cli(capsys, "import", "csv", write_table(table, n_docs), "--run", "r")
        assert code == 0 and words in out
    before = {p: p.read_bytes() for p in store.RUNS.rglob("*") if p.is_file()}
    _, message, _ = run_cli(capsys, "import", "csv", write_table(table, 4), "--run", "r")
    assert "nothing is imported" in message
    assert "4 docs, left out for the 9 docs that the run has" in message
    assert "or type --replace" in message
    assert before == {p: p.read_bytes() for p in store.RUNS.rglob("*") if p.is_file()}
    code, out, _ = run_cli(capsys, "import", "csv", str(table), "--run", "r", "--replace")
    assert code == 0 and "1 changed" in out
    assert [len(result.samples) for result in read_run("r").done.values()] == [4]
