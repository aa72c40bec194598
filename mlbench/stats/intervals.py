"""How sure is a mean? Intervals and standard errors of single numbers.

scipy.stats has Wilson and BCa for one sample; here they work on replicates that were drawn once
for all languages, and say nan where nothing is known. scipy is imported only when it is called.
"""

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mlbench.errors import DataError

Floats = NDArray[np.float64]

DEFAULT_LEVEL = 0.95


class Interval(NamedTuple):
    """A confidence interval; nan at both ends when it is unknown."""

    low: float
    high: float
    level: float


class MeanStderr(NamedTuple):
    """A mean and one standard error of it, nan below two values."""

    value: float
    stderr: float


def z_of(level: float) -> float:
    """Give the normal quantile of a two-sided level: 1.96 for 0.95."""
    if not 0 < level < 1:
        raise DataError(f"level {level!r} is not between 0 and 1; 0.95 is usual")
    return NormalDist().inv_cdf((1 + level) / 2)


def mean_stderr(values: Sequence[float] | Floats) -> MeanStderr:
    """Give the mean and s/sqrt(n), s with n - 1 (docs as independent draws).

    >>> mean_stderr([2, 2, 2])
    MeanStderr(value=2.0, stderr=0.0)
    """
    array = _checked(values)
    n = array.size
    stderr = float(array.std(ddof=1) / math.sqrt(n)) if n > 1 else math.nan
    return MeanStderr(float(array.mean()), stderr)


def _checked(values: Sequence[float] | Floats) -> Floats:
    array = np.asarray(values, dtype=np.float64)
    if array.size == 0:
        raise DataError("the mean of no scores was asked for; give at least one doc")
    if np.isnan(array).any():
        raise DataError(f"{int(np.isnan(array).sum())} of {array.size} scores are NaN")
    return array


def wilson(successes: float, n: int, level: float = DEFAULT_LEVEL) -> Interval:
    """Give Wilson's score interval of a proportion; it is not of zero width at 0 % and 100 %.

    (p + z²/2n ± z sqrt(p(1-p)/n + z²/4n²)) / (1 + z²/n). E. B. Wilson, JASA 22 (1927) 209-212.
    No docs: nan at both ends.
    """
    z = z_of(level)
    if n == 0:
        return Interval(math.nan, math.nan, level)
    if not 0 <= successes <= n:
        raise DataError(f"{successes!r} successes of {n!r} docs: need 0 <= successes <= n")
    p = successes / n
    centre = p + z * z / (2 * n)
    radius = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    low = 0.0 if successes == 0 else (centre - radius) / scale
    high = 1.0 if successes == n else (centre + radius) / scale
    return Interval(low, high, level)


def t_of(level: float | Floats, n: float | Floats) -> Floats:
    """Give Student's two-sided quantile with n - 1 degrees of freedom; nan below two draws."""
    from scipy.special import stdtrit

    draws = np.asarray(n, dtype=np.float64)
    return np.asarray(stdtrit(np.where(draws < 2, np.nan, draws) - 1, (1 + level) / 2))


def expanded_tail(level: float | Floats, n: float | Floats) -> Floats:
    """Give the tail probability of an expanded percentile interval of n independent draws.

    Φ(-sqrt(n/(n-1)) t_{n-1}): undoes that a percentile interval is too narrow for few clusters.
    Hesterberg, The American Statistician 69 (2015) 371-386, section 3.2. Tends to (1 - level)/2.
    """
    from scipy.special import ndtr

    draws = np.asarray(n, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(ndtr(-np.sqrt(draws / (draws - 1)) * t_of(level, draws)))


def percentile(replicates: Floats, n: int, level: float = DEFAULT_LEVEL) -> Floats:
    """Give the percentile interval of each column: an array (2, ...) of lows and highs.

    `n` is the number of independent draws (clusters) behind a replicate; below 2, and for a column
    that is nan in every replicate, nan. Percentiles are expanded for small n (expanded_tail).
    """
    z_of(level)
    tail = float(expanded_tail(level, n))
    if math.isnan(tail):
        return np.full((2, *replicates.shape[1:]), np.nan)
    return quantiles(replicates, (tail, 1 - tail))


def quantiles(replicates: Floats, probabilities: Sequence[float | Floats]) -> Floats:
    """Give quantiles over the first axis, nan replicates left out; linear, as numpy.quantile.

    A probability may be an array, one for each column. Sorting whole columns is about five times
    faster here than numpy.quantile.
    """
    columns = np.ascontiguousarray(np.moveaxis(replicates, 0, -1))
    columns = np.sort(columns, axis=-1)
    known = np.full(columns.shape[:-1], columns.shape[-1])
    if np.isnan(columns[..., -1:]).any():  # nan sorts last
        known = (~np.isnan(columns)).sum(axis=-1)
    found = []
    for probability in probabilities:
        place = np.maximum(known - 1, 0) * probability
        below = np.floor(place).astype(np.int64)
        above = np.minimum(below + 1, np.maximum(known - 1, 0))
        left = np.take_along_axis(columns, below[..., np.newaxis], axis=-1)[..., 0]
        right = np.take_along_axis(columns, above[..., np.newaxis], axis=-1)[..., 0]
        found.append(left + (place - below) * (right - left))
    return np.stack(found)


def bca(
    replicates: Floats, estimate: float, leave_one_out: Floats, level: float = DEFAULT_LEVEL
) -> Interval:
    """Give the bias-corrected and accelerated interval of one statistic.

    `leave_one_out[i]` is the statistic without cluster i. Efron, JASA 82 (1987) 171-185;
    ties with the estimate count half, as in scipy.stats.bootstrap.
    """
    normal = NormalDist()
    below = float(((replicates < estimate).mean() + (replicates <= estimate).mean()) / 2)
    pull = leave_one_out.mean() - leave_one_out
    spread = float((pull**2).sum())
    if leave_one_out.size < 2 or spread == 0 or not 0 < below < 1:
        return Interval(math.nan, math.nan, level)
    bias = normal.inv_cdf(below)
    acceleration = float((pull**3).sum()) / (6 * spread**1.5)
    z = z_of(level)
    ends = []
    for shifted in (bias - z, bias + z):
        ends.append(normal.cdf(bias + shifted / (1 - acceleration * shifted)))
    low, high = quantiles(replicates, ends)
    return Interval(float(low), float(high), level)
