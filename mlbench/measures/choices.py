"""Which choice is taken, and was it right? The rules of multiple choice, each a measure.

lm-eval has acc, acc_norm and acc_bytes with the same definitions; they are here too because the
report computes them again from the store, where no model and no lm-eval is needed. On a tie the
first choice is taken, as in lm-eval.
"""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from mlbench.errors import DataError
from mlbench.measures.measure import Measure, add_measure, all_measures, measure_of
from mlbench.measures.samples import (
    ChoiceSample,
    Columns,
    Floats,
    Ints,
    Likelihoods,
    PerChoice,
    ScoreSample,
)
from mlbench.measures.scales import ADJUSTED, LOGIT, RETENTION

Weigh = Callable[[ChoiceSample], Sequence[float]]


def predict(sample: ChoiceSample, rule: str) -> int:
    """Return the index of the choice that a rule takes; the first one on a tie."""
    return _best(weigh(sample, rule))


def _best(values: Sequence[float]) -> int:
    return max(range(len(values)), key=lambda index: (values[index], -index))


def weigh(sample: ChoiceSample, rule: str) -> Sequence[float]:
    """Return what a rule compares of each choice: nats, per character or byte, or less a prior.

    Raises DataError for acc_pmi without calibration, and for acc_calibrated without label means.
    """
    by_rule = measure_of(rule).weigh
    if by_rule is None:
        raise DataError(f"{rule!r} is not a rule to take a choice by")
    return by_rule(sample)


def rules() -> tuple[str, ...]:
    """Name the rules by which a choice can be taken."""
    return tuple(measure.name for measure in all_measures() if measure.is_rule)


def available_rules(sample: ChoiceSample) -> tuple[str, ...]:
    """Name the rules that a sample holds enough for."""
    lacking = {ACC_PMI.name: sample.calibration, ACC_CALIBRATED.name: sample.label_means}
    return tuple(rule for rule in rules() if lacking.get(rule, True))


def taken_of(columns: Columns, rule: str) -> Ints | None:
    """Return what a rule takes on each doc, None where it has to be asked doc by doc."""
    take = measure_of(rule).take
    return None if take is None else columns.made(f"taken {rule}", take)


def _loglikelihoods(sample: ChoiceSample) -> Sequence[float]:
    return sample.loglikelihoods


def _per_character(sample: ChoiceSample) -> Sequence[float]:
    return _per(sample, len)


def _per_byte(sample: ChoiceSample) -> Sequence[float]:
    return _per(sample, lambda choice: len(choice.encode()))


def _per(sample: ChoiceSample, length: Callable[[str], int]) -> list[float]:
    pairs = zip(sample.loglikelihoods, sample.choices, strict=True)
    return [loglikelihood / length(choice) for loglikelihood, choice in pairs]


def _less_prior(sample: ChoiceSample) -> list[float]:
    if not sample.calibration:
        raise DataError(f"doc {sample.doc_id!r} was scored without calibration; acc_pmi needs it")
    return _less(sample, sample.calibration)


def _less_label_means(sample: ChoiceSample) -> list[float]:
    if not sample.label_means:
        raise DataError(
            f"doc {sample.doc_id!r} was scored without calibration docs; acc_calibrated needs them"
        )
    return _less(sample, sample.label_means)


def _less(sample: ChoiceSample, priors: Sequence[float]) -> list[float]:
    pairs = zip(sample.loglikelihoods, priors, strict=True)
    return [conditional - prior for conditional, prior in pairs]


def _take_likeliest(columns: Columns) -> Ints | None:
    return _first_best(columns.by_choice("loglikelihoods"))


def _take_best_less(columns: Columns, name: PerChoice) -> Ints | None:
    """Take the choice whose log-likelihood is most above another number of it."""
    return _combined(columns, name, np.subtract)


def _take_best_per(columns: Columns, name: PerChoice) -> Ints | None:
    """Take the choice of the highest log-likelihood per unit of its length."""
    return _combined(columns, name, np.divide)


