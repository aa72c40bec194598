"""Bounds that hold at every look: against published values, and in a short simulation."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr
from stats_toys import QUICK, TAGS, load_study, make_cells

from mlbench.stats import Resampling, table_from_cells
from mlbench.stats.aggregates import combine_families, mean_of_families
from mlbench.stats.contrast import interval_of, mean_contrast, summarise, two_sided_p
from mlbench.stats.differences import headline_of, paired_contrast
from mlbench.stats.equivalence import tost_p
from mlbench.stats.pairs import pair_levels
from mlbench.stats.sequential import MOST_LOOKS, Looks, schedule, strictest

QUARTERS = (0.25, 0.5, 0.75, 1.0)
study = load_study("sequential")


def bounds(shares: tuple[float, ...], alpha: float = 0.025) -> list[float]:
    return [Looks(shares, at).z_of(alpha) for at in range(len(shares))]


def test_bounds_are_those_of_other_programs() -> None:
    """Two-sided 5 %, equal steps, as the program of Reboussin, DeMets, Kim & Lan prints them
    (Controlled Clinical Trials 21 (2000) 190-207), and gsDesign and ldbounds in R after it."""
    assert bounds((0.5, 1.0)) == pytest.approx([2.9626, 1.9686], abs=2e-4)
    fifths = tuple(i / 5 for i in range(1, 6))
    assert bounds(fifths) == pytest.approx([4.8769, 3.3569, 2.6803, 2.2898, 2.0310], abs=2e-4)


def test_one_look_at_all_docs_is_the_plain_test() -> None:
    one = Looks((1.0,), 0)
    assert one.z_of(0.025) == pytest.approx(1.95996, abs=1e-4)
    assert one.nominal(0.95) == pytest.approx(0.95, abs=1e-5)
    assert one.repeated(np.array([0.001, 0.2])) == pytest.approx([0.001, 0.2], rel=1e-3)


def test_paths_cross_the_bounds_as_often_as_they_may() -> None:
    """A million random walks: 2.5 % cross one side at any of the looks."""
    rng, n = np.random.default_rng(0), 1_000_000
    shares = (0.1, 0.3, 0.35, 0.8, 1.0)
    path, before, has_crossed = np.zeros(n), 0.0, np.zeros(n, dtype=bool)
    for share, bound in zip(shares, bounds(shares), strict=True):
        path += rng.normal(size=n) * np.sqrt(share - before)
        has_crossed |= path > bound * np.sqrt(share)
        before = share
    assert has_crossed.mean() == pytest.approx(0.025, abs=0.0006)


@given(
    st.lists(st.floats(0.05, 0.95), min_size=1, max_size=6, unique=True),
    st.floats(1e-8, 0.4),
)
@settings(max_examples=6, deadline=None)
def test_a_repeated_p_is_never_below_the_plain_one_and_agrees_with_the_bound(drawn, alpha) -> None:
    shares = (*sorted(round(share, 2) for share in set(drawn)), 1.0)
    shares = tuple(dict.fromkeys(shares))
    for at in range(len(shares)):
        look = Looks(shares, at)
        plain = np.array([1e-6, 0.001, 0.03, 0.3, 0.7, np.nan])
        repeated = look.repeated(plain)
        assert (repeated[:-1] >= plain[:-1]).all() and np.isnan(repeated[-1])
        assert (np.diff(repeated[:-1]) >= 0).all()
        z = look.z_of(alpha)
        assert look.repeated(np.array([ndtr(-z - 0.02)]))[0] <= alpha * 1.001
        assert look.repeated(np.array([ndtr(-z + 0.02)]))[0] >= alpha * 0.999


def test_docs_are_looked_at_each_step_and_at_the_end() -> None:
    assert schedule(204, 50) == (50, 100, 150, 204)
    assert schedule(900, 50)[-1] == 900 and len(schedule(900, 50)) == 18
    assert schedule(225, 50) == (50, 100, 150, 200, 225)
    assert schedule(60, 50) == (60,) and schedule(3, 50) == (3,)
    for n_docs in range(1, 400):
        looks = schedule(n_docs, 1)
        assert looks[-1] == n_docs and len(looks) <= MOST_LOOKS
        assert all(a < b for a, b in zip((0, *looks), looks, strict=False))


def test_the_strictest_look_is_that_of_fewest_docs() -> None:
    looks = [Looks(QUARTERS, at) for at in (2, 0, 3)]
    assert strictest([None, *looks]) == looks[1]
    assert strictest([None]) is None
    assert strictest([Looks((1.0,), 0), Looks(QUARTERS, 3)]) == Looks(QUARTERS, 3)


@pytest.fixture(scope="module")
def table():
    """Return a table in which each language is at another of four looks; the last two are fixed."""
    rates = {"good": dict.fromkeys(TAGS, 0.6), "plain": dict.fromkeys(TAGS, 0.5)}
    made = table_from_cells("toy", make_cells(rates, n=200), is_parallel=True)
    looks = tuple(Looks(QUARTERS, at) for at in (0, 3, 1, 2, 3))
    return replace(made, looks=(*looks, None, None)), made


def test_intervals_and_p_values_are_those_of_the_look(table) -> None:
    stepped, plain = (paired_contrast(t, "good", "plain", QUICK) for t in table)
    found, fixed = summarise(stepped, QUICK), summarise(plain, QUICK)
    assert stepped.looks is not None
    for i, look in enumerate(stepped.looks):
        if look is None:
            assert (found.low[i], found.high[i], found.p[i]) == (
                fixed.low[i],
                fixed.high[i],
                fixed.p[i],
            )
            continue
        width = (found.high[i] - found.low[i]) / (fixed.high[i] - fixed.low[i])
        assert width == pytest.approx(look.z_of(0.025) / 1.96, rel=0.12)
        assert found.p[i] == pytest.approx(2 * look.repeated(np.array([fixed.p[i] / 2]))[0])
        assert (found.p[i] <= 0.05) == (found.low[i] > 0 or found.high[i] < 0)
    assert (tost_p(stepped, 0.1) >= tost_p(plain, 0.1)).all()
    order = np.argsort(found.high - found.low)
    assert stepped.languages[order[-1]] == "de"  # the first look has the widest


def test_looks_go_where_languages_and_families_go(table) -> None:
    stepped, _ = table
    first = Looks(QUARTERS, 0)
    assert stepped.select(["de", "zu"]).looks == (first, None)
    delta = paired_contrast(stepped, "good", "plain", QUICK)
    assert delta.take([0, 5]).looks == (first, None)
    assert delta.negated().looks == delta.looks
    assert mean_contrast(delta).looks == (first,)
    assert mean_contrast(delta.take([1, 5])).looks == (Looks(QUARTERS, 3),)
    other = replace(delta, looks=None, stream="other")
    both = combine_families([other, delta])
    assert both is not None and both.looks == delta.looks
    assert combine_families([other, replace(other, stream="third")]).looks is None
    means = [mean_contrast(delta), mean_contrast(other)]
    assert mean_of_families(means).looks == (first,)
    headline = headline_of(pair_levels(stepped, "good", "plain", QUICK))
    assert headline is not None
    assert headline.others.looks == headline.beyond.looks == (first,)


def test_far_ends_are_not_read_from_a_handful_of_replicates(table) -> None:
    delta = paired_contrast(table[0], "good", "plain", Resampling(seed=1, replicates=400)).take([0])
    low, high = interval_of(delta, 0.95)
    assert low[0] < delta.replicates.min() and high[0] > delta.replicates.max()
    assert (low[0] + high[0]) / 2 == pytest.approx(delta.estimate[0])


@pytest.mark.parametrize("lead", [0.0, 0.1])
def test_the_rule_keeps_its_size_and_its_intervals_hold(lead) -> None:
    """benchmarks/sequential.py in short; plain p-values tell equal models apart in 10 % or more."""
    world = study.World((lead,) * 400)
    resampling = Resampling(seed=3, replicates=1000)
    table = study.draw(np.random.default_rng([5, int(10 * lead)]), world)
    found = study.run_single(table, world, resampling)
    assert found.is_covered.mean() > 0.93
    if lead:
        assert found.docs.mean() < 0.95 * world.n_docs and (found.states == "better").mean() > 0.4
        return
    assert np.isin(found.states, ("better", "worse")).mean() < 0.075
    ever = np.zeros(400, dtype=bool)
    for look in range(len(world.looks)):
        delta = study.delta_at(table, world, np.full(400, look), resampling)
        ever |= two_sided_p(replace(delta, looks=None)) <= 0.05
    assert ever.mean() > 0.09
