"""A derivative against its base: what it gained in its own languages, and lost elsewhere."""

import json

import pytest
from gate_toys import copy
from report_toys import LANGUAGES, ToyRun, choices, two_models
from test_cli import refused, run_cli
from test_stats_verdict import SCHEMA, conforms

from mlbench.errors import ModelError, SelectionError
from mlbench.judge import read_claims, verdict_json
from mlbench.judge.bases import find_bases, own_languages
from mlbench.judge.claims import claims_from
from mlbench.judge.derivative import against_base, sentences
from mlbench.judge.mirror import mirrored
from mlbench.judge.pairing import pair
from mlbench.judge.run import judge_pair, judge_run
from mlbench.models import find_model
from mlbench.models.card import facts_of_card
from mlbench.records import Cell
from mlbench.report import Asked, write_report
from mlbench.stats import Resampling
from mlbench.store.read import read_run

# Right answers of 0.5 in all languages of the base; tuned on Swahili and Yoruba.
TUNED = {"en": 0.40, "sw": 0.75, "yo": 0.72, "hi": 0.44, "ar": 0.50}
FAST = Resampling(replicates=300)


@pytest.fixture
def run(tmp_path):
    toy = ToyRun(tmp_path / "runs/r")
    for language in LANGUAGES:
        for seed, (model, accuracy) in enumerate((("base", 0.5), ("tuned", TUNED[language.tag]))):
            cell = Cell(model, "topic", language.tag, 0)
            toy.put(cell, choices(accuracy, n=400, seed=seed))
    toy.models["tuned"] |= {"base": "base", "own_languages": ["sw", "yo", "vi"]}
    return read_run(toy.write())


def judged(run):
    return against_base(run, "tuned", "base", claims=read_claims(), resampling=FAST)


def test_the_parts_of_the_languages_are_judged_apart(run):
    found = judged(run)
    assert found.own == ("sw", "yo") or set(found.own) == {"sw", "yo"}
    verdicts = {part: effect.verdict for part, effect in found.effects.items()}
    assert verdicts["own"] == "supported" and verdicts["english"] == "refuted"
    assert found.effects["own"].n_languages == 2 and found.effects["elsewhere"].n_languages == 2
    assert found.effects["own"].estimate > 0.2 > 0 > found.effects["english"].estimate


def test_the_numbers_are_those_of_the_verdict(run):
    """The lead in English, and the mean of all others from its two parts."""
    verdict = judge_run(run, "tuned", "base")
    found = against_base(run, "tuned", "base", claims=read_claims(), resampling=Resampling())
    own, elsewhere = found.effects["own"].estimate, found.effects["elsewhere"].estimate
    assert (own + elsewhere) / 2 == pytest.approx(verdict["others"]["estimate"], abs=1e-6)
    english = found.effects["english"]
    assert english.estimate == pytest.approx(verdict["english"]["estimate"], abs=1e-6)
    assert english.low == pytest.approx(verdict["english"]["low"], abs=1e-6)


def test_the_verdict_for_a_program_has_the_parts_and_the_claim(run):
    verdict = verdict_on(run, "tuned", "base")
    assert conforms(json.loads(verdict_json(verdict)), SCHEMA) == []
    told, found = verdict["against_base"], judged(run)
    assert set(told["own_languages"]) == {"sw", "yo"}
    for part, effect in found.effects.items():
        assert told[part]["estimate"] == pytest.approx(effect.estimate)
        assert told[part]["verdict"] == effect.verdict
    claim = own_claim(verdict)
    assert claim["verdict"] == "supported" and claim["n_languages"] == 2
    assert claim["estimate"] == pytest.approx(found.effects["own"].estimate)
    assert claim["claim"].startswith("tuned is better than its base base in the languages")
    assert mirrored(verdict)["against_base"] == told


def test_of_another_pair_there_is_no_such_claim(run):
    turned = verdict_on(run, "base", "tuned")
    assert turned["against_base"] is None and own_claim(turned) is None
    del run.models["tuned"]["own_languages"]
    claim = own_claim(verdict_on(run, "tuned", "base"))
    assert claim["verdict"] == "undetermined" and "is not known here" in claim["sentence"]


def verdict_on(run, a, b):
    return judge_pair(run, pair(run, a, b), claims=read_claims(), resampling=FAST)


def own_claim(verdict):
    return next((claim for claim in verdict["claims"] if claim["kind"] == "own_lead"), None)


def test_what_was_forgotten_is_of_the_families_of_what_was_gained(tmp_path):
    """A family without English, in which all is lost, moves no part."""
    toy = ToyRun(tmp_path / "runs/r")
    for seed, (model, accuracy) in enumerate((("base", 0.5), ("tuned", 0.7))):
        for tag in ("en", "sw", "hi"):
            toy.put(Cell(model, "topic", tag, 0), choices(accuracy, n=200, seed=seed))
        for tag in ("sw", "hi"):
            level = 1.1 - accuracy
            toy.put(Cell(model, "terms", tag, 0), choices(level, n=200, seed=seed))
    toy.models["tuned"] |= {"base": "base", "own_languages": ["sw"]}
    found = judged(read_run(toy.write()))
    assert all(effect.estimate > 0.1 for effect in found.effects.values())


def test_the_sentences_say_what_was_gained_and_what_was_forgotten(run):
    own, elsewhere, english = sentences(judged(run), {"tuned": "tuned", "base": "base"})
    assert own.startswith("In its own languages (2) tuned is better than base: +")
    assert "2 other languages" in elsewhere
    assert english.startswith("In English tuned is worse than base: −") or "worse" in english


