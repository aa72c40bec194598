"""What did a model choose on each doc of a cell? All docs at once, for ranks and checks.

mlbench.measures says the same doc by doc; a run of ten models has over a million docs, for which
arrays are three times faster. A test holds the two together.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mlbench.measures import Sample, measure_of
from mlbench.store.samples import taken_by, targets_of, tied_in

Ints = NDArray[np.int64]


class Answers(NamedTuple):
    """The choice a metric takes on each doc, the target, and whether two choices tied for it."""

    chosen: Ints
    targets: Ints
    is_tied: NDArray[np.bool_]


def answers_of(samples: Sequence[Sample], metric: str) -> Answers | None:
    """Return the answers of a cell; None where the choices are not known.

    A tie is two choices with the same, highest log-likelihood to the last bit, whatever the metric.
    """
    targets = targets_of(samples) if measure_of(metric).is_rule else None
    if targets is None or not len(targets):
        return None
    taken = taken_by(samples, metric)
    return None if taken is None else Answers(taken, targets, tied_in(samples))
