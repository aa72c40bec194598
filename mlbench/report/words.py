"""How is the verdict said in sentences? Hedged, with numbers, and with what is not known.

The sentences repeat what mlbench.stats found for a pair; "undetermined" is said as such and never
as "equal".
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from mlbench.languages import REFERENCE
from mlbench.report.columns import Block
from mlbench.report.compare import Comparison, in_unit, unit_of
from mlbench.report.strips import Strip, strip_of
from mlbench.report.text import interval, plural, show_line, signed

CEILING_WORDS = (
    "Both models are near the ceiling in English, where a lead would have no room to show, so the "
    "lead beyond English may be too large."
)


class Counts(NamedTuple):
    """In how many languages A is ahead, B is ahead, and nobody can tell."""

    better: int
    worse: int
    undetermined: int

    def __str__(self) -> str:
        return f"{self.better} better, {self.worse} worse, {self.undetermined} undetermined"


@dataclass(frozen=True, slots=True)
class FamilyVerdict:
    """One row of the verdict's table: a family, with the sentence that says the same."""

    block: Block
    english: str
    others: str
    moat: str
    holm: Counts
    fdr: Counts
    n_others: int
    left_out: str
    sentence: str
    strip: Strip | None


def counts_of(comparison: Comparison, family: str, correction: str) -> Counts:
    """Count the languages but English; `correction` is `p_holm` or `q` (Benjamini-Hochberg)."""
    alpha = 1 - float(comparison.verdict["level"]) if comparison.verdict else 0.05
    sides = [
        lead.side(getattr(lead, correction), alpha)
        for (its_family, tag), lead in comparison.leads.items()
        if its_family == family and tag != REFERENCE
    ]
    return Counts(sides.count(1), sides.count(-1), sides.count(0))


def family_verdict(comparison: Comparison, family: str, names: Mapping[str, str]) -> FamilyVerdict:
    """Say what is known about a pair in one family."""
    block = comparison.blocks[family]
    found = comparison.verdict["by_family"].get(family) if comparison.verdict else None
    holm = counts_of(comparison, family, "p_holm")
    fdr = counts_of(comparison, family, "q")
    n_others = sum(holm)
    left_out = _left_out_words(comparison, family)
    if found is None:
        text = f"{block.title}: nothing can be said. {left_out}"
        return FamilyVerdict(block, "–", "–", "–", holm, fdr, 0, left_out, text, None)
    english, others, moat = (
        _effect_words(found[part], block) for part in ("english", "others", "moat")
    )
    if family in comparison.at_ceiling:
        english += " (both near the ceiling)"
    a, b = names[comparison.pair.a], names[comparison.pair.b]
    sentence = (
        f"{block.title}: {_english_words(found, english, a, b)}, and in "
        f"{plural(n_others, 'other language')} {others} on average. "
        f"{_moat_words(found, moat)} After Holm {a} is better than {b} in {holm.better} of these "
        f"languages and worse in {holm.worse}, and in {holm.undetermined} "
        f"nobody can tell (after Benjamini–Hochberg: {fdr})."
    )
    if family in comparison.at_ceiling:
        sentence += f" {CEILING_WORDS}"
    sentence = f"{sentence} {left_out}".rstrip()
    strip = strip_of(comparison, block)
    return FamilyVerdict(
        block, english, others, moat, holm, fdr, n_others, left_out, sentence, strip
    )


def _effect_words(effect: Mapping[str, Any], block: Block) -> str:
    if effect["estimate"] is None:
        return "unknown"
    low, high = in_unit(block, effect["low"]), in_unit(block, effect["high"])
    value = signed(in_unit(block, effect["estimate"]))
    return f"{value} {interval(low, high)} {unit_of(block)}"


def _english_words(found: Mapping[str, Any], english: str, a: str, b: str) -> str:
    if found["english"]["estimate"] is None:
        return f"the difference {a} − {b} in English is unknown"
    return f"in English the difference {a} − {b} is {english}"


def _moat_words(found: Mapping[str, Any], moat: str) -> str:
    effect = found["moat"]
    if effect["estimate"] is None:
        return f"The lead beyond English is undefined ({found['no_moat'] or effect['reason']})."
    includes_zero = not (effect["low"] or 0) > 0 and not (effect["high"] or 0) < 0
    hedge = "; the interval includes none" if includes_zero else ""
    return f"Beyond English the lead is {moat}{hedge}."


def _left_out_words(comparison: Comparison, family: str) -> str:
    reasons = [why for (its, _), why in comparison.reasons.items() if its == family]
    if not reasons:
        return comparison.problem
    most = max(set(reasons), key=lambda why: (reasons.count(why), why))
    often = "" if len(set(reasons)) == 1 else "most often "
    return f"{plural(len(reasons), 'language')} left out, {often}because {show_line(most)}."


def pooled_sentence(comparison: Comparison, names: Mapping[str, str]) -> str:
    """Say what all families of the primary scale say together."""
    verdict = comparison.verdict
    a, b = names[comparison.pair.a], names[comparison.pair.b]
    if verdict is None:
        return f"{a} and {b} cannot be compared: {show_line(comparison.problem)}."
    unit = "% fewer bits" if verdict["scale"] == "bits" else "chance-adjusted points"
    counts = verdict["counts"]["delta"]
    n = sum(counts[state] for state in ("better", "worse", "equivalent", "undetermined"))
    used = [f for f, found in verdict["by_family"].items() if found["scale"] == verdict["scale"]]
    if not used:
        return (
            f"Nobody can tell {a} and {b} apart with this run: there is no language in which at "
            "least one of them is clearly above chance."
        )
    equal = counts["equivalent"]
    rest = n - counts["better_holm"] - counts["worse_holm"] - equal
    english, others, moat = (_pooled(verdict, part) for part in ("english", "others", "moat"))
    once = ", each family counting once," if len(used) > 1 else ""
    return (
        f"{_over(comparison, used)} ({unit}), {a} − {b} is {english} in English and "
        f"{others} on average in {plural(n, 'other language')}; the lead beyond "
        f"English{once} is {moat}. After Holm {a} is better in {counts['better_holm']} of them, "
        f"worse in {counts['worse_holm']}, equal within the margin in {equal}, and for {rest} this "
        "run does not settle it." + (f" {CEILING_WORDS}" if comparison.at_ceiling & {*used} else "")
    )


def _over(comparison: Comparison, families: list[str]) -> str:
    titles = [comparison.blocks[family].title for family in families]
    return f"In {titles[0]}" if len(titles) == 1 else f"Over {len(titles)} families"


def _pooled(verdict: Mapping[str, Any], part: str) -> str:
    effect = verdict[part]
    if effect["estimate"] is None:
        return f"undefined ({show_line(effect['reason'] or 'too few docs')})"
    ends = [math.nan if effect[k] is None else effect[k] for k in ("estimate", "low", "high")]
    value, low, high = (
        -100 * math.expm1(-x) if verdict["scale"] == "bits" else 100 * x for x in ends
    )
    return f"{signed(value)} {interval(low, high)}"


def claim_rows(comparison: Comparison) -> list[Mapping[str, Any]]:
    """List the claims as mlbench.stats judged them."""
    return list(comparison.verdict["claims"]) if comparison.verdict else []
