"""Does the page work in a real browser, from file:// and with the network off?"""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser_toys import MARKS, hostile_run, open_browser, open_page
from report_toys import ENGLISH, HINDI, LANGUAGES, SWAHILI, ToyRun, choices

from mlbench.data.languages import read_languages
from mlbench.records import Cell
from mlbench.report import write_report
from mlbench.stats import Resampling

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = MARKS


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with open_browser() as chromium:
        yield chromium


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = hostile_run(tmp_path_factory.mktemp("runs") / "r")
    return write_report(run.write(), run.folder / "out", resampling=Resampling(replicates=500))


@pytest.fixture
def page(browser: Any, report: Path) -> Iterator[Any]:
    with open_page(browser, report) as page:
        yield page


def names(page: Any) -> list[str]:
    return list(page.locator("#heat tbody tr[data-tag]:visible th .n").all_inner_texts())


def test_nothing_hostile_runs(page: Any) -> None:
    assert page.evaluate("window.hacked") is None
    assert page.locator("img").count() == 0


def test_sorting_pins_english_and_says_so_to_screen_readers(page: Any) -> None:
    head = page.locator("#heat thead th", has_text="Language").first
    head.get_by_role("button").click()
    assert names(page) == ["English", "Arabic", "Hindi", "Swahili", "Yoruba"]
    assert head.get_attribute("aria-sort") == "ascending"
    head.get_by_role("button").click()
    assert names(page)[:2] == ["English", "Yoruba"]


def shown_rows(page: Any) -> list[str]:
    return list(page.locator("#heat tbody tr:visible th .n").all_inner_texts())


def test_sorting_leaves_the_groups_and_comes_back_to_them(page: Any) -> None:
    first = shown_rows(page)
    assert first[:3] == ["English", "Mean but English", "others"]
    button = page.locator("#heat thead th", has_text="Language").first.get_by_role("button")
    button.click()
    assert shown_rows(page)[2:] == ["Arabic", "Hindi", "Swahili", "Yoruba"]
    button.click()
    button.click()
    assert shown_rows(page) == first


def test_a_group_without_a_language_that_is_looked_for_is_hidden(page: Any) -> None:
    page.fill("#find", "no such language")
    assert shown_rows(page) == ["English", "Mean but English"]
    page.fill("#find", "hindi")
    assert shown_rows(page) == ["English", "Mean but English", "others", "Hindi"]


def test_sorting_by_a_score_starts_with_the_highest(page: Any) -> None:
    page.locator("#heat thead tr:nth-child(2) th button").nth(3).click()
    values = page.locator("#heat tbody tr[data-tag]:not(.english):visible td:nth-child(7)")
    shown = [float(text.replace("−", "-")) for text in values.all_inner_texts()]
    assert shown == sorted(shown, reverse=True)


@pytest.mark.parametrize("wanted", ["kiswahili", "Swahili", "yoruba", "हिन्दी", "العربية", "hi"])
def test_a_language_is_found_by_name_endonym_and_tag(page: Any, wanted: str) -> None:
    page.fill("#find", wanted)
    found = names(page)[1:]
    expected = {"kiswahili": "Swahili", "yoruba": "Yoruba", "हिन्दी": "Hindi", "العربية": "Arabic"}
    assert expected.get(wanted, wanted if wanted != "hi" else "Hindi") in found
    assert len(found) < 4
    assert "languages" in page.locator("#count").inner_text()


def test_filters_combine(page: Any) -> None:
    page.select_option("#by-script", "Latn")
    page.select_option("#by-family", "Niger-Congo")
    assert names(page) == ["English", "Swahili", "Yoruba"]
    assert page.locator("#count").inner_text() == "2 of 5 languages"


def test_choosing_a_pair_changes_verdict_and_column(page: Any) -> None:
    cell = page.locator("#heat tr", has_text="Swahili").locator("td").nth(8)
    before = cell.inner_text()
    page.select_option("#pair-b", index=2)
    sync_api.expect(cell).not_to_have_text(before)
    assert page.locator(".pair:visible").count() == 1
    assert "script>" in page.locator(".pair:visible .who-is").inner_text()


