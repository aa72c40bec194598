"""Parts that several machines scored are one run again; two that say different things are not."""

from dataclasses import replace
from pathlib import Path

import pytest
from test_cli import run_cli
from test_packing import contents

from mlbench import store
from mlbench.data.prepare import prepare
from mlbench.errors import SelectionError, StoreError
from mlbench.families import read_families
from mlbench.measures import ChoiceSample
from mlbench.models import find_model
from mlbench.runner.plan import sign_cells
from mlbench.runner.shard import parse_shard, take_shard
from mlbench.settings import Settings, Shard
from mlbench.store.merge import merge_runs
from mlbench.store.packing import pack_run
from mlbench.store.read import read_run

FAMILIES, TAGS = ("cldr_plural", "cldr_terms"), ("en", "ar", "ru", "th", "zh-Hans")


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    """Return the plan of two models, two families and five languages, at 0 and 5 shots."""
    from mlbench.data.languages import read_languages

    families, languages = read_families(), read_languages()
    prepared = [prepare(families[f], languages[tag]) for f in FAMILIES for tag in TAGS]
    models = [find_model("demo-polyglot"), find_model("demo-anglo")]
    return sign_cells(tmp_path_factory.mktemp("plan"), models, prepared, Settings(shots=(0, 5)))


@pytest.mark.parametrize("n_all", [1, 2, 3, 7])
def test_parts_are_the_whole_and_cost_alike(plan, n_all):
    parts = [take_shard(plan, Settings(shard=Shard(i + 1, n_all))) for i in range(n_all)]
    together = [planned.cell for part in parts for planned in part.cells]
    assert sorted(together) == sorted(planned.cell for planned in plan.cells)
    sizes = [len(part.cells) for part in parts]
    assert max(sizes) <= 2 * min(sizes)
    assert all(
        {p.cell.model for p in part.cells} == {"demo-polyglot", "demo-anglo"} for part in parts
    )


def test_a_part_is_the_same_every_time_whatever_is_done(plan):
    wanted = Settings(shard=Shard(2, 3))
    first = [p.cell for p in take_shard(plan, wanted).cells]
    assert first == [p.cell for p in take_shard(plan, wanted).cells]


@pytest.mark.parametrize("text", ["0/4", "5/4", "1", "1/0", "a/b", "-1/2", "1/2/3", "", "1.0/2"])
def test_what_is_no_part_is_refused(text):
    with pytest.raises(SelectionError, match="is no part of a whole. Type --shard 1/4"):
        parse_shard(text)


def test_more_parts_than_cells_are_refused(plan):
    with pytest.raises(SelectionError, match="--shard 1/500 has no cell.*Ask for fewer parts"):
        take_shard(plan, Settings(shard=Shard(1, 500)))


def test_two_parts_are_scored_and_become_one_run(capsys):
    chosen = ("--models", "demo-anglo", "--families", "cldr_terms", "--languages", "en,ar,th,ru")
    common = ("run", *chosen, "--limit", "3")
    for i in (1, 2):
        code, out, _ = run_cli(capsys, *common, "--shard", f"{i}/2", "--run", f"part-{i}")
        assert code == 0 and "Done: 2 cells" in out, out
    code, out, err = run_cli(capsys, "merge", "part-1", "part-2", "--run", "all")
    assert (code, err) == (0, "") and "4 cells from 2 runs, 0 were there" in out
    code, out, _ = run_cli(capsys, *common, "--run", "all")
    assert "Nothing pending: all 4 cells" in out
    assert sorted(p.name for p in Path("runs/all/.docs").rglob("*.parquet")) == sorted(
        p.name for i in (1, 2) for p in Path(f"runs/part-{i}/.docs").rglob("*.parquet")
    )
    before = contents(Path("runs/all"))
    assert (
        "0 cells from 2 runs, 4 were there"
        in run_cli(capsys, "merge", "part-1", "part-2", "--run", "all")[1]
    )
    assert contents(Path("runs/all")) == before


