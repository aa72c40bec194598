"""Which figures are there, and how is one drawn from a run? The one list of names.

English names only: a reviewer cannot read twenty scripts, and fonts for them are not everywhere.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from matplotlib.axes import Axes

from mlbench import store
from mlbench.data.languages import REFERENCE
from mlbench.errors import SelectionError, unknown
from mlbench.report.compare import Comparison, Pair, compare
from mlbench.report.figures.bars import MarketBar, draw_markets
from mlbench.report.figures.captions import docs_of, docs_words, run_line, shots_words
from mlbench.report.figures.difference import draw_difference
from mlbench.report.figures.drawing import FORMATS, WIDTHS, figure_bytes
from mlbench.report.figures.forest import Forest, draw_forest, forest_from_comparison
from mlbench.report.figures.heatmap import draw_heatmap, draw_profile
from mlbench.report.figures.moat import draw_moat
from mlbench.report.figures.overview import draw_overview
from mlbench.report.figures.scatter import draw_parity, scatter_from_table
from mlbench.report.markets import markets_of
from mlbench.report.ranking import order_of
from mlbench.report.tables import ReportTable, table_from_run
from mlbench.report.text import short_names
from mlbench.stats import Resampling
from mlbench.store.read import Run, read_run


@dataclass(frozen=True, slots=True)
class Choice:
    """What of a run a figure is to show. Nothing chosen: all families and models, the first pair.

    `width` is 3.3 or 6.75 inches.
    """

    families: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    a: str | None = None
    b: str | None = None
    width: float = WIDTHS[-1]


def write_figure(name: str, run: str | Path, out: Path, choice: Choice | None = None) -> Path:
    """Draw a figure of a stored run into a file, in the format of its suffix.

    Raises SelectionError for a wrong name, suffix or choice, and for a run that lacks what the
    figure shows; StoreError if the run or the file cannot be read or written.
    """
    choice = choice or Choice()
    _check_name(name)
    _check_form(out, choice)
    stored = read_run(run)
    check_choice(stored, choice)
    axes = draw_figure(name, table_from_run(stored), choice)
    content = figure_bytes(axes, out.suffix.lower().lstrip("."))
    store.write_out(out.parent, {out: lambda file: file.write(content)})
    return out


def draw_figure(
    name: str,
    table: ReportTable,
    choice: Choice | None = None,
    comparison: Comparison | None = None,
) -> Axes:
    """Draw a figure by name; the matplotlib figure is `axes.figure`.

    A comparison that is already there (of the chosen pair, on the chosen families) is not made
    again. Raises SelectionError as write_figure does.
    """
    _check_name(name)
    return FIGURES[name](_Request(_chosen(table, choice), choice or Choice(), comparison))


@dataclass(frozen=True, slots=True)
class _Request:
    """A figure to draw: the table holds only the chosen families."""

    table: ReportTable
    choice: Choice
    comparison: Comparison | None


def _chosen(table: ReportTable, choice: Choice | None) -> ReportTable:
    if choice is None or not choice.families:
        return table
    blocks = tuple(block for block in table.blocks if block.family in choice.families)
    return replace(table, blocks=blocks)


def _check_name(name: str) -> None:
    if name not in FIGURES:
        see = f"mlbench figure --help. Allowed: {', '.join(FIGURES)}"
        raise SelectionError(unknown("figure", name, FIGURES, see))


def _check_form(out: Path, choice: Choice) -> None:
    suffixes = [f".{suffix}" for suffix in sorted(FORMATS)]
    if out.suffix.lower() not in suffixes:
        allowed = ", ".join(suffixes)
        raise SelectionError(f"--out {str(out)!r} has no known format. It must end in {allowed}")
    if choice.width not in WIDTHS:
        allowed = " or ".join(f"{width:g}" for width in WIDTHS)
        raise SelectionError(f"--width {choice.width:g} is not known. Allowed: {allowed} inches")


def check_choice(run: Run, choice: Choice) -> None:
    """Raise SelectionError for a model or a family that the run does not have."""
    see = f"mlbench list cells {run.typed}"
    for model in (*choice.models, choice.a, choice.b):
        if model is not None and model not in run.models:
            raise SelectionError(unknown("model", model, run.models, see))
    for family in choice.families:
        if family not in run.families:
            raise SelectionError(unknown("family", family, run.families, see))


def _heatmap(request: _Request) -> Axes:
    families, choice = request.choice.families, request.choice
    if len(families) > 1:
        raise SelectionError(
            f"a heatmap shows one family or the mean of all, not {len(families)}. "
            f"Type --family {families[0]}, or leave --family out"
        )
    family = families[0] if families else None
    return draw_heatmap(request.table, family, choice.models, choice.width)


def _profile(request: _Request) -> Axes:
    models = request.choice.models or tuple(request.table.run.models)[:1]
    if len(models) > 1:
        raise SelectionError(
            f"a profile shows one model, not {len(models)}. Type --model {models[0]}"
        )
    if not any(models[0] in block.models for block in request.table.blocks):
        raise SelectionError(
            f"{models[0]!r} was not run on {', '.join(request.choice.families)}. "
            f"See: mlbench list cells {request.table.run.typed}"
        )
    return draw_profile(request.table, models[0], request.choice.width)


def _difference(request: _Request) -> Axes:
    return draw_difference(request.table, _judged(request), request.choice.width)


def _forest(request: _Request) -> Axes:
    return draw_forest(_forest_of(request), request.choice.width)


def _moat(request: _Request) -> Axes:
    if not request.table.has_english:
        raise SelectionError(
            f"this run has no English ({REFERENCE}), so it has no moat. "
            "Type: mlbench figure forest, or run English too"
        )
    return draw_moat(_forest_of(request), request.choice.width)


def _parity(request: _Request) -> Axes:
    scatter = scatter_from_table(request.table, request.choice.models)
    return draw_parity(scatter, request.choice.width)


def _markets(request: _Request) -> Axes:
    table, choice = request.table, request.choice
    found, names = markets_of(table, None), short_names(list(table.run.models), 24)
    models = [model for model in found.models if not choice.models or model in choice.models]
    bars = [
        MarketBar(x.name, tuple(x.levels.get(m, math.nan) for m in models), 1 - x.untested)
        for x in found.shown
    ]
    if not bars or not models:
        raise SelectionError(
            "no country shown has a language with an adjusted score that every model has. "
            f"See: mlbench list cells {table.run.typed}"
        )
    metrics = {block.family: block.metric for block in table.blocks if block.chance is not None}
    n_docs = docs_words(docs_of(table.cells.values(), metrics))
    notes = (
        f"Use of languages: CLDR {found.version}; {n_docs}.",
        run_line(table, shots_words(found.shots)),
    )
    return draw_markets(bars, [names[model] for model in models], notes, choice.width)


def _forest_of(request: _Request) -> Forest:
    forest = forest_from_comparison(request.table, _judged(request))
    assert forest is not None
    return forest


def _judged(request: _Request) -> Comparison:
    """Return the comparison of the chosen pair, which must have something to show."""
    comparison = request.comparison
    if comparison is None:
        pair = _pair(request.table, request.choice)
        comparison = compare(request.table, pair, Resampling())
    verdict = comparison.verdict
    if verdict is None or not verdict["by_family"]:
        why = comparison.problem or "there is no language that both were scored on above chance"
        a, b = comparison.pair[:2]
        raise SelectionError(f"{a!r} and {b!r} cannot be compared: {why}")
    return comparison


def _pair(table: ReportTable, choice: Choice) -> Pair:
    """Find the pair: what is not said is the best model that is left."""
    models = order_of(table)
    if len(models) < 2:
        raise SelectionError(
            f"this run has one model ({models[0]}), and a difference needs two. "
            "Type: mlbench run --models A B"
        )
    a = choice.a or next(model for model in models if model != choice.b)
    b = choice.b or next(model for model in models if model != a)
    if a == b:
        raise SelectionError(f"--a and --b are both {a!r}. Choose two of: {', '.join(models)}")
    shots = [x.shots for x in table.blocks if {a, b} <= {*x.models}]
    return Pair(a, b, min(shots, default=0))


def _overview(request: _Request) -> Axes:
    return draw_overview(request.table, request.choice.models, request.choice.width)


FIGURES: Mapping[str, Callable[[_Request], Axes]] = {
    "overview": _overview,
    "heatmap": _heatmap,
    "difference": _difference,
    "forest": _forest,
    "moat": _moat,
    "profile": _profile,
    "parity": _parity,
    "markets": _markets,
}
"""How each figure is drawn, by name."""
