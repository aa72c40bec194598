"""How good is one model in one language, and is it above chance? One cell at a time.

Wilson for plain 0/1 docs, the cluster bootstrap for the rest; the report's tables of single scores
and the floor rule use these.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from mlbench.errors import DataError
from mlbench.stats.bootstrap import Resampling, cluster_sums, resample
from mlbench.stats.contrast import Contrast, interval_of, stderr_of
from mlbench.stats.intervals import Interval, bca, percentile, wilson
from mlbench.stats.pairs import stream_names
from mlbench.stats.table import Floats, Ints, ScoreTable

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
    n = scores.size
    codes = _codes(clusters, n)
    stderr = clustered_stderr(scores, codes)
    plain = _plain_interval(scores, len(np.unique(codes)), resampling.level)
    if plain is not None:
        return Level(float(scores.mean()), plain.low, plain.high, stderr, n, plain.level, "wilson")
    return _bootstrapped(scores, codes, stderr, resampling)


@dataclass(frozen=True, slots=True, eq=False)
class CellLevels:
    """Scores of all cells of a family, arrays [model, language]; nan where a cell was not run."""

    models: tuple[str, ...]
    languages: tuple[str, ...]
    estimate: Floats
    low: Floats
    high: Floats
    stderr: Floats
    n_docs: Ints
    level: float


def cell_levels(table: ScoreTable, resampling: Resampling | None = None) -> CellLevels:
    """Give every cell of a table its raw mean, stderr and interval at once.

    As cell_level, but always with percentiles where docs have clusters, in one joint bootstrap.
    """
    resampling = resampling or Resampling()
    shape = table.values.shape[:2]
    found = {name: np.full(shape, np.nan) for name in ("estimate", "low", "high", "stderr")}
    n_docs = (~np.isnan(table.values)).sum(axis=2)
    needs_draws = np.zeros(shape, dtype=bool)
    for cell in zip(*np.nonzero(n_docs), strict=True):
        there = ~np.isnan(table.values[cell])
        scores, codes = table.values[cell][there], table.clusters[cell[1]][there]
        found["estimate"][cell] = scores.mean()
        found["stderr"][cell] = clustered_stderr(scores, codes)
        plain = _plain_interval(scores, len(np.unique(codes)), resampling.level)
        needs_draws[cell] = plain is None
        if plain is not None:
            found["low"][cell], found["high"][cell] = plain[:2]
    if needs_draws.any():
        names = table.family if table.is_parallel else stream_names(table)
        drawn = resample(table.values, table.clusters, names=names, resampling=resampling)
        for n in np.unique(drawn.n_clusters[needs_draws]):
            cells = needs_draws & (drawn.n_clusters == n)
            ends = percentile(drawn.replicates[:, cells], int(n), resampling.level)
            found["low"][cells], found["high"][cells] = ends
    return CellLevels(table.models, table.languages, **found, n_docs=n_docs, level=resampling.level)


def _plain_interval(scores: Floats, n_clusters: int, level: float) -> Interval | None:
    """Give Wilson's interval where it applies, nan where nothing varies, None to draw."""
    mean = float(scores.mean())
    is_constant = bool((scores == scores[0]).all())
    is_binary = bool(np.isin(scores, (0, 1)).all())
    if is_constant and not 0 <= mean <= 1:
        return Interval(math.nan, math.nan, level)
    if is_constant or (is_binary and n_clusters == scores.size):
        return wilson(mean * n_clusters, n_clusters, level)
    return None


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
