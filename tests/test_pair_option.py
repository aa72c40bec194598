"""`--pair A/B` runs two models, and what is made of the run begins with them."""

import json

from test_cli import refused, run_cli

from mlbench.report.compare import Asked
from mlbench.store.read import read_run

WHERE = ("--families", "cldr_calendar", "--languages", "en", "th", "--limit", "8", "--run", "r")
PAIR = ("demo-anglo", "demo-polyglot")


def test_a_pair_is_run_and_the_verdict_and_report_begin_with_it(capsys):
    assert run_cli(capsys, "run", "--pair", "/".join(PAIR), *WHERE)[0] == 0
    run = read_run("r")
    assert tuple(run.models) == PAIR == run.pair
    assert Asked().first(run) == PAIR
    assert Asked(*PAIR[::-1]).first(run) == PAIR[::-1]
    code, out, _ = run_cli(capsys, "verdict", "r", "--json")
    found = json.loads(out)
    assert code == 0 and (found["a"], found["b"]) == PAIR
    assert "pair" in json.loads((run.folder / "run.json").read_text(encoding="utf-8"))


def test_other_models_are_run_beside_a_pair_only_if_they_are_named(capsys, checkpoint):
    named = ("--models", f"mine={checkpoint}", "demo-anglo")
    assert run_cli(capsys, "run", "--pair", "/".join(PAIR), *named, *WHERE)[0] == 0
    assert tuple(read_run("r").models) == (*PAIR, "mine")


def test_a_run_without_a_pair_asks_which(capsys):
    assert run_cli(capsys, "run", *WHERE)[0] == 0
    assert read_run("r").pair is None
    message = refused(capsys, "verdict", "r")
    assert "--a MODEL --b MODEL" in message and "demo-polyglot, demo-anglo" in message
    assert "which two models?" in refused(capsys, "verdict", "r", "--a", "demo-anglo")


def test_a_wrong_pair_is_told_before_anything_is_prepared(capsys):
    message = refused(capsys, "plan", "--pair", "demo-anglo", *WHERE)
    assert "no pair 'demo-anglo'" in message and "mlbench list pairs" in message
    assert "no model 'x'" in refused(capsys, "plan", "--pair", "demo-anglo/x", *WHERE)
