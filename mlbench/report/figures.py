"""How does a whole run look on one page of a paper? The heatmap, languages x models.

seaborn draws heatmaps too, but not cells in four states and three units side by side. English names
only: a reviewer cannot read twenty scripts, and fonts for them are not everywhere.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from mlbench import __version__
from mlbench.languages import REFERENCE
from mlbench.records import Cell, Language
from mlbench.report.colours import STEPS, Colour, parity_ramp, score_ramp, step_of
from mlbench.report.columns import Block
from mlbench.report.drawing import house_style, new_canvas, save_figure, write_text
from mlbench.report.grid import shown_text
from mlbench.report.tables import CellView, ReportTable, adjust
from mlbench.report.text import percent, short_names, show_line

# Inches. 119 rows and the heads come to 11.6 inches, an A4 page.
ROW, COLUMN, NAMES, TOP, BOTTOM, GAP = 0.084, 0.42, 1.85, 0.78, 0.78, 0.07
# Between English and the rest; and right of the cells, where the last slanted name ends.
APART, RIGHT = 0.04, 0.45
GREY = "#9aa3ad"
HATCHES = {"failed": "xxxxxx", "missing": "//////", "no data": "......"}
NARROWEST = 3.9
"""Inches; scale and caption need them."""


@dataclass(frozen=True, slots=True)
class HeatColumn:
    """One column of the figure at its place in inches from the left edge of the cells."""

    block: Block
    model: str
    name: str
    left: float
    is_first: bool


@dataclass(frozen=True, slots=True)
class Heat:
    """The heatmap as data: what is drawn, before anything is drawn."""

    columns: tuple[HeatColumn, ...]
    languages: tuple[Language, ...]
    views: tuple[tuple[CellView, ...], ...]
    caption: str

    @property
    def width(self) -> float:
        """Return the width of all columns in inches."""
        return self.columns[-1].left + COLUMN if self.columns else COLUMN


def heat_from_table(table: ReportTable) -> Heat:
    """Prepare the heatmap of a run."""
    names = short_names(list(table.run.models), 18)
    columns: list[HeatColumn] = []
    left = 0.0
    for block in table.blocks:
        for model in block.models:
            is_first = model == block.models[0]
            left += GAP if is_first and columns else 0
            columns.append(HeatColumn(block, model, names[model], left, is_first))
            left += COLUMN
    views = tuple(
        tuple(
            table.cells[Cell(c.model, c.block.family, language.tag, c.block.shots)] for c in columns
        )
        for language in table.languages
    )
    return Heat(tuple(columns), table.languages, views, _caption(table))


def _caption(table: ReportTable) -> str:
    counts = ", ".join(f"{table.count(s)} {n}" for s, n in _COUNTED)
    return (
        f"Run {show_line(table.name, 40)}, {show_line(table.run.created, 25)}, "
        f"mlbench {__version__}.\nCells: {counts}."
    )


_COUNTED: tuple[tuple[Any, str], ...] = (
    ("value", "done"),
    ("failed", "failed"),
    ("missing", "missing"),
    ("no data", "no data"),
)


def draw_heatmap(table: ReportTable) -> Axes:
    """Draw the heatmap; the figure is `axes.figure`, or use `save_heatmap`."""
    with house_style():
        heat = heat_from_table(table)
        width = max(NAMES + heat.width + RIGHT, NARROWEST)
        height = TOP + ROW * len(heat.languages) + APART + BOTTOM
        axes = new_canvas(width, height)
        for column in heat.columns:
            _head(axes, column)
        for i, (language, views) in enumerate(zip(heat.languages, heat.views, strict=True)):
            _row(axes, heat, language, views, TOP + ROW * i + (APART if i else 0))
        _legend(axes, heat, height)
    return axes


def save_heatmap(table: ReportTable, folder: Path) -> list[Path]:
    """Write heatmap.svg, .png and .pdf into a folder; the same run gives the same bytes."""
    axes = draw_heatmap(table)
    return save_figure(axes, folder, "heatmap")


def _head(axes: Axes, column: HeatColumn) -> None:
    x = NAMES + column.left
    write_text(axes, x + COLUMN / 2, TOP - 0.04, column.name, rotation=30, ha="left", va="bottom")
    if column.is_first:
        block = column.block
        chance = "" if block.chance is None else f", chance {percent(block.chance)}"
        kind = {"accuracy": f"{block.metric} %{chance}", "bits": "parity, English = 100"}
        shots = f", {block.shots}-shot" if block.shots else ""
        lines = f"{show_line(block.title, 30)}{shots}\n{kind.get(block.kind, block.metric)}"
        write_text(axes, x, 0.08, lines, va="top", ha="left", weight="bold", wrap=False)


def _row(axes: Axes, heat: Heat, language: Language, views: Sequence[CellView], top: float) -> None:
    is_english = language.tag == REFERENCE
    weight = "bold" if is_english else "normal"
    mark = " (!)" if language.caveats else ""
    name = f"{show_line(language.name, 30)}{mark}  {show_line(language.tag, 12)}"
    write_text(axes, NAMES - 0.06, top + ROW / 2, name, ha="right", va="center", weight=weight)
    for column, view in zip(heat.columns, views, strict=True):
        _cell(axes, view, column, NAMES + column.left, top)
    if is_english:
        axes.plot(
            [0.08, NAMES + heat.width], [top + ROW + APART / 2] * 2, color="black", linewidth=0.6
        )


def colour_of(view: CellView, block: Block) -> Colour | None:
    """Give the colour of a cell with a value; None where a value has no scale."""
    if math.isnan(view.shown) or view.is_reference:
        return None
    if view.quantity == "accuracy":
        return score_ramp()[step_of(adjust(view.shown, block.chance))]
    return parity_ramp()[step_of(view.shown)] if view.quantity == "parity" else None


def _cell(axes: Axes, view: CellView, column: HeatColumn, x: float, top: float) -> None:
    if view.state != "value":
        _box(axes, x, top, facecolor="white", hatch=HATCHES[view.state], edgecolor=GREY, lw=0)
        _box(axes, x, top, margin=0.42 * COLUMN, color="white")
        _centred(axes, x, top, "–", "#3d444d")
        return
    colour = colour_of(view, column.block)
    fill, ink = (colour.fill, colour.ink) if colour else ("#f0f0f0", "#000000")
    _box(axes, x, top, facecolor=fill, edgecolor="white", linewidth=0.3)
    text = "base" if view.is_reference else shown_text(view)
    _centred(axes, x, top, text + ("†" if view.n_truncated else ""), ink)
    if view.is_above_chance is False:
        outline = {"edgecolor": "#ff7b72", "linewidth": 0.4, "linestyle": "--"}
        _box(axes, x, top, margin=0.008, fill=False, **outline)


def _box(axes: Axes, x: float, top: float, *, margin: float = 0.0, **how: Any) -> None:
    """Draw the box of a cell, `margin` inches narrower at each side (and at most 0.008 lower)."""
    high = min(margin, 0.008)
    size = (COLUMN - 2 * margin, ROW - 2 * high)
    axes.add_patch(Rectangle((x + margin, top + high), *size, **how))


def _centred(axes: Axes, x: float, top: float, text: str, ink: str) -> None:
    write_text(axes, x + COLUMN / 2, top + ROW / 2, text, color=ink, ha="center", va="center")


def _legend(axes: Axes, heat: Heat, height: float) -> None:
    """Write scale, states and run id inside the frame, so that a copy keeps them."""
    y = height - BOTTOM + 0.12
    x = 0.08
    has_parity = any(v.quantity == "parity" for row in heat.views for v in row)
    scales = [("chance", score_ramp(), "100 %")]
    if has_parity:
        scales.append(("parity 0", parity_ramp(), "100"))
    for start, ramp, end in scales:
        write_text(axes, x, y, start, va="center")
        x += 0.09 * max(len(start) * 0.6, 3)
        for step in range(0, STEPS + 1, 2):
            axes.add_patch(Rectangle((x, y - 0.04), 0.03, 0.08, color=ramp[step].fill, lw=0))
            x += 0.03
        write_text(axes, x + 0.04, y, end, va="center")
        x += 0.4
    for line, text in enumerate((*_STATES, heat.caption), start=1):
        write_text(axes, 0.08, y + 0.12 * line - 0.05, text, va="top", color="#3d444d")


_STATES = (
    "dashed outline: not above chance; hatched –: not evaluated (/ missing, x failed, . no data)",
    "(!): known problem with the text of the language; †: some requests were truncated",
)