def test_own_languages_that_nobody_names_are_not_guessed(run):
    del run.models["tuned"]["own_languages"]
    found = judged(run)
    assert found.own is None and own_languages(run, "tuned") is None
    assert "is not known here" in sentences(found, {"tuned": "t", "base": "b"})[0]
    assert found.effects["elsewhere"].n_languages == 4


def test_a_base_is_found_by_preset_hub_id_or_what_is_asked(run):
    assert find_bases(run) == {"tuned": "base"}
    assert find_bases(run, "base=tuned") == {"tuned": "base", "base": "tuned"}
    del run.models["tuned"]["base"]
    assert find_bases(run) == {} and find_bases(run, "base") == {"tuned": "base"}
    run.models["qwen2.5-7b"] = {}
    run.models["tuned"]["base"] = "Qwen/Qwen2.5-7B@main"
    assert find_bases(run) == {"tuned": "qwen2.5-7b"}


def test_a_base_that_the_run_lacks_is_refused_with_what_to_type(run):
    with pytest.raises(SelectionError, match="--base 'llama' is not in the run.*--models llama"):
        find_bases(run, "llama")
    run.models["tuned"]["base"] = "gone"
    assert find_bases(run) == {}


def test_the_page_has_a_section_against_the_base(run, tmp_path):
    page = write_report(run, tmp_path / "out", resampling=FAST).read_text(encoding="utf-8")
    section = page[page.index('id="derivatives"') :].split("</section>")[0]
    assert "is better than" in section and "its own languages" in section
    assert "Swahili (its own)" in section and 'href="#derivatives"' in page
    del run.models["tuned"]["base"]
    page = write_report(run, tmp_path / "out", resampling=FAST).read_text(encoding="utf-8")
    assert 'id="derivatives"' not in page
    page = write_report(run, tmp_path / "out", resampling=FAST, asked=Asked(base="tuned=base"))
    assert 'id="derivatives"' in page.read_text(encoding="utf-8")


def test_a_pair_without_anything_in_common_is_told(tmp_path):
    toy = two_models(tmp_path / "runs/r")
    toy.models["few"]["base"] = "many"
    del toy.cells["few"]["text"], toy.cells["few"]["terms"]
    toy.cells["many"]["topic"]["0"].clear()
    found = against_base(
        read_run(toy.write()), "few", "many", claims=read_claims(), resampling=FAST
    )
    assert isinstance(found, str) and found.startswith("few and its base many cannot be compared")


def test_better_in_its_language_is_a_claim(run):
    entry = {
        "id": "x",
        "kind": "lead",
        "sentence": "{a} is better than {b} in Swahili",
        "a": "--a",
        "b": "--b",
        "languages": ["Swahili"],
        "scale": "adjusted",
        "margin": 0.02,
    }
    from mlbench.judge.pairing import pair
    from mlbench.judge.run import judge_pair

    pairing = pair(run, "tuned", "base")
    verdicts = {}
    for tag in ("sw", "en", "hi"):
        claims = claims_from({"claims": [entry | {"languages": [tag]}]}, "here")
        (claim,) = judge_pair(run, pairing, claims=claims, resampling=FAST)["claims"]
        verdicts[tag] = claim["verdict"]
        assert claim["n_languages"] == 1 and f"In {tag} tuned" in claim["sentence"] or tag == "hi"
    assert verdicts["sw"] == "supported" and verdicts["en"] == "refuted"


@pytest.mark.parametrize(
    ("head", "facts"),
    [
        ("base_model: org/base\nlanguage: vi", {"base": "org/base", "own_languages": ["vi"]}),
        ("base_model:\n- org/a\n- org/b\nlanguage:\n- vi\n- th\n- vi\n- code", {"base": "org/a"}),
        ("license: mit", {}),
        ("base_model: [1, 2]\nlanguage: {a: b}", {}),
        ("base_model: 'unclosed", {}),
    ],
)
def test_a_model_card_names_base_and_languages_or_nothing(tmp_path, head, facts):
    path = tmp_path / "README.md"
    path.write_text(f"---\n{head}\n---\n# A model\nbase_model: other\n", encoding="utf-8")
    found = facts_of_card(path)
    if facts.get("base") == "org/a":
        facts = facts | {"own_languages": ["vi", "th"]}
    assert found == facts
    assert facts_of_card(tmp_path / "none.md") == {}


def test_the_card_of_a_folder_and_a_base_of_the_command_reach_the_run(checkpoint, tmp_path, capsys):
    folder = copy(checkpoint, tmp_path / "tuned")
    (folder / "README.md").write_text("---\nbase_model: org/base\n---\n", encoding="utf-8")
    assert find_model(str(folder)).facts == {"base": "org/base"}
    where = ("--families", "cldr_calendar", "--languages", "en", "--limit", "8", "--run", "r")
    models = ("--models", "demo-polyglot", "demo-anglo")
    assert run_cli(capsys, "run", *models, "--base", "demo-polyglot", *where)[0] == 0
    facts = read_run("r").models
    assert facts["demo-anglo"]["base"] == "demo-polyglot" and "base" not in facts["demo-polyglot"]
    message = refused(capsys, "run", *models, "--base", "qwen3-8b", *where)
    assert "--base 'qwen3-8b' is not among the models of this command" in message
    with pytest.raises(ModelError):
        find_model("no such base")
