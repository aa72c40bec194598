"""How near is a text that was written to its reference? Corpus chrF++ from summed counts.

sacrebleu counts the character and word n-grams of a doc; F is a function of their sums, so a
bootstrap of a corpus is a matrix product and no text is scored twice. Levels depend on the language
that is written and on its script, so only differences between models are compared over languages.
"""

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cache, lru_cache
from typing import Any

import numpy as np

from mlbench.errors import DataError
from mlbench.measures.measure import Measure, add_measure
from mlbench.measures.samples import Columns, Floats, Reply, ReplySample
from mlbench.measures.scales import Margins, Scale, difference_in

CHARACTERS, WORDS, BETA = 6, 2, 2
"""Orders of n-grams and the weight of recall: chrF++ (Popović, WMT 2017, section 2)."""

OF_CHARACTERS = 3 * CHARACTERS
"""Of the counts, the first ones: those that chrF has of chrF++."""

CHRF_NAME = "chrf++"
UNSPACED = frozenset({"Hans", "Hant", "Hani", "Jpan", "Khmr", "Laoo", "Mymr", "Thai", "Tibt"})
"""Scripts without blanks between words (Unicode Standard Annex 14, classes SA and ID): a word there
is what stands between two blanks, which is where a model chose to put them."""


@cache
def _chrf() -> Any:
    from sacrebleu.metrics import CHRF

    return CHRF(char_order=CHARACTERS, word_order=WORDS, beta=BETA)


@lru_cache(maxsize=4096)
def chrf_counts(reply: str, reference: str) -> tuple[float, ...]:
    """Count n-grams of reply and reference and those in both, order by order: 3 x 8 numbers."""
    counts = _chrf()._compute_segment_statistics(reply, _ngrams_of(reference))
    return tuple(map(float, counts))


@lru_cache(maxsize=256)
def _ngrams_of(reference: str) -> Any:
    # A reference is met again by the floors, and by every language where it is of the pivot.
    return _chrf()._extract_reference_info([reference])


def chrf_of_sums(sums: Floats, _n_docs: Floats) -> Floats:
    """Return chrF++ in [0, 100] from sums[..., 24], chrF from the first 18 of them.

    F of the mean precision and recall of orders. Orders without an n-gram in either text are left
    out, as in sacrebleu (effective order).
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


def _stored_or_counted(sample: ReplySample) -> tuple[float, ...]:
    stored = sample.statistics.get(CHRF_NAME)
    if stored:
        return stored
    texts = (unicodedata.normalize("NFC", text) for text in (sample.reply, sample.reference))
    return chrf_counts(*texts)


def _of_characters(columns: Columns) -> Floats | None:
    found = columns.stored_statistics(CHRF_NAME)
    return None if found is None else found[:, :OF_CHARACTERS]


def _fitted(text: str, reply: Reply) -> tuple[float, ...]:
    """Count as chrF++ does; no words where they are not written apart, which makes it chrF."""
    counts = chrf_counts(text, reply.reference)
    is_unspaced = reply.language is not None and reply.language.script in UNSPACED
    return (*counts[:OF_CHARACTERS], *[0.0] * (3 * WORDS)) if is_unspaced else counts


def every(
    count: Callable[[Reply], tuple[float, ...]],
) -> Callable[[Sequence[Reply]], Iterable[tuple[float, ...]]]:
    """Count replies one by one."""

    def counts(replies: Sequence[Reply]) -> Iterator[tuple[float, ...]]:
        return map(count, replies)

    return counts


def stored(name: str) -> Callable[[ReplySample], tuple[float, ...]]:
    """Read what was counted when the reply came."""

    def statistics(sample: ReplySample) -> tuple[float, ...]:
        if name not in sample.statistics:
            raise DataError(f"doc {sample.doc_id!r}: {name!r} was not counted when its reply came")
        return sample.statistics[name]

    return statistics


def chrf_scale(name: str, unit: str) -> Scale:
    """Return the scale of differences of F, where a long doc counts for more."""
    scale = difference_in(name, f"{unit} points", margins=Margins(1.0, 2.0))
    return replace(scale, weighs_by_size=True)


CHRF = add_measure(
    Measure(
        name=CHRF_NAME,
        title="chrF++",
        unit="chrF++",
        sample=ReplySample,
        scales=(chrf_scale(CHRF_NAME, "chrF++"),),
        statistics=_stored_or_counted,
        value=chrf_of_sums,
        count=every(lambda reply: chrf_counts(reply.text, reply.reference)),
        high=100.0,
        is_mean=False,
        is_of_language=True,
    )
)
CHRF_CHARACTERS = add_measure(
    replace(
        CHRF,
        name="chrf",
        title="chrF",
        unit="chrF",
        scales=(chrf_scale("chrf", "chrF"),),
        statistics=lambda sample: _stored_or_counted(sample)[:OF_CHARACTERS],
        columns=_of_characters,
        count=None,
    )
)


BESIDE = (
    "chrf_of_copy",
    "chrf_of_wrong",
    "fidelity",
    "fidelity_of_references",
    "other_language",
    "undecided",
    "copied",
    "empty",
)
"""The floors, and what is wrong with the replies (rates.py)."""


def _make_fitted(name: str, title: str, text_of: Callable[[Reply], str]) -> Measure:
    return replace(
        CHRF,
        name=name,
        title=title,
        unit="chrF",
        scales=(FITTED_SCALE,),
        statistics=stored(name),
        count=every(lambda reply: _fitted(text_of(reply), reply)),
    )


FITTED_SCALE = chrf_scale("chrf_fitted", "chrF")
CHRF_OF_COPY = add_measure(
    _make_fitted("chrf_of_copy", "copying the source", lambda reply: reply.source)
)
CHRF_OF_WRONG = add_measure(
    _make_fitted("chrf_of_wrong", "a wrong sentence", lambda reply: reply.wrong)
)
CHRF_FITTED = add_measure(
    replace(
        _make_fitted(
            "chrf_fitted", "chrF++, or chrF where words are not spaced", lambda reply: reply.text
        ),
        beside=BESIDE,
    )
)
