"""Are places what the docs can bear, and are means those of the stated cells?"""

import numpy as np
import pytest
from stats_toys import QUICK, TAGS, make_cells

from mlbench.errors import DataError
from mlbench.measures import BITS
from mlbench.stats import (
    CellScores,
    Resampling,
    add_means,
    macro_means,
    macro_ranks,
    rank_models,
    table_from_cells,
)
from mlbench.stats.bootstrap import resample
from mlbench.stats.pairs import adjusted_scores
from mlbench.stats.ranks import MacroMeans, _ties


def test_models_that_cannot_be_separated_share_a_rank() -> None:
    rates = {"best": 0.9, "same": 0.9, "worst": 0.4}
    cells = make_cells({m: dict.fromkeys(TAGS, rate) for m, rate in rates.items()}, seed=1)
    ranks = macro_ranks(table_from_cells("f", cells), tuple(rates), Resampling(replicates=1000))
    assert [(r.model, r.rank, r.low, r.high) for r in ranks[2:]] == [("worst", 3, 3, 3)]
    assert {(r.rank, r.low, r.high) for r in ranks[:2]} == {(1, 1, 2)}


def test_ranks_of_bits_put_the_fewest_first() -> None:
    ids = [f"d{i}" for i in range(40)]
    bits = np.random.default_rng(0).uniform(50, 90, size=40)
    cells = [CellScores(m, "en", ids, bits + more) for m, more in (("a", 30), ("b", 0))]
    ranks = macro_ranks(table_from_cells("f", cells, measure=BITS), ("a", "b"), QUICK)
    assert [rank.model for rank in ranks] == ["b", "a"]


def test_means_and_replicates_are_those_of_the_whole_bootstrap() -> None:
    rates = {m: {tag: rate for tag in TAGS} for m, rate in (("a", 0.7), ("b", 0.5))}
    cells = make_cells(rates)
    # One language has other docs, so that it cannot be added to the rest.
    cells = [
        CellScores(c.model, c.language, c.doc_ids[:90], c.values[:90], c.cluster_ids[:90], c.chance)
        if c.language == "sw"
        else c
        for c in cells
    ]
    table = table_from_cells("f", cells)
    weights = np.array([np.full(7, 1 / 7), [0, 0, 0.5, 0.25, 0.25, 0, 0]])
    drawn = resample(adjusted_scores(table), table.clusters, names="f", resampling=QUICK)
    for found, w in zip(macro_means(table, ("a", "b"), weights, QUICK), weights, strict=True):
        assert found.estimate == pytest.approx(drawn.means @ w)
        assert found.replicates == pytest.approx(drawn.replicates @ w)


def test_a_language_of_no_weight_takes_nothing_away() -> None:
    cells = make_cells({m: {"en": 0.6, "sw": 0.5} for m in ("a", "b")}, n=8)
    # Two docs in Swahili: some draws have neither of them.
    few = [
        CellScores(c.model, c.language, c.doc_ids[:2], c.values[:2], c.cluster_ids[:2], c.chance)
        if c.language == "sw"
        else c
        for c in cells
    ]
    table = table_from_cells("f", few)
    english, both = macro_means(table, ("a", "b"), np.array([[1.0, 0.0], [0.5, 0.5]]), QUICK)
    alone = macro_means(table.select(["en"]), ("a", "b"), np.ones((1, 1)), QUICK)[0]
    assert not np.isnan(english.replicates).any()
    assert english.replicates == pytest.approx(alone.replicates)
    assert np.isnan(both.replicates).any()


def test_languages_of_a_family_that_is_not_parallel_are_drawn_each() -> None:
    rates = {"a": {"en": 0.7, "sw": 0.4}, "b": {"en": 0.5, "sw": 0.6}}
    table = table_from_cells("f", make_cells(rates), is_parallel=False)
    names = ("f/en", "f/sw")
    drawn = resample(adjusted_scores(table), table.clusters, names=names, resampling=QUICK)
    (found,) = macro_means(table, ("a", "b"), np.full((1, 2), 0.5), QUICK)
    assert found.replicates == pytest.approx(drawn.replicates.mean(axis=2))


