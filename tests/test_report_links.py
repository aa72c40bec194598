"""Does a link land where it points, on screen, on paper and inside another page?"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser_toys import MARKS, hostile_run, open_browser, open_page, wait_until, write_page

from mlbench.report.page.words import time_words

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = MARKS


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    written, _, _ = write_page(hostile_run(tmp_path_factory.mktemp("runs") / "r"))
    return written


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with open_browser() as chromium:
        yield chromium


def go_to(page: Any, path: Path, hash_: str) -> None:
    page.goto("about:blank")
    page.goto(path.as_uri() + hash_)
    page.wait_for_timeout(300)


def test_a_link_to_a_view_of_the_table_shows_the_table(browser: Any, path: Path) -> None:
    with open_page(browser, path) as page:
        go_to(page, path, "#find=hindi")
        wait_until(page, "scrollY > 0")
        top = page.evaluate("document.querySelector('#scores').getBoundingClientRect().top")
        assert 0 <= top < 400
        go_to(page, path, "")
        assert page.evaluate("scrollY") == 0


def test_the_theme_is_the_readers_own_and_not_in_the_address(browser: Any, path: Path) -> None:
    theme = "document.documentElement.dataset.theme || ''"
    with open_page(browser, path) as page:
        page.keyboard.press("d")
        assert page.evaluate(theme) == "dark" and "theme" not in page.evaluate("location.href")
        go_to(page, path, "")
        assert page.evaluate(theme) == "dark"
    with open_page(browser, path) as page:
        go_to(page, path, "#theme=dark")
        assert page.evaluate(theme) == ""


def test_a_section_can_be_embedded_alone(browser: Any, path: Path) -> None:
    with open_page(browser, path) as page:
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page.locator("#overview .tools button", has_text="embed").click()
        code = page.evaluate("navigator.clipboard.readText()")
        assert code.startswith(f'<iframe src="{path.as_uri()}#embed=overview" title="At a glance"')
        go_to(page, path, "#embed=overview")
        assert page.locator("#map").is_visible()
        assert page.locator("main > section:visible").count() == 1
        assert page.locator("header, nav.top, .tools").locator("visible=true").count() == 0


def test_a_link_to_a_section_is_copied(browser: Any, path: Path) -> None:
    with open_page(browser, path) as page:
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page.locator("#trust .tools button", has_text="link").click()
        assert page.evaluate("navigator.clipboard.readText()") == f"{path.as_uri()}#trust"


def test_print_has_the_name_of_each_model_where_the_heads_repeat(browser: Any, path: Path) -> None:
    # Chromium paints no button in a head that it repeats on the next page.
    after = """() => [...document.querySelectorAll('#heat thead th[data-name]')].map((th) => [
      getComputedStyle(th, '::after').content, th.textContent.trim(),
      getComputedStyle(th.querySelector('.sort')).display])"""
    with open_page(browser, path) as page:
        page.emulate_media(media="print")
        heads = page.evaluate(after)
        assert (
            len(heads) == page.locator("#heat .sort").count() - 2
        )  # script and family are left out
        for content, name, display in heads:
            assert content.strip('"').replace('\\"', '"') == name and display == "none"


def test_the_forest_follows_the_table_and_its_address(browser: Any, path: Path) -> None:
    with open_page(browser, path) as page:
        go_to(page, path, "#leads=text&find=hi")
        page.locator("#forest").scroll_into_view_if_needed()
        wait_until(page, "document.querySelectorAll('#forest-plot a').length > 0")
        assert page.locator("#forest-block").input_value() == "text"
        names = page.locator("#forest-plot a").all_text_contents()
        shown = page.locator("#heat tr[data-tag]:not([hidden]) .n").all_text_contents()
        assert sorted(names) == sorted(shown) and 1 < len(names) < 5
        page.select_option("#forest-block", "topic")
        assert "leads=topic" in page.evaluate("location.hash")
        page.fill("#find", "hindi")
        wait_until(page, "document.querySelectorAll('#forest-plot a').length === 2")
        assert "Shown are the rows that the table shows" in page.locator("#forest").inner_text()
        page.locator("#forest-plot a", has_text="Hindi").click()
        page.locator("#language h2").wait_for()
        assert "find=hindi" in page.evaluate("location.hash")


def test_the_forest_stands_on_paper_though_nobody_scrolled_to_it(browser: Any, path: Path) -> None:
    with open_page(browser, path) as page:
        wait_until(page, "document.querySelector('#map path.here') !== null")
        assert page.locator("#forest-plot a").count() == 0
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        page.emulate_media(media="print")
        assert page.locator("#forest-plot a").first.is_visible()
        assert not page.locator("#forest-block").is_visible()


def test_times_are_written_for_a_reader() -> None:
    assert time_words("2026-01-02T03:04:05+00:00") == "2 Jan 2026, 03:04 UTC"
    assert time_words("2026-01-01T23:30:00-05:00") == "2 Jan 2026, 04:30 UTC"
    assert time_words("some day") == "some day"
