"""On which scale is A ahead? The same docs on four scales, each with its moat.

A verdict that holds on one scale only is said to do so. adjusted: (y - c)/(1 - c). logit: of the
smoothed accuracy, no ceiling. retention: share of a model's own English score. bits: log-ratio of
the bits (or tokens) that two models need for the same text; no floor, no ceiling.
"""

import math
from dataclasses import replace
from typing import Literal, NamedTuple, get_args

import numpy as np

from mlbench.errors import DataError
from mlbench.stats.bootstrap import Resampled, Resampling
from mlbench.stats.contrast import Contrast
from mlbench.stats.differences import (
    Lead,
    LeadOf,
    delta_contrast,
    linear_lead,
    moat_contrast,
    moat_of,
)
from mlbench.stats.intervals import z_of
from mlbench.stats.pairs import PairLevels, common_chance, pair_levels
from mlbench.stats.table import REFERENCE_LANGUAGE, Floats, Ints, ScoreTable

Scale = Literal["adjusted", "logit", "retention", "bits"]
SCALES: tuple[Scale, ...] = get_args(Scale)

# A share of English is not formed where English is nearer than this many stderr to chance.
RETENTION_STDERRS = 3.0
# Agresti & Coull, The American Statistician 52 (1998) 119-126: z²/2 of each outcome is added.
SMOOTHING = z_of(0.95) ** 2
# Slope of the logit at one half, where it is flattest: a point of accuracy is 0.04 or more.
LOGIT_SLOPE = 4.0

Models = tuple[str, str]


class ScaleContrasts(NamedTuple):
    """Delta and D of one family; `moat` is None when it is undefined."""

    delta: Contrast
    moat: Contrast | None


def logit_lead(levels: Resampled, _chance: float) -> Lead:
    """Give logit(A) - logit(B) of accuracies with chance left on, each smoothed."""

    def lead(a: Floats, b: Floats) -> Floats:
        # In place: replicates are large, and a new array costs more than the sum in it.
        ratio = smoothed_odds(a, levels.n_docs[0])
        ratio /= smoothed_odds(b, levels.n_docs[1])
        return np.log(ratio, out=ratio)

    drawn = lead(levels.replicates[:, 0], levels.replicates[:, 1])
    return Lead(lead(*levels.means[:2]), drawn, levels.n_draws[2])


def floored_lead(levels: Resampled, chance: float) -> Lead:
    """Give A - B as adjusted scores that are not below zero: a model drawn to wrong choices is as
    good as one that guesses, so a lead over it cannot be larger than one over a guesser.
    """

    def lead(a: Floats, b: Floats) -> Floats:
        return np.asarray((np.maximum(a, chance) - np.maximum(b, chance)) / (1 - chance))

    drawn = lead(levels.replicates[:, 0], levels.replicates[:, 1])
    return Lead(lead(*levels.means[:2]), drawn, levels.n_draws[2])


def smoothed_odds(accuracy: Floats, n_docs: Ints) -> Floats:
    """Give the odds of the Agresti-Coull accuracy (n y + z²/2)/(n + z²): not 0, not infinite.

    >>> smoothed_odds(np.array([0.5]), np.array([10])).tolist()
    [1.0]
    """
    right = np.asarray(accuracy * n_docs)
    right += SMOOTHING / 2
    right /= n_docs + SMOOTHING - right
    return right


def bits_lead(levels: Resampled, _chance: float) -> Lead:
    """Give log(Σ bits B / Σ bits A): positive where A needs fewer; nan where a sum is zero.

    Long docs weigh more than short ones, so the draws are those of the sums.
    """
    drawn = levels.replicates
    return Lead(
        _log_ratio(levels.means[1], levels.means[0]),
        _log_ratio(drawn[:, 1], drawn[:, 0]),
        np.fmin(levels.n_draws_of_sums[0], levels.n_draws_of_sums[1]),
    )


def _log_ratio(above: Floats, below: Floats) -> Floats:
    is_known = (above > 0) & (below > 0)
    return np.asarray(
        np.log(np.divide(above, below, where=is_known, out=np.full_like(above, np.nan)))
    )


