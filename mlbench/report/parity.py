"""How even is a model over languages? Information parity of one cell against its English twin."""

import math

from mlbench import store
from mlbench.store.samples import doc_ids_of, scores_of


def parity(result: store.CellResult, english: store.CellResult, metric: str) -> float:
    """Return Σ amount[en] / Σ amount[l] on the docs both have; nan where they share none.

    Of bits it is information parity.

    Same definition as stats.scales.information_parity, which needs all models on the same docs.
    """
    own = _amounts(result, metric)
    in_english = _amounts(english, metric)
    shared = own.keys() & in_english.keys()
    total = math.fsum(own[doc] for doc in shared)
    return math.fsum(in_english[doc] for doc in shared) / total if total > 0 else math.nan


def _amounts(result: store.CellResult, metric: str) -> dict[str, float]:
    values = scores_of(result.samples, metric).tolist()
    return dict(zip(doc_ids_of(result.samples), values, strict=True))
