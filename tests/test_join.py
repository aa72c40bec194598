"""Several runs are read as one, none is changed, and what cannot be joined is told."""

from dataclasses import replace
from pathlib import Path

import pytest
from report_toys import ARABIC, ENGLISH, HINDI, SWAHILI, TOPIC, ToyRun, choices
from test_cli import run_cli
from test_packing import contents

from mlbench import store
from mlbench.errors import SelectionError, StoreError
from mlbench.judge.run import judge_run
from mlbench.measures import cell_score
from mlbench.models.claimed import claimed_by
from mlbench.names import folder_name
from mlbench.records import Cell
from mlbench.report.page.page import render_page
from mlbench.report.tables import table_from_run
from mlbench.store.join import join_runs, read_runs
from mlbench.store.merge import merge_runs
from mlbench.store.read import Run, read_run

LANGUAGES = (ENGLISH, SWAHILI, HINDI, ARABIC)


def make(
    name: str, model: str = "m", accuracy: float = 0.7, *, families=None, shots: int = 0, **parts
) -> Path:
    """Store a run of one model on a family in four languages, signed with more parts."""
    families = families or {"topic": TOPIC}
    run = ToyRun(Path("runs") / name, families=families, languages=LANGUAGES)
    run.models[model] = {"slug": folder_name(model)}
    for family, facts in families.items():
        for i, language in enumerate(LANGUAGES):
            cell = Cell(model, family, language.tag, shots)
            samples = choices(accuracy, seed=i)
            signature = store.Signature(
                **{"family_version": facts["version"], "model": model, "weights": "w"} | parts
            )
            scores = {metric: cell_score(samples, metric) for metric in facts["metrics"]}
            found = store.CellResult(cell, signature, scores, {}, samples)
            store.put(run.plan(cell), found)
    return run.write()


def cells_of(run: Run) -> set[tuple[str, str, int]]:
    return {(cell.model, cell.language, cell.shots) for cell in run.done}


def test_models_of_two_runs_are_compared_and_neither_run_changes():
    folders = [make("laptop", "small", 0.3), make("cluster", "large", 0.9)]
    before = [contents(folder) for folder in folders]
    run = read_runs(["laptop", "cluster"])
    assert list(run.models) == ["small", "large"] and run.notes == ()
    assert (run.name, run.typed) == ("laptop+cluster", "laptop cluster")
    assert len(run.done) == len(run.planned) == 8 and run.is_complete
    verdict = judge_run(run, "large", "small")
    assert verdict["languages"] == ["ar", "en", "hi", "sw"]
    assert [contents(folder) for folder in folders] == before


def test_a_view_says_what_a_merged_run_says():
    for name, model, accuracy in (("a", "small", 0.3), ("b", "large", 0.9)):
        make(name, model, accuracy)
    merge_runs(["a", "b"], "all")
    merged, joined = (judge_run(run, "large", "small") for run in map(read_runs, (["all"], "ab")))
    assert merged == joined


def test_parts_of_one_model_are_one_model_and_what_is_finished_counts_first():
    make("a")
    folder = make("b")
    (folder / "m/topic/0/ar.parquet").unlink()
    run = read_runs(["b", "a", "./runs/a"])
    assert list(run.models) == ["m"] and run.notes == () and len(run.done) == 4
    assert len(run.parts) == 2 and run.state(Cell("m", "topic", "ar", 0)) == "done"


def test_one_run_is_that_run():
    make("a")
    assert read_runs(["a"]) == read_run("a") and read_runs(["a", "a"]).parts == ()
    with pytest.raises(SelectionError, match="mlbench list runs"):
        read_runs([])
    with pytest.raises(StoreError, match="no run 'c'"):
        read_runs(["a", "c"])


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ({"weights": "newer"}, "other weights"),
        ({"limit": 8}, "other limit"),
        ({"accuracy": 0.2}, "other acc, macro_f1 of the same docs"),
    ],
)
def test_a_model_of_which_two_runs_say_different_things_is_there_twice(other, why):
    make("old")
    make("new", **other)
    run = read_runs(["new", "old"])
    assert list(run.models) == ["m (new)", "m (old)"] and len(run.done) == 8
    assert run.notes[0] == (
        f"m is not the same in new and old ({why}), so it is shown as m (new) and m (old). To see "
        f"one of them, leave the other run out"
    )
    assert all(result.cell == cell for cell, result in run.done.items())
    assert len({facts["slug"] for facts in run.models.values()}) == 2


def test_other_weights_are_another_model_also_where_no_cell_is_in_both():
    for name, tags, weights in (("a", ("en", "sw"), "w"), ("b", ("hi", "ar"), "v")):
        folder = make(name, weights=weights)
        for path in folder.rglob("*.parquet"):
            if path.stem in tags:
                path.unlink()
    run = read_runs(["a", "b"])
    assert list(run.models) == ["m (a)", "m (b)"] and "(other weights)" in run.notes[0]


