"""Tests and corrections: McNemar, Holm, Benjamini-Hochberg, TOST, Hartung-Knapp."""

import math
from dataclasses import replace

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from mlbench.errors import DataError
from mlbench.stats import benjamini_hochberg, holm, mcnemar, pool_families
from mlbench.stats.contrast import Contrast
from mlbench.stats.equivalence import state_of, states_of, tost_p
from mlbench.stats.pooling import equivalence_p

P = [0.01, 0.02, 0.03, 0.005, 0.2, 0.5, 0.04, 0.0001]
p_values = st.lists(st.floats(0, 1), min_size=1, max_size=30)


def test_holm_equals_statsmodels() -> None:
    # statsmodels 0.15.0: multipletests(P, method="holm")[1]
    assert holm(P) == pytest.approx([0.06, 0.1, 0.12, 0.035, 0.4, 0.5, 0.12, 0.0008])


def test_benjamini_hochberg_equals_scipy() -> None:
    assert benjamini_hochberg(P) == pytest.approx(scipy_stats.false_discovery_control(P))


def test_benjamini_hochberg_of_its_paper() -> None:
    # Benjamini & Hochberg 1995, section 3.2: of these 15 p-values 4 are rejected at 0.05, and 3 by
    # Bonferroni, as by Holm.
    p = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459]
    p += [0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0000]
    assert (benjamini_hochberg(p) <= 0.05).sum() == 4
    assert (holm(p) <= 0.05).sum() == 3


@given(p_values)
def test_corrections_are_ordered_and_bounded(p: list[float]) -> None:
    raw, q, firm = np.array(p), benjamini_hochberg(p), holm(p)
    assert (raw <= q + 1e-12).all() and (q <= firm + 1e-12).all() and (firm <= 1).all()


@given(p_values, st.randoms())
def test_corrections_do_not_depend_on_the_order(p: list[float], random: object) -> None:
    order = np.random.default_rng(len(p)).permutation(len(p))
    for correct in (holm, benjamini_hochberg):
        assert correct(np.array(p)[order]) == pytest.approx(correct(p)[order])


def test_untested_languages_do_not_count() -> None:
    found = holm([0.01, math.nan, 0.04])
    assert found[0] == 0.02 and math.isnan(found[1]) and found[2] == 0.04
    assert holm([]).size == 0


def test_p_value_above_one_is_refused() -> None:
    with pytest.raises(DataError, match=r"a p-value is not in \[0, 1\]"):
        holm([1.2])


def test_mcnemar_equals_scipy_and_statsmodels() -> None:
    a = [1] * 8 + [0] * 2 + [1] * 10
    b = [0] * 8 + [1] * 2 + [1] * 10
    found = mcnemar(a, b)
    # statsmodels 0.15.0: mcnemar([[10, 8], [2, 5]], exact=True).pvalue
    assert found == pytest.approx((8, 2, 0.109375))
    assert found.p == pytest.approx(scipy_stats.binomtest(2, 10).pvalue)


def test_mcnemar_without_discordant_docs_is_one() -> None:
    assert mcnemar([1, 0], [1, 0]).p == 1


def test_mcnemar_refuses_partial_credit() -> None:
    with pytest.raises(DataError, match="McNemar's test needs 0/1 scores"):
        mcnemar([0.5], [1])


def normal_contrast(effect: float, stderr: float, n: int = 100_000) -> Contrast:
    """Make replicates that are exactly normal quantiles: known p-values, no Monte Carlo noise."""
    replicates = scipy_stats.norm.ppf((np.arange(20_000) + 0.5) / 20_000) * stderr + effect
    count = np.array([n])
    return Contrast(
        ("x",), np.array([effect]), replicates[:, np.newaxis], count, count, count, count
    )


@pytest.mark.parametrize("effect", [-0.01, 0.0, 0.03])
def test_tost_equals_two_one_sided_z_tests(effect: float) -> None:
    stderr, margin = 0.02, 0.05
    wanted = scipy_stats.norm.sf((margin - abs(effect)) / stderr)
    assert tost_p(normal_contrast(effect, stderr), margin)[0] == pytest.approx(wanted, rel=0.02)


