"""How sure can docs be that do not vary? The least standard error that right or wrong allows.

Four docs on which two models are equal do not vary, and no bootstrap of them does; still the fifth
may differ. Half a doc is added to each cell of right and wrong, as in the interval of Agresti & Min
(Statistics in Medicine 24 (2005) 729-740) for paired proportions; theirs moves the estimate as
well, ours does not. A whole doc in each cell (Bonett & Price 2012) covers more than it says.
"""

import numpy as np
from numpy.typing import NDArray

from mlbench.stats.table import Floats, Ints

# Of two numbers that should be equal, the last digits differ by how they were added up.
_ROUNDING = 1e-9


def vary(replicates: Floats) -> NDArray[np.bool_]:
    """Mark the columns of replicates that vary by more than rounding; one that is all nan does not.

    >>> vary(np.array([[0.1 + 0.2, 0.0], [0.3, 1.0]])).tolist()
    [False, True]
    """
    with np.errstate(invalid="ignore"):
        low, high = np.fmin.reduce(replicates, axis=0), np.fmax.reduce(replicates, axis=0)
        return np.asarray(high - low > _ROUNDING * np.maximum(1.0, np.abs(high)))


def unseen_stderr(estimate: Floats, spread: Floats, n_clusters: Ints, size: float) -> Floats:
    """Give the stderr with two more clusters: halves at `size` and -`size`, and one at zero.

    `spread` is the stderr without them, with n under the squares. Docs that are equal have
    size/(n + 2).

    >>> unseen_stderr(np.zeros(1), np.zeros(1), np.array([6]), 1.0).tolist()
    [0.125]
    """
    n = n_clusters + 2
    squares = n_clusters * (n_clusters * spread**2 + estimate**2) + size**2
    return np.asarray(np.sqrt((squares / n - (n_clusters * estimate / n) ** 2) / n))


def mean_floor(floor: Floats, share: Floats, *, varies: bool) -> Floats:
    """Give the least stderr of a weighted sum over languages, an array of one.

    What is unseen is taken as independent between languages; where the sum does not vary at all
    nothing speaks for that, and it counts as the same in all.
    """
    weighted = np.abs(floor * share)
    together = np.sqrt((weighted**2).sum()) if varies else weighted.sum()
    return np.asarray([together])
