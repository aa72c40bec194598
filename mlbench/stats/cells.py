"""How good is one model in one language, and is it above chance? One cell at a time.

Wilson for plain 0/1 docs, the cluster bootstrap for the rest; the report's tables of single scores
and the floor rule use these.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from mlbench.errors import DataError
from mlbench.stats.bootstrap import Resampling, cluster_sums, resample
from mlbench.stats.contrast import Contrast, interval_of, stderr_of
from mlbench.stats.intervals import bca, wilson
from mlbench.stats.table import Floats, Ints

# Skewness of the replicates from which BCa replaces the percentile interval: at 0.5 the two ends
# of a percentile interval are about a tenth of a stderr off (Efron & Tibshirani 1993, chapter 14).
SKEWED = 0.5


class Level(NamedTuple):
    """The score of a cell with its interval; `method` is wilson, percentile or bca."""

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
    """Give the mean score of a cell: Wilson for 0/1 docs without clusters, else the bootstrap.

    Clustered docs that all have the same score do not vary; theirs is Wilson's interval with the
    clusters as draws. Scores outside [0, 1] (bits) that do not vary: nan.
    """
    resampling = resampling or Resampling()
    scores = np.asarray(values, dtype=np.float64)
    if scores.size == 0 or not np.isfinite(scores).all():
        raise DataError("a cell needs at least one doc, and no score that is NaN or infinite")
    codes = _codes(clusters, scores.size)
    n_clusters = len(np.unique(codes))
    mean, stderr = float(scores.mean()), clustered_stderr(scores, codes)
    is_constant = bool((scores == scores[0]).all())
    is_binary = bool(np.isin(scores, (0, 1)).all())
    if (is_binary and n_clusters == scores.size) or is_constant:
        inside = 0 <= mean <= 1
        low, high, level = (
            wilson(mean * n_clusters, n_clusters, resampling.level)
            if inside
            else (
                math.nan,
                math.nan,
                resampling.level,
            )
        )
        return Level(mean, low, high, stderr, scores.size, level, "wilson")
    return _bootstrapped(scores, codes, stderr, resampling)


def _codes(clusters: Sequence[str] | None, n: int) -> Ints:
    if clusters is None:
        return np.arange(n)
    if len(clusters) != n:
        raise DataError(f"{n} scores but {len(clusters)} clusters; give one cluster a doc")
    return np.asarray(np.unique(clusters, return_inverse=True)[1], dtype=np.int64)


def clustered_stderr(scores: Floats, codes: Ints) -> float:
    """Give the stderr of a mean over clusters of unequal size; nan below two clusters.

    sqrt(G/(G-1) Σ_c (T_c - n_c mean)²) / n, the linearised ratio (Cochran 1977, section 9A.1);
    with one doc a cluster it is s/sqrt(n).
    """
    sums, counts = cluster_sums(scores[np.newaxis], codes)
    n_clusters = len(sums)
    if n_clusters < 2:
        return math.nan
    residuals = sums - counts * scores.mean()
    spread = float((residuals**2).sum()) * n_clusters / (n_clusters - 1)
    return math.sqrt(spread) / scores.size


def _bootstrapped(scores: Floats, codes: Ints, stderr: float, resampling: Resampling) -> Level:
    drawn = resample(
        scores[np.newaxis, np.newaxis], codes[np.newaxis], names="cell", resampling=resampling
    )
    n, mean, level = drawn.n_clusters[0], float(scores.mean()), resampling.level
    contrast = Contrast(("",), drawn.means[0], drawn.replicates[:, 0], drawn.n_docs[0], n, n, n)
    replicates = contrast.replicates[:, 0]
    spread = float(stderr_of(contrast)[0])
    if spread > 0 and abs(float(((replicates - mean) ** 3).mean())) > SKEWED * spread**3:
        sums, counts = cluster_sums(scores[np.newaxis], codes)
        rest = (sums.sum() - sums[:, 0]) / (counts.sum() - counts[:, 0])
        low, high, _ = bca(replicates, mean, rest, level)
        return Level(mean, low, high, stderr, scores.size, level, "bca")
    (low,), (high,) = interval_of(contrast, level)
    return Level(mean, float(low), float(high), stderr, scores.size, level, "percentile")


def is_above_chance(scores: Floats, codes: Ints, chance: float, stderrs: float = 3.0) -> bool:
    """Say whether a mean is so many stderr above chance (the floor rule).

    The stderr is the larger of the clustered one and that of guessing, sqrt(c(1 - c)/n): three
    docs that are all right do not vary, and still show little.
    """
    guessing = math.sqrt(chance * (1 - chance) / scores.size)
    stderr = clustered_stderr(scores, codes)
    if math.isnan(stderr):
        return False
    return float(scores.mean()) > chance + stderrs * max(stderr, guessing)
