"""On which scale is A ahead? How the scores of two models become one effect, with unit and words.

A verdict that holds on one scale only is said to do so. Each function works on levels of any shape:
estimates, or all replicates at once. The effect is positive where A is better.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from mlbench.measures.samples import Floats, Ints

# Agresti & Coull, The American Statistician 52 (1998) 119-126: z²/2 of each outcome is added.
SMOOTHING = NormalDist().inv_cdf(0.975) ** 2
# Slope of the logit at one half, where it is flattest: a point of accuracy is 0.04 or more.
LOGIT_SLOPE = 4.0


# Decimals of a point that are known: each doc is rounded by up to 1e-9 of the greatest value
# (stats/bootstrap.py), which would show 21.25 as 21.3 beside two scores 21.2 apart.
KNOWN_DIGITS = 6


class Margins(NamedTuple):
    """Effects too small to matter, fixed before results are seen: pooled, and for one language."""

    pooled: float
    language: float


class Sides(NamedTuple):
    """The levels of A and B, their exact difference, the docs behind each, and the chance level.

    `difference` is that of the sums, so that a tie is exactly zero.
    """

    a: Floats
    b: Floats
    difference: Floats
    n_docs: Ints
    chance: float


Effect = Callable[[Sides], Floats]


@dataclass(frozen=True, slots=True)
class Scale:
    """How far A is ahead of B: `effect` of their levels, shown in `unit` after `in_unit`.

    `slope` is how far an effect moves with a level at least, which bounds what an unseen doc can
    do; None: by 1/(1 - chance), as adjusted scores. `of_english`: each level is divided by the
    model's own in English first, so that the difference is the moat. `is_raw`: levels keep the
    chance level on them, also where it differs between docs. `short` follows a number where there
    is little room; empty for adjusted points, which most numbers are in. `weighs_by_size`: a long
    doc counts for more than a short one, as in a ratio of sums.
    """

    name: str
    unit: str
    margins: Margins
    effect: Effect
    factor: float = 100.0
    digits: int = 1
    is_percent_more: bool = False
    slope: float | None = None
    of_english: bool = False
    is_raw: bool = False
    weighs_by_size: bool = False
    short: str = ""

    def in_unit(self, value: float) -> float:
        """Turn an effect into its unit: shares into points, log ratios into log points or %."""
        if math.isnan(value):
            return value
        shown = math.expm1(value) if self.is_percent_more else value
        return round(self.factor * shown, KNOWN_DIGITS)

    def format(self, value: float | None) -> str:
        """Write an effect in its unit, with its sign; what rounds to nothing is +0."""
        if value is None or math.isnan(value):
            return "unknown"
        shown = round(self.in_unit(value), self.digits) or 0.0
        return f"{shown:+.{self.digits}f}"


def adjusted_lead(sides: Sides) -> Floats:
    """Return A - B as adjusted score: (y_A - y_B)/(1 - c)."""
    return np.asarray(sides.difference / (1 - sides.chance))


def floored_lead(sides: Sides) -> Floats:
    """Return A - B as adjusted scores that are not below zero: a model drawn to wrong choices is as
    good as one that guesses, so a lead over it cannot be larger than one over a guesser.
    """
    chance = sides.chance
    lead = np.maximum(sides.a, chance) - np.maximum(sides.b, chance)
    return np.asarray(lead / (1 - chance))


def logit_lead(sides: Sides) -> Floats:
    """Return logit(A) - logit(B) of accuracies with chance left on, each smoothed."""
    # In place: replicates are large, and a new array costs more than the sum in it.
    ratio = smoothed_odds(sides.a, sides.n_docs)
    ratio /= smoothed_odds(sides.b, sides.n_docs)
    return np.log(ratio, out=ratio)


def smoothed_odds(accuracy: Floats, n_docs: Ints) -> Floats:
    """Return the odds of the Agresti-Coull accuracy (n y + z²/2)/(n + z²): not 0, not infinite.

    >>> smoothed_odds(np.array([0.5]), np.array([10])).tolist()
    [1.0]
    """
    right = np.asarray(accuracy * n_docs)
    right += SMOOTHING / 2
    right /= n_docs + SMOOTHING - right
    return right


def log_ratio_lead(sides: Sides) -> Floats:
    """Return log(B / A) of amounts: positive where A needs less; nan where one is zero."""
    is_known = (sides.a > 0) & (sides.b > 0)
    ratio = np.divide(sides.b, sides.a, where=is_known, out=np.full_like(sides.b, np.nan))
    return np.asarray(np.log(ratio))


def plain_lead(sides: Sides) -> Floats:
    """Return A - B in the measure's own unit."""
    return np.asarray(sides.difference)


def reverse_lead(sides: Sides) -> Floats:
    """Return B - A: for measures of which less is better."""
    return np.asarray(-sides.difference)


ADJUSTED = Scale("adjusted", "adjusted points", Margins(0.02, 0.05), adjusted_lead)
FLOORED = Scale("floored", "adjusted points", Margins(0.02, 0.05), floored_lead)
# Two points of accuracy at one half, where the logit is flattest, are 0.08 of logit.
LOGIT = Scale(
    "logit", "logits", Margins(0.08, 0.20), logit_lead, 1.0, 2, slope=LOGIT_SLOPE, is_raw=True
)
RETENTION = Scale(
    "retention", "points of retention", Margins(0.02, 0.05), plain_lead, of_english=True
)
# Log points are 100 times the natural logarithm of a ratio: they add up, so that the lead elsewhere
# less that in English is the lead beyond English, and 5 of them are nearly 5 %.
BITS_RATIO = Scale(
    "bits",
    "log points",
    Margins(0.02, 0.05),
    log_ratio_lead,
    weighs_by_size=True,
    short="log p.",
)
TOKENS_RATIO = Scale(
    "tokens", "%", Margins(0.02, 0.05), log_ratio_lead, is_percent_more=True, weighs_by_size=True
)


def difference_in(
    name: str, unit: str, *, margins: Margins, factor: float = 1.0, higher_is_better: bool = True
) -> Scale:
    """Make the scale of plain differences in a unit; families of one unit are pooled on it."""
    lead = plain_lead if higher_is_better else reverse_lead
    return Scale(name, unit, margins, lead, factor, short=unit)
