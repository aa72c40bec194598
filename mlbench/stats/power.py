"""How small a difference could we have seen? Minimal detectable effects, before and after a run.

"Undetermined" is printed with this number, and `mlbench plan` with the docs that a wanted
difference needs. statsmodels.stats.power knows no pairs and no clusters.
"""

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from mlbench.errors import DataError
from mlbench.stats.intervals import z_of
from mlbench.stats.table import Floats, Ints

POWER = 0.8
# Share of docs that one of two models gets right and the other wrong, when nothing is known yet.
DISCORDANT_SHARE = 0.20


@dataclass(frozen=True, slots=True)
class Plan:
    """A comparison that has not been run: docs and clusters a language, and what is assumed.

    `discordant` is the share of docs on which A and B differ, `correlation` the intraclass
    correlation of that difference within a cluster, `chance` the chance level of the family.
    """

    n_docs: int
    n_clusters: int | None = None
    discordant: float = DISCORDANT_SHARE
    correlation: float = 0.0
    chance: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what has no standard error."""
        if self.n_docs < 1 or not 0 < self.discordant <= 1 or not 0 <= self.chance < 1:
            raise DataError(f"cannot plan with {self}: need docs, 0 < discordant <= 1, chance < 1")


def fewest_docs(alpha: float = 0.05, n_tests: int = 1) -> int:
    """Give the fewest docs (clusters) on which a two-sided p can reach alpha after Holm.

    k docs that all favour one model have p = 2 x 2^-k, the sign test's smallest.

    >>> fewest_docs(), fewest_docs(n_tests=118)
    (6, 13)
    """
    return math.ceil(math.log2(2 * max(n_tests, 1) / alpha))


def detectable_effect(stderr: Floats, level: float = 0.95, power: float = POWER) -> Floats:
    """Give (z_{1-α/2} + z_power) x stderr: the effect found in `power` of runs; nan stays nan.

    >>> detectable_effect(np.array([0.02])).round(4).tolist()
    [0.056]
    """
    return np.asarray(stderr * (z_of(level) + NormalDist().inv_cdf(power)))


def seen_effect(stderr: Floats, n_clusters: Ints, level: float = 0.95) -> Floats:
    """Give the detectable effect of a run; nan where so few clusters show nothing, however large.

    >>> seen_effect(np.array([0.02, 0.02]), np.array([5, 6])).round(3).tolist()
    [nan, 0.056]
    """
    is_mute = n_clusters < fewest_docs(1 - level)
    return np.asarray(np.where(is_mute, math.nan, detectable_effect(stderr, level)))


def predicted_stderr(plan: Plan, *, is_moat: bool = False) -> float:
    """Predict the stderr of Delta[l] (or D[l]) of an adjusted score.

    sqrt(discordant x design / n) / (1 - chance); design = 1 + (docs a cluster - 1) x correlation
    (Kish 1965, section 5.4). For D[l] twice the variance: discordance of a language and of English
    are taken as independent, which overstates it when docs share their difficulty.
    """
    per_cluster = plan.n_docs / (plan.n_clusters or plan.n_docs)
    design = 1 + (per_cluster - 1) * plan.correlation
    variance = plan.discordant * design / plan.n_docs * (2 if is_moat else 1)
    return math.sqrt(variance) / (1 - plan.chance)


def predicted_effect(plan: Plan, *, level: float = 0.95, is_moat: bool = False) -> float:
    """Predict the minimal detectable effect at 80 % power, as adjusted score."""
    return float(detectable_effect(np.array(predicted_stderr(plan, is_moat=is_moat)), level))


def docs_needed(plan: Plan, effect: float, *, level: float = 0.95, is_moat: bool = False) -> int:
    """Give the docs a language that make `effect` (adjusted score) detectable at 80 % power.

    `plan.n_docs` only gives the docs a cluster.
    """
    if effect <= 0:
        raise DataError(f"effect {effect!r} must be above 0; 0.05 is five points")
    one = predicted_effect(plan, level=level, is_moat=is_moat)
    return math.ceil(plan.n_docs * (one / effect) ** 2)