def test_the_address_restores_the_view(page: Any, report: Path) -> None:
    page.select_option("#pair-b", index=2)
    page.fill("#find", "hindi")
    address = page.evaluate("location.href")
    page.goto("about:blank")
    page.goto(address)
    assert names(page) == ["English", "Hindi"]
    assert "script>" in page.locator(".pair:visible .who-is").inner_text()


def test_arrows_walk_the_table_and_the_strip_reads_the_cell(page: Any) -> None:
    page.locator("#heat tr", has_text="Swahili").locator("td").nth(5).click()
    assert page.locator("#detail").inner_text().startswith("Swahili, Topic: first: acc")
    page.keyboard.press("ArrowRight")
    assert page.locator("#detail").inner_text().startswith("Swahili, Topic: second: acc")
    page.keyboard.press("ArrowDown")
    assert page.locator("#detail").inner_text().startswith("Hindi, Topic: second: acc")
    page.keyboard.press("Escape")
    assert page.locator("#detail").inner_text() == ""


def test_csv_of_the_screen_has_the_rows_of_the_screen(page: Any) -> None:
    page.fill("#find", "swahili")
    with page.expect_download() as download:
        page.click("#csv")
    lines = Path(download.value.path()).read_text(encoding="utf-8-sig").splitlines()
    assert len(lines) == 5  # English, the mean of all, that of the group, and the row
    assert lines[0].startswith('"Language') and "Topic: first" in lines[0]
    row = dict(zip(*csv.reader([lines[0], lines[-1]]), strict=True))
    assert float(row["Mean adjusted score: first"]) > 50
    assert row["Mean adjusted score: first, marks"] == "●"


def test_csv_of_the_screen_holds_no_formula_and_its_numbers_stay_numbers(page: Any) -> None:
    cells = page.locator("#heat tr", has_text="Swahili").locator("td")
    for place, text in enumerate(("=cmd|' /C calc'!A0", "+1+cmd|x", "+3.2", "-1")):
        cells.nth(place).evaluate("(cell, text) => { cell.textContent = text; }", text)
    page.fill("#find", "swahili")
    with page.expect_download() as download:
        page.click("#csv")
    text = Path(download.value.path()).read_text(encoding="utf-8-sig")
    assert "\"'=cmd|' /C calc'!A0\"" in text and '"\'+1+cmd|x"' in text
    assert '"+3.2"' in text and '"-1"' in text


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_scrolls_no_page_sideways(page: Any, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_without_javascript_the_table_and_verdict_are_there(browser: Any, report: Path) -> None:
    context = browser.new_context(java_script_enabled=False, offline=True)
    page = context.new_page()
    page.goto(report.as_uri())
    assert page.locator("#heat tbody tr[data-tag]:visible").count() == len(LANGUAGES)
    assert page.locator("#verdict .lead:visible").count() == 1
    assert page.locator("#find:visible").count() == 0
    context.close()


def test_print_repeats_heads_and_hides_controls(page: Any) -> None:
    page.emulate_media(media="print")
    assert page.locator("#controls").is_hidden()
    display = "getComputedStyle(document.querySelector('#heat thead')).display"
    assert page.evaluate(display) == "table-header-group"


def test_all_languages_are_shown_in_time(browser: Any, tmp_path: Path) -> None:
    languages = tuple(read_languages().values())
    run = ToyRun(tmp_path / "r", languages=languages)
    for language in (ENGLISH, SWAHILI, HINDI):
        run.put(Cell("m", "topic", language.tag, 0), choices(0.8))
    path = write_report(run.write(), tmp_path / "out", resampling=Resampling(replicates=500))
    page = browser.new_page()
    page.goto(path.as_uri())
    assert page.locator("#heat tbody tr[data-tag]").count() == len(languages)
    page.close()


def test_the_theme_turns_by_button_and_by_key(page: Any) -> None:
    theme = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(theme)
    page.click("#theme")
    dark = page.evaluate(theme)
    assert dark != light
    page.keyboard.press("d")
    assert page.evaluate(theme) == light
    page.locator("#find").press("d")
    assert page.evaluate(theme) == light


def test_keys_are_told_in_a_dialog_that_escape_closes(page: Any) -> None:
    page.keyboard.press("?")
    assert page.locator("#help").is_visible()
    page.keyboard.press("]")
    page.keyboard.press("Escape")
    assert page.locator("#help").is_hidden()
    assert page.locator("#language").is_hidden()
