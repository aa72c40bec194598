"""What does a text take? Bits by which a model predicts it, and the tokens it is cut into.

Bits of whole sentences do not depend on the tokenizer, so models are compared on them; tokens are
what is paid for.
"""

import math
from collections.abc import Sequence

import numpy as np

from mlbench.measures.measure import Measure, add_measure
from mlbench.measures.samples import Columns, Floats, TextSample
from mlbench.measures.scales import BITS_RATIO, TOKENS_RATIO


def _bits(sample: TextSample) -> tuple[float]:
    return (-sample.loglikelihood / math.log(2),)


def _bits_of_columns(columns: Columns) -> Floats | None:
    found = columns.numbers("loglikelihood")
    with np.errstate(over="ignore"):
        return None if found is None else np.asarray(-found / math.log(2))[:, np.newaxis]


def _bits_and_bytes(sample: TextSample) -> tuple[float, float]:
    return (*_bits(sample), float(sample.n_bytes))


def _tokens(sample: TextSample) -> Sequence[float]:
    return (math.nan if sample.n_tokens is None else float(sample.n_tokens),)


def ratio_of_sums(sums: Floats, _n_docs: Floats) -> Floats:
    """Return the first sum over the second: a long doc weighs as much as it is long."""
    return np.asarray(sums[..., 0] / sums[..., 1])


BITS = add_measure(
    Measure(
        name="bits",
        title="bits per sentence",
        unit="bits",
        sample=TextSample,
        scales=(BITS_RATIO,),
        statistics=_bits,
        columns=_bits_of_columns,
        higher_is_better=False,
        is_amount=True,
        alone="bits_per_byte",
    )
)
# Total bits over total bytes, as in lm-eval, not a mean over docs.
BITS_PER_BYTE = add_measure(
    Measure(
        name="bits_per_byte",
        title="bits per byte",
        unit="bits per byte",
        sample=TextSample,
        scales=(BITS_RATIO,),
        statistics=_bits_and_bytes,
        value=ratio_of_sums,
        higher_is_better=False,
        digits=2,
        is_mean=False,
    )
)
TOKENS = add_measure(
    Measure(
        name="tokens",
        title="tokens per sentence",
        unit="tokens",
        sample=TextSample,
        scales=(TOKENS_RATIO,),
        statistics=_tokens,
        higher_is_better=False,
        is_amount=True,
    )
)
