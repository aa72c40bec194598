"""Where is A better than B, language by language, with every interval? The forest, as for a paper.

A panel per family, the languages in order of their mean lead, and the mean of the other languages
as a diamond at the bottom. The same Forest, as data, is behind the moat figure.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection

from mlbench.data.languages import REFERENCE
from mlbench.records import Language
from mlbench.report.columns import Block
from mlbench.report.compare import Comparison, LanguageLead, in_unit, unit_of
from mlbench.report.figures.captions import (
    ADJUSTED_WORDS,
    docs_words,
    interval_words,
    n_others,
    pooled_words,
    run_line,
    shots_words,
    title_of,
)
from mlbench.report.figures.drawing import (
    GREY,
    INK,
    PALE,
    SMALL,
    SOFT,
    WIDTHS,
    down,
    house_style,
    new_canvas,
    text_width,
    write_text,
)
from mlbench.report.figures.layout import (
    Key,
    Lanes,
    Table,
    frame_of,
    set_lanes,
    wrap_text,
    write_frame,
    write_names,
)
from mlbench.report.strips import nice_limit
from mlbench.report.tables import ReportTable
from mlbench.report.text import interval, short_names, signed
from mlbench.wording import plural

AHEAD, BEHIND = "#1f4e8c", "#b35806"
DOT = 2.2
"""Points across of a mark."""

PANEL_EM, GAP = 6.5, 0.09
"""Least width of a panel in em; inches between panels."""

MEAN_LABEL = "mean of others"
FOOT = 0.25
"""Inches below the rows: the diamond and the ends of the axis."""


class Estimate(NamedTuple):
    """A number with its interval in the unit of its panel; nan where it is unknown."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Panel:
    """One family of a forest: its axis runs from -limit to +limit."""

    block: Block
    limit: float
    leads: Mapping[str, LanguageLead]
    english: Estimate
    others: Estimate
    moat: Estimate


@dataclass(frozen=True, slots=True)
class Forest:
    """A pair in all its families, before anything is drawn; `claim` is about the other languages.

    `moat` words the lead beyond English over all families, else in the first one; None where it is
    undefined.
    """

    a: str
    b: str
    alpha: float
    panels: tuple[Panel, ...]
    languages: tuple[Language, ...]
    claim: str
    moat: str | None
    caption: tuple[str, ...]


def forest_from_comparison(table: ReportTable, comparison: Comparison) -> Forest | None:
    """Prepare the figures of a pair; None where nothing could be compared."""
    verdict = comparison.verdict
    if verdict is None or not verdict["by_family"]:
        return None
    panels = tuple(
        _panel(comparison, family) for family in comparison.blocks if family in verdict["by_family"]
    )
    names = short_names(list(table.run.models), 24)
    a, b = names[comparison.pair.a], names[comparison.pair.b]
    counts = [lead.n_docs for panel in panels for lead in panel.leads.values()]
    foot = f"{shots_words(comparison.pair.shots)} {docs_words(counts)}."
    return Forest(
        a,
        b,
        1 - float(verdict["level"]),
        panels,
        _sorted(table.languages, verdict, panels),
        _claim(comparison, panels, a, b),
        pooled_words(comparison, "moat") or _first([p.moat for p in panels], panels),
        (f"{interval_words(comparison)} {ADJUSTED_WORDS}", run_line(table, foot)),
    )


def _panel(comparison: Comparison, family: str) -> Panel:
    assert comparison.printed is not None
    found, block = comparison.printed["by_family"][family], comparison.blocks[family]
    leads = {tag: lead for (its, tag), lead in comparison.leads.items() if its == family}
    english, others, moat = (
        Estimate(*(in_unit(block, found[part][key]) for key in ("estimate", "low", "high")))
        for part in ("english", "others", "moat")
    )
    reach = [abs(lead.value) for lead in leads.values()] + [abs(end) for end in others]
    return Panel(block, nice_limit(reach), leads, english, others, moat)


def _sorted(
    languages: Sequence[Language], verdict: Mapping[str, Any], panels: Sequence[Panel]
) -> tuple[Language, ...]:
    """Put English first, then the languages by mean lead; those without one last."""
    seen = {tag for panel in panels for tag in panel.leads}
    mean = {row["language"]: row["delta"] for row in verdict["per_language"]}

    def place(language: Language) -> tuple[bool, bool, float]:
        lead = mean.get(language.tag)
        return language.tag != REFERENCE, lead is None, -(lead or 0.0)

    return tuple(sorted((lang for lang in languages if lang.tag in seen), key=place))


