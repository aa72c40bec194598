"""A packed run says what it said before, to every command, in a few files instead of thousands."""

import json
import shutil
from pathlib import Path

import pytest
from test_cli import run_cli
from test_damage import SAMPLES, changed

from mlbench import store
from mlbench.errors import StoreError
from mlbench.measures import ChoiceSample, ReplySample, TextSample
from mlbench.records import Cell
from mlbench.store import packs
from mlbench.store.folder import PACK
from mlbench.store.packing import drop, move_into, pack_run
from mlbench.store.packs import pack_of
from mlbench.store.read import read_run

SELECTION = ("--families", "cldr_plural,cldr_terms", "--languages", "en,ar,ru", "--limit", "6")
RUN = ("run", "--models", "demo-polyglot", "demo-anglo", *SELECTION, "--run", "p")


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Return a folder that holds runs/p, which is run once for all tests."""
    from mlbench.data.prepare import prepare
    from mlbench.runner.command import do_work, prepare_work, select
    from mlbench.settings import Settings

    folder = tmp_path_factory.mktemp("finished")
    chosen = select(["demo-polyglot", "demo-anglo"], SELECTION[1], SELECTION[3], None)
    prepared = [prepare(f, tag) for f in chosen.families for tag in chosen.languages]
    work = prepare_work(f"{folder}/runs/p", chosen.models, prepared, Settings(limit=6))
    assert len(list(do_work(work))) > 12
    return folder


@pytest.fixture
def run(finished):
    """Put the run into the current folder, and return where it is."""
    shutil.copytree(finished / "runs", "runs")
    return Path("runs/p")


def contents(folder: Path) -> dict[Cell, tuple]:
    found = read_run(folder)
    return {
        cell: (result.signature, result.scores, result.usage, tuple(result.samples))
        for cell, result in found.done.items()
    }


def own_files(folder: Path) -> list[Path]:
    return sorted(folder.glob("[!.]*/*/*/*.parquet"))


def test_a_packed_run_holds_the_same(run):
    before = contents(run)
    done = pack_run(run)
    assert (done.n_moved, done.n_packs, done.left) == (12, 4, ())
    assert contents(run) == before and len(before) == 12
    assert not own_files(run) and len(list(run.glob(f"*/*/{PACK}"))) == 4
    assert pack_run(run).n_moved == 0


def test_commands_say_of_a_packed_run_what_they_said_before(capsys, run):
    asked = [
        ("list", "cells", "p"),
        ("list", "cells", "p", "--json"),
        ("verdict", "p", "--a", "demo-polyglot", "--b", "demo-anglo", "--json"),
        ("export", "p", "--format", "csv", "--out", "docs.csv"),
    ]
    before = [run_cli(capsys, *arguments) for arguments in asked]
    written = Path("docs.csv").read_bytes()
    assert run_cli(capsys, "pack", "p")[1].startswith("runs/p: 12 cells moved; 4 packs hold")
    assert [run_cli(capsys, *arguments) for arguments in asked] == before
    assert Path("docs.csv").read_bytes() == written
    assert "Nothing pending" in "".join(run_cli(capsys, *RUN)[1:])


def test_a_cell_scored_anew_counts_before_its_pack(run):
    pack_run(run)
    cell, result = next(iter(read_run(run).done.items()))
    slug = read_run(run).models[cell.model]["slug"]
    path = store.cell_path(run, slug, cell)
    store.put_failed(path, store.FailedCell(cell, "full", "trace", result.signature))
    assert read_run(run).failed.keys() == {cell}
    newer = store.CellResult(cell, result.signature, result.scores, {"n_tokens": 7}, SAMPLES)
    store.put(path, newer)
    assert read_run(run).done[cell].usage == {"n_tokens": 7}
    assert pack_run(run).n_moved == 1 and not own_files(run)
    assert read_run(run).done[cell].usage == {"n_tokens": 7}
    assert len(read_run(run).done) == 12


def test_a_packing_that_was_stopped_half_way_is_read_and_ended(run):
    before = contents(run)
    kept = shutil.copytree(run, Path("kept"))
    pack_run(run)
    for path in own_files(kept)[::2]:  # written to a pack, not deleted yet
        shutil.copy(path, run / path.relative_to(kept))
    assert contents(run) == before
    pack_run(run)
    assert contents(run) == before and not own_files(run)


def test_cells_are_forgotten_and_found_again_in_packs(capsys, run):
    pack_run(run)
    for chosen in (["--models", "demo-anglo"], ["--families", "cldr_plural", "--languages", "ru"]):
        assert run_cli(capsys, "forget", "p", *chosen, "--yes")[0] == 0
    assert len(read_run(run).planned) == len(read_run(run).done) == 5
    assert len(list(run.glob(f"*/*/{PACK}"))) == 2
    before = contents(run)
    for path in (*run.glob("run.json*"),):
        path.unlink()
    assert run_cli(capsys, "repair", "p")[0] == 0
    assert contents(run) == before


def test_a_damaged_pack_is_told_of_and_its_cells_are_scored_again(capsys, run):
    pack_run(run)
    pack = next(run.glob(f"demo-anglo/*/{PACK}"))
    pack.write_bytes(pack.read_bytes()[:-100])
    found = read_run(run)
    assert len(found.damaged) == 3 and all(str(pack) in said for said in found.damaged.values())
    code, out, _ = run_cli(capsys, *RUN)
    assert code == 0 and len(read_run(run).done) == 12, out
    assert "not packed: " in run_cli(capsys, "pack", "p")[1]
    assert len(read_run(run).done) == 12
    pack.unlink()
    assert pack_run(run).n_moved == 3


def test_no_changed_byte_of_a_pack_gives_another_score(run):
    pack_run(run)
    before = contents(run)
    pack = next(run.glob(f"demo-polyglot/*/{PACK}"))
    whole = pack.read_bytes()
    for content in changed(whole, step=97):
        pack.write_bytes(content)
        assert len(read_run(run).damaged) == 3
    pack.write_bytes(whole)
    assert contents(run) == before


KINDS = {
    "choices": (
        (ChoiceSample("1", "a", 0, ("x", "y"), (-1.0, -2.0)),),
        (ChoiceSample("1", "a", 0, ("x", "y"), (-1.0, -2.0), (), (1, 2), (-1.0, -1.5)),),
        SAMPLES,
    ),
    "texts": (
        (TextSample("1", "a", -3.0, 12, None), TextSample("2", "b", -4.0, 13, 5)),
        (TextSample("1", "a", -3.0, 12, 4),),
    ),
    "replies": (
        (ReplySample("1", "a", "नदी", "ok", {"chrf": (1.0, 2.0)}),),
        (ReplySample("1", "a", "", "ok"),),
    ),
}


def put_all(folder: Path, cells_of: tuple) -> list[Path]:
    tags = ("en", "ar", "hi")
    paths = []
    for tag, samples in zip(tags, cells_of, strict=False):
        cell = Cell("org/model", "f", tag, 0)
        paths.append(store.cell_path(folder, "m", cell))
        store.put(paths[-1], store.CellResult(cell, store.Signature(), {}, {}, samples))
    return paths


@pytest.mark.parametrize("kind", KINDS)
def test_cells_of_one_kind_with_other_columns_share_a_pack(tmp_path, kind):
    paths = put_all(tmp_path, KINDS[kind])
    pack = pack_of(paths[0])
    assert move_into(pack, {path: store.get(path).cell for path in paths}) == len(paths)
    assert [tuple(store.get(path).samples) for path in paths] == list(KINDS[kind])
    with pytest.raises(StoreError, match="it is the file of"):
        store.get(paths[0], Cell("org/model", "f", "ar", 0))
    drop(pack, paths[1:])
    assert tuple(store.get(paths[0]).samples) == KINDS[kind][0] and store.get(paths[1]) is None


def test_cells_of_several_kinds_stay_in_their_files(tmp_path):
    paths = put_all(tmp_path, (KINDS["choices"][1], KINDS["texts"][1]))
    with pytest.raises(StoreError, match="of several kinds"):
        move_into(pack_of(paths[0]), {path: store.get(path).cell for path in paths})
    assert all(path.is_file() for path in paths) and not pack_of(paths[0]).exists()


def test_a_pack_that_is_written_anew_while_it_is_read_gives_no_other_rows(run):
    pack_run(run)
    found = read_run(run)
    cell = next(cell for cell in found.done if cell.language == "ru")
    slug = found.models[cell.model]["slug"]
    path = store.cell_path(run, slug, cell)
    drop(path.parent.parent / PACK, [path.with_stem("ar")])
    packs._read_table.cache_clear()
    with pytest.raises(StoreError, match="written anew while it was read"):
        list(found.done[cell].samples)
    assert json.loads((run / "run.json").read_text())["cells"]
