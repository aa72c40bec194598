"""What kind of number is a score? Measures, the samples they read, and the scales of comparison.

Read in this order: measure (the record), scales, then one file a kind of measure: choices, labels,
texts, replies; scores makes numbers of docs and cells.
"""

from mlbench.measures.answers import ACC_GREEDY, EXACT_MATCH, WORD_F1
from mlbench.measures.choices import (
    ACC,
    ACC_BYTES,
    ACC_CALIBRATED,
    ACC_NORM,
    ACC_PMI,
    SCORE,
    available_rules,
    predict,
    rules,
    taken_of,
    weigh,
)
from mlbench.measures.labels import MACRO_F1, label_rule
from mlbench.measures.measure import (
    Measure,
    add_measure,
    all_measures,
    all_scales,
    measure_of,
    scale_of,
)
from mlbench.measures.rates import (
    COPIED,
    EMPTY,
    FIDELITY,
    FIDELITY_OF_REFERENCES,
    OTHER_LANGUAGE,
    UNDECIDED,
)
from mlbench.measures.replies import CHRF, CHRF_CHARACTERS, CHRF_FITTED
from mlbench.measures.samples import (
    ChoiceSample,
    Columns,
    Likelihoods,
    Reply,
    ReplySample,
    Sample,
    ScoreSample,
    TargetSample,
    TextSample,
    by_choice_of,
)
from mlbench.measures.scales import ADJUSTED, LOGIT, RETENTION, Margins, Scale
from mlbench.measures.scores import (
    cell_score,
    doc_scores,
    pseudo_values,
    statistics_of,
    words_beside,
)
from mlbench.measures.texts import BITS, BITS_PER_BYTE, TOKENS

__all__ = [
    "EXACT_MATCH",
    "WORD_F1",
    "ACC",
    "ACC_BYTES",
    "ACC_CALIBRATED",
    "ACC_GREEDY",
    "ACC_NORM",
    "ACC_PMI",
    "ADJUSTED",
    "BITS",
    "BITS_PER_BYTE",
    "CHRF",
    "CHRF_CHARACTERS",
    "CHRF_FITTED",
    "COPIED",
    "EMPTY",
    "FIDELITY",
    "FIDELITY_OF_REFERENCES",
    "LOGIT",
    "MACRO_F1",
    "OTHER_LANGUAGE",
    "RETENTION",
    "SCORE",
    "TOKENS",
    "ChoiceSample",
    "Columns",
    "Likelihoods",
    "Margins",
    "Measure",
    "Reply",
    "ReplySample",
    "Sample",
    "Scale",
    "ScoreSample",
    "TargetSample",
    "TextSample",
    "UNDECIDED",
    "add_measure",
    "all_measures",
    "all_scales",
    "available_rules",
    "by_choice_of",
    "cell_score",
    "doc_scores",
    "label_rule",
    "measure_of",
    "predict",
    "pseudo_values",
    "rules",
    "scale_of",
    "statistics_of",
    "taken_of",
    "weigh",
    "words_beside",
]