def _claim(comparison: Comparison, panels: Sequence[Panel], a: str, b: str) -> str:
    others = pooled_words(comparison, "others") or _first([p.others for p in panels], panels)
    scope = f"{plural(n_others(comparison), 'language')} other than English"
    if others is None:
        return f"Lead of {a} over {b} in {scope}, family by family"
    return f"The lead of {a} over {b} is {others} on average over {scope}"


def _first(estimates: Sequence[Estimate], panels: Sequence[Panel]) -> str | None:
    """Return as text the first known estimate and its family, if there is none over all."""
    for estimate, panel in zip(estimates, panels, strict=True):
        if not math.isnan(estimate.value):
            return f"{estimate_words(estimate, panel.block)} in {title_of(panel.block)}"
    return None


def estimate_words(estimate: Estimate, block: Block) -> str:
    """Write an estimate with its interval and unit."""
    value, low, high = estimate
    return f"{signed(value)} {interval(low, high)} {unit_of(block)}"


def draw_forest(forest: Forest, width: float = WIDTHS[-1]) -> Axes:
    """Draw every language with its interval on a page of `width` inches.

    Raises SelectionError if the panels do not fit.
    """
    with house_style():
        frame = frame_of(width, forest.claim, _keys(forest), forest.caption)
        lanes = set_lanes(_table_of(forest), frame)
        axes = new_canvas(width, lanes.height)
        write_frame(axes, frame, lanes.height)
        _stripes(axes, forest, lanes)
        write_names(axes, forest.languages, lanes)
        for i, panel in enumerate(forest.panels):
            for lane in range(lanes.n_lanes):
                _head(axes, panel, lanes, (lane, i))
            _marks(axes, forest, panel, lanes, i)
            _diamond(axes, panel, lanes, i)
        lane = lanes.n_lanes - 1
        x, y = lanes.left_of(lane) - 0.05, _foot_of(lanes, lane)
        how: dict[str, Any] = {"ha": "right", "fontsize": SMALL, "weight": "bold", "color": INK}
        write_text(axes, x, y + down(SMALL), MEAN_LABEL, **how)
    return axes


def _table_of(forest: Forest) -> Table:
    families = " ".join(panel.block.family for panel in forest.panels[:2])
    advice = f"choose with --family, for example: --family {families}"
    n = len(forest.panels)
    return Table(
        forest.languages,
        n,
        PANEL_EM,
        "families",
        advice,
        above=lambda _: 0.31,
        below=FOOT,
        widest=2.4,
        label=MEAN_LABEL,
    )


