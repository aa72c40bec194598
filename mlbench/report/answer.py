"""Is the lead larger outside English? The answer of one pair, for a reader with twenty seconds.

It is told from the side of the model that is ahead outside English, whichever was named first, and
in four words for a verdict. Nothing is computed: the numbers are those of the verdict, as printed,
so that elsewhere less English is the difference on the page too.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mlbench.judge.mirror import mirrored
from mlbench.judge.sentences import counting_words
from mlbench.measures import scale_of
from mlbench.report.compare import Comparison
from mlbench.report.text import number, show_line, signed
from mlbench.wording import plural

WORDS = {
    "supported": "Supported",
    "refuted": "Not supported",
    "equivalent": "Equal",
    "undetermined": "Cannot tell yet",
}
WIDTH = 240.0
"""Width of the bar of languages, in units of its drawing."""


@dataclass(frozen=True, slots=True)
class Side:
    """A lead in one place: `value` has its sign, `interval` is empty where it is unknown."""

    value: str
    interval: str


@dataclass(frozen=True, slots=True)
class Direction:
    """The claim that a model has a lead beyond English over the other, as judged."""

    model: str
    other: str
    state: str

    @property
    def word(self) -> str:
        """Say the verdict in one of the four words."""
        return WORDS[self.state]


@dataclass(frozen=True, slots=True)
class Share:
    """A part of the bar of languages: how many, in which state, and where it stands."""

    name: str
    css: str
    n: int
    x: str
    width: str


@dataclass(frozen=True, slots=True)
class Answer:
    """`ahead` and `behind` are outside English; leads are those of `ahead`, in `unit`."""

    ahead: str
    behind: str
    sentence: str
    details: str
    english: Side
    others: Side
    beyond: Side
    unit: str
    directions: tuple[Direction, ...]
    shares: tuple[Share, ...]
    basis: str


def answer_of(comparison: Comparison, names: Mapping[str, str]) -> Answer | None:
    """Return the answer of a pair; None where the two cannot be compared."""
    verdict = comparison.printed
    if verdict is None:
        return None
    if (verdict["others"]["estimate"] or 0.0) < 0:
        verdict = mirrored(verdict)
    ahead, behind = names[verdict["a"]], names[verdict["b"]]
    english, others, beyond = (_side(verdict, part) for part in ("english", "others", "moat"))
    state = str(verdict["moat"]["verdict"])
    other_way = str(mirrored({"a": "", "b": "", "moat": verdict["moat"]})["moat"]["verdict"])
    return Answer(
        ahead,
        behind,
        _sentence(verdict, ahead, behind),
        _details(verdict, (english, others, beyond)),
        english,
        others,
        beyond,
        scale_of(verdict["scale"]).unit,
        (Direction(ahead, behind, state), Direction(behind, ahead, other_way)),
        _shares(verdict["counts"]["delta"]),
        _basis(verdict),
    )


def _side(verdict: Mapping[str, Any], part: str) -> Side:
    effect, scale = verdict[part], scale_of(verdict["scale"])
    if effect["estimate"] is None:
        return Side("unknown", "")
    low, high = (effect[end] for end in ("low", "high"))
    known = low is not None and high is not None
    ends = f"[{number(scale.in_unit(low))}, {number(scale.in_unit(high))}]" if known else ""
    return Side(signed(scale.in_unit(effect["estimate"])), ends)


def _sentence(verdict: Mapping[str, Any], ahead: str, behind: str) -> str:
    """Answer in one sentence; who is behind in English and ahead elsewhere is said as that."""
    state = verdict["moat"]["verdict"]
    english, others = verdict["english"], verdict["others"]
    turns = (english["estimate"] or 0.0) < 0 < (others["estimate"] or 0.0)
    if others["estimate"] is None:
        return f"It is unknown whether {ahead} or {behind} is ahead outside English."
    if english["estimate"] is None:
        return f"{ahead} is ahead of {behind} outside English; in English it is unknown."
    if state == "supported" and turns:
        return f"Yes: {ahead} is behind {behind} in English and ahead elsewhere."
    if state == "undetermined" and turns:
        return f"Cannot tell yet: {ahead} is behind {behind} in English and ahead elsewhere."
    return {
        "supported": f"Yes: {ahead}’s lead over {behind} is larger outside English.",
        "refuted": f"No: {ahead}’s lead over {behind} is smaller outside English.",
        "equivalent": f"No: {ahead}’s lead over {behind} is the same outside English.",
        "undetermined": f"Cannot tell yet whether {ahead}’s lead over {behind} is larger outside "
        "English.",
    }[state]


def _details(verdict: Mapping[str, Any], sides: tuple[Side, Side, Side]) -> str:
    english, others, beyond = sides
    if "unknown" in (english.value, others.value, beyond.value):
        return ""
    size = beyond.value.lstrip("+−")
    way = "less" if beyond.value.startswith("−") else "more"
    if way == "less" and beyond.interval:
        low, high = (verdict["moat"][end] for end in ("high", "low"))
        unit = scale_of(verdict["scale"]).in_unit
        ends = f" [{number(unit(0.0 - low))}, {number(unit(0.0 - high))}]"
    else:
        ends = f" {beyond.interval}" if beyond.interval else ""
    return (
        f"{english.value.lstrip('+')} in English, {others.value.lstrip('+')} elsewhere: "
        f"{size}{ends} {way}."
    )


def _shares(counts: Mapping[str, int]) -> tuple[Share, ...]:
    """Return who is better in how many languages after Holm, as parts of a bar."""
    n = sum(counts[state] for state in ("better", "worse", "equivalent", "undetermined"))
    firm = {
        "better": counts["better_holm"],
        "equal": counts["equivalent_holm"],
        "worse": counts["worse_holm"],
    }
    undecided = n - sum(firm.values())
    numbers = {"better": firm["better"], "undecided": undecided, **firm}
    found, left = [], 0.0
    for name in ("better", "undecided", "equal", "worse"):
        width = WIDTH * numbers[name] / (n or 1)
        found.append(Share(name, f"h-{name}", numbers[name], f"{left:.1f}", f"{width:.1f}"))
        left += width
    return tuple(share for share in found if share.n or share.name != "equal")


def _basis(verdict: Mapping[str, Any]) -> str:
    n = len(verdict["pooled_families"])
    most = verdict["docs"]["most"]
    docs = "" if not math.isfinite(most) or not most else f", at most {most:,} docs a language"
    return show_line(f"{plural(n, 'family', 'families')} of tasks{counting_words(verdict)}{docs}")
