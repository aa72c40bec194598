"""How are the samples of a stored cell held? As columns on a shelf; as objects when asked.

A report reads a million docs and wants their ids and scores only: columns give them
without making an object a doc, and who asks for the state of a cell reads no column at all. The
objects are those of mlbench.measures.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields
from functools import cached_property, lru_cache
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from mlbench.measures import (
    ChoiceSample,
    Columns,
    Likelihoods,
    ReplySample,
    Sample,
    ScoreSample,
    TargetSample,
    TextSample,
    doc_scores,
    measure_of,
    predict,
    statistics_of,
    taken_of,
)
from mlbench.measures.samples import Array, PerChoice, padded
from mlbench.store.shelf import STATISTICS, Shelf, Stored, digest_of, ties_of, trimmed

Floats = NDArray[np.float64]
_LISTS = ("choices", "loglikelihoods", "calibration", "n_tokens", "label_means")
_OPTIONAL = {"calibration", "n_tokens", "label_means", "statistics"}
# The column that tells a kind of sample; without any of them it is a ChoiceSample.
_KIND_BY_COLUMN: dict[str, type[Any]] = {
    "n_bytes": TextSample,
    "reply": ReplySample,
    "score": ScoreSample,
    "is_greedy": TargetSample,
}


@lru_cache
def _kind_of(columns: tuple[str, ...]) -> type[Any]:
    """Return the kind of samples that has these columns. Raises ValueError for other columns."""
    names = {name for name in columns if not name.startswith(STATISTICS)}
    kind = next((_KIND_BY_COLUMN[name] for name in _KIND_BY_COLUMN if name in names), ChoiceSample)
    known = {field.name for field in fields(kind)}
    if known - names - _OPTIONAL or names - known:
        raise ValueError(f"its columns are {', '.join(sorted(names))}")
    return kind


class SampleColumns(Sequence[Sample], Columns):
    """The samples of one cell, equal to the tuple of them; its table is read when asked.

    It lies at a place of a shelf with cells like it, or alone. Raises ValueError if its columns are
    not those of a kind of sample.
    """

    def __init__(self, stored: Stored) -> None:
        """Tell the kind of samples from the columns."""
        self.stored = stored
        self._kind = _kind_of(stored.columns)
        self.place, self.shelf = 0, Shelf([stored], is_choice=self._kind is ChoiceSample)

    @cached_property
    def _samples(self) -> tuple[Sample, ...]:
        return self._make(self.stored.read())

    def _make(self, table: Any) -> tuple[Sample, ...]:
        rows = table.to_pylist()
        if self._kind is ReplySample:
            return tuple(_reply(row) for row in rows)
        if self._kind is not ChoiceSample:
            return tuple(self._kind(**row) for row in rows)
        return tuple(
            ChoiceSample(**{**row, **{k: tuple(row.get(k) or ()) for k in _LISTS}}) for row in rows
        )

    def take(self, places: Sequence[int]) -> tuple[Sample, ...]:
        """Make the samples at some places only."""
        return self._make(self.stored.read().take(list(places)))

    def __len__(self) -> int:
        return self.stored.n_rows

    @overload
    def __getitem__(self, index: int) -> Sample: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Sample, ...]: ...
    def __getitem__(self, index: int | slice) -> Sample | tuple[Sample, ...]:
        return self._samples[index]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, tuple | SampleColumns) and self._samples == tuple(other)

    @property
    def _docs(self) -> slice:
        return self.shelf.docs_of[self.place]

    @property
    def _alone(self) -> Shelf:
        return Shelf([self.stored], is_choice=self.shelf.is_choice)

    def made(self, name: str, make: Callable[[Columns], Array | None]) -> Array | None:
        """Return what is made of all docs of the shelf, or where that cannot be, of this cell's."""
        kept = self.shelf.keep(name, make)
        return make(self) if kept is None else kept.part(self._docs)

    @property
    def doc_ids(self) -> tuple[str, ...]:
        """Give the id of each doc."""
        return self.shelf.ids[self.place]

    @property
    def cluster_ids(self) -> tuple[str, ...]:
        """Give the cluster of each doc."""
        return self.shelf.clusters[self.place]

    def numbers(self, name: str) -> Floats | None:
        """Give one number a doc, None where samples of this kind have none of that name."""
        kept = self.shelf.keep(name, lambda shelf: shelf.numbers(name))
        return None if kept is None else kept.part(self._docs)

    def stored_statistics(self, measure: str) -> Floats | None:
        """Give docs x k statistics that were stored, None where they were not."""
        kept = self.shelf.keep(f"stored {measure}", lambda s: s.stored_statistics(measure))
        return None if kept is None else kept.part(self._docs)

    @property
    def likelihoods(self) -> Likelihoods:
        """Give those of a stored text as one choice, of other samples as none."""
        return self._alone.likelihoods

    def by_choice(self, name: PerChoice) -> Likelihoods:
        """Give a list of numbers that each doc has; of no width where it is not known."""
        if name != "n_tokens":
            return self._alone.by_choice(name)
        values = self.shelf.keep("tokens", Shelf.find_tokens)
        widths = self.shelf.keep("choices", Shelf.count_choices)
        assert values is not None and widths is not None
        return trimmed(Likelihoods(values.part(self._docs), widths.part(self._docs)))

    @property
    def labels(self) -> tuple[str, ...] | None:
        """Give the choices if they are the same in every doc, else None."""
        return self.shelf.labels[self.place]

    @property
    def targets(self) -> NDArray[np.int64] | None:
        """Give the right choice of each doc; None for samples without choices."""
        kept = self.shelf.keep("target", Shelf.find_targets)
        return None if kept is None else kept.part(self._docs)

    @property
    def ties(self) -> NDArray[np.bool_] | None:
        """Mark the docs of which two choices tied; None for samples without choices."""
        kept = self.shelf.keep("tied", Shelf.find_ties)
        return None if kept is None else kept.part(self._docs)

    @property
    def digest(self) -> bytes:
        """Digest the ids and log-likelihoods of the docs; empty where there are none."""
        return self.shelf.digests[self.place]


