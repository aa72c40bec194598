"""What somebody types as a place or a name is on this machine and fits a disk, or is refused."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_cli import refused, run_cli

import mlbench
from mlbench import store
from mlbench.errors import SelectionError
from mlbench.imports import import_results
from mlbench.models import find_model, split_names
from mlbench.names import SHORT_BYTES, folder_name, local_path, typed
from mlbench.records import Cell
from mlbench.store.read import read_run

REMOTE = ("s3://bucket/x", "gs://b/x", "https://host/x.csv", "hf://a/b", "file:///tmp/x", "s3:/b/x")
COMMANDS = {
    "run": ("run", "--run"),
    "plan": ("plan", "--run"),
    "report": ("report",),
    "out": ("report", "bench", "--out"),
    "figure": ("figure", "moat", "--run", "bench", "--out"),
    "export": ("export", "bench", "--format", "csv", "--out"),
    "verdict": ("verdict", "bench", "--a", "a", "--b", "b", "--claims"),
    "claims": ("report", "bench", "--claims"),
    "languages": ("run", "--languages-file"),
    "fetch": ("fetch", "--languages-file"),
    "import": ("import", "csv", "t.csv", "--run"),
    "table": ("import", "--run", "r", "csv"),
    "map": ("import", "lm-eval", "results", "--run", "r", "--map"),
    "cells": ("list", "cells"),
    "models": ("run", "--models"),
}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_a_place_on_another_machine_is_refused_in_one_sentence(capsys, command):
    for place in REMOTE:
        message = refused(capsys, *command, place)
        assert f"{place!r} is not on this machine" in message
    assert not list(Path().iterdir())


@pytest.mark.parametrize("name", ["MLBENCH_CACHE", "MLBENCH_DATA", "MLBENCH_LANGUAGES"])
def test_a_variable_that_names_another_machine_is_refused(capsys, monkeypatch, name):
    monkeypatch.setenv(name, "s3://bucket/x")
    arguments = ("run", "--families", "sib200_lm", "--languages", "en")
    assert f"{name} 's3://bucket/x' is not on this machine" in refused(capsys, *arguments)
    assert not list(Path().iterdir())


@pytest.mark.parametrize(
    ("run", "says"),
    [
        ("", "run name is empty"),
        ("  ", "run name is empty"),
        (".", "it holds other things"),
        ("..", "it holds other things"),
        ("./", "it holds other things"),
        ("/", "it holds other things"),
        ("runs/", "it holds other things"),
        ("runs/../runs", "it holds other things"),
        ("a\nb", "cannot be printed"),
        ("a\tb", "cannot be printed"),
        ("a\u202eb", "cannot be printed"),
        ("a\udcffb", "cannot be printed"),
        ("r" * 300, "has 300 bytes, and a name may have 255"),
        ("ж" * 200, "has 400 bytes"),
        ("deep/" * 3 + "r" * 256, "has 256 bytes"),
    ],
)
@pytest.mark.parametrize("command", ["run", "plan", "import"])
def test_a_name_that_can_be_no_folder_is_refused_before_any_work(capsys, run, says, command):
    Path("runs").mkdir()
    arguments = ("import", "csv", "none.csv") if command == "import" else (command,)
    message = refused(capsys, *arguments, "--run", run)
    assert says in message
    with pytest.raises(SelectionError):
        mlbench.run(run, languages="en", families="cldr_calendar")


def test_a_run_is_read_from_within_its_folder(capsys, monkeypatch):
    make_table(("f",))
    monkeypatch.chdir("runs/r")
    code, out, _ = run_cli(capsys, "list", "cells", ".", "--json")
    assert code == 0 and len(json.loads(out)) == 1


def make_table(families, run="r"):
    """Import a cell of each family."""
    Path("cache").mkdir(exist_ok=True)
    text = "model,family,language,doc_id,score,chance\n"
    text += "".join(f'm,"{family}",en,{i},{i},0.5\n' for family in families for i in range(2))
    Path("cache/t.csv").write_text(text, encoding="utf-8", newline="")
    import_results("csv", Path("cache/t.csv"), run)


@pytest.mark.parametrize(
    "family", ["a\nb", "a\u202eb", "\x1b[31mred", "a\x00b", "a/b", ".b", "a\\b"]
)
def test_a_family_that_is_no_name_is_refused_with_its_line(capsys, family):
    Path("cache").mkdir()
    text = f'model,family,language,doc_id,score\nm,"{family}",en,1,1\n'
    Path("cache/t.csv").write_text(text, encoding="utf-8", newline="")
    message = refused(capsys, "import", "csv", "cache/t.csv", "--run", "r")
    assert "cache/t.csv:" in message and (message.isprintable())


@pytest.mark.slow
def test_a_family_of_300_letters_is_stored_reported_and_exported(capsys):
    family = "f" * 300
    make_table((family, "f" * 299 + "g", "plain"))
    run = read_run("r")
    assert len(run.done) == 3 and Path("runs/r/m/plain/0/en.parquet").is_file()
    for arguments in (("report", "r"), ("export", "r", "--format", "lm-eval", "--out", "e")):
        assert run_cli(capsys, *arguments)[0] == 0
    assert run_cli(capsys, "import", "lm-eval", "e", "--run", "again")[0] == 0
    again = read_run("again")
    assert {c.family for c in again.done} == {c.family for c in run.done}


@given(st.text(st.characters(), min_size=1, max_size=300), st.text(min_size=1, max_size=5))
def test_a_folder_of_a_name_is_one_safe_part_and_another_for_another_name(name, other):
    made = folder_name(name)
    assert len(Path(made).parts) == 1 and made not in (".", "..") and made[0] != "."
    assert len(made.encode()) <= SHORT_BYTES and made.isprintable() or made == name
    assert folder_name(other) != made or other == name


def test_a_plain_family_keeps_its_folder():
    for name in ("sib200_topic", "my exam", "Prüfung", "a.b-c"):
        assert folder_name(name) == name
    assert store.cell_path(Path("r"), "m", Cell("m", "../up", "en", 0)).parts[:2] == ("r", "m")


@pytest.mark.parametrize(
    ("folder", "shown"),
    [
        ("runs/bench", "bench"),
        ("runs/my run", "'my run'"),
        ("/data/foo", "/data/foo"),
        ("../escape", "../escape"),
        ("foo", "./foo"),
        ("a b/c", "'a b/c'"),
    ],
)
def test_what_to_type_for_a_run_names_it(folder, shown):
    assert typed(Path(folder), store.RUNS) == shown


@pytest.mark.slow
@pytest.mark.parametrize("name", ["my run", "./here", "sub/deep", "ABSOLUTE"])
def test_the_next_command_of_a_run_works_as_it_is_printed(capsys, typed_mlbench, tmp_path, name):
    run = str(tmp_path / "abs" / "foo") if name == "ABSOLUTE" else name
    arguments = ("--models", "demo-anglo", "--families", "cldr_calendar", "--languages", "en")
    code, out, _ = run_cli(capsys, "run", *arguments, "--limit", "2", "--run", run)
    (line,) = [line for line in out.splitlines() if line.startswith("Next: ")]
    command = line.removeprefix("Next: ")
    done = subprocess.run(command, shell=True, capture_output=True, text=True)
    assert (code, done.returncode) == (0, 0) and "index.html" in done.stdout, done.stderr


def test_paths_that_are_here_are_taken_as_they_are():
    for text in ("a", "/abs/x", "~/x", "C:/x", "ünïcode/x", "x:y", "a//b", "-"):
        assert local_path(text, "--out") == Path(text)


def test_names_of_models_may_have_commas_between_them(tmp_path):
    (tmp_path / "a,b").mkdir()
    assert split_names(["x,y", "x", "z"]) == ["x", "y", "z"]
    assert split_names(["vllm:pretrained=x,dtype=y"]) == ["vllm:pretrained=x,dtype=y"]
    assert split_names(["a,b", ""]) == ["a,b", ""]
    os.rmdir("a,b")
    assert split_names(["a, b,"]) == ["a", "b"]


def test_a_folder_of_nobody_is_an_unknown_model(capsys):
    assert "no model '~nobody-here/x'" in refused(capsys, "run", "--models", "~nobody-here/x")
    with pytest.raises(SelectionError, match="not on this machine"):
        find_model("s3://bucket/model")
