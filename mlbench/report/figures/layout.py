"""Where does everything stand on a page of a given width? Lines of text, keys, and lanes of rows.

Nothing is drawn here. A table of 119 rows is set in one, two or three lanes side by side, in the
larger text if that fits, and is refused with what to type instead if its columns do not fit.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from matplotlib.axes import Axes

from mlbench.data.languages import REFERENCE
from mlbench.errors import SelectionError
from mlbench.records import Language
from mlbench.report.figures.drawing import (
    INK,
    POINTS,
    SMALL,
    SOFT,
    TALLEST,
    TITLE,
    WIDTHS,
    down,
    text_width,
    write_text,
)
from mlbench.report.text import show_line

# Inches.
MARGIN, GUTTER = 0.08, 0.14
LINE_BY_POINTS = {TITLE: 0.12, POINTS: 0.096, SMALL: 0.086}
SIZES = ((POINTS, 0.084), (SMALL, 0.0675))
"""Text size in points and height of a row in inches: first choice, and for a full page (no letter
of DejaVu Sans is taller than a row)."""

LONGEST_NAMES = (1.2, 0.95)
"""Inches for the names of languages at most: first choice, and where columns need the room.

A longer one is cut."""

APART = 0.04
"""Inches between English, which is first, and the rest."""


def fit_text(text: str, width: float, points: float = POINTS, weight: str = "normal") -> str:
    """Cut a line so that it takes no more than `width` inches."""
    if text_width(text, points, weight) <= width:
        return text
    kept = text
    while kept and text_width(kept + "…", points, weight) > width:
        kept = kept[:-1]
    return kept.rstrip() + "…"


def wrap_text(text: str, width: float, points: float, weight: str = "normal") -> list[str]:
    """Break text into lines of at most `width` inches; a word too long for one is cut."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and text_width(longer, points, weight) <= width:
            lines[-1] = longer
        else:
            lines.append(fit_text(word, width, points, weight))
    return lines


class Key(NamedTuple):
    """An entry of a legend: `paint` draws its sign of `width` inches at (left, middle)."""

    text: str
    width: float = 0.0
    paint: Callable[[Axes, float, float], None] | None = None

    @property
    def whole(self) -> float:
        """Return the inches that sign and text take."""
        return self.width + (0.04 if self.width else 0) + text_width(self.text, SMALL)


