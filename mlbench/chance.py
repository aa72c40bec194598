"""What does a model score that never reads the doc? The chance level of a cell and of a family.

Guessing gives one over the number of choices; always giving the answer that is right most often
gives the share of the commonest target. The larger of the two is the chance level, so that a
constant answer has nothing to gain: 25.0 % on the test split of SIB-200 (51 of 204 docs), not 1/7.
"""

from collections.abc import Iterable, Sequence

import numpy as np

from mlbench.metrics import Sample
from mlbench.samples import targets_of


def cell_chance(samples: Sequence[Sample], nominal: float | None) -> float | None:
    """Return the chance level of one cell in [0, 1]; what "above chance" is judged against.

    `nominal` is the family's 1/k, None where it has none; it stands where targets are not known.
    """
    return pooled_chance([samples], nominal)


def pooled_chance(cells: Iterable[Sequence[Sample]], nominal: float | None) -> float | None:
    """Return the chance level over the scored docs of several cells: what scores are adjusted by.

    One number for all languages of a family: with another in each, two models that are equally far
    apart in points everywhere would seem to have a moat.
    """
    if nominal is None:
        return None
    known = [targets for samples in cells if (targets := targets_of(samples)) is not None]
    if not known:
        return nominal
    counts = np.bincount(np.concatenate(known))
    return max(nominal, float(counts.max() / counts.sum())) if counts.size else nominal
