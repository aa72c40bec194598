"""How near is a text that was written to its reference? Corpus chrF++ from summed counts.

sacrebleu counts the character and word n-grams of a doc; F is a function of their sums, so a
bootstrap of a corpus is a matrix product and no text is scored twice.
"""

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from mlbench.measures.measure import Measure, add_measure
from mlbench.measures.samples import Floats, ReplySample
from mlbench.measures.scales import Margins, difference_in

CHARACTERS, WORDS, BETA = 6, 2, 2
"""Orders of n-grams and the weight of recall: chrF++ (Popović, WMT 2017, section 2)."""

CHRF_NAME = "chrf++"


@cache
def _chrf() -> Any:
    from sacrebleu.metrics import CHRF

    return CHRF(char_order=CHARACTERS, word_order=WORDS, beta=BETA)


def chrf_counts(reply: str, reference: str) -> tuple[float, ...]:
    """Count n-grams of reply and reference and those in both, order by order: 3 x 8 numbers."""
    (counts,) = _chrf()._extract_corpus_statistics([reply], [[reference]])
    return tuple(map(float, counts))


def _stored_or_counted(sample: ReplySample) -> tuple[float, ...]:
    stored = sample.statistics.get(CHRF_NAME)
    return stored if stored else chrf_counts(sample.reply, sample.reference)


def chrf_of_sums(sums: Floats, _n_docs: Floats) -> Floats:
    """Return chrF++ in [0, 100] from sums[..., 24]: F of the mean precision and recall of orders.

    Orders without an n-gram in either text are left out, as in sacrebleu (effective order).
    """
    reply, reference, both = sums[..., 0::3], sums[..., 1::3], sums[..., 2::3]
    is_there = (reply > 0) & (reference > 0)
    n_orders = np.maximum(is_there.sum(axis=-1), 1)
    precision, recall = (
        np.divide(both, out_of, out=np.zeros_like(both), where=is_there).sum(axis=-1) / n_orders
        for out_of in (reply, reference)
    )
    weight = BETA**2
    bottom = weight * precision + recall
    top = (1 + weight) * precision * recall
    return np.asarray(100 * np.divide(top, bottom, out=np.zeros_like(top), where=bottom > 0))


CHRF_POINTS = replace(
    difference_in(CHRF_NAME, "chrF++ points", margins=Margins(1.0, 2.0)), weighs_by_size=True
)
CHRF = add_measure(
    Measure(
        name=CHRF_NAME,
        title="chrF++",
        unit="chrF++",
        sample=ReplySample,
        scales=(CHRF_POINTS,),
        statistics=_stored_or_counted,
        value=chrf_of_sums,
        high=100.0,
        is_mean=False,
    )
)
