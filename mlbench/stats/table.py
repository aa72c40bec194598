"""Which scores are compared? One family as an array model x language x doc.

Everything in `mlbench.stats` starts from a ScoreTable; align.table_from_cells makes one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mlbench.errors import DataError, SelectionError, unknown
from mlbench.measures import Measure, pseudo_values
from mlbench.stats.sequential import Looks

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# The language every moat is measured against.
REFERENCE_LANGUAGE = "en"


@dataclass(frozen=True, slots=True, eq=False)
class CellScores:
    """The scores of one model in one language: `values[i]` is the score of `doc_ids[i]`.

    Accuracy in [0, 1] (0/1, or partial credit); bits and tokens are sums over the whole doc. Of a
    measure that is no mean, values[i] are its k statistics of the doc (measures.statistics_of).
    `cluster_ids` None: every doc is its own cluster. `chance` is one number or one per doc; scores
    are adjusted by it. `cell_chance` is what "above chance" means in this cell, where that is more
    (the share of its commonest target); None: the mean of `chance`.
    """

    model: str
    language: str
    doc_ids: Sequence[str]
    values: Sequence[float] | Floats
    cluster_ids: Sequence[str] | None = None
    chance: float | Sequence[float] | Floats = 0.0
    cell_chance: float | None = None


@dataclass(frozen=True, eq=False)
class ScoreTable:
    """One family: `statistics[model, language, doc, k]`, nan where the doc is not there.

    Models, languages and docs are sorted, so the order of the input changes nothing. In a parallel
    family doc i and cluster code k mean the same in every language; in others each language has
    its own. `clusters[language, doc]` is -1 where the doc is not there. `cell_chance` holds, by
    language, what a model has to pass to be above chance; None: the mean of `chance`. Families of
    one `doc_set` have the same docs, and are drawn alike; None: no other family has them.
    `cluster_names[language]` names the clusters by code. `looks` says by language at which look at
    growing docs this is; None: their number was fixed.
    """

    family: str
    measure: Measure
    is_parallel: bool
    models: tuple[str, ...]
    languages: tuple[str, ...]
    doc_ids: tuple[tuple[str, ...], ...]
    clusters: Ints
    chance: Floats
    statistics: Floats
    cell_chance: Floats | None = None
    doc_set: str | None = None
    cluster_names: tuple[tuple[str, ...], ...] = ()
    looks: tuple[Looks | None, ...] | None = None

    @cached_property
    def values(self) -> Floats:
        """Give values[model, language, doc]: the score of each doc, or what it contributes."""
        if self.measure.is_mean:
            return self.statistics[..., 0]
        return pseudo_values(self.statistics, self.measure)

    @property
    def is_there(self) -> NDArray[np.bool_]:
        """Mark the docs that were scored: [model, language, doc]."""
        return ~np.isnan(self.statistics[..., 0])

    @property
    def stream(self) -> str:
        """Name the random stream of the docs."""
        return self.doc_set or self.family

    def model_index(self, model: str) -> int:
        """Find the row of a model."""
        if model not in self.models:
            raise SelectionError(unknown("model", model, self.models, "mlbench list cells RUN"))
        return self.models.index(model)

    def language_index(self, language: str) -> int | None:
        """Find the row of a language, None when the family does not have it."""
        return self.languages.index(language) if language in self.languages else None

    def chance_by_language(self) -> Floats:
        """Give what a model has to pass in each language to be above chance."""
        mean = np.nanmean(self.chance, axis=1)
        return mean if self.cell_chance is None else np.maximum(mean, self.cell_chance)

    def covers(self, models: Iterable[str]) -> NDArray[np.bool_]:
        """Mark the languages in which every one of these models was scored."""
        rows = [self.model_index(model) for model in models]
        present = self.is_there[rows].any(axis=2)
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
            statistics=self.statistics[:, rows],
            cell_chance=None if self.cell_chance is None else self.cell_chance[rows],
            cluster_names=tuple(self.cluster_names[i] for i in rows if self.cluster_names),
            looks=None if self.looks is None else tuple(self.looks[i] for i in rows),
        )

    def with_docs(self, is_kept: NDArray[np.bool_]) -> "ScoreTable":
        """Keep the scores of some docs only: is_kept[language, doc]."""
        kept = is_kept[..., np.newaxis]
        return replace(self, statistics=np.where(kept, self.statistics, np.nan))

    def with_mean_model(self, name: str, models: Sequence[str]) -> "ScoreTable":
        """Add the average of a set of models as one more model; nan where one of them is.

        Raises DataError for a measure that is no mean: sums of several models are no model's.
        """
        if name in self.models:
            return self
        if not self.measure.is_mean:
            raise DataError(
                f"family {self.family!r} is judged by {self.measure.title}, which cannot be "
                f"averaged over {name}; name one model on each side"
            )
        mean = self.statistics[[self.model_index(model) for model in models]].mean(axis=0)
        statistics = np.concatenate([self.statistics, mean[np.newaxis]])
        return replace(self, models=(*self.models, name), statistics=statistics)
