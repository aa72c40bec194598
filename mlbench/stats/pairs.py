"""What do models score on the same docs? Their levels by language, resampled together."""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mlbench.errors import DataError
from mlbench.stats.bootstrap import Resampled, Resampling, cluster_sums, resample
from mlbench.stats.sequential import Looks
from mlbench.stats.table import REFERENCE_LANGUAGE, Floats, Ints, ScoreTable


@dataclass(frozen=True, slots=True, eq=False)
class Levels:
    """Mean scores (rows) by language with replicates: on all docs of the language, on the docs it
    shares with English, and of English on those. The last two are None without English.
    """

    languages: tuple[str, ...]
    own: Resampled
    shared: Resampled | None
    english: Resampled | None


@dataclass(frozen=True, slots=True, eq=False)
class PairLevels:
    """Levels of A (row 0), B (row 1) and A - B (row 2).

    A - B has a row of its own so that a tie of two sums is exactly zero, which the difference of
    two rounded means is not. Scores still have to be adjusted for `chance`. `unequal` and
    `unequal_moat` count the clusters in which Delta and D are not zero. `doc_reach`: what was not
    seen may still differ by so much of a doc; None: nothing bounds it, and `span` stands in, the
    width of the measure's range. `looks` are those of the table, by language.
    """

    levels: Levels
    chance: float
    unequal: Ints
    unequal_moat: Ints
    doc_reach: float | None = None
    span: float = 1.0
    stream: str = ""
    looks: tuple[Looks | None, ...] | None = None
    kept: dict[str, Any] = field(default_factory=dict, init=False)
    """What was made of these levels for one number, for the next one."""

    @property
    def is_bounded(self) -> bool:
        """Tell whether an unseen doc can move the effect by no more than `reach` / n."""
        return self.doc_reach is not None

    @property
    def reach(self) -> float:
        """Give how far one doc moves n times the effect at most, after adjusting for chance."""
        return (self.doc_reach or self.span) / (1 - self.chance)


def adjusted_scores(table: ScoreTable) -> Floats:
    """Rescale accuracy so that guessing is 0: (y - c)/(1 - c), never clipped; as statistics."""
    chance = table.chance[..., np.newaxis]
    return np.asarray((table.statistics - chance) / (1 - chance))


def common_chance(table: ScoreTable) -> float | None:
    """Give the chance level, 0 for measures without one; None when it differs between docs."""
    if not table.measure.has_chance:
        return 0.0
    low, high = float(np.nanmin(table.chance)), float(np.nanmax(table.chance))
    return low if low == high else None


def pair_levels(
    table: ScoreTable, a: str, b: str, resampling: Resampling, *, is_raw: bool = False
) -> PairLevels:
    """Resample the levels of two models in the languages where both were scored.

    Raw scores are whole numbers mostly, which are drawn faster; so chance is taken off afterwards,
    unless it differs between docs. `is_raw` leaves it on in that case too.
    """
    covered = table.covers((a, b))
    if not covered.any():
        raise DataError(
            f"family {table.family!r}: no language has scores of both {a!r} and {b!r}. "
            "See: mlbench list cells RUN"
        )
    table = table.select(tag for tag, both in zip(table.languages, covered, strict=True) if both)
    chance = common_chance(table)
    scores = adjusted_scores(table) if chance is None and not is_raw else table.statistics
    pair = scores[[table.model_index(a), table.model_index(b)]]
    difference = pair[0] - pair[1]
    levels = resample_levels(table, pair, resampling, with_difference=True)
    unequal = _unequal(difference, table)
    english = table.language_index(REFERENCE_LANGUAGE)
    unequal_moat = unequal
    if english is not None:
        unequal_moat = _unequal_moat(difference, table, english, unequal)
    span = table.measure.high - table.measure.low
    return PairLevels(
        levels,
        chance or 0.0,
        unequal,
        unequal_moat,
        table.measure.doc_reach,
        span if math.isfinite(span) else 1.0,
        table.stream,
        table.looks,
    )


