"""Paired differences and moats: known values, invariances, and what few docs cannot show."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats
from stats_toys import QUICK, TAGS, make_cells, make_table

from mlbench.errors import DataError
from mlbench.stats import (
    CellScores,
    Resampling,
    mcnemar,
    paired_difference,
    paired_differences,
    table_from_cells,
)
from mlbench.stats.bootstrap import (
    draw_weights,
    on_exact_grid,
    replicate_means,
    resample,
    rng_of,
    weights_of,
)


def draw_pair(n: int, seed: int = 0, lead: float = 0.1) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return (rng.random(n) < 0.6 + lead).astype(float), (rng.random(n) < 0.6).astype(float)


def test_replicates_are_the_weighted_means_of_their_draws() -> None:
    sums, counts = (
        np.array([[1.0, 0.5], [2.0, 0.0], [0.0, 4.0]]),
        np.array([[1.0, 1], [2, 2], [1, 1]]),
    )
    draws = list(draw_weights(np.random.default_rng(4), 3, 50))
    means = replicate_means(sums, counts, draws=draws, replicates=50)
    weights = np.concatenate(draws)
    assert (weights.sum(axis=1) == 3).all()
    assert means == pytest.approx(weights @ sums / (weights @ counts))


def test_draws_do_not_depend_on_how_many_fit_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = np.concatenate(list(draw_weights(np.random.default_rng(1), 7, 30)))
    monkeypatch.setattr("mlbench.stats.bootstrap.DRAWS_PER_CHUNK", 21)
    parts = np.concatenate(list(draw_weights(np.random.default_rng(1), 7, 30)))
    assert np.array_equal(whole, parts)


def test_draws_that_are_kept_are_those_of_the_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = np.concatenate(list(weights_of("f", 7, QUICK)))
    monkeypatch.setattr("mlbench.stats.bootstrap.KEPT_DRAWS", 0)
    assert np.array_equal(kept, np.concatenate(list(weights_of("f", 7, QUICK))))


def test_sums_on_the_grid_do_not_depend_on_the_order() -> None:
    values = np.random.default_rng(0).normal(size=(1, 1, 2000)) * 300
    exact = on_exact_grid(values)
    assert np.abs(exact - values).max() < 1e-6
    shuffled = np.random.default_rng(1).permutation(exact[0, 0])
    assert math.fsum(exact[0, 0]) == exact.sum() == shuffled.sum() == np.cumsum(shuffled)[-1]


def test_mean_has_the_stderr_of_its_formula() -> None:
    a, b = draw_pair(400)
    found = paired_difference(a, b, level=0.95, seed=1, replicates=10_000)
    assert found.estimate == pytest.approx((a - b).mean())
    assert found.stderr == pytest.approx(scipy_stats.sem(a - b), rel=0.03)
    wanted = scipy_stats.ttest_rel(a, b).confidence_interval()
    assert found[1:3] == pytest.approx(tuple(wanted), abs=0.004)
    assert found.n_docs == 400 and found.level == 0.95


def test_interval_equals_scipys_percentile_bootstrap() -> None:
    a, b = draw_pair(500)
    wanted = scipy_stats.bootstrap(
        (a - b,), np.mean, method="percentile", rng=np.random.default_rng(0)
    ).confidence_interval
    found = paired_difference(a, b, level=0.95, seed=1, replicates=10_000)
    assert found[1:3] == pytest.approx(tuple(wanted), abs=0.005)


@pytest.mark.parametrize("lead", [0.0, 0.05, 0.1])
def test_p_agrees_with_mcnemar_on_plain_docs(lead: float) -> None:
    a, b = draw_pair(300, seed=3, lead=lead)
    found = paired_difference(a, b, level=0.95, seed=1, replicates=10_000)
    # The exact test is conservative, the bootstrap is not; they agree to about half an order.
    assert abs(math.log10(found.p / mcnemar(a, b).p)) < 0.4


def test_clusters_widen_the_interval() -> None:
    a, b = draw_pair(100)
    a, b = a.repeat(3), b.repeat(3)
    clusters = np.arange(100).repeat(3).tolist()
    plain = paired_difference(a, b, level=0.95, seed=1, replicates=2000)
    clustered = paired_difference(a, b, clusters, level=0.95, seed=1, replicates=2000)
    assert clustered.stderr == pytest.approx(math.sqrt(3) * plain.stderr, rel=0.1)


def test_one_doc_shows_nothing() -> None:
    found = paired_difference([1.0], [0.0], level=0.95, seed=1, replicates=200)
    assert found.estimate == 1 and all(map(math.isnan, (found.low, found.p, found.stderr)))


def test_two_docs_won_are_not_significant() -> None:
    found = paired_difference([1.0, 1.0], [0.0, 0.0], level=0.95, seed=1, replicates=200)
    assert found.p == 0.5 == mcnemar([1, 1], [0, 0]).p


def test_equal_scores_have_no_difference() -> None:
    found = paired_difference(np.ones(9), np.ones(9), level=0.95, seed=1, replicates=200)
    assert found.estimate == 0 and found.p == 1


def test_equal_answers_leave_room_for_docs_that_were_not_seen() -> None:
    few, many = (paired_difference(np.ones(n), np.ones(n), replicates=200) for n in (9, 90))
    # Agresti & Min 2005: half a doc in each of four cells, t with 8 degrees of freedom.
    assert few.high == -few.low == pytest.approx(scipy_stats.t.ppf(0.975, 8) / 11)
    assert 0 < many.high < few.high / 5


def test_equal_bits_have_an_interval_of_their_own() -> None:
    found = paired_difference([1.5, 2.5, 3.5], [1.5, 2.5, 3.0], replicates=200)
    assert found.stderr == pytest.approx(0.5 / 3, rel=0.1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1.0], [0.0, 1.0]), r"shapes \(1,\) and \(2,\) do not pair"),
        (([], []), "do not pair"),
        (([1.0, math.nan], [0.0, 1.0]), "a score is NaN or infinite"),
        (([1.0, 1.0], [0.0, 1.0], ["c"]), "2 scores but 1 clusters"),
    ],
)
def test_scores_that_do_not_pair_are_refused(arguments: tuple, message: str) -> None:
    with pytest.raises(DataError, match=message):
        paired_difference(*arguments, level=0.95, seed=1, replicates=200)


def test_settings_that_give_no_interval_are_refused() -> None:
    with pytest.raises(DataError, match="20 replicates; at least 100 are needed"):
        Resampling(replicates=20)
    with pytest.raises(DataError, match="level 1.5 is not between 0 and 1"):
        Resampling(level=1.5)
    with pytest.raises(DataError, match="seed -1 is negative"):
        Resampling(seed=-1)


@given(st.integers(5, 60), st.integers(0, 1000))
@settings(max_examples=30)
def test_swapping_the_models_turns_the_difference_round(n: int, seed: int) -> None:
    a, b = draw_pair(n, seed)
    there = paired_difference(a, b, level=0.9, seed=seed, replicates=200)
    back = paired_difference(b, a, level=0.9, seed=seed, replicates=200)
    assert (back.estimate, back.low, back.high) == pytest.approx(
        (-there.estimate, -there.high, -there.low)
    )
    assert back.p == there.p


@given(st.integers(5, 40), st.floats(0.0, 0.5))
@settings(max_examples=30)
def test_a_constant_on_both_models_changes_nothing(n: int, constant: float) -> None:
    rng = np.random.default_rng(n)
    a, b = rng.random(n) / 2, rng.random(n) / 2
    plain = paired_difference(a, b, level=0.9, seed=1, replicates=200)
    moved = paired_difference(a + constant, b + constant, level=0.9, seed=1, replicates=200)
    assert moved == pytest.approx(plain, abs=1e-6)


def test_table_gives_what_single_languages_give() -> None:
    table = make_table()
    found = paired_differences(table, "good", "plain", QUICK).delta
    for row, language in enumerate(found.languages):
        a, b = table.values[:, table.languages.index(language)]
        alone = paired_difference(a, b, table.clusters[row].tolist(), level=0.95, seed=3)
        # Adjusted by chance 1/4; another stream of draws.
        assert found.estimate[row] == pytest.approx(alone.estimate / 0.75)
        assert found.stderr[row] == pytest.approx(alone.stderr / 0.75, rel=0.1)


def test_moat_is_the_lead_beyond_english() -> None:
    delta, moat = paired_differences(make_table(0.2), "good", "plain", QUICK)
    assert moat is not None and moat.languages == tuple(t for t in TAGS if t != "en")
    in_english = delta.estimate[delta.languages.index("en")]
    for row, language in enumerate(moat.languages):
        lead = delta.estimate[delta.languages.index(language)]
        assert moat.estimate[row] == pytest.approx(lead - in_english)


def test_without_english_there_is_no_moat() -> None:
    table = make_table().select(["sw", "de"])
    assert paired_differences(table, "good", "plain", QUICK).moat is None


def test_languages_without_both_models_are_left_out() -> None:
    cells = make_cells({"a": {"en": 0.5, "sw": 0.5}, "b": {"en": 0.5}})
    delta, moat = paired_differences(table_from_cells("f", cells), "a", "b", QUICK)
    assert delta.languages == ("en",) and moat is not None and moat.languages == ()


def test_no_language_with_both_models_is_refused() -> None:
    cells = make_cells({"a": {"sw": 0.5}, "b": {"en": 0.5}})
    with pytest.raises(DataError, match="no language has scores of both 'a' and 'b'"):
        paired_differences(table_from_cells("f", cells), "a", "b", QUICK)


def test_english_is_taken_on_the_docs_that_a_language_has() -> None:
    ids = ["d1", "d2", "d3", "d4"]
    cells = [
        CellScores("a", "en", ids, [1, 1, 0, 0]),
        CellScores("b", "en", ids, [0, 0, 0, 0]),
        CellScores("a", "sw", ids[2:], [1, 1]),
        CellScores("b", "sw", ids[2:], [0, 0]),
    ]
    delta, moat = paired_differences(table_from_cells("f", cells), "a", "b", QUICK)
    assert delta.estimate.tolist() == [0.5, 1.0]
    # On d3 and d4 the lead in English is zero; on all docs it would be a half.
    assert moat is not None and moat.estimate.tolist() == [1.0] and moat.n_docs.tolist() == [2]


def test_languages_share_the_noise_of_english() -> None:
    table = make_table(n=200)
    moat = paired_differences(table, "good", "plain", QUICK).moat
    apart = paired_differences(replace(table, is_parallel=False), "good", "plain", QUICK).moat
    assert moat is not None and apart is not None
    assert moat.estimate == pytest.approx(apart.estimate)


def test_a_language_less_changes_no_other_interval() -> None:
    for is_parallel in (True, False):
        table = make_table(is_parallel=is_parallel)
        whole = paired_differences(table, "good", "plain", QUICK).delta
        part = paired_differences(table.select(["en", "sw"]), "good", "plain", QUICK).delta
        row = whole.languages.index("sw")
        assert (part.low[1], part.p[1]) == (whole.low[row], whole.p[row])


def test_families_draw_independently() -> None:
    values, clusters = np.arange(20.0).reshape(1, 1, 20, 1), np.arange(20)[np.newaxis]
    one, two = (resample(values, clusters, names=name, resampling=QUICK) for name in ("f", "g"))
    both = np.corrcoef(one.replicates[:, 0, 0], two.replicates[:, 0, 0])[0, 1]
    assert abs(both) < 0.15
    assert rng_of(1, "f").random() == rng_of(1, "f").random()


def test_chance_that_differs_between_docs_is_taken_off_each() -> None:
    chance = [0.5, 0.25, 0.2, 0.5]
    cells = [
        CellScores("a", "en", ["1", "2", "3", "4"], [1, 1, 0, 1], chance=chance),
        CellScores("b", "en", ["1", "2", "3", "4"], [0, 1, 1, 1], chance=chance),
    ]
    delta = paired_differences(table_from_cells("f", cells), "a", "b", QUICK).delta
    assert delta.estimate[0] == pytest.approx((1 / 0.5 - 1 / 0.8) / 4)
