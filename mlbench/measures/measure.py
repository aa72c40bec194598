"""What kind of number is a score? One record a measure, asked by everything that meets a score.

A measure is a smooth function of sums over docs. Each doc gives k numbers (its sufficient
statistics): a mean has its score, bits per byte has bits and bytes, macro-F1 three counts a label,
chrF++ the matches of each order. So every measure has its interval, its tests and its ranks from
the same draws of docs (stats/bootstrap.py), with no code of its own.
"""

import difflib
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Any

import numpy as np

from mlbench.errors import SelectionError
from mlbench.measures.samples import Columns, Floats, Reply
from mlbench.measures.scales import Scale


def mean_of(sums: Floats, n_docs: Floats) -> Floats:
    """Return the mean of the first statistic: sums[..., k] over n_docs[...]."""
    return np.asarray(sums[..., 0] / n_docs)


@dataclass(frozen=True, slots=True)
class Measure:
    """One kind of score.

    `statistics` gives the k numbers of one sample of the kind `sample`; `value` turns their sums
    [..., k] and the number of docs [...] into the score, which is unchanged if both are doubled.
    `columns` gives docs x k at once where it can, else None. Values lie from `low` to `high`.
    `scales` are how two models are compared, the primary one first. A value is shown times `factor`
    with `digits` decimals, and its unit.

    `has_chance`: guessing has a score, by which values are adjusted. `doc_reach` is how far one doc
    out of n moves n times the value at most, None where nothing bounds it. `is_mean`: the value is
    the mean of one statistic. `needs_cell`: a doc can be scored only with others of its cell.
    `is_amount`: what the same text takes, so that languages are held against English as ratios;
    `alone` names the measure that is shown where there is no English. `weigh` is what a rule to
    take a choice compares, in `weigh_unit`, and `take` takes it on all docs at once (choices.py).
    `is_of_language`: levels in different languages have no common unit, so they are not averaged.
    `beside` names the measures that a score is shown with: floors, and what is wrong with replies.
    `count` makes the statistics of replies when they come, which a ReplySample keeps.
    """

    name: str
    title: str
    unit: str
    sample: type[Any]
    scales: tuple[Scale, ...]
    statistics: Callable[[Any], Sequence[float]]
    value: Callable[[Floats, Floats], Floats] = mean_of
    columns: Callable[[Columns], Floats | None] | None = None
    low: float = 0.0
    high: float = math.inf
    higher_is_better: bool = True
    has_chance: bool = False
    doc_reach: float | None = None
    factor: float = 1.0
    digits: int = 1
    is_mean: bool = True
    needs_cell: bool = False
    is_amount: bool = False
    alone: str | None = None
    weigh: Callable[[Any], Sequence[float]] | None = None
    weigh_unit: str = ""
    take: Callable[[Columns], Any] | None = None
    is_of_language: bool = False
    beside: tuple[str, ...] = ()
    count: Callable[[Sequence[Reply]], Iterable[Sequence[float]]] | None = None

    @property
    def is_share(self) -> bool:
        """Return whether values are shares of one, shown in percent."""
        return self.high == 1.0

    @property
    def is_rule(self) -> bool:
        """Return whether this is a rule by which one of several choices is taken."""
        return self.weigh is not None

    @property
    def is_of_docs(self) -> bool:
        """Return whether a cell's score is the mean of its docs, each scored alone."""
        return self.is_mean and not self.needs_cell

    @property
    def has_doc_scores(self) -> bool:
        """Return whether a doc has a score of its own, once its cell is known."""
        return self.is_mean or not self.needs_cell

    @property
    def sign(self) -> int:
        """Return 1 where more is better, else -1."""
        return 1 if self.higher_is_better else -1

    def format(self, value: float | None) -> str:
        """Write a value as it is shown, without its unit; unknown is a dash."""
        if value is None or math.isnan(value):
            return "–"
        return f"{self.factor * value:.{self.digits}f}"


_KNOWN: dict[str, Measure] = {}


def add_measure(measure: Measure) -> Measure:
    """Make a measure known by its name, to families and to runs that are read.

    Raises SelectionError if another measure has the name, or another scale that of one of its own.
    """
    if _KNOWN.get(measure.name, measure) != measure:
        raise SelectionError(f"there is a measure {measure.name!r} already; choose another name")
    scales = all_scales()
    for scale in measure.scales:
        if scales.get(scale.name, scale) != scale:
            raise SelectionError(f"there is a scale {scale.name!r} already; choose another name")
    _KNOWN[measure.name] = measure
    return measure


def measure_of(name: str) -> Measure:
    """Return the measure of a name; those of other packages by entry points `mlbench.measures`.

    Raises SelectionError for a name that is not known.
    """
    if name not in _KNOWN:
        for point in entry_points(group="mlbench.measures"):
            add_measure(point.load())
    if name not in _KNOWN:
        near = difflib.get_close_matches(name, _KNOWN, n=2)
        hint = f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
        raise SelectionError(f"no measure {name!r}.{hint} Known: {', '.join(_KNOWN)}")
    return _KNOWN[name]


def all_measures() -> Iterator[Measure]:
    """Return every measure that is known."""
    return iter(tuple(_KNOWN.values()))


def all_scales() -> dict[str, Scale]:
    """Return every scale by name; first those that several families can share.

    They are what chance adjusts, then amounts; numbers over families are on the first there is.
    """
    ordered = sorted(_KNOWN.values(), key=lambda known: (not known.has_chance, not known.is_amount))
    return {scale.name: scale for measure in ordered for scale in measure.scales}


def scale_of(name: str) -> Scale:
    """Return the scale of a name, which a verdict or a claim gives.

    Raises SelectionError for a name that is not known.
    """
    scales = all_scales()
    if name not in scales:
        raise SelectionError(f"no scale {name!r}; allowed: {', '.join(scales)}")
    return scales[name]
