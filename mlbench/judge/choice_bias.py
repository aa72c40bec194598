"""Does a model take choices for what they are called? Labels it never takes, and their lengths.

A label that a model never takes makes its docs unscorable: the score has a ceiling that says
nothing of the language. A choice of fewer tokens has fewer factors below one, and wins for that.
One model in one family, all its languages at once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from mlbench.judge.answers import Answers, answers_of
from mlbench.measures import Sample, by_choice_of, measure_of
from mlbench.store.samples import Floats, labels_of

FEWEST_TARGETS = 5
"""A label that is the target of fewer docs may be missed by luck."""

HARDLY_EVER = 0.01
"""A label is as good as never taken on fewer docs than this share of those it is the target of."""

MANY_POINTS = 10.0
"""Taking the shortest choice more (or less) often than it is right by more points: look."""

Cells = Sequence[Sequence[Sample]]


class Label(NamedTuple):
    """A label, the docs it is the target of, and the docs on which it was taken."""

    text: str
    n_targets: int
    n_chosen: int


@dataclass(frozen=True, slots=True)
class NeverChosen:
    """The labels that are (as good as) never taken, of a family whose labels are fixed."""

    labels: tuple[Label, ...]
    n_docs: int

    @property
    def is_found(self) -> bool:
        """Return whether there is any."""
        return bool(self.labels)

    @property
    def ceiling(self) -> float:
        """Return the highest score in [0, 1] that these labels leave.

        One less the shares of their docs, apart from docs on which they were taken after all.
        """
        lost = sum(label.n_targets - label.n_chosen for label in self.labels)
        return 1 - lost / self.n_docs

    def sentence(self, model: str, family_title: str) -> str:
        """Return what was found; empty where nothing was."""
        if not self.labels:
            return ""
        names = " and ".join(f"{label.text!r}" for label in self.labels)
        n = sum(label.n_targets for label in self.labels)
        how_often = "hardly ever" if any(label.n_chosen for label in self.labels) else "never"
        return (
            f"{model} {how_often} takes {names} in {family_title}, the right choice of {n:,} of "
            f"{self.n_docs:,} docs ({100 * n / self.n_docs:.1f} %): it cannot score above "
            f"{100 * self.ceiling:.1f} %."
        )


@dataclass(frozen=True, slots=True)
class TokenLengths:
    """How long choices are for a model, and how that goes with what it takes.

    `tokens_by_label` None: each doc has its own choices. `share_differ`: of docs whose choices
    differ in tokens. `points`: how much more often, in percent of all docs, the choice of fewest
    tokens is taken than it is the target; of m such choices in a doc each counts 1/m, so a doc
    whose choices are all as long adds nothing.
    """

    tokens_by_label: Mapping[str, int] | None
    share_differ: float
    points: float

    @property
    def is_found(self) -> bool:
        """Return whether labels differ at all, or own choices sway the model by ten points."""
        if self.tokens_by_label is not None:
            return len(set(self.tokens_by_label.values())) > 1
        # Rounded, so that ten points are not more than ten by their last bit.
        return abs(round(self.points, 6)) > MANY_POINTS

    def sentence(self, model: str, family_title: str) -> str:
        """Return what was found; empty where nothing was."""
        if not self.is_found:
            return ""
        how = f"{abs(self.points):.1f} points {'less' if self.points < 0 else 'more'} often than"
        if self.tokens_by_label is not None:
            tokens = ", ".join(f"{label!r} {n}" for label, n in self.tokens_by_label.items())
            return (
                f"The labels of {family_title} differ in tokens for {model} ({tokens}); it takes "
                f"those with the fewest {how} they are right."
            )
        return (
            f"In {family_title}, the choices of {100 * self.share_differ:.1f} % of the docs differ "
            f"in tokens for {model}; it takes the one with the fewest {how} it is right."
        )


class ChoiceBias(NamedTuple):
    """Both findings; None where the cells do not hold what they need."""

    never_chosen: NeverChosen | None
    token_lengths: TokenLengths | None

    def sentences(self, model: str, family_title: str) -> list[str]:
        """Return what was found, a sentence each."""
        found = [part.sentence(model, family_title) for part in self if part is not None]
        return [sentence for sentence in found if sentence]


def choice_bias(cells: Cells, metric: str) -> ChoiceBias:
    """Look for both in the cells of one model in one family, by the judged metric."""
    return ChoiceBias(never_chosen(cells, metric), token_lengths(cells, metric))


def never_chosen(cells: Cells, metric: str) -> NeverChosen | None:
    """Find labels that no doc, or hardly any, was answered with; None unless labels are fixed."""
    answers = _answers(cells, metric)
    labels = fixed_labels(cells)
    if labels is None or not answers:
        return None
    wanted, taken = (
        np.bincount(np.concatenate(parts), minlength=len(labels)).tolist()
        for parts in zip(*((a.targets, a.chosen) for a in answers), strict=True)
    )
    found = tuple(
        Label(*row)
        for row in zip(labels, wanted, taken, strict=True)
        if row[1] >= FEWEST_TARGETS and row[2] < HARDLY_EVER * row[1]
    )
    return NeverChosen(found, sum(wanted))


def fixed_labels(cells: Cells) -> tuple[str, ...] | None:
    """Return the labels of a family whose docs (two or more) all have the same choices."""
    found = {labels_of(samples) for samples in cells if len(samples)}
    if len(found) != 1 or sum(map(len, cells)) < 2:
        return None
    return found.pop()


def token_lengths(cells: Cells, metric: str) -> TokenLengths | None:
    """Hold the lengths of choices against what is taken; None where tokens are not known."""
    if not measure_of(metric).is_rule:
        return None
    excess, n_differ, n_docs = 0.0, 0, 0
    tokens: Floats | None = None
    for samples in cells:
        lengths, widths = by_choice_of(samples, "n_tokens")
        answers = answers_of(samples, metric) if widths.size and widths.all() else None
        if answers is None:
            continue
        is_there = np.arange(lengths.shape[1]) < widths[:, np.newaxis]
        shortest = np.where(is_there, lengths, np.inf).min(axis=1)
        is_shortest = is_there & (lengths == shortest[:, np.newaxis])
        n_shortest = is_shortest.sum(axis=1)
        rows = np.arange(len(widths))
        taken, wanted = (is_shortest[rows, x].astype(int) for x in answers[:2])
        excess += float(((taken - wanted) / n_shortest).sum())
        n_differ += int((n_shortest < widths).sum())
        n_docs += len(widths)
        tokens = lengths[0] if tokens is None else tokens
    if not n_docs or tokens is None:
        return None
    labels = fixed_labels(cells)
    by_label = None
    if labels is not None:
        by_label = {label: int(n) for label, n in zip(labels, tokens.tolist(), strict=True)}
    return TokenLengths(by_label, n_differ / n_docs, 100 * excess / n_docs)


def _answers(cells: Cells, metric: str) -> list[Answers]:
    if not measure_of(metric).is_rule:
        return []
    found = (answers_of(samples, metric) for samples in cells)
    return [answers for answers in found if answers is not None]
