"""What do several families say together? Their plain mean, sure only as far as they agree.

Families ask different things, so a new family would give another moat; the interval has to hold
that. Each family counts once: with weights by precision (DerSimonian & Laird) the family of most
docs would decide, and the lead elsewhere less that in English would not be the lead beyond English.
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
    """A mean over families; `p` is two-sided against no effect.

    All nan when there are fewer than three families.
    """

    estimate: float
    low: float
    high: float
    stderr: float
    p: float
    n_families: int
    level: float


def pool_families(estimates: Sequence[float], stderr: float, level: float = 0.95) -> Pooled:
    """Average families, for families like these: Student's t with k - 1 degrees of freedom.

    stderr² is the larger of s²/k (the spread between families, which holds their own errors) and
    the square of `stderr`, that of the mean over these very families. This is the interval of
    Hartung & Knapp (Statistics in Medicine 20 (2001) 3875-3889) with equal weights, with the bound
    of Roever, Knapp & Friede (BMC Medical Research Methodology 15:99, 2015): few families which
    happen to agree do not give an interval narrower than their own errors.

    >>> [round(x, 3) for x in pool_families([0.1, 0.2, 0.3], 0.01)[:3]]
    [0.2, -0.048, 0.448]
    """
    y = np.asarray(estimates, dtype=np.float64)
    if y.ndim != 1:
        raise DataError(f"estimates of shape {y.shape}; give one per family")
    if y.size < FEWEST_FAMILIES or not (np.isfinite(y).all() and math.isfinite(stderr)):
        return Pooled(*(math.nan,) * 5, y.size, level)
    from scipy.special import stdtr

    mean = float(y.mean())
    spread = max(float(y.std(ddof=1)) / math.sqrt(y.size), stderr)
    radius = float(t_of(level, y.size)) * spread
    if spread > 0:
        p = 2 * float(stdtr(y.size - 1, -abs(mean) / spread))
    else:
        p = 1.0 if mean == 0 else 0.0
    return Pooled(mean, mean - radius, mean + radius, spread, p, y.size, level)


def equivalence_p(pooled: Pooled, margin: float) -> float:
    """Give the TOST p-value that the pooled mean lies inside (-margin, margin)."""
    from scipy.special import stdtr

    if not pooled.stderr > 0:
        return math.nan if math.isnan(pooled.stderr) else float(abs(pooled.estimate) >= margin)
    nearest = margin - abs(pooled.estimate)
    return float(stdtr(pooled.n_families - 1, -nearest / pooled.stderr))
