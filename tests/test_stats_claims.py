"""Claims as data: reading, hashing, judging, and saying undetermined when inputs are missing."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from stats_toys import FACTS, QUICK, TAGS, make_cells, make_table

from mlbench.judge import ClaimsFileError, Evidence, judge, read_claims
from mlbench.judge.claims import claims_from
from mlbench.measures import TOKENS
from mlbench.stats import CellScores, table_from_cells

MOAT = {
    "id": "m",
    "kind": "moat",
    "sentence": "{a} over {b}",
    "a": "--a",
    "b": "--b",
    "scale": "adjusted",
    "margin": 0.02,
}


def check(evidence: Evidence, **changes: Any) -> dict[str, Any]:
    """Judge one claim."""
    claims = claims_from({"claims": [{**MOAT, **changes}]}, "test")
    found = judge(evidence, "good", "plain", claims=claims, resampling=QUICK)
    (claim,) = found["claims"]
    return claim


def toy(moat: float = 0.3, **changes: Any) -> Evidence:
    return replace(Evidence((make_table(moat),), FACTS), **changes)


def test_shipped_claims_are_the_seven() -> None:
    claims = read_claims().claims
    kinds = ["moat", "coverage", "resource_gap", "listed_lead", "fewshot", "cost", "own_lead"]
    assert [claim.kind for claim in claims] == kinds
    assert len({claim.fingerprint() for claim in claims}) == 7


def test_hash_changes_with_the_margin_and_not_with_the_models_compared() -> None:
    claim = claims_from({"claims": [MOAT]}, "test").claims[0]
    other = claims_from({"claims": [{**MOAT, "margin": 0.03}]}, "test").claims[0]
    assert claim.fingerprint() != other.fingerprint()
    assert check(toy())["hash"] == claim.fingerprint()


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ([], "need a mapping with the keys margins and claims"),
        ({"claims": ["x"]}, "a claim is a mapping with an id, not 'x'"),
        ({"claims": [{**MOAT, "kind": "mote"}]}, "claim 'm': kind 'mote'; allowed: moat, coverage"),
        ({"claims": [{**MOAT, "scale": "raw"}]}, "scale 'raw'; allowed: .*adjusted, logit"),
        ({"claims": [{**MOAT, "margin": "2%"}]}, "margin: '2%' is not a number of at least 0"),
        ({"claims": [{**MOAT, "colour": 1}]}, "has the unknown key colour"),
        ({"claims": [{"id": "m"}]}, "lacks a, kind, margin, scale, sentence"),
        ({"claims": [MOAT, MOAT]}, "two claims have the id 'm'"),
        ({"claims": [{**MOAT, "a": 3}]}, "3 is not a name or a list of names"),
        ({"claims": [{**MOAT, "languages": ["sw", False]}]}, "YAML reads no as false; write 'no'"),
        ({"claims": [{**MOAT, "languages": False}]}, "YAML reads no as false; write 'no'"),
        ({"margins": {"raw": {}}}, "allowed scales: .*adjusted"),
        ({"margins": {"bits": {"pooled": 1}}}, "margins of 'bits' need pooled and language"),
        (
            {"claims": [{**MOAT, "scale": "logit", "target": "sampled"}]},
            "scale 'logit' is only for moats with target 'pooled'",
        ),
    ],
)
def test_claims_of_another_form_are_refused(raw: Any, message: str) -> None:
    with pytest.raises(ClaimsFileError, match=message):
        claims_from(raw, "test")


def test_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ClaimsFileError, match="cannot read the claims of .*none.yaml"):
        read_claims(tmp_path / "none.yaml")
    broken = tmp_path / "broken.yaml"
    broken.write_text("claims: [", encoding="utf-8")
    with pytest.raises(ClaimsFileError, match="cannot read the claims of"):
        read_claims(broken)


def test_moat_sentence_has_number_interval_and_both_leads() -> None:
    found = check(toy())
    assert found["verdict"] == "supported" and found["claim"] == "good over plain"
    assert "is more than in English: +" in found["sentence"]
    assert "(95 % interval +" in found["sentence"] and "in English and" in found["sentence"]


def test_moat_of_a_model_that_is_behind_everywhere_says_so() -> None:
    rates = {
        "good": {tag: 0.4 if tag == "en" else 0.6 for tag in TAGS},
        "plain": {tag: 0.95 if tag == "en" else 0.7 for tag in TAGS},
    }
    found = check(Evidence((table_from_cells("f", make_cells(rates)),), FACTS))
    assert found["verdict"] == "supported"
    assert "outside English good is behind all the same" in found["sentence"]


@pytest.mark.parametrize("target", ["pooled", "fixed", "sampled"])
def test_targets_share_the_estimate(target: str) -> None:
    assert check(toy(), target=target)["estimate"] == check(toy())["estimate"]


def test_claim_about_some_languages_uses_only_those() -> None:
    found = check(toy(), languages=["sw", "zu"])
    assert found["n_languages"] == 2 and found["verdict"] == "supported"


@pytest.mark.parametrize("names", [["swa", "ZU"], ["Swahili", "isiZulu"], ["zul", "kiswahili"]])
def test_languages_of_a_claim_are_found_by_any_code_or_name(names: list[str]) -> None:
    assert check(toy(), languages=names) == check(toy(), languages=["sw", "zu"]) | {
        "hash": check(toy(), languages=names)["hash"]
    }


def test_language_of_a_claim_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ClaimsFileError, match="claim 'm', languages: no language 'klingon'"):
        check(toy(), languages=["sw", "klingon"])


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({"a": "best"}, "there are no scores of 'best'"),
        ({"families": ["belebele"]}, "there are no scores of the families and languages it names"),
        ({"kind": "cost", "scale": "bits"}, "there are no tokens of parallel sentences"),
        ({"kind": "fewshot"}, "there are no results with examples in the prompt"),
    ],
)
def test_claim_without_its_inputs_is_undetermined_and_says_why(
    changes: dict[str, Any], missing: str
) -> None:
    found = check(toy(), **changes)
    assert found["verdict"] == "undetermined" and found["estimate"] is None
    assert missing in found["reason"] and missing in found["sentence"]


def test_sets_of_models_are_averaged() -> None:
    rates = {
        model: {tag: rate if tag != "en" else 0.8 for tag in TAGS}
        for model, rate in (("good", 0.8), ("fine", 0.7), ("plain", 0.5))
    }
    evidence = Evidence((table_from_cells("f", make_cells(rates)),), FACTS)
    found = check(evidence, a=["good", "fine"], b=["plain"])
    good, fine = (check(evidence, a=[m], b=["plain"])["estimate"] for m in ("good", "fine"))
    assert found["estimate"] == pytest.approx((good + fine) / 2)
    assert found["claim"] == "good, fine over plain"


def test_coverage_counts_languages_and_leaves_unmeasured_ones_open() -> None:
    found = check(toy(), kind="coverage", b=None, wanted=119, retained=0.1)
    assert (found["estimate"], found["low"]) == (7, 7) and found["high"] == 119
    assert found["verdict"] == "undetermined"
    assert check(toy(), kind="coverage", b=None, wanted=7, retained=0.1)["verdict"] == "supported"


def test_coverage_is_refuted_where_english_is_not_kept() -> None:
    rates = {"good": {tag: 0.95 if tag == "en" else 0.35 for tag in TAGS}}
    rates["plain"] = rates["good"]
    evidence = Evidence((table_from_cells("f", make_cells(rates, n=400)),), FACTS)
    found = check(evidence, kind="coverage", b=None, wanted=7, retained=0.8)
    assert found["verdict"] == "refuted" and found["high"] == 1


def many_languages(n_right: int) -> Evidence:
    """Make 30 languages with so many of 100 docs right, and 90 in English; chance is 1/4."""
    rng, ids = np.random.default_rng(0), [f"d{i}" for i in range(100)]
    cells = []
    for tag in ("en", *(f"x{i:02d}" for i in range(30))):
        values = np.zeros(100)
        values[rng.choice(100, 90 if tag == "en" else n_right, replace=False)] = 1
        cells += [CellScores(model, tag, ids, values, chance=0.25) for model in ("good", "plain")]
    return Evidence((table_from_cells("f", cells),), FACTS)


def test_coverage_is_after_holm_over_languages() -> None:
    """36 of 100 are above 1/4 at p below 0.05 in one language, and not in one of 31."""
    found = check(many_languages(36), kind="coverage", b=None, wanted=31, retained=0.0)
    assert (found["estimate"], found["low"]) == (1, 1)
    assert found["verdict"] == "undetermined"
    alone = many_languages(36).limited(None, ["x00"])
    found = check(alone, kind="coverage", b=None, wanted=2, retained=0.0)
    assert (found["estimate"], found["low"]) == (2, 2)


def test_what_is_missed_is_after_holm_over_languages() -> None:
    """Half of English is 0.575: a language at 0.46 is below it by itself, not among 31."""
    found = check(many_languages(46), kind="coverage", b=None, wanted=31, retained=0.5)
    assert found["high"] == 31
    alone = many_languages(46).limited(None, ["x00"])
    found = check(alone, kind="coverage", b=None, wanted=2, retained=0.5)
    assert found["high"] == 1


def test_coverage_without_english_is_undetermined() -> None:
    evidence = Evidence((make_table().select(["sw", "de"]),), FACTS)
    assert check(evidence, kind="coverage", b=None)["verdict"] == "undetermined"


def gap_evidence(slope: float) -> Evidence:
    """Make a lead of `good` that grows by `slope` with each resource class less."""
    tags = ("en", *(f"x{i:02d}" for i in range(24)))
    facts = {
        tag: replace(FACTS["sw"], tag=tag, family=f"f{i % 8}", resource_class=i % 6)
        for i, tag in enumerate(tags)
    }
    rates = {
        "good": {t: 0.5 + slope * (5 - i % 6) if t != "en" else 0.5 for i, t in enumerate(tags)},
        "plain": dict.fromkeys(tags, 0.5),
    }
    return Evidence((table_from_cells("f", make_cells(rates, n=300)),), facts)


def test_gap_that_grows_as_resources_shrink_is_found() -> None:
    found = check(gap_evidence(0.06), kind="resource_gap", margin=0.005)
    # 0.06 of accuracy is 0.08 adjusted for chance 1/4; the toy's slope in its rates is steeper.
    assert found["verdict"] == "supported" and found["estimate"] > 0.05
    flat = check(gap_evidence(0.0), kind="resource_gap", margin=0.005)
    assert flat["verdict"] in ("equivalent", "undetermined")


def test_gap_needs_families_and_classes() -> None:
    cut = Evidence((make_table().select(["en", "sw", "zu"]),), FACTS)
    found = check(cut, kind="resource_gap")
    assert found["reason"] == (
        "it needs 3 language families and 2 resource classes, "
        "not 1 language families and 2 resource classes"
    )


def shots_evidence(gain: float) -> Evidence:
    rates = {
        "good": {tag: 0.5 + gain for tag in TAGS},
        "plain": dict.fromkeys(TAGS, 0.5),
    }
    many = table_from_cells("toy", make_cells(rates, n=300, seed=9))
    zero = table_from_cells(
        "toy", make_cells({"good": dict.fromkeys(TAGS, 0.5), "plain": rates["plain"]}, n=300)
    )
    return Evidence((zero,), FACTS, fewshot=(many,), shots=5)


def test_gain_of_examples_is_told_but_not_judged_without_a_tuned_model() -> None:
    found = check(shots_evidence(0.3), kind="fewshot", b=None)
    assert found["estimate"] > 0.2 and found["verdict"] == "undetermined"
    assert found["reason"] == "the claim names no model tuned for a language as b"
    assert "5 shots change good by +" in found["sentence"]


def test_examples_against_a_tuned_model() -> None:
    better = check(shots_evidence(0.3), kind="fewshot", b="plain")
    worse = check(shots_evidence(-0.2), kind="fewshot", b="plain")
    assert (better["verdict"], worse["verdict"]) == ("supported", "refuted")


def test_tokens_per_sentence_are_a_log_ratio() -> None:
    rng = np.random.default_rng(1)
    ids = [f"d{i}" for i in range(50)]
    base = rng.integers(20, 60, size=50).astype(float)
    cells = [CellScores("good", tag, ids, base) for tag in TAGS]
    cells += [CellScores("plain", tag, ids, 2 * base + rng.integers(0, 2, 50)) for tag in TAGS]
    tokens = table_from_cells("tokens", cells, measure=TOKENS)
    found = check(toy(tokens=tokens), kind="cost", scale="bits")
    assert found["verdict"] == "supported" and found["estimate"] == pytest.approx(
        np.log(2), abs=0.03
    )
    assert "plain needs +10" in found["sentence"]
