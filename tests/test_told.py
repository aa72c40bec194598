"""Every output says where the planned cells stand, and why those without a score have none."""

import csv
import json
import re
from pathlib import Path

import pytest
from report_toys import two_models
from test_cli import refused, run_cli
from test_stats_verdict import SCHEMA, conforms

import mlbench
from mlbench.records import Cell
from mlbench.store.read import SCORED_EARLIER, read_run

LINE = "29 planned cells: 25 done, 1 changed, 1 failed, 1 damaged, 1 missing"
STATES = {
    Cell("many", "topic", "ar", 0): "changed",
    Cell("many", "topic", "yo", 0): "failed",
    Cell("few", "topic", "hi", 0): "damaged",
    Cell("few", "terms", "sw", 5): "missing",
}
MODELS = ("--a", "many", "--b", "few")


@pytest.fixture
def run() -> Path:
    """Return a run with a cell in each state."""
    toy = two_models(Path("runs/r"))
    changed, failed, damaged, missing = STATES
    toy.cells["many"]["topic"]["0"].remove("yo")
    toy.fail(failed, "RuntimeError: out of memory\nand more", "Traceback: x")
    toy.plan(missing)
    folder = toy.write()
    (folder / "model-1/topic/0/hi.parquet").write_bytes(b"PAR1 cut short")
    manifest = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    manifest["signatures"] = {"many": {"topic": {"0": {changed.language: "0" * 16}}}}
    (folder / "run.json").write_text(json.dumps(manifest), encoding="utf-8")
    assert {c: read_run("r").state(c) for c in STATES} == STATES
    assert damaged in read_run("r").damaged
    return folder


@pytest.fixture
def whole() -> Path:
    """Return a run whose planned cells are all done."""
    return two_models(Path("runs/whole")).write()


def reasons_in(text: str) -> None:
    """Hold a text against the reasons of all four states."""
    flat = re.sub(r"\s+", " ", text)
    assert SCORED_EARLIER in flat and "RuntimeError: out of memory" in flat
    assert "hi.parquet is damaged" in flat and "planned, not run yet" in flat


def test_a_verdict_is_never_silent_about_cells_that_are_not_done(capsys, run):
    code, out, _ = run_cli(capsys, "verdict", "r", *MODELS)
    assert code == 0 and out.splitlines()[1] == LINE
    reasons_in(out)
    assert "damaged: few topic hi 0-shot: " in out and "failed: many topic yo 0-shot: " in out
    code, out, err = run_cli(capsys, "verdict", "r", *MODELS, "--json")
    verdict = json.loads(out)
    assert code == 0 and conforms(verdict, SCHEMA) == []
    told = verdict["cells"]
    counts = {"changed": 1, "damaged": 1, "done": 25, "failed": 1, "missing": 1, "planned": 29}
    assert {name: told[name] for name in counts} == counts
    found = {Cell(*(c[key] for key in Cell._fields)): c["state"] for c in told["unfinished"]}
    assert found == STATES
    reasons_in(json.dumps(told["unfinished"]))
    assert mlbench.load("r").verdict("many", "few")["cells"] == told


def test_a_verdict_lists_the_cells_of_its_own_models(capsys, run):
    _, out, _ = run_cli(capsys, "verdict", "r", "--a", "many", "--b", "many", "--json")
    told = json.loads(out)["cells"]
    assert {cell["model"] for cell in told["unfinished"]} == {"many"}
    assert (told["changed"], told["failed"], told["damaged"]) == (1, 1, 0)


def test_a_list_of_cells_gives_state_reason_and_counts(capsys, run):
    code, out, err = run_cli(capsys, "list", "cells", "r")
    assert code == 0 and out.rstrip().endswith(LINE) and err == ""
    reasons_in(out)
    code, out, err = run_cli(capsys, "list", "cells", "r", "--json")
    rows = {Cell(*(row[key] for key in Cell._fields)): row for row in json.loads(out)}
    assert code == 0 and err == f"{LINE}\n"
    assert {c: rows[c]["state"] for c in STATES} == STATES
    reasons_in(" ".join(rows[c]["reason"] for c in STATES))


