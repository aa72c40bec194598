"""`make` takes what was meant or says so, and deletes nothing that took hours to make."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="needs make")


def make(*words: str, folder: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run make with nothing of this process's own variables but the path."""
    env = {"PATH": os.environ["PATH"], **environment}
    command = ["make", "-f", str(ROOT / "Makefile"), *words]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True)


def bench(*words: str, **environment: str) -> str:
    """Return the commands of `make bench`, as the shell gets them."""
    done = make("-n", "bench", *words, **environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("MODEL=demo-anglo", "MODELS"),
        ("models=demo-anglo", "MODELS"),
        ("languages=id", "LANGUAGES"),
        ("LANG=id", "LANGUAGES"),
        ("FAMILY=core", "FAMILIES"),
        ("shot=5", "SHOTS"),
        ("limits=4", "LIMIT"),
        ("RUNS=x", "RUN"),
        ("Test=x", "TESTS"),
    ],
)
@pytest.mark.parametrize("target", ["bench", "report", "help", "clean"])
def test_a_misspelt_variable_is_refused_with_what_is_meant(typed, meant, target):
    done = make("-n", target, typed)
    name = typed.partition("=")[0]
    assert done.returncode == 2 and done.stdout == ""
    assert f"there is no variable {name}. Did you mean {meant}? Variables are: " in done.stderr


def test_a_variable_like_none_is_refused_with_those_there_are():
    assert "no variable NUM_FEWSHOT. Variables are: PYTHON VENV MODELS" in (
        make("-n", "bench", "NUM_FEWSHOT=5").stderr
    )


def test_a_bench_of_ones_own_goes_to_a_run_of_its_own():
    assert "--run 'bench'" in bench()
    for name in ("MODELS", "FAMILIES", "LANGUAGES", "SHOTS", "LIMIT", "ARGS"):
        assert "--run 'custom'" in bench(f"{name}=4"), name
        assert "--run 'custom'" in bench(**{name: "4"}), name
        assert "report 'custom'" in make("-n", "report", **{name: "4"}).stdout, name
        assert "--run 'mine'" in bench(f"{name}=4", "RUN=mine"), name
    assert 'make report RUN=\\"custom\\"' in bench("LIMIT=4") and "again:" not in bench()


def test_what_is_typed_reaches_the_command_as_it_is():
    text = bench("RUN=my ru'n", "MODELS=a vllm:x=1,y=2", "LANGUAGES=family:Niger-Congo,-sw")
    assert "--run 'my ru'\\''n'" in text and "report 'my ru'\\''n'" in text
    assert "--models 'a' 'vllm:x=1,y=2'" in text and "'family:Niger-Congo,-sw'" in text


def fake_mlbench(folder: Path, code: int) -> None:
    """Put a program there that notes how it was called, and ends a run with a code."""
    place = folder / ".venv" / "bin" / "mlbench"
    place.parent.mkdir(parents=True)
    text = (
        f'#!/bin/sh\nprintf "%s|" "$@" >> called; echo >> called\n[ "$1" != run ] || exit {code}\n'
    )
    place.write_text(text, encoding="utf-8")
    place.chmod(0o755)
    for name in ("pyproject.toml", "constraints.txt"):
        (folder / name).touch()
    (folder / ".venv" / ".installed").touch()


@pytest.mark.parametrize(
    ("code", "is_reported"),
    [(0, True), (1, True), (2, False), (70, False), (130, False), (143, False)],
)
def test_only_a_run_that_ended_as_a_run_does_is_reported(tmp_path, code, is_reported):
    fake_mlbench(tmp_path, code)
    done = make("bench", "RUN=my run", "LIMIT=4", folder=tmp_path)
    calls = (tmp_path / "called").read_text(encoding="utf-8").splitlines()
    assert done.returncode == (2 if code else 0)  # make's own code for a command that failed
    assert "|--limit|4|--run|my run|" in calls[0]
    assert calls[1:] == (["report|my run|"] if is_reported else [])
    assert (f"Error {code}" in done.stderr) == bool(code)


def test_a_report_says_that_the_latest_run_is_another(tmp_path):
    fake_mlbench(tmp_path, 0)
    for name in ("bench", "my own"):
        (tmp_path / "runs" / name).mkdir(parents=True)
        (tmp_path / "runs" / name / "run.json").touch()
    os.utime(tmp_path / "runs/bench/run.json", (1, 1))
    out = make("report", folder=tmp_path).stdout
    assert out == 'The latest run is another: make report RUN="my own"\n'
    assert make("report", "RUN=my own", folder=tmp_path).stdout == ""


def test_clean_keeps_runs_and_reports_and_distclean_does_not(tmp_path):
    kept = [tmp_path / name for name in ("runs/r/run.json", "reports/r/index.html", "exports/r/x")]
    gone = [tmp_path / name for name in (".venv/x", "build/x", ".ruff_cache/x")]
    for path in (*kept, *gone, tmp_path / "reports/.gitkeep"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert make("clean", folder=tmp_path).returncode == 0
    assert all(path.exists() for path in kept) and not any(path.exists() for path in gone)
    assert make("distclean", folder=tmp_path).returncode == 0
    assert not any(path.exists() for path in kept)
    assert (tmp_path / "reports/.gitkeep").exists()
