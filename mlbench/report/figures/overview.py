"""Where is every model good, in one look? The map of the page for a paper: models by languages.

Its languages, groups and order are those of report/overview.py; names of languages do not fit, so
the groups are named.
"""

import math
from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from mlbench.errors import SelectionError
from mlbench.report.colours import score_ramp, step_of
from mlbench.report.figures.captions import chance_words, docs_of, docs_words, run_line
from mlbench.report.figures.cellgrid import ramp_key
from mlbench.report.figures.drawing import (
    INK,
    SMALL,
    SOFT,
    WIDTHS,
    down,
    house_style,
    new_canvas,
    text_width,
    write_text,
)
from mlbench.report.figures.layout import MARGIN, fit_text, frame_of, write_frame
from mlbench.report.leaders import language_levels
from mlbench.report.overview import Group, groups_of, overview_sentence
from mlbench.report.ranking import order_of
from mlbench.report.tables import ReportTable
from mlbench.report.text import short_names

GONE = "#c9ced4"
ROW, APART, LINE, LONGEST = 0.13, 0.025, 0.095, 0.9
"""Inches: a row, between groups, a line of group names, the name of a model."""


def draw_overview(
    table: ReportTable, models: Sequence[str] = (), width: float = WIDTHS[-1]
) -> Axes:
    """Draw the level of each model in every language, a column a language.

    Raises SelectionError if there is no mean adjusted score.
    """
    shots = min((shots for _, shots, _ in table.adjusted), default=None)
    if shots is None:
        raise SelectionError(
            "no family of this run has a chance level, so there is no level to show. "
            f"Type: mlbench figure heatmap --family {table.blocks[0].family}"
        )
    ranked = {model for model, its, _ in table.adjusted if its == shots}
    rows = [m for m in order_of(table) if m in ranked and (not models or m in models)]
    names = short_names(list(table.run.models), 24)
    metrics = {b.family: b.metric for b in table.blocks if b.chance is not None}
    scored = [b for b in table.blocks if b.chance is not None and b.is_pooled]
    n_docs = docs_words(docs_of(table.cells.values(), metrics))
    notes = (
        "A column is a language; in a group the best is first. White: not above chance; grey: no "
        "common score.",
        f"Mean adjusted score; {n_docs}. {chance_words(scored)}",
        run_line(table),
    )
    with house_style():
        keys = [ramp_key("0 (chance)", score_ramp(), "100")]
        frame = frame_of(width, overview_sentence(table), keys, notes)
        height = frame.top + ROW * len(rows) + 3 * LINE + frame.bottom
        axes = new_canvas(width, height)
        write_frame(axes, frame, height)
        left = MARGIN + LONGEST + 0.05
        for i, model in enumerate(rows):
            y = frame.top + ROW * (i + 0.5) + down(SMALL)
            text = fit_text(names[model], LONGEST, SMALL)
            write_text(axes, left - 0.05, y, text, ha="right", fontsize=SMALL, color=INK)
        _columns(axes, table, [(model, shots) for model in rows], (left, frame.top))
    return axes


def _columns(
    axes: Axes, table: ReportTable, rows: Sequence[tuple[str, int]], corner: tuple[float, float]
) -> None:
    """Draw the cells and the names of the groups, down and right from a corner to the margin."""
    (x, top), groups, levels = corner, groups_of(table), language_levels(table)
    right = axes.get_xlim()[1] - MARGIN
    cell = (right - x - APART * (len(groups) - 1)) / len(table.languages)
    free = [0.0, 0.0, 0.0]
    for group in groups:
        _name(axes, group, x, top + ROW * len(rows), (right, free))
        for tag in group.tags:
            for i, (model, shots) in enumerate(rows):
                value = table.adjusted[model, shots, tag].value
                level = levels.get((model, shots, tag))
                is_level = level is None or level.against_chance == "above"
                colour = GONE if math.isnan(value) else score_ramp()[step_of(value)].fill
                how: dict[str, Any] = {"facecolor": colour, "edgecolor": colour, "linewidth": 0}
                if not is_level and not math.isnan(value):
                    how = {"facecolor": "white", "edgecolor": GONE, "linewidth": 0.3}
                axes.add_patch(Rectangle((x, top + ROW * i), cell, ROW * 0.92, **how))
            x += cell
        x += APART


def _name(axes: Axes, group: Group, x: float, top: float, room: tuple[float, list[float]]) -> None:
    """Write the name of a group on the first line that is free there; none is left out for long."""
    right, free = room
    size = text_width(group.name, SMALL)
    x = min(x, right - size)
    for line, taken in enumerate(free):
        if x >= taken:
            y = top + LINE * (line + 0.6) + down(SMALL)
            write_text(axes, x, y, group.name, fontsize=SMALL, color=SOFT)
            free[line] = x + size + 0.05
            return
