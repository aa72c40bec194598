"""Can everybody read the page? axe-core on the whole page, a tagged PDF, hostile text."""

import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from browser_toys import HOSTILE, MARKS, axe_violations, hostile_run, open_browser, open_page
from report_toys import LANGUAGES, choices

from mlbench.records import Cell
from mlbench.report import write_report
from mlbench.stats import Resampling

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytest.importorskip(
    "axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed"
)
pytestmark = MARKS
OPEN_ALL = "document.querySelectorAll('details').forEach((found) => { found.open = true; })"
FAST = Resampling(replicates=500)
LONG = 1_000_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with open_browser() as chromium:
        yield chromium


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = hostile_run(tmp_path_factory.mktemp("runs") / "r")
    run.fail(Cell("second", "terms", "en", 0), "out of memory", "Traceback\n" + "  line\n" * 60)
    run.no_data = {"terms": {"yo": "no names of its own in the CLDR"}}
    return write_report(run.write(), run.folder / "out", resampling=FAST)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_nothing(browser: Any, report: Path, width: int, scheme: str) -> None:
    with open_page(browser, report, width=width, scheme=scheme) as page:
        page.evaluate(OPEN_ALL)
        assert axe_violations(page) == []


def test_the_page_prints_as_a_tagged_pdf(browser: Any, report: Path) -> None:
    with open_page(browser, report) as page:
        pdf = page.pdf(tagged=True, prefer_css_page_size=True)
    assert b"/MarkInfo" in pdf and b"/Marked true" in pdf
    assert 1 <= len(re.findall(rb"/Type\s*/Page\b(?!s)", pdf)) <= 20


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a run whose names, reasons and tracebacks attack the page, and are a megabyte long."""
    run = hostile_run(tmp_path_factory.mktemp("runs") / "hostile")
    bad = f"{HOSTILE}\u202egnp.exe\x00"
    for i, language in enumerate(LANGUAGES):
        run.put(Cell(f"{bad}{'m' * 300}", "topic", language.tag, 0), choices(0.5, seed=i))
    run.fail(Cell("second", "terms", "sw", 0), bad + "r" * LONG, bad + "t" * LONG)
    run.no_data = {"terms": {"yo": bad + "n" * LONG}}
    run.families["terms"] = run.families["terms"] | {
        name: bad + "f" * LONG for name in ("title", "question", "source", "licence", "citation")
    }
    return write_report(run.write(), run.folder / "out", resampling=FAST)


def test_hostile_text_is_shown_and_does_not_run(browser: Any, hostile: Path) -> None:
    with open_page(browser, hostile) as page:
        page.evaluate(OPEN_ALL)
        assert page.evaluate("window.hacked") is None
        assert page.locator("img").count() == 0
        text = page.locator("body").inner_text()
    assert HOSTILE in text and "[U+202E]" in text and "[U+0000]" in text
    assert "\u202e" not in text and "\x00" not in text
    assert hostile.stat().st_size < 500_000


def test_hostile_text_makes_no_phone_scroll_sideways(browser: Any, hostile: Path) -> None:
    with open_page(browser, hostile, width=390) as page:
        page.evaluate(OPEN_ALL)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_axe_of_the_tests_is_new_enough() -> None:
    source = (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")
    version = re.search(r"axe v(\d+)\.(\d+)", source)
    assert version and (int(version[1]), int(version[2])) >= (4, 12)
