"""A run can be run again: from what it has on record, from a file, and with what moved named."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from test_cli import refused, run_cli

import mlbench
from mlbench import store
from mlbench.records import Cell
from mlbench.store.cells import cell_path
from mlbench.store.manifest import read_manifest

ASKED = ("--families", "cldr_calendar", "--languages", "en,th,ar", "--limit", "4")
SCORED = Cell("demo-anglo", "cldr_calendar", "th", 0)


@pytest.fixture
def run(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run_cli(capsys, "run", *ASKED, "--run", "first", "--quiet") == (0, "", "")
    return Path("runs/first")


def test_a_command_is_on_record_with_versions_and_machine(run, capsys):
    (record,) = read_manifest(run)["invocations"]
    assert record["asked"]["languages"] == ["en,th,ar"] and record["asked"]["limit"] == 4
    assert record["settings"]["dtype"] == "float32" and record["machine"]["device"] == "cpu"
    assert record["versions"]["mlbench"] == mlbench.__version__ and "torch" in record["versions"]
    assert record["started"] <= record["ended"]
    # Nothing was pending, so nothing happened.
    run_cli(capsys, "run", *ASKED, "--run", "first")
    assert len(read_manifest(run)["invocations"]) == 1


def test_a_key_of_a_model_is_not_on_record(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    model = "dummy:api_key=sk-VERYSECRET,model=m"
    run_cli(capsys, "run", "--models", model, *ASKED, "--run", "r")
    files = [path.read_bytes() for path in Path("runs/r").rglob("*") if path.is_file()]
    assert files and not any(b"VERYSECRET" in content for content in files)
    message = refused(capsys, "run", "--from", "r", "--run", "s")
    assert "was made with a key that is not kept" in message and "Type --models again" in message


def test_the_same_is_asked_from_a_run_and_what_is_typed_goes_before(run, capsys):
    code, out, _ = run_cli(capsys, "plan", "--from", "first", "--run", "other", "--json")
    plan = json.loads(out)
    assert code == 0 and plan["cells"] == {"missing": 6} and plan["folder"] == "runs/other"
    _, out, _ = run_cli(
        capsys, "plan", "--from", "first", "--languages", "en", "--run", "x", "--json"
    )
    assert json.loads(out)["cells"] == {"missing": 2}
    code, out, _ = run_cli(capsys, "run", "--from", "first")
    assert code == 0 and "Nothing pending: all 6 cells are in runs/first" in out
    notebook = mlbench.run("nb", families="cldr_calendar", languages="en", limit=4)
    assert len(notebook.done) == 2
    assert "Nothing pending: all 2 cells" in run_cli(capsys, "run", "--from", "nb")[1]


def test_a_config_file_has_the_options_of_the_command(run, capsys):
    Path("run.yaml").write_text(
        "models: [demo-polyglot]\nfamilies: cldr_calendar\nlanguages: [en, th]\nlimit: 4\n"
        "batch-size: 2\ntrust_remote_code: false\n",
        encoding="utf-8",
    )
    code, out, _ = run_cli(capsys, "run", "--config", "run.yaml", "--run", "c", "--json")
    told = json.loads(out)
    assert code == 0 and told["done"] == 2 and told["docs"] == 8 and told["failed"] == []
    (record,) = read_manifest(Path("runs/c"))["invocations"]
    assert record["settings"]["batch_size"] == "2"


def test_the_file_of_options_in_the_docs_is_one(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    page = (Path(__file__).parent.parent / "docs/again.md").read_text(encoding="utf-8")
    text = re.findall(r"```yaml\n(models.*?)```", page, re.DOTALL)[0]
    Path("run.yaml").write_text(text, encoding="utf-8")
    assert "no model './checkpoint'" in refused(capsys, "plan", "--config", "run.yaml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("language: en", "no option 'language'. Did you mean 'languages' or"),
        ("languages: [no, en]", "YAML reads no as false"),
        ("models:", "models needs a value"),
        ("- a", "has no options"),
        ("a: [", "is not YAML"),
        ("limit: 0.5", "a share of the docs is not possible"),
        ("config: x.yaml", "no option 'config'"),
    ],
)
def test_a_config_file_that_is_wrong_is_refused(tmp_path, monkeypatch, capsys, text, message):
    monkeypatch.chdir(tmp_path)
    Path("run.yaml").write_text(text, encoding="utf-8")
    assert message in refused(capsys, "run", "--config", "run.yaml")


def test_what_is_reproduced_is_the_same(run, capsys):
    code, out, err = run_cli(capsys, "reproduce", "first")
    assert code == 0 and out.endswith("6 cells are the same, 0 moved\n"), (out, err)


def test_a_score_that_moved_is_named(run, capsys):
    path = cell_path(run, SCORED.model, SCORED)
    found = store.get(path)
    scores = {name: s._replace(value=1 - s.value / 2) for name, s in found.scores.items()}
    store.put(path, replace(found, scores=scores))
    code, out, _ = run_cli(capsys, "reproduce", "first", "--run", "second", "--json")
    told = json.loads(out)
    assert code == 1 and told["same"] == 5
    (moved,) = told["moved"]
    assert moved["cell"] == SCORED._asdict() and moved["parts"] == []
    assert moved["before"] == scores["acc_bytes"].value
    assert moved["after"] == found.scores["acc_bytes"].value


def test_a_run_without_a_record_says_so(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("t.csv").write_text("model,family,language,doc_id,score\nm,f,en,1,1\n", encoding="utf-8")
    assert run_cli(capsys, "import", "csv", "t.csv", "--run", "t")[0] == 0
    for words in (("run", "--from", "t", "--run", "u"), ("reproduce", "t")):
        assert "has no command on record" in refused(capsys, *words)


def test_a_run_is_told_to_a_program_and_ends_as_ci_wants(run, capsys):
    code, out, _ = run_cli(capsys, "run", "--from", "first", "--json")
    assert code == 0 and json.loads(out)["cells"]["done"] == 6
    run_cli(capsys, "forget", "first", "--models", "demo-anglo", "--languages", "th", "--yes")
    assert run_cli(capsys, "run", "--from", "first", "--strict", "--quiet") == (0, "", "")
    pair = ("verdict", "first", "--a", "demo-polyglot", "--b", "demo-anglo")
    code, _, err = run_cli(capsys, *pair, "--fail-unless", "refuted")
    assert code == 1 and "mlbench: not refuted, but" in err
    code, out, _ = run_cli(capsys, "doctor", "--json")
    assert code == 0 and {"name", "is_ok", "found", "fix"} == set(json.loads(out)[0])
