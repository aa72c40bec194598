"""What do several families say together? A random-effects mean, or nothing.

Families ask different things, so a new family would give another moat; the interval has to hold
that. statsmodels has the same mean (combine_effects) but brings pandas.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from mlbench.errors import DataError
from mlbench.stats.intervals import t_of

# With fewer families the spread between them is not known: show them side by side.
FEWEST_FAMILIES = 3


class Pooled(NamedTuple):
    """A mean over families; `tau2` is the variance between families, `i2` its share in percent.

    `p` is two-sided against no effect. All nan when there are fewer than three families.
    """

    estimate: float
    low: float
    high: float
    stderr: float
    p: float
    tau2: float
    i2: float
    n_families: int
    level: float


def random_effects(
    estimates: Sequence[float], stderrs: Sequence[float], level: float = 0.95
) -> Pooled:
    """Pool with DerSimonian & Laird's tau² and the interval of Hartung & Knapp.

    w = 1/(se² + tau²), mean Σ w y / Σ w, stderr² = q / Σ w with q = Σ w (y - mean)²/(k - 1), and
    Student's t with k - 1 degrees of freedom. DerSimonian & Laird, Controlled Clinical Trials 7
    (1986) 177-188; Hartung & Knapp, Statistics in Medicine 20 (2001) 3875-3889. q is not taken
    below 1, so that few families which happen to agree do not give an interval narrower than their
    own errors (Roever, Knapp & Friede, BMC Medical Research Methodology 15:99, 2015).
    """
    y, se = np.asarray(estimates, dtype=np.float64), np.asarray(stderrs, dtype=np.float64)
    if y.shape != se.shape:
        raise DataError(f"{y.size} estimates but {se.size} stderrs; give one a family")
    if y.size < FEWEST_FAMILIES or not (np.isfinite(y) & np.isfinite(se)).all():
        return Pooled(*(math.nan,) * 7, y.size, level)
    if (se <= 0).any():
        return _pooled_exact(y, level)
    tau2, i2 = _between(y, se)
    weights = 1 / (se**2 + tau2)
    mean = float((weights * y).sum() / weights.sum())
    q = float((weights * (y - mean) ** 2).sum() / (y.size - 1))
    stderr = math.sqrt(max(q, 1.0) / weights.sum())
    return _with_interval(mean, stderr, (tau2, i2), y.size, level)


def _between(y: np.ndarray, se: np.ndarray) -> tuple[float, float]:
    """Give DerSimonian & Laird's tau² and Higgins' I² in percent."""
    weights = 1 / se**2
    mean = (weights * y).sum() / weights.sum()
    q = float((weights * (y - mean) ** 2).sum())
    freedom = y.size - 1
    spread = float(weights.sum() - (weights**2).sum() / weights.sum())
    tau2 = max(0.0, (q - freedom) / spread)
    return tau2, max(0.0, 100 * (q - freedom) / q) if q > 0 else 0.0


def _pooled_exact(y: np.ndarray, level: float) -> Pooled:
    """Pool families of which one has no error of its own: the plain mean, its spread between."""
    tau2 = float(y.var(ddof=1))
    i2 = 100.0 if tau2 > 0 else 0.0
    return _with_interval(float(y.mean()), math.sqrt(tau2 / y.size), (tau2, i2), y.size, level)


def _with_interval(
    mean: float, stderr: float, between: tuple[float, float], n: int, level: float
) -> Pooled:
    from scipy.special import stdtr

    radius = t_of(level, n) * stderr
    if stderr > 0:
        p = 2 * float(stdtr(n - 1, -abs(mean) / stderr))
    else:
        p = 1.0 if mean == 0 else 0.0
    return Pooled(mean, mean - radius, mean + radius, stderr, p, *between, n, level)


def equivalence_p(pooled: Pooled, margin: float) -> float:
    """Give the TOST p-value that the pooled mean lies inside (-margin, margin)."""
    from scipy.special import stdtr

    if not pooled.stderr > 0:
        return math.nan if math.isnan(pooled.stderr) else float(abs(pooled.estimate) >= margin)
    nearest = margin - abs(pooled.estimate)
    return float(stdtr(pooled.n_families - 1, -nearest / pooled.stderr))
