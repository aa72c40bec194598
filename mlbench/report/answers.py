"""What did a model choose on each doc of a cell? All docs at once, for ranks and checks.

mlbench.metrics says the same doc by doc; a run of ten models has over a million docs, for which
arrays are three times faster. A test holds the two together.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from mlbench.metrics import ChoiceSample, Sample, doc_scores, predict
from mlbench.stats.table import Floats, Ints


class Answers(NamedTuple):
    """The choice a metric takes on each doc, the target, and whether two choices tied for it."""

    chosen: Ints
    targets: Ints
    is_tied: np.ndarray


def answers_of(samples: Sequence[Sample], metric: str) -> Answers | None:
    """Give the answers of a cell; None where the choices are not known.

    A tie is two choices with the same, highest log-likelihood to the last bit, whatever the metric.
    """
    docs = [sample for sample in samples if isinstance(sample, ChoiceSample)]
    if len(docs) < len(samples) or not docs:
        return None
    targets = np.array([doc.target for doc in docs])
    table = _rectangle(docs)
    if table is None:
        tied = [doc.loglikelihoods.count(max(doc.loglikelihoods)) > 1 for doc in docs]
        return Answers(np.array([predict(doc, metric) for doc in docs]), targets, np.array(tied))
    is_tied = (table == table.max(axis=1, keepdims=True)).sum(axis=1) > 1
    # The first of equal values, as in metrics.predict.
    if metric == "acc":
        return Answers(table.argmax(axis=1), targets, is_tied)
    return Answers(np.array([predict(doc, metric) for doc in docs]), targets, is_tied)


def _rectangle(docs: Sequence[ChoiceSample]) -> Floats | None:
    """Give log-likelihoods as docs x choices; None where docs differ in their choices."""
    if len({len(doc.loglikelihoods) for doc in docs}) > 1:
        return None
    table = np.array([doc.loglikelihoods for doc in docs], dtype=np.float64)
    return None if np.isnan(table).any() else table


def scores_of(samples: Sequence[Sample], metric: str) -> Floats:
    """Give the score of each doc, as metrics.doc_scores does."""
    answers = answers_of(samples, metric) if metric.startswith("acc") else None
    if answers is None:
        return np.array(doc_scores(samples, metric), dtype=np.float64)
    return np.asarray(answers.chosen == answers.targets, dtype=np.float64)
