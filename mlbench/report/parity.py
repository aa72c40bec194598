"""How even is a model over languages? Information parity of one cell against its English twin."""

import math

from mlbench import store
from mlbench.metrics import doc_scores


def parity(result: store.CellResult, english: store.CellResult) -> float:
    """Give Σ bits[en] / Σ bits[l] on the docs both have; nan where they share none.

    Same definition as stats.scales.information_parity, which needs all models on the same docs.
    """
    own = _bits(result)
    in_english = _bits(english)
    shared = own.keys() & in_english.keys()
    total = math.fsum(own[doc] for doc in shared)
    return math.fsum(in_english[doc] for doc in shared) / total if total > 0 else math.nan


def _bits(result: store.CellResult) -> dict[str, float]:
    values = doc_scores(result.samples, "bits")
    return {sample.doc_id: bits for sample, bits in zip(result.samples, values, strict=True)}