def lay_on_shelves(cells: Iterable[tuple[SampleColumns, Iterable[str]]]) -> None:
    """Lay cells of one model and family together by their columns, each with its metrics."""
    groups: dict[tuple[str, ...], list[tuple[SampleColumns, Iterable[str]]]] = {}
    for cell in cells:
        groups.setdefault(cell[0].stored.columns, []).append(cell)
    for group in groups.values():
        parts = [samples.stored for samples, _ in group]
        metrics = [name for _, names in group for name in names]
        shelf = Shelf(parts, is_choice=group[0][0].shelf.is_choice, metrics=metrics)
        for place, (samples, _) in enumerate(group):
            samples.place, samples.shelf = place, shelf


def likelihoods_of(samples: Sequence[Sample]) -> Likelihoods:
    """Give the log-likelihoods of a cell; those of a text as one choice, of a score as none."""
    if isinstance(samples, SampleColumns):
        return samples.likelihoods
    rows = [
        s.loglikelihoods
        if isinstance(s, ChoiceSample)
        else (s.loglikelihood,)
        if isinstance(s, TextSample | TargetSample)
        else ()
        for s in samples
    ]
    values = np.array([value for row in rows for value in row], dtype=np.float64)
    return padded(values, np.array([len(row) for row in rows], dtype=np.int64))


def likelihoods_digest(samples: Sequence[Sample]) -> bytes:
    """Digest ids and log-likelihoods of the docs of a cell; empty where there are none."""
    if isinstance(samples, SampleColumns):
        return samples.digest
    return digest_of(likelihoods_of(samples), doc_ids_of(samples))


def tied_in(samples: Sequence[Sample]) -> NDArray[np.bool_]:
    """Mark the docs of which two choices have the same, highest log-likelihood to the last bit."""
    if isinstance(samples, SampleColumns) and (found := samples.ties) is not None:
        return found
    return ties_of(likelihoods_of(samples))


