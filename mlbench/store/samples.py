"""How are the samples of a stored cell held? As the columns of its file; as objects when asked.

A report reads a million docs and wants their ids and scores only: columns give them
without making an object a doc, and who asks for the state of a cell reads no column at all. The
objects are those of mlbench.measures.
"""

from collections.abc import Callable, Sequence
from dataclasses import fields
from functools import cached_property, lru_cache
from typing import Any, NamedTuple, overload

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
from mlbench.measures.samples import PerChoice, padded

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
# How long the texts of choices are, by Arrow's functions.
_LENGTHS = {"n_bytes": "binary_length", "n_characters": "utf8_length"}
STATISTICS = "statistics/"
"""Before the name of a measure: its column of stored statistics."""


class Stored(NamedTuple):
    """A table of samples that is not read yet: its rows, its columns, and how it is read."""

    n_rows: int
    columns: tuple[str, ...]
    read: Callable[[], Any]


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
    """The samples of one cell, equal to the tuple of them; the Arrow table is read when asked.

    Raises ValueError if its columns are not those of a kind of sample.
    """

    def __init__(self, stored: Stored) -> None:
        """Tell the kind of samples from the columns."""
        self.stored = stored
        self._kind = _kind_of(stored.columns)

    @property
    def _table(self) -> Any:
        return self.stored.read()

    @cached_property
    def _samples(self) -> tuple[Sample, ...]:
        return self._make(self._table)

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
        return self._make(self._table.take(list(places)))

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

    @cached_property
    def doc_ids(self) -> tuple[str, ...]:
        """Give the id of each doc."""
        return tuple(self._table["doc_id"].to_pylist())

    @cached_property
    def cluster_ids(self) -> tuple[str, ...]:
        """Give the cluster of each doc."""
        return tuple(self._table["cluster_id"].to_pylist())

    def numbers(self, name: str) -> Floats | None:
        """Give one number a doc, None where samples of this kind have none of that name."""
        is_there = self._kind is not ChoiceSample and name in self.stored.columns
        column = self._table[name] if is_there else None
        return None if column is None else np.asarray(column.to_numpy(zero_copy_only=False))

    def stored_statistics(self, measure: str) -> Floats | None:
        """Give docs x k statistics that were stored, None where they were not."""
        name = STATISTICS + measure
        if name not in self.stored.columns or not len(self):
            return None
        values = self._table[name].combine_chunks().flatten().to_numpy(zero_copy_only=False)
        return np.asarray(values, dtype=np.float64).reshape(len(self), -1)

    @property
    def tokens(self) -> list[int | None]:
        """Give the tokens of each text; empty for samples that are not texts."""
        shown = self._kind is TextSample and "n_tokens" in self.stored.columns
        return self._table["n_tokens"].to_pylist() if shown else []

    @cached_property
    def likelihoods(self) -> Likelihoods:
        """Give those of a stored text as one choice, of other samples as none."""
        if self._kind is ChoiceSample:
            return self._lists("loglikelihoods")
        values = self.numbers("loglikelihood")
        widths = np.full(len(self), int(values is not None))
        return padded(np.empty(0) if values is None else values, widths)

    def by_choice(self, name: PerChoice) -> Likelihoods:
        """Give a list of numbers that each doc has; of no width where it is not known."""
        is_kept = name == "loglikelihoods" and self._kind is ChoiceSample
        return self.likelihoods if is_kept else self._lists(name)

    def _lists(self, name: PerChoice) -> Likelihoods:
        column_name = "choices" if name in _LENGTHS else name
        if self._kind is not ChoiceSample or column_name not in self.stored.columns:
            return padded(np.empty(0), np.zeros(len(self), dtype=np.int64))
        column = self._table[column_name].combine_chunks()
        widths = column.value_lengths().fill_null(0).to_numpy(zero_copy_only=False)
        values = column.flatten()
        if name in _LENGTHS:
            import pyarrow.compute as pc

            values = getattr(pc, _LENGTHS[name])(values)
        return padded(values.to_numpy(zero_copy_only=False), widths)

    @cached_property
    def labels(self) -> tuple[str, ...] | None:
        """Give the choices if they are the same in every doc, else None."""
        if self._kind is not ChoiceSample or not len(self):
            return None
        column = self._table["choices"].combine_chunks()
        first = tuple(column[0].as_py())
        widths = column.value_lengths().to_numpy(zero_copy_only=False)
        if not first or (widths != len(first)).any():
            return None
        codes = column.flatten().dictionary_encode().indices.to_numpy().reshape(-1, len(first))
        return first if (codes == codes[0]).all() else None

    @cached_property
    def targets(self) -> NDArray[np.int64] | None:
        """Give the right choice of each doc; None for samples without choices."""
        if self._kind is not ChoiceSample:
            return None
        return np.asarray(self._table["target"].to_numpy(), dtype=np.int64)


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
    if isinstance(samples, SampleColumns):
        found = samples.tokens
    else:
        found = [s.n_tokens for s in samples if isinstance(s, TextSample)]
    known = [float(n) for n in found if n]
    return known if known and len(known) == len(samples) else None
