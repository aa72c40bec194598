"""Which of many languages stand after so many looks? Corrections of p-values.

Holm for sentences that name languages, Benjamini-Hochberg for the coloured map. Twenty lines each
are shorter than a dependency on statsmodels; a test compares BH with scipy.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from mlbench.errors import DataError

Floats = NDArray[np.float64]


def holm(p: Sequence[float] | Floats) -> Floats:
    """Adjust so that any false rejection has at most the stated chance.

    Sorted: max over j <= i of (m - j + 1) p_(j), at most 1. Holm, Scand. J. Stat. 6 (1979) 65-70.
    nan stays nan and is not counted as a test.

    >>> holm([0.01, 0.04, 0.03]).tolist()
    [0.03, 0.06, 0.06]
    """
    return _adjust(p, lambda tested: np.maximum.accumulate(tested * _steps(tested)[::-1]))


def benjamini_hochberg(p: Sequence[float] | Floats) -> Floats:
    """Adjust so that the expected share of false rejections is at most the stated one.

    Sorted: min over j >= i of m p_(j) / j, at most 1. Benjamini & Hochberg, JRSS B 57 (1995)
    289-300. nan stays nan and is not counted as a test.
    """

    def step_up(tested: Floats) -> Floats:
        ratios = tested * len(tested) / _steps(tested)
        return np.asarray(np.minimum.accumulate(ratios[::-1])[::-1])

    return _adjust(p, step_up)


def _steps(tested: Floats) -> Floats:
    return np.arange(1, len(tested) + 1, dtype=np.float64)


def _adjust(p: Sequence[float] | Floats, adjust_sorted: Callable[[Floats], Floats]) -> Floats:
    values = np.asarray(p, dtype=np.float64)
    known = np.flatnonzero(~np.isnan(values))
    if ((values[known] < 0) | (values[known] > 1)).any():
        raise DataError("a p-value is not in [0, 1]")
    order = known[np.argsort(values[known], kind="stable")]
    adjusted = np.full(values.shape, np.nan)
    if order.size:
        adjusted[order] = np.minimum(adjust_sorted(values[order]), 1.0)
    return adjusted
