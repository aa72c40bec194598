"""Where is A better than B, language by language, and is the lead only outside English?

Two figures for a paper. The forest has every language with its paired interval, a panel a family,
and the mean of the other languages below. The moat figure holds English against that mean.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.patches import Polygon

from mlbench import __version__
from mlbench.languages import REFERENCE
from mlbench.records import Language
from mlbench.report.columns import Block
from mlbench.report.compare import Comparison, Lead, in_unit, unit_of
from mlbench.report.drawing import house_style, new_canvas, write_text
from mlbench.report.strips import nice_limit
from mlbench.report.tables import ReportTable
from mlbench.report.text import interval, short_names, show_line, signed

# Inches, as in the heatmap.
ROW, NAMES, PANEL, GAP, TOP, BOTTOM = 0.084, 1.85, 0.95, 0.12, 0.55, 0.62
NARROWEST = 4.2
AHEAD, BEHIND, NOISE, INK, SOFT = "#1f4e8c", "#b35806", "#8c959f", "#1b1f24", "#57606a"


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
    leads: Mapping[str, Lead]
    english: Estimate
    others: Estimate
    moat: Estimate


@dataclass(frozen=True, slots=True)
class Forest:
    """A pair in all its families, before anything is drawn."""

    a: str
    b: str
    alpha: float
    panels: tuple[Panel, ...]
    languages: tuple[Language, ...]
    caption: str


def forest_from_comparison(table: ReportTable, comparison: Comparison) -> Forest | None:
    """Prepare the figures of a pair; None where nothing could be compared."""
    verdict = comparison.verdict
    if verdict is None or not verdict["by_family"]:
        return None
    panels = [
        _panel(comparison, family) for family in comparison.blocks if family in verdict["by_family"]
    ]
    names = short_names(list(table.run.models), 24)
    shots = f", {comparison.pair.shots}-shot" if comparison.pair.shots else ""
    seen = {tag for panel in panels for tag in panel.leads}
    caption = (
        f"Run {show_line(table.name, 40)}{shots}, mlbench {__version__}. "
        f"{100 * verdict['level']:.0f} % paired cluster bootstrap, seed {verdict['seed']}."
    )
    return Forest(
        names[comparison.pair.a],
        names[comparison.pair.b],
        1 - float(verdict["level"]),
        tuple(panels),
        tuple(language for language in table.languages if language.tag in seen),
        caption,
    )


def _panel(comparison: Comparison, family: str) -> Panel:
    assert comparison.verdict is not None
    found, block = comparison.verdict["by_family"][family], comparison.blocks[family]
    leads = {tag: lead for (its, tag), lead in comparison.leads.items() if its == family}
    english, others, moat = (
        Estimate(*(in_unit(block, found[part][key]) for key in ("estimate", "low", "high")))
        for part in ("english", "others", "moat")
    )
    reach = [abs(lead.value) for lead in leads.values()] + [abs(end) for end in others]
    return Panel(block, nice_limit(reach), leads, english, others, moat)


def draw_forest(forest: Forest) -> Axes:
    """Draw every language with its interval: filled after Holm, open within noise."""
    with house_style():
        width = max(NAMES + (PANEL + GAP) * len(forest.panels) + 0.1, NARROWEST)
        rows = len(forest.languages)
        axes = new_canvas(width, TOP + ROW * (rows + 2.5) + BOTTOM)
        bottom = TOP + ROW * rows
        for i in range(0, rows, 2):
            axes.axhspan(TOP + ROW * i, TOP + ROW * (i + 1), color="#f3f5f7", linewidth=0)
        for i, panel in enumerate(forest.panels):
            _forest_panel(axes, forest, panel, NAMES + (PANEL + GAP) * i, bottom)
        for i, language in enumerate(forest.languages):
            weight = "bold" if language.tag == REFERENCE else "normal"
            name = f"{show_line(language.name, 30)}  {show_line(language.tag, 12)}"
            y = TOP + ROW * (i + 0.5)
            write_text(axes, NAMES - 0.06, y, name, ha="right", va="center", weight=weight)
        mean = "mean of the other languages"
        write_text(
            axes, NAMES - 0.06, bottom + ROW * 1.2, mean, ha="right", va="center", weight="bold"
        )
        notes = (
            f"A = {forest.a}, B = {forest.b}; right of the line A is ahead.",
            "Filled: stands after Holm. Open: does not. Grey: the interval includes 0.",
            forest.caption,
        )
        for i, note in enumerate(notes):
            write_text(axes, 0.08, bottom + ROW * 2.5 + 0.26 + 0.12 * i, note, color=SOFT, va="top")
    return axes


def _forest_panel(axes: Axes, forest: Forest, panel: Panel, left: float, bottom: float) -> None:
    middle = left + PANEL / 2
    title = f"{show_line(panel.block.title, 22)}\nA − B, {unit_of(panel.block)}"
    write_text(axes, left, 0.08, title, va="top", weight="bold")
    axes.plot([middle, middle], [TOP - 0.02, bottom + ROW * 2], color=NOISE, linewidth=0.4)
    for sign, side in ((-1, "left"), (0, "center"), (1, "right")):
        x, label = _x(sign * panel.limit, panel, left), signed(sign * panel.limit, 0)
        write_text(axes, x, bottom + ROW * 2.3, label, ha=side, va="top", color=SOFT)
    for i, language in enumerate(forest.languages):
        if lead := panel.leads.get(language.tag):
            _mark(axes, lead, panel, (left, TOP + ROW * (i + 0.5)), forest.alpha)
    _diamond(axes, panel, left, bottom + ROW * 1.2)


def _mark(axes: Axes, lead: Lead, panel: Panel, at: tuple[float, float], alpha: float) -> None:
    if math.isnan(lead.value):
        return
    left, y = at
    colour = NOISE if lead.is_within_noise else AHEAD if lead.value > 0 else BEHIND
    ends = [_x(lead.low, panel, left), _x(lead.high, panel, left)]
    axes.plot(ends, [y, y], color=colour, linewidth=0.6)
    fill = colour if lead.side(lead.p_holm, alpha) else "white"
    x = _x(lead.value, panel, left)
    axes.plot(
        [x], [y], "o", color=colour, markersize=2.4, markerfacecolor=fill, markeredgewidth=0.5
    )


def _diamond(axes: Axes, panel: Panel, left: float, y: float) -> None:
    if math.isnan(panel.others.value):
        return
    x, low, high = (_x(end, panel, left) for end in panel.others)
    low, high = min(low, x - 0.015), max(high, x + 0.015)
    corners = [(low, y), (x, y - 0.035), (high, y), (x, y + 0.035)]
    axes.add_patch(Polygon(corners, closed=True, color=INK))


def _x(value: float, panel: Panel, left: float) -> float:
    """Place a value on a panel; an interval that leaves the panel ends at its edge."""
    share = min(max(value / panel.limit, -1.0), 1.0) if not math.isnan(value) else 0.0
    return left + PANEL / 2 * (1 + share)


def draw_moat(forest: Forest) -> Axes:
    """Draw, for each family, the lead in English and the mean lead elsewhere on one line."""
    with house_style():
        axes = new_canvas(6.75, MOAT.top + MOAT.line * len(forest.panels) + 0.5)
        for i, panel in enumerate(forest.panels):
            _dumbbell(axes, forest, panel, MOAT.top + MOAT.line * (i + 0.5))
        for x, title in ((MOAT.left, "Lead of A over B"), (MOAT.right + 0.3, "Beyond English")):
            write_text(axes, x, 0.1, title, weight="bold", va="top")
        notes = (
            f"A = {forest.a}, B = {forest.b}; right of the line A is ahead. "
            "Diamond: English. Dot: mean of the other languages.",
            forest.caption,
        )
        top = MOAT.top + MOAT.line * len(forest.panels) + 0.12
        for i, note in enumerate(notes):
            write_text(axes, 0.08, top + 0.14 * i, note, color=SOFT, va="top")
    return axes


class _MoatPlaces(NamedTuple):
    """Where the parts of the moat figure are, in inches."""

    left: float
    right: float
    top: float
    line: float


MOAT = _MoatPlaces(left=1.5, right=4.3, top=0.3, line=0.28)


def moat_limit(forest: Forest, panel: Panel) -> float:
    """Give the axis of a line: the same for all families of one unit, so that they compare."""
    same = [other for other in forest.panels if unit_of(other.block) == unit_of(panel.block)]
    return nice_limit([abs(end) for other in same for end in (*other.english, *other.others)])


def _dumbbell(axes: Axes, forest: Forest, panel: Panel, y: float) -> None:
    limit = moat_limit(forest, panel)
    middle, scale = (MOAT.left + MOAT.right) / 2, (MOAT.right - MOAT.left) / 2 / limit
    name = show_line(panel.block.title, 28)
    write_text(axes, MOAT.left - 0.1, y, name, ha="right", va="center")
    axes.plot([MOAT.left, MOAT.right], [y, y], color="#d0d7de", linewidth=0.5)
    axes.plot([middle, middle], [y - MOAT.line / 2, y + MOAT.line / 2], color=NOISE, linewidth=0.5)
    ends = f"±{limit:.0f} {unit_of(panel.block)}"
    write_text(axes, MOAT.right, y + 0.03, ends, ha="right", va="top", color=SOFT, fontsize=4.6)
    between = [middle + scale * one.value for one in (panel.english, panel.others)]
    axes.plot(between, [y, y], color=NOISE, linewidth=0.8)
    for estimate, marker, colour in ((panel.english, "D", "#d1242f"), (panel.others, "o", AHEAD)):
        x, low, high = (middle + scale * end for end in estimate)
        axes.plot([low, high], [y, y], color=colour, linewidth=1.4)
        axes.plot([x], [y], marker, color=colour, markersize=4)
    known = not math.isnan(panel.moat.value)
    moat = f"{signed(panel.moat.value)} {interval(panel.moat.low, panel.moat.high)}"
    words = f"{moat} {unit_of(panel.block)}" if known else "undefined"
    write_text(axes, MOAT.right + 0.3, y, words, va="center")
