"""Do the cells of a family fit together? Scores of many cells become one checked ScoreTable.

A duplicate, a NaN, or docs that differ between two models are found once, here, with a message
that says where, and never become a number.
"""

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from mlbench.errors import DataError
from mlbench.measures import ACC, Measure
from mlbench.stats.table import REFERENCE_LANGUAGE, CellScores, Floats, Ints, ScoreTable


class _Order(NamedTuple):
    """Ids and clusters of docs sorted by id, and where each was before."""

    ids: tuple[str, ...]
    clusters: tuple[str, ...]
    places: Ints


# Ids and clusters as the cells have them. Most cells of a family have the same, sorted once.
_Orders = dict[tuple[tuple[str, ...], tuple[str, ...]], _Order]


class _Docs(NamedTuple):
    """One language of one family, docs sorted by id; `values` by model."""

    ids: tuple[str, ...]
    clusters: tuple[str, ...]
    chance: Floats
    values: dict[str, Floats]
    cell_chance: float


def table_from_cells(
    family: str,
    cells: Iterable[CellScores],
    *,
    measure: Measure = ACC,
    is_parallel: bool = True,
    doc_set: str | None = None,
) -> ScoreTable:
    """Align the cells of one family by doc id and check them; raises DataError."""
    docs_by_language: dict[str, _Docs] = {}
    orders: _Orders = {}
    for cell in sorted(cells, key=lambda cell: (cell.language, cell.model)):
        _add_cell(docs_by_language, cell, orders, where=f"family {family!r}", measure=measure)
    if not docs_by_language:
        raise DataError(f"family {family!r}: no cell has scores. See: mlbench list cells RUN")
    if is_parallel:
        _check_parallel(family, docs_by_language)
    axes = _parallel_axes(docs_by_language) if is_parallel else _own_axes(docs_by_language)
    table = _filled(family, measure, docs_by_language, axes, is_parallel=is_parallel)
    return replace(table, doc_set=doc_set)


class _Axes(NamedTuple):
    """The doc axis of each language, the cluster code of each place on it, and their names."""

    doc_ids: tuple[tuple[str, ...], ...]
    clusters: Ints
    names: tuple[tuple[str, ...], ...]


def _parallel_axes(docs_by_language: dict[str, _Docs]) -> _Axes:
    """One doc axis for all languages: the sorted union of ids, clusters coded once."""
    cluster_by_id: dict[str, str] = {}
    for ids_there, clusters in {docs[:2] for docs in docs_by_language.values()}:
        cluster_by_id |= zip(ids_there, clusters, strict=True)
    ids = tuple(sorted(cluster_by_id))
    names, codes = np.unique([cluster_by_id[i] for i in ids], return_inverse=True)
    n = len(docs_by_language)
    return _Axes((ids,) * n, np.tile(codes.astype(np.int64), (n, 1)), (tuple(names.tolist()),) * n)


def _own_axes(docs_by_language: dict[str, _Docs]) -> _Axes:
    """A doc axis of its own for each language, padded to the longest."""
    all_docs = list(docs_by_language.values())
    clusters = np.full((len(all_docs), max(len(docs.ids) for docs in all_docs)), -1, np.int64)
    names = []
    for row, docs in enumerate(all_docs):
        own, codes = np.unique(docs.clusters, return_inverse=True)
        clusters[row, : len(docs.ids)] = codes
        names.append(tuple(own.tolist()))
    return _Axes(tuple(docs.ids for docs in all_docs), clusters, tuple(names))


def _filled(
    family: str,
    measure: Measure,
    docs_by_language: dict[str, _Docs],
    axes: _Axes,
    *,
    is_parallel: bool,
) -> ScoreTable:
    """Put the values, chance levels and absences of each language at their places."""
    models = tuple(sorted({model for docs in docs_by_language.values() for model in docs.values}))
    every = (scores for docs in docs_by_language.values() for scores in docs.values.values())
    n_statistics = max(scores.shape[1] for scores in every)
    values = np.full((len(models), *axes.clusters.shape, n_statistics), np.nan)
    chance = np.full(axes.clusters.shape, np.nan)
    clusters = np.full(axes.clusters.shape, -1, dtype=np.int64)
    position = {doc_id: i for i, doc_id in enumerate(axes.doc_ids[0])}
    places_of: dict[tuple[str, ...], Ints] = {}
    for row, docs in enumerate(docs_by_language.values()):
        if docs.ids not in places_of:
            own = [position[i] for i in docs.ids] if is_parallel else range(len(docs.ids))
            places_of[docs.ids] = np.array(own)
        places = places_of[docs.ids]
        clusters[row, places] = axes.clusters[row, places]
        chance[row, places] = docs.chance
        for model, scores in docs.values.items():
            # A language with fewer labels has none of the others.
            values[models.index(model), row, places] = 0.0
            values[models.index(model), row, places, : scores.shape[1]] = scores
    languages = tuple(docs_by_language)
    return ScoreTable(
        family,
        measure,
        is_parallel,
        models,
        languages,
        axes.doc_ids,
        clusters,
        chance,
        values,
        np.array([docs.cell_chance for docs in docs_by_language.values()]),
        cluster_names=axes.names,
    )


