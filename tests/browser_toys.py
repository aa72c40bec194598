"""What browser tests share: a Chromium without network, a page whose problems count, a toy run."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from report_toys import LANGUAGES, ToyRun, choices, texts

from mlbench.records import Cell
from mlbench.report.compare import Comparison, Pair
from mlbench.report.page.docs import pack_docs
from mlbench.report.page.page import render_page
from mlbench.report.tables import ReportTable, table_from_run
from mlbench.report.write import compare_all
from mlbench.stats import Resampling
from mlbench.store.read import read_run

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
MARKS = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium; apt-get install chromium"),
    # playwright leaves its event loop and sockets to the garbage collector
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
ARGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
HOSTILE = "</script><img src=x onerror=window.hacked=1>"


AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]
FEW = Resampling(replicates=100)


@contextmanager
def open_browser() -> Iterator[Any]:
    """Start the Chromium of the system."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        try:
            yield chromium
        finally:
            chromium.close()


@contextmanager
def open_page(browser: Any, path: Path, *, width: int = 1280, scheme: str = "light") -> Any:
    """Open a page from its file; a message, an error or a request to elsewhere is a failure."""
    size = {"width": width, "height": 800}
    context = browser.new_context(offline=True, viewport=size, color_scheme=scheme)
    page = context.new_page()
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("request", lambda r: None if r.url.startswith("file:") else problems.append(r.url))
    page.goto(path.as_uri())
    try:
        yield page
        assert problems == []
    finally:
        context.close()


def wait_until(page: Any, condition: str) -> None:
    """Wait until JavaScript is true; the page's policy forbids the usual way, which is eval."""
    for _ in range(100):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"never: {condition}")


def write_page(
    run: ToyRun, *, per_family: int = 0
) -> tuple[Path, ReportTable, dict[Pair, Comparison]]:
    """Write only the page of a run, without figures; `per_family` docs stand in it."""
    table = table_from_run(read_run(run.write()))
    comparisons = compare_all(table, FEW)
    path = run.folder / "index.html"
    page = render_page(table, comparisons, pack_docs(table, per_family))
    path.write_text(page, encoding="utf-8")
    return path, table, comparisons


def axe_violations(page: Any) -> list[Any]:
    """Return what axe-core finds wrong on a page: rule, element and what to do."""
    from axe_playwright_python.sync_playwright import Axe

    options = {"runOnly": {"type": "tag", "values": AXE_TAGS}}
    found = Axe().run(page, options=options).response
    assert len(found["passes"]) > 20
    return [
        (v["id"], node["html"][:200], node.get("failureSummary"))
        for v in found["violations"]
        for node in v["nodes"][:3]
    ]


def hostile_run(folder: Path) -> ToyRun:
    """Make three models on three families; the name of one and a failure hold markup."""
    run = ToyRun(folder)
    for rank, model in enumerate(("first", "second", f"{HOSTILE} third")):
        for i, language in enumerate(LANGUAGES):
            accuracy = 0.8 - 0.15 * rank - 0.05 * i
            run.put(Cell(model, "topic", language.tag, 0), choices(accuracy, seed=i))
            run.put(Cell(model, "text", language.tag, 0), texts(100 + 20 * i + rank, seed=rank))
    run.fail(Cell("first", "terms", "en", 0), HOSTILE, HOSTILE)
    return run


def choose_pair(page: Any, a: str, b: str) -> None:
    """Choose A, then B, as a reader does, and wait until the page shows them."""
    if page.locator("#pair-a").input_value() != a:
        page.select_option("#pair-a", a)
    if page.locator("#pair-b").input_value() != b:
        page.select_option("#pair-b", b)
    wait_until(page, f"document.querySelector('#pair-b').value === {b!r}")
    page.wait_for_timeout(50)
