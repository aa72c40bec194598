"""How good are the answers label by label? Macro-F1, the mean over labels of F1.

A doc gives three counts a label: taken and right, is the target, was taken. F1 is a function of
their sums, so the bootstrap of sums gives its interval.
"""

import numpy as np

from mlbench.measures.choices import ACC, ACC_CALIBRATED, predict
from mlbench.measures.measure import Measure, add_measure
from mlbench.measures.samples import ChoiceSample, Floats
from mlbench.measures.scales import Margins, difference_in


def label_rule(sample: ChoiceSample) -> str:
    """Name the rule that macro-F1 takes its predictions by: calibrated where that is known."""
    return ACC_CALIBRATED.name if sample.label_means else ACC.name


def _counts(sample: ChoiceSample) -> list[float]:
    """Return (right, target, taken) of each label in turn."""
    taken = predict(sample, label_rule(sample))
    counts = []
    for label in range(len(sample.choices)):
        is_target, is_taken = label == sample.target, label == taken
        counts += [float(is_target and is_taken), float(is_target), float(is_taken)]
    return counts


def macro_f1(sums: Floats, _n_docs: Floats) -> Floats:
    """Return the unweighted mean of F1 over the labels that occur: sums[..., 3 x labels].

    A label that occurs only as a prediction counts with F1 = 0, as in scikit-learn's
    f1_score(average="macro") with zero_division=0.

    >>> float(macro_f1(np.array([1.0, 2, 1, 1, 1, 2]), np.array(3.0)))
    0.6666666666666666
    """
    right, target, taken = sums[..., 0::3], sums[..., 1::3], sums[..., 2::3]
    named = target + taken
    occurs = named > 0
    f1 = np.divide(2 * right, named, out=np.zeros_like(named), where=occurs)
    with np.errstate(invalid="ignore"):
        return np.asarray(f1.sum(axis=-1) / occurs.sum(axis=-1))


F1_POINTS = difference_in("f1", "F1 points", margins=Margins(0.02, 0.05), factor=100.0)
MACRO_F1 = add_measure(
    Measure(
        name="macro_f1",
        title="macro-F1",
        unit="%",
        sample=ChoiceSample,
        scales=(F1_POINTS,),
        statistics=_counts,
        value=macro_f1,
        high=1.0,
        factor=100.0,
        is_mean=False,
        needs_cell=True,
    )
)