def _add_cell(
    known: dict[str, _Docs], cell: CellScores, orders: _Orders, *, where: str, measure: Measure
) -> None:
    """Check one cell by itself and against the same language of the models before it."""
    where = f"{where}, language {cell.language!r}"
    docs = _sorted_docs(cell, orders, f"{where}, model {cell.model!r}", measure)
    before = known.setdefault(cell.language, docs)
    if before is docs:
        return
    if cell.model in before.values:
        raise DataError(f"{where}: model {cell.model!r} has two cells; give one cell a model")
    first = next(iter(before.values))
    if before.ids != docs.ids:
        only_first = sorted(set(before.ids) - set(docs.ids))
        only_this = sorted(set(docs.ids) - set(before.ids))
        raise DataError(
            f"{where}: models {first!r} and {cell.model!r} were not scored on the same docs "
            f"({len(only_first)} only in {first!r}{_example(only_first)}, {len(only_this)} only in "
            f"{cell.model!r}{_example(only_this)}). Run both with the same --limit and version."
        )
    same_chance = np.array_equal(before.chance, docs.chance)
    if before.clusters != docs.clusters or not same_chance:
        what = "clusters" if same_chance else "chance levels"
        raise DataError(f"{where}: {what} differ between {first!r} and {cell.model!r}")
    before.values[cell.model] = docs.values[cell.model]


def _example(ids: list[str]) -> str:
    return f", first {ids[0]!r}" if ids else ""


def _sorted_docs(cell: CellScores, orders: _Orders, where: str, measure: Measure) -> _Docs:
    """Sort one cell by doc id and check lengths, duplicates and values."""
    n = len(cell.doc_ids)
    if n == 0:
        raise DataError(f"{where}: the cell has no docs; leave it out")
    clusters = cell.doc_ids if cell.cluster_ids is None else cell.cluster_ids
    values = np.asarray(cell.values, dtype=np.float64)
    if values.ndim < 2:
        values = values[:, np.newaxis]
    if len(clusters) != n or len(values) != n:
        raise DataError(f"{where}: {n} doc ids, {len(clusters)} clusters, {len(values)} scores")
    chance = np.broadcast_to(np.asarray(cell.chance, dtype=np.float64), (n,))
    names = (tuple(cell.doc_ids), tuple(clusters))
    if names not in orders:
        orders[names] = _order_of(*names, where)
    ids, sorted_clusters, places = orders[names]
    values = values[places]
    _check_values(values, ids, where, measure)
    if not ((chance >= 0) & (chance < 1)).all():
        raise DataError(f"{where}: a chance level is not in [0, 1)")
    own = float(chance.mean()) if cell.cell_chance is None else cell.cell_chance
    return _Docs(ids, sorted_clusters, chance[places], {cell.model: values}, own)


def _order_of(doc_ids: tuple[str, ...], clusters: tuple[str, ...], where: str) -> _Order:
    places = sorted(range(len(doc_ids)), key=doc_ids.__getitem__)
    ids = tuple(doc_ids[i] for i in places)
    for before, after in zip(ids, ids[1:], strict=False):
        if before == after:
            raise DataError(f"{where}: doc {after!r} is there twice; keep one score a doc")
    return _Order(ids, tuple(clusters[i] for i in places), np.array(places))


def _check_values(values: Floats, ids: tuple[str, ...], where: str, measure: Measure) -> None:
    """Refuse a score out of the measure's range; statistics of other measures must be finite."""
    low, high = (measure.low, measure.high) if measure.is_mean else (-math.inf, math.inf)
    # What is not a number is within no bounds.
    if low <= values.min() and values.max() <= high and math.isfinite(values.max() - values.min()):
        return
    is_fine = np.isfinite(values)
    allowed = "a finite number"
    if measure.is_mean:
        is_fine &= (values >= measure.low) & (values <= measure.high)
        bounds = (measure.low, measure.high)
        allowed = f"a number in [{bounds[0]:g}, {bounds[1]:g}]"
        if not math.isfinite(measure.high):
            allowed = f"a finite number >= {measure.low:g}"
    bad = np.flatnonzero(~is_fine.all(axis=1))
    if bad.size:
        raise DataError(
            f"{where}: doc {ids[bad[0]]!r} has the score {values[bad[0]][0]}; {allowed} is needed "
            f"({bad.size} such docs). A doc without a score must be left out of both models."
        )


def _check_parallel(family: str, docs_by_language: dict[str, _Docs]) -> None:
    """Refuse a parallel family whose ids or clusters do not match between languages."""
    longest = max(docs_by_language, key=lambda tag: len(docs_by_language[tag].ids))
    pivot = REFERENCE_LANGUAGE if REFERENCE_LANGUAGE in docs_by_language else longest
    cluster_by_id: dict[str, str] = {}
    # Languages with the same docs are checked once.
    languages = {docs_by_language[tag][:2]: tag for tag in (*reversed(docs_by_language), pivot)}
    for language in (pivot, *reversed(languages.values())):
        docs = docs_by_language[language]
        if not set(docs.ids) & set(docs_by_language[pivot].ids):
            raise DataError(
                f"family {family!r} is parallel, but {language!r} shares no doc id with {pivot!r} "
                f"({docs.ids[:1]!r} against {docs_by_language[pivot].ids[:1]!r}). Give parallel "
                "docs the same id in every language, or declare the family as not parallel."
            )
        for doc_id, cluster in zip(docs.ids, docs.clusters, strict=True):
            if cluster_by_id.setdefault(doc_id, cluster) != cluster:
                raise DataError(
                    f"family {family!r} is parallel, but doc {doc_id!r} is in cluster {cluster!r} "
                    f"in {language!r} and in {cluster_by_id[doc_id]!r} before"
                )
