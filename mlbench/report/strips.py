"""Is the lead English-only? One dot per language on a line, English marked, for every family.

The axis is symmetric around no difference, so that neither model looks ahead by the layout. The
drawing is a handful of SVG paths: a dot is a stroke of no length with a round end.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from mlbench.data.languages import REFERENCE
from mlbench.report.columns import Block
from mlbench.report.compare import Comparison, LanguageLead, in_unit, unit_of
from mlbench.report.text import signed

HALF, FLOOR = 180.0, 50.0
"""Half the width, and where dots stand on, in units of the drawing."""

DOT = 4.0
NAMED = 2
"""Languages that are named at each end."""

LIMITS = (1, 2, 5, 10, 15, 20, 30, 40, 60, 80, 100, 120, 150, 200, 500, 1000)


class Strip(NamedTuple):
    """One line of dots. `firm` and `open` are SVG paths: languages significant after Holm
    correction, and the others; x positions run from 0 to 2 HALF. `named` are the ends in words."""

    title: str
    limit: str
    unit: str
    firm: str
    open: str
    english: float | None
    mean: float | None
    low: float | None
    high: float | None
    named: str = ""


def strip_of(
    comparison: Comparison, block: Block, titles: Mapping[str, str] | None = None
) -> Strip | None:
    """Prepare the strip of a family; None where no language can be compared.

    `titles` are names of languages by tag.
    """
    leads = {tag: x for (family, tag), x in comparison.leads.items() if family == block.family}
    leads = {tag: lead for tag, lead in leads.items() if not math.isnan(lead.value)}
    if not leads or comparison.verdict is None:
        return None
    mean = comparison.verdict["by_family"][block.family]["others"]
    ends = [in_unit(block, mean[key]) for key in ("estimate", "low", "high")]
    limit = _common_limit(comparison, unit_of(block))
    english = leads.pop(REFERENCE, None)
    alpha = 1 - float(comparison.verdict["level"])
    places = _stacked(leads.values(), limit)
    firm = [place for lead, place in places if lead.side(lead.p_holm, alpha)]
    others = [place for lead, place in places if not lead.side(lead.p_holm, alpha)]
    estimate, low, high = (_x(end, limit) for end in ends)
    return Strip(
        block.title,
        signed(float(limit), 0),
        unit_of(block),
        _dots(firm),
        _dots(others),
        None if english is None else _x(english.value, limit),
        _known(estimate),
        _known(low),
        _known(high),
        _ends_words(leads, titles or {}),
    )


def _known(x: float) -> float | None:
    return None if math.isnan(x) else x


def _ends_words(leads: Mapping[str, LanguageLead], titles: Mapping[str, str]) -> str:
    """Name the languages at both ends, which are those a reader asks about."""
    ranked = sorted(leads, key=lambda tag: leads[tag].value)
    words = [f"{titles.get(tag, tag)} {signed(leads[tag].value)}" for tag in ranked]
    if len(words) < 2 * NAMED:
        return ", ".join(words)
    return f"{', '.join(words[:NAMED])} … {', '.join(words[-NAMED:])}"


def _common_limit(comparison: Comparison, unit: str) -> int:
    """Return the end of the axis, one for all families of a unit, so that the strips compare."""
    assert comparison.verdict is not None
    same = {f: block for f, block in comparison.blocks.items() if unit_of(block) == unit}
    values = [lead.value for (family, _), lead in comparison.leads.items() if family in same]
    for family, block in same.items():
        if family in comparison.verdict["by_family"]:
            mean = comparison.verdict["by_family"][family]["others"]
            values += [in_unit(block, mean[key]) for key in ("estimate", "low", "high")]
    return nice_limit([abs(value) for value in values])


def nice_limit(values: list[float]) -> int:
    """Return a round number that all known values are below."""
    most = max((value for value in values if not math.isnan(value)), default=1.0)
    return next((limit for limit in LIMITS if most <= limit), math.ceil(most))


def _x(value: float, limit: int) -> float:
    return round(HALF + (HALF - DOT) * value / limit, 1)


def _stacked(
    leads: Iterable[LanguageLead], limit: int
) -> list[tuple[LanguageLead, tuple[float, float]]]:
    """Stack dots that would lie on one another, closer where there are many."""
    bins: dict[int, list[LanguageLead]] = defaultdict(list)
    for lead in leads:
        bins[round(_x(lead.value, limit) / DOT)].append(lead)
    tallest = max((len(stack) for stack in bins.values()), default=1)
    step = min(DOT, (FLOOR - DOT) / tallest)
    return [
        (lead, (_x(lead.value, limit), round(FLOOR - DOT / 2 - step * level, 1)))
        for _, stack in sorted(bins.items())
        for level, lead in enumerate(stack)
    ]


def _dots(places: list[tuple[float, float]]) -> str:
    return "".join(f"M{x:g} {y:g}h0" for x, y in places)
