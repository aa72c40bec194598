"""How are the docs of thousands of cells held? Those of a model and family together, as arrays.

A report reads a million docs and wants their ids, clusters and scores. The tables of such cells lie
on one shelf: they are read together, each number is made of all their docs at once and kept as
small as it can be, and the tables are let go again.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property, lru_cache, partial
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mlbench.measures import Columns, Likelihoods, measure_of
from mlbench.measures.samples import Array, PerChoice, padded

STATISTICS = "statistics/"
"""Before the name of a measure: its column of stored statistics."""

KEPT_TABLES = 4
"""Shelves whose tables stay at hand a while, for what is made of one later."""
KEPT_TEXTS = 1024
SMALLER = (np.int8, np.int16, np.float16, np.float32)
# How long the texts of choices are, by Arrow's functions.
_LENGTHS = {"n_bytes": "binary_length", "n_characters": "utf8_length"}


class Stored(NamedTuple):
    """A table of samples that is not read yet: its rows, its columns, and how it is read."""

    n_rows: int
    columns: tuple[str, ...]
    read: Callable[[], Any]


class Small(NamedTuple):
    """An array in the smallest type that holds each of its numbers, and the type it had."""

    values: Array
    kind: Any

    def part(self, docs: slice) -> Array:
        """Return the numbers of some docs in the type that they had."""
        return self.values[docs].astype(self.kind)


def small(array: Array) -> Small:
    """Keep an array as small as it can be with the same values.

    >>> small(np.array([0.0, 1.0])).values.dtype, small(np.array([0.1])).values.dtype
    (dtype('int8'), dtype('float64'))
    """
    for kind in SMALLER:
        with np.errstate(invalid="ignore", over="ignore"):
            shrunk = array.astype(kind)
        if np.array_equal(shrunk, array, equal_nan=array.dtype.kind == "f"):
            return Small(shrunk, array.dtype)
    return Small(array.copy(), array.dtype)


Make = Callable[["Shelf"], Array | None]


class Shelf(Columns):
    """The samples of cells whose tables have the same columns, one cell after another.

    `metrics` are made as soon as the tables are read, with what else most commands ask for.
    """

    def __init__(
        self, parts: Sequence[Stored], *, is_choice: bool, metrics: Iterable[str] = ()
    ) -> None:
        """Say which tables lie here; none is read yet."""
        self.parts, self.is_choice = tuple(parts), is_choice
        self.metrics = tuple(dict.fromkeys(metrics))
        ends = accumulate((part.n_rows for part in parts), initial=0)
        self.docs_of = tuple(slice(*ends_of_one) for ends_of_one in pairwise(ends))
        self._kept: dict[str, Small | None] = {}

    def __len__(self) -> int:
        return self.docs_of[-1].stop

    @property
    def table(self) -> Any:
        """Read the tables of all cells as one, which is not kept for long."""
        return _table_of(self)

    def keep(self, name: str, make: Make) -> Small | None:
        """Return what is made of the columns of all docs, made once and kept under a name."""
        if not self._kept:
            self._make_usual()
        if name not in self._kept:
            found = make(self)
            self._kept[name] = None if found is None else small(found)
        return self._kept[name]

    def _make_usual(self) -> None:
        """Make at once what is mostly asked for, so that no table is read again for each."""
        self._kept["target"] = None if (found := self.find_targets()) is None else small(found)
        for name in self.metrics:
            if (columns := measure_of(name).columns) is not None:
                self.keep(name, columns)
        self.keep("tied", Shelf.find_ties)
        for name in ("n_tokens", "n_bytes"):
            self.keep(name, partial(Shelf.numbers, name=name))
        self.keep("tokens", Shelf.find_tokens)
        self.keep("choices", Shelf.count_choices)
        _ = self.ids, self.clusters, self.labels, self.digests

    def made(self, name: str, make: Callable[[Columns], Array | None]) -> Array | None:
        """Return what is made of the columns of all docs, made once and kept under a name."""
        kept = self.keep(name, make)
        return None if kept is None else kept.part(slice(None))

    def numbers(self, name: str) -> Array | None:
        """Give one number a doc, None where samples of this kind have none of that name."""
        is_there = not self.is_choice and name in self.parts[0].columns
        column = self.table[name] if is_there else None
        return None if column is None else np.asarray(column.to_numpy(zero_copy_only=False))

    def stored_statistics(self, measure: str) -> Array | None:
        """Give docs x k statistics that were stored, None where they were not."""
        name = STATISTICS + measure
        if name not in self.parts[0].columns or not len(self):
            return None
        values = self.table[name].combine_chunks().flatten().to_numpy(zero_copy_only=False)
        return np.asarray(values, dtype=np.float64).reshape(len(self), -1)

    def by_choice(self, name: PerChoice) -> Likelihoods:
        """Give a list of numbers that each doc has; of no width where it is not known."""
        column_name = "choices" if name in _LENGTHS else name
        if not self.is_choice or column_name not in self.parts[0].columns:
            return padded(np.empty(0), np.zeros(len(self), dtype=np.int64))
        column = self.table[column_name].combine_chunks()
        widths = column.value_lengths().fill_null(0).to_numpy(zero_copy_only=False)
        values = column.flatten()
        if name in _LENGTHS:
            import pyarrow.compute as pc

            values = getattr(pc, _LENGTHS[name])(values)
        return padded(values.to_numpy(zero_copy_only=False), widths)

    @property
    def likelihoods(self) -> Likelihoods:
        """Give those of texts as one choice, of samples that have none as none."""
        if self.is_choice:
            return self.by_choice("loglikelihoods")
        values = self.numbers("loglikelihood")
        widths = np.full(len(self), int(values is not None))
        return padded(np.empty(0) if values is None else values, widths)

    @property
    def targets(self) -> NDArray[np.int64] | None:
        """Give the right choice of each doc; None for samples without choices."""
        kept = self.keep("target", Shelf.find_targets)
        return None if kept is None else kept.part(slice(None))

    def find_targets(self) -> Array | None:
        """Read the right choice of each doc; None for samples without choices."""
        return np.asarray(self.table["target"].to_numpy(), np.int64) if self.is_choice else None

    def find_ties(self) -> Array | None:
        """Find the docs of which two choices tied; None for samples without choices."""
        return ties_of(self.likelihoods) if self.is_choice else None

    def find_tokens(self) -> Array:
        """Read the length of each choice in tokens."""
        return self.by_choice("n_tokens").values

    def count_choices(self) -> Array:
        """Count the choices whose length in tokens is known, doc by doc."""
        return self.by_choice("n_tokens").widths

    @cached_property
    def target_counts(self) -> tuple[Array | None, ...]:
        """Count, by cell, how often each label is the target; None without fixed labels."""
        targets = self.targets
        return tuple(
            None if labels is None or targets is None else np.bincount(targets[docs])
            for docs, labels in zip(self.docs_of, self.labels, strict=True)
        )

    @cached_property
    def ids(self) -> tuple[tuple[str, ...], ...]:
        """Give the ids of the docs of each cell."""
        return self._texts("doc_id")

    @cached_property
    def clusters(self) -> tuple[tuple[str, ...], ...]:
        """Give the clusters of the docs of each cell."""
        return self._texts("cluster_id")

    def _texts(self, name: str) -> tuple[tuple[str, ...], ...]:
        """Give a column of texts by cell; cells that have the same share one tuple."""
        column = self.table[name].combine_chunks()
        found: list[tuple[str, ...]] = []
        before = None
        for docs in self.docs_of:
            own = column.slice(docs.start, docs.stop - docs.start)
            is_same = before is not None and own.equals(before)
            found.append(found[-1] if is_same else _once(tuple(own.to_pylist())))
            before = own
        return tuple(found)

    @cached_property
    def labels(self) -> tuple[tuple[str, ...] | None, ...]:
        """Give, by cell, the choices if they are the same in every doc, else None."""
        if not self.is_choice:
            return (None,) * len(self.parts)
        column = self.table["choices"].combine_chunks()
        widths = column.value_lengths().to_numpy(zero_copy_only=False)
        codes = column.flatten().dictionary_encode()
        rows = padded(codes.indices.to_numpy().astype(np.float64), widths).values
        words = codes.dictionary
        return tuple(_labels(words, rows[docs], widths[docs]) for docs in self.docs_of)

    @cached_property
    def digests(self) -> tuple[bytes, ...]:
        """Digest, by cell, the ids and log-likelihoods of its docs; empty where there are none."""
        values, widths = self.likelihoods
        return tuple(
            digest_of(trimmed(Likelihoods(values[docs], widths[docs])), ids)
            for docs, ids in zip(self.docs_of, self.ids, strict=True)
        )


def trimmed(found: Likelihoods) -> Likelihoods:
    """Leave out the columns that no doc has."""
    return Likelihoods(found.values[:, : found.widths.max(initial=0)], found.widths)


def ties_of(found: Likelihoods) -> NDArray[np.bool_]:
    """Mark the docs of which two choices have the same, highest log-likelihood."""
    values, widths = found
    is_there = np.arange(values.shape[1]) < widths[:, np.newaxis]
    is_best = (values == values.max(axis=1, keepdims=True, initial=-np.inf)) & is_there
    return np.asarray(is_best.sum(axis=1) > 1)


def digest_of(found: Likelihoods, ids: Sequence[str]) -> bytes:
    """Digest ids and log-likelihoods of docs; empty where there are none."""
    if not found.widths.any():
        return b""
    text = "\0".join(ids).encode(errors="replace")
    widths = found.widths.astype(np.int64)
    return hashlib.sha256(found.values.tobytes() + widths.tobytes() + text).digest()


def _labels(words: Any, rows: Array, widths: Array) -> tuple[str, ...] | None:
    is_same = len(rows) and widths[0] and (rows == rows[0]).all()
    return tuple(words[int(code)].as_py() for code in rows[0, : widths[0]]) if is_same else None


@lru_cache(maxsize=KEPT_TEXTS)
def _once(texts: tuple[str, ...]) -> tuple[str, ...]:
    """Return the first tuple of these texts: cells of several models mostly have the same docs."""
    return texts


@lru_cache(maxsize=KEPT_TABLES)
def _table_of(shelf: Shelf) -> Any:
    import pyarrow as pa

    return pa.concat_tables([part.read() for part in shelf.parts]).combine_chunks()
