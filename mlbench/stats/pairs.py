"""What do two models score on the same docs? Their levels by language, resampled together."""

from dataclasses import dataclass

import numpy as np

from mlbench.errors import DataError
from mlbench.stats.bootstrap import Resampled, Resampling, cluster_sums, resample
from mlbench.stats.table import REFERENCE_LANGUAGE, Floats, Ints, ScoreTable

# Rows of the stack that is resampled: A, B and A - B on the docs of the language, then on those
# that the language shares with English, then in English on those. A - B has a row of its own so
# that a tie of two sums is exactly zero, which the difference of two rounded means is not.
OWN, SHARED, ENGLISH = slice(0, 3), slice(3, 6), slice(6, 9)


@dataclass(frozen=True, slots=True, eq=False)
class PairLevels:
    """Mean scores of A (row 0), B (row 1) and A - B (row 2) by language, with replicates.

    `shared` and `english` are None when the family has no English for both models; `unequal` and
    `unequal_moat` count clusters in which Delta and D are not zero.
    """

    languages: tuple[str, ...]
    own: Resampled
    shared: Resampled | None
    english: Resampled | None
    unequal: Ints
    unequal_moat: Ints
    doc_reach: float


def adjusted_scores(table: ScoreTable) -> Floats:
    """Rescale accuracy so that guessing is 0: (y - c)/(1 - c), never clipped."""
    return (table.values - table.chance) / (1 - table.chance)


def pair_levels(
    table: ScoreTable, a: str, b: str, resampling: Resampling, *, is_adjusted: bool = True
) -> PairLevels:
    """Resample the levels of two models in the languages where both were scored."""
    covered = table.covers((a, b))
    if not covered.any():
        raise DataError(
            f"family {table.family!r}: no language has scores of both {a!r} and {b!r}. "
            "See: mlbench list cells RUN"
        )
    table = table.select(tag for tag, both in zip(table.languages, covered, strict=True) if both)
    scores = table.values if table.kind != "accuracy" or not is_adjusted else adjusted_scores(table)
    pair = scores[[table.model_index(a), table.model_index(b)]]
    pair = np.concatenate([pair, pair[:1] - pair[1:]])
    english = table.language_index(REFERENCE_LANGUAGE)
    stack = pair if english is None else _stack(pair, english, is_parallel=table.is_parallel)
    names = table.family if table.is_parallel else stream_names(table)
    drawn = resample(stack, table.clusters, names=names, resampling=resampling)
    unequal = _unequal(pair[2], table)
    reach = 1 / (1 - float(np.nanmax(table.chance))) if is_adjusted else 1.0
    if english is None:
        return PairLevels(table.languages, drawn, None, None, unequal, unequal, reach)
    is_whole = len(stack) == OWN.stop
    return PairLevels(
        table.languages,
        _rows(drawn, OWN),
        _rows(drawn, OWN if is_whole else SHARED),
        _one_language(drawn, english) if is_whole else _rows(drawn, ENGLISH),
        unequal,
        _unequal_moat(pair[2], table, english, unequal),
        reach,
    )


def stream_names(table: ScoreTable) -> tuple[str, ...]:
    """Name the random stream of each language of a family that is not parallel."""
    return tuple(f"{table.family}/{language}" for language in table.languages)


def _stack(pair: Floats, english: int, *, is_parallel: bool) -> Floats:
    """Add the shared docs as more rows, unless every language has exactly the docs of English."""
    there = ~np.isnan(pair[0])
    if not is_parallel or (there == there[english]).all():
        return pair
    both = there & there[english]
    shared = np.where(both, pair, np.nan)
    in_english = np.where(both, pair[:, english : english + 1], np.nan)
    return np.concatenate([pair, shared, in_english])


def _rows(drawn: Resampled, rows: slice) -> Resampled:
    return Resampled(
        drawn.means[rows], drawn.replicates[:, rows], drawn.n_docs[rows], drawn.n_clusters[rows]
    )


def _one_language(drawn: Resampled, row: int) -> Resampled:
    keep = slice(row, row + 1)
    return Resampled(
        drawn.means[:, keep],
        drawn.replicates[:, :, keep],
        drawn.n_docs[:, keep],
        drawn.n_clusters[:, keep],
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
