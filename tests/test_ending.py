"""A command ends with an exit code that a script can rely on, and never in a stack trace."""

import json
import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from test_cli import refused, run_cli

from mlbench import store
from mlbench.errors import BackendError, ModelError
from mlbench.harness import backend
from mlbench.models import Model
from mlbench.runner import local
from mlbench.runner.command import do_work, select
from mlbench.settings import Settings
from mlbench.store.read import read_run
from mlbench.terminal import ending, runs

SECRET = "sk-SECRET123"
ONE_CELL = ("--families", "cldr_calendar", "--languages", "en", "--limit", "2")


def faults() -> list[Path]:
    return sorted(Path(os.environ["MLBENCH_CACHE"], "faults").glob("*.txt"))


READ_RUN = "mlbench.terminal.verdicts.read_run"


def broken(error: BaseException):
    def break_(*_, **__):
        raise error

    return break_


def test_a_fault_of_ours_is_one_line_and_its_traceback_a_file(capsys, monkeypatch):
    monkeypatch.setattr(READ_RUN, broken(AttributeError(f"no x of {SECRET}")))
    arguments = ("verdict", "r", "--a", f"local-completions:token={SECRET}", "--b", "b")
    code, out, err = run_cli(capsys, *arguments)
    (fault,) = faults()
    assert (code, out, err.count("\n")) == (70, "", 1)
    assert "fault of mlbench, not yours: AttributeError: no x of ***" in err and str(fault) in err
    text = fault.read_text(encoding="utf-8")
    assert "Traceback" in text and "mlbench verdict r" in text and SECRET not in text + err


def test_v_shows_the_traceback_too(capsys, monkeypatch):
    monkeypatch.setattr(READ_RUN, broken(AttributeError("x")))
    code, _, err = run_cli(capsys, "-v", "verdict", "r", "--a", "a", "--b", "b")
    assert code == 70 and "Traceback" in err


def test_without_a_cache_to_write_to_the_file_is_elsewhere(capsys, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv("MLBENCH_CACHE", str(tmp_path / "file"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "other"))
    monkeypatch.setattr(READ_RUN, broken(AttributeError("x")))
    code, _, err = run_cli(capsys, "verdict", "r", "--a", "a", "--b", "b")
    assert code == 70 and str(tmp_path / "other") in err
    assert list((tmp_path / "other").rglob("*.txt"))


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (OSError(28, "No space left on device", "x/y"), "cannot read or write 'x/y': No space"),
        (PermissionError(13, "Permission denied"), "mlbench: Permission denied"),
        (ConnectionError("the hub said\nno"), "mlbench: the hub said no"),
    ],
)
def test_a_file_or_a_network_at_fault_is_the_users_to_mend(capsys, monkeypatch, error, says):
    monkeypatch.setattr(READ_RUN, broken(error))
    assert says in refused(capsys, "verdict", "r", "--a", "a", "--b", "b")


def test_an_interrupt_outside_a_run_is_told(capsys, monkeypatch):
    monkeypatch.setattr(READ_RUN, broken(ending.Stopped(signal.SIGTERM)))
    code, _, err = run_cli(capsys, "verdict", "r", "--a", "a", "--b", "b")
    assert (code, err) == (143, "mlbench: stopped by SIGTERM\n")


