"""Is the lead where the maker says? Not where it is everywhere, and not where resources are."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from stats_toys import QUICK, make_cells

from mlbench.data.languages import read_all_languages, read_languages
from mlbench.judge import Evidence, judge, read_claims
from mlbench.judge.claims import claims_from
from mlbench.judge.listed import listed_lead, match
from mlbench.judge.run import controls_sentence
from mlbench.models import read_presets
from mlbench.models.claimed import Claimed, claimed_by, read_claimed
from mlbench.records import Language
from mlbench.stats import Resampling, table_from_cells
from mlbench.stats.contrast import Contrast

FAMILIES = ("Bantu", "Turkic", "Semitic", "Dravidian", "Iranian", "Oceanic")
LISTED = [f"{family[0].lower()}l{i}" for family in FAMILIES for i in "ab"]
CONTROLS = [tag.replace("l", "c", 1) for tag in LISTED]
TAGS = ("en", *LISTED, *CONTROLS)
FACTS = {"en": Language("en", "en", "en", "Latn", "ltr", "Germanic", resource_class=5)} | {
    tag: Language(tag, tag, tag, "Latn", "ltr", FAMILIES[i // 2 % 6], resource_class=1)
    for i, tag in enumerate((*LISTED, *CONTROLS))
}
CLAIM = {"id": "m", "kind": "listed_lead", "sentence": "{a} {b}", "a": "--a", "b": "--b"}


def evidence(listed: float, controls: float, facts: dict[str, Language] = FACTS) -> Evidence:
    """Make A ahead of B by so much in listed languages and in controls, and equal in English."""
    leads = {"en": 0.0} | dict.fromkeys(LISTED, listed) | dict.fromkeys(CONTROLS, controls)
    rates = {
        "good": {tag: 0.5 + leads[tag] for tag in TAGS},
        "plain": dict.fromkeys(TAGS, 0.5),
    }
    claimed = {"good": Claimed(tuple(LISTED), 12, "a card")}
    return Evidence((table_from_cells("f", make_cells(rates)),), facts, claimed=claimed)


def check(found: Evidence, **changes: Any) -> dict[str, Any]:
    claims = claims_from(
        {"claims": [{**CLAIM, "scale": "adjusted", "margin": 0.02} | changes]}, "t"
    )
    (claim,) = judge(found, "good", "plain", claims=claims, resampling=QUICK)["claims"]
    return claim


def test_a_lead_in_listed_languages_alone_is_where_the_maker_says() -> None:
    found = check(evidence(0.3, 0.0))
    assert found["verdict"] == "supported" and found["low"] > 0
    assert found["n_languages"] == 24 and "12 languages on the list" in found["sentence"]
    assert "is larger than that in others of the same language family" in found["sentence"]


def test_a_lead_everywhere_is_not_where_the_maker_says() -> None:
    found = check(evidence(0.3, 0.3))
    assert found["verdict"] in ("undetermined", "equivalent") and found["low"] < 0 < found["high"]


def test_a_lead_in_controls_alone_refutes_the_list() -> None:
    found = check(evidence(0.0, 0.3))
    assert found["verdict"] == "refuted"
    assert "is smaller than that in others" in found["sentence"]


def test_who_is_behind_on_the_list_has_no_lead_there() -> None:
    found = check(evidence(-0.1, -0.4))
    assert found["estimate"] > 0.2 and found["verdict"] == "undetermined"
    assert "does not lead in the languages that its maker names" in found["reason"]
    assert "So there is no lead where it is claimed." in found["sentence"]


def test_languages_of_another_class_are_not_compared() -> None:
    rich = {tag: replace(FACTS[tag], resource_class=3) for tag in LISTED}
    found = check(evidence(0.3, 0.0, FACTS | rich))
    assert found["verdict"] == "undetermined" and found["estimate"] is None
    assert "0 languages that are not on the list have their like on it" in found["reason"]
    assert "--languages all+controls" in found["sentence"]


@pytest.mark.parametrize(
    ("claimed", "reason"),
    [
        ({}, "no list of the languages of 'good' is known here"),
        (
            {"good": Claimed(None, 201, "a card")},
            "the maker of 'good' speaks of 201 languages and names no list",
        ),
    ],
)
def test_without_a_list_it_is_unknown(claimed: dict[str, Claimed], reason: str) -> None:
    found = check(replace(evidence(0.3, 0.0), claimed=claimed))
    assert found["verdict"] == "undetermined" and found["reason"] == reason
    assert check(replace(evidence(0.3, 0.0), claimed=claimed), listed=LISTED)["estimate"] > 0.2


def test_a_language_half_on_the_list_is_neither() -> None:
    known = read_all_languages()
    matched = match(tuple(known), known, tuple(read_languages()))
    assert matched is not None
    shown = dict(zip(matched.tags, matched.is_listed.tolist(), strict=True))
    assert shown["sw"] and not shown["zu"] and "en" not in shown and "ars" not in shown
    assert not {"min-Arab", "bjn-Arab", "ar-Latn", "ajp"} & set(shown)
    assert sum(shown.values()) == 46 and len(shown) == 75
    assert abs(matched.shares()).sum() == pytest.approx(2) and matched.shares().sum() < 1e-9


def draw(lead: float, by_family: float, seed: int) -> Contrast:
    """Draw leads of the shipped languages: of their family, their own, and noise of docs."""
    known = read_all_languages()
    tags, rng = tuple(known), np.random.default_rng(seed)
    codes = np.unique([known[tag].family for tag in tags], return_inverse=True)[1]
    is_listed = np.array([tag in read_languages() for tag in tags])
    level, slope = rng.normal(0, (0.05, by_family), (codes.max() + 1, 2)).T
    truth = 0.1 + level[codes] + (lead + slope[codes]) * is_listed
    truth = truth + rng.normal(0, 0.05, len(tags))
    noise = rng.normal(0, 0.04, (401, len(tags)))
    n = np.full(len(tags), 100)
    return Contrast(tags, truth + noise[0], truth + noise[0] + noise[1:], 2 * n, n, n, n)


@pytest.mark.parametrize("by_family", [0.0, 0.05])
def test_a_list_that_predicts_nothing_is_not_said_to(by_family: float) -> None:
    verdicts = [_verdict(0.0, by_family, seed) for seed in range(80)]
    # Of 80 honest tests at 5 %, more than 9 err with a probability of 1 %.
    assert 80 - verdicts.count("undetermined") <= 9


def test_a_list_that_predicts_the_lead_is_mostly_said_to() -> None:
    assert [_verdict(0.15, 0.0, seed) for seed in range(20)].count("supported") >= 16


def _verdict(lead: float, by_family: float, seed: int) -> str:
    quick = Resampling(seed=5, replicates=400)
    listed = tuple(read_languages())
    found = listed_lead(
        [draw(lead, by_family, seed)],
        read_all_languages(),
        listed,
        margin=0.02,
        resampling=quick,
    )
    return found.effect.verdict


def test_every_series_of_the_lists_is_one_of_presets_with_known_languages() -> None:
    series = {facts.get("series") for facts in read_presets().values()}
    assert set(read_claimed()) <= series
    for claimed in read_claimed().values():
        assert claimed.source.startswith("https://") and claimed.number > 1
        assert set(claimed.tags or ()) <= set(read_all_languages())
    assert read_claimed()["Qwen3"].tags == tuple(read_languages())


def test_a_model_is_found_by_preset_hub_id_or_the_series_of_its_run() -> None:
    qwen = read_claimed()["Qwen3"]
    assert claimed_by("qwen3-8b", {}) == claimed_by("Qwen/Qwen3-8B-Base", {}) == qwen
    assert claimed_by("mine", {"series": "Qwen3"}) == qwen and claimed_by("mine", {}) is None
    assert claimed_by("qwen3.5-9b", {}).tags is None and claimed_by("gemma-3-4b", {}).number == 140


def test_a_verdict_says_which_of_its_languages_are_beyond_the_list() -> None:
    (said,) = controls_sentence(["en", "sw", "ha", "yo"])
    assert said == "2 of the 4 compared languages are controls, beyond the list of 119: ha, yo."
    assert controls_sentence(["en", "sw"]) == []
    assert controls_sentence(list(read_all_languages()))[0].endswith(", tzm and 74 more.")


def test_controls_do_not_count_as_covered() -> None:
    known = read_all_languages()
    rates = {m: dict.fromkeys(("en", "sw", "de", "ha", "yo"), 0.9) for m in ("good", "plain")}
    run = Evidence(
        (table_from_cells("f", make_cells(rates)),), {t: known[t] for t in rates["good"]}
    )
    verdict = judge(run, "good", "plain", claims=read_claims(), resampling=QUICK)
    (covered,) = [claim for claim in verdict["claims"] if claim["kind"] == "coverage"]
    assert covered["n_languages"] == 3