def make_run(name: str, scores: dict[str, float | None], model: str = "m", **parts) -> Path:
    """Store a run of cells by tag; None is a failure."""
    from mlbench.data.languages import read_languages
    from mlbench.store.manifest import Contents, add_to_manifest, family_facts

    family, languages, folder = read_families()["cldr_terms"], read_languages(), Path("runs") / name
    digests = {}
    for tag, value in scores.items():
        cell = store.Signature(family=family.name, language=tag, model=model, shots=0, **parts)
        place = read_cell(model, tag)
        path = store.cell_path(folder, model, place)
        digests[place] = cell.digest
        if value is None:
            store.put_failed(path, store.FailedCell(place, "full", "trace", cell))
            continue
        samples = (ChoiceSample("1", "a", 0, ("x", "y"), (value, -2.0)),)
        store.put(path, store.CellResult(place, cell, {}, {}, samples))
    facts = {family.name: family_facts(family)}
    known = [languages[tag] for tag in scores]
    add_to_manifest(
        folder, Contents({model: {"slug": model}}, facts, tuple(digests), known, {}, digests)
    )
    return folder


def read_cell(model: str, tag: str):
    from mlbench.records import Cell

    return Cell(model, "cldr_terms", tag, 0)


def test_what_is_finished_counts_before_what_failed():
    make_run("a", {"en": -1.0, "ar": None})
    make_run("b", {"en": -1.0, "ar": -1.5, "ru": None})
    merge_runs(["a", "b"], "all")
    run = read_run("all")
    assert {c.language for c in run.done} == {"en", "ar"}
    assert {c.language for c in run.failed} == {"ru"}


def test_packed_runs_are_merged_too():
    for name, model in (("a", "m1"), ("b", "m2")):
        make_run(name, {"en": -1.0, "ar": -0.5}, model)
        pack_run(name)
    assert merge_runs(["a", "b"], "all").n_new == 4
    assert set(read_run("all").models) == {"m1", "m2"} and len(read_run("all").done) == 4


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (
            {"scores": {"en": -3.0}},
            "both hold 'm', 'cldr_terms' in 'en', 0-shot, with other scores",
        ),
        ({"scores": {"en": -1.0}, "weights": "other"}, "with other weights.*mlbench forget"),
        ({"scores": {"en": -1.0}, "limit": 4}, "with other limit"),
    ],
)
def test_cells_that_say_different_things_are_refused(changes, says):
    make_run("a", {"en": -1.0, "ar": -1.0})
    make_run("b", **changes)
    with pytest.raises(StoreError, match=says):
        merge_runs(["a", "b"], "all")
    assert not Path("runs/all/run.json").exists() and not list(Path("runs/all").rglob("*.parquet"))


def test_a_run_that_did_not_name_its_docs_is_merged_with_one_that_does(monkeypatch):
    from mlbench.families import cldr_terms

    make_run("a", {"en": -1.0})
    for name, doc_set in (("b", "cldr/terms"), ("c", "others")):
        family = replace(cldr_terms.FAMILY, doc_set=doc_set)
        monkeypatch.setitem(globals(), "read_families", lambda f=family: {"cldr_terms": f})
        make_run(name, {"ar": -1.0})
    assert merge_runs(["a", "b"], "all").n_new == 2
    with pytest.raises(StoreError, match="differ in 'doc_set'"):
        merge_runs(["b", "c"], "both")


def test_a_cell_that_is_planned_otherwise_elsewhere_stays_done():
    make_run("a", {"en": -1.0})
    folder = make_run("b", {"en": -1.0, "ar": -1.0}, weights="newer")
    for path in folder.glob("m/*/*/en.parquet"):
        path.unlink()
    merge_runs(["a", "b"], "all")
    assert {c.language for c in read_run("all").done} == {"en", "ar"}


def test_one_run_or_a_damaged_one_is_refused():
    folder = make_run("a", {"en": -1.0, "ar": -1.0})
    with pytest.raises(SelectionError, match="Name two"):
        merge_runs(["a", "a"], "all")
    make_run("b", {"ru": -1.0})
    next(folder.rglob("en.parquet")).write_bytes(b"PAR1")
    with pytest.raises(StoreError, match=r"is damaged.*Then merge \(1 cells are damaged\)"):
        merge_runs(["a", "b"], "all")
