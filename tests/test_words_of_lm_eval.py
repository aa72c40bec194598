"""What an lm-eval user types is taken, or answered with what to type."""

import pytest
from test_cli import refused, run_cli

from mlbench.terminal.options import OF_LM_EVAL


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