def _wrap_keys(keys: Sequence[Key], width: float) -> list[list[Key]]:
    lines: list[list[Key]] = []
    used = 0.0
    for key in keys:
        if lines and used + key.whole <= width:
            lines[-1].append(key)
        else:
            lines.append([key])
            used = 0.0
        used += key.whole + 0.14
    return lines


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands above and below the drawing: claim, legend and caption, broken to a width."""

    width: float
    title: tuple[str, ...]
    keys: tuple[tuple[Key, ...], ...]
    caption: tuple[str, ...]

    @property
    def top(self) -> float:
        """Return the inches above the drawing."""
        return MARGIN + LINE_BY_POINTS[TITLE] * len(self.title) + 0.05

    @property
    def bottom(self) -> float:
        """Return the inches below the drawing."""
        return 0.12 + LINE_BY_POINTS[POINTS] * (len(self.keys) + len(self.caption)) + MARGIN


def frame_of(width: float, title: str, keys: Sequence[Key], caption: Sequence[str]) -> Frame:
    """Break claim, legend and caption to a width in inches."""
    inner = width - 2 * MARGIN
    notes = [line for note in caption for line in wrap_text(note, inner, SMALL)]
    lines = tuple(tuple(line) for line in _wrap_keys(keys, inner))
    return Frame(width, tuple(wrap_text(title, inner, TITLE, "bold")), lines, tuple(notes))


def write_frame(axes: Axes, frame: Frame, height: float) -> None:
    """Write claim, legend and caption on a page."""
    for i, line in enumerate(frame.title):
        y = MARGIN + LINE_BY_POINTS[TITLE] * (i + 0.5) + down(TITLE)
        write_text(axes, MARGIN, y, line, fontsize=TITLE, weight="bold", color=INK)
    y = height - frame.bottom + 0.12
    for keys in frame.keys:
        x = MARGIN
        for key in keys:
            if key.paint:
                key.paint(axes, x, y)
            left = x + key.width + (0.04 if key.width else 0)
            write_text(axes, left, y + down(SMALL), key.text, fontsize=SMALL, color=INK)
            x += key.whole + 0.14
        y += LINE_BY_POINTS[POINTS]
    for line in frame.caption:
        write_text(axes, MARGIN, y + down(SMALL), line, fontsize=SMALL, color=SOFT)
        y += LINE_BY_POINTS[POINTS]


@dataclass(frozen=True, slots=True)
class Table:
    """A table to be set: `least` is the width of a column in em; `above` and `below` are inches.

    `advice` says what to type when the columns, which are so many `things`, do not fit. `label`
    stands below the names.
    """

    languages: Sequence[Language]
    n_columns: int
    least: float
    things: str
    advice: str
    above: Callable[[float], float]
    below: float = 0.0
    widest: float = 0.9
    label: str = ""


@dataclass(frozen=True, slots=True)
class Lanes:
    """A table that is set: sizes in inches, and the place of every row."""

    points: float
    row: float
    column: float
    names: float
    pitch: float
    rows: int
    n_rows: int
    top: float
    height: float
    apart: float

    @property
    def n_lanes(self) -> int:
        """Return how many lanes stand side by side."""
        return max(1, math.ceil(self.n_rows / self.rows))

    def left_of(self, lane: int) -> float:
        """Return the left edge of the columns of a lane."""
        return MARGIN + lane * self.pitch + self.names

    def top_of(self, index: int) -> float:
        """Return the upper edge of a row."""
        row = index % self.rows
        return self.top + self.row * row + (self.apart if index else 0.0)

    def bottom_of(self, lane: int) -> float:
        """Return the lower edge of the last row of a lane."""
        last = min((lane + 1) * self.rows, self.n_rows) - 1
        return self.top_of(last) + self.row


def shown_name(language: Language, width: float, points: float) -> str:
    """Name a language in at most `width` inches; (!) marks a known problem with its text."""
    weight = _weight(language)
    mark = " (!)" if language.caveats else ""
    room = width - text_width(mark, points, weight)
    return fit_text(show_line(language.name, 60), room, points, weight) + mark


def set_lanes(table: Table, frame: Frame) -> Lanes:
    """Set a table: in the larger text if it fits a page, else small, else as low as it gets.

    Raises SelectionError if not even one lane has room for the columns.
    """
    possible = [
        lanes
        for points, row in SIZES
        for n in (1, 2, 3)
        for longest in LONGEST_NAMES
        if (lanes := _lanes(table, frame, (points, row, longest), n)) is not None
    ]
    if not possible:
        raise _too_wide(table, frame.width)
    fitting = (lanes for lanes in possible if lanes.height <= TALLEST)
    return next(fitting, min(possible, key=lambda lanes: lanes.height))


def _lanes(table: Table, frame: Frame, size: tuple[float, float, float], n: int) -> Lanes | None:
    points, row, longest = size
    n_rows = len(table.languages)
    names = _names_width(table, points, longest)
    pitch = (frame.width - 2 * MARGIN + GUTTER) / n
    column = (pitch - GUTTER - names) / table.n_columns
    if column < table.least * points / 72 or n > n_rows:
        return None
    rows = max(1, math.ceil(n_rows / n))
    top = frame.top + table.above(points)
    has_english = any(language.tag == REFERENCE for language in table.languages)
    apart = APART if has_english else 0.0
    height = top + rows * row + apart + table.below + frame.bottom
    column = min(column, table.widest)
    return Lanes(points, row, column, names, pitch, rows, n_rows, top, height, apart)


def _names_width(table: Table, points: float, longest: float) -> float:
    widths = [text_width(table.label, SMALL, "bold")]
    for language in table.languages:
        name = shown_name(language, longest, points)
        widths.append(text_width(name, points, _weight(language)))
    return max(widths) + 0.06


def _weight(language: Language) -> str:
    return "bold" if language.tag == REFERENCE else "normal"


def _too_wide(table: Table, width: float) -> SelectionError:
    names = _names_width(table, SMALL, LONGEST_NAMES[-1])
    most = int((width - 2 * MARGIN - names) / (table.least * SMALL / 72))
    wider = f"--width {WIDTHS[-1]:g}, or " if width < WIDTHS[-1] else ""
    return SelectionError(
        f"{table.n_columns} {table.things} do not fit into {width:g} inches; at most {most} do. "
        f"Type {wider}{table.advice}"
    )


def write_names(axes: Axes, languages: Sequence[Language], lanes: Lanes) -> None:
    """Write the names of the languages beside their rows, English in bold with a line below."""
    room = lanes.names - 0.06
    for i, language in enumerate(languages):
        lane = i // lanes.rows
        weight = _weight(language)
        name = shown_name(language, room, lanes.points)
        x = lanes.left_of(lane) - 0.05
        y = lanes.top_of(i) + lanes.row / 2 + down(lanes.points)
        write_text(axes, x, y, name, ha="right", fontsize=lanes.points, weight=weight, color=INK)