def resample_levels(
    table: ScoreTable, rows: Floats, resampling: Resampling, *, with_difference: bool = False
) -> Levels:
    """Resample rows[row, language, doc, k] of a table, with the docs each shares with English.

    `with_difference` adds a row: the first less the second, exact where they tie.
    """
    english = table.language_index(REFERENCE_LANGUAGE)
    names = table.stream if table.is_parallel else stream_names(table)
    if with_difference and table.measure.is_mean:
        rows = np.concatenate([rows, rows[:1] - rows[1:2]])

    def draw(some: Floats) -> Resampled:
        drawn = resample(
            some, table.clusters, names=names, resampling=resampling, measure=table.measure
        )
        is_done = table.measure.is_mean or not with_difference
        return drawn if is_done else _with_difference(drawn, len(rows))

    if english is None:
        return Levels(table.languages, draw(rows), None, None)
    there = ~np.isnan(rows[0, ..., 0])
    if not table.is_parallel or (there == there[english]).all():
        drawn = draw(rows)
        return Levels(table.languages, drawn, drawn, _one_language(drawn, english))
    both = (there & there[english])[..., np.newaxis]
    shared = np.where(both, rows, np.nan)
    in_english = np.where(both, rows[:, english : english + 1], np.nan)
    drawn = draw(np.concatenate([rows, shared, in_english]))
    n = drawn.means.shape[0] // 3
    parts = [_rows(drawn, slice(start, start + n)) for start in (0, n, 2 * n)]
    return Levels(table.languages, *parts)


def _with_difference(drawn: Resampled, n: int) -> Resampled:
    """Add, after each n rows of levels, the first less the second."""
    found = []
    for start in range(0, len(drawn.means), n):
        own, first = _rows(drawn, slice(start, start + n)), _rows(drawn, slice(start, start + 1))
        second = _rows(drawn, slice(start + 1, start + 2))
        apart = first._replace(
            means=first.means - second.means, replicates=first.replicates - second.replicates
        )
        found += [own, apart]
    return Resampled(
        np.concatenate([part.means for part in found]),
        np.concatenate([part.replicates for part in found], axis=1),
        np.concatenate([part.n_docs for part in found]),
        np.concatenate([part.n_clusters for part in found]),
        np.concatenate([part.n_draws for part in found]),
        np.concatenate([part.n_draws_of_sums for part in found]),
    )


def stream_names(table: ScoreTable) -> tuple[str, ...]:
    """Name the random stream of each language of a family that is not parallel."""
    return tuple(f"{table.stream}/{language}" for language in table.languages)


def _rows(drawn: Resampled, rows: slice) -> Resampled:
    return Resampled(
        drawn.means[rows],
        drawn.replicates[:, rows],
        drawn.n_docs[rows],
        drawn.n_clusters[rows],
        drawn.n_draws[rows],
        drawn.n_draws_of_sums[rows],
    )


def _one_language(drawn: Resampled, row: int) -> Resampled:
    keep = slice(row, row + 1)
    return Resampled(
        drawn.means[:, keep],
        drawn.replicates[:, :, keep],
        drawn.n_docs[:, keep],
        drawn.n_clusters[:, keep],
        drawn.n_draws[:, keep],
        drawn.n_draws_of_sums[:, keep],
    )


def _unequal(difference: Floats, table: ScoreTable) -> Ints:
    """Count the clusters of each language in which a sum of difference[..., k] is not zero."""
    by_statistic = np.moveaxis(difference, -1, 0)
    k, n_languages, n_docs = by_statistic.shape
    if table.is_parallel:
        flat = by_statistic.reshape(-1, n_docs)
        sums = cluster_sums(flat, table.clusters.max(axis=0))[0]
        is_unequal = (sums != 0).reshape(len(sums), k, n_languages).any(axis=1)
        return np.asarray(np.count_nonzero(is_unequal, axis=0), dtype=np.int64)
    rows = zip(difference, table.clusters, strict=True)
    return np.array(
        [np.count_nonzero(cluster_sums(row.T, codes)[0].any(axis=1)) for row, codes in rows]
    )


def _unequal_moat(difference: Floats, table: ScoreTable, english: int, unequal: Ints) -> Ints:
    if table.is_parallel:
        return _unequal(difference - difference[english], table)
    return np.asarray(unequal + unequal[english])
