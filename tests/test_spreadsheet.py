"""No spreadsheet runs a text of ours as a formula, and what we wrote is read back as it was."""

import csv
import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_cli import run_cli

from mlbench.report.export import scores_csv
from mlbench.report.tables import table_from_run
from mlbench.spreadsheet import guarded, plain
from mlbench.store.read import read_run

FORMULAS = ("=cmd|' /C calc'!A0", "+1+cmd|x", "-2+3", "@SUM(1)", "\t=1", "'=1", "''-1")
RISKY = "=+-@\t\r\n"


@given(st.text(alphabet="'=+-@\t\r\na1", max_size=8))
def test_what_was_guarded_is_read_back_as_it_was(text):
    assert plain(guarded(text)) == text
    assert not text or guarded(text)[0] not in RISKY


@pytest.mark.parametrize("text", ["en", "", "it's", "'quoted'", "a=b", "1-2"])
def test_other_texts_stay_as_they_are(text):
    assert guarded(text) == plain(text) == text


def table_of(names: tuple[str, ...]) -> str:
    """Return a table of two models whose names, families, docs and clusters are risky."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    head = "model,family,language,doc_id,cluster_id,score,chance"
    writer.writerow(head.split(","))
    for name in names:
        for i in range(3):
            doc = f"{names[i]} {i}"
            writer.writerow(
                [guarded(name), "=quiz()", "en", guarded(doc), guarded(doc), i % 2, 0.5]
            )
    return file.getvalue()


def test_an_export_holds_no_formula_and_comes_back_as_it_was(capsys):
    Path("t.csv").write_text(table_of(FORMULAS), encoding="utf-8", newline="")
    assert run_cli(capsys, "import", "csv", "t.csv", "--run", "one")[0] == 0
    assert run_cli(capsys, "export", "one", "--format", "csv", "--out", "e.csv")[0] == 0
    with Path("e.csv").open(encoding="utf-8", newline="") as file:
        values = [value for line in csv.DictReader(file) for value in line.values()]
    assert not [value for value in values if value[:1] in RISKY and value]
    assert run_cli(capsys, "import", "csv", "e.csv", "--run", "two")[0] == 0
    one, two = read_run("one"), read_run("two")
    assert set(one.done) == set(two.done) == set(one.planned)
    assert {cell.model for cell in one.done} == set(FORMULAS)
    for cell, result in one.done.items():
        assert two.done[cell].samples == result.samples


def test_the_scores_of_a_report_hold_no_formula(capsys):
    Path("t.csv").write_text(table_of(FORMULAS), encoding="utf-8", newline="")
    run_cli(capsys, "import", "csv", "t.csv", "--run", "one")
    lines = list(csv.DictReader(io.StringIO(scores_csv(table_from_run(read_run("one"))))))
    assert len(lines) >= len(FORMULAS)
    texts = [line[name] for line in lines for name in ("model", "family", "language", "reason")]
    assert not [text for text in texts if text and text[0] in RISKY]
    _, out, _ = run_cli(capsys, "list", "cells", "one", "--json")
    assert {row["model"] for row in json.loads(out)} == set(FORMULAS)  # JSON needs no guard
