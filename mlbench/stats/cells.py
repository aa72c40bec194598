"""How good is one model in one language, and is it above chance?

Wilson for plain 0/1 docs, Student's t of the logarithm for bits, the cluster bootstrap for the
rest; the report's tables of single scores and the verdict's count of guessing cells use these.
Cells with the same docs share their draws, and each has the numbers it would have alone.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mlbench.errors import DataError
from mlbench.measures import Measure, pseudo_values
from mlbench.stats.bootstrap import (
    Resampling,
    cluster_sums,
    equal_draws,
    on_exact_grid,
    replicate_means,
    replicate_values,
    weights_of,
)
from mlbench.stats.intervals import Interval, bca, percentile, t_of, wilson, z_of
from mlbench.stats.table import Floats, Ints

# Skewness of the replicates from which BCa replaces the percentile interval: at 0.5 the two ends
# of a percentile interval are about a tenth of a stderr off (Efron & Tibshirani 1993, chapter 14).
SKEWED = 0.5

# A cell is told from chance where a 95 % interval of normal width would lie above it.
ABOVE_STDERRS = z_of(0.95)


class Level(NamedTuple):
    """The score of a cell with its interval; `method` is wilson, log t, percentile or bca."""

    estimate: float
    low: float
    high: float
    stderr: float
    n_docs: int
    level: float
    method: str


def cell_level(
    values: Sequence[float] | Floats,
    clusters: Sequence[str] | None = None,
    *,
    resampling: Resampling | None = None,
) -> Level:
    """Give the mean score of a cell: Wilson for 0/1 docs without clusters, log t for bits, else the
    bootstrap.

    Clustered docs that all have the same score do not vary; theirs is Wilson's interval with the
    clusters as draws. Scores outside [0, 1] (bits) that do not vary: nan.
    """
    scores = np.asarray(values, dtype=np.float64)
    return cell_levels(scores[np.newaxis], clusters, resampling=resampling)[0]


def cell_levels(
    values: Sequence[Floats] | Floats,
    clusters: Sequence[str] | None = None,
    *,
    resampling: Resampling | None = None,
) -> list[Level]:
    """Give cell_level of many cells whose docs have the same clusters: values[cell, doc]."""
    resampling = resampling or Resampling()
    scores = np.asarray(values, dtype=np.float64)
    if scores.size == 0 or not np.isfinite(scores).all():
        raise DataError("a cell needs at least one doc, and no score that is NaN or infinite")
    codes = _codes(clusters, scores.shape[1])
    n_clusters = int(codes.max()) + 1
    means, stderrs = scores.mean(axis=1), clustered_stderrs(scores, codes)
    intervals = _plain_intervals(scores, n_clusters, resampling.level)
    rest = [row for row in range(len(scores)) if row not in intervals]
    intervals |= _log_intervals(scores, codes, rest, resampling.level)
    unknown = [row for row in range(len(scores)) if row not in intervals]
    intervals |= zip(unknown, _bootstrapped(scores[unknown], codes, resampling), strict=True)
    return [
        Level(float(mean), *ends[:2], float(stderr), scores.shape[1], resampling.level, ends[2])
        for mean, stderr, (_, ends) in zip(means, stderrs, sorted(intervals.items()), strict=True)
    ]


def value_levels(
    statistics: Floats,
    clusters: Sequence[str] | None,
    measure: Measure,
    *,
    resampling: Resampling | None = None,
) -> list[Level]:
    """Give the levels of cells from statistics[cell, doc, k], whose docs have the same clusters.

    Means as cell_levels has them; other measures by the bootstrap of their sums, and the clustered
    stderr of what each doc contributes (measures.pseudo_values).
    """
    resampling = resampling or Resampling()
    if measure.is_mean:
        return cell_levels(statistics[..., 0], clusters, resampling=resampling)
    _, n_docs, k = statistics.shape
    codes = _codes(clusters, n_docs)
    exact = [on_exact_grid(statistics[np.newaxis, ..., i])[0] for i in range(k)]
    parts = [cluster_sums(column, codes) for column in exact]
    sums, counts = np.stack([part[0] for part in parts], axis=-1), parts[0][1]
    draws = weights_of("cell", len(sums), resampling)
    replicates = replicate_values(sums, counts, measure, draws=draws)
    values = measure.value(sums.sum(axis=0), counts.sum(axis=0))
    low, high = percentile(replicates, len(sums), resampling.level)
    stderrs = clustered_stderrs(pseudo_values(statistics, measure), codes)
    columns = zip(values.tolist(), low.tolist(), high.tolist(), stderrs.tolist(), strict=True)
    return [Level(*column, n_docs, resampling.level, "percentile") for column in columns]


class _Ends(NamedTuple):
    """An interval and how it was made."""

    low: float
    high: float
    method: str


def _plain_intervals(scores: Floats, n_clusters: int, level: float) -> dict[int, _Ends]:
    """Give Wilson's interval where it applies, nan where nothing varies; the rest is to draw."""
    is_constant = (scores == scores[:, :1]).all(axis=1)
    is_binary = ((scores == 0) | (scores == 1)).all(axis=1)
    is_single = n_clusters == scores.shape[1]
    found = {}
    for row in np.flatnonzero(is_constant | (is_binary & is_single)).tolist():
        mean = float(scores[row].mean())
        ends = Interval(math.nan, math.nan, level)
        if 0 <= mean <= 1:
            ends = wilson(mean * n_clusters, n_clusters, level)
        found[row] = _Ends(ends.low, ends.high, "wilson")
    return found


