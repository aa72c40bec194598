"""Does another language lie where the prediction interval says, with and without shared docs?"""

import math

import numpy as np
import pytest
from scipy.stats import t

from mlbench.stats import MeanStderr, prediction_interval


def test_three_languages_without_noise_give_the_formula_by_hand() -> None:
    found = prediction_interval([0.0, 10.0, 20.0], [0.0] * 3, MeanStderr(10.0, 0.0), 0.95)
    assert found.high == pytest.approx(10 + 12.7062 * 10, abs=1e-3)  # t of 1 degree, 97.5 %
    assert found.low == pytest.approx(10 - 12.7062 * 10, abs=1e-3)


def test_two_languages_predict_nothing() -> None:
    found = prediction_interval([1.0, 2.0], [0.1, 0.1], MeanStderr(1.5, 0.1), 0.95)
    assert math.isnan(found.low) and math.isnan(found.high)


def test_what_docs_alone_explain_is_no_difference_between_languages() -> None:
    mean = MeanStderr(0.0, 0.1)
    found = prediction_interval([-1.0, 0.0, 1.0] * 20, [1.0] * 60, mean, 0.95)
    assert found.high == pytest.approx(t.ppf(0.975, 58) * 0.1 * math.sqrt(1), abs=0.6)
    assert (
        found.high < 0.7 < prediction_interval([-1.0, 0.0, 1.0] * 20, [0.1] * 60, mean, 0.95).high
    )


@pytest.mark.parametrize("share", [0.0, 0.6])
def test_nineteen_of_twenty_new_languages_lie_inside(share: float) -> None:
    rng = np.random.default_rng(3)
    n, between, noise, inside = 40, 5.0, 3.0, 0
    stderr = noise * math.sqrt(share + (1 - share) / n)
    for _ in range(2_000):
        own = rng.normal(0, math.sqrt(1 - share), n) + rng.normal(0, math.sqrt(share))
        estimates = rng.normal(20, between, n) + noise * own
        mean = MeanStderr(float(estimates.mean()), stderr)
        found = prediction_interval(estimates.tolist(), [noise] * n, mean, 0.95)
        inside += found.low <= rng.normal(20, between) <= found.high
    assert 0.93 < inside / 2_000 < 0.97
