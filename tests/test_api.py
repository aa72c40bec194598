"""What a notebook imports: run, load, and what a run gives as tables, verdict and page."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from test_cli import run_cli

import mlbench
from mlbench.errors import SelectionError
from mlbench.store.read import read_run

ROOT = Path(__file__).parent.parent
MODELS = ("demo-polyglot", "demo-anglo")
CELLS = "runs/trial/**/*.parquet"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with a run `trial` of a choice family and its scores, and read it."""
    folder = tmp_path_factory.mktemp("api")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        mlbench.run("trial", families="cldr_calendar", languages="en,ru,hi,th,ar,zh-Hans", limit=6)
    return folder


@pytest.fixture
def trial(folder, monkeypatch):
    monkeypatch.chdir(folder)
    return mlbench.load("trial")


def test_a_run_is_judged_and_read_as_the_commands_do(trial, capsys):
    assert len(trial.done) == 12 and not trial.failed
    assert trial.planned == read_run("trial").planned
    assert repr(trial).startswith("<Run runs/trial, 12 planned cells: 12 done")
    _, out, _ = run_cli(capsys, "verdict", "trial", "--a", MODELS[0], "--b", MODELS[1], "--json")
    assert trial.verdict(*MODELS) == json.loads(out)


def test_scores_are_those_of_the_csv_as_a_table(trial):
    table = trial.scores()
    assert set(table["metric"].to_pylist()) == {"acc_bytes", "acc", "acc_pmi"}
    assert trial.report() == Path("reports/trial/index.html")
    lines = Path("reports/trial/scores.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == ",".join(table.column_names) and len(lines) == table.num_rows + 1
    frame = table.to_pandas()
    first = frame[frame["metric"] == "acc_bytes"].iloc[0]
    assert first["low"] <= first["value"] <= first["high"]


def test_docs_are_those_of_the_export_as_a_table(trial, capsys):
    run_cli(capsys, "export", "trial", "--format", "parquet", "--out", "docs.parquet")
    table = trial.docs()
    assert table == pq.read_table("docs.parquet") and table.num_rows == 12 * 6
    assert set(table["language"].to_pylist()) == {"en", "ru", "hi", "th", "ar", "zh-Hans"}


def count_docs(rows) -> dict[tuple, int]:
    return {tuple(row[:4]): row[4] for row in rows}


def test_each_row_on_disk_says_of_which_cell_it_is(trial):
    """One glob reads a run as one table, with the texts of docs out of the way."""
    expected = {tuple(cell): 6 for cell in trial.done}
    table = ds.dataset(sorted(Path().glob(CELLS))).to_table()
    counted = table.group_by(["model", "family", "language", "shots"]).aggregate(
        [([], "count_all")]
    )
    assert count_docs(list(row.values()) for row in counted.to_pylist()) == expected
    assert len(list(Path().glob(CELLS))) == len(expected)


def test_polars_reads_a_run_as_one_table(trial):
    pl = pytest.importorskip("polars")
    counted = pl.scan_parquet("runs/trial/**/*.parquet").group_by(
        pl.col("model", "family", "language", "shots")
    )
    assert count_docs(counted.len().collect().rows()) == {tuple(cell): 6 for cell in trial.done}
    assert pl.from_arrow(trial.docs()).height == 72 and pl.from_arrow(trial.scores()).height == 36


def test_duckdb_reads_a_run_as_one_table(trial):
    duckdb = pytest.importorskip("duckdb")
    query = f"select model, family, language, shots, count(*) from '{CELLS}' group by all"
    assert count_docs(duckdb.sql(query).fetchall()) == {tuple(cell): 6 for cell in trial.done}


def test_the_notebook_of_the_docs_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    notebook = json.loads((ROOT / "docs/notebook.ipynb").read_text(encoding="utf-8"))
    names: dict[str, object] = {}
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            assert not cell["outputs"]  # no hard-coded results
            tree = ast.parse("".join(cell["source"]))
            last = tree.body.pop()
            exec(compile(tree, "notebook", "exec"), names)
            assert isinstance(last, ast.Expr)
            shown = eval(compile(ast.Expression(last.value), "notebook", "eval"), names)
    assert shown == Path("reports/notebook/index.html") and shown.is_file()
    assert names["scores"]["value"].between(0, 1).any() and len(names["docs"]) == 2 * 6 * 16


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
