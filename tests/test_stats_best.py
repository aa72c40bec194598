"""Is a probability of being best what it says? Against known truths, and where nothing can be told.

The study is benchmarks/choosing.py in short; its seed is fixed, and a bound fails a right program
for one seed in some thousand.
"""

import math
from functools import cache

import numpy as np
import pytest
from scipy import stats as scipy_stats
from stats_toys import QUICK, TAGS, load_study, make_cells

from mlbench.measures import BITS
from mlbench.stats import CellScores, Resampling, macro_means, table_from_cells
from mlbench.stats.best import probabilities_of_best, shares_of_variance
from mlbench.stats.ranks import MacroMeans

study = load_study("choosing")
SURE = 0.9995


@cache
def forecasts() -> list[object]:
    rng = np.random.default_rng(3)
    resampling = Resampling(replicates=200)
    return [study.forecast(rng, spread, resampling) for spread in study.SPREADS * 60]


def bins_outside(said: np.ndarray, came: np.ndarray) -> list[float]:
    """Return the bins in which more or fewer forecasts came true than luck allows."""
    found = []
    for one in study.bins_of(said, came):
        low, high = scipy_stats.binom.interval(SURE, one.n, one.said)
        if not low <= one.came * one.n <= high:
            found.append(one.said)
    return found


def test_probabilities_of_best_come_true_as_often_as_they_say() -> None:
    assert not bins_outside(*study.said_and_came(forecasts()))


def test_the_share_of_draws_alone_would_be_too_sure() -> None:
    # So the bounds can fail; and it is why levels are drawn together.
    assert bins_outside(*study.said_and_came(forecasts(), plain=True))


def test_the_brier_score_is_the_one_that_the_probabilities_promise() -> None:
    said, came = study.said_and_came(forecasts())
    expected = study.expected_brier(said)
    # Spiegelhalter's z: the spread of (said - came)^2 if the forecasts are right.
    spread = study.N_MODELS * math.sqrt((said * (1 - said) * (1 - 2 * said) ** 2).sum()) / len(said)
    assert abs(study.brier(said, came) - expected) < 4 * spread
    even = np.full_like(said, 1 / study.N_MODELS)
    assert study.brier(said, came) < study.brier(even, came) - 0.1


def of_table(cells: list[CellScores], **kinds: object) -> np.ndarray:
    table = table_from_cells("f", cells, **kinds)
    weights = np.full((1, len(table.languages)), 1 / len(table.languages))
    (means,) = macro_means(table, table.models, weights, QUICK)
    return probabilities_of_best(means, QUICK)


def test_a_model_far_ahead_is_the_best_and_probabilities_sum_to_one() -> None:
    rates = {m: dict.fromkeys(TAGS, rate) for m, rate in (("a", 0.3), ("b", 0.9), ("c", 0.32))}
    found = of_table(make_cells(rates))
    assert found.sum() == pytest.approx(1)
    assert found[1] > 0.999


def test_models_that_never_differ_share_their_probability() -> None:
    (first,) = [make_cells({"a": dict.fromkeys(TAGS, 0.6)})]
    twins = [
        CellScores(name, c.language, c.doc_ids, c.values, c.cluster_ids, c.chance)
        for c in first
        for name in ("a", "b")
    ]
    assert of_table(twins) == pytest.approx([0.5, 0.5])


def test_two_docs_that_one_model_has_right_leave_doubt() -> None:
    cells = [
        CellScores(name, "sw", ["d0", "d1"], [value] * 2) for name, value in (("a", 1), ("b", 0))
    ]
    assert 0.6 < of_table(cells)[0] < 0.97


def test_one_doc_tells_nothing() -> None:
    cells = [CellScores(name, "sw", ["d0"], [value]) for name, value in (("a", 1), ("b", 0))]
    assert np.isnan(of_table(cells)).all()


def test_the_fewest_bits_are_best() -> None:
    ids = [f"d{i}" for i in range(40)]
    bits = np.random.default_rng(0).uniform(50, 90, size=40)
    cells = [CellScores(m, "en", ids, bits * more) for m, more in (("a", 1.1), ("b", 1.0))]
    assert of_table(cells, measure=BITS)[1] > 0.99


def test_near_models_are_less_sure_than_their_draws() -> None:
    draws = np.random.default_rng(1).normal(0, 0.02, (4000, 2))
    levels = np.array([0.52, 0.50])
    means = MacroMeans(levels, levels + draws, 200, 200.0, np.full((2, 2), 100))
    plain = float((means.replicates.argmax(axis=1) == 0).mean())
    found = probabilities_of_best(means, QUICK)
    assert 0.5 < found[0] < plain - 0.03


def test_the_parts_of_a_variance_sum_to_one() -> None:
    parts = np.random.default_rng(0).normal(0, [1.0, 2.0, 0.0], (5000, 3))
    assert shares_of_variance(parts) == pytest.approx([0.2, 0.8, 0.0], abs=0.03)
    assert np.isnan(shares_of_variance(np.ones((5, 2)))).all()