def test_tost_equals_two_one_sided_t_tests() -> None:
    from mlbench.stats.bootstrap import Resampling, resample

    d = np.random.default_rng(5).normal(0.01, 0.3, size=200)
    codes = np.arange(200)
    drawn = resample(d.reshape(1, 1, -1, 1), codes[np.newaxis], names="x", resampling=Resampling())
    n = np.array([200])
    contrast = Contrast(("x",), drawn.means[0], drawn.replicates[:, 0], n, n, n, n)
    upper = scipy_stats.ttest_1samp(d, 0.05, alternative="less").pvalue
    lower = scipy_stats.ttest_1samp(d, -0.05, alternative="greater").pvalue
    assert tost_p(contrast, 0.05)[0] == pytest.approx(max(upper, lower), rel=0.15)


def test_two_equal_docs_are_not_equivalent() -> None:
    two, many = np.array([2]), np.array([100])
    zero, flat = np.zeros(1), np.zeros((1000, 1))
    none = np.array([0])
    few = Contrast(("x",), zero, flat, two, two, none, two)
    # The rule of three: (1 - 0.05)^2.
    assert tost_p(few, 0.05)[0] == pytest.approx(0.9025)
    assert tost_p(Contrast(("x",), zero, flat, many, many, none, many), 0.05)[0] < 0.05


def test_states_ask_for_equivalence_first() -> None:
    assert state_of(0.01, 0.001, 0.001, 0.05) == "equivalent"
    assert state_of(0.30, 0.001, 0.9, 0.05) == "better"
    assert state_of(-0.30, 0.001, 0.9, 0.05) == "worse"
    assert state_of(0.01, 0.4, 0.4, 0.05) == "undetermined"
    assert state_of(math.nan, math.nan, math.nan, 0.05) == "undetermined"


def test_equivalence_is_corrected_over_languages() -> None:
    """Of many languages at the margin some seem equal by luck; together they do not."""
    margin, stderr, n = 0.05, 0.015, 60
    columns = [normal_contrast(margin + stderr * z, stderr) for z in np.linspace(-2.5, 2.5, n)]
    many = replace(
        columns[0],
        languages=tuple(map(str, range(n))),
        estimate=np.concatenate([c.estimate for c in columns]),
        replicates=np.concatenate([c.replicates for c in columns], axis=1),
        n_docs=np.concatenate([c.n_docs for c in columns]),
        n_clusters=np.concatenate([c.n_clusters for c in columns]),
        n_unequal=np.concatenate([c.n_unequal for c in columns]),
        n_seen=np.concatenate([c.n_seen for c in columns]),
    )
    assert (tost_p(many, margin) <= 0.05).any()
    states = states_of(many, np.ones(n), margin=margin, alpha=0.05)
    assert "equivalent" not in states


def test_families_are_pooled_as_scipy_tests_a_mean() -> None:
    # With errors of their own below the spread between them: Student's t over the families.
    y = [0.1, 0.2, 0.9, 0.5]
    theirs = scipy.stats.ttest_1samp(y, 0.0)
    found = pool_families(y, 0.01)
    assert found[:3] == pytest.approx((np.mean(y), *theirs.confidence_interval(0.95)))
    assert found.p == pytest.approx(theirs.pvalue)


def test_families_that_agree_by_luck_are_no_surer_than_their_own_errors() -> None:
    found = pool_families([0.2, 0.2, 0.2], 0.05)
    radius = 0.05 * scipy.stats.t.ppf(0.975, 2)
    assert found[:3] == pytest.approx((0.2, 0.2 - radius, 0.2 + radius))


def test_two_families_are_not_pooled() -> None:
    found = pool_families([0.1, 0.2], 0.01)
    assert math.isnan(found.estimate) and found.n_families == 2


def test_a_family_without_an_error_leaves_the_pooled_mean_unknown() -> None:
    assert math.isnan(pool_families([0.1, 0.2, 0.3], math.nan).estimate)


def test_families_without_any_spread_pool_to_themselves() -> None:
    found = pool_families([0.0, 0.0, 0.0], 0.0)
    assert found[:3] == (0.0, 0.0, 0.0) and found.p == 1
    assert equivalence_p(found, 0.02) == 0


@given(st.lists(st.floats(-1, 1), min_size=3, max_size=8), st.floats(0.01, 0.3))
def test_pooled_mean_lies_among_the_families_and_turns_round(y: list[float], stderr: float) -> None:
    found = pool_families(y, stderr)
    mirrored = pool_families([-value for value in y], stderr)
    assert min(y) - 1e-9 <= found.estimate <= max(y) + 1e-9
    assert found.low == pytest.approx(-mirrored.high)
