"""Are families and branches counted and averaged as written, and is nothing claimed of them?"""

import math
from pathlib import Path

import pytest
from report_toys import ENGLISH, TEXT, ToyRun, exact, texts, two_models

from mlbench.records import Cell, Language
from mlbench.report import write_report
from mlbench.report.compare import Pair
from mlbench.report.dots import diamond_path, stacked_path
from mlbench.report.tables import ReportTable, table_from_run
from mlbench.report.tree import family_share, pair_scores, tree_of, tree_slots
from mlbench.stats import Resampling
from mlbench.store.read import read_run

PAIR = Pair("m", "n", 0)


def lang(tag: str, family: str, branch: str | None = None) -> Language:
    return Language(tag, tag.upper(), tag, "Latn", "ltr", family, branch)


GERMAN, DUTCH = (lang(tag, "Indo-European", "Germanic") for tag in ("de", "nl"))
FRENCH = lang("fr", "Indo-European", "Romance")
TURKISH, UZBEK = lang("tr", "Turkic"), lang("uz", "Turkic")
BASQUE = lang("eu", "Basque")
GERMANIC_ENGLISH = lang("en", "Indo-European", "Germanic")


BY_TAG = {
    language.tag: language
    for language in (GERMANIC_ENGLISH, GERMAN, DUTCH, FRENCH, TURKISH, UZBEK, BASQUE)
}


def toy_table(folder: Path, right: dict[str, tuple[int, ...]]) -> ReportTable:
    """Make a run of models m, n, ... with so many of 8 docs right by language."""
    run = ToyRun(folder, languages=tuple(BY_TAG[tag] for tag in right))
    for tag, its in right.items():
        for model, n_right in zip("mno", its, strict=False):
            run.put(Cell(model, "topic", tag, 0), exact(n_right))
    return table_from_run(read_run(run.write()))


@pytest.fixture
def table(tmp_path: Path) -> ReportTable:
    right = {
        "en": (8, 8),
        "de": (8, 5),
        "nl": (5, 5),
        "fr": (5, 2),
        "tr": (2, 5),
        "uz": (2, 8),
        "eu": (5, 2),
    }
    return toy_table(tmp_path / "r", right)


def test_rows_hold_the_means_of_their_languages_without_english(table: ReportTable) -> None:
    tree = tree_of(table, PAIR)
    family = tree.families[0].group
    slots = tree.slots
    assert family.title == "Indo-European"
    # A: 1, 0.5, 0.5; B: 0.5, 0.5, 0 over German, Dutch, French.
    assert slots[f"{family.key}-n"] == "3"
    assert slots[f"{family.key}-a"] == "66.7"
    assert slots[f"{family.key}-b"] == "33.3"
    assert slots[f"{family.key}-d"] == "+33.3"
    assert slots[f"{family.key}-r"] == "0.0 to +50.0"
    germanic = tree.families[0].branches[0]
    assert (germanic.title, slots[f"{germanic.key}-d"]) == ("Germanic", "+25.0")


def test_branches_are_shown_only_where_there_are_two(table: ReportTable) -> None:
    tree = tree_of(table, PAIR)
    assert [[b.title for b in family.branches] for family in tree.families] == [
        ["Germanic", "Romance"],
        [],
    ]


def test_families_with_one_language_come_last(table: ReportTable) -> None:
    tree = tree_of(table, PAIR)
    assert [group.title for group in tree.singles] == ["Basque: EU"]


def test_english_is_a_diamond_and_no_dot(table: ReportTable) -> None:
    tree = tree_of(table, PAIR)
    indo_european, turkic = (family.group.key for family in tree.families)
    assert tree.slots[f"{indo_european}-p"].count("M") == 3
    assert tree.slots[f"{indo_european}-e"] == diamond_path(90, floor=22, size=5)
    assert tree.slots[f"{turkic}-e"] == ""


def test_share_of_variation_is_eta_squared_against_that_of_no_tie() -> None:
    # Means 1 and 4 around 2.5: between 2 * 1.5 ** 2 * 2 = 9, within 2 + 2 = 4.
    share, expected = family_share([[0, 2], [3, 5]])
    assert share == pytest.approx(9 / 13)
    assert expected == pytest.approx(1 / 3)


@pytest.mark.parametrize("groups", [[], [[1, 2]], [[1], [2]], [[1, 1], [1, 1]]])
def test_share_of_variation_is_unknown_without_groups_or_variation(
    groups: list[list[float]],
) -> None:
    assert all(math.isnan(value) for value in family_share(groups))


