"""A key that is typed in any form is in no byte that mlbench writes, and in no line it prints."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from test_cli import run_cli

import mlbench

DEMO = Path(mlbench.__file__).parent / "demo_models" / "demo-anglo"
SECRET = "sk-SECRET123"
HERE = ("runs", "reports", "exports")
CELLS = ("--families", "cldr_calendar", "--languages", "en,ar,hi,th,ru,zh-Hans", "--limit", "4")
MANY = (
    f'header={{"Authorization": "Bearer {SECRET}"}}',
    f"base_url=http://me:{SECRET}@127.0.0.1:9/v1?key={SECRET}",
    f"api_key={SECRET}",
    f"hf_token={SECRET}",
)


def places() -> Iterator[str]:
    """Yield where the key can be read, by name or in the bytes of a file."""
    for path in (p for folder in HERE for p in Path(folder).rglob("*")):
        if SECRET in str(path) or path.is_file() and SECRET.encode() in path.read_bytes():
            yield str(path)


@pytest.fixture
def ours() -> str:
    return f"ours=mlbench:pretrained={DEMO},token={SECRET}"


def test_no_command_writes_or_prints_a_key_of_a_file_of_options(capsys, ours, monkeypatch):
    """The key is in the file alone; every command that reads the run is asked."""
    monkeypatch.setenv("HF_TOKEN", SECRET)
    Path("run.yaml").write_text(
        f'models: ["{ours}", demo-polyglot]\nfamilies: [cldr_calendar]\n'
        f"languages: [en,ar,hi,th,ru,zh-Hans]\nlimit: 4\nrun: r\n"
    )
    printed = ""
    commands = [
        ("plan", "--config", "run.yaml", "--json"),
        ("run", "--config", "run.yaml", "--json"),
        ("run", "--config", "run.yaml"),
        ("watch", "r"),
        ("list", "cells", "r", "--json"),
        ("verdict", "r", "--a", "ours", "--b", "demo-polyglot", "--json"),
        *(("export", "r", "--format", kind) for kind in ("csv", "parquet", "lm-eval", "markdown")),
    ]
    for command in commands:
        code, out, err = run_cli(capsys, *command)
        assert code == 0, (command, out + err)
        printed += out + err
    assert not list(places()) and SECRET not in printed
    assert {"ours", "demo-polyglot"} == {cell.model for cell in mlbench.load("r").done}


@pytest.mark.parametrize("form", MANY, ids=lambda form: form.partition("=")[0])
def test_a_model_that_does_not_load_gives_no_key_away(capsys, form, monkeypatch):
    """Messages of libraries repeat what they were given."""
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    name = f"ours=local-completions:model=m,tokenizer=nowhere,max_retries=1,{form}"
    code, out, err = run_cli(capsys, "run", "--models", name, *CELLS, "--run", "r")
    _, more, rest = run_cli(capsys, "plan", "--models", name, *CELLS, "--run", "r")
    assert code, out
    assert SECRET not in out + err + more + rest and not list(places())


def test_a_notebook_gives_no_key_away(ours, capsys):
    run = mlbench.run("r", models=[ours], families="cldr_calendar", languages="en,ar", limit=4)
    text = f"{run!r} {run.scores().to_pylist()} {run.docs().to_pylist()}"
    seen = capsys.readouterr()
    assert SECRET not in text + seen.out + seen.err and not list(places())


def test_what_is_asked_again_has_no_key_and_says_so(capsys, ours):
    """The record of a run is without keys: asked again, they come from the environment."""
    assert run_cli(capsys, "run", "--models", ours, *CELLS, "--run", "r")[0] == 0
    code, out, err = run_cli(capsys, "run", "--from", "r", "--run", "again")
    assert SECRET not in out + err and not list(places())
    assert "***" not in out, (code, out, err)
