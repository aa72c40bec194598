"""What do models score on the same docs? Their levels by language, resampled together."""

from dataclasses import dataclass

import numpy as np

from mlbench.errors import DataError
from mlbench.stats.bootstrap import Resampled, Resampling, cluster_sums, resample
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
    `unequal_moat` count the clusters in which Delta and D are not zero. `is_accuracy`: docs are
    right or wrong, so what was not seen may still differ by a whole doc.
    """

    levels: Levels
    chance: float
    unequal: Ints
    unequal_moat: Ints
    is_accuracy: bool = False


def adjusted_scores(table: ScoreTable) -> Floats:
    """Rescale accuracy so that guessing is 0: (y - c)/(1 - c), never clipped."""
    return (table.values - table.chance) / (1 - table.chance)


def common_chance(table: ScoreTable) -> float | None:
    """Give the chance level of the family, 0 for bits; None when it differs between docs."""
    if table.kind != "accuracy":
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
    scores = adjusted_scores(table) if chance is None and not is_raw else table.values
    pair = scores[[table.model_index(a), table.model_index(b)]]
    difference = pair[0] - pair[1]
    levels = resample_levels(table, np.concatenate([pair, difference[np.newaxis]]), resampling)
    unequal = _unequal(difference, table)
    english = table.language_index(REFERENCE_LANGUAGE)
    unequal_moat = unequal
    if english is not None:
        unequal_moat = _unequal_moat(difference, table, english, unequal)
    is_accuracy = table.kind == "accuracy"
    return PairLevels(levels, chance or 0.0, unequal, unequal_moat, is_accuracy)


def resample_levels(table: ScoreTable, rows: Floats, resampling: Resampling) -> Levels:
    """Resample rows[row, language, doc] of a table, with the docs that each shares with English."""
    english = table.language_index(REFERENCE_LANGUAGE)
    names = table.family if table.is_parallel else stream_names(table)
    if english is None:
        drawn = resample(rows, table.clusters, names=names, resampling=resampling)
        return Levels(table.languages, drawn, None, None)
    there = ~np.isnan(rows[0])
    if not table.is_parallel or (there == there[english]).all():
        drawn = resample(rows, table.clusters, names=names, resampling=resampling)
        return Levels(table.languages, drawn, drawn, _one_language(drawn, english))
    both = there & there[english]
    shared = np.where(both, rows, np.nan)
    in_english = np.where(both, rows[:, english : english + 1], np.nan)
    stack = np.concatenate([rows, shared, in_english])
    drawn = resample(stack, table.clusters, names=names, resampling=resampling)
    n = len(rows)
    parts = [_rows(drawn, slice(start, start + n)) for start in (0, n, 2 * n)]
    return Levels(table.languages, *parts)


def stream_names(table: ScoreTable) -> tuple[str, ...]:
    """Name the random stream of each language of a family that is not parallel."""
    return tuple(f"{table.family}/{language}" for language in table.languages)


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
    """Count the clusters of each language whose summed difference is not zero."""
    if table.is_parallel:
        sums = cluster_sums(difference, table.clusters.max(axis=0))[0]
        return np.asarray(np.count_nonzero(sums, axis=0), dtype=np.int64)
    rows = zip(difference, table.clusters, strict=True)
    return np.array(
        [np.count_nonzero(cluster_sums(row[np.newaxis], codes)[0]) for row, codes in rows]
    )


def _unequal_moat(difference: Floats, table: ScoreTable, english: int, unequal: Ints) -> Ints:
    if table.is_parallel:
        return _unequal(difference - difference[english], table)
    return np.asarray(unequal + unequal[english])