def test_sentence_describes_and_hedges(table: ReportTable) -> None:
    sentence = tree_of(table, PAIR).slots["tree-sentence"]
    # Leads 50, 0, 50 and -50, -100: means 33.3 and -75 around -10; squares between
    # 3 * 43.3 ** 2 + 2 * 65 ** 2 = 14083 of 17000 in all.
    assert "Over 5 languages of 2 families, 83 %" in sentence
    assert "25 % would do so without any tie" in sentence
    assert "tests nothing" in sentence


def test_pair_is_scored_on_what_both_have_whatever_a_third_lacks(tmp_path: Path) -> None:
    table = toy_table(tmp_path / "r", {"de": (8, 5), "nl": (8, 2, 8)})
    assert set(pair_scores(table, PAIR)) == {"de", "nl"}
    assert pair_scores(table, Pair("m", "o", 0)).keys() == {"nl"}
    slots = tree_slots(table, tree_of(table, PAIR), Pair("m", "o", 0))
    assert slots["tree-0-n"] == "1 of 2"


def test_family_of_tasks_that_a_third_model_never_had_still_counts(tmp_path: Path) -> None:
    run = ToyRun(tmp_path / "r", languages=(GERMAN,))
    for model, n_right in (("m", 8), ("n", 5), ("o", 2)):
        run.put(Cell(model, "topic", "de", 0), exact(n_right))
    for model in "mn":
        run.put(Cell(model, "terms", "de", 0), exact(2))
    table = table_from_run(read_run(run.write()))
    assert pair_scores(table, PAIR)["de"] == (pytest.approx(0.5), pytest.approx(0.25))


def test_swapped_pair_mirrors_the_differences(table: ReportTable) -> None:
    tree = tree_of(table, PAIR)
    swapped = tree_slots(table, tree, Pair("n", "m", 0))
    assert swapped.keys() == tree.slots.keys()
    assert swapped["tree-0-d"] == "−33.3"


def test_one_model_has_scores_and_no_difference(tmp_path: Path) -> None:
    table = toy_table(tmp_path / "r", {"de": (8,), "nl": (5,), "tr": (2,), "uz": (5,)})
    tree = tree_of(table, None)
    assert not tree.has_pair
    assert tree.slots["tree-0-a"] == "75.0"
    assert "the mean adjusted score of m" in tree.slots["tree-sentence"]


def test_run_without_chance_levels_has_no_score_by_family(tmp_path: Path) -> None:
    run = ToyRun(tmp_path / "r", families={"text": TEXT}, languages=(ENGLISH, GERMAN, DUTCH))
    for model in "mn":
        for tag in ("en", "de", "nl"):
            run.put(Cell(model, "text", tag, 0), texts(100))
    tree = tree_of(table_from_run(read_run(run.write())), PAIR)
    assert not tree.has_scores
    assert tree.slots["tree-sentence"].startswith("This run cannot say")
    assert tree.slots["tree-0-a"] == "–"


def test_pair_without_a_language_in_common_has_a_sentence_and_no_table(tmp_path: Path) -> None:
    run = ToyRun(tmp_path / "r", languages=(GERMAN, DUTCH))
    run.put(Cell("m", "topic", "de", 0), exact(8))
    run.put(Cell("n", "topic", "nl", 0), exact(8))
    table = table_from_run(read_run(run.write()))
    assert not tree_of(table, PAIR).has_scores
    assert tree_of(table, None).has_scores


@pytest.mark.slow
def test_hostile_family_stays_text(tmp_path: Path) -> None:
    evil = Language("de", "x", "x", "Latn", "ltr", "</th><script>\u202e" + "y" * 500)
    run = two_models(tmp_path / "r", languages=(ENGLISH, evil))
    run.write()
    page = write_report(tmp_path / "r", tmp_path / "out", resampling=Resampling(replicates=100))
    html = page.read_text(encoding="utf-8")
    section = html[html.index('<section id="tree">') : html.index('<section id="tokens">')]
    assert "<script" not in section
    assert "\u202e" not in section
    assert "y" * 100 not in section


def test_stacked_dots_stay_within_their_room() -> None:
    path = stacked_path([5.0] * 100, floor=40, room=20, dot=4)
    heights = [float(dot.split(" ")[1].removesuffix("h0")) for dot in path.split("M")[1:]]
    assert len(heights) == 100
    assert min(heights) >= 20
    assert max(heights) == 38
