"""Is the lead only outside English? The moat figure: English against the mean elsewhere.

A line per family with two dots: the lead of A in English, and its mean in the other languages.
What lies between them is the moat.
"""

import math
from typing import Any

from matplotlib.axes import Axes

from mlbench.report.compare import unit_of
from mlbench.report.figures.captions import title_of
from mlbench.report.figures.drawing import (
    GREY,
    INK,
    POINTS,
    SMALL,
    WIDTHS,
    down,
    house_style,
    new_canvas,
    text_width,
    write_text,
)
from mlbench.report.figures.forest import AHEAD, Estimate, Forest, Panel
from mlbench.report.figures.layout import MARGIN, Key, frame_of, wrap_text, write_frame
from mlbench.report.strips import nice_limit
from mlbench.report.text import interval, signed

ENGLISH = "#c0392b"
LINE, HEAD = 0.3, 0.2
"""Inches for a family, and for the heads of the columns."""

BEYOND = "Beyond English"


def draw_moat(forest: Forest, width: float = WIDTHS[-1]) -> Axes:
    """Draw, for each family, the lead in English and the mean lead elsewhere on one line."""
    with house_style():
        frame = frame_of(width, moat_claim(forest), _keys(), (_axes_words(forest), *forest.caption))
        top = frame.top + HEAD
        axes = new_canvas(width, top + LINE * len(forest.panels) + frame.bottom)
        write_frame(axes, frame, top + LINE * len(forest.panels) + frame.bottom)
        left, right = _ends(forest, width)
        heads = ((left, f"Lead of {forest.a}"), (right + 0.1, BEYOND))
        for x, head in heads:
            y = frame.top + 0.09
            write_text(axes, x, y, head, fontsize=SMALL, weight="bold", color=INK)
        for i, panel in enumerate(forest.panels):
            _dumbbell(axes, forest, panel, (left, right, top + LINE * (i + 0.5)))
    return axes


def moat_claim(forest: Forest) -> str:
    """Return as text how much the lead grows beyond English, with its interval."""
    if forest.moat is None:
        return f"Lead of {forest.a} over {forest.b} in English and in other languages"
    return f"Outside English, the lead of {forest.a} over {forest.b} changes by {forest.moat}"


def moat_limit(forest: Forest, panel: Panel) -> float:
    """Return the axis of a line: the same for all families of one unit, so that they compare."""
    same = [other for other in forest.panels if unit_of(other.block) == unit_of(panel.block)]
    return nice_limit([abs(end) for other in same for end in (*other.english, *other.others)])


def _axes_words(forest: Forest) -> str:
    limits = {unit_of(panel.block): moat_limit(forest, panel) for panel in forest.panels}
    ends = " and ".join(f"±{limit:.0f} {unit}" for unit, limit in limits.items())
    return f"A line ends at {ends}; right of the middle {forest.a} is ahead."


def _ends(forest: Forest, width: float) -> tuple[float, float]:
    """Return both ends of the lines: between the titles and the numbers."""
    words = [_beyond(panel) for panel in forest.panels] + [BEYOND]
    right = width - MARGIN - 0.1 - max(text_width(word, SMALL, "bold") for word in words)
    titles = [line for panel in forest.panels for line in _title(panel, width)]
    return MARGIN + max(text_width(line, POINTS) for line in titles) + 0.1, right


def _title(panel: Panel, width: float) -> list[str]:
    return wrap_text(title_of(panel.block), 0.22 * width, POINTS)[:3]


def _beyond(panel: Panel) -> str:
    if math.isnan(panel.moat.value):
        return "undefined"
    numbers = f"{signed(panel.moat.value)} {interval(panel.moat.low, panel.moat.high)}"
    return f"{numbers} {panel.block.measure.scales[0].short}".rstrip()


def _dumbbell(axes: Axes, forest: Forest, panel: Panel, at: tuple[float, float, float]) -> None:
    left, right, y = at
    middle = (left + right) / 2
    scale = (right - left) / 2 / moat_limit(forest, panel)
    lines = _title(panel, axes.get_xlim()[1])
    for i, line in enumerate(lines):
        base = y + 0.09 * (i - (len(lines) - 1) / 2) + down(POINTS)
        write_text(axes, left - 0.08, base, line, ha="right", fontsize=POINTS, color=INK)
    axes.plot([left, right], [y, y], color="#d0d7de", linewidth=0.5)
    axes.plot([middle, middle], [y - LINE / 2, y + LINE / 2], color=GREY, linewidth=0.5)
    between = [middle + scale * one.value for one in (panel.english, panel.others)]
    axes.plot(between, [y, y], color=GREY, linewidth=1.0)
    _dot(axes, panel.english, (middle, scale, y - 0.045), marker="D", color=ENGLISH)
    _dot(axes, panel.others, (middle, scale, y + 0.045), marker="o", color=AHEAD)
    write_text(axes, right + 0.1, y + down(SMALL), _beyond(panel), fontsize=SMALL, color=INK)


def _dot(
    axes: Axes, estimate: Estimate, at: tuple[float, float, float], *, marker: str, color: str
) -> None:
    middle, scale, y = at
    x, low, high = (middle + scale * end for end in estimate)
    axes.plot([low, high], [y, y], color=color, linewidth=1.2)
    axes.plot([x], [y], marker, color=color, markersize=3.2, markeredgewidth=0)


def _keys() -> tuple[Key, ...]:
    def dot(marker: str, color: str) -> Any:
        def paint(axes: Axes, x: float, y: float) -> None:
            axes.plot([x, x + 0.14], [y, y], color=color, linewidth=1.2)
            axes.plot([x + 0.07], [y], marker, color=color, markersize=3.2, markeredgewidth=0)

        return paint

    return (
        Key("English", 0.14, dot("D", ENGLISH)),
        Key("mean of the other languages", 0.14, dot("o", AHEAD)),
    )
