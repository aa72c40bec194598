"""How is the verdict said in sentences? Hedged, with numbers, and with what is not known.

The sentences repeat what mlbench.stats found for a pair; "undetermined" is said as such and never
as "equal".
"""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median
from typing import Any, NamedTuple

from mlbench.data.languages import REFERENCE
from mlbench.judge.sentences import counting_words, sensitivity_rows
from mlbench.measures import scale_of
from mlbench.report.columns import Block
from mlbench.report.compare import Comparison, in_unit, unit_of
from mlbench.report.page.pairs import PairView
from mlbench.report.strips import Strip, strip_of
from mlbench.report.tables import ReportTable
from mlbench.report.text import interval, join, number, show_line, signed
from mlbench.store.join import labels_of
from mlbench.store.read import Run
from mlbench.wording import plural

MOST_NAMED = 3
"""Models that a title names; of more it gives the number."""

CEILING_WORDS = "where a lead has no room to show, so the lead beyond English may be too large"


class Counts(NamedTuple):
    """In how many languages A is ahead, B is ahead, and neither is shown to be."""

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


def family_verdict(
    comparison: Comparison,
    family: str,
    names: Mapping[str, str],
    languages: Mapping[str, str] | None = None,
) -> FamilyVerdict:
    """Return what is known about a pair in one family; names of models, and of languages by tag."""
    block = comparison.blocks[family]
    found = comparison.printed["by_family"].get(family) if comparison.printed else None
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
        f"{_moat_words(found, moat)} After Holm correction a lead of {a}, however small, is shown "
        f"in {holm.better} of these languages and one of {b} in {holm.worse}; in "
        f"{holm.undetermined} none is shown (after Benjamini–Hochberg correction: {fdr})."
    )
    if family in comparison.at_ceiling:
        sentence += f" Both models are near the ceiling in English here, {CEILING_WORDS}."
    sentence = f"{sentence} {left_out}".rstrip()
    strip = strip_of(comparison, block, languages)
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
        return f"the lead of {a} over {b} in English is unknown"
    return f"in English the lead of {a} over {b} is {english}"


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
        return comparison.problem or _guessed_words(comparison, family).strip()
    counts = Counter(reasons).most_common()
    words = [f"{n:,} because {show_line(why)}" for why, n in counts]
    if len(counts) == 1:
        words = [f"because {show_line(counts[0][0])}"]
    left = f"{plural(len(reasons), 'language')} left out, {', '.join(words)}"
    return f"{left}.{_guessed_words(comparison, family)}"


def _guessed_words(comparison: Comparison, family: str) -> str:
    """Return as text in how many languages that were run and compared both models guess."""
    at_chance = comparison.verdict["at_chance"] if comparison.verdict else []
    n = sum(cell["family"] == family for cell in at_chance)
    return f" In {plural(n, 'compared language')} neither model is above chance." if n else ""


def pooled_sentence(comparison: Comparison, names: Mapping[str, str]) -> str:
    """Return what all families of the primary scale say together."""
    verdict = comparison.printed
    a, b = names[comparison.pair.a], names[comparison.pair.b]
    if verdict is None:
        return f"{a} and {b} cannot be compared: {show_line(comparison.problem)}."
    unit = scale_of(verdict["scale"]).unit
    counts = verdict["counts"]["delta"]
    n = sum(counts[state] for state in ("better", "worse", "equivalent", "undetermined"))
    used = verdict["pooled_families"]
    equal = counts["equivalent_holm"]
    rest = n - counts["better_holm"] - counts["worse_holm"] - equal
    english, others, moat = (_pooled(verdict, part) for part in ("english", "others", "moat"))
    over = f"{_over(comparison, used)}{counting_words(verdict)}"
    return (
        f"{over} ({unit}), {a} − {b} is {english} in English and {others} on average in "
        f"{plural(n, 'other language')}; the lead beyond English, the "
        f"difference of the two, is {moat}. After Holm correction {a} is better in "
        f"{counts['better_holm']} of them, worse in {counts['worse_holm']}, and equal within the "
        f"margin in {equal}, even if a small lead is shown there; for {rest} the data cannot "
        f"decide."
        f"{_ceiling_sentence(comparison)}"
    )


def _ceiling_sentence(comparison: Comparison) -> str:
    """Name the families at the ceiling in English, with the number without them."""
    assert comparison.printed is not None
    without = comparison.printed["without_ceiling"]
    titles = [comparison.blocks[f].title for f in without["families"] if f in comparison.blocks]
    if not titles:
        return ""
    words = f" In {join(titles)} both models are near the ceiling in English, {CEILING_WORDS}"
    if without["moat"] and without["moat"]["estimate"] is not None:
        moat = _effect_ends(without["moat"], comparison.printed["scale"])
        words += f"; without {'it' if len(titles) == 1 else 'them'} it is {moat}"
    return f"{words}."