def test_scores_that_another_machine_rounds_otherwise_are_the_same_model():
    make("a")
    folder = make("b")
    for path in folder.rglob("*.parquet"):
        cell = Cell("m", "topic", path.stem, 0)
        found = store.get(path, cell)
        moved = {k: s._replace(value=s.value + 1e-9) for k, s in found.scores.items()}
        store.put(path, replace(found, scores=moved))
    assert list(read_runs(["a", "b"]).models) == ["m"]


def test_a_family_of_another_version_is_left_out_and_told():
    both = {"topic": TOPIC, "terms": TOPIC | {"title": "Terms"}}
    make("a", "one", families=both)
    make("b", "two", families=both | {"terms": both["terms"] | {"version": 2}})
    run = read_runs(["a", "b"])
    assert {(c.model, c.family) for c in run.done} == {
        ("one", "topic"),
        ("one", "terms"),
        ("two", "topic"),
    }
    assert run.notes == (
        "terms of b is left out (two): its version is 2 there and 1 in a. Run it again there, or "
        "name b first to see it",
    )
    assert read_runs(["b", "a"]).families["terms"]["version"] == 2
    caveats = judge_run(run, "one", "two")["caveats"]
    assert any(caveat.startswith("terms of b is left out") for caveat in caveats)


@pytest.mark.parametrize(
    ("parts", "shots", "said"),
    [
        ({"limit": 8}, 0, "topic, 0-shot: b has another limit than a in all 4 common languages"),
        ({"data_sha256": "x"}, 0, "b has other docs than a in all 4"),
        ({"prompts": "x"}, 5, "topic, 5-shot: b has other few-shot examples or prompts than a"),
        ({"chat": "turn"}, 0, "b has another chat template than a"),
    ],
)
def test_what_is_not_compared_is_told(parts, shots, said):
    make("a", "one", shots=shots)
    make("b", "two", shots=shots, **parts)
    run = read_runs(["a", "b"])
    (note,) = run.notes
    assert said in note and note.endswith("there it is shown and not compared")
    assert len(run.done) == 8


def test_other_shots_and_no_common_family_are_told():
    make("a", "one")
    make("b", "two", shots=5)
    make("c", "three", families={"terms": TOPIC})
    assert read_runs(["a", "b"]).notes == (
        "topic is run at other shots, so it is not compared: a has it at 0 shots and b has it at "
        "5 shots",
    )
    assert read_runs(["a", "c"]).notes == ("no family is finished in more than one of a, c",)


def test_a_warning_of_any_part_is_told():
    for name, sources in (("a", "Unicode CLDR"), ("b", "Davlan/sib200")):
        make(name, name, families={name: TOPIC | {"source": sources}})
    runs = [read_run(name) for name in "ab"]
    runs[1] = replace(runs[1], languages={**runs[1].languages, "ar": replace(ARABIC, caveats=())})
    assert join_runs(runs[::-1]).languages["ar"].caveats == ARABIC.caveats


def test_models_of_two_runs_may_be_told_apart_and_keep_what_is_known_of_them():
    make("old", "qwen3-0.6b")
    make("new", "qwen3-0.6b")
    run = join_runs([read_run("new"), read_run("old")], apart=True)
    assert list(run.models) == ["qwen3-0.6b (new)", "qwen3-0.6b (old)"] and run.notes == ()
    known = claimed_by("qwen3-0.6b", {})
    assert known is not None
    assert claimed_by("qwen3-0.6b (new)", run.models["qwen3-0.6b (new)"]) == known


def test_the_page_names_each_run_with_its_date_and_machine():
    make("laptop", "small", 0.3)
    make("cluster", "large", 0.9, limit=8)
    run = read_runs(["laptop", "cluster"])
    page = render_page(table_from_run(run), {})
    assert "2 runs read as one" in page and 'id="parts"' in page
    assert "<bdi>laptop</bdi>" in page and "<bdi>cluster</bdi>" in page
    assert "2 Jan 2026, 03:04 UTC" in page and ">Machine<" not in page
    assert "cluster has another limit than laptop" in page
    parts = [replace(part, machine=f"Linux, {part.name}") for part in run.parts]
    page = render_page(table_from_run(join_runs(parts)), {})
    assert ">Machine<" in page and "Linux, laptop" in page


def test_every_command_that_reads_takes_several_runs(capsys):
    make("a", "small", 0.3)
    make("b", "large", 0.9)
    code, out, err = run_cli(capsys, "list", "cells", "a", "b")
    assert (code, err) == (0, "") and "8 planned cells: 8 done" in out
    code, out, _ = run_cli(capsys, "verdict", "a", "b", "--a", "large", "--b", "small")
    assert code == 0 and "large against small" in out
    code, out, _ = run_cli(capsys, "export", "a", "b", "--format", "csv")
    assert code == 0 and out.startswith("exports/a+b/scores.csv: 8 cells")
    code, out, err = run_cli(capsys, "list", "models", "a", "b")
    assert code == 2 and "takes one name, not 2" in err
