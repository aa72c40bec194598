"""How far is A ahead of B on each scale of a measure? The same docs, each scale with its moat.

The scales themselves are data of the measures (measures/scales.py); here they meet resampled
levels.
"""

import math
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from mlbench.errors import DataError
from mlbench.measures import Scale
from mlbench.stats.bootstrap import Resampled, Resampling
from mlbench.stats.contrast import Contrast
from mlbench.stats.differences import Lead, delta_contrast, moat_contrast, moat_of
from mlbench.stats.pairs import PairLevels, common_chance, pair_levels
from mlbench.stats.table import REFERENCE_LANGUAGE, Floats, ScoreTable

# A share of English is not formed where English is nearer than this many stderr to chance.
RETENTION_STDERRS = 3.0

Models = tuple[str, str]


class ScaleContrasts(NamedTuple):
    """Delta and D of one family; `moat` is None when it is undefined."""

    delta: Contrast
    moat: Contrast | None


def primary_contrasts(pair: PairLevels, table: ScoreTable) -> ScaleContrasts:
    """Give Delta and D on the first scale of a family."""
    scale = table.measure.scales[0]
    return ScaleContrasts(delta_contrast(pair, scale), moat_contrast(pair, scale))


def scale_moat(
    pair: PairLevels, scale: Scale, table: ScoreTable, resampling: Resampling, models: Models
) -> Contrast | None:
    """Give D of A against B on one scale from levels that were resampled before.

    Where chance differs between docs, the levels are adjusted; on a raw scale accuracies are drawn
    again then, in the same replicates.
    """
    if scale not in table.measure.scales:
        raise DataError(
            f"family {table.family!r} is judged by {table.measure.title}; scale {scale.name!r} is "
            f"not one of {', '.join(s.name for s in table.measure.scales)}"
        )
    if scale.of_english:
        return _retention(pair)
    if scale.is_raw and common_chance(table) is None:
        pair = pair_levels(table, *models, resampling, is_raw=True)
    if scale.slope is None:
        return moat_contrast(pair, scale)
    # The floor of a scale with a slope of its own is another one, set below.
    moat = moat_contrast(replace(pair, doc_reach=None), scale)
    if moat is None or not pair.is_bounded:
        return moat
    return replace(moat, doc_reach=2 * scale.slope).with_floor(math.sqrt(2) * scale.slope)


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
        leads = drawn[:, 0] - drawn[:, 1]  # nan where both are infinite
    beyond = Lead(kept[0] - kept[1], leads, np.minimum(shared.n_draws[2], english.n_draws[2]))
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