def _over(comparison: Comparison, families: list[str]) -> str:
    titles = [comparison.blocks[family].title for family in families]
    return f"In {titles[0]}" if len(titles) == 1 else f"Over {len(titles)} families"


def _pooled(verdict: Mapping[str, Any], part: str) -> str:
    effect = verdict[part]
    if effect["estimate"] is None:
        return f"undefined ({show_line(effect['reason'] or 'too few docs')})"
    return _effect_ends(effect, verdict["scale"])


def _effect_ends(effect: Mapping[str, Any], scale: str) -> str:
    ends = [math.nan if effect[k] is None else effect[k] for k in ("estimate", "low", "high")]
    value, low, high = (scale_of(scale).in_unit(end) for end in ends)
    return f"{signed(value)} {interval(low, high)}"


class SensitivityRow(NamedTuple):
    """The headline by another rule or over other cells; texts are ready to show."""

    name: str
    english: str
    others: str
    moat: str
    verdict: str


def sensitivity(comparison: Comparison) -> list[SensitivityRow]:
    """List what the headline would be by other rules and over other sets of cells."""
    verdict = comparison.printed
    if verdict is None:
        return []
    scale = verdict["scale"]

    def word(sides: Mapping[str, Any], side: str) -> str:
        known = side in sides and sides[side]["estimate"] is not None
        return _effect_ends(sides[side], scale) if known else "–"

    return [
        SensitivityRow(
            show_line(name),
            word(sides, "english"),
            word(sides, "others"),
            word(sides, "moat"),
            str(sides["moat"]["verdict"]),
        )
        for name, sides in sensitivity_rows(verdict)
    ]


def claim_rows(comparison: Comparison) -> list[Mapping[str, Any]]:
    """List the claims as mlbench.stats judged them."""
    return list(comparison.verdict["claims"]) if comparison.verdict else []


def seen_sentence(pair: PairView) -> str:
    """Say how large a lead of this pair must be in one language to be seen, by family."""
    parts = []
    for comparison in pair.comparisons:
        for family, found in (comparison.verdict or {"by_family": {}})["by_family"].items():
            sizes = [row["mde"] for row in found["per_language"] if row["mde"] is not None]
            if sizes and (block := comparison.blocks.get(family)):
                seen = number(in_unit(block, median(sizes)), 0)
                parts.append(f"{seen} {unit_of(block)} in {block.title}")
    if not parts:
        return "No lead of this pair could be seen in a single language."
    return f"The smallest lead that most languages could show (in 80 % of runs): {join(parts)}."


def compared_words(table: ReportTable, names: Mapping[str, str]) -> str:
    """Say what the page compares, as its title."""
    shown = list(names.values())
    who = join(shown) if len(shown) <= MOST_NAMED else plural(len(shown), "model")
    return f"{who} in {plural(len(table.languages), 'language')}"


class Part(NamedTuple):
    """One of several runs that the page reads as one; texts are ready to show."""

    name: str
    created: str
    started: str
    machine: str
    models: str
    n_done: int
    n_planned: int


class Parts(NamedTuple):
    """The runs of a page; `machines`: they were not all on machines that are known to be alike."""

    rows: tuple[Part, ...]
    machines: bool


def parts_of(run: Run) -> Parts:
    """Name the runs that a page is made of, with when and where they were scored."""
    rows = tuple(
        Part(
            show_line(name),
            show_line(part.created),
            time_words(part.created),
            show_line(part.machine) or "not stated",
            join([show_line(model) for model in part.models]),
            len(part.done),
            len(part.planned),
        )
        for name, part in zip(labels_of(run.parts), run.parts, strict=True)
    )
    return Parts(rows, machines=len({row.machine for row in rows}) > 1)


def time_words(created: str) -> str:
    """Write a time for a reader, in UTC; what is no time stays as it is.

    >>> time_words("2026-11-27T20:06:03+01:00")
    '27 Nov 2026, 19:06 UTC'
    """
    try:
        then = datetime.fromisoformat(created)
    except ValueError:
        return show_line(created)
    if then.tzinfo is None:
        return show_line(created)
    utc = then.astimezone(UTC)
    return f"{utc.day} {utc:%b %Y, %H:%M} UTC"
