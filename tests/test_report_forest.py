"""Do forest and moat figure hold what the verdict says? Their data and labels, never pixels."""

import math
from pathlib import Path

import pytest
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from report_toys import HINDI, LANGUAGES, SWAHILI, ToyRun, choices, two_models

from mlbench.records import Cell
from mlbench.report import draw_forest, draw_moat, forest_from_comparison
from mlbench.report.compare import Pair, compare
from mlbench.report.figures.forest import Forest
from mlbench.report.figures.moat import moat_limit
from mlbench.report.page.forest import forest_slots
from mlbench.report.page.pairs import pair_views
from mlbench.report.strips import nice_limit, strip_of
from mlbench.report.tables import table_from_run
from mlbench.stats import Resampling
from mlbench.store.read import read_run

FAST = Resampling(replicates=500)


def forest_of(run: ToyRun, a: str = "many", b: str = "few") -> Forest | None:
    table = table_from_run(read_run(run.write()))
    return forest_from_comparison(table, compare(table, Pair(a, b, 0), FAST))


@pytest.fixture(scope="module")
def forest(tmp_path_factory: pytest.TempPathFactory) -> Forest:
    found = forest_of(two_models(tmp_path_factory.mktemp("runs") / "r"))
    assert found is not None
    return found


def labels(axes: Axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def test_a_panel_a_family_and_a_row_a_language(forest: Forest) -> None:
    assert [panel.block.family for panel in forest.panels] == ["topic", "terms", "text"]
    assert len(forest.languages) == len(LANGUAGES)
    assert forest.languages[0].tag == "en"


def test_languages_are_in_the_order_of_their_mean_lead(forest: Forest) -> None:
    def mean(tag: str) -> float:
        leads = [p.leads[tag].value for p in forest.panels[:2] if tag in p.leads]
        return sum(leads) / len(leads)

    means = [mean(language.tag) for language in forest.languages[1:] if language.tag != "yo"]
    assert means == sorted(means, reverse=True)


def test_every_lead_is_marked_and_the_mean_is_named(forest: Forest) -> None:
    axes = draw_forest(forest)
    marks = [c for c in axes.collections if isinstance(c, PathCollection)]
    n_marks = sum(len(mark.get_offsets()) for mark in marks)
    assert n_marks == sum(len(panel.leads) for panel in forest.panels)
    assert "mean of others" in labels(axes)


def test_the_moat_figure_says_the_lead_beyond_english(forest: Forest) -> None:
    text = " ".join(labels(draw_moat(forest)))
    value = forest.panels[0].moat.value
    assert f"+{value:.1f}" in text and "the lead of many over few" in text


def test_families_of_one_unit_share_an_axis(forest: Forest) -> None:
    topic, terms, _ = forest.panels
    assert moat_limit(forest, topic) == moat_limit(forest, terms)


def test_without_english_the_moat_is_called_undefined(tmp_path: Path) -> None:
    forest = forest_of(two_models(tmp_path / "r", languages=(SWAHILI, HINDI)))
    assert forest is not None and math.isnan(forest.panels[0].english.value)
    assert labels(draw_moat(forest)).count("undefined") == 3
    draw_forest(forest)


def test_nothing_to_compare_gives_no_figure(tmp_path: Path) -> None:
    run = ToyRun(tmp_path / "r")
    run.put(Cell("many", "topic", "en", 0), choices(0.8))
    run.put(Cell("few", "topic", "sw", 0), choices(0.8))
    assert forest_of(run) is None


def test_a_strip_has_a_dot_for_every_language_but_english(tmp_path: Path) -> None:
    table = table_from_run(read_run(two_models(tmp_path / "r").write()))
    comparison = compare(table, Pair("many", "few", 0), FAST)
    strip = strip_of(comparison, comparison.blocks["topic"])
    assert strip is not None and strip.english is not None
    assert (strip.firm + strip.open).count("M") == len(LANGUAGES) - 1


def test_a_strip_names_the_languages_at_both_ends(tmp_path: Path) -> None:
    table = table_from_run(read_run(two_models(tmp_path / "r").write()))
    comparison = compare(table, Pair("many", "few", 0), FAST)
    strip = strip_of(comparison, comparison.blocks["topic"], {"sw": "Swahili"})
    assert strip is not None
    leads = {tag: lead.value for (f, tag), lead in comparison.leads.items() if f == "topic"}
    ranked = sorted(leads.keys() - {"en"}, key=lambda tag: (leads[tag], list(leads).index(tag)))
    names = [{"sw": "Swahili"}.get(tag, tag) for tag in ranked]
    assert [
        part.rsplit(" ", 1)[0] for part in strip.named.replace(" … ", ", ").split(", ")
    ] == names
    assert strip.named.count(" … ") == 1


def test_strips_of_one_unit_share_an_axis(tmp_path: Path) -> None:
    run = ToyRun(tmp_path / "r")
    for i, language in enumerate(LANGUAGES):
        for family, gap in (("topic", 0.5), ("terms", 0.1)):
            for rank, model in enumerate(("a", "b")):
                samples = choices(0.8 - gap * rank, seed=i)
                run.put(Cell(model, family, language.tag, 0), samples)
    table = table_from_run(read_run(run.write()))
    comparison = compare(table, Pair("a", "b", 0), FAST)
    strips = [strip_of(comparison, comparison.blocks[family]) for family in ("topic", "terms")]
    assert len({strip.limit for strip in strips if strip}) == 1
    largest = max(abs(lead.value) for lead in comparison.leads.values())
    assert all(strip and float(strip.limit) >= largest for strip in strips)


def test_an_axis_ends_at_a_round_number_beyond_all_values() -> None:
    assert [nice_limit([x]) for x in (0.2, 7.0, 61.0, 5000.0)] == [1, 10, 80, 5000]
    assert nice_limit([math.nan]) == 1


def test_the_forest_of_the_page_has_the_means_of_the_verdict_from_both_sides(
    tmp_path: Path,
) -> None:
    table = table_from_run(read_run(two_models(tmp_path / "r").write()))
    pair = Pair("many", "few", 0)
    comparison = compare(table, pair, FAST)
    assert comparison.verdict is not None
    one, other = (forest_slots(table, view) for view in pair_views({pair: comparison}))
    assert set(one) == {"forest-0", "forest-1", "forest-2", "forest-all"}
    topic = comparison.verdict["by_family"]["topic"]["others"]
    mean, low, high, least, most = map(float, one["forest-0"].split())
    assert mean == pytest.approx(100 * topic["estimate"], abs=0.06)
    assert least < low < mean < high < most
    turned = [-float(number) for number in other["forest-0"].split()]
    assert turned == [mean, high, low, most, least]
    verdict = comparison.verdict
    verdict["others"]["method"] = "mean of families, for families like these"
    view = next(iter(pair_views({pair: comparison})))
    assert len(forest_slots(table, view)["forest-all"].split()) == 3  # nothing is predicted
