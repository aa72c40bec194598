"""Do two models differ on single 0/1 docs? The exact test, as a cross-check of the bootstrap.

Only for docs without clusters; scipy has the binomial test but not the pairing.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from mlbench.errors import DataError
from mlbench.stats.table import Floats


class McNemar(NamedTuple):
    """Docs that only A got right, docs that only B got right, and the two-sided exact p-value."""

    only_a: int
    only_b: int
    p: float


def mcnemar(a: Sequence[float] | Floats, b: Sequence[float] | Floats) -> McNemar:
    """Test two aligned 0/1 vectors: min(1, 2 P(Binomial(n, 1/2) <= min)) over discordant docs.

    McNemar, Psychometrika 12 (1947) 153-157, with the binomial instead of chi-squared.

    >>> mcnemar([1, 1, 1, 0], [0, 0, 0, 0])
    McNemar(only_a=3, only_b=0, p=0.25)
    """
    from scipy.special import bdtr

    first, second = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if first.shape != second.shape:
        raise DataError(f"two score vectors of shapes {first.shape} and {second.shape} do not pair")
    if not (np.isin(first, (0, 1)).all() and np.isin(second, (0, 1)).all()):
        raise DataError("McNemar's test needs 0/1 scores; use paired_difference for others")
    only_a, only_b = int((first > second).sum()), int((second > first).sum())
    n = only_a + only_b
    p = min(1.0, 2 * float(bdtr(min(only_a, only_b), n, 0.5))) if n else 1.0
    return McNemar(only_a, only_b, p)
