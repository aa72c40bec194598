"""Intervals of single numbers and of cells."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats
from stats_toys import QUICK

from mlbench.errors import DataError
from mlbench.stats import Resampling, cell_level, cell_levels, mean_stderr, wilson
from mlbench.stats.bootstrap import equal_draws
from mlbench.stats.cells import are_above_chance, clustered_stderrs
from mlbench.stats.contrast import (
    Contrast,
    interval_of,
    mean_contrast,
    summarise,
    two_sided_p,
    upper_p,
)
from mlbench.stats.intervals import bca, expanded_tail, percentile, quantiles

scores = st.lists(st.integers(0, 1).map(float), min_size=1, max_size=60)


def test_wilson_equals_statsmodels() -> None:
    # statsmodels 0.15.0: proportion_confint(3, 10, method="wilson"); 81 of 263 is the example of
    # Newcombe, Statistics in Medicine 17 (1998) 857-872, table I: 0.2553 to 0.3662.
    assert wilson(3, 10)[:2] == pytest.approx((0.10779126740630104, 0.6032218525388546))
    assert wilson(81, 263)[:2] == pytest.approx((0.2552885198782742, 0.36620957698280004))


@pytest.mark.parametrize("level", [0.8, 0.95, 0.99])
def test_wilson_equals_scipy(level: float) -> None:
    found = scipy_stats.binomtest(17, 40).proportion_ci(level, method="wilson")
    assert wilson(17, 40, level) == pytest.approx((found.low, found.high, level))


def test_wilson_is_not_empty_at_both_ends() -> None:
    assert wilson(0, 10).low == 0 and wilson(0, 10).high > 0.2
    assert wilson(10, 10).high == 1 and wilson(10, 10).low < 0.8


def test_wilson_of_no_docs_is_unknown() -> None:
    assert all(math.isnan(end) for end in wilson(0, 0)[:2])


def test_wilson_refuses_more_successes_than_docs() -> None:
    with pytest.raises(DataError, match=r"11 successes of 10 docs: need 0 <= successes <= n"):
        wilson(11, 10)


def test_level_outside_zero_and_one_is_refused() -> None:
    with pytest.raises(DataError, match=r"level 95 is not between 0 and 1"):
        wilson(1, 2, 95)


@given(st.integers(1, 200), st.data())
def test_wilson_holds_the_proportion_and_mirrors(n: int, data: st.DataObject) -> None:
    successes = data.draw(st.integers(0, n))
    found, mirrored = wilson(successes, n), wilson(n - successes, n)
    assert 0 <= found.low <= successes / n <= found.high <= 1
    assert found.low == pytest.approx(1 - mirrored.high, abs=1e-12)


@given(st.integers(1, 50))
def test_wilson_narrows_with_more_docs(n: int) -> None:
    few, many = wilson(n, 2 * n), wilson(4 * n, 8 * n)
    assert many.high - many.low < few.high - few.low


def test_mean_stderr_equals_scipy_sem() -> None:
    values = [0.0, 1.0, 1.0, 0.5, 0.0]
    assert mean_stderr(values) == pytest.approx((0.5, scipy_stats.sem(values)))


def test_stderr_of_one_doc_is_unknown() -> None:
    found = mean_stderr([1.0])
    assert found.value == 1.0 and math.isnan(found.stderr)


@pytest.mark.parametrize("values, text", [([], "the mean of no scores"), ([1, math.nan], "NaN")])
def test_mean_of_nothing_and_of_nan_is_refused(values: list[float], text: str) -> None:
    with pytest.raises(DataError, match=text):
        mean_stderr(values)


@given(st.integers(2, 40), st.floats(0, 1))
def test_quantiles_equal_numpy(n: int, probability: float) -> None:
    values = np.random.default_rng(n).normal(size=(n, 3))
    found = quantiles(values, [probability])[0]
    assert found == pytest.approx(np.quantile(values, probability, axis=0), abs=1e-12)


def test_quantiles_leave_nan_out() -> None:
    values = np.array([[1.0, np.nan], [3.0, np.nan], [np.nan, np.nan]])
    found = quantiles(values, [0.5])[0]
    assert found[0] == 2 and math.isnan(found[1])


def test_expanded_tail_is_the_usual_one_for_many_clusters() -> None:
    # For n = 10, t = 2.262 and sqrt(10/9) t = 2.3846: Φ(-2.3846) = 0.00855.
    assert expanded_tail(0.95, 10) == pytest.approx(0.00855, abs=5e-5)
    assert expanded_tail(0.95, 100_000) == pytest.approx(0.025, abs=1e-4)


def test_percentile_of_one_cluster_is_unknown() -> None:
    assert np.isnan(percentile(np.zeros((100, 2)), n=1)).all()


def test_bca_equals_scipy() -> None:
    values = np.random.default_rng(3).exponential(size=60)
    found = scipy_stats.bootstrap(
        (values,), np.mean, n_resamples=20_000, method="BCa", rng=np.random.default_rng(1)
    )
    rest = (values.sum() - values) / (len(values) - 1)
    replicates = found.bootstrap_distribution
    ours = bca(replicates, float(values.mean()), rest)
    assert ours[:2] == pytest.approx(tuple(found.confidence_interval), abs=2e-3)


def test_bca_of_constant_scores_is_unknown() -> None:
    assert math.isnan(bca(np.ones(100), 1.0, np.ones(5)).low)


def test_plain_binary_cell_has_wilsons_interval() -> None:
    found = cell_level([1.0, 1.0, 0.0], resampling=QUICK)
    assert found[1:3] == pytest.approx(wilson(2, 3)[:2]) and found.method == "wilson"


def test_clustered_cell_is_wider_than_a_plain_one() -> None:
    values = np.repeat(np.random.default_rng(0).integers(0, 2, 100), 4).astype(float)
    clusters = [f"c{i // 4}" for i in range(400)]
    plain, clustered = cell_level(values), cell_level(values, clusters, resampling=QUICK)
    assert clustered.high - clustered.low > 1.7 * (plain.high - plain.low)
    assert clustered.stderr == pytest.approx(2 * plain.stderr, rel=0.02)


def test_clustered_cell_that_is_all_right_is_not_certain() -> None:
    found = cell_level(np.ones(20), [f"c{i // 2}" for i in range(20)], resampling=QUICK)
    assert found.high == 1 and found.low == pytest.approx(wilson(10, 10).low)


def test_skewed_cell_gets_bca() -> None:
    values = np.append(np.zeros(99) + np.linspace(0, 0.01, 99), 30.0)
    assert cell_level(values, resampling=Resampling(replicates=500)).method == "bca"


def test_bits_of_few_docs_have_an_interval_that_covers() -> None:
    rng, clusters = np.random.default_rng(5), list("aabcdefghi")
    bits = np.exp(5 + 0.5 * rng.normal(size=(2000, 10)))
    found = cell_levels(bits, clusters, resampling=QUICK)
    truth = float(np.exp(5 + 0.5**2 / 2))
    assert {one.method for one in found} == {"log t"}
    assert np.mean([one.low <= truth <= one.high for one in found]) > 0.93


def test_cell_of_equal_bits_has_no_interval() -> None:
    found = cell_level([7.5, 7.5, 7.5], resampling=QUICK)
    assert found.estimate == 7.5 and math.isnan(found.low)


def test_cell_without_docs_is_refused() -> None:
    with pytest.raises(DataError, match="at least one doc"):
        cell_level([])


@given(scores)
def test_clustered_stderr_of_single_docs_is_the_usual_one(values: list[float]) -> None:
    found = clustered_stderrs(np.array([values]), np.arange(len(values)))
    assert found[0] == pytest.approx(mean_stderr(values).stderr, nan_ok=True)


def test_three_right_docs_are_not_above_chance() -> None:
    for n_docs, is_above in ((3, False), (30, True), (1, False)):
        docs = np.ones((1, n_docs))
        found = are_above_chance(docs, np.arange(n_docs), np.array([0.25]), stderrs=3.0)
        assert found[0] == is_above


def test_each_of_many_cells_has_the_level_that_it_has_alone() -> None:
    rng = np.random.default_rng(3)
    rows = [rng.random(40) < 0.6, np.ones(40), np.eye(40)[3] * 99, rng.normal(9, 1, 40)]
    values, clusters = np.array(rows, dtype=float), [f"c{i // 2}" for i in range(40)]
    found = cell_levels(values, clusters, resampling=QUICK)
    assert found == [cell_level(row, clusters, resampling=QUICK) for row in values]
    assert {level.method for level in found} == {"wilson", "log t", "percentile", "bca"}


def test_a_doc_that_is_not_there_is_no_part_of_a_stderr() -> None:
    values = np.array([[1.0, 0, 1, np.nan, 0, np.nan], [1, 1, 0, 0, 1, 0]])
    codes = np.array([0, 0, 1, 1, 2, 3])
    there = ~np.isnan(values[0])
    alone = clustered_stderrs(values[:1, there], np.array([0, 0, 1, 2]))
    assert clustered_stderrs(values, codes)[0] == alone[0]


def contrast_of(values: np.ndarray, size: float | None = None) -> Contrast:
    """Bootstrap the means of values[doc, language]; `size` is that of an unseen doc."""
    n = len(values)
    weights = np.random.default_rng(3).multinomial(n, np.full(n, 1 / n), size=4000)
    count = np.full(values.shape[1], n)
    contrast = Contrast(
        tuple(map(str, range(values.shape[1]))),
        values.mean(axis=0),
        weights @ values / n,
        count,
        count,
        np.count_nonzero(values, axis=0),
        count,
    )
    return contrast if size is None else contrast.with_floor(size)


def test_few_docs_have_the_interval_and_p_of_student() -> None:
    values = np.random.default_rng(0).normal(0.5, 1.0, size=(12, 5))
    theirs = scipy_stats.ttest_1samp(values, 0.0)
    ours = contrast_of(values)
    assert interval_of(ours, 0.95) == pytest.approx(
        np.stack(theirs.confidence_interval(0.95)), abs=0.05
    )
    assert two_sided_p(ours) == pytest.approx(theirs.pvalue, rel=0.15)


@pytest.mark.parametrize("n", [6, 10, 29, 40, 100])
@pytest.mark.parametrize("size", [None, 1.0])
def test_p_and_interval_say_the_same(n: int, size: float | None) -> None:
    rng = np.random.default_rng(n)
    lead = rng.choice([-1.0, 0.0, 1.0], size=(n, 200), p=[0.1, 0.6, 0.3])
    found = summarise(contrast_of(lead, size), Resampling(replicates=4000))
    excludes = (found.low > 0) | (found.high < 0)
    # Away from the level by more than the noise of 4,000 replicates.
    is_clear = np.abs(found.p - 0.05) > 0.015
    assert (excludes == (found.p < 0.05))[is_clear].all() and is_clear.sum() > 100


@pytest.mark.parametrize("n", [2, 6, 40, 200])
@pytest.mark.parametrize("lead", [-1.0, 0.0, 1.0])
def test_docs_that_do_not_vary_have_no_empty_interval(n: int, lead: float) -> None:
    flat = contrast_of(np.full((n, 3), lead), 1.0)
    for contrast in (flat, mean_contrast(flat), flat.take([1]), flat.negated()):
        low, high = interval_of(contrast, 0.95)
        assert (high - low > 2 / (n + 2)).all()
    assert interval_of(flat.negated(), 0.95) == pytest.approx(-interval_of(flat, 0.95)[::-1])


@given(st.lists(st.floats(0.1, 10), min_size=2, max_size=12))
def test_draws_are_one_more_than_the_freedom_of_satterthwaite(sizes: list[float]) -> None:
    size = np.array(sizes)
    variance = size**2
    residual = np.eye(len(size)) - np.outer(size / size.sum(), np.ones(len(size)))
    form = residual * variance @ residual.T
    wanted = 1 + np.trace(form) ** 2 / np.trace(form @ form)
    found = equal_draws(size[:, np.newaxis], variance[:, np.newaxis])
    assert found == pytest.approx(wanted) and 2 <= found[0] <= len(size)


def test_equal_clusters_are_as_many_draws() -> None:
    for n in range(60):
        sizes = np.full((max(n, 1), 1), 3.0 if n else 0.0)
        assert equal_draws(sizes, sizes)[0] == n


def test_one_long_cluster_widens_the_interval_and_the_p_alike() -> None:
    values = np.random.default_rng(1).normal(0.5, 1.0, size=(12, 4))
    plain = contrast_of(values)
    fewer = replace(plain, n_draws=np.full(4, 5.5))
    radius = (interval_of(fewer, 0.95) - interval_of(plain, 0.95))[1]
    assert (radius > 0).all() and (two_sided_p(fewer) > two_sided_p(plain)).all()
    p = scipy_stats.t.sf(fewer.estimate / fewer.stderr, 4.5)
    assert upper_p(fewer) == pytest.approx(p)
    assert mean_contrast(fewer).draws == 5.5


def test_the_mean_of_flat_languages_is_no_surer_than_one() -> None:
    flat = contrast_of(np.zeros((6, 30)), 1.0)
    assert mean_contrast(flat).stderr == pytest.approx(flat.stderr[:1])


def test_a_mean_counts_the_same_docs_once() -> None:
    flat = contrast_of(np.zeros((6, 30)), 1.0)
    assert mean_contrast(flat).n_seen[0] == 6


def test_docs_that_vary_enough_do_not_feel_the_floor() -> None:
    values = np.tile([1.0, -1.0, 0.0], 20)[:, np.newaxis]
    assert contrast_of(values, 1.0).stderr == contrast_of(values).stderr


def test_p_is_the_interval_turned_round_from_thirty_clusters_on() -> None:
    """At the end of a 95 % interval the one-sided p is 2.5 %, also for as few as 31 clusters."""
    from mlbench.stats.bootstrap import resample

    for n in (31, 40, 80):
        docs = np.random.default_rng(n).normal(0.1, 1.0, size=n).reshape(1, 1, n, 1)
        drawn = resample(docs, np.arange(n)[np.newaxis], names="x", resampling=Resampling())
        count = np.array([n])
        contrast = Contrast(
            ("x",), drawn.means[0], drawn.replicates[:, 0], count, count, count, count
        )
        low = float(interval_of(contrast, 0.95)[0, 0])
        assert upper_p(contrast, low)[0] == pytest.approx(0.025, abs=0.0004)
