"""Do languages that need more tokens get less? Parity against tokens, a panel per model.

One point per language, both against the same sentences in English. The script is told by marker and
colour, never by colour alone.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from mlbench import store
from mlbench.data.languages import REFERENCE
from mlbench.errors import SelectionError
from mlbench.records import Cell
from mlbench.report.columns import Block
from mlbench.report.figures.captions import docs_of, docs_words, run_line, shots_words, title_of
from mlbench.report.figures.drawing import (
    GREY,
    INK,
    PALE,
    SMALL,
    SOFT,
    TALLEST,
    WIDTHS,
    down,
    house_style,
    new_canvas,
    write_text,
)
from mlbench.report.figures.layout import MARGIN, Frame, Key, fit_text, frame_of, write_frame
from mlbench.report.tables import ReportTable
from mlbench.report.text import interval, number, short_names
from mlbench.stats.intervals import z_of
from mlbench.store.samples import text_sizes
from mlbench.wording import plural

# Inches.
LEAST_PANEL, PANEL_HEIGHT, LEFT, GAP = 1.45, 1.45, 0.3, 0.12
HEAD, FOOT = 0.24, 0.3


class ScriptGroup(NamedTuple):
    """Scripts (ISO 15924) that share a marker; the last group takes all others."""

    name: str
    scripts: frozenset[str]
    marker: str
    colour: str


# Colours after Okabe & Ito (2008), made for every kind of colour vision.
SCRIPT_GROUPS = (
    ScriptGroup("Latin", frozenset({"Latn"}), "o", "#56b4e9"),
    ScriptGroup("Cyrillic", frozenset({"Cyrl"}), "s", "#d55e00"),
    ScriptGroup("Arabic, Hebrew", frozenset({"Arab", "Hebr"}), "^", "#009e73"),
    ScriptGroup(
        "South Asian",
        frozenset("Deva Beng Guru Gujr Orya Taml Telu Knda Mlym Sinh".split()),
        "D",
        "#cc79a7",
    ),
    ScriptGroup(
        "South-East Asian",
        frozenset({"Thai", "Laoo", "Khmr", "Mymr", "Java", "Tibt"}),
        "v",
        "#0072b2",
    ),
    ScriptGroup("Han, kana, hangul", frozenset("Hans Hant Jpan Hang Kore".split()), "P", "#e69f00"),
    ScriptGroup("other", frozenset(), "X", "#444444"),
)


class Point(NamedTuple):
    """A language: tokens and parity, both relative to the same sentences in English."""

    tag: str
    tokens: float
    parity: float
    group: ScriptGroup


@dataclass(frozen=True, slots=True)
class ScatterPanel:
    """A model with its languages; `rho` is Spearman's, with its 95 % interval."""

    name: str
    points: tuple[Point, ...]
    rho: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Scatter:
    """The parity figure as data, before anything is drawn."""

    panels: tuple[ScatterPanel, ...]
    caption: tuple[str, ...]


def scatter_from_table(table: ReportTable, models: Sequence[str] = ()) -> Scatter:
    """Prepare the parity figure of the first text family that has tokens.

    Raises SelectionError if no chosen model has tokens and English.
    """
    names = short_names(list(table.run.models), 24)
    chosen = [model for model in table.run.models if not models or model in models]
    for block in sorted(table.blocks, key=lambda block: block.shots):
        if not block.measure.is_amount or not block.is_parallel:
            continue
        found = {model: _points(table, block, model) for model in chosen}
        panels = tuple(_panel(names[model], points) for model, points in found.items() if points)
        if panels:
            return Scatter(panels, _caption(table, block, chosen))
    raise SelectionError(
        "no model of this run has tokens of the same sentences in English and in another language. "
        "Type: mlbench run --families sib200_lm --languages all"
    )


def _caption(table: ReportTable, block: Block, models: Sequence[str]) -> tuple[str, ...]:
    views = [view for cell, view in table.cells.items() if cell.model in models]
    n = docs_words(docs_of(views, {block.family: block.metric}))
    how = (
        f"{title_of(block)}. Parity: bits of the English sentences over bits of the same "
        "sentences; 100 is as good as English. ρ: Spearman's, with the 95 % interval of Bonett & "
        "Wright, languages as a sample; it is no proof of a cause."
    )
    return how, run_line(table, f"{shots_words(block.shots)} {n}.")