LEAD_BY_SCALE: dict[str, LeadOf] = {
    "adjusted": linear_lead,
    "logit": logit_lead,
    "bits": bits_lead,
}


def scales_of(table: ScoreTable) -> tuple[Scale, ...]:
    """Say which scales a family has; the first is its primary one."""
    return ("adjusted", "logit", "retention") if table.kind == "accuracy" else ("bits",)


def primary_contrasts(pair: PairLevels, table: ScoreTable) -> ScaleContrasts:
    """Give Delta and D on the first scale of a family."""
    lead_of = LEAD_BY_SCALE[scales_of(table)[0]]
    return ScaleContrasts(delta_contrast(pair, lead_of), moat_contrast(pair, lead_of))


def scale_moat(
    pair: PairLevels, scale: Scale, table: ScoreTable, resampling: Resampling, models: Models
) -> Contrast | None:
    """Give D of A against B on one scale from levels that were resampled before.

    Where chance differs between docs, the levels are adjusted; then accuracies are drawn again, in
    the same replicates, for the logit.
    """
    if scale not in scales_of(table):
        raise DataError(
            f"family {table.family!r} holds {table.kind}; scale {scale!r} is not one of "
            f"{', '.join(scales_of(table))}"
        )
    if scale == "retention":
        return _retention(pair)
    if scale == "logit" and common_chance(table) is None:
        pair = pair_levels(table, *models, resampling, is_raw=True)
    is_logit = scale == "logit"
    # The floor of logits is another one, and is set below.
    levels = replace(pair, is_accuracy=pair.is_accuracy and not is_logit)
    moat = moat_contrast(levels, LEAD_BY_SCALE[scale])
    if moat is None or not is_logit:
        return moat
    return replace(moat, doc_reach=2 * LOGIT_SLOPE).with_floor(math.sqrt(2) * LOGIT_SLOPE)


def _retention(pair: PairLevels) -> Contrast | None:
    """Give S[A, l]/S[A, en] - S[B, l]/S[B, en]: difference and moat in one.

    It is undefined where a model is within RETENTION_STDERRS of chance in English: a ratio of
    noise. Ratio estimates are biased by about the squared relative error of the denominator.
    """
    shared, english, chance = pair.levels.shared, pair.levels.english, pair.chance
    if shared is None or english is None or not _is_far_from_chance(english, chance):
        return None
    with np.errstate(divide="ignore", invalid="ignore"):
        kept = (shared.means[:2] - chance) / (english.means[:2] - chance)
        drawn = shared.replicates[:, :2] - chance
        drawn /= english.replicates[:, :2] - chance
    beyond = Lead(
        kept[0] - kept[1],
        drawn[:, 0] - drawn[:, 1],
        np.minimum(shared.n_draws[2], english.n_draws[2]),
    )
    return moat_of(pair, beyond)


def _is_far_from_chance(english: Resampled, chance: float) -> bool:
    spread = english.replicates[:, :2].std(axis=0)
    return bool((english.means[:2] - chance > RETENTION_STDERRS * spread).all())


class Parity(NamedTuple):
    """Information parity of one model by language: 1 in English, lower where it needs more bits."""

    languages: tuple[str, ...]
    value: Floats


def information_parity(table: ScoreTable, model: str) -> Parity:
    """Give Σ bits[en] / Σ bits[l] on shared docs (Tsvetkov & Kipnis 2024); nan without English."""
    bits = table.values[table.model_index(model)]
    english = table.language_index(REFERENCE_LANGUAGE)
    if english is None:
        return Parity(table.languages, np.full(len(bits), math.nan))
    shared = ~np.isnan(bits) & ~np.isnan(bits[english])
    own = np.where(shared, bits, 0.0).sum(axis=1)
    in_english = np.where(shared, bits[english], 0.0).sum(axis=1)
    return Parity(table.languages, in_english / np.where(own > 0, own, np.nan))
