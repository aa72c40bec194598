"""What is the score of each doc, and of a cell? Sums of statistics, and the value of their sums."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from mlbench.errors import DataError
from mlbench.measures.measure import Measure, measure_of
from mlbench.measures.samples import Columns, Floats, Sample
from mlbench.records import Score


def statistics_of(samples: Sequence[Sample], name: str) -> Floats:
    """Return the sufficient statistics of a measure: docs x k.

    Raises DataError for samples of which the measure cannot be made.
    """
    measure = measure_of(name)
    if isinstance(samples, Columns):
        found = samples.stored_statistics(name)
        if found is None and measure.columns is not None:
            found = samples.made(name, measure.columns)
        if found is not None:
            return found
    rows = [measure.statistics(sample) for sample in samples if _check(sample, measure)]
    longest = max(map(len, rows), default=0)
    # Docs with fewer labels than others count nothing for those that they do not have.
    return np.array([(*row, *[0.0] * (longest - len(row))) for row in rows], dtype=np.float64)


def _check(sample: Sample, measure: Measure) -> bool:
    if not isinstance(sample, measure.sample):
        kind = type(sample).__name__
        raise DataError(
            f"doc {sample.doc_id!r} is a {kind}; {measure.name!r} needs a {measure.sample.__name__}"
        )
    return True


def doc_scores(samples: Sequence[Sample], name: str) -> list[float]:
    """Return the score of each doc, in order: 0 or 1, a score, or the value of the doc alone.

    Raises DataError for a measure whose docs can be scored only with others (macro_f1).
    """
    measure = measure_of(name)
    if not measure.has_doc_scores:
        raise DataError(f"{name!r} is not a score of a single doc")
    found = statistics_of(samples, name)
    if not len(found):
        return []
    scores: list[float] = measure.value(found, np.ones(len(found))).tolist()
    return scores


def cell_score(samples: Sequence[Sample], name: str) -> Score:
    """Return the score of a cell with one standard error, nan below two docs.

    s/sqrt(n) of a mean, as lm-eval has it, and of other measures the jackknife's, which for a mean
    is the same (Efron & Tibshirani 1993, chapter 11).
    """
    if not samples:
        raise DataError("a cell without docs has no score")
    measure = measure_of(name)
    found = statistics_of(samples, name)
    n = len(found)
    if measure.is_mean:
        values = found[:, 0].tolist()
        mean = math.fsum(values) / n
        if n < 2:
            return Score(name, mean, n, math.nan)
        variance = math.fsum((value - mean) ** 2 for value in values) / (n - 1)
        return Score(name, mean, n, math.sqrt(variance / n))
    value = float(measure.value(found.sum(axis=0), np.array(float(n))))
    if n < 2:
        return Score(name, value, n, math.nan)
    pseudo = pseudo_values(found, measure)
    return Score(name, value, n, float(pseudo.std(ddof=1)) / math.sqrt(n))


def words_beside(judged: Measure, scores: Mapping[str, Score]) -> list[str]:
    """Return as text what the score of a cell is shown with, as far as the cell has it."""
    found = (measure_of(name) for name in judged.beside if name in scores)
    return [
        f"{one.title} {one.format(scores[one.name].value)}{' %' if one.is_share else ''}"
        for one in found
    ]


def pseudo_values(statistics: Floats, measure: Measure) -> Floats:
    """Return what each doc contributes to the value: n f(all) - (n - 1) f(all but this one).

    statistics[..., doc, k] -> [..., doc]; nan is a doc that is not there. The mean of docs of a
    mean; of other measures the jackknife's pseudo-values (Tukey 1958; Efron & Tibshirani 1993,
    section 11.5), whose spread is that of the value to first order.
    """
    there = np.asarray(~np.isnan(statistics).any(axis=-1))
    n = there.sum(axis=-1, keepdims=True).astype(np.float64)
    known = np.where(there[..., np.newaxis], statistics, 0.0)
    sums = known.sum(axis=-2, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        whole = measure.value(sums, n)
        rest = np.where(n > 1, measure.value(sums - known, np.maximum(n - 1, 1)), whole)
        return np.asarray(np.where(there, n * whole - (n - 1) * rest, np.nan))
