"""Was a reply the answer? Exact match and F1 of words, as a task of lm-eval counts them.

The task itself scores a reply when it comes (harness.scorer): each strips and compares in its own
way, and some in the way of a language. What it said is kept with the reply. An answer that is given
and not written is right where it is what the model would have written.
"""

from dataclasses import replace

import numpy as np

from mlbench.measures.measure import Measure, add_measure
from mlbench.measures.replies import stored
from mlbench.measures.samples import Floats, ReplySample, TargetSample
from mlbench.measures.scales import Margins, difference_in

MARGINS = Margins(0.02, 0.05)

EXACT_MATCH = add_measure(
    Measure(
        name="exact_match",
        title="exact match",
        unit="%",
        sample=ReplySample,
        scales=(difference_in("exact_match", "points", margins=MARGINS, factor=100.0),),
        statistics=stored("exact_match"),
        high=1.0,
        factor=100.0,
        doc_reach=1.0,
    )
)
WORD_F1 = add_measure(
    replace(
        EXACT_MATCH,
        name="f1",
        title="F1 of words",
        scales=(difference_in("word_f1", "F1 points", margins=MARGINS, factor=100.0),),
        statistics=stored("f1"),
    )
)
ACC_GREEDY = add_measure(
    replace(
        EXACT_MATCH,
        name="acc_greedy",
        title="right text is the likeliest",
        sample=TargetSample,
        scales=(difference_in("acc_greedy", "points", margins=MARGINS, factor=100.0),),
        statistics=lambda sample: (float(sample.is_greedy),),
        columns=lambda columns: _as_column(columns.numbers("is_greedy")),
    )
)


def _as_column(found: Floats | None) -> Floats | None:
    return None if found is None else found.astype(np.float64)[:, np.newaxis]