def _combined(columns: Columns, name: PerChoice, combine: np.ufunc) -> Ints | None:
    values, widths = columns.by_choice("loglikelihoods")
    others = columns.by_choice(name)
    if (others.widths != widths).any():
        return None
    is_there = np.arange(values.shape[1]) < widths[:, np.newaxis]
    lowest = np.full(values.shape, -np.inf)
    with np.errstate(invalid="ignore", divide="ignore"):
        values = combine(values, others.values, out=lowest, where=is_there)
    # A choice without a text has no length, and docs are asked one by one.
    is_known = combine is not np.divide or bool((others.values[is_there] > 0).all())
    return _first_best(Likelihoods(values, widths)) if is_known else None


def _first_best(found: Likelihoods) -> Ints | None:
    """Take the first of the greatest; None where a number is not known."""
    if np.isnan(found.values).any() or not found.widths.all():
        return None
    return np.asarray(found.values.argmax(axis=1), dtype=np.int64)


def _is_right(sample: ChoiceSample, by: Weigh) -> tuple[float]:
    return (float(_best(by(sample)) == sample.target),)


def _are_right(columns: Columns, rule: str) -> Floats | None:
    targets = columns.targets
    taken = None if targets is None else taken_of(columns, rule)
    return None if taken is None else (taken == targets).astype(np.float64)[:, np.newaxis]


def _rule(  # noqa: PLR0913  (the facts of a rule, by name)
    name: str,
    title: str,
    by: Weigh,
    *,
    weigh_unit: str,
    take: Callable[[Columns], Ints | None] | None = None,
    needs_cell: bool = False,
) -> Measure:
    """Make the measure of a rule: the share of docs on which it takes the right choice."""
    return add_measure(
        Measure(
            name=name,
            title=title,
            unit="%",
            sample=ChoiceSample,
            scales=(ADJUSTED, LOGIT, RETENTION),
            statistics=partial(_is_right, by=by),
            columns=None if take is None else partial(_are_right, rule=name),
            high=1.0,
            has_chance=True,
            doc_reach=1.0,
            factor=100.0,
            needs_cell=needs_cell,
            weigh=by,
            weigh_unit=weigh_unit,
            take=take,
        )
    )


ACC = _rule(
    "acc",
    "accuracy by log-likelihood",
    _loglikelihoods,
    weigh_unit="nats",
    take=_take_likeliest,
)
ACC_NORM = _rule(
    "acc_norm",
    "accuracy by log-likelihood per character",
    _per_character,
    weigh_unit="nats a character",
    take=partial(_take_best_per, name="n_characters"),
)
ACC_BYTES = _rule(
    "acc_bytes",
    "accuracy by log-likelihood per UTF-8 byte",
    _per_byte,
    weigh_unit="nats a byte",
    take=partial(_take_best_per, name="n_bytes"),
)
ACC_PMI = _rule(
    # Holtzman et al. 2021, "Surface Form Competition", section 3.
    "acc_pmi",
    "accuracy by log-likelihood less that without the query",
    _less_prior,
    weigh_unit="nats over its prior",
    take=partial(_take_best_less, name="calibration"),
)
ACC_CALIBRATED = _rule(
    # Zhou et al. 2024, "Batch Calibration", ICLR, section 3, with log-likelihoods and with docs
    # that are not scored, so that a doc's score does not depend on the others.
    "acc_calibrated",
    "accuracy by log-likelihood less the label's mean over unscored docs",
    _less_label_means,
    weigh_unit="nats over its mean",
    take=partial(_take_best_less, name="label_means"),
    needs_cell=True,
)

SCORE = add_measure(
    Measure(
        name="score",
        title="score from elsewhere",
        unit="%",
        sample=ScoreSample,
        scales=(ADJUSTED, LOGIT, RETENTION),
        statistics=lambda sample: (sample.score,),
        high=1.0,
        has_chance=True,
        doc_reach=1.0,
        factor=100.0,
    )
)
