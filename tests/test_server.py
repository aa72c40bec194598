"""A server's replies are scores only where they are log-probabilities of what was asked."""

import json
from pathlib import Path

import api_toys
import pytest
from test_cli import run_cli

from mlbench import store
from mlbench.errors import ModelError
from mlbench.models import find_model
from mlbench.store.read import read_run

pytest.importorskip("tenacity", reason="lm-eval[api] is not installed")

SELECTION = ("--families", "cldr_calendar,sib200_lm", "--languages", "en,ar,hi", "--limit", "3")


@pytest.fixture(scope="module")
def completions(checkpoint):
    return api_toys.Completions(checkpoint)


@pytest.fixture
def run_server(capsys, sib200, checkpoint):
    def run(url: str, more: str = "", selection: tuple[str, ...] = SELECTION) -> tuple[int, str]:
        name = f"local-completions:model=m,base_url={url},tokenizer={checkpoint},max_retries=1"
        code, out, err = run_cli(capsys, "run", "--models", name + more, *selection, "--run", "s")
        return code, out + err

    return run


@pytest.mark.parametrize("more", ["", ",num_concurrent=3", ",batch_size=2"])
def test_a_server_gives_the_scores_of_the_model_behind_it(
    capsys, run_server, checkpoint, completions, more
):
    with api_toys.serve(completions, dict) as url:
        code, said = run_server(url, more)
        assert code == 0, said
        code, said = run_server(url, ",num_concurrent=2")
        assert "6 done" in said  # how a server is asked is no part of a model
    run_cli(capsys, "run", "--models", str(checkpoint), *SELECTION, "--run", "s")
    run = read_run(store.find_run("s"))
    served, plain = run.models
    for cell, result in run.done.items():
        if cell.model != plain:
            continue
        other = run.done[cell._replace(model=served)]
        for metric, score in result.scores.items():
            assert other.scores[metric].value == pytest.approx(score.value, abs=1e-4)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (api_toys.ignores_echo, "gave 1 log-probabilities for a prompt of"),
        (api_toys.adds_a_token_before, "tokens and one more. It leaves the prompt out (echo)"),
        (api_toys.gives_no_next_token, "tokens and one more"),
        (api_toys.is_constant, "the same after two contexts"),
        (api_toys.is_positive, "where one below 0 is due"),
        (api_toys.is_not_a_number, "is nan, where one below 0 is due"),
        (api_toys.gives_no_logprobs, "no log-probabilities"),
        (api_toys.answers_nothing, "0 replies to 1 prompts"),
        (api_toys.answers_something_else, "0 replies to 1 prompts"),
        (500, "500"),
    ],
)
def test_a_server_that_cannot_score_is_refused_before_the_first_cell(
    run_server, completions, change, says
):
    with api_toys.serve(completions, change) as url:
        code, said = run_server(url)
    assert code == 2 and says in said and "Traceback" not in said
    assert not Path("runs/s/run.json").exists()


def test_a_server_that_answers_one_prompt_of_several_is_refused(run_server, completions):
    with api_toys.serve(completions, api_toys.answers_one_prompt_only) as url:
        code, said = run_server(url, ",batch_size=2")
    assert code == 2 and "1 replies to 2 prompts" in said


def test_a_server_that_goes_wrong_later_has_failed_cells(run_server, completions):
    n_asked = 0

    def change(reply):
        nonlocal n_asked
        n_asked += 1
        return reply if n_asked <= 6 else api_toys.ignores_echo(reply)

    with api_toys.serve(completions, change) as url:
        code, said = run_server(url)
    assert code == 1 and "log-probabilities for a prompt of" in said
    assert not read_run(store.find_run("s")).done


def test_another_model_under_the_name_of_a_server_is_refused(
    run_server, completions, checkpoint, other_checkpoint
):
    with api_toys.serve(completions, dict) as url:
        assert run_server(url)[0] == 0
    port = int(url.rpartition(":")[2].partition("/")[0])
    more = (*SELECTION[:3], "ru,th,zh-Hans", *SELECTION[4:])
    with api_toys.serve(api_toys.Completions(other_checkpoint), dict, port) as url:
        code, said = run_server(url, selection=more)
    assert code == 2 and "it is another model than the one that other cells" in said
    assert len(read_run(store.find_run("s")).done) == 6
    with api_toys.serve(completions, dict, port) as url:
        assert run_server(url, selection=more)[0] == 0
    assert len(read_run(store.find_run("s")).done) == 12


@pytest.mark.parametrize("more", [",auth_token=sk-SECRET123", ""])
def test_a_key_that_the_server_repeats_is_not_shown(run_server, completions, monkeypatch, more):
    if not more:
        monkeypatch.setenv("OPENAI_API_KEY", "sk-SECRET123")
    with api_toys.serve(completions, 401) as url:
        code, said = run_server(url, more + ",num_concurrent=2")
    assert code == 2 and "SECRET123" not in said


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("local-completions:base_url=http://localhost:1/v1/completions", "has no model="),
        ("local-completions:model=m", "has no base_url="),
        ("openai-completions:", "has no model="),
    ],
)
def test_a_server_is_refused_without_what_it_cannot_be_asked_without(name, says):
    with pytest.raises(ModelError, match=says):
        find_model(name)


def test_a_chat_server_is_refused_in_one_line(capsys, sib200, checkpoint, completions):
    with api_toys.serve(completions, dict) as url:
        name = f"local-chat-completions:model=m,base_url={url}"
        code, _, err = run_cli(capsys, "run", "--models", name, *SELECTION, "--run", "s")
    assert code == 2 and len(err.strip().splitlines()) == 1 and "chat" in err.lower()


def test_an_argument_that_changes_no_score_is_stored_in_no_cell(run_server, completions):
    with api_toys.serve(completions, dict) as url:
        run_server(url, ",num_concurrent=2,auth_token=sk-SECRET123")
    stored = json.loads(Path("runs/s/run.json").read_text(encoding="utf-8"))
    (name,) = stored["models"]
    assert "num_concurrent" not in name and "model=m" in name
    files = [path for path in Path("runs").rglob("*") if path.is_file()]
    assert not [path for path in files if b"SECRET123" in path.read_bytes()]
