"""What does another wording of the same docs do to a model? Twins: families of one doc set.

A model that is good by the text of the answers and guesses by their letters has not learnt letters
yet; who compares models by letters alone compares that. The difference is taken doc by doc, in
adjusted points, so that a letter that is right more often takes nothing from it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from mlbench.judge.effects import Effect
from mlbench.judge.findings import fixed_effect
from mlbench.measures import ADJUSTED
from mlbench.stats.bootstrap import Resampling
from mlbench.stats.differences import paired_contrast
from mlbench.stats.pairs import adjusted_scores
from mlbench.stats.table import ScoreTable


class Twins(NamedTuple):
    """How far a model is ahead in `family` of what it has in `twin`, over languages of both."""

    family: str
    twin: str
    model: str
    effect: Effect

    def as_dict(self) -> dict[str, Any]:
        """Return it as the verdict has it."""
        return {**self._asdict(), "effect": asdict(self.effect)}


def twin_effects(
    tables: Iterable[ScoreTable], models: Sequence[str], margin: float, resampling: Resampling
) -> list[Twins]:
    """Return the difference of each two families of one doc set, the later name less the earlier.

    Of families whose scores are shares of right choices; bits and accuracy have no difference.
    """
    found = []
    for twin, family in _pairs(tables):
        for model in dict.fromkeys(models):
            both = _side_by_side(family, twin, model)
            if both is not None:
                contrast = paired_contrast(both, family.family, twin.family, resampling)
                effect = fixed_effect(contrast, margin, resampling=resampling)
                found.append(Twins(family.family, twin.family, model, effect))
    return found


def _pairs(tables: Iterable[ScoreTable]) -> Iterator[tuple[ScoreTable, ScoreTable]]:
    fit = [t for t in tables if t.doc_set and t.is_parallel and t.measure.scales[0] == ADJUSTED]
    ordered = sorted(fit, key=lambda table: table.family)
    return ((one, two) for one, two in combinations(ordered, 2) if one.doc_set == two.doc_set)


def _side_by_side(family: ScoreTable, twin: ScoreTable, model: str) -> ScoreTable | None:
    """Put a model's adjusted scores in two families beside each other; None without shared docs."""
    if model not in family.models or model not in twin.models:
        return None
    shared = set(_languages(family, model)) & set(_languages(twin, model))
    family, twin = family.select(shared), twin.select(shared)
    if not shared:
        return None
    ids = [i for i in family.doc_ids[0] if i in set(twin.doc_ids[0])]
    if not ids:
        return None
    rows, clusters = zip(*(_columns(t, model, ids) for t in (family, twin)), strict=True)
    is_there = ~np.isnan(np.stack(rows)[..., 0]).any(axis=0)
    return replace(
        family,
        models=(family.family, twin.family),
        doc_ids=(tuple(ids),) * len(family.languages),
        clusters=np.where(is_there, clusters[0], -1),
        chance=np.where(is_there, 0.0, np.nan),
        statistics=np.where(is_there[..., np.newaxis], np.stack(rows), np.nan),
        cell_chance=None,
    )


def _languages(table: ScoreTable, model: str) -> list[str]:
    covered = zip(table.languages, table.covers((model,)), strict=True)
    return [tag for tag, is_covered in covered if is_covered]


def _columns(table: ScoreTable, model: str, ids: Sequence[str]) -> tuple[Any, Any]:
    """Return a model's adjusted scores and the clusters of some docs."""
    place = {doc_id: i for i, doc_id in enumerate(table.doc_ids[0])}
    at = [place[doc_id] for doc_id in ids]
    return adjusted_scores(table)[table.model_index(model)][:, at], table.clusters[:, at]
