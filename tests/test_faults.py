"""The disk fails at every step in turn: nothing half is left, and the same command again ends the
same.

Times are legitimately stored and are held still: those of run.json, `seconds` of a cell. So is the
memory that a cell took.
"""

import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import pytest
from faults import failing, killed_at, watched
from imports_toys import write_results, xcopa_rows
from test_cli import run_cli

from mlbench import store
from mlbench.files import is_whole
from mlbench.report import write
from mlbench.store.folder import BACKUP
from mlbench.store.read import read_run

FIGURES = ("moat", "heatmap")
"""Drawn in each of many reports. The first needs two models: a report of one takes it away."""
HEADER = "model,family,language,doc_id,score,chance,is_parallel\n"


class Still(datetime):
    """A clock that stands."""

    @classmethod
    def now(cls, tz=None):
        return cls(2026, 1, 2, tzinfo=UTC)


@pytest.fixture(autouse=True)
def still(monkeypatch):
    monkeypatch.setattr("mlbench.store.manifest.datetime", Still)
    monkeypatch.setattr("mlbench.runner.invocation.datetime", Still)
    monkeypatch.setattr("mlbench.runner.local.time", SimpleNamespace(perf_counter=lambda: 0.0))
    monkeypatch.setattr("mlbench.runner.local.restart_peak", lambda device: False)


def write_table(path: Path, models: str, n_docs: int = 12) -> None:
    rows = (
        f"{model},quiz,{tag},{i},{int((i + len(tag)) % 3 > (model == 'b'))},0.5,true\n"
        for model in models
        for tag in ("en", "sw")
        for i in range(n_docs)
    )
    path.write_text(HEADER + "".join(rows), encoding="utf-8")


@pytest.fixture
def base(tmp_path, monkeypatch):
    """Return a folder with two tables, and a run that holds one of them."""
    place = tmp_path / "base"
    place.mkdir()
    monkeypatch.chdir(place)
    write_table(Path("one.csv"), "a")
    write_table(Path("two.csv"), "b")
    write_table(Path("more.csv"), "ab", 15)
    write_results(tasks={"xcopa_id": xcopa_rows(), "xcopa_sw": xcopa_rows()}, n_docs=4)
    from mlbench.imports import import_results

    import_results("csv", Path("one.csv"), "r")
    return place


@pytest.fixture
def quick_report(monkeypatch, figure_files):
    """Judge, render and draw once for all reports of the same cells: writing is what is tried."""
    monkeypatch.setattr(write, "FIGURES", FIGURES)
    for name in ("compare_all", "_page_texts", "_figure_files", "markets_of"):
        monkeypatch.setattr(write, name, once(getattr(write, name)))


def once(function):
    known: dict[int, object] = {}

    def remembered(table, *rest):
        key = len(table.run.done)
        if key not in known:
            known[key] = function(table, *rest)
        return known[key]

    return remembered


def tree() -> dict[str, bytes]:
    """Return every file here but locks, whose content is nothing, and caches.

    Of run.json without its record of commands: one that failed and one that ended it are two.
    """
    return {
        str(path): without_records(path)
        for path in sorted(Path().rglob("*"))
        if path.is_file() and path.name != store.LOCK and "cache" not in path.parts
    }


def without_records(path: Path) -> bytes:
    content = path.read_bytes()
    if path.name not in (store.MANIFEST, BACKUP) or not is_whole(content):
        return content
    manifest = json.loads(content)
    for name in ("invocations", "seal"):
        manifest.pop(name, None)
    return json.dumps(manifest).encode()


def fresh(base: Path, monkeypatch) -> None:
    """Stand in a new copy of the base."""
    place = base.parent / "place"
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(base, place)
    monkeypatch.chdir(place)