@pytest.mark.parametrize(
    "error",
    [
        pickle.UnpicklingError("invalid load key"),
        AttributeError("no attribute 'x'"),
        AssertionError("Torch not compiled with CUDA enabled"),
        NotImplementedError(),
        RecursionError("maximum recursion depth exceeded"),
        IndexError("list index out of range"),
        ZeroDivisionError("division by zero"),
        MemoryError(),
        SystemExit("bye"),
        Exception(f"data did not match, {SECRET}"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_whatever_a_backend_raises_is_one_line_and_leaves_no_column(
    capsys, monkeypatch, checkpoint, error
):
    name = f"dummy:model=x,token={SECRET}"
    arguments = ("run", *ONE_CELL, "--run", "r")
    assert run_cli(capsys, *arguments, "--models", str(checkpoint))[0] == 0
    before = Path("runs/r/run.json").read_bytes()
    monkeypatch.setattr(backend, "get_model", broken(error))
    message = refused(capsys, *arguments, "--models", name)
    shown = ": ".join(filter(None, (type(error).__name__, str(error).replace(SECRET, "***"))))
    assert f"cannot load model 'dummy:model=x': {shown}" in message
    assert "traceback in " in message and len(faults()) == 1
    assert SECRET not in faults()[0].read_text(encoding="utf-8")
    assert Path("runs/r/run.json").read_bytes() == before


@pytest.mark.parametrize("error", [OSError("no such file"), ValueError("v"), RuntimeError("r")])
def test_what_a_wrong_argument_ends_in_needs_no_traceback(monkeypatch, error):
    monkeypatch.setattr(backend, "get_model", broken(error))
    with pytest.raises(ModelError, match=f"'dummy:x=1': {error}") as refusal:
        backend.load_model(Model("dummy:x=1", "dummy"), Settings(device="cpu"))
    assert not isinstance(refusal.value, BackendError)


def work_of(name: str):
    selection = select(["demo-anglo"], ["cldr_calendar"], ["en", "ru"], None)
    settings = Settings(device="cpu", limit=2)
    return runs.prepare_run(name, selection, settings, runs._console())


@pytest.mark.parametrize("error", [KeyError("x"), KeyboardInterrupt(), ending.Stopped(15)])
def test_whatever_ends_a_run_before_its_first_cell_leaves_no_manifest(monkeypatch, error):
    monkeypatch.setattr(local, "load_model", broken(error))
    with pytest.raises(type(error)):
        list(do_work(work_of("new")))
    assert [path.name for path in Path("runs/new").iterdir()] == [store.LOCK]


# What a run is stopped by and its exit code. It scores cells until it is told to stop; where it
# is at its second, the first is kept and counted.
SLOWLY = """
import sys, time
from pathlib import Path
from mlbench.runner import local
real = local.evaluate
def slowly(*a, **b):
    if list(Path("runs").glob("*/*/*/*/*.parquet")):
        Path("is-at-second").touch()
    time.sleep(0.3)
    return real(*a, **b)
local.evaluate = slowly
from mlbench.cli import main
main()
"""
RUN = ("run", "--models", "demo-anglo", "--families", "cldr_calendar", "--languages", "class:2-5")


def wait_for_second() -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and not Path("is-at-second").exists():
        time.sleep(0.02)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "code", "name"), [(2, 130, "Ctrl-C"), (15, 143, "SIGTERM"), (1, 129, "SIGHUP")]
)
def test_a_signal_ends_a_run_with_a_sentence_and_keeps_its_cells(warm, number, code, name):
    process = warm.start(*RUN, code=SLOWLY)
    wait_for_second()
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (code, f"mlbench: stopped by {name}\n")
    kept = len(read_run("bench").done)
    assert kept and f"Stopped. {kept} cells are kept; the same command goes on." in out


@pytest.mark.slow
def test_a_second_signal_ends_at_once_and_without_a_stack_trace(warm):
    process = warm.start(*RUN, code=SLOWLY)
    wait_for_second()
    for _ in range(4):
        process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130 and "Traceback" not in err


@pytest.mark.slow
def test_a_hangup_that_is_ignored_stays_ignored(warm):
    """As nohup does."""
    process = warm.start(*RUN[:-1], "en,ru,th", code=SLOWLY, ignored=[signal.SIGHUP])
    wait_for_second()
    process.send_signal(signal.SIGHUP)
    process.communicate(timeout=60)
    assert process.returncode == 0 and len(read_run("bench").done) == 3


@pytest.mark.slow
def test_a_run_whose_output_nobody_reads_goes_on(warm):
    reader, writer = os.pipe()
    process = warm.start(*RUN[:-1], "en,ru,th", stdout=writer)
    os.close(writer)
    os.read(reader, 1)
    os.close(reader)
    _, err = process.communicate(timeout=120)
    assert (process.returncode, err) == (0, "")
    assert len(read_run("bench").done) == 3


def test_a_list_that_head_cuts_is_no_failure():
    done = subprocess.run(
        f"{sys.executable} -m mlbench list languages | head -1; echo ${{PIPESTATUS[0]}}",
        shell=True,
        executable="/bin/bash",
        capture_output=True,
        text=True,
    )
    assert done.stdout.splitlines()[-1] == "0" and done.stderr == ""


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_output_that_cannot_be_written_is_told():
    with open("/dev/full", "w") as full:
        process = [sys.executable, "-m", "mlbench", "list", "languages"]
        done = subprocess.run(process, stdout=full, stderr=-1, text=True)
    assert done.returncode == 2
    assert done.stderr == "mlbench: cannot write the output: No space left on device\n"


def test_a_terminal_without_the_letters_of_a_language_is_no_failure():
    done = subprocess.run(
        [sys.executable, "-m", "mlbench", "list", "languages"],
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
    )
    assert done.returncode == 0 and rb"\u" in done.stdout and done.stderr == b""


def delete(folder: Path) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    folder.rmdir()


@pytest.mark.parametrize("when", ["loading", "first cell", "last cell"])
def test_a_run_whose_folder_is_deleted_meanwhile_ends_with_an_error(capsys, monkeypatch, when):
    evaluate, load = local.evaluate, local.load_model
    n_asked = []

    def load_and_delete(*arguments):
        if when == "loading":
            delete(Path("runs/gone"))
        return load(*arguments)

    def evaluate_and_delete(model, prepared, **options):
        n_asked.append(prepared)
        if len(n_asked) == {"first cell": 1, "last cell": 2}.get(when):
            delete(Path("runs/gone"))
        return evaluate(model, prepared, **options)

    monkeypatch.setattr(local, "load_model", load_and_delete)
    monkeypatch.setattr(local, "evaluate", evaluate_and_delete)
    arguments = ("--models", "demo-anglo", "--families", "cldr_calendar", "--languages", "en,ru")
    code, out, err = run_cli(capsys, "run", *arguments, "--limit", "2", "--run", "gone")
    assert code == 2 and "Done" not in out and "Next" not in out
    assert "the run folder runs/gone was deleted, moved or replaced" in err
    assert not list(Path("runs").rglob("*.parquet"))
    monkeypatch.setattr(local, "load_model", load)
    assert run_cli(capsys, "run", *arguments, "--limit", "2", "--run", "gone")[0] == 0


def test_a_run_whose_folder_is_another_one_meanwhile_ends_with_an_error(capsys, monkeypatch):
    evaluate = local.evaluate

    def replace_and_evaluate(model, prepared, **options):
        manifest = Path("runs/gone/run.json").read_bytes()
        delete(Path("runs/gone"))
        with store.lock_run(Path("runs/gone")):
            Path("runs/gone/run.json").write_bytes(manifest)
        return evaluate(model, prepared, **options)

    monkeypatch.setattr(local, "evaluate", replace_and_evaluate)
    code, out, err = run_cli(capsys, "run", "--models", "demo-anglo", *ONE_CELL, "--run", "gone")
    assert code == 2 and "Done" not in out and "deleted, moved or replaced" in err


def test_exit_codes_are_told_by_help_and_readme(capsys):
    _, out, _ = run_cli(capsys, "-h")
    readme = Path(__file__).parent.parent.joinpath("README.md").read_text(encoding="utf-8")
    told = " ".join(out.split()).partition("Exit codes: ")[2]
    table = readme.partition("### Exit codes")[2].partition("##")[0]
    for code in ("0", "1", "2", "70", "130", "143", "129"):
        assert code in told.replace(",", "").split() or f"({code}" in told, code
        assert f"| {code} |" in table or f"{code} by" in table, code


def test_a_cell_of_a_failed_run_is_in_json(capsys, monkeypatch):
    monkeypatch.setattr(local, "evaluate", broken(RuntimeError("planned")))
    assert run_cli(capsys, "run", "--models", "demo-anglo", *ONE_CELL)[0] == 1
    _, out, _ = run_cli(capsys, "list", "cells", "bench", "--json")
    assert [row["state"] for row in json.loads(out)] == ["failed"]


def test_a_signal_between_a_cell_and_its_event_loses_neither(monkeypatch):
    put = store.put

    def put_and_stop(path, result):
        put(path, result)
        raise ending.Stopped(signal.SIGTERM)

    monkeypatch.setattr(store, "put", put_and_stop)
    with pytest.raises(ending.Stopped):
        list(do_work(work_of("one")))
    assert len(read_run("one").done) == 1
