"""Does the map show every cell of the run on one screen, with the values of the store?"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser_toys import MARKS, open_browser, open_page, wait_until, write_page
from report_toys import TOPIC, ToyRun, choices

from mlbench.data.languages import read_languages
from mlbench.records import Cell
from mlbench.report.overview import FEWEST, GROUPINGS, groups_of, level_rows, overview_sentence
from mlbench.report.tables import ReportTable
from mlbench.report.text import percent

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = MARKS
MODELS = ("zeta", "alpha", "mid")
DRAWN = """() => Object.fromEntries([...document.querySelectorAll('#map svg:not(.labels) path')]
  .filter((path) => path.getAttribute('class') !== 'here')
  .map((path) => [path.getAttribute('class'), path.getAttribute('d')]))"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with open_browser() as chromium:
        yield chromium


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ReportTable]:
    """Make 3 models in all languages; the best is the last by name."""
    languages = tuple(read_languages().values())
    families = {"topic": TOPIC, "terms": TOPIC | {"title": "Terms"}}
    run = ToyRun(tmp_path_factory.mktemp("runs") / "map", families=families, languages=languages)
    for rank, model in enumerate(MODELS):
        for i, language in enumerate(languages):
            level = 0.95 - 0.15 * rank - 0.004 * i
            run.put(Cell(model, "topic", language.tag, 0), choices(level, n=24, seed=i))
            if language.tag != "yo":
                run.put(Cell(model, "terms", language.tag, 0), choices(level, n=24, seed=i + 5))
    path, table, _ = write_page(run)
    return path, table


@pytest.fixture
def page(browser: Any, made: tuple[Path, ReportTable]) -> Iterator[Any]:
    with open_page(browser, made[0]) as page:
        wait_until(page, "document.querySelector('#map path.here') !== null")
        yield page


def test_every_language_stands_in_one_group_of_each_grouping(
    made: tuple[Path, ReportTable],
) -> None:
    table = made[1]
    for by in GROUPINGS:
        groups = groups_of(table, by)
        tags = [tag for group in groups for tag in group.tags]
        assert sorted(tags) == sorted(table.run.languages)
        assert groups[0].tags == ("en",)
        assert all(len(group.tags) >= FEWEST for group in groups[1:] if group.name != "others")
        sizes = [len(group.tags) for group in groups[1:] if group.name != "others"]
        assert sizes == sorted(sizes, reverse=True)


def test_in_a_group_the_best_language_is_first(made: tuple[Path, ReportTable]) -> None:
    table = made[1]
    for group in groups_of(table)[1:]:
        levels = [
            round(sum(table.adjusted[m, 0, tag].value for m in MODELS), 9) for tag in group.tags
        ]
        assert levels == sorted(levels, reverse=True)


def test_rows_follow_the_ranking_and_not_the_names(made: tuple[Path, ReportTable]) -> None:
    assert [row.name for row in level_rows(made[1])] == ["zeta", "alpha", "mid"]


def test_all_cells_of_the_run_are_inside_one_screen(page: Any) -> None:
    page.evaluate("document.querySelector('#overview').scrollIntoView()")
    box = page.locator("#map").bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= 1280
    assert box["y"] >= 0 and box["y"] + box["height"] <= 800
    drawn = page.evaluate(DRAWN)
    assert sum(outline.count("M") for outline in drawn.values()) == len(MODELS) * 119
    assert len(drawn) <= 45


def test_the_script_draws_what_the_page_was_written_with(
    browser: Any, made: tuple[Path, ReportTable], page: Any
) -> None:
    context = browser.new_context(java_script_enabled=False, offline=True)
    still = context.new_page()
    still.goto(made[0].as_uri())
    paths = still.locator("#map svg:not(.labels) path").all()
    written = {path.get_attribute("class"): path.get_attribute("d") for path in paths}
    context.close()
    drawn = page.evaluate(DRAWN)
    assert {css: outline.count("M") for css, outline in written.items()} == {
        css: outline.count("M") for css, outline in drawn.items()
    }
    assert list(written) and set(written) == set(drawn)


def test_arrow_keys_read_the_values_of_the_table(page: Any, made: tuple[Path, ReportTable]) -> None:
    table = made[1]
    tags = [tag for group in groups_of(table) for tag in group.tags]
    page.locator("#map").focus()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    name = table.run.languages[tags[5]].name
    mean = table.adjusted["alpha", 0, tags[5]]
    said = page.locator("#detail").inner_text()
    assert said.startswith(f"{name}, alpha: {percent(mean.value)} [") and "; mean of 2 fam" in said
    page.keyboard.press("Enter")
    page.locator("#language h2").wait_for()
    assert page.locator("#language h2").inner_text().startswith(name)


@pytest.mark.parametrize(
    ("view", "rows"),
    [
        ("model:alpha", ["Mean adjusted score", "Topic", "Terms"]),
        ("lead", ["mean of families", "Topic", "Terms"]),
        ("beyond", ["mean of families"]),
    ],
)
def test_other_views_have_their_rows_in_every_grouping(
    page: Any, view: str, rows: list[str]
) -> None:
    for by in GROUPINGS:
        page.select_option("#map-group", by)
        page.select_option("#map-view", view)
        assert page.locator("#map li").all_inner_texts() == rows
        cells = (
            "[...document.querySelectorAll('#map path')].map((p) => p.getAttribute('d')).join('')"
        )
        assert page.evaluate(f"{cells}.split('M').length - 1") == 119 * len(rows)


def test_the_sentence_counts_what_the_map_shows(made: tuple[Path, ReportTable]) -> None:
    table = made[1]
    english = table.adjusted["zeta", 0, "en"].value
    others = [
        m.value
        for (model, _, tag), m in table.adjusted.items()
        if (model, tag) != ("zeta", "en") and model == "zeta"
    ]
    kept = sum(value >= english / 2 for value in others)
    assert f"in {kept} of 118 languages" in overview_sentence(table)
