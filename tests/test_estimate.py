"""Does a plan tell the tokens that the run will count?"""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from huggingface_hub.constants import HF_HUB_CACHE
from test_cli import refused, run_cli

from mlbench.data.languages import read_languages
from mlbench.data.prepare import prepare, render_contexts
from mlbench.families import read_families
from mlbench.harness.tokenizer import encode, load_tokenizer
from mlbench.models import find_model
from mlbench.runner import estimate
from mlbench.runner.events import CellDone
from mlbench.runner.local import run
from mlbench.runner.plan import Plan, make_plan, write_manifest
from mlbench.settings import Settings
from mlbench.store.read import read_run

LANGUAGES = read_languages()
FAMILIES = read_families()


def make_settings(shots: int) -> Settings:
    return Settings(shots=(shots,), limit=20, device="cpu", dtype="float32")


def plan_of(
    folder: Path, model: str, family: str, settings: Settings, *, with_calibration: bool = True
) -> Plan:
    """Plan a family in a language of Latin, Arabic and Thai script."""
    chosen = FAMILIES[family]
    if not with_calibration:
        chosen = replace(chosen, calibration_context=None)
    prepared = [prepare(chosen, LANGUAGES[tag]) for tag in ("en", "ar", "th")]
    return make_plan(folder / "runs" / "r", [find_model(model)], prepared, settings)


def planned_tokens(plan: Plan, settings: Settings) -> int:
    (row,) = estimate.estimate(plan, settings.limit)
    return row.tokens


@pytest.mark.slow
@pytest.mark.parametrize("shots", [0, 5])
@pytest.mark.parametrize("family", ["sib200_topic", "sib200_lm", "cldr_timespan"])
def test_planned_tokens_are_those_that_the_run_counts(sib200, tmp_path, family, shots):
    settings = make_settings(shots)
    plan = plan_of(tmp_path, "demo-polyglot", family, settings)
    planned = planned_tokens(plan, settings)
    write_manifest(plan, [LANGUAGES[tag] for tag in ("en", "ar", "th")])
    done = [event for event in run(plan, settings) if isinstance(event, CellDone)]
    counted = sum(event.result.usage["n_tokens"] for event in done)
    assert len(done) == 3 and planned == pytest.approx(counted, rel=0.05)


def test_a_text_that_will_be_written_is_planned_as_long_as_its_reference(paired, tmp_path):
    settings = make_settings(2)
    made = prepare(FAMILIES["sib200_mt_from_en"], LANGUAGES["th"])
    plan = make_plan(tmp_path / "runs" / "r", [find_model("demo-polyglot")], [made], settings)
    tokenizer = load_tokenizer(find_model("demo-polyglot"), trust_remote_code=False)
    contexts = render_contexts(made, 2, settings.limit)
    references = [" " + doc.reference for doc in made.docs.scored[: settings.limit]]
    counted = sum(map(len, encode(tokenizer, contexts + references)))
    assert planned_tokens(plan, settings) == pytest.approx(counted, rel=0.02)


def test_calibration_is_asked_once_more_a_choice(sib200, tmp_path):
    settings = make_settings(5)
    made = [
        plan_of(tmp_path, "demo-polyglot", "sib200_topic", settings, with_calibration=its)
        for its in (False, True)
    ]
    without, with_calibration = (planned_tokens(plan, settings) for plan in made)
    # The calibration docs of the labels are asked for in both.
    assert 1.2 * without < with_calibration < 2 * without


def test_a_model_of_the_hub_has_tokens_too(sib200, tmp_path, checkpoint):
    commit = "0123456789" * 4
    cached = Path(HF_HUB_CACHE) / "models--toy--tiny"
    shutil.copytree(checkpoint, cached / "snapshots" / commit)
    (cached / "refs").mkdir()
    (cached / "refs" / "main").write_text(commit, encoding="utf-8")
    settings = make_settings(0)
    tokens = [
        planned_tokens(plan_of(tmp_path, model, "sib200_topic", settings), settings)
        for model in ("toy/tiny", str(checkpoint))
    ]
    assert tokens[0] == tokens[1] > 0


