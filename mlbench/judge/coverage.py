"""How many languages does a model cover? Above chance, and not far below its own English."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from mlbench.judge.effects import Effect, undefined
from mlbench.stats.aggregates import combine_families
from mlbench.stats.bootstrap import Resampling
from mlbench.stats.contrast import Contrast, one_sided_p
from mlbench.stats.equivalence import Verdict
from mlbench.stats.multiplicity import holm
from mlbench.stats.pairs import Levels, adjusted_scores, common_chance, resample_levels
from mlbench.stats.table import Floats, ScoreTable


class Need(NamedTuple):
    """What covering means: in `wanted` languages, the share of English that each has to keep."""

    wanted: int
    retained: float


class _Cover(NamedTuple):
    """One family: distance above chance, and above the share of English, by language."""

    above: Contrast
    kept: Contrast


def coverage_effect(
    tables: Sequence[ScoreTable], model: str, need: Need, resampling: Resampling
) -> Effect:
    """Count the languages where a model is above chance and keeps its share of English.

    The estimate asks for chance by Holm and for the share as it was measured. `low` counts
    languages where both are shown (the larger p, Holm over languages), `high` is the wanted number
    less those where the share is shown to be missed: languages that were not run may be covered.
    """
    measured = [t for t in tables if t.measure.has_chance and model in t.models]
    parts = [_cover(table, model, need.retained, resampling) for table in measured]
    known = [part for part in parts if part is not None]
    above = combine_families([part.above for part in known])
    kept = combine_families([part.kept for part in known])
    if above is None or kept is None:
        return undefined("there are no accuracies of it in English and other languages", 0.0)
    alpha = 1 - resampling.level
    p_above, p_kept = one_sided_p(above), one_sided_p(kept)
    is_above = holm(p_above) <= alpha
    low = int((holm(np.maximum(p_above, p_kept)) <= alpha).sum())
    missed = int((holm(one_sided_p(kept.negated())) <= alpha).sum())
    high = max(need.wanted, len(above.languages)) - missed
    return Effect(
        float((is_above & (kept.estimate >= 0)).sum()),
        float(low),
        float(high),
        math.nan,
        math.nan,
        math.nan,
        _verdict(low, high, need.wanted),
        0.0,
        "languages counted, Holm",
        len(known),
        len(above.languages),
    )


def _verdict(low: int, high: int, wanted: int) -> Verdict:
    if low >= wanted:
        return "supported"
    return "refuted" if high < wanted else "undetermined"


def _cover(table: ScoreTable, model: str, retained: float, resampling: Resampling) -> _Cover | None:
    if not table.covers((model,)).any():
        return None
    covered = zip(table.languages, table.covers((model,)), strict=True)
    table = table.select(tag for tag, is_there in covered if is_there)
    # Raw 0/1 scores are drawn faster; a common chance level can be taken off afterwards.
    chance = common_chance(table)
    scores = adjusted_scores(table) if chance is None else table.statistics
    levels = resample_levels(table, scores[[table.model_index(model)]], resampling)
    if levels.shared is None or levels.english is None:
        return None
    shared, english, own = levels.shared, levels.english, levels.own
    c = chance or 0.0
    kept = shared.means[0] - c - retained * (english.means[0] - c)
    # In place: replicates are large, and a new array costs more than the sum in it.
    drawn = shared.replicates[:, 0] - c
    drawn -= retained * (english.replicates[:, 0] - c)
    # To be above chance is to pass what a constant answer has in the language.
    floor = table.chance_by_language() if chance is not None else _passed(table)
    return _Cover(
        _contrast(levels, own.means[0] - floor, own.replicates[:, 0] - floor, c, 1.0),
        # A doc may be unseen in the language and in English.
        _contrast(levels, kept, drawn, c, math.hypot(1.0, retained)),
    )


def _passed(table: ScoreTable) -> Floats:
    """Return the chance level of each language on the scale of scores adjusted doc by doc."""
    mean = np.nanmean(table.chance, axis=1)
    return np.asarray((table.chance_by_language() - mean) / (1 - mean))


def _contrast(
    levels: Levels, estimate: Floats, replicates: Floats, chance: float, size: float
) -> Contrast:
    """Make the contrast of scores in [0, 1], of which an unseen doc moves the effect by size/n."""
    n, scale = levels.own.n_clusters[0], 1 - chance
    n_docs, n_draws = levels.own.n_docs[0], levels.own.n_draws[0]
    replicates /= scale
    found = Contrast(
        levels.languages, estimate / scale, replicates, n_docs, n, n, n, n_draws=n_draws
    )
    return found.with_floor_where_blind(size / scale)
