"""Which scores are compared? One family as an array model x language x doc.

Everything in `mlbench.stats` starts from a ScoreTable; align.table_from_cells makes one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mlbench.errors import SelectionError, unknown

Kind = Literal["accuracy", "bits", "tokens"]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# The language every moat is measured against.
REFERENCE_LANGUAGE = "en"


@dataclass(frozen=True, slots=True, eq=False)
class CellScores:
    """The scores of one model in one language: `values[i]` is the score of `doc_ids[i]`.

    Accuracy in [0, 1] (0/1, or partial credit); bits and tokens are sums over the whole doc.
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


@dataclass(frozen=True, slots=True, eq=False)
class ScoreTable:
    """One family: `values[model, language, doc]`, nan where the doc is not there.

    Models, languages and docs are sorted, so the order of the input changes nothing. In a parallel
    family doc i and cluster code k mean the same in every language; in others each language has
    its own. `clusters[language, doc]` is -1 where the doc is not there. `cell_chance` holds, by
    language, what a model has to pass to be above chance; None: the mean of `chance`.
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
    cell_chance: Floats | None = None

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
            cell_chance=None if self.cell_chance is None else self.cell_chance[rows],
        )

    def with_docs(self, is_kept: NDArray[np.bool_]) -> "ScoreTable":
        """Keep the scores of some docs only: is_kept[language, doc]."""
        return replace(self, values=np.where(is_kept, self.values, np.nan))

    def with_mean_model(self, name: str, models: Sequence[str]) -> "ScoreTable":
        """Add the average of a set of models as one more model; nan where one of them is."""
        if name in self.models:
            return self
        mean = self.values[[self.model_index(model) for model in models]].mean(axis=0)
        values = np.concatenate([self.values, mean[np.newaxis]])
        return replace(self, models=(*self.models, name), values=values)
