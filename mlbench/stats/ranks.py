"""In which order are the models, and which of them cannot be told apart?

Places follow the weighted mean over languages, not single languages, so that only one column a
model has to be resampled: languages with the same docs and the same weight are added up first.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

import numpy as np

from mlbench.errors import DataError
from mlbench.measures import Measure
from mlbench.stats.aggregates import complete_block
from mlbench.stats.bootstrap import (
    Resampling,
    cluster_sums,
    equal_draws,
    on_exact_grid,
    replicate_means,
    resample,
    weights_of,
)
from mlbench.stats.contrast import Contrast, interval_of, two_sided_p
from mlbench.stats.multiplicity import holm
from mlbench.stats.pairs import adjusted_scores, common_chance, stream_names
from mlbench.stats.table import Floats, Ints, ScoreTable


class Rank(NamedTuple):
    """Place of a model: `rank` is shared by models that cannot be separated; places low to high.

    `score_low` and `score_high` are the ends of the interval of `score`.
    """

    model: str
    score: float
    rank: int
    low: int
    high: int
    score_low: float
    score_high: float


@dataclass(frozen=True, slots=True, eq=False)
class MacroMeans:
    """Weighted means of models over languages, with replicates (replicates x models).

    `n_draws` are the equal clusters that its clusters are worth (bootstrap.equal_draws),
    `unequal[i, j]` the clusters in which models i and j do not score the same. `is_amount`: the
    means are negated amounts without an upper end (bits), so their logarithm has the interval.
    `reach` is the most that one doc out of n can move n times a mean; None: nothing bounds it.
    """

    estimate: Floats
    replicates: Floats
    n_clusters: int
    n_draws: float
    unequal: Ints
    is_amount: bool = False
    reach: float | None = None


class Ranking(NamedTuple):
    """Models by score, best first; `ties` are the longest runs of models of which no two are apart.

    Runs may overlap: a model between two others can be apart from neither.
    """

    ranks: tuple[Rank, ...]
    ties: tuple[tuple[str, ...], ...]


def macro_ranks(table: ScoreTable, models: Sequence[str], resampling: Resampling) -> list[Rank]:
    """Rank models by macro mean over their complete block, best first (see `rank_models`).

    Bits count as negative scores, so that the fewest are first.
    """
    table = table.select(complete_block(table, models).languages)
    if not table.languages:
        raise DataError(f"family {table.family!r}: no language has all of {', '.join(models)}")
    even = np.full((1, len(table.languages)), 1 / len(table.languages))
    (means,) = macro_means(table, models, even, resampling)
    return list(rank_models(models, means, resampling).ranks)


def macro_means(
    table: ScoreTable, models: Sequence[str], weights: Floats, resampling: Resampling
) -> list[MacroMeans]:
    """Resample the weighted means of a family over its languages, once for all weightings.

    weights[weighting, language] need not sum to one, so that families can be added up. Accuracy is
    adjusted for chance, and a measure of which less is better is negated. All models must have all
    languages.
    """
    chance = common_chance(table)
    scores = adjusted_scores(table) if chance is None else table.statistics
    rows = scores[[table.model_index(model) for model in models]]
    draw = _draw if table.measure.is_mean else partial(_draw_values, measure=table.measure)
    if table.is_parallel:
        draws = [draw(rows, table.clusters.max(axis=0), weights, table.stream, resampling)]
    else:
        draws = [
            draw(rows[:, [i]], table.clusters[i], weights[:, [i]], name, resampling)
            for i, name in enumerate(stream_names(table))
        ]
    c, sign = chance or 0.0, table.measure.sign
    # What is unseen counts as the same in all languages where nothing varies (mean_floor).
    doc_reach = table.measure.doc_reach
    return [
        MacroMeans(
            sign * (sum(d.estimate[k] for d in draws) - c * weights[k].sum()) / (1 - c),
            sign * (sum(d.replicates[k] for d in draws) - c * weights[k].sum()) / (1 - c),
            max(d.n_clusters for d in draws),
            max(d.n_draws for d in draws),
            np.max([d.unequal for d in draws], axis=0),
            table.measure.is_amount,
            None if doc_reach is None else doc_reach * float(np.abs(weights[k]).sum()) / (1 - c),
        )
        for k in range(len(weights))
    ]


def add_means(parts: Sequence[MacroMeans]) -> MacroMeans:
    """Add up the parts of a mean that goes over several families, which are drawn independently."""
    return MacroMeans(
        np.sum([part.estimate for part in parts], axis=0),
        np.sum([part.replicates for part in parts], axis=0),
        sum(part.n_clusters for part in parts),
        sum(part.n_draws for part in parts),
        np.sum([part.unequal for part in parts], axis=0),
        all(part.is_amount for part in parts),
        _sum_of_reaches([part.reach for part in parts]),
    )


def _sum_of_reaches(reaches: Sequence[float | None]) -> float | None:
    known = [reach for reach in reaches if reach is not None]
    return sum(known) if len(known) == len(reaches) else None


class _Draw(NamedTuple):
    """One stream: estimate[weighting] and replicates[weighting], each with a column a model."""

    estimate: list[Floats]
    replicates: list[Floats]
    n_clusters: int
    n_draws: float
    unequal: Ints


def _draw(
    rows: Floats, clusters: Ints, weights: Floats, name: str, resampling: Resampling
) -> _Draw:
    """Resample the means of rows[model, language, doc, 1] over the clusters of one stream."""
    n_models, n_languages, n_docs, _ = rows.shape
    sums, counts = cluster_sums(rows[..., 0].reshape(-1, n_docs), clusters)
    by_language = sums.reshape(len(sums), n_models, n_languages)
    groups = _alike(counts[:, :n_languages], weights)
    totals = np.stack([by_language[:, :, group].sum(axis=2) for group in groups], axis=1)
    totals = on_exact_grid(totals.transpose(1, 2, 0)).transpose(2, 0, 1)
    docs = np.repeat(counts[:, [group[0] for group in groups]], n_models, axis=1)
    flat = totals.reshape(len(sums), -1)
    draws = weights_of(name, len(sums), resampling)
    means = replicate_means(flat, docs, draws=draws, replicates=resampling.replicates)
    shape = (len(groups), n_models)
    share = weights[:, [group[0] for group in groups]]
    estimate = (flat.sum(axis=0) / docs.sum(axis=0)).reshape(shape)
    replicates = means.reshape(-1, *shape)
    differences = totals[:, :, :, np.newaxis] != totals[:, :, np.newaxis, :]
    size = counts.sum(axis=1, keepdims=True)
    return _Draw(
        [w @ estimate for w in share],
        list(_weighted(replicates, share)),
        int(np.count_nonzero(size)),
        float(equal_draws(size, size)[0]),
        differences.any(axis=1).sum(axis=0),
    )


def _weighted(replicates: Floats, weights: Floats) -> Floats:
    """Give weights[weighting, group] times replicates[replicate, group, model], all in one product.

    A group of weight zero says nothing, also where a draw has no doc of it.
    """
    n_replicates, n_groups, n_models = replicates.shape
    columns = replicates.transpose(1, 0, 2).reshape(n_groups, -1)
    missing = np.isnan(columns)
    found = weights @ np.where(missing, 0.0, columns)
    if missing.any():
        found[(weights != 0).astype(np.float64) @ missing > 0] = np.nan
    return np.asarray(found.reshape(-1, n_replicates, n_models))


def _draw_values(  # noqa: PLR0913  (as _draw, and the measure)
    rows: Floats,
    clusters: Ints,
    weights: Floats,
    name: str,
    resampling: Resampling,
    *,
    measure: Measure,
) -> _Draw:
    """Resample values that are no means, of rows[model, language, doc, k], language by language."""
    languages = np.broadcast_to(clusters, (rows.shape[1], len(clusters)))
    drawn = resample(rows, languages, names=name, resampling=resampling, measure=measure)
    by_model = np.moveaxis(rows, -1, 1).reshape(len(rows), -1, len(clusters))
    totals = np.stack([cluster_sums(columns, clusters)[0] for columns in by_model])
    differences = (totals[:, np.newaxis] != totals[np.newaxis]).any(axis=-1)
    return _Draw(
        [drawn.means @ w for w in weights],
        [drawn.replicates @ w for w in weights],
        int(drawn.n_clusters.max()),
        float(drawn.n_draws.max()),
        differences.sum(axis=-1),
    )


def _alike(counts: Floats, weights: Floats) -> list[list[int]]:
    """Group the languages that have the same docs in each cluster and the same weights."""
    groups: dict[tuple[bytes, bytes], list[int]] = {}
    for i in range(counts.shape[1]):
        key = (counts[:, i].tobytes(), weights[:, i].tobytes())
        groups.setdefault(key, []).append(i)
    return list(groups.values())


def rank_models(models: Sequence[str], means: MacroMeans, resampling: Resampling) -> Ranking:
    """Rank models by score, best first, with the places that each can have.

    Its best place is 1 + the models that are better by Holm over all pairs, its worst is the
    number of models less those that are worse (simultaneous sets for ranks: Mogstad, Romano, Shaikh
    & Wilhelm, Review of Economic Studies 91, 2024). Its rank is the best place.
    """
    is_better = _is_better(means, 1 - resampling.level)
    low, high = _intervals(means, resampling.level)
    best, worst = 1 + is_better.sum(axis=0), len(models) - is_better.sum(axis=1)
    order = sorted(range(len(models)), key=lambda i: (-means.estimate[i], models[i]))
    ranks = [
        Rank(
            models[i],
            float(means.estimate[i]),
            int(best[i]),
            int(best[i]),
            int(worst[i]),
            float(low[i]),
            float(high[i]),
        )
        for i in order
    ]
    return Ranking(tuple(ranks), _ties(models, order, is_better | is_better.T))


def _intervals(means: MacroMeans, level: float) -> Floats:
    """Give the interval of each mean; of amounts that of the logarithm, as a few docs hold much."""
    if not means.is_amount:
        return interval_of(single_means(means), level)
    logs = replace(means, estimate=np.log(-means.estimate), replicates=np.log(-means.replicates))
    low, high = interval_of(single_means(logs), level)
    return np.stack([-np.exp(high), -np.exp(low)])


def single_means(means: MacroMeans) -> Contrast:
    """Return the means as effects of their own: intervals, floors and draws of each."""
    n = np.full(len(means.estimate), means.n_clusters, dtype=np.int64)
    names, n_draws = tuple(map(str, range(len(n)))), np.full(len(n), means.n_draws)
    single = Contrast(names, means.estimate, means.replicates, n, n, n, n, n_draws=n_draws)
    return single if means.reach is None else single.with_floor_where_blind(means.reach)


def _is_better(means: MacroMeans, alpha: float) -> np.ndarray:
    """Mark is_better[i, j]: model i is better than j after Holm over all pairs."""
    n_models = len(means.estimate)
    first, second = np.triu_indices(n_models, 1)
    n = np.full(len(first), means.n_clusters, dtype=np.int64)
    pairs = Contrast(
        tuple(map(str, first)),
        means.estimate[first] - means.estimate[second],
        means.replicates[:, first] - means.replicates[:, second],
        n,
        n,
        means.unequal[first, second],
        n,
        n_draws=np.full(len(n), means.n_draws),
    )
    pairs = pairs if means.reach is None else pairs.with_floor_where_blind(means.reach)
    is_apart = holm(two_sided_p(pairs)) <= alpha
    is_better = np.zeros((n_models, n_models), dtype=bool)
    is_better[first, second] = is_apart & (pairs.estimate > 0)
    is_better[second, first] = is_apart & (pairs.estimate < 0)
    return is_better


def _ties(
    models: Sequence[str], order: Sequence[int], is_apart: np.ndarray
) -> tuple[tuple[str, ...], ...]:
    """Find the longest runs, in order of the scores, of which no two models are apart."""
    ties, end = [], 0
    for start in range(len(order)):
        stop = start + 1
        while stop < len(order) and not is_apart[order[stop], list(order[start:stop])].any():
            stop += 1
        if stop - start > 1 and stop > end:
            ties.append(tuple(models[i] for i in order[start:stop]))
        end = max(end, stop)
    return tuple(ties)
