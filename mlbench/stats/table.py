"""Which scores are compared? One family as an array model x language x doc, checked on entry.

Everything in `mlbench.stats` starts from a ScoreTable, so that a duplicate, a NaN or docs that
differ between two models are found once, here, and never become a number.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mlbench.errors import DataError, SelectionError, unknown

Kind = Literal["accuracy", "bits", "tokens"]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# The language every moat is measured against.
REFERENCE_LANGUAGE = "en"


@dataclass(frozen=True, slots=True, eq=False)
class CellScores:
    """The scores of one model in one language: `values[i]` is the score of `doc_ids[i]`.

    Accuracy in [0, 1] (0/1, or partial credit); bits and tokens are sums over the whole doc.
    `cluster_ids` None: every doc is its own cluster. `chance` is one number or one a doc.
    """

    model: str
    language: str
    doc_ids: Sequence[str]
    values: Sequence[float] | Floats
    cluster_ids: Sequence[str] | None = None
    chance: float | Sequence[float] | Floats = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class ScoreTable:
    """One family: `values[model, language, doc]`, nan where the doc is not there.

    Models, languages and docs are sorted, so the order of the input changes nothing. In a parallel
    family doc i and cluster code k mean the same in every language; in others each language has
    its own. `clusters[language, doc]` is -1 where the doc is not there.
    """

    family: str
    kind: Kind
    is_parallel: bool
    models: tuple[str, ...]
    languages: tuple[str, ...]
    doc_ids: tuple[tuple[str, ...], ...]
    clusters: Ints
    chance: Floats
    values: Floats

    def model_index(self, model: str) -> int:
        """Find the row of a model."""
        if model not in self.models:
            raise SelectionError(unknown("model", model, self.models, "mlbench list cells RUN"))
        return self.models.index(model)

    def language_index(self, language: str) -> int | None:
        """Find the row of a language, None when the family does not have it."""
        return self.languages.index(language) if language in self.languages else None

    def covers(self, models: Iterable[str]) -> NDArray[np.bool_]:
        """Mark the languages in which every one of these models was scored."""
        rows = [self.model_index(model) for model in models]
        present = ~np.isnan(self.values[rows]).all(axis=2)
        return np.asarray(present.all(axis=0))

    def select(self, languages: Iterable[str]) -> "ScoreTable":
        """Keep only these languages; the ones that are not there are passed over."""
        wanted = set(languages)
        rows = [i for i, language in enumerate(self.languages) if language in wanted]
        return replace(
            self,
            languages=tuple(self.languages[i] for i in rows),
            doc_ids=tuple(self.doc_ids[i] for i in rows),
            clusters=self.clusters[rows],
            chance=self.chance[rows],
            values=self.values[:, rows],
        )

    def with_mean_model(self, name: str, models: Sequence[str]) -> "ScoreTable":
        """Add the average of a set of models as one more model; nan where one of them is."""
        if name in self.models:
            return self
        mean = self.values[[self.model_index(model) for model in models]].mean(axis=0)
        values = np.concatenate([self.values, mean[np.newaxis]])
        return replace(self, models=(*self.models, name), values=values)


class _Docs(NamedTuple):
    """One language of one family, docs sorted by id; `values` by model."""

    ids: tuple[str, ...]
    clusters: tuple[str, ...]
    chance: Floats
    values: dict[str, Floats]


def table_from_cells(
    family: str, cells: Iterable[CellScores], *, kind: Kind = "accuracy", is_parallel: bool = True
) -> ScoreTable:
    """Align the cells of one family by doc id and check them; raises DataError."""
    docs_by_language: dict[str, _Docs] = {}
    for cell in sorted(cells, key=lambda cell: (cell.language, cell.model)):
        _add_cell(docs_by_language, cell, where=f"family {family!r}", kind=kind)
    if not docs_by_language:
        raise DataError(f"family {family!r}: no cell has scores. See: mlbench list cells RUN")
    if is_parallel:
        _check_parallel(family, docs_by_language)
    axes = _parallel_axes(docs_by_language) if is_parallel else _own_axes(docs_by_language)
    return _filled(family, kind, docs_by_language, axes, is_parallel=is_parallel)


class _Axes(NamedTuple):
    """The doc axis of each language, and the cluster code of each place on it."""

    doc_ids: tuple[tuple[str, ...], ...]
    clusters: Ints


def _parallel_axes(docs_by_language: dict[str, _Docs]) -> _Axes:
    """One doc axis for all languages: the sorted union of ids, clusters coded once."""
    cluster_by_id = {
        doc_id: cluster
        for docs in docs_by_language.values()
        for doc_id, cluster in zip(docs.ids, docs.clusters, strict=True)
    }
    ids = tuple(sorted(cluster_by_id))
    codes = np.unique([cluster_by_id[i] for i in ids], return_inverse=True)[1]
    n_languages = len(docs_by_language)
    return _Axes((ids,) * n_languages, np.tile(codes.astype(np.int64), (n_languages, 1)))


def _own_axes(docs_by_language: dict[str, _Docs]) -> _Axes:
    """A doc axis of its own for each language, padded to the longest."""
    all_docs = list(docs_by_language.values())
    clusters = np.full((len(all_docs), max(len(docs.ids) for docs in all_docs)), -1, np.int64)
    for row, docs in enumerate(all_docs):
        clusters[row, : len(docs.ids)] = np.unique(docs.clusters, return_inverse=True)[1]
    return _Axes(tuple(docs.ids for docs in all_docs), clusters)


def _filled(
    family: str, kind: Kind, docs_by_language: dict[str, _Docs], axes: _Axes, *, is_parallel: bool
) -> ScoreTable:
    """Put the values, chance levels and absences of each language at their places."""
    models = tuple(sorted({model for docs in docs_by_language.values() for model in docs.values}))
    values = np.full((len(models), *axes.clusters.shape), np.nan)
    chance = np.full(axes.clusters.shape, np.nan)
    clusters = np.full(axes.clusters.shape, -1, dtype=np.int64)
    position = {doc_id: i for i, doc_id in enumerate(axes.doc_ids[0])}
    for row, docs in enumerate(docs_by_language.values()):
        places = [position[i] for i in docs.ids] if is_parallel else list(range(len(docs.ids)))
        clusters[row, places] = axes.clusters[row, places]
        chance[row, places] = docs.chance
        for model, scores in docs.values.items():
            values[models.index(model), row, places] = scores
    languages = tuple(docs_by_language)
    return ScoreTable(
        family, kind, is_parallel, models, languages, axes.doc_ids, clusters, chance, values
    )


def _add_cell(known: dict[str, _Docs], cell: CellScores, *, where: str, kind: Kind) -> None:
    """Check one cell by itself and against the same language of the models before it."""
    where = f"{where}, language {cell.language!r}"
    docs = _sorted_docs(cell, f"{where}, model {cell.model!r}", kind)
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


def _sorted_docs(cell: CellScores, where: str, kind: Kind) -> _Docs:
    """Sort one cell by doc id and check lengths, duplicates and values."""
    n = len(cell.doc_ids)
    if n == 0:
        raise DataError(f"{where}: the cell has no docs; leave it out")
    clusters = cell.doc_ids if cell.cluster_ids is None else cell.cluster_ids
    values = np.asarray(cell.values, dtype=np.float64)
    if len(clusters) != n or values.shape != (n,):
        raise DataError(f"{where}: {n} doc ids, {len(clusters)} clusters, {values.size} scores")
    chance = np.broadcast_to(np.asarray(cell.chance, dtype=np.float64), (n,))
    order = sorted(range(n), key=cell.doc_ids.__getitem__)
    ids = tuple(cell.doc_ids[i] for i in order)
    for before, after in zip(ids, ids[1:], strict=False):
        if before == after:
            raise DataError(f"{where}: doc {after!r} is there twice; keep one score a doc")
    values = values[order]
    _check_values(values, ids, where, kind)
    if not ((chance >= 0) & (chance < 1)).all():
        raise DataError(f"{where}: a chance level is not in [0, 1)")
    return _Docs(ids, tuple(clusters[i] for i in order), chance[order], {cell.model: values})


def _check_values(values: Floats, ids: tuple[str, ...], where: str, kind: Kind) -> None:
    high = 1.0 if kind == "accuracy" else math.inf
    bad = np.flatnonzero(~(np.isfinite(values) & (values >= 0) & (values <= high)))
    if bad.size:
        allowed = "a number in [0, 1]" if kind == "accuracy" else "a finite number >= 0"
        raise DataError(
            f"{where}: doc {ids[bad[0]]!r} has the score {values[bad[0]]}; {allowed} is needed "
            f"({bad.size} such docs). A doc without a score must be left out of both models."
        )


def _check_parallel(family: str, docs_by_language: dict[str, _Docs]) -> None:
    """Refuse a parallel family whose ids or clusters do not match between languages."""
    longest = max(docs_by_language, key=lambda tag: len(docs_by_language[tag].ids))
    pivot = REFERENCE_LANGUAGE if REFERENCE_LANGUAGE in docs_by_language else longest
    cluster_by_id: dict[str, str] = {}
    for language in (pivot, *docs_by_language):
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