def test_a_list_for_a_program_has_numbers_as_they_are_with_their_interval(capsys, run):
    _, out, _ = run_cli(capsys, "list", "cells", "r", "--json")
    rows = {Cell(*(row[key] for key in Cell._fields)): row for row in json.loads(out)}
    for cell, result in read_run("r").done.items():
        row = rows[cell]
        score = result.scores[row["metric"]]
        assert row["value"] == score.value and row["docs"] == score.n_docs
        assert row["low"] <= row["value"] <= row["high"] and row["level"] == 0.95
        assert row["method"] in ("wilson", "log t", "percentile", "bca") and row["stderr"] > 0
    for cell in STATES:
        numbers = ("value", "docs", "stderr", "low", "high", "level", "method", "metric")
        assert {rows[cell][name] for name in numbers} == {None}


@pytest.mark.slow
def test_the_page_and_its_csv_give_state_reason_and_counts(capsys, run):
    code, out, _ = run_cli(capsys, "report", "r")
    assert code == 0 and LINE in out
    reasons_in(out)
    page = Path("reports/r/index.html").read_text(encoding="utf-8")
    missing = page.partition('<section id="missing">')[2].partition("</section>")[0]
    assert f"<p>{LINE}.</p>" in missing
    assert SCORED_EARLIER in missing and "hi.parquet is damaged" in missing
    assert "1 failed, 0 missing" in page and "1 changed" in page and "1 damaged" in page
    with Path("reports/r/scores.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    states = {Cell(x["model"], x["family"], x["tag"], int(x["shots"])): x["state"] for x in lines}
    assert {cell: states[cell] for cell in STATES} == STATES
    reasons_in(" ".join(line["reason"] for line in lines))
    (first, *_) = json.loads(Path("reports/r/verdict.json").read_text(encoding="utf-8"))
    assert first["verdict"]["cells"]["damaged"] == 1
    code, out, _ = run_cli(capsys, "export", "r", "--format", "csv")
    assert code == 0 and f"of {LINE}" in out


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments",
    [
        ("verdict", *MODELS),
        ("verdict", *MODELS, "--json"),
        ("report",),
        ("list",),
        ("list", "--json"),
    ],
    ids=" ".join,
)
def test_strict_ends_with_1_unless_every_planned_cell_is_done(capsys, run, whole, arguments):
    command, *rest = arguments
    words = ["list", "cells"] if command == "list" else [command]
    assert run_cli(capsys, *words, "r", *rest)[0] == 0
    code, out, _ = run_cli(capsys, *words, "r", *rest, "--strict")
    assert code == 1 and out
    assert run_cli(capsys, *words, "whole", *rest, "--strict")[0] == 0


def test_a_run_that_is_whole_says_so(capsys, whole):
    line = "28 planned cells: 28 done, 0 changed, 0 failed, 0 damaged, 0 missing"
    for arguments in (("verdict", "whole", *MODELS), ("list", "cells", "whole")):
        _, out, err = run_cli(capsys, *arguments)
        assert line in out and err == ""
    assert run_cli(capsys, "list", "cells", "whole", "--json")[2] == ""


def test_the_runs_that_are_here_are_listed_also_a_damaged_one(capsys, run, whole):
    Path("runs/bad").mkdir()
    Path("runs/bad/run.json").write_text("{", encoding="utf-8")
    code, out, _ = run_cli(capsys, "list", "runs", "--json")
    rows = {row["run"]: row for row in json.loads(out)}
    assert code == 0 and rows.keys() == {"bad", "r", "whole"}
    assert rows["r"]["cells"] == 29 and rows["r"]["models"] == "many, few"
    assert "damaged" in rows["bad"]
    assert run_cli(capsys, "list", "runs")[0] == 0


def test_an_unknown_list_is_refused_with_those_there_are(capsys):
    message = refused(capsys, "list", "tasks")
    lists = message.rpartition("Lists: ")[2].split(", ")
    assert {"languages", "controls", "families", "models", "runs", "cells RUN"} <= set(lists)


def test_a_selection_of_languages_is_listed_and_a_wrong_one_refused(capsys):
    code, out, _ = run_cli(capsys, "list", "languages", "swh_Latn,ha", "--json")
    assert code == 0 and [row["tag"] for row in json.loads(out)] == ["sw", "ha"]
    assert len(json.loads(run_cli(capsys, "list", "languages", "--json")[1])) == 119
    assert "no language 'klingon'" in refused(capsys, "list", "languages", "klingon")
    assert "Type: mlbench list cells bench" in refused(capsys, "list", "runs", "bench")
