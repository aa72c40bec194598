"""How much of its English level does a model keep in the other languages? A lead in English only
shows here without a second model."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from mlbench.data.languages import REFERENCE
from mlbench.report.columns import Block
from mlbench.report.complete_block import Part, alike, part_of
from mlbench.report.tables import ReportTable
from mlbench.stats import MacroMeans, Resampling, add_means, macro_means


class Kept(NamedTuple):
    """The level outside English over that in English, with the ends of its interval."""

    value: float
    low: float
    high: float


def retention_of(
    table: ReportTable, blocks: Sequence[Block], models: Sequence[str], resampling: Resampling
) -> Mapping[str, Kept]:
    """Return by model what it keeps, over the families that have English, each counting once.

    Docs of a parallel family are drawn together in English and elsewhere. A model whose level in
    English is not above chance in nearly every draw keeps nothing that could be told.
    """
    tags = [language.tag for language in table.languages]
    parts = alike([p for block in blocks if (p := part_of(table, block, models, tags)[0])])
    parts = [p for p in parts if REFERENCE in p.scores.languages and len(p.scores.languages) > 1]
    if not parts:
        return {}
    both = [_levels(part, models, len(parts), resampling) for part in parts]
    others, english = (add_means([levels[i] for levels in both]) for i in (0, 1))
    tail = (1 - resampling.level) / 2
    found = {}
    for i, model in enumerate(models):
        # A draw may hold no doc of a small cell: then it has no mean, and does not count.
        is_known = ~np.isnan(english.replicates[:, i]) & ~np.isnan(others.replicates[:, i])
        draws = english.replicates[is_known, i]
        if len(draws) and english.estimate[i] > 0 and np.quantile(draws, tail) > 0:
            ratios = others.replicates[is_known, i] / np.maximum(draws, np.finfo(float).tiny)
            low, high = np.quantile(ratios, (tail, 1 - tail))
            found[model] = Kept(others.estimate[i] / english.estimate[i], float(low), float(high))
    return found


def _levels(
    part: Part, models: Sequence[str], n_parts: int, resampling: Resampling
) -> list[MacroMeans]:
    is_english = np.array([tag == REFERENCE for tag in part.scores.languages])
    weights = np.stack([~is_english / (~is_english).sum(), is_english.astype(float)])
    return macro_means(part.scores, models, weights / n_parts, resampling)
