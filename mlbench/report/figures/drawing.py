"""What have all figures in common? A page of exact width, one style, and the same bytes each time.

matplotlib without pyplot: no global state and no window. Digits by the thousand are drawn as a few
collections of glyph shapes: laying out each number as text takes most of the time of a figure.
"""

import io
import warnings
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.path import Path as Outline
from matplotlib.textpath import TextPath, text_to_path
from matplotlib.transforms import Affine2D

FORMATS = ("svg", "png", "pdf")
WIDTHS = (3.3, 6.75)
"""Inches: one column and both columns of a paper."""

TALLEST = 9.5
"""Inches: a page of a paper, less room for its caption."""

POINTS, SMALL, TITLE = 5.6, 5.0, 7.0
"""Text sizes: as a rule, where a page is full (nothing is smaller), and of the claim on top."""

INK, SOFT, GREY, PALE = "#1b1f24", "#57606a", "#8c959f", "#f3f5f7"
ABOVE = 3
"""Numbers lie above their cells: the zorder of text in matplotlib."""


DPI = 220
"""Of PNG: enough for a screen or a slide; a paper takes PDF."""

# A lower level of compression is a tenth larger and takes half the time.
PNG_OPTIONS: dict[str, Any] = {"compress_level": 4}

STYLE: dict[Any, Any] = {
    "svg.hashsalt": "mlbench",
    "svg.fonttype": "path",
    "pdf.fonttype": 42,
    # matplotlib 3.11 reads this one for PDF too: with 3 it embeds every font twice.
    "ps.fonttype": 42,
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": POINTS,
    "hatch.linewidth": 0.4,
}
EMPTY: dict[str, dict[str, Any]] = {
    "svg": {"Date": None},
    "png": {"Software": None},
    "pdf": {"CreationDate": None},
}


def new_canvas(width: float, height: float) -> Axes:
    """Make a white page whose coordinates are inches from its upper left corner."""
    figure = Figure(figsize=(width, height), facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)
    axes.set_autoscale_on(False)
    axes.axis("off")
    return axes


def figure_files(axes: Axes, folder: Path, name: str) -> dict[Path, bytes]:
    """Return a figure in every format, each by the place of its file."""
    return {folder / f"{name}.{form}": figure_bytes(axes, form) for form in FORMATS}


def figure_bytes(axes: Axes, form: str) -> bytes:
    """Return a figure as a file of a format holds it, without dates or versions of the machine."""
    figure = axes.get_figure(root=True)
    assert figure is not None
    content = io.BytesIO()
    with house_style():
        options: dict[str, Any] = {"pil_kwargs": PNG_OPTIONS} if form == "png" else {}
        figure.savefig(content, format=form, dpi=DPI, metadata=EMPTY[form], **options)
    return content.getvalue()


@contextmanager
def house_style() -> Iterator[None]:
    """Set the style for a while; a glyph that no font has is a box, not a crash."""
    # Names in figures are English, but a user's own languages or models may have a name that no
    # font here has or that matplotlib cannot shape: the figure is drawn all the same.
    with matplotlib.rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        warnings.filterwarnings("ignore", message="Matplotlib currently does not support")
        yield


def write_text(axes: Axes, x: float, y: float, text: str, **how: Any) -> None:
    """Write text as it is: a dollar in a model's name is no formula."""
    axes.text(x, y, text, parse_math=False, **how)


def down(points: float) -> float:
    """Return how many inches below the middle of a row its baseline lies: half a digit."""
    return 0.365 * points / 72


@cache
def _font(points: float, weight: str) -> FontProperties:
    return FontProperties(family=STYLE["font.sans-serif"], size=points, weight=weight)


@cache
def text_width(text: str, points: float = POINTS, weight: str = "normal") -> float:
    """Return the width of a line of text in inches."""
    font = _font(points, weight)
    return float(text_to_path.get_text_width_height_descent(text, font, False)[0]) / 72


class Number(NamedTuple):
    """A number in a cell: the middle of its row in inches, and how it looks."""

    x: float
    y: float
    text: str
    ink: str = INK
    weight: str = "normal"


def write_numbers(axes: Axes, numbers: Iterable[Number], points: float) -> None:
    """Write many short texts, each centred: shapes on a screen, text to search and copy in PDF."""
    numbers = list(numbers)
    axes.add_artist(_Words(numbers, points))
    figure = axes.get_figure(root=True)
    assert figure is not None
    size = Affine2D().scale(points / 72) + figure.dpi_scale_trans
    for (letter, weight), (places, inks) in _letters(numbers, points).items():
        glyphs = _Glyphs([_outline(letter, weight)], offsets=np.array(places), linewidths=0)
        glyphs.set(offset_transform=axes.transData, transform=size, facecolors=inks, snap=False)
        glyphs.set(clip_on=False, zorder=ABOVE)
        axes.add_collection(glyphs, autolim=False)


_Letters = dict[tuple[str, str], tuple[list[tuple[float, float]], list[str]]]


def _letters(numbers: Iterable[Number], points: float) -> _Letters:
    found: _Letters = defaultdict(lambda: ([], []))
    for number in numbers:
        x = number.x - text_width(number.text, points, number.weight) / 2
        for letter in number.text:
            places, inks = found[letter, number.weight]
            places.append((x, number.y + down(points)))
            inks.append(number.ink)
            x += text_width(letter, points, number.weight)
    return found


@cache
def _outline(letter: str, weight: str) -> Outline:
    return TextPath((0, 0), letter, size=1, prop=_font(1.0, weight))


def _is_pdf(artist: Artist) -> bool:
    figure = artist.get_figure(root=True)
    return figure is not None and isinstance(figure.canvas, FigureCanvasPdf)


class _Glyphs(PathCollection):
    """One letter in many places; left to _Words in a PDF."""

    def draw(self, renderer: Any) -> None:
        if not _is_pdf(self):
            super().draw(renderer)


class _Words(Artist):
    """The same numbers as text, which only a PDF gets."""

    def __init__(self, numbers: list[Number], points: float) -> None:
        super().__init__()
        self.numbers = numbers
        self.points = points
        self.set_zorder(ABOVE)

    def draw(self, renderer: Any) -> None:
        if not self.numbers or not _is_pdf(self):
            return
        gc = renderer.new_gc()
        for number in self.numbers:
            left = number.x - text_width(number.text, self.points, number.weight) / 2
            x, y = self.get_transform().transform((left, number.y + down(self.points)))
            gc.set_foreground(number.ink)
            font = _font(self.points, number.weight)
            renderer.draw_text(gc, x, y, number.text, font, 0, ismath=False)
        gc.restore()
