"""What does a model offer the people of a country? A bar a model for each of some markets.

The length is the mean adjusted score, weighted by how many people of the country speak the
language. How many of them have a language that was tested stands beside it, as its own bar.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection

from mlbench.errors import SelectionError
from mlbench.report.figures.drawing import (
    INK,
    PALE,
    POINTS,
    SMALL,
    SOFT,
    TALLEST,
    WIDTHS,
    down,
    house_style,
    new_canvas,
    text_width,
    write_text,
)
from mlbench.report.figures.layout import (
    GUTTER,
    MARGIN,
    Frame,
    Key,
    fit_text,
    frame_of,
    write_frame,
)
from mlbench.report.text import number, percent, show_line
from mlbench.wording import plural

COLOURS = ("#1f4e8c", "#e08a2e", "#009e73", "#7d65b2", "#8c959f")
COVERED = "#57606a"
# Inches: a bar, the space between countries, the heads, and the columns of numbers.
BAR, APART, HEAD, SHARE, VALUE = 0.09, 0.09, 0.14, 0.55, 0.3


@dataclass(frozen=True, slots=True)
class MarketBar:
    """A country: the level of each model in [0, 1], nan where unknown, below 0 under chance.

    `covered` is the share of the people in [0, 1] whose language was tested.
    """

    country: str
    levels: tuple[float, ...]
    covered: float


@dataclass(frozen=True, slots=True)
class _Places:
    """The columns of the figure in inches: country, model, bar and share."""

    names: float
    models: float
    bar: float
    lane: float
    rows: int


def draw_markets(
    bars: Sequence[MarketBar],
    models: Sequence[str],
    caption: Sequence[str],
    width: float = WIDTHS[-1],
) -> Axes:
    """Draw the markets, in their order, on a page of `width` inches.

    Raises SelectionError if they do not fit a page.
    """
    with house_style():
        frame = frame_of(width, market_claim(bars, models), _keys(), caption)
        places = _places(bars, models, frame)
        high = BAR * len(models) + APART
        height = frame.top + HEAD + places.rows * high + frame.bottom
        axes = new_canvas(width, height)
        write_frame(axes, frame, height)
        for i, bar in enumerate(bars):
            lane, row = divmod(i, places.rows)
            left = MARGIN + lane * places.lane
            if row == 0:
                _heads(axes, places, left, frame.top)
            _country(axes, bar, models, places, (left, frame.top + HEAD + row * high))
    return axes


def market_claim(bars: Sequence[MarketBar], models: Sequence[str]) -> str:
    """Return which model has the highest level in how many countries; no interval is known."""
    known = [bar for bar in bars if not any(math.isnan(level) for level in bar.levels)]
    if not known or not models:
        return f"Population-weighted mean adjusted score in {_countries(len(bars))}"
    best = [max(range(len(models)), key=bar.levels.__getitem__) for bar in known]
    most = max(range(len(models)), key=best.count)
    return (
        f"{models[most]} has the highest population-weighted mean adjusted score in "
        f"{best.count(most)} of {_countries(len(known))} (no interval)"
    )


def _countries(n: int) -> str:
    return plural(n, "country", "countries")


def _places(bars: Sequence[MarketBar], models: Sequence[str], frame: Frame) -> _Places:
    """Set the countries in as few lanes as fit a page."""
    high = BAR * len(models) + APART
    room = TALLEST - frame.top - HEAD - frame.bottom
    names = min(
        max(text_width(show_line(bar.country), POINTS, "bold") for bar in bars), frame.width / 5
    )
    widest = min(max(text_width(model, SMALL) for model in models), 0.85)
    fixed = names + widest + VALUE + SHARE + 0.2
    for lanes in (1, 2):
        lane = (frame.width - 2 * MARGIN + GUTTER) / lanes
        rows = math.ceil(len(bars) / lanes)
        bar = lane - GUTTER - fixed
        if bar >= 0.5 and rows * high <= room:
            return _Places(names, widest, bar, lane, rows)
    raise SelectionError(
        f"{_countries(len(bars))} with {plural(len(models), 'model')} do not fit a page "
        f"{frame.width:g} inches wide; type --width {WIDTHS[-1]:g}, or choose with --models"
    )


def _heads(axes: Axes, places: _Places, left: float, top: float) -> None:
    x_bar = left + places.names + places.models + 0.16
    heads = ((x_bar, "score, %"), (x_bar + places.bar + VALUE + 0.02, "use tested"))
    for x, text in heads:
        write_text(axes, x, top + 0.08, text, fontsize=SMALL, color=SOFT)


def _country(
    axes: Axes, bar: MarketBar, models: Sequence[str], places: _Places, at: tuple[float, float]
) -> None:
    left, top = at
    name = fit_text(show_line(bar.country), places.names, POINTS, "bold")
    middle = top + BAR * len(models) / 2
    write_text(axes, left, middle + down(POINTS), name, fontsize=POINTS, weight="bold", color=INK)
    x_model = left + places.names + 0.08 + places.models
    x_bar = x_model + 0.08
    for i, (model, level) in enumerate(zip(models, bar.levels, strict=True)):
        y = top + BAR * i
        base = y + BAR / 2 + down(SMALL)
        label = fit_text(model, places.models, SMALL)
        write_text(axes, x_model, base, label, ha="right", fontsize=SMALL, color=INK)
        length = places.bar * min(max(level, 0.0), 1.0) if not math.isnan(level) else 0.0
        _bar(axes, (x_bar, y, places.bar), PALE)
        _bar(axes, (x_bar, y, length), COLOURS[i % len(COLOURS)])
        value = x_bar + places.bar + VALUE - 0.04
        write_text(axes, value, base, percent(level), ha="right", fontsize=SMALL, color=INK)
    x_share = x_bar + places.bar + VALUE + 0.02
    y = middle - BAR / 2
    share = 0.0 if math.isnan(bar.covered) else min(max(bar.covered, 0.0), 1.0)
    _bar(axes, (x_share, y, 0.25), PALE)
    _bar(axes, (x_share, y, 0.25 * share), COVERED)
    words = f"{number(100 * bar.covered, 0)} %"
    write_text(axes, x_share + 0.29, middle + down(SMALL), words, fontsize=SMALL, color=INK)


def _bar(axes: Axes, at: tuple[float, float, float], colour: str) -> None:
    x, y, length = at
    if length > 0:
        top, bottom = y + 0.012, y + BAR - 0.012
        corners = [(x, top), (x + length, top), (x + length, bottom), (x, bottom)]
        axes.add_collection(PolyCollection([corners], facecolors=colour, linewidths=0))


def _keys() -> tuple[Key, ...]:
    return (
        Key("use tested: share of the listed language use whose language was tested"),
        Key("–: no level, as under half of the use was tested, or English alone"),
    )
