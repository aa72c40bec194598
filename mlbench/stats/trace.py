"""Which docs made this number? The scores behind a difference and a moat, doc by doc."""

import math
from typing import NamedTuple

import numpy as np

from mlbench.stats.table import REFERENCE_LANGUAGE, ScoreTable


class DocTrace(NamedTuple):
    """Raw scores of one doc: A and B in the language and in English, nan where it is not there.

    `cluster` is the code of its cluster within the family, or within the language of a family
    that is not parallel; then English has other docs, and its scores are nan.
    """

    doc_id: str
    cluster: int
    a: float
    b: float
    a_english: float
    b_english: float


def trace_docs(table: ScoreTable, a: str, b: str, language: str) -> list[DocTrace]:
    """List the docs of a language that both models answered, in the order of their ids."""
    column, english = table.language_index(language), table.language_index(REFERENCE_LANGUAGE)
    if column is None:
        return []
    pair = table.values[[table.model_index(a), table.model_index(b)]]
    traces = []
    for i in np.flatnonzero(~np.isnan(pair[:, column]).any(axis=0)):
        here = [float(score) for score in pair[:, column, i]]
        there = [math.nan, math.nan]
        if english is not None and table.is_parallel:
            there = [float(score) for score in pair[:, english, i]]
        cluster = int(table.clusters[column, i])
        traces.append(DocTrace(table.doc_ids[column][i], cluster, *here, *there))
    return traces
