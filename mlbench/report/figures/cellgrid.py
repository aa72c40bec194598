"""How is a table of cells drawn: languages as rows, numbers on colour, and every state its own?

Heatmap, difference and profile prepare a CellGrid; this file draws it. seaborn draws heatmaps too,
but not cells in four states, and not in lanes that fit a page.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path as Outline
from matplotlib.transforms import Affine2D

from mlbench.data.languages import REFERENCE
from mlbench.records import Language
from mlbench.report.colours import STEPS, Colour
from mlbench.report.figures.drawing import (
    INK,
    SMALL,
    SOFT,
    Number,
    down,
    house_style,
    new_canvas,
    text_width,
    write_numbers,
    write_text,
)
from mlbench.report.figures.layout import (
    Key,
    Lanes,
    Table,
    fit_text,
    frame_of,
    set_lanes,
    write_frame,
    write_names,
)
from mlbench.report.grid import BELOW_CHANCE

HATCHES = {"failed": "xxxxxx", "missing": "//////", "no data": "......"}
PLAIN, DASH = "#f0f0f0", "–"
NO_LEVEL = Colour("#ffffff", SOFT)
AIR = 0.12
"""Em beside the widest number of a grid."""

HEAD_EM = 1.3
"""Em that the upright name of a column needs at least."""

LONGEST_HEAD = 0.85
"""Inches for the name of a column, which stands upright."""


@dataclass(frozen=True, slots=True)
class GridCell:
    """A cell as it is drawn: `state` is `value`, or why there is no number.

    What is no level, since it is not above chance, stands in grey on white.
    """

    text: str = DASH
    state: str = "value"
    colour: Colour | None = None
    is_bold: bool = False
    is_level: bool = True


@dataclass(frozen=True, slots=True)
class CellGrid:
    """A figure of cells as data: what is drawn, before anything is drawn.

    `things` and `advice` word the refusal of a table with too many columns.
    """

    title: str
    columns: tuple[str, ...]
    languages: tuple[Language, ...]
    rows: tuple[tuple[GridCell, ...], ...]
    things: str
    advice: str
    keys: tuple[Key, ...]
    caption: tuple[str, ...]


def draw_cells(grid: CellGrid, width: float) -> Axes:
    """Draw a grid on a page of `width` inches.

    Raises SelectionError if its columns do not fit.
    """
    with house_style():
        frame = frame_of(width, grid.title, grid.keys, grid.caption)
        lanes = set_lanes(_table_of(grid), frame)
        axes = new_canvas(width, lanes.height)
        write_frame(axes, frame, lanes.height)
        write_names(axes, grid.languages, lanes)
        _heads(axes, grid, lanes)
        _bodies(axes, grid, lanes)
    return axes


def _table_of(grid: CellGrid) -> Table:
    def above(points: float) -> float:
        widths = (text_width(name, points) for name in grid.columns)
        return min(max(widths, default=0.0), LONGEST_HEAD) + 0.06

    texts = {(cell.text, cell.is_bold) for row in grid.rows for cell in row}
    widths = (text_width(text, 72, "bold" if bold else "normal") for text, bold in texts)
    least = max([HEAD_EM, *(width + AIR for width in widths)])
    return Table(grid.languages, len(grid.columns), least, grid.things, grid.advice, above=above)


def _heads(axes: Axes, grid: CellGrid, lanes: Lanes) -> None:
    for lane in range(lanes.n_lanes):
        for i, name in enumerate(grid.columns):
            x = lanes.left_of(lane) + lanes.column * (i + 0.5)
            text = fit_text(name, LONGEST_HEAD, lanes.points)
            how: dict[str, Any] = {"rotation": 90, "ha": "center", "va": "bottom"}
            write_text(axes, x, lanes.top - 0.03, text, fontsize=lanes.points, color=INK, **how)
    if grid.languages and grid.languages[0].tag == REFERENCE:
        right = lanes.left_of(0) + lanes.column * len(grid.columns)
        y = lanes.top + lanes.row + lanes.apart / 2
        axes.plot([lanes.left_of(0) - lanes.names, right], [y, y], color=INK, linewidth=0.6)


def _bodies(axes: Axes, grid: CellGrid, lanes: Lanes) -> None:
    fills, numbers = [], []
    by_state: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for i, cells in enumerate(grid.rows):
        left, top = lanes.left_of(i // lanes.rows), lanes.top_of(i)
        for j, cell in enumerate(cells):
            at = (left + lanes.column * j, top)
            middle = (at[0] + lanes.column / 2, top + lanes.row / 2)
            if cell.state != "value":
                by_state[cell.state].append(at)
                continue
            colour = (cell.colour or Colour(PLAIN, INK)) if cell.is_level else NO_LEVEL
            fills.append((at, colour.fill))
            weight = "bold" if cell.is_bold else "normal"
            numbers.append(Number(*middle, cell.text, colour.ink, weight))
    size = (lanes.column, lanes.row)
    _boxes(
        axes, [at for at, _ in fills], size, facecolors=[fill for _, fill in fills], edgecolors="w"
    )
    for state, places in sorted(by_state.items()):
        _hatched(axes, places, size, HATCHES[state])
        numbers += _dashes(axes, places, size)
    write_numbers(axes, numbers, lanes.points)


def _boxes(
    axes: Axes, places: Sequence[tuple[float, float]], size: tuple[float, float], **how: Any
) -> None:
    """Draw boxes of one size at their upper left corners."""
    if not places:
        return
    box = Outline(np.array([(0, 0), (1, 0), (1, -1), (0, -1), (0, 0)], dtype=float))
    figure = axes.get_figure(root=True)
    assert figure is not None
    boxes = PathCollection([box], offsets=np.array(places), **({"linewidths": 0.3} | how))
    boxes.set(offset_transform=axes.transData)
    boxes.set_transform(Affine2D().scale(*size) + figure.dpi_scale_trans)
    boxes.set_clip_on(False)
    axes.add_collection(boxes, autolim=False)


def _hatched(
    axes: Axes, places: Sequence[tuple[float, float]], size: tuple[float, float], hatch: str
) -> None:
    """Hatch all boxes of a state as one shape, as a hatch takes long to draw."""
    wide, high = size
    corners = np.array([(0, 0), (wide, 0), (wide, high), (0, high), (0, 0)])
    boxes = [Outline(corners + np.array(place), closed=True) for place in places]
    shape = Outline.make_compound_path(*boxes)
    axes.add_patch(PathPatch(shape, hatch=hatch, facecolor="w", edgecolor="#9aa3ad", linewidth=0))


def _dashes(
    axes: Axes, places: Sequence[tuple[float, float]], size: tuple[float, float]
) -> Iterable[Number]:
    """Clear the middle of hatched cells, and return the dashes that stand there."""
    wide, high = min(0.12, size[0] * 0.6), size[1]
    middles = [(x + size[0] / 2, y) for x, y in places]
    corners = [(x - wide / 2, y) for x, y in middles]
    _boxes(axes, corners, (wide, high), facecolors="w", linewidths=0)
    return [Number(x, y + high / 2, DASH, "#3d444d") for x, y in middles]


def ramp_key(low: str, ramp: Sequence[Colour], high: str) -> Key:
    """Make the legend of a ramp: its ends in words, its colours between."""
    start = text_width(low, SMALL) + 0.04

    def paint(axes: Axes, x: float, y: float) -> None:
        write_text(axes, x, y + down(SMALL), low, fontsize=SMALL, color=INK)
        for i, step in enumerate(range(0, STEPS + 1, 2)):
            place = (x + start + 0.03 * i, y - 0.035)
            axes.add_patch(Rectangle(place, 0.031, 0.07, color=ramp[step].fill, lw=0))

    return Key(high, start + 0.03 * (STEPS // 2 + 1), paint)


def _box_key(text: str, **how: Any) -> Key:
    def paint(axes: Axes, x: float, y: float) -> None:
        axes.add_patch(Rectangle((x, y - 0.035), 0.16, 0.07, **how))

    return Key(text, 0.16, paint)


def state_keys(cells: Iterable[Iterable[GridCell]]) -> tuple[Key, ...]:
    """Make the legend of the states that a grid has."""
    found = {cell.state for row in cells for cell in row} & HATCHES.keys()
    how = {"facecolor": "white", "edgecolor": "#9aa3ad", "lw": 0}
    keys = [_box_key(state, hatch=HATCHES[state], **how) for state in HATCHES if state in found]
    below = any(BELOW_CHANCE in cell.text for row in cells for cell in row)
    if any(not cell.is_level for row in cells for cell in row):
        words = f"grey: not above chance{f'; {BELOW_CHANCE}: below it' if below else ''}"
        keys.append(Key(words))
    return tuple(keys)