def taken_by(samples: Sequence[Sample], rule: str) -> NDArray[np.int64] | None:
    """Give what a rule takes on each doc; None for samples without choices."""
    if isinstance(samples, SampleColumns):
        taken = taken_of(samples, rule)
        if taken is not None:
            return taken
    docs = [sample for sample in samples if isinstance(sample, ChoiceSample)]
    if len(docs) < len(samples):
        return None
    return np.array([predict(doc, rule) for doc in docs], dtype=np.int64)


def _reply(row: dict[str, Any]) -> ReplySample:
    own = {name: row[name] for name in row if not name.startswith(STATISTICS)}
    stored = {name.removeprefix(STATISTICS): tuple(row[name]) for name in row if name not in own}
    return ReplySample(**own, statistics=stored)


def labels_of(samples: Sequence[Sample]) -> tuple[str, ...] | None:
    """Give the choices of a cell if they are the same in every doc, else None."""
    if isinstance(samples, SampleColumns):
        return samples.labels
    found = {s.choices if isinstance(s, ChoiceSample) else () for s in samples}
    return next(iter(found)) or None if len(found) == 1 else None


def targets_of(samples: Sequence[Sample]) -> NDArray[np.int64] | None:
    """Give the right choice of each doc; None unless all docs have choices."""
    if isinstance(samples, SampleColumns):
        return samples.targets
    targets = [s.target for s in samples if isinstance(s, ChoiceSample)]
    return np.array(targets, dtype=np.int64) if len(targets) == len(samples) else None


def target_counts_of(samples: Sequence[Sample]) -> NDArray[np.int64] | None:
    """Count how often each label is the target; None unless all docs have the same labels."""
    if isinstance(samples, SampleColumns):
        return samples.shelf.target_counts[samples.place]
    targets = None if labels_of(samples) is None else targets_of(samples)
    return None if targets is None else np.bincount(targets)


def scores_of(samples: Sequence[Sample], metric: str) -> Floats:
    """Give the score of each doc by a measure that docs have (measures.doc_scores)."""
    if measure_of(metric).is_mean:
        return np.asarray(statistics_of(samples, metric)[:, 0])
    return np.array(doc_scores(samples, metric))


def take_of(samples: Sequence[Sample], places: Sequence[int]) -> tuple[Sample, ...]:
    """Return the samples at some places; of a stored cell no others are made."""
    if isinstance(samples, SampleColumns):
        return samples.take(places)
    return tuple(samples[place] for place in places)


def doc_ids_of(samples: Sequence[Sample]) -> tuple[str, ...]:
    """Give the id of each doc."""
    if isinstance(samples, SampleColumns):
        return samples.doc_ids
    return tuple(sample.doc_id for sample in samples)


def cluster_ids_of(samples: Sequence[Sample]) -> tuple[str, ...]:
    """Give the cluster of each doc."""
    if isinstance(samples, SampleColumns):
        return samples.cluster_ids
    return tuple(sample.cluster_id for sample in samples)


def tokens_of(samples: Sequence[Sample]) -> list[float] | None:
    """Give the tokens of each text; None where a doc is no text or its tokens are not known."""
    known = [float(n_tokens) for _, n_tokens, _ in text_sizes(samples)]
    return known if known and len(known) == len(samples) else None


def text_sizes(samples: Sequence[Sample]) -> list[tuple[str, int, int]]:
    """Give the id of each text whose tokens are known, its tokens and its bytes."""
    if isinstance(samples, SampleColumns):
        tokens, n_bytes = samples.numbers("n_tokens"), samples.numbers("n_bytes")
        if tokens is None or n_bytes is None:
            return []
        numbers = zip(samples.doc_ids, tokens.tolist(), n_bytes.tolist(), strict=True)
        # What is not known is nan, which equals nothing.
        return [(doc_id, int(n), int(size)) for doc_id, n, size in numbers if n and n == n]
    texts = [sample for sample in samples if isinstance(sample, TextSample)]
    return [(text.doc_id, text.n_tokens, text.n_bytes) for text in texts if text.n_tokens]
