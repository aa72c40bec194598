"""Better, worse, the same, or nobody can tell? Four states from one set of replicates.

"Not significant" is never read as "equal": equality is its own test against a margin that was
fixed before the results were seen (TOST), and what passes neither test is undetermined.
"""

from typing import Literal

import numpy as np

from mlbench.stats.contrast import Contrast, upper_p
from mlbench.stats.multiplicity import benjamini_hochberg, holm
from mlbench.stats.table import Floats

State = Literal["better", "worse", "equivalent", "undetermined"]
Verdict = Literal["supported", "refuted", "equivalent", "undetermined"]

VERDICT_BY_STATE: dict[State, Verdict] = {
    "better": "supported",
    "worse": "refuted",
    "equivalent": "equivalent",
    "undetermined": "undetermined",
}


def tost_p(contrast: Contrast, margin: float) -> Floats:
    """Give the p-value that the effect lies inside (-margin, margin).

    The larger of two one-sided p-values (Schuirmann, J. Pharmacokin. Biopharm. 15 (1987) 657-680),
    each from the replicates. Where no cluster is unequal the replicates do not vary; then it is
    (1 - margin/reach)^clusters, the chance to see that when the effect is at the margin (the
    "rule of three"): two equal docs show nothing.
    """
    inside = np.maximum(upper_p(contrast, -margin), upper_p(contrast.negated(), -margin))
    share = min(margin / contrast.doc_reach, 1.0)
    silent = contrast.repeated((1 - share) ** contrast.n_seen.astype(np.float64))
    return np.asarray(np.where(contrast.n_unequal == 0, np.maximum(inside, silent), inside))


def equal_p_holm(contrast: Contrast, margin: float) -> Floats:
    """Give the TOST p-values corrected over the languages, for sentences that name them."""
    return holm(np.minimum(tost_p(contrast, margin), 1.0))


def state_of(estimate: float, p: float, p_equal: float, alpha: float) -> State:
    """Judge one effect from its (corrected) p-value and its TOST p-value.

    Equivalence is asked first: a lead that is proven smaller than the margin is not called better,
    however many docs have proven it to be not zero.
    """
    if p_equal <= alpha:
        return "equivalent"
    if p <= alpha:
        return "better" if estimate > 0 else "worse"
    return "undetermined"


def states_of(contrast: Contrast, p: Floats, *, margin: float, alpha: float) -> list[State]:
    """Judge an effect in each language by `p`, which may be corrected, against no effect.

    The TOST p-values are corrected by Benjamini & Hochberg here, so that "equivalent" is said as
    rarely by chance as "better". An unknown p-value (nan) leaves the language undetermined.
    """
    equal = benjamini_hochberg(np.minimum(tost_p(contrast, margin), 1.0))
    columns = zip(contrast.estimate, p, equal, strict=True)
    return [state_of(float(value), float(q), float(equal), alpha) for value, q, equal in columns]
