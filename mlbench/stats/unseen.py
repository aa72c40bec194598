"""How sure can docs be that do not vary? The least standard error that right or wrong allows.

Four docs on which two models are equal do not vary, and no bootstrap of them does; still the fifth
may differ. One doc that only A gets right and one that only B gets right are added, as in the
interval of Bonett & Price (J. Educational and Behavioral Statistics 37 (2012) 479-488) for paired
proportions; theirs moves the estimate as well, ours does not.
"""

import numpy as np

from mlbench.stats.table import Floats, Ints


def unseen_stderr(estimate: Floats, spread: Floats, n_clusters: Ints, size: float) -> Floats:
    """Give the stderr with one more cluster at `size` and one at -`size`.

    `spread` is the stderr without them, s/n with s over n. Equal docs have size sqrt(2)/(n + 2).

    >>> unseen_stderr(np.zeros(1), np.zeros(1), np.array([6]), 1.0).round(3).tolist()
    [0.177]
    """
    n = n_clusters + 2
    squares = n_clusters * (n_clusters * spread**2 + estimate**2) + 2 * size**2
    return np.asarray(np.sqrt((squares / n - (n_clusters * estimate / n) ** 2) / n))


def mean_floor(floor: Floats, share: Floats, *, varies: bool) -> Floats:
    """Give the least stderr of a weighted sum over languages, an array of one.

    What is unseen is taken as independent between languages; where the sum does not vary at all
    nothing speaks for that, and it counts as the same in all.
    """
    weighted = np.abs(floor * share)
    together = np.sqrt((weighted**2).sum()) if varies else weighted.sum()
    return np.asarray([together])
