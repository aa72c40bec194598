"""Registered predictions: told from changed ones, and judged where a verdict is on their models."""

from typing import Any

import pytest
from stats_toys import FACTS, QUICK, TAGS, make_cells

from mlbench.judge import ClaimsFileError, Evidence, judge, read_claims
from mlbench.judge.claims import ClaimsFile, claims_from
from mlbench.judge.mirror import mirrored
from mlbench.stats import table_from_cells

MADE = {
    "id": "p",
    "date": "2026-11-28",
    "expect": "supported",
    "kind": "moat",
    "sentence": "{a} over {b}",
    "a": ["good", "better"],
    "b": ["plain"],
    "scale": "adjusted",
    "margin": 0.02,
}


def file_of(*entries: dict[str, Any]) -> ClaimsFile:
    """Read predictions, each with its own hash, which the refusal of another one tells."""
    known: list[dict[str, Any]] = []
    for entry in entries:
        with pytest.raises(ClaimsFileError, match="its hash is") as error:
            claims_from({"predictions": [*known, {**entry, "hash": "0" * 12}]}, "t")
        known.append({**entry, "hash": str(error.value).rpartition(" ")[2]})
    return claims_from({"predictions": known}, "t")


def evidence(**moats: float) -> Evidence:
    """Make families in which `good` and `plain` are equal in English, `good` ahead elsewhere."""
    tables = []
    for seed, (family, moat) in enumerate(moats.items()):
        rates = {
            "good": {tag: 0.8 if tag == "en" else 0.5 + moat for tag in TAGS},
            "plain": {tag: 0.8 if tag == "en" else 0.5 for tag in TAGS},
        }
        tables.append(table_from_cells(family, make_cells(rates, seed=seed)))
    return Evidence(tuple(tables), FACTS)


def judged(
    claims: ClaimsFile, found: Evidence, a: str = "good", b: str = "plain"
) -> list[dict[str, Any]]:
    predictions = judge(found, a, b, claims=claims, resampling=QUICK)["predictions"]
    assert isinstance(predictions, list)
    return predictions


@pytest.mark.parametrize(
    ("expect", "moat", "outcome"),
    [
        ("supported", 0.3, "as predicted"),
        ("not supported", 0.3, "otherwise"),
        ("supported", -0.3, "otherwise"),
        ("not supported", -0.3, "as predicted"),
        ("supported", 0.0, "open"),
        ("not supported", 0.0, "open"),
    ],
)
def test_a_prediction_is_held_against_the_verdict(expect: str, moat: float, outcome: str) -> None:
    (found,) = judged(file_of({**MADE, "expect": expect}), evidence(f=moat))
    assert (found["expected"], found["outcome"]) == (expect, outcome)
    assert found["date"] == "2026-11-28" and found["claim"] == "good over plain"
    assert "+" in found["found"] or "-" in found["found"]


@pytest.mark.parametrize(
    ("grammar", "outcome"),
    [(0.05, "as predicted"), (-0.3, "as predicted"), (0.3, "open"), (0.45, "otherwise")],
)
def test_an_effect_is_smaller_than_another_or_none(grammar: float, outcome: str) -> None:
    large = {**MADE, "families": ["f"]}
    small = {**MADE, "id": "q", "families": ["g"], "expect": "smaller or none", "than": "p"}
    found = judged(file_of(large, small), evidence(f=0.25, g=grammar))
    assert [row["id"] for row in found] == ["p", "q"] and found[1]["outcome"] == outcome


def test_a_prediction_is_judged_whichever_of_its_models_is_a() -> None:
    claims = file_of(MADE)
    one, other = judged(claims, evidence(f=0.3)), judged(claims, evidence(f=0.3), "plain", "good")
    assert one == other and one[0]["claim"] == "good over plain"


def test_what_is_predicted_of_other_models_is_not_judged() -> None:
    assert judged(file_of({**MADE, "a": ["best"]}), evidence(f=0.3)) == []


def test_a_prediction_without_its_families_stays_open() -> None:
    (found,) = judged(file_of({**MADE, "families": ["belebele"]}), evidence(f=0.3))
    assert found["outcome"] == "open" and "there are no scores of the families" in found["found"]


def test_predictions_stand_in_the_mirrored_verdict_as_they_are() -> None:
    verdict = judge(evidence(f=0.3), "good", "plain", claims=file_of(MADE), resampling=QUICK)
    assert mirrored(verdict)["predictions"] == verdict["predictions"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"margin": 0.01}, "was registered on 2026-11-28. A changed prediction is another one"),
        ({"date": "2026-11-29"}, "its hash is .* was registered on 2026-11-29"),
        ({"expect": "not supported"}, "its hash is"),
        ({"expect": "likely"}, "expect 'likely'; allowed: supported, not supported, smaller or n"),
        ({"expect": "smaller or none"}, "'smaller or none' needs `than`"),
        ({"expect": "smaller or none", "than": "x"}, "its hash is"),
        ({"than": "p"}, "needs `than`, and nothing else has it"),
        ({"a": 3}, "3 is not a name or a list of names"),
    ],
)
def test_a_changed_prediction_is_refused(changes: dict[str, Any], message: str) -> None:
    entry = {**MADE, "hash": file_of(MADE).predictions[0].fingerprint()}
    with pytest.raises(ClaimsFileError, match=message):
        claims_from({"predictions": [{**entry, **changes}]}, "t")


def test_what_a_prediction_is_smaller_than_has_to_be_there() -> None:
    alone = {**MADE, "expect": "smaller or none", "than": "x"}
    with pytest.raises(ClaimsFileError, match="than no prediction 'x'"):
        file_of(alone)


def test_the_shipped_predictions_are_those_that_were_registered() -> None:
    # Changing one is a new prediction: its own entry, with the date of that day.
    found = {p.claim.id: (p.date, p.fingerprint()) for p in read_claims().predictions}
    assert found == {
        "qwen3_over_llama_31_in_understanding": ("2026-11-28", "dcd237549935"),
        "qwen3_over_llama_31_in_grammar": ("2026-11-28", "18521d4509b1"),
        "qwen3_over_llama_31_in_african_controls": ("2026-11-28", "5554fafbc6ae"),
        "qwen3_over_gemma_3_in_understanding": ("2026-11-28", "6daa6b2391ee"),
    }
