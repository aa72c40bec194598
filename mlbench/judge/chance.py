"""What does a model score that never reads the doc? The chance level of a cell and of a family.

Guessing gives one over the number of choices; always giving the label that is right most often
gives the share of the commonest target. The larger of the two is the chance level, so that a
constant answer has nothing to gain: 25.0 % on the test split of SIB-200 (51 of 204 docs), not 1/7.
Only labels can be given always: where each doc has choices of its own, a model that scores them by
their text does not know in which place they stand.
"""

from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np

from mlbench.measures import Sample
from mlbench.store.samples import target_counts_of


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
    known = [found for found in map(target_counts_of, cells) if found is not None]
    counts = np.zeros(max(map(len, known), default=0), dtype=np.int64)
    for found in known:
        counts[: len(found)] += found
    # Docs of one target only show nothing about how targets are spread.
    is_spread = np.count_nonzero(counts) > 1
    return max(nominal, float(counts.max() / counts.sum())) if is_spread else nominal


Place = Literal["above", "at", "below"]


def place_of(low: float, high: float, chance: float | None, nominal: float | None) -> Place | None:
    """Place the interval of a score: above chance, or below what guessing has; else at chance.

    Below asks for the nominal 1/k: a model that guesses among seven labels has 14 % where a
    constant answer has 25 %, and is not drawn to wrong choices. An unknown interval is at chance;
    None where there is no chance level.

    >>> place_of(0.3, 0.5, 0.25, 0.25), place_of(0.1, 0.2, 0.25, 1 / 7)
    ('above', 'at')
    >>> place_of(0.05, 0.1, 0.25, 1 / 7)
    'below'
    """
    if chance is None or nominal is None:
        return None
    return "above" if low > chance else "below" if high < nominal else "at"