def test_a_mean_over_families_adds_up_their_parts() -> None:
    # Chance 0.2: right 3 of 4 and 1 of 4 docs, adjusted (0.75 - 0.2)/0.8 and (0.25 - 0.2)/0.8.
    ids = ["d0", "d1", "d2", "d3"]
    tables = [
        table_from_cells(name, [CellScores("a", "sw", ids, values, chance=0.2)])
        for name, values in (("f", [1, 1, 1, 0]), ("g", [0, 0, 0, 1]))
    ]
    half = np.array([[0.5]])
    total = add_means([macro_means(table, ["a"], half, QUICK)[0] for table in tables])
    assert total.estimate == pytest.approx([(0.6875 + 0.0625) / 2])
    assert total.n_clusters == 8


def test_equal_models_share_every_place() -> None:
    rates = dict.fromkeys(TAGS, 0.6)
    (first,) = [make_cells({"a": rates})]
    twins = [
        CellScores(name, c.language, c.doc_ids, c.values, c.cluster_ids, c.chance)
        for c in first
        for name in ("a", "b", "c")
    ]
    ranks = macro_ranks(table_from_cells("f", twins), ("a", "b", "c"), QUICK)
    assert [(r.low, r.high) for r in ranks] == [(1, 3)] * 3


def test_two_docs_separate_nobody() -> None:
    # Two docs that only `a` has right: a sign-flip test cannot go below 1/2 (two-sided).
    cells = [
        CellScores(name, "sw", ["d0", "d1"], [value] * 2) for name, value in (("a", 1), ("b", 0))
    ]
    ranks = macro_ranks(table_from_cells("f", cells), ("a", "b"), QUICK)
    assert [(r.low, r.high) for r in ranks] == [(1, 2)] * 2


def test_ties_are_the_longest_runs_without_a_separated_pair() -> None:
    apart = np.zeros((4, 4), dtype=bool)
    for i, j in ((0, 2), (0, 3), (1, 3)):
        apart[i, j] = apart[j, i] = True
    assert _ties("abcd", [0, 1, 2, 3], apart) == (("a", "b"), ("b", "c"), ("c", "d"))
    assert _ties("abcd", [0, 1, 2, 3], ~np.eye(4, dtype=bool)) == ()


def test_the_interval_of_a_level_holds_it() -> None:
    rng = np.random.default_rng(0)
    levels = np.array([0.5, 0.2])
    draws = levels + rng.normal(0, 0.01, (2000, 2))
    means = MacroMeans(levels, draws, 100, 100.0, np.full((2, 2), 100))
    ranking = rank_models(("a", "b"), means, Resampling())
    assert [rank.score_low < rank.score < rank.score_high for rank in ranking.ranks] == [True] * 2
    assert ranking.ranks[0].score_high - 0.5 == pytest.approx(0.0196, rel=0.1)
    assert ranking.ties == ()


def test_a_ranking_needs_a_language_that_all_have() -> None:
    cells = make_cells({"a": {"en": 0.5}, "b": {"sw": 0.5}})
    with pytest.raises(DataError, match="no language has all of a, b"):
        macro_ranks(table_from_cells("f", cells), ("a", "b"), QUICK)


def test_the_interval_of_bits_is_that_of_their_logarithm() -> None:
    rng = np.random.default_rng(0)
    bits = np.exp(rng.normal(4, 0.6, size=12))
    cells = [
        CellScores(model, tag, [str(i) for i in range(12)], bits * more)
        for model, more in (("a", 1.0), ("b", 1.5))
        for tag in ("en", "sw")
    ]
    ranks = macro_ranks(table_from_cells("f", cells, measure=BITS), ("a", "b"), QUICK)
    for rank in ranks:
        # As far above as below by a factor, and never beyond zero bits.
        assert rank.score_low / rank.score == pytest.approx(rank.score / rank.score_high)
        assert rank.score_low < rank.score < rank.score_high < 0
