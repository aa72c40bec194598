"""How are the samples of a stored cell held? As the columns of its file; as objects when asked.

A report reads a million docs and wants their ids and scores only: columns give them
without making an object a doc. The objects are those of mlbench.measures.metrics.
"""

import math
from collections.abc import Sequence
from dataclasses import fields
from functools import cached_property
from typing import Any, Literal, NamedTuple, overload

import numpy as np
from numpy.typing import NDArray

from mlbench.measures.metrics import ChoiceSample, Sample, ScoreSample, TextSample, doc_scores

Floats = NDArray[np.float64]
_LISTS = ("choices", "loglikelihoods", "calibration", "n_tokens", "label_means")
_OPTIONAL = {"calibration", "n_tokens", "label_means"}


class Likelihoods(NamedTuple):
    """Numbers as docs x choices, -inf beyond the `widths[doc]` choices that a doc has."""

    values: Floats
    widths: NDArray[np.int64]


class SampleColumns(Sequence[Sample]):
    """The samples of one cell, equal to the tuple of them; `table` is an Arrow table.

    Raises ValueError if its columns are not those of a kind of sample.
    """

    def __init__(self, table: Any) -> None:
        """Hold the table and tell its kind from its columns."""
        self._table = table
        names = set(table.column_names)
        kinds = {"n_bytes": TextSample, "score": ScoreSample}
        self._kind = next((kinds[name] for name in kinds if name in names), ChoiceSample)
        known = {field.name for field in fields(self._kind)}
        lacking = known - names - _OPTIONAL
        if lacking or names - known:
            raise ValueError(f"its columns are {', '.join(sorted(names))}")

    @cached_property
    def _samples(self) -> tuple[Sample, ...]:
        return self._make(self._table)

    def _make(self, table: Any) -> tuple[Sample, ...]:
        rows = table.to_pylist()
        if self._kind is not ChoiceSample:
            return tuple(self._kind(**row) for row in rows)
        return tuple(
            ChoiceSample(**{**row, **{k: tuple(row.get(k) or ()) for k in _LISTS}}) for row in rows
        )

    def take(self, places: Sequence[int]) -> tuple[Sample, ...]:
        """Make the samples at some places only."""
        return self._make(self._table.take(list(places)))

    def __len__(self) -> int:
        return int(self._table.num_rows)

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

    def scores(self, metric: str) -> Floats:
        """Give what metrics.doc_scores gives, bit for bit."""
        if self._kind is TextSample and metric == "bits":
            with np.errstate(over="ignore"):
                return np.asarray(-self._table["loglikelihood"].to_numpy() / math.log(2))
        if self.targets is not None and (taken := taken_of(self, metric)) is not None:
            return np.asarray(taken == self.targets, dtype=np.float64)
        return np.array(doc_scores(self._samples, metric))

    @property
    def tokens(self) -> list[int | None]:
        """Give the tokens of each text; empty for samples that are not texts."""
        shown = self._kind is TextSample and "n_tokens" in self._table.column_names
        return self._table["n_tokens"].to_pylist() if shown else []

    @cached_property
    def likelihoods(self) -> Likelihoods:
        """Give those of a stored text as one choice, of a score from elsewhere as none."""
        if self._kind is ChoiceSample:
            return self.by_choice("loglikelihoods")
        is_text = self._kind is TextSample
        values = self._table["loglikelihood"].to_numpy() if is_text else np.empty(0)
        return _padded(values, np.full(len(self), int(is_text)))

    def by_choice(self, name: Literal["loglikelihoods", "label_means", "n_tokens"]) -> Likelihoods:
        """Give a list of numbers that each doc has; of no width where it is not known."""
        if self._kind is not ChoiceSample or name not in self._table.column_names:
            return _padded(np.empty(0), np.zeros(len(self), dtype=np.int64))
        column = self._table[name].combine_chunks()
        widths = column.value_lengths().fill_null(0).to_numpy(zero_copy_only=False)
        return _padded(column.flatten().to_numpy(zero_copy_only=False), widths)

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

    @property
    def targets(self) -> NDArray[np.int64] | None:
        """Give the right choice of each doc; None for samples without choices."""
        if self._kind is not ChoiceSample:
            return None
        return np.asarray(self._table["target"].to_numpy(), dtype=np.int64)


def _padded(values: Floats, widths: NDArray[np.int64]) -> Likelihoods:
    # Docs with fewer choices are filled up at the end, where a tie loses.
    is_there = np.arange(widths.max(initial=0)) < widths[:, np.newaxis]
    padded = np.full(is_there.shape, -np.inf)
    padded[is_there] = values
    return Likelihoods(padded, widths)


def likelihoods_of(samples: Sequence[Sample]) -> Likelihoods:
    """Give the log-likelihoods of a cell; those of a text as one choice, of a score as none."""
    if isinstance(samples, SampleColumns):
        return samples.likelihoods
    rows = [
        s.loglikelihoods
        if isinstance(s, ChoiceSample)
        else (s.loglikelihood,)
        if isinstance(s, TextSample)
        else ()
        for s in samples
    ]
    values = np.array([value for row in rows for value in row], dtype=np.float64)
    return _padded(values, np.array([len(row) for row in rows], dtype=np.int64))


def by_choice_of(
    samples: Sequence[Sample], name: Literal["loglikelihoods", "label_means", "n_tokens"]
) -> Likelihoods:
    """Give a list of numbers that each doc has; of no width where it is not known."""
    if isinstance(samples, SampleColumns):
        return samples.by_choice(name)
    rows = [getattr(s, name) if isinstance(s, ChoiceSample) else () for s in samples]
    values = np.array([value for row in rows for value in row], dtype=np.float64)
    return _padded(values, np.array([len(row) for row in rows], dtype=np.int64))


def taken_of(samples: Sequence[Sample], metric: str) -> NDArray[np.int64] | None:
    """Give what metrics.predict takes on each doc, for the rules that arrays can follow.

    None for other metrics, and where a number is not known: there metrics says what is wrong.
    """
    if metric not in ("acc", "acc_calibrated"):
        return None
    values, widths = likelihoods_of(samples)
    if metric == "acc_calibrated":
        means = by_choice_of(samples, "label_means")
        if (means.widths != widths).any():
            return None
        is_there = np.arange(values.shape[1]) < widths[:, np.newaxis]
        lowest = np.full(values.shape, -np.inf)
        with np.errstate(invalid="ignore"):
            values = np.subtract(values, means.values, out=lowest, where=is_there)
    if np.isnan(values).any() or not widths.all():
        return None
    # The first of equal values, as in metrics.predict.
    return np.asarray(values.argmax(axis=1), dtype=np.int64)


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
    """Give the metric of each doc (metrics.doc_scores)."""
    if isinstance(samples, SampleColumns):
        return samples.scores(metric)
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
