"""A run is watched from outside by what it leaves on disk."""

import json
import os
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path

import pytest
from test_cli import refused, run_cli

from mlbench import store
from mlbench.records import Cell
from mlbench.store.manifest import read_manifest, save_manifest
from mlbench.store.read import read_run
from mlbench.terminal.watching import look_at

FOLDER = Path("runs/w")
ASKED = ("--families", "cldr_calendar", "--languages", "en,th,ar,ru", "--limit", "3", "--run", "w")


@pytest.fixture
def started(capsys, tmp_path, monkeypatch) -> float:
    """Make a run look as when it is at work: half of its cells are not there; return its start."""
    monkeypatch.chdir(tmp_path)
    assert run_cli(capsys, "run", *ASKED, "--quiet")[0] == 0
    manifest = read_manifest(FOLDER)
    manifest["invocations"][0]["ended"] = None
    save_manifest(FOLDER, manifest)
    for path in FOLDER.glob("demo-anglo*/*/*/*.parquet"):
        path.unlink()
    return datetime.fromisoformat(manifest["invocations"][0]["started"]).timestamp()


def test_rate_and_time_left_are_those_of_the_cells_written(started):
    progress = look_at("w", now=started + 120)
    assert (progress.cells["done"], progress.cells["missing"]) == (4, 4)
    assert progress.per_minute == 2 and progress.seconds_left == 120 and not progress.is_over
    assert progress.line() == "4/8 cells, 2.0 a minute, about 2 min 00 s left"
    for path in FOLDER.glob("*/*/*/th.parquet"):
        os.utime(path, (started - 60, started - 60))  # of a command before this one
    assert look_at("w", now=started + 120).per_minute == 1.5


def test_time_left_counts_tokens_not_cells(started):
    cells = read_run("w").done
    thai = next(result for cell, result in cells.items() if cell.language == "th")
    path = next(FOLDER.glob("demo-polyglot*/cldr_calendar/0/th.parquet"))
    whole = sum(result.usage["n_tokens"] for result in cells.values())
    # Of the four cells that are left the Thai one has as many tokens as all others seen together.
    more = {**thai.usage, "n_tokens": whole - thai.usage["n_tokens"]}
    store.put(path, replace(thai, usage=more))
    for other in FOLDER.glob("*/*/*/*.parquet"):
        os.utime(other, (started + 60, started + 60))
    failed = store.FailedCell(
        Cell("demo-anglo", "cldr_calendar", "th", 0), "x", "", store.Signature()
    )
    slug = read_manifest(FOLDER)["models"]["demo-anglo"]["slug"]
    store.put_failed(store.cell_path(FOLDER, slug, failed.cell), failed)
    progress = look_at("w", now=started + 120)
    # Three of the four languages are left, and half of the tokens.
    assert progress.cells["missing"] == 3 and progress.seconds_left == pytest.approx(60, rel=0.01)


def test_a_failure_is_named_and_the_end_is_seen(started, capsys):
    cell = Cell("demo-anglo", "cldr_calendar", "th", 0)
    slug = read_manifest(FOLDER)["models"]["demo-anglo"]["slug"]
    failed = store.FailedCell(cell, "boom\nand more", "trace", store.Signature())
    store.put_failed(store.cell_path(FOLDER, slug, cell), failed)
    code, out, _ = run_cli(capsys, "watch", "w", "--once")
    assert code == 1 and "FAILED demo-anglo cldr_calendar th: boom\n" in out and "1 failed" in out
    # The same command again scores the rest, so that watching ends by itself.
    run_cli(capsys, "run", *ASKED, "--quiet")
    code, out, _ = run_cli(capsys, "watch", "w")
    assert code == 0 and out.startswith("8/8 cells, the latest command ended at ")
    _, out, _ = run_cli(capsys, "watch", "w", "--json")
    assert json.loads(out)["cells"] == asdict(look_at("w"))["cells"]


def test_a_run_that_is_not_there_is_refused(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert "no run 'nix'" in refused(capsys, "watch", "nix")
