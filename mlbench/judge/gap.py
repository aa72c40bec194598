"""Does the lead grow as resources shrink? The slope of the moat on the resource class."""

from collections.abc import Mapping

import numpy as np

from mlbench.judge.effects import Effect, effect_of, undefined
from mlbench.records import Language
from mlbench.stats.aggregates import FEWEST_LANGUAGE_FAMILIES, draw_languages, group_names
from mlbench.stats.bootstrap import Resampling
from mlbench.stats.contrast import Contrast
from mlbench.stats.table import Floats
from mlbench.stats.unseen import mean_floor, vary


def gap_effect(
    moat: Contrast | None,
    facts: Mapping[str, Language],
    *,
    margin: float,
    resampling: Resampling,
) -> Effect:
    """Return minus the least-squares slope of D on resource class: points per class fewer.

    Replicates draw docs, language families and the languages in them (aggregates.sampled_mean), as
    neighbours share both resources and results. Languages without a published class are left out.
    """
    if moat is None:
        return undefined("no moat is defined", margin)
    class_by_tag = {tag: facts[tag].resource_class for tag in moat.languages if tag in facts}
    rows = [i for i, tag in enumerate(moat.languages) if class_by_tag.get(tag) is not None]
    moat = moat.take(rows)
    classes = np.array([class_by_tag[tag] for tag in moat.languages], dtype=np.float64)
    families, codes = np.unique(group_names(moat.languages, facts, "family"), return_inverse=True)
    if len(set(classes)) < 2 or len(families) < FEWEST_LANGUAGE_FAMILIES:
        found = f"{len(families)} language families and {len(set(classes))} resource classes"
        return undefined(
            f"it needs 3 language families and 2 resource classes, not {found}", margin
        )
    weights = draw_languages(tuple(codes.tolist()), resampling)
    slopes = _slopes(classes, moat.replicates, weights)
    n = np.full(1, len(families), dtype=np.int64)
    estimate = _slopes(classes, moat.estimate[np.newaxis], np.ones((1, len(classes))))
    share = (classes - classes.mean()) / ((classes - classes.mean()) ** 2).sum()
    varies = bool(vary(slopes[:, np.newaxis])[0])
    contrast = Contrast(
        ("",),
        -estimate,
        -slopes[:, np.newaxis],
        moat.n_docs.max(keepdims=True),
        n,
        np.minimum(moat.n_unequal.max(keepdims=True), n),
        moat.n_seen.max(keepdims=True),
        moat.doc_reach * float(np.abs(share).sum()),
        None if moat.floor is None else mean_floor(moat.floor, share, varies=varies),
        # More language families than docs make no docs.
        n_draws=np.minimum(n, moat.draws.min()),
    )
    return effect_of(
        contrast,
        margin,
        resampling=resampling,
        n_languages=len(classes),
        method="slope, languages as a sample",
    )


def _slopes(x: Floats, y: Floats, weights: Floats) -> Floats:
    """Return the weighted least-squares slope of each row; nan where only one class was drawn."""
    total = weights.sum(axis=1, keepdims=True)
    deviation = x - (weights @ x)[:, np.newaxis] / total
    spread = (weights * deviation**2).sum(axis=1)
    spread[spread < 1e-12] = np.nan
    return np.asarray((weights * deviation * y).sum(axis=1) / spread)
