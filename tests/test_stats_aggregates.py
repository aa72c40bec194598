"""Scales, blocks, weights, samples of languages, ranks, and planning."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stats_toys import FACTS, QUICK, TAGS, make_cells, make_table

from mlbench.data.languages import read_languages
from mlbench.errors import DataError
from mlbench.judge.gap import _slopes
from mlbench.measures import ADJUSTED, BITS, LOGIT, RETENTION
from mlbench.measures.scales import smoothed_odds
from mlbench.stats import (
    CellScores,
    Plan,
    complete_block,
    detectable_effect,
    docs_needed,
    information_parity,
    languages_at_chance,
    population_weights,
    predicted_effect,
    table_from_cells,
)
from mlbench.stats.aggregates import (
    combine_families,
    draw_languages,
    each_family_once,
    group_names,
    mean_of_families,
    sampled_mean,
    without_weight,
)
from mlbench.stats.contrast import Contrast, mean_contrast
from mlbench.stats.pairs import pair_levels
from mlbench.stats.power import predicted_stderr
from mlbench.stats.scales import primary_contrasts, scale_moat


def contrast(estimate: list[float], tags: tuple[str, ...] = ("x", "y", "z")) -> Contrast:
    """Make an effect of languages with a little noise each."""
    value = np.array(estimate)
    noise = np.random.default_rng(0).normal(0, 0.01, size=(QUICK.replicates, len(value)))
    n = np.full(len(value), 100)
    return Contrast(tags, value, value + noise, n, n, n, n)


def test_logit_is_finite_at_both_ends_and_odd() -> None:
    none, half, all_right = np.log(smoothed_odds(np.array([0.0, 0.5, 1.0]), np.full(3, 20)))
    assert half == 0 and none == pytest.approx(-all_right)
    # Agresti-Coull at 95 %: (0 + 1.92)/(20 + 3.84) = 0.08057, of which the logit is -2.4346.
    assert none == pytest.approx(-2.4346, abs=1e-3)


def test_logit_sees_a_lead_that_the_ceiling_hides() -> None:
    rates = {"good": {"en": 0.6, "sw": 0.98}, "plain": {"en": 0.5, "sw": 0.9}}
    cells = [
        CellScores(c.model, c.language, c.doc_ids, c.values, chance=0.0)
        for c in make_cells(rates, n=400)
    ]
    table = table_from_cells("f", cells)
    pair = pair_levels(table, "good", "plain", QUICK)
    models = ("good", "plain")
    linear = scale_moat(pair, ADJUSTED, table, QUICK, models)
    logit = scale_moat(pair, LOGIT, table, QUICK, models)
    assert linear is not None and logit is not None
    assert linear.estimate[0] < 0 < logit.estimate[0]


def test_logit_with_chance_by_doc_is_that_of_raw_accuracy() -> None:
    cells = make_cells({"a": {"en": 0.8, "sw": 0.6}, "b": {"en": 0.7, "sw": 0.4}})
    mixed = [0.25, 0.5] * 60
    varied = [
        CellScores(c.model, c.language, c.doc_ids, c.values, c.cluster_ids, mixed) for c in cells
    ]
    moats = []
    for given_cells in (cells, varied):
        table = table_from_cells("f", given_cells)
        pair = pair_levels(table, "a", "b", QUICK)
        moats.append(scale_moat(pair, LOGIT, table, QUICK, ("a", "b")))
    assert moats[0] is not None and moats[1] is not None
    assert moats[0].replicates == pytest.approx(moats[1].replicates)


def test_retention_is_the_share_of_ones_own_english() -> None:
    ids = [f"d{i}" for i in range(100)]

    def first(n: int) -> np.ndarray:
        return (np.arange(100) < n).astype(float)

    scores = {("a", "en"): 90, ("a", "sw"): 45, ("b", "en"): 60, ("b", "sw"): 45}
    cells = [CellScores(m, tag, ids, first(n)) for (m, tag), n in scores.items()]
    table = table_from_cells("f", cells)
    moat = scale_moat(pair_levels(table, "a", "b", QUICK), RETENTION, table, QUICK, ("a", "b"))
    assert moat is not None and moat.estimate[0] == pytest.approx(45 / 90 - 45 / 60)


def test_retention_is_undefined_at_chance_in_english() -> None:
    table = table_from_cells(
        "f", make_cells({"a": {"en": 0.25, "sw": 0.5}, "b": {"en": 0.9, "sw": 0.5}})
    )
    pair = pair_levels(table, "a", "b", QUICK)
    assert scale_moat(pair, RETENTION, table, QUICK, ("a", "b")) is None


def test_a_draw_in_which_english_is_at_chance_leaves_retention_to_the_others() -> None:
    right = {("a", "en"): 9, ("a", "sw"): 6, ("b", "en"): 9, ("b", "sw"): 6}
    ids = [f"d{i}" for i in range(12)]
    cells = [
        CellScores(model, tag, ids, (np.arange(12) < n).astype(float), chance=0.25)
        for (model, tag), n in right.items()
    ]
    table = table_from_cells("f", cells)
    resampling = replace(QUICK, replicates=9_000)
    pair = pair_levels(table, "a", "b", resampling)
    moat = scale_moat(pair, RETENTION, table, resampling, ("a", "b"))
    assert moat is not None and np.isnan(moat.replicates).any()
    assert moat.estimate[0] == 0 and 8_900 < moat.known[0] < 9_000


def test_scale_of_another_kind_is_refused() -> None:
    table = make_table()
    pair = pair_levels(table, "good", "plain", QUICK)
    with pytest.raises(DataError, match="scale 'bits' is not one of adjusted"):
        scale_moat(pair, BITS.scales[0], table, QUICK, ("good", "plain"))


def test_bits_are_the_log_ratio_of_sums_on_shared_docs() -> None:
    cells = [
        CellScores("a", "en", ["1", "2"], [10, 20]),
        CellScores("b", "en", ["1", "2"], [15, 25]),
        CellScores("a", "sw", ["1"], [30]),
        CellScores("b", "sw", ["1"], [60]),
    ]
    table = table_from_cells("f", cells, measure=BITS)
    delta, moat = primary_contrasts(pair_levels(table, "a", "b", QUICK), table)
    assert delta.estimate == pytest.approx([math.log(40 / 30), math.log(2)])
    assert moat is not None and moat.estimate[0] == pytest.approx(math.log(2) - math.log(1.5))
    assert information_parity(table, "a").value == pytest.approx([1.0, 10 / 30])


def test_parity_without_english_is_unknown() -> None:
    table = table_from_cells("f", [CellScores("a", "sw", ["1"], [30])], measure=BITS)
    assert math.isnan(information_parity(table, "a").value[0])


def test_block_holds_languages_of_all_models_and_says_who_is_missing() -> None:
    cells = make_cells({"a": dict.fromkeys(TAGS, 0.5), "b": {"en": 0.5, "sw": 0.5}})
    block = complete_block(table_from_cells("f", cells), ("a", "b"))
    assert block.languages == ("en", "sw")
    assert {gone.reason for gone in block.left_out} == {"not run for 'b'"}


def test_bits_are_never_at_chance() -> None:
    table = table_from_cells("f", [CellScores("a", "sw", ["1"], [30])], measure=BITS)
    assert languages_at_chance(table, ("a",)) == ()


def test_a_constant_answer_is_at_chance_by_the_share_of_the_commonest_target() -> None:
    ids, values = [f"d{i}" for i in range(204)], [1.0] * 51 + [0.0] * 153
    cells = [
        CellScores("constant", tag, ids, values, chance=1 / 7, cell_chance=chance)
        for tag, chance in (("en", None), ("sw", 0.25))
    ]
    assert languages_at_chance(table_from_cells("f", cells), ("constant",)) == ("sw",)


def test_the_mean_of_the_weighted_effect_counts_each_family_once() -> None:
    wide = contrast([1.0, 2.0, 3.0], ("x", "y", "z"))
    narrow = contrast([8.0], ("x",))
    found = each_family_once([wide, narrow])
    assert found is not None and found.estimate.mean() == pytest.approx((2.0 + 8.0) / 2)
    mean = mean_of_families([mean_contrast(wide), mean_contrast(narrow)])
    assert mean is not None and mean.estimate[0] == found.estimate.mean()


def test_population_weights_of_tau_zero_and_one() -> None:
    tags = ("de", "ja", "zu")
    assert population_weights(tags, FACTS, 0).tolist() == pytest.approx([1 / 3] * 3)
    # 2,000 and 3,000 speakers; those of the last are not known.
    assert population_weights(tags, FACTS, 1).tolist() == pytest.approx([0.4, 0.6, 0])
    assert population_weights(("zu",), FACTS, 1).tolist() == [0]


def test_languages_that_share_their_speakers_count_once() -> None:
    facts = FACTS | {
        "ja": replace(FACTS["ja"], speakers=4000),
        "sw": replace(FACTS["sw"], speakers=4000, speakers_shared_with="ja"),
        "ta": replace(FACTS["ta"], speakers=4000, speakers_shared_with="ja"),
    }
    # German has 2,000.
    assert population_weights(("de", "sw"), facts, 1).tolist() == pytest.approx([1 / 3, 2 / 3])
    both = population_weights(("ja", "de", "sw"), facts, 1)
    assert both.tolist() == pytest.approx([1 / 3] * 3)
    # Two sharers without the language that they name share with each other all the same.
    two = population_weights(("sw", "de", "ta"), facts, 1)
    assert two.tolist() == pytest.approx([1 / 3] * 3)
    assert population_weights(("ja", "de", "sw"), facts, 0).tolist() == pytest.approx([1 / 3] * 3)


def test_chinese_has_the_weight_of_its_speakers_once() -> None:
    facts = read_languages()
    tags = tuple(facts)
    weights = dict(zip(tags, population_weights(tags, facts, 1), strict=True))
    alone = [tag for tag in tags if tag != "zh-Hant"]
    weight_alone = population_weights(alone, facts, 1)[alone.index("zh-Hans")]
    assert weights["zh-Hans"] == weights["zh-Hant"]
    assert weights["zh-Hans"] + weights["zh-Hant"] == pytest.approx(weight_alone)
    assert weight_alone == pytest.approx(0.165, abs=0.001)


def test_languages_without_weight_are_those_of_unknown_speakers() -> None:
    assert without_weight(("zu", "de", "xx"), FACTS) == ("zu", "xx")
    facts = read_languages()
    assert without_weight(tuple(facts), facts) == tuple(
        tag
        for tag, weight in zip(facts, population_weights(tuple(facts), facts, 1), strict=True)
        if weight == 0
    )


def test_grouping_by_something_else_is_refused() -> None:
    with pytest.raises(DataError, match="no grouping 'continent'; allowed: family, script, class"):
        group_names(TAGS, FACTS, "continent")


def test_families_are_averaged_where_they_have_the_language() -> None:
    both = combine_families([contrast([1.0, 2.0], ("x", "y")), contrast([4.0, 6.0], ("y", "z"))])
    assert both is not None and both.languages == ("x", "y", "z")
    assert both.estimate.tolist() == [1, 3, 6] and both.n_docs.tolist() == [100, 200, 100]
    assert combine_families([]) is None


def test_draws_of_languages_keep_families_together() -> None:
    weights = draw_languages((0, 0, 1, 2), QUICK)
    pair, single = weights[:, :2].sum(axis=1), weights[:, 2]
    assert (pair % 2 == 0).all()
    assert (pair / 2 + single + weights[:, 3] == 3).all()
    assert weights.mean(axis=0) == pytest.approx(np.ones(4), abs=0.1)
    # Two languages of one family are drawn apart: not always both or neither.
    assert (weights[:, 0] != weights[:, 1]).any()


def test_languages_as_a_sample_have_the_spread_of_families() -> None:
    effect = contrast([0.0, 0.1, 0.2, 0.3], ("w", "x", "y", "z"))
    sampled = sampled_mean(effect, ["f", "g", "h", "i"], QUICK)
    # The stderr of four values: s / sqrt(4), s with n - 1.
    assert sampled.stderr[0] == pytest.approx(np.std([0, 0.1, 0.2, 0.3], ddof=1) / 2, rel=0.1)
    assert mean_contrast(effect).stderr[0] == pytest.approx(0.005, rel=0.1)


def test_mean_with_weights_uses_them() -> None:
    found = mean_contrast(contrast([1.0, 2.0, 3.0]), np.array([0.0, 1.0, 3.0]))
    assert found.estimate[0] == pytest.approx(2.75)
    assert math.isnan(mean_contrast(contrast([1.0, 2.0, 3.0]).take([])).estimate[0])


def test_slopes_equal_numpys_fit() -> None:
    x, y = np.array([0.0, 1, 2, 5]), np.array([[1.0, 0, 2, 4]])
    weights = np.array([[1.0, 2, 1, 1]])
    wanted = np.polyfit(x, y[0], 1, w=np.sqrt(weights[0]))[0]
    assert _slopes(x, y, weights)[0] == pytest.approx(wanted)
    assert math.isnan(_slopes(x, y, np.array([[0.0, 4, 0, 0]]))[0])


def test_detectable_effect_of_the_textbook() -> None:
    # z(0.975) + z(0.8) = 1.960 + 0.842 (Cohen 1988, section 2.4).
    assert detectable_effect(np.array([1.0]))[0] == pytest.approx(2.8016, abs=1e-4)
    assert math.isnan(detectable_effect(np.array([math.nan]))[0])


def test_planned_effect_of_900_docs() -> None:
    # sqrt(0.2/900) = 0.014907; chance 1/4 adjusts it to 0.019876; times 2.8016.
    assert predicted_effect(Plan(900, chance=0.25)) == pytest.approx(0.05569, abs=1e-5)
    assert predicted_stderr(Plan(900), is_moat=True) == pytest.approx(
        math.sqrt(2) * predicted_stderr(Plan(900))
    )


def test_full_correlation_leaves_only_the_clusters() -> None:
    clustered = Plan(900, n_clusters=450, correlation=1.0)
    assert predicted_stderr(clustered) == pytest.approx(predicted_stderr(Plan(450)))


@given(st.integers(1, 5000), st.floats(0.01, 0.5))
def test_docs_needed_make_the_effect_detectable(n: int, effect: float) -> None:
    needed = docs_needed(Plan(n), effect)
    assert predicted_effect(Plan(needed)) <= effect * 1.0001
    assert needed == 1 or predicted_effect(Plan(needed - 1)) > effect * 0.9999


def test_plans_that_cannot_be_are_refused() -> None:
    with pytest.raises(DataError, match="cannot plan with Plan"):
        Plan(0)
    with pytest.raises(DataError, match="effect 0 must be above 0"):
        docs_needed(Plan(10), 0)
