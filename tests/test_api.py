"""What a notebook imports: run, read_run, verdict and scores."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from test_cli import run_cli

import mlbench
from mlbench.errors import SelectionError


@pytest.fixture
def trial(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return mlbench.run("trial", families="cldr_calendar", languages="en,ru,hi", limit=8)


def test_a_run_is_judged_and_read_as_the_commands_do(trial, capsys):
    assert len(trial.done) == 6 and not trial.failed
    assert mlbench.read_run("trial").planned == trial.planned
    models = ("demo-polyglot", "demo-anglo")
    _, out, _ = run_cli(capsys, "verdict", "trial", "--a", models[0], "--b", models[1], "--json")
    assert mlbench.verdict(trial, *models) == mlbench.verdict("trial", *models) == json.loads(out)


def test_scores_are_those_of_the_csv_as_a_table(trial, capsys):
    table = mlbench.scores(trial)
    assert set(table["metric"].to_pylist()) == {"acc_bytes", "acc", "acc_pmi"}
    assert run_cli(capsys, "report", "trial")[0] == 0
    lines = Path("reports/trial/scores.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == ",".join(table.column_names) and len(lines) == table.num_rows + 1
    frame = table.to_pandas()
    first = frame[frame["metric"] == "acc_bytes"].iloc[0]
    assert first["low"] <= first["value"] <= first["high"]


def test_a_wrong_name_is_an_error_of_mlbench(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SelectionError, match="no family 'cldr_calender'"):
        mlbench.run("trial", families="cldr_calender")
    with pytest.raises(AttributeError, match="no attribute .judge_everything"):
        mlbench.judge_everything  # noqa: B018  (to ask for it is the test)


def test_importing_mlbench_imports_nothing_else():
    code = "import sys, mlbench; print([m for m in sys.modules if m.startswith('mlbench')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['mlbench']"
