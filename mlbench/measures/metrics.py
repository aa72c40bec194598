"""What is the score of one doc, and of a cell? Pure functions on log-likelihoods.

lm-eval has acc, acc_norm and acc_bytes with the same definitions; they are here too because the
report computes them again from the store, where no model and no lm-eval is needed.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from mlbench.errors import DataError
from mlbench.records import Score


@dataclass(frozen=True, slots=True)
class ChoiceSample:
    """The reply to one ChoiceDoc: natural-log likelihoods of each choice given the context.

    `calibration` holds those given the context without the query; empty where not asked.
    `n_tokens` is the length of each choice; empty where the backend does not show tokens.
    `label_means` holds the mean log-likelihood of each label over the unscored calibration docs of
    the cell, the same for all its docs; empty for families whose choices are the doc's own.
    """

    doc_id: str
    cluster_id: str
    target: int
    choices: tuple[str, ...]
    loglikelihoods: tuple[float, ...]
    calibration: tuple[float, ...] = ()
    n_tokens: tuple[int, ...] = ()
    label_means: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class TextSample:
    """The reply to one TextDoc: natural-log likelihood of the whole text, its bytes and tokens.

    Bytes are UTF-8; tokens are None where the backend does not show them.
    """

    doc_id: str
    cluster_id: str
    loglikelihood: float
    n_bytes: int
    n_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class ScoreSample:
    """A doc scored elsewhere, of which only the score in [0, 1] is known; higher is better."""

    doc_id: str
    cluster_id: str
    score: float


Sample = ChoiceSample | TextSample | ScoreSample


def predict(sample: ChoiceSample, metric: str) -> int:
    """Return the index of the choice that a metric takes; the first one on a tie, as lm-eval.

    acc: log-likelihood. acc_norm: per character. acc_bytes: per UTF-8 byte. acc_pmi: minus the
    log-likelihood without the query (Holtzman et al. 2021, "Surface Form Competition", section 3).
    acc_calibrated: minus the label's mean over unscored docs, so that no label wins by its length
    or its frequency (Zhou et al. 2024, "Batch Calibration", ICLR, section 3, with log-likelihoods
    and with docs that are not scored, so that a doc's score does not depend on the others).
    """
    values = weigh(sample, metric)
    return max(range(len(values)), key=lambda index: (values[index], -index))


def weigh(sample: ChoiceSample, metric: str) -> Sequence[float]:
    """Return what a metric compares of each choice: nats, per character or byte, or less a prior.

    Raises DataError for acc_pmi without calibration, and for acc_calibrated without label means.
    """
    return _WEIGHTS[metric](sample)


def _pmi(sample: ChoiceSample) -> list[float]:
    if not sample.calibration:
        raise DataError(f"doc {sample.doc_id!r} was scored without calibration; acc_pmi needs it")
    return _less(sample, sample.calibration)


def _calibrated(sample: ChoiceSample) -> list[float]:
    if not sample.label_means:
        raise DataError(
            f"doc {sample.doc_id!r} was scored without calibration docs; acc_calibrated needs them"
        )
    return _less(sample, sample.label_means)


def _less(sample: ChoiceSample, priors: Sequence[float]) -> list[float]:
    pairs = zip(sample.loglikelihoods, priors, strict=True)
    return [conditional - prior for conditional, prior in pairs]


def _per(sample: ChoiceSample, length: Callable[[str], int]) -> list[float]:
    pairs = zip(sample.loglikelihoods, sample.choices, strict=True)
    return [loglikelihood / length(choice) for loglikelihood, choice in pairs]


_WEIGHTS: Mapping[str, Callable[[ChoiceSample], Sequence[float]]] = MappingProxyType(
    {
        "acc": lambda sample: sample.loglikelihoods,
        "acc_norm": lambda sample: _per(sample, len),
        "acc_bytes": lambda sample: _per(sample, lambda choice: len(choice.encode())),
        "acc_pmi": _pmi,
        "acc_calibrated": _calibrated,
    }
)

RULES = tuple(_WEIGHTS)
"""The rules by which a choice is taken: every metric that is an accuracy of choices."""

METRICS = (*_WEIGHTS, "macro_f1", "bits", "bits_per_byte", "score")
"""Every metric; for `bits` and `bits_per_byte` lower is better. `score` is that of ScoreSample."""

LOWER_IS_BETTER = frozenset({"bits", "bits_per_byte"})


def doc_scores(samples: Sequence[Sample], metric: str) -> list[float]:
    """Return the metric of each doc, in order: 0 or 1, a score, or bits (per byte) of the text.

    Raises DataError for macro_f1, which is a property of the whole cell.
    """
    return [_doc_score(sample, metric) for sample in samples]


def _doc_score(sample: Sample, metric: str) -> float:
    if isinstance(sample, TextSample):
        bits = -sample.loglikelihood / math.log(2)
        return bits if metric == "bits" else bits / sample.n_bytes
    if isinstance(sample, ScoreSample):
        if metric != "score":
            raise DataError(f"doc {sample.doc_id!r} has only a score, {metric!r} needs more")
        return sample.score
    if metric not in _WEIGHTS:
        raise DataError(f"{metric!r} is not a score of a single doc")
    return float(predict(sample, metric) == sample.target)


def cell_score(samples: Sequence[Sample], metric: str) -> Score:
    """Return the score of a cell; stderr of a mean is s/sqrt(n), nan where it is not a mean.

    bits_per_byte is total bits over total bytes, as in lm-eval, not a mean over docs.
    """
    if not samples:
        raise DataError("a cell without docs has no score")
    if metric == "macro_f1":
        choices = [sample for sample in samples if isinstance(sample, ChoiceSample)]
        if len(choices) < len(samples):
            raise DataError("macro_f1 needs the choices of each doc")
        pairs = [(sample.target, predict(sample, label_rule(sample))) for sample in choices]
        return Score(metric, macro_f1(pairs), len(samples), math.nan)
    if metric == "bits_per_byte":
        texts = [sample for sample in samples if isinstance(sample, TextSample)]
        bits = sum(doc_scores(texts, "bits"))
        return Score(metric, bits / sum(text.n_bytes for text in texts), len(texts), math.nan)
    values = doc_scores(samples, metric)
    n = len(values)
    mean = math.fsum(values) / n
    if n < 2:
        return Score(metric, mean, n, math.nan)
    variance = math.fsum((value - mean) ** 2 for value in values) / (n - 1)
    return Score(metric, mean, n, math.sqrt(variance / n))


def label_rule(sample: ChoiceSample) -> str:
    """Name the rule that macro_f1 takes its predictions by: calibrated where that is known."""
    return "acc_calibrated" if sample.label_means else "acc"


def available_rules(sample: ChoiceSample) -> tuple[str, ...]:
    """Name the rules that a sample holds enough for."""
    needs = {"acc_pmi": sample.calibration, "acc_calibrated": sample.label_means}
    return tuple(rule for rule in RULES if needs.get(rule, True))


def macro_f1(pairs: Sequence[tuple[int, int]]) -> float:
    """Return the unweighted mean over the labels present of F1, from (target, prediction) pairs.

    A label that occurs only as a prediction counts with F1 = 0, as in scikit-learn's
    f1_score(average="macro") with zero_division=0.

    >>> macro_f1([(0, 0), (0, 1), (1, 1)])
    0.6666666666666666
    """
    labels = sorted({label for pair in pairs for label in pair})
    scores = []
    for label in labels:
        hits = sum(target == prediction == label for target, prediction in pairs)
        named = sum((target == label) + (prediction == label) for target, prediction in pairs)
        scores.append(2 * hits / named)
    return math.fsum(scores) / len(scores)