COMMANDS = {
    "import": ("import", "csv", "two.csv", "--run", "r"),
    "import anew": ("import", "csv", "two.csv", "--run", "new"),
    "import over": ("import", "csv", "more.csv", "--run", "r"),
    "import lm-eval": ("import", "lm-eval", "results", "--run", "r"),
    "report": ("report", "r"),
    "export csv": ("export", "r", "--format", "csv"),
    "export parquet": ("export", "r", "--format", "parquet", "--out", "out/s.parquet"),
    "export lm-eval": ("export", "r", "--format", "lm-eval", "--out", "out"),
    "figure": ("figure", "heatmap", "--run", "r", "--out", "figures/h.pdf", "--family", "quiz"),
    "verdict": ("verdict", "r", "--a", "a", "--b", "b"),
    "repair": ("repair", "r"),
    "forget": ("forget", "r", "--models", "b", "--yes"),
}
BEFORE = {  # what is there before the command: the outputs of an earlier state, or a broken file
    "report": [
        ("import", "csv", "two.csv", "--run", "r"),
        ("report", "r"),
        ("forget", "r", "--models", "b", "--yes"),
    ],
    "export csv": [("export", "r", "--format", "csv"), ("import", "csv", "two.csv", "--run", "r")],
    "export lm-eval": [("import", "csv", "two.csv", "--run", "r")],
    "verdict": [("import", "csv", "two.csv", "--run", "r")],
    "forget": [("import", "csv", "two.csv", "--run", "r")],
}


def set_up(name: str, capsys) -> None:
    for command in BEFORE.get(name, ()):
        assert run_cli(capsys, *command)[0] == 0
    if name == "repair":
        Path("runs/r/run.json").write_text("{}", encoding="utf-8")


@pytest.mark.usefixtures("quick_report")
@pytest.mark.parametrize("name", COMMANDS)
def test_every_step_may_fail_and_the_same_command_again_mends_it(base, capsys, monkeypatch, name):
    set_up(name, capsys)
    before = tree()
    fresh(base, monkeypatch)
    assert run_cli(capsys, *COMMANDS[name])[0] == 0
    undisturbed = tree()
    for n in count(1):
        fresh(base, monkeypatch)
        with failing(n) as faults:
            code, out, err = run_cli(capsys, *COMMANDS[name])
        if len(faults.names) < n:
            break
        where = (n, faults.names[n - 1], out, err)
        assert code in (0, 2) and "Traceback" not in out + err, where
        assert code == 0 or (err.startswith("mlbench: ") and err.count("\n") == 1), where
        left = tree()
        assert not [path for path in left if path.endswith(".part")], where
        if name not in ("forget", "repair"):  # these go step by step, each of them a whole state
            assert left in (before, undisturbed), where
        assert name == "repair" or not read_run("r").damaged, where
        if name != "forget" or left != undisturbed:  # what is forgotten cannot be named again
            assert run_cli(capsys, *COMMANDS[name])[0] == 0, where
        assert tree() == undisturbed, where
    assert n > 5 or name == "verdict"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
@pytest.mark.usefixtures("quick_report")
@pytest.mark.parametrize(
    "name", ["import", "import anew", "import over", "import lm-eval", "report", "export csv"]
)
def test_a_kill_at_every_step_is_mended_by_the_same_command(base, capsys, monkeypatch, name):
    set_up(name, capsys)
    before = tree()
    fresh(base, monkeypatch)
    assert run_cli(capsys, *COMMANDS[name])[0] == 0
    undisturbed = tree()
    for n in count(1):
        fresh(base, monkeypatch)
        if not killed_at(n, lambda: run_cli(capsys, *COMMANDS[name])):
            break
        for path, content in tree().items():
            is_whole = content in (before.get(path), undisturbed.get(path))
            assert is_whole or path.endswith(".part"), (n, path)
        assert not read_run("r").damaged
        assert run_cli(capsys, *COMMANDS[name])[0] == 0
        assert tree() == undisturbed, n
    assert n > 5


def state_of(run: str) -> tuple:
    if not (store.find_run(run, must_exist=False) / store.MANIFEST).is_file():
        return ()
    found = read_run(run)
    assert not found.damaged and not found.changed
    return tuple((cell, found.state(cell)) for cell in found.planned)