def _points(table: ReportTable, block: Block, model: str) -> tuple[Point, ...]:
    english = table.run.done.get(Cell(model, block.family, REFERENCE, block.shots))
    if english is None or model not in block.models:
        return ()
    points = []
    for language in table.languages:
        view = table.cells[Cell(model, block.family, language.tag, block.shots)]
        if view.result is None or language.tag == REFERENCE:
            continue
        tokens = _token_ratio(view.result, english)
        if not math.isnan(tokens) and not math.isnan(view.shown):
            points.append(Point(language.tag, tokens, view.shown, group_of(language.script)))
    return tuple(points)


def group_of(script: str) -> ScriptGroup:
    """Return the group of a script; the last one if no other has it."""
    return next((g for g in SCRIPT_GROUPS if script in g.scripts), SCRIPT_GROUPS[-1])


def _token_ratio(result: store.CellResult, english: store.CellResult) -> float:
    """Return tokens here over tokens in English on the docs both have; nan where not shown."""
    own, theirs = _tokens(result), _tokens(english)
    shared = own.keys() & theirs.keys()
    total = sum(theirs[doc] for doc in shared)
    return sum(own[doc] for doc in shared) / total if total else math.nan


def _tokens(result: store.CellResult) -> dict[str, int]:
    return {doc_id: n_tokens for doc_id, n_tokens, _ in text_sizes(result.samples)}


def _panel(name: str, points: tuple[Point, ...]) -> ScatterPanel:
    values = [(point.tokens, point.parity) for point in points]
    return ScatterPanel(name, points, *spearman(values))


class Correlation(NamedTuple):
    """A rank correlation with its 95 % interval; nan where it is not defined."""

    rho: float
    low: float
    high: float


def spearman(pairs: Sequence[tuple[float, float]]) -> Correlation:
    """Correlate ranks; interval by Fisher's z with stderr sqrt((1 + ρ²/2)/(n − 3)).

    Bonett & Wright, Psychometrika 65 (2000) 23-28. Undefined below four pairs, and where one of
    both does not vary.
    """
    ranks = [_ranks(np.array(side)) for side in zip(*pairs, strict=True)]
    if len(pairs) < 4 or any(np.ptp(side) == 0 for side in ranks):
        return Correlation(math.nan, math.nan, math.nan)
    rho = float(np.corrcoef(np.array(ranks))[0, 1])
    if abs(rho) > 1 - 1e-12:
        return Correlation(rho, math.nan, math.nan)
    radius = z_of(0.95) * math.sqrt((1 + rho**2 / 2) / (len(pairs) - 3))
    return Correlation(
        rho, math.tanh(math.atanh(rho) - radius), math.tanh(math.atanh(rho) + radius)
    )


def _ranks(values: np.ndarray) -> np.ndarray:
    """Rank values from 1; equal ones share the mean of their ranks."""
    _, codes, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2)[codes])


def draw_parity(scatter: Scatter, width: float = WIDTHS[-1]) -> Axes:
    """Draw a panel per model on a page of `width` inches.

    Raises SelectionError if the panels do not fit a page.
    """
    with house_style():
        frame = frame_of(width, _claim(scatter), _keys(scatter), scatter.caption)
        columns = min(len(scatter.panels), int((width - 2 * MARGIN) / LEAST_PANEL))
        rows = math.ceil(len(scatter.panels) / columns)
        high = HEAD + PANEL_HEIGHT + FOOT
        _check_height(scatter, frame, columns, high)
        height = frame.top + rows * high + frame.bottom
        axes = new_canvas(width, height)
        write_frame(axes, frame, height)
        scale = _scale_of(scatter)
        wide = (width - 2 * MARGIN) / columns
        for i, panel in enumerate(scatter.panels):
            row, column = divmod(i, columns)
            left, top = MARGIN + wide * column + LEFT, frame.top + high * row + HEAD
            _draw_panel(axes, panel, scale, (left, top, wide - LEFT - GAP))
    return axes


def _check_height(scatter: Scatter, frame: Frame, columns: int, high: float) -> None:
    most = columns * int((TALLEST - frame.top - frame.bottom) / high)
    if len(scatter.panels) > most:
        wider = f"--width {WIDTHS[-1]:g}, or " if frame.width < WIDTHS[-1] else ""
        raise SelectionError(
            f"{plural(len(scatter.panels), 'panel')} do not fit a page {frame.width:g} inches "
            f"wide; at most {most} do. Type {wider}choose with --models"
        )


