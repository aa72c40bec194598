"""What an lm-eval user types is taken, or answered with what to type."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from test_cli import refused, run_cli
from test_docs import rows_of

from mlbench.cli import app
from mlbench.terminal.habits import OF_LM_EVAL, OTHER_WORDS

PAGE = Path(__file__).parent.parent / "docs/from_lm_eval.md"
ROWS = [tuple(row) for row in rows_of(PAGE, "| typed | answer |")]


@pytest.mark.parametrize("option", OF_LM_EVAL)
@pytest.mark.parametrize("form", ["{}", "{}=x"])
def test_an_option_of_lm_eval_is_answered_with_ours(capsys, option, form):
    for spelt in (option, f"--{option[2:].replace('-', '_')}"):
        message = refused(capsys, "run", form.format(spelt), "x")
        assert message == f"mlbench: no option {option}: {OF_LM_EVAL[option]}"


def test_an_option_that_we_have_too_stays_ours(capsys):
    assert "no run 'r'" in refused(
        capsys, "figure", "profile", "--run", "r", "--out", "x.svg", "--model", "m"
    )
    assert "no run 'r'" in refused(capsys, "verdict", "r", "--a", "a", "--b", "b", "--seed", "1")


def test_underscores_are_as_good_as_dashes_in_a_name_and_stay_in_a_value(capsys):
    message = refused(capsys, "run", "--languages_file=my_own.yaml")
    assert "my_own.yaml" in message
    assert "--batch-size 'a_b'" in refused(capsys, "run", "--batch_size", "a_b")


@pytest.mark.parametrize("limit", ["0.1", ".5", "1.0", "0,1"])
def test_a_share_of_docs_is_refused_with_the_reason(capsys, limit):
    assert "scored on the same ones" in refused(capsys, "run", "--limit", limit)


@pytest.mark.parametrize("limit", ["0", "-1", "x", ""])
def test_a_limit_that_is_no_number_is_refused(capsys, limit):
    assert f"--limit {limit!r}: Give a number of docs" in refused(capsys, "run", f"--limit={limit}")


def test_h_is_help(capsys):
    for arguments in (("-h",), ("run", "-h"), ("tasks", "-h")):
        code, out, _ = run_cli(capsys, *arguments)
        assert code == 0 and "Usage" in out


@pytest.mark.parametrize(("typed", "answer"), ROWS)
def test_the_table_for_those_from_lm_eval_is_true(capsys, typed, answer):
    words = shlex.split(typed.strip("`"))
    if answer == "taken":
        command = typer.main.get_command(app).commands["run"]
        given = command.make_context("run", words).params
        assert any(given[name] not in (None, False) for name in given)
    else:
        assert answer in refused(capsys, "run", *words)


def test_the_table_has_every_option_that_is_answered():
    typed = {shlex.split(row[0].strip("`"))[0].replace("_", "-") for row in ROWS}
    assert set(OF_LM_EVAL) <= typed


@pytest.mark.parametrize("word", OTHER_WORDS)
def test_the_word_of_another_tool_is_answered_with_ours(capsys, word):
    assert refused(capsys, word, "x") == f"mlbench: no command {word!r}: {OTHER_WORDS[word]}"


def test_version_is_a_command_too(capsys):
    assert run_cli(capsys, "version") == run_cli(capsys, "--version")


def test_the_shell_completes_commands():
    """As the console script does: the name of the program is in the name of the variable."""
    words = {"_MLBENCH_COMPLETE": "complete_bash", "COMP_WORDS": "mlbench ver", "COMP_CWORD": "1"}
    code = "import sys; sys.argv = ['mlbench']; from mlbench.cli import main; main()"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env={**os.environ, **words}, capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.split() == ["verdict"], done.stderr