def test_a_tokenizer_that_cannot_be_read_leaves_tokens_open(sib200, tmp_path, checkpoint, caplog):
    broken = tmp_path / "broken"
    shutil.copytree(checkpoint, broken)
    (broken / "tokenizer_config.json").write_text("{", encoding="utf-8")
    settings = make_settings(0)
    plan = plan_of(tmp_path, str(broken), "sib200_topic", settings)
    (row,) = estimate.estimate(plan, settings.limit)
    assert (row.tokens, row.seconds) == (None, None)
    assert "cannot load the tokenizer of model" in caplog.text


def test_a_backend_without_a_tokenizer_leaves_tokens_open(sib200, tmp_path):
    settings = make_settings(0)
    plan = plan_of(tmp_path, "dummy:", "sib200_topic", settings)
    (row,) = estimate.estimate(plan, settings.limit)
    assert (row.tokens, row.seconds) == (None, None)


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        (4, "sib200_topic: 4 docs: nothing can be told; 6 are needed, 7 after Holm over 3."),
        (6, "sib200_topic: 6 docs: no single language can be told; 7 are needed after Holm"),
        (9, "sib200_topic, 9 docs: a lead of "),
    ],
)
def test_a_plan_says_what_so_few_docs_can_tell(sib200, tmp_path, limit, words):
    tags = ("en", "ar", "hi", "th")
    prepared = [prepare(FAMILIES["sib200_topic"], LANGUAGES[tag]) for tag in tags]
    settings = Settings(limit=limit, device="cpu", dtype="float32")
    plan = make_plan(tmp_path / "p", [find_model("demo-polyglot")], prepared, settings)
    (sight,) = estimate.foresee(plan, limit)
    assert str(sight).startswith(words)


def test_tokens_are_told_by_language_and_time_by_a_speed(sib200, tmp_path):
    settings = make_settings(0)
    plan = plan_of(tmp_path, "demo-polyglot", "sib200_topic", settings)
    (row,) = estimate.estimate(plan, settings.limit, given=500.0)
    assert sum(row.by_language.values()) == pytest.approx(row.tokens, abs=2)
    assert row.seconds == pytest.approx(row.tokens / 500, abs=0.01)
    for tag, n_tokens in row.by_language.items():
        one = replace(plan, cells=tuple(p for p in plan.cells if p.cell.language == tag))
        assert planned_tokens(one, settings) == n_tokens
    earlier = {("demo-polyglot", False): 250.0}
    (row,) = estimate.estimate(plan, settings.limit, earlier=earlier)
    assert row.seconds == pytest.approx(row.tokens / 250, abs=0.01)


def test_a_plan_costs_what_an_earlier_run_shows(capsys):
    where = ("--families", "cldr_calendar", "--languages", "en,th,ru", "--limit", "4")
    small = ("--models", "demo-anglo", *where)
    code, out, _ = run_cli(capsys, "plan", *small)
    assert code == 0 and "Device hours: unknown. Give --tokens-per-second N" in out
    assert "Disk: about 13 kB = 3 cells x 4,000 B + 12 docs x 90 B" in out
    code, out, _ = run_cli(capsys, "plan", *small, "--tokens-per-second", "1000", "--json")
    found = json.loads(out)
    n_tokens = sum(row["tokens"] for row in found["pending"])
    assert found["device_hours"] == pytest.approx(n_tokens / 1000 / 3600)
    assert set(found["tokens_by_language"]) == {"en", "th", "ru"}
    assert found["disk_bytes"] == 3 * 4000 + 12 * 90
    assert run_cli(capsys, "run", *small, "--run", "trial")[0] == 0
    done = read_run("trial").done.values()
    speed = sum(r.usage["n_tokens"] for r in done) / sum(r.usage["seconds"] for r in done)
    large = ("--models", "demo-anglo", *where[:2], "--languages", "en,th,ru,hi", "--run", "large")
    code, out, _ = run_cli(capsys, "plan", *large, "--speed-from", "trial", "--json")
    found = json.loads(out)
    (row,) = found["pending"]
    assert row["seconds"] == pytest.approx(row["tokens"] / speed, rel=1e-3)
    code, out, _ = run_cli(capsys, "plan", *large, "--speed-from", "trial")
    assert "a second / 3,600; loading of models not counted" in out and "Tokens by language" in out
    assert "no run 'no-such'" in refused(capsys, "plan", *large, "--speed-from", "no-such")
