"""What have all figures in common? A blank page in inches, one style, and the same bytes each time.

matplotlib without pyplot: no global state and no window.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

FORMATS = ("svg", "png", "pdf")
POINTS = 5.6
"""Text size; the smallest that tests found legible."""

STYLE: dict[Any, Any] = {
    "svg.hashsalt": "mlbench",
    "svg.fonttype": "path",
    "pdf.fonttype": 42,
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": POINTS,
    "hatch.linewidth": 0.4,
}


def new_canvas(width: float, height: float) -> Axes:
    """Make a white page whose coordinates are inches from its upper left corner."""
    figure = Figure(figsize=(width, height), facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)
    axes.axis("off")
    return axes


def save_figure(axes: Axes, folder: Path, name: str) -> list[Path]:
    """Write a figure in every format, without dates or versions of the machine."""
    figure = axes.get_figure(root=True)
    assert figure is not None
    paths = []
    empty: dict[str, dict[str, Any]] = {
        "svg": {"Date": None},
        "png": {"Software": None},
        "pdf": {"CreationDate": None},
    }
    with house_style():
        for suffix in FORMATS:
            path = folder / f"{name}.{suffix}"
            figure.savefig(path, dpi=220, metadata=empty[suffix])
            paths.append(path)
    return paths


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