def _stripes(axes: Axes, forest: Forest, lanes: Lanes) -> None:
    """Shade every second row, so that the eye finds the way from a mark to its name."""
    boxes = []
    for i in range(0, len(forest.languages), 2):
        left, top = lanes.left_of(i // lanes.rows), lanes.top_of(i)
        right = left + lanes.column * len(forest.panels) - GAP
        left -= lanes.names - 0.02
        bottom = top + lanes.row
        boxes.append([(left, top), (right, top), (right, bottom), (left, bottom)])
    axes.add_collection(PolyCollection(boxes, facecolors=PALE, linewidths=0), autolim=False)


class _Axis(NamedTuple):
    """Where a panel stands in a lane: its middle and half its width in inches, and its limit."""

    middle: float
    half: float
    limit: float

    def x(self, value: float) -> float:
        """Place a value; an interval that leaves the panel ends at its edge."""
        share = 0.0 if math.isnan(value) else min(max(value / self.limit, -1.0), 1.0)
        return self.middle + self.half * share


def _axis(panel: Panel, lanes: Lanes, lane: int, place: int) -> _Axis:
    half = (lanes.column - GAP) / 2
    return _Axis(lanes.left_of(lane) + lanes.column * place + half, half - 0.02, panel.limit)


def _foot_of(lanes: Lanes, lane: int) -> float:
    return lanes.bottom_of(lane) + 0.07


def _head(axes: Axes, panel: Panel, lanes: Lanes, at: tuple[int, int]) -> None:
    """Write title, unit and axis of a panel in one lane."""
    axis = _axis(panel, lanes, *at)
    left, room = axis.middle - axis.half - 0.02, 2 * axis.half + 0.04
    lines = wrap_text(title_of(panel.block), room, SMALL, "bold")[:2]
    y = lanes.top - 0.06 - 0.085 * len(lines)
    for i, line in enumerate(lines):
        write_text(axes, left, y + 0.085 * i, line, fontsize=SMALL, weight="bold", color=INK)
    write_text(axes, left, lanes.top - 0.06, unit_of(panel.block), fontsize=SMALL, color=SOFT)
    bottom = _foot_of(lanes, at[0]) + 0.05
    axes.plot([axis.middle] * 2, [lanes.top - 0.02, bottom], color=GREY, linewidth=0.4)
    ends = 2 * text_width(signed(panel.limit, 0), SMALL) + 0.2
    for sign, side in ((-1, "left"), (0, "center"), (1, "right")):
        edge = axis.middle + sign * (axis.half + 0.02)
        label = signed(sign * panel.limit, 0)
        if sign or ends < room:
            write_text(axes, edge, bottom + 0.09, label, ha=side, fontsize=SMALL, color=SOFT)


def _places(forest: Forest, panel: Panel, lanes: Lanes, place: int) -> Iterator[Any]:
    for i, language in enumerate(forest.languages):
        lead = panel.leads.get(language.tag)
        if lead is not None and not math.isnan(lead.value):
            axis = _axis(panel, lanes, i // lanes.rows, place)
            yield lead, axis, lanes.top_of(i) + lanes.row / 2


def lead_colour(lead: LanguageLead) -> str:
    """Return the colour of a lead: grey within noise."""
    return GREY if lead.is_within_noise else AHEAD if lead.value > 0 else BEHIND


def _marks(axes: Axes, forest: Forest, panel: Panel, lanes: Lanes, place: int) -> None:
    """Draw the leads of a panel: filled after Holm, open if not, grey within noise."""
    found = list(_places(forest, panel, lanes, place))
    if not found:
        return
    inks = [lead_colour(lead) for lead, _, _ in found]
    whiskers = [[(axis.x(lead.low), y), (axis.x(lead.high), y)] for lead, axis, y in found]
    axes.add_collection(LineCollection(whiskers, colors=inks, linewidths=0.6), autolim=False)
    is_firm = [bool(lead.side(lead.p_holm, forest.alpha)) for lead, _, _ in found]
    fills = [ink if firm else "white" for ink, firm in zip(inks, is_firm, strict=True)]
    dots = np.array([(axis.x(lead.value), y) for lead, axis, y in found])
    axes.scatter(
        dots[:, 0], dots[:, 1], s=DOT**2, c=fills, edgecolors=inks, linewidths=0.5, zorder=3
    )


def _diamond(axes: Axes, panel: Panel, lanes: Lanes, place: int) -> None:
    if math.isnan(panel.others.value):
        return
    lane = lanes.n_lanes - 1
    axis, y = _axis(panel, lanes, lane, place), _foot_of(lanes, lane)
    x, low, high = (axis.x(end) for end in panel.others)
    low, high = min(low, x - 0.02), max(high, x + 0.02)
    corners = [(low, y), (x, y - 0.035), (high, y), (x, y + 0.035)]
    axes.add_collection(PolyCollection([corners], facecolors=INK, linewidths=0), autolim=False)


def _keys(forest: Forest) -> tuple[Key, ...]:
    def dot(ink: str, fill: str) -> Any:
        def paint(axes: Axes, x: float, y: float) -> None:
            axes.plot([x, x + 0.14], [y, y], color=ink, linewidth=0.6)
            how: dict[str, Any] = {"markerfacecolor": fill, "markeredgewidth": 0.5}
            axes.plot([x + 0.07], [y], "o", color=ink, markersize=DOT, **how)

        return paint

    return (
        Key(f"{forest.a} ahead, after Holm", 0.14, dot(AHEAD, AHEAD)),
        Key(f"{forest.b} ahead, after Holm", 0.14, dot(BEHIND, BEHIND)),
        Key("not after Holm", 0.14, dot(AHEAD, "white")),
        Key("interval includes 0", 0.14, dot(GREY, "white")),
        Key("right: " + forest.a),
    )
