"""What came back for one doc? One frozen record a kind of reply; every measure reads one of them.

A kind of sample says what is kept of a reply, a measure (measure.py) what is made of it. Numbers of
docs are read from the store as columns (store/samples.py), which have the same names.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mlbench.records import Language

Array = NDArray[Any]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
PerChoice = Literal[
    "loglikelihoods", "calibration", "label_means", "n_tokens", "n_bytes", "n_characters"
]
"""Numbers that each choice of a doc has; the last two are those of its text."""


@dataclass(frozen=True, slots=True)
class ChoiceSample:
    """The reply to one ChoiceDoc: natural-log likelihoods of each choice given the context.

    `calibration` holds those given the context without the query; empty where not asked.
    `n_tokens` is the length of each choice; empty where the backend does not show tokens.
    `label_means` holds the mean log-likelihood of each label over the unscored calibration docs of
    the cell, the same for all its docs; empty for families whose choices are the doc's own.
    """

    doc_id: str
    cluster_id: str
    target: int
    choices: tuple[str, ...]
    loglikelihoods: tuple[float, ...]
    calibration: tuple[float, ...] = ()
    n_tokens: tuple[int, ...] = ()
    label_means: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class TextSample:
    """The reply to one TextDoc: natural-log likelihood of the whole text, its bytes and tokens.

    Bytes are UTF-8; tokens are None where the backend does not show them.
    """

    doc_id: str
    cluster_id: str
    loglikelihood: float
    n_bytes: int
    n_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class TargetSample:
    """The reply to a doc that has one right text: its natural-log likelihood after the context.

    `is_greedy`: each of its tokens is the likeliest one, so the model would have written it.
    """

    doc_id: str
    cluster_id: str
    target: str
    loglikelihood: float
    is_greedy: bool


class Reply(NamedTuple):
    """A reply as it came, with all that it can be held against; texts in NFC.

    `source` is what was asked about, `wrong` the reference of another doc, `language` the one that
    the reply should be in, None where nothing is known of it.
    """

    text: str
    reference: str
    source: str
    wrong: str
    language: Language | None


@dataclass(frozen=True, slots=True)
class ReplySample:
    """A text that was written in reply, beside the reference it is held against.

    `statistics` holds the sufficient statistics of the doc by measure, made when the reply came and
    never again from the text.
    """

    doc_id: str
    cluster_id: str
    reply: str
    reference: str
    statistics: Mapping[str, tuple[float, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ScoreSample:
    """A doc scored elsewhere, of which only the score in [0, 1] is known; higher is better."""

    doc_id: str
    cluster_id: str
    score: float


Sample = ChoiceSample | TextSample | TargetSample | ReplySample | ScoreSample


class Likelihoods(NamedTuple):
    """Numbers as docs x choices, -inf beyond the `widths[doc]` choices that a doc has."""

    values: Floats
    widths: Ints


class Columns(ABC):
    """The samples of a cell as arrays, where a measure can do without an object per doc."""

    @abstractmethod
    def by_choice(self, name: PerChoice) -> Likelihoods:
        """Return a list of numbers that each doc has; of no width where it is not known."""

    @abstractmethod
    def numbers(self, name: str) -> Floats | None:
        """Return one number per doc, None where samples of this kind have none of that name."""

    @abstractmethod
    def stored_statistics(self, measure: str) -> Floats | None:
        """Return docs x k statistics that were stored, None where they were not."""

    def made(self, name: str, make: "Callable[[Columns], Array | None]") -> Array | None:
        """Return what is made of these columns; who holds many cells makes it of all at once."""
        return make(self)

    @property
    @abstractmethod
    def targets(self) -> Ints | None:
        """Return the right choice of each doc; None for samples without choices."""


def padded(values: Floats, widths: Ints) -> Likelihoods:
    """Set out lists of unequal length as rows; docs with fewer are filled at the end with -inf."""
    is_there = np.arange(widths.max(initial=0)) < widths[:, np.newaxis]
    rows = np.full(is_there.shape, -np.inf)
    rows[is_there] = values
    return Likelihoods(rows, widths)


def by_choice_of(samples: Sequence[Sample], name: PerChoice) -> Likelihoods:
    """Return a list of numbers that each doc has; of no width where it is not known."""
    if isinstance(samples, Columns):
        return samples.by_choice(name)
    rows = [_numbers(s, name) if isinstance(s, ChoiceSample) else () for s in samples]
    values = np.array([value for row in rows for value in row], dtype=np.float64)
    return padded(values, np.array([len(row) for row in rows], dtype=np.int64))


def _numbers(sample: ChoiceSample, name: PerChoice) -> Sequence[float]:
    if name == "n_bytes":
        return [len(choice.encode()) for choice in sample.choices]
    if name == "n_characters":
        return [len(choice) for choice in sample.choices]
    found: Sequence[float] = getattr(sample, name)
    return found