def _log_intervals(
    scores: Floats, codes: Ints, rows: Sequence[int], level: float
) -> dict[int, _Ends]:
    """Give the mean times exp(± t stderr/mean) of scores without an upper end (bits, tokens).

    A few long docs hold much of such a mean, and a bootstrap of ten docs does not know the longer
    ones (coverage: docs/validation.md).
    """
    _, counts = cluster_sums(scores[:1], codes)
    t = float(t_of(level, equal_draws(counts, counts))[0])
    found = {}
    for row in rows:
        mean = float(scores[row].mean())
        if scores[row].min() > 0 and scores[row].max() > 1 and not math.isnan(t):
            relative = float(clustered_stderrs(scores[row : row + 1], codes)[0]) / mean
            factor = math.exp(t * relative)
            found[row] = _Ends(mean / factor, mean * factor, "log t")
    return found


def _codes(clusters: Sequence[str] | None, n: int) -> Ints:
    if clusters is None:
        return np.arange(n)
    if len(clusters) != n:
        raise DataError(f"{n} scores but {len(clusters)} clusters; give one cluster a doc")
    return np.asarray(np.unique(clusters, return_inverse=True)[1], dtype=np.int64)


def clustered_stderrs(scores: Floats, codes: Ints) -> Floats:
    """Give the stderr of each mean of scores[cell, doc] over clusters; nan below two clusters.

    sqrt(G/(G-1) Σ_c (T_c - n_c mean)²) / n, the linearised ratio (Cochran 1977, section 9A.1);
    with one doc a cluster it is s/sqrt(n). A score that is nan is a doc that is not there.
    """
    sums, counts = (np.ascontiguousarray(part.T) for part in cluster_sums(scores, codes))
    n_clusters, n_docs = np.count_nonzero(counts, axis=1), counts.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = np.nansum(scores, axis=1) / n_docs
        residuals = sums - counts * means[:, np.newaxis]
        spread = (residuals**2).sum(axis=1) * n_clusters / (n_clusters - 1)
        return np.asarray(np.where(n_clusters < 2, np.nan, np.sqrt(spread) / n_docs))


def _bootstrapped(scores: Floats, codes: Ints, resampling: Resampling) -> list[_Ends]:
    """Give percentile intervals, BCa where the replicates are skewed; all cells in one draw."""
    if not len(scores):
        return []
    # Each cell has a grid of its own, so that its numbers do not depend on its neighbours.
    exact = np.concatenate([on_exact_grid(row[np.newaxis]) for row in scores])
    sums, counts = cluster_sums(exact, codes)
    draws = weights_of("cell", len(sums), resampling)
    replicates = replicate_means(sums, counts, draws=draws, replicates=resampling.replicates)
    means = scores.mean(axis=1)
    spread = replicates.std(axis=0, ddof=1)
    skew = ((replicates - means) ** 3).mean(axis=0)
    is_skewed = (len(sums) > 1) & (spread > 0) & (np.abs(skew) > SKEWED * spread**3)
    columns = percentile(replicates, len(sums), resampling.level).T.tolist()
    ends = [_Ends(low, high, "percentile") for low, high in columns]
    for row in np.flatnonzero(is_skewed):
        own, docs = cluster_sums(scores[row : row + 1], codes)
        rest = (own.sum() - own[:, 0]) / (docs.sum() - docs[:, 0])
        low, high, _ = bca(replicates[:, row], float(means[row]), rest, resampling.level)
        ends[row] = _Ends(low, high, "bca")
    return ends


def are_above_chance(
    scores: Floats, codes: Ints, chance: Floats, stderrs: float = ABOVE_STDERRS
) -> NDArray[np.bool_]:
    """Return which means of scores[cell, doc] are so many stderr above chance.

    The stderr is the larger of the clustered one and that of guessing, sqrt(c(1 - c)/n): three
    docs that are all right do not vary, and still show little. Unknown below two clusters: not.
    """
    n_docs = (~np.isnan(scores)).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        guessing = np.sqrt(chance * (1 - chance) / n_docs)
        stderr = np.maximum(clustered_stderrs(scores, codes), guessing)
        return np.asarray(np.nansum(scores, axis=1) / n_docs > chance + stderrs * stderr)
