"""One number of a verdict: an effect with its interval, its state and how it was made."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mlbench.stats.aggregates import mean_of_families
from mlbench.stats.bootstrap import Resampling
from mlbench.stats.contrast import Contrast, single, summarise
from mlbench.stats.equivalence import VERDICT_BY_STATE, Verdict, state_of, tost_p
from mlbench.stats.intervals import t_of, z_of
from mlbench.stats.pooling import FEWEST_FAMILIES, equivalence_p, pool_families
from mlbench.stats.power import POWER, fewest_docs, seen_effect


@dataclass(frozen=True, slots=True)
class Effect:
    """An effect of A over B. `reason` says why it is unknown; `mde` what could have been seen.

    `mde` is nan below power.fewest_docs clusters, which show no effect of any size.
    """

    estimate: float
    low: float
    high: float
    p: float
    stderr: float
    mde: float
    verdict: Verdict
    margin: float
    method: str
    n_families: int
    n_languages: int
    reason: str | None = None


def undefined(reason: str, margin: float) -> Effect:
    """Make an undetermined effect, with the reason."""
    unknown = (math.nan,) * 6
    return Effect(*unknown, "undetermined", margin, "undefined", 0, 0, reason)


def effect_of(
    contrast: Contrast, margin: float, *, resampling: Resampling, n_languages: int, method: str
) -> Effect:
    """Judge a contrast of one column (a mean over languages, or one language)."""
    found = single(summarise(contrast, resampling))
    alpha = 1 - resampling.level
    state = state_of(found.estimate, found.p, float(tost_p(contrast, margin)[0]), alpha)
    reason = None
    if math.isnan(found.estimate):
        reason = "it is not defined on these docs"
    elif contrast.is_blind[0]:
        reason = "its docs do not vary, so how sure it is cannot be told"
    elif math.isnan(found.p):
        reason = "too few docs or language families for an interval"
    return Effect(
        *found[:4],
        found.stderr,
        float(seen_effect(contrast.stderr, contrast.n_clusters, resampling.level)[0]),
        VERDICT_BY_STATE[state],
        margin,
        method,
        1,
        n_languages,
        reason,
    )


def pooled_effect(
    means: Sequence[Contrast], margin: float, *, resampling: Resampling, n_languages: int
) -> Effect:
    """Put the means of several families together, each counting once.

    One: its own. Two: no number, and a verdict only if both have the same one. Three or more: their
    mean with an interval for families like these (pooling.pool_families).
    """
    if not means:
        return undefined("no family allows it", margin)
    each = [
        effect_of(
            mean,
            margin,
            resampling=resampling,
            n_languages=n_languages,
            method="one family, languages fixed",
        )
        for mean in means
    ]
    if len(each) == 1:
        return each[0]
    if len(each) < FEWEST_FAMILIES:
        return _side_by_side(each, margin, n_languages)
    together = mean_of_families(means)
    assert together is not None
    estimates = [effect.estimate for effect in each]
    level = float(together.nominal(resampling.level)[0])
    pooled = pool_families(estimates, float(together.stderr[0]), level)
    if math.isnan(pooled.stderr):
        return undefined("a family has too few docs for an interval", margin)
    alpha = 1 - resampling.level
    has_docs = min(int(mean.n_clusters[0]) for mean in means) >= fewest_docs(alpha)
    quantiles = float(t_of(resampling.level, len(each))) + z_of(2 * POWER - 1)
    p = 2 * float(together.repeated(np.array([pooled.p / 2]))[0])
    p_equal = float(together.repeated(np.array([equivalence_p(pooled, margin)]))[0])
    state = state_of(pooled.estimate, p, p_equal, alpha)
    return Effect(
        pooled.estimate,
        pooled.low,
        pooled.high,
        p,
        pooled.stderr,
        pooled.stderr * quantiles if has_docs else math.nan,
        VERDICT_BY_STATE[state],
        margin,
        "mean of families, for families like these",
        len(each),
        n_languages,
    )


def _side_by_side(each: Sequence[Effect], margin: float, n_languages: int) -> Effect:
    verdicts = {effect.verdict for effect in each}
    verdict: Verdict = verdicts.pop() if len(verdicts) == 1 else "undetermined"
    unknown = (math.nan,) * 6
    reason = f"{len(each)} families are shown side by side; fewer than 3 are not pooled"
    method = "all families alone"
    return Effect(*unknown, verdict, margin, method, len(each), n_languages, reason)
