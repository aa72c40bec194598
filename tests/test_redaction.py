"""No key reaches a file, a page or the terminal."""

from pathlib import Path

import pytest
from test_cli import run_cli

from mlbench.imports.lm_eval_result import TaskResult
from mlbench.models import find_model, fingerprint
from mlbench.redaction import redact, secrets_of

SECRET = "sk-SECRET123"


@pytest.mark.parametrize(
    "arguments",
    [
        f"model=m,auth_token={SECRET}",
        f"model=m,api_key={SECRET},num_concurrent=1",
        f"base_url=http://host/v1?key={SECRET},model=m",
        f"base_url=http://host/v1?a=b&access-token={SECRET}",
        f"base_url=https://me:{SECRET}@host/v1",
        f"OPENAI_API_KEY={SECRET}",
        f"header=Bearer {SECRET}",
        f"password={SECRET}",
        f"base_url=http://host/v1?sig={SECRET}",
        f'model=m,header={{"Authorization": "Bearer {SECRET}"}}',
    ],
)
def test_a_secret_is_in_no_name_and_no_fingerprint(arguments):
    model = find_model(f"vllm:{arguments}")
    assert SECRET not in f"{model.name} {model.slug} {model.identity}"
    assert SECRET in model.arguments  # the backend has to get it
    other = find_model(f"vllm:{arguments.replace(SECRET, 'another-key')}")
    assert (other.name, fingerprint(other)) == (model.name, fingerprint(model))
    assert redact(f"401 for {SECRET}", arguments) == redact("401 for ***", arguments)


def test_a_key_of_the_environment_is_not_shown_either(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    assert redact(f"Incorrect API key: {SECRET}", "model=m") == "Incorrect API key: ***"


@pytest.mark.parametrize(
    "arguments", [f"model=m,auth_token={SECRET}", {"model": "m", "auth_token": SECRET}]
)
def test_a_key_that_lm_eval_wrote_to_its_results_is_not_imported(arguments):
    config = {"model": "local-completions", "model_args": arguments}
    configs = {"configs": {"task": {}}}
    results = {**configs, "config": config, "model_name": f"local-completions:auth_token={SECRET}"}
    result = TaskResult("task", "now", Path("samples.jsonl"), results)
    assert result.setup == {"model": "m", "model_type": "local-completions"}
    assert result.model == "local-completions:auth_token=***"


def test_what_only_sounds_like_a_secret_is_kept():
    arguments = "tokenizer=org/name,tokenized_requests=False,max_tokens=5,eos_token=</s>,model=key"
    assert secrets_of(arguments) == ()


def test_no_byte_of_a_run_or_a_report_holds_the_key(capsys, sib200, checkpoint, tmp_path):
    """`mlbench:` is a backend of lm-eval like any other, and its arguments go to it as they are."""
    name = f"mlbench:pretrained={checkpoint},token={SECRET}"
    arguments = (
        "--models",
        name,
        "--families",
        "sib200_lm",
        "--languages",
        "en,ar",
        "--limit",
        "4",
    )
    code, out, err = run_cli(capsys, "run", *arguments, "--run", "secret")
    printed = out + err
    if (Path("runs") / "secret" / "run.json").is_file():
        _, out, err = run_cli(capsys, "report", "secret")
        printed += out + err
    assert SECRET not in printed
    files = [path for folder in ("runs", "reports") for path in Path(folder).rglob("*")]
    assert not [path for path in files if path.is_file() and SECRET.encode() in path.read_bytes()]
    assert not [path for path in files if SECRET in str(path)]
    assert code == 0, printed
