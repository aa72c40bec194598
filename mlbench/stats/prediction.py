"""Where does the effect of another language lie, when the languages differ among themselves?

The interval of a mean says how sure the mean is; with many docs it is narrow although languages
differ. A prediction interval says what to expect of one language more (Higgins, Thompson &
Spiegelhalter, JRSS A 172 (2009) 137-159, section 4.2), which holds if it is like these. Where docs
are so few that they vary more than languages do, it is too narrow: 89 % of 95 in a simulation.
"""

import math
from collections.abc import Sequence

import numpy as np

from mlbench.stats.intervals import Interval, MeanStderr


def prediction_interval(
    estimates: Sequence[float], stderrs: Sequence[float], mean: MeanStderr, level: float
) -> Interval:
    """Return between which ends the effect of another language would lie; nan for fewer than three.

    The variance between languages is that of the estimates less what docs alone would give (Hedges
    & Olkin's estimator, whose weights are equal as those of the mean). Docs that languages share
    move all of them together, which hides no difference: what the stderr of the mean, one of docs
    alone, is above that of independent docs is not taken off.

    >>> prediction_interval([0.0, 10.0, 20.0], [0.0] * 3, MeanStderr(10.0, 0.0), 0.95).high // 1
    137.0
    """
    from scipy.stats import t

    values, errors = np.asarray(estimates, dtype=float), np.asarray(stderrs, dtype=float)
    n = len(values)
    if n < 3:
        return Interval(math.nan, math.nan, level)
    own = float((errors**2).mean())
    shared = max(0.0, (n * mean.stderr**2 - own) / (n - 1))
    between = max(0.0, float(values.var(ddof=1)) - own + shared)
    half = float(t.ppf((1 + level) / 2, n - 2)) * math.sqrt(between + mean.stderr**2)
    return Interval(mean.value - half, mean.value + half, level)
