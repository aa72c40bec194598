"""How sure is the mean of a model in one language, and which models are the best there?

The mean adjusted score that the table shows, resampled as the ranking is: docs in each family, and
families held fixed. Models are told apart in each language as in the ranking, by paired draws with
Holm correction over the pairs of models; over languages nothing is corrected.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from mlbench.judge.chance import Place, place_of
from mlbench.report.columns import adjust
from mlbench.report.complete_block import Part, alike, part_of
from mlbench.report.once import once_a_table
from mlbench.report.tables import ReportTable
from mlbench.stats import Ranking, Resampling, add_means, macro_means, rank_models

RESAMPLING = Resampling(replicates=1_000)
"""As for the interval of a single score (judge.levels)."""


@dataclass(frozen=True, slots=True)
class LanguageLevel:
    """The mean adjusted score of a model in a language, with the ends of its interval.

    `is_top`: no model is shown to be better there, and one is shown to be worse.
    """

    value: float
    low: float
    high: float
    is_top: bool
    against_chance: Place | None


Key = tuple[str, int, str]


@once_a_table
def language_levels(table: ReportTable) -> Mapping[Key, LanguageLevel]:
    """Return by (model, shots, tag) what is known of each mean; not of models on different docs."""
    found: dict[Key, LanguageLevel] = {}
    for shots in dict.fromkeys(shots for _, shots, _ in table.adjusted):
        models = tuple(dict.fromkeys(m for m, its, _ in table.adjusted if its == shots))
        for tag, parts in _parts_by_language(table, shots, models):
            nominal = np.mean([adjust(_nominal(part), part.block.chance) for part in parts])
            for row in _ranked(tag, parts, models).ranks:
                found[row.model, shots, tag] = LanguageLevel(
                    row.score,
                    row.score_low,
                    row.score_high,
                    row.low == 1 and row.high < len(models),
                    place_of(row.score_low, row.score_high, 0.0, float(nominal)),
                )
    return found


def _nominal(part: Part) -> float:
    return part.block.nominal_chance or 0.0


def _parts_by_language(
    table: ReportTable, shots: int, models: tuple[str, ...]
) -> Iterator[tuple[str, list[Part]]]:
    """List the families behind the mean of each language, if all its models have the same docs."""
    tags = [language.tag for language in table.languages]
    blocks = [b for b in table.blocks if b.shots == shots and b.chance is not None and b.is_pooled]
    found = (part_of(table, block, models, tags)[0] for block in blocks)
    parts = alike([part for part in found if part])
    for tag in tags:
        inside = [part for part in parts if tag in part.scores.languages]
        if inside and len(inside) == table.adjusted[models[0], shots, tag].n:
            yield tag, inside


def _ranked(tag: str, parts: list[Part], models: tuple[str, ...]) -> Ranking:
    share = np.full((1, 1), 1 / len(parts))
    means = [macro_means(part.scores.select([tag]), models, share, RESAMPLING)[0] for part in parts]
    return rank_models(models, add_means(means), RESAMPLING)