def _claim(scatter: Scatter) -> str:
    first = scatter.panels[0]
    scope = plural(len(first.points), "language")
    if math.isnan(first.rho) or math.isnan(first.low):
        return f"Tokens and information parity of {first.name} in {scope} other than English"
    ends = interval(first.low, first.high, 2)
    if first.low <= 0 <= first.high:
        return (
            f"It is undetermined whether languages with more tokens have less parity in "
            f"{first.name}: ρ {number(first.rho, 2)} {ends} over {scope}"
        )
    less = "lower" if first.rho < 0 else "higher"
    return (
        f"Languages that need more tokens have {less} information parity in {first.name}: "
        f"ρ {number(first.rho, 2)} {ends} over {scope}"
    )


class _Scale(NamedTuple):
    """The ends of both axes, the same in all panels; tokens on a scale of powers of two."""

    low: int
    high: int
    top: float


def _scale_of(scatter: Scatter) -> _Scale:
    points = [point for panel in scatter.panels for point in panel.points]
    logs = [math.log2(point.tokens) for point in points] + [0.0]
    top = max(1.0, math.ceil(10 * max(point.parity for point in points)) / 10)
    return _Scale(math.floor(min(logs)), max(1, math.ceil(max(logs))), top)


def _draw_panel(
    axes: Axes, panel: ScatterPanel, scale: _Scale, at: tuple[float, float, float]
) -> None:
    left, top, wide = at
    bottom = top + PANEL_HEIGHT
    _draw_axes(axes, scale, at)
    name = fit_text(panel.name, wide, SMALL, "bold")
    write_text(axes, left, top - 0.13, name, fontsize=SMALL, weight="bold", color=INK)
    rho = "ρ undefined"
    if not math.isnan(panel.rho):
        rho = f"ρ {number(panel.rho, 2)} {interval(panel.low, panel.high, 2)}"
    words = f"{rho}, n {len(panel.points)}"
    write_text(axes, left, top - 0.04, words, fontsize=SMALL, color=SOFT)
    for group in SCRIPT_GROUPS:
        places = [
            (
                left + wide * (math.log2(point.tokens) - scale.low) / (scale.high - scale.low),
                bottom - PANEL_HEIGHT * point.parity / scale.top,
            )
            for point in panel.points
            if point.group == group
        ]
        if places:
            _dots(axes, places, group)


def _dots(axes: Axes, places: Sequence[tuple[float, float]], group: ScriptGroup) -> None:
    x, y = zip(*places, strict=True)
    how: dict[str, Any] = {"markersize": 3, "markeredgewidth": 0.3, "markeredgecolor": "white"}
    axes.plot(x, y, group.marker, color=group.colour, linestyle="none", **how)


def _draw_axes(axes: Axes, scale: _Scale, at: tuple[float, float, float]) -> None:
    left, top, wide = at
    bottom = top + PANEL_HEIGHT
    axes.fill([left, left + wide, left + wide, left], [top, top, bottom, bottom], PALE, zorder=0)
    how: dict[str, Any] = {"fontsize": SMALL, "color": SOFT}
    for share in np.arange(0, scale.top + 0.01, 0.25):
        y = bottom - PANEL_HEIGHT * share / scale.top
        axes.plot([left, left + wide], [y, y], color="white", linewidth=0.5, zorder=1)
        write_text(axes, left - 0.03, y + down(SMALL), f"{100 * share:.0f}", ha="right", **how)
    n = scale.high - scale.low
    for power in range(scale.low, scale.high + 1):
        x = left + wide * (power - scale.low) / n
        axes.plot([x, x], [top, bottom], color="white", linewidth=0.5, zorder=1)
        write_text(axes, x, bottom + 0.1, f"{2.0**power:g}×", ha="center", **how)
    x_one = left + wide * (0 - scale.low) / n
    axes.plot([x_one, x_one], [top, bottom], color=GREY, linewidth=0.5, zorder=1)
    write_text(axes, left, bottom + 0.19, "tokens, English = 1", **how)
    middle = (top + bottom) / 2
    side: dict[str, Any] = {"rotation": 90, "ha": "center", "va": "center"}
    write_text(axes, left - 0.24, middle, "parity, English = 100", **side, **how)


def _keys(scatter: Scatter) -> tuple[Key, ...]:
    used = {point.group for panel in scatter.panels for point in panel.points}

    def sign(group: ScriptGroup) -> Any:
        def paint(axes: Axes, x: float, y: float) -> None:
            _dots(axes, [(x + 0.05, y)], group)

        return paint

    return tuple(Key(g.name, 0.1, sign(g)) for g in SCRIPT_GROUPS if g in used)