@pytest.mark.parametrize("name", ["import", "import anew", "import lm-eval"])
def test_who_reads_during_an_import_sees_the_run_before_it_or_after_it(base, capsys, name):
    seen = []
    run = COMMANDS[name][-1]
    before = state_of(run)
    with watched(lambda n, step: seen.append(state_of(run))):
        assert run_cli(capsys, *COMMANDS[name])[0] == 0
    after = state_of(run)
    assert len(seen) > 15 and set(seen) <= {before, after} and seen[0] == before
    assert [state for _, state in after] == ["done"] * len(after)


@pytest.mark.slow
def test_every_step_of_a_run_may_fail(checkpoint, tmp_path, capsys, monkeypatch):
    base = tmp_path / "base"
    base.mkdir()
    monkeypatch.chdir(base)
    command = ("run", "--models", str(checkpoint), "--families", "cldr_terms", "--languages", "sw")
    command = (*command, "--limit", "2", "--run", "r")
    fresh(base, monkeypatch)
    assert run_cli(capsys, *command)[0] == 0
    undisturbed = tree()
    for n in count(1):
        fresh(base, monkeypatch)
        with failing(n) as faults:
            code, out, err = run_cli(capsys, *command)
        if len(faults.names) < n:
            break
        where = (n, faults.names[n - 1], out, err)
        assert code in (0, 2) and "Traceback" not in out + err, where
        assert code == 0 or (err.startswith("mlbench: ") and err.count("\n") == 1), where
        left = tree()
        assert not [path for path in left if path.endswith(".part")], where
        assert all(undisturbed.get(path) == content for path, content in left.items()), where
        assert run_cli(capsys, *command)[0] == 0 and tree() == undisturbed, where
    assert n > 20


WRITER = """
import sys
from pathlib import Path
from mlbench import store
letter, path = sys.argv[1], Path("shared/file")
for n in range(400):
    store.write_bytes(path, letter.encode() * (50_000 + n))
"""


def test_two_processes_that_write_one_file_never_tear_it(tmp_path):
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, letter], stderr=subprocess.PIPE)
        for letter in "ab"
    ]
    n_read = 0
    while any(writer.poll() is None for writer in writers):
        if Path("shared/file").is_file():
            content = Path("shared/file").read_bytes()
            n_read += 1
            assert len(content) >= 50_000 and len(set(content)) == 1
    assert [writer.communicate()[1] for writer in writers] == [b"", b""]
    assert n_read > 10 and [path.name for path in Path("shared").iterdir()] == ["file"]


def test_what_a_killed_command_left_is_swept_by_the_next_on_the_run(base):
    left = [Path("runs/r", name) for name in ("run.json.0a1b2c3d.part", "a/quiz/0/en.parquet.part")]
    for path in left:
        path.write_bytes(b"half")
    with store.lock_run(Path("runs/r")):
        assert not [path for path in left if path.exists()]


def test_a_report_sweeps_its_own_leftovers_and_nothing_else(base, quick_report, capsys):
    folder = Path("reports/r")
    folder.mkdir(parents=True)
    for name in ("index.html.0a1b2c3d.part", "mine.part", "notes.txt.0a1b2c3d.part"):
        (folder / name).write_bytes(b"half")
    (folder / "moat.pdf").write_bytes(b"of two models")
    assert run_cli(capsys, "report", "r")[0] == 0
    names = {path.name for path in folder.iterdir()}
    assert {"mine.part", "notes.txt.0a1b2c3d.part", "index.html"} < names
    assert not names & {"index.html.0a1b2c3d.part", "moat.pdf"}


def test_a_new_folder_that_a_report_cannot_fill_is_not_left(base, quick_report, capsys):
    with failing(20):
        assert run_cli(capsys, "report", "r", "--out", "to/send")[0] == 2
    assert not Path("to").exists()
