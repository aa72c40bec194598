"""Does the page of one language show all that is known of it, from any way to get there?"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser_toys import FEW, HOSTILE, MARKS, axe_violations, open_browser, open_page, write_page
from report_toys import LANGUAGES, TEXT, TOPIC, ToyRun, choices, texts

from mlbench.measures import ChoiceSample
from mlbench.records import Cell, TextDoc
from mlbench.report import ShownDocs, write_report
from mlbench.report.grid import lead_cell, score_cell
from mlbench.report.ranking import order_of
from mlbench.report.tables import ReportTable

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = MARKS

MODELS = ("texts-only", "good", "poor", "third")
BAD = f"{HOSTILE}\u202egnp.exe\x00"
LONG = 1_000_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with open_browser() as chromium:
        yield chromium


def some_run(folder: Path) -> ToyRun:
    """Make a run whose first model has no mean score; docs of Arabic, hostile ones of Hindi."""
    run = ToyRun(folder, families={"text": TEXT, "topic": TOPIC})
    for rank, model in enumerate(MODELS):
        for i, language in enumerate(LANGUAGES):
            run.put(Cell(model, "text", language.tag, 0), texts(100 + 20 * i + rank, seed=rank))
            cell = Cell(model, "topic", language.tag, 0)
            if rank and language.tag == "hi":
                run.put(cell, hostile_choices())
            elif rank:
                run.put(cell, choices(1.05 - 0.25 * rank, seed=rank))
    docs = [TextDoc(f"d{i}", "c", f"نص رقم {i}") for i in range(60)]
    run.put_texts(Cell("good", "topic", "ar", 0), docs)
    hostile = [TextDoc(f"d{i}", "c", BAD + "x" * LONG) for i in range(8)]
    run.put_texts(Cell("good", "topic", "hi", 0), hostile)
    return run


def hostile_choices() -> tuple[ChoiceSample, ...]:
    options = (BAD, "w" * LONG, "‏عربي‏", "\n\n")
    return tuple(
        ChoiceSample(f"d{i}", f"c{i}", 0, options, (-1.0, -2.0, -3.0, -4.0)) for i in range(8)
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ReportTable, Any]:
    run = some_run(tmp_path_factory.mktemp("runs") / "language")
    return write_page(run, per_family=20)


@pytest.fixture
def page(browser: Any, made: Any) -> Iterator[Any]:
    with open_page(browser, made[0]) as page:
        yield page


def title(page: Any) -> str:
    page.locator("#language h2").wait_for()
    return str(page.locator("#language h2").inner_text())


def order(page: Any) -> list[str]:
    """Return the languages as they stand on screen."""
    return list(page.locator("#heat tbody tr[data-tag]:visible .n").all_inner_texts())


def open_at(page: Any, path: Path, tag: str) -> None:
    """Open the page anew at a language, with its docs if there are any."""
    page.goto("about:blank")
    page.goto(f"{path.as_uri()}#lang={tag}")
    page.locator("#language > :is(.how, div:nth-of-type(2))").wait_for()


def pick(page: Any, label: str, option: str) -> None:
    page.locator("#language label", has_text=label).get_by_role("combobox").select_option(
        label=option
    )


def is_closed(page: Any) -> bool:
    page.locator("#language").wait_for(state="hidden")
    assert "lang=" not in page.evaluate("location.href")
    return bool(page.locator("#heat").is_visible())


def test_a_click_on_a_name_opens_a_language_and_escape_returns_to_its_row(page: Any) -> None:
    page.locator("#heat a.n", has_text="Swahili").click()
    assert title(page).startswith("Swahili")
    assert page.evaluate("location.hash") == "#lang=sw"
    assert page.locator("#heat").is_hidden() and page.locator("#verdict").is_hidden()
    page.keyboard.press("Escape")
    assert is_closed(page)
    assert page.evaluate("document.activeElement.textContent") == "Swahili"


def test_enter_on_a_cell_opens_its_language_without_the_strip(page: Any) -> None:
    page.locator("#heat tr[data-tag=hi] td").last.click()
    assert page.locator("#detail").inner_text()
    page.keyboard.press("Enter")
    assert title(page).startswith("Hindi")
    assert page.locator("#detail").inner_text() == ""


def test_brackets_and_buttons_go_through_the_rows_on_screen(page: Any) -> None:
    page.select_option("#by-script", "Latn")
    first, second, last = order(page)
    page.locator("#heat a.n", has_text=second).click()
    seen = [title(page).split()[0]]
    for key in ("]", "]", "]", "["):
        page.keyboard.press(key)
        seen.append(title(page).split()[0])
    assert seen == [second, last, first, second, first]
    page.get_by_role("button", name="next").click()
    assert title(page).startswith(second)
    page.get_by_role("button", name="All languages").click()
    assert is_closed(page)


def test_a_language_that_the_filter_hides_goes_to_the_ends(page: Any, made: Any) -> None:
    page.select_option("#by-script", "Latn")
    first, _, last = order(page)
    for key, name in (("[", last), ("]", first)):
        page.goto("about:blank")
        page.goto(f"{made[0].as_uri()}#script=Latn&lang=ar")
        assert title(page).startswith("Arabic")
        page.keyboard.press(key)
        assert title(page).startswith(name)


def test_back_goes_through_the_languages_and_to_the_table(page: Any) -> None:
    then = order(page)[order(page).index("Swahili") + 1]
    page.locator("#heat a.n", has_text="Swahili").click()
    title(page)
    page.keyboard.press("]")
    page.locator("#language h2", has_text=then).wait_for()
    page.go_back()
    page.locator("#language h2", has_text="Swahili").wait_for()
    page.go_back()
    assert is_closed(page)
    page.go_forward()
    assert title(page).startswith("Swahili")


def test_going_on_at_once_shows_docs_once(page: Any) -> None:
    page.locator("#heat a.n", has_text="Swahili").click()
    for key in "][][][":
        page.keyboard.press(key)
    page.locator("#language article").first.wait_for()
    page.wait_for_timeout(100)
    assert page.locator("#language h3").count() == 1
    assert page.locator("#language h2").count() == 1


def test_the_head_names_the_language_in_its_own_script(page: Any, made: Any) -> None:
    open_at(page, made[0], "ar")
    endonym = page.locator("#language h2 bdi")
    assert endonym.inner_text() == "العربية"
    assert (endonym.get_attribute("lang"), endonym.get_attribute("dir")) == ("ar", "rtl")
    facts = page.locator("#language > .facts").inner_text()
    assert facts == "ar · Arab · Afro-Asiatic"
    assert page.locator("#language > .warn").inner_text() == "near-copy of another"


@pytest.mark.parametrize("tag", ["sw", "en"])
def test_every_score_of_the_row_has_its_sentence(page: Any, made: Any, tag: str) -> None:
    path, table, comparisons = made
    open_at(page, path, tag)
    rows = [
        row.locator("th, td").all_inner_texts()
        for row in page.locator("#language table tbody tr").all()
    ]
    wanted = []
    first, ranked = next(iter(comparisons.values())), order_of(table)
    for block in table.blocks:
        for model in sorted(block.models, key=ranked.index):
            cell = score_cell(table.cells[Cell(model, block.family, tag, 0)], block)
            wanted.append([block.title, model, cell.text + cell.mark, cell.title])
        pair = first if block.family in first.blocks else None
        cell = lead_cell(pair, block, tag)
        wanted.append([block.title, "A − B", cell.text + cell.mark, cell.title])
    assert rows[len(MODELS) - 1 :] == wanted
    means = rows[: len(MODELS) - 1]
    assert [row[1] for row in means] == [model for model in ranked if model != MODELS[0]]
    assert {row[0] for row in means} == {"Mean adjusted score"}
    assert all(float(row[2].rstrip("●").replace("−", "-")) for row in means)
    assert all("; mean of 1 family that every model has here" in row[3] for row in means)


def test_a_doc_has_text_choices_target_and_the_reply_of_each_model(page: Any, made: Any) -> None:
    open_at(page, made[0], "ar")
    pick(page, "Family", "Topic")
    docs = page.locator("#language article")
    assert docs.count() == 20
    _, table, _ = made
    for doc in docs.all():
        name = doc.locator(".facts").inner_text().split(" doc ")[1]
        i = int(name[1:])
        assert doc.locator("blockquote").inner_text() == f"نص رقم {i}"
        assert doc.locator("blockquote").get_attribute("lang") == "ar"
        offered = doc.locator("ol li").all_inner_texts()
        marks = ["a", "b", "c", "d"]
        marks[i % 4] += " ← right answer"
        assert offered == marks
        replies = doc.locator("ul li").all_inner_texts()
        assert [reply.split()[0] for reply in replies] == list(MODELS[1:])
        for model, reply in zip(MODELS[1:], replies, strict=True):
            result = table.cells[Cell(model, "topic", "ar", 0)].result
            sample = next(s for s in result.samples if s.doc_id == name)
            is_right = sample.loglikelihoods[sample.target] == -1.0
            assert ("✓ right: " if is_right else "✗ wrong: ") in reply


def test_docs_are_filtered_by_who_was_right(page: Any, made: Any) -> None:
    open_at(page, made[0], "sw")
    pick(page, "Family", "Topic")
    labels = page.locator("#language article .facts").all_inner_texts()
    group = "only good right"
    n = sum(label.startswith(group) for label in labels)
    assert 0 < n < len(labels)
    pick(page, "Docs", group)
    kept = page.locator("#language article .facts").all_inner_texts()
    assert len(kept) == n and all(label.startswith(group) for label in kept)
    pick(page, "Family", "Text")
    assert page.locator("#language article").count() == 20
    assert "bits" in page.locator("#language article li").first.inner_text()


def test_right_to_left_text_runs_from_right_to_left(page: Any, made: Any) -> None:
    open_at(page, made[0], "ar")
    pick(page, "Family", "Topic")
    assert page.locator("#language blockquote:dir(rtl)").count() == 20
    assert page.locator("#language bdi:not([dir])").count() == 0
    side = "getComputedStyle(document.querySelector('#language .doc')).direction"
    assert page.evaluate(side) == "ltr"


@pytest.mark.parametrize("width", [1280, 390])
def test_hostile_docs_are_text_and_keep_the_width(browser: Any, made: Any, width: int) -> None:
    with open_page(browser, made[0], width=width) as page:
        open_at(page, made[0], "hi")
        pick(page, "Family", "Topic")
        part = page.locator("#language")
        text = part.inner_text()
        assert page.evaluate("window.hacked") is None and page.locator("img").count() == 0
        assert HOSTILE in part.locator("blockquote").first.inner_text()
        assert HOSTILE in part.locator("ol bdi").first.inner_text()
        assert "[U+202E]" in text and "[U+0000]" in text and "more characters" in text
        assert "\u202e" not in text and "\x00" not in text and len(text) < 100_000
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        widest = "Math.max(...[...document.querySelectorAll('.doc *')].map(n => n.scrollWidth))"
        assert page.evaluate(widest) <= width


def test_docs_of_a_folder_are_loaded_from_it(browser: Any, tmp_path: Path) -> None:
    run = some_run(tmp_path / "r")
    path = write_report(run.write(), tmp_path / "out", docs=ShownDocs(20, 0.0), resampling=FEW)
    with open_page(browser, path) as page:
        way, back = ("[", "]") if order(page).index("Hindi") < order(page).index("Arabic") else "]["
        n = abs(order(page).index("Hindi") - order(page).index("Arabic"))
        page.locator("#heat a.n", has_text="Arabic").click()
        page.locator("#language article").first.wait_for()
        for _ in range(n):
            page.keyboard.press(way)
        page.locator("#language h2", has_text="Hindi").wait_for()
        page.locator("#language article").first.wait_for()
        for _ in range(n):
            page.keyboard.press(back)
        page.locator("#language h2", has_text="Arabic").wait_for()
        page.locator("#language article").first.wait_for()
        assert page.locator("#language h3").count() == 1
    (tmp_path / "out" / "shown-docs" / "0.js").unlink()
    context = browser.new_context(offline=True)
    page = context.new_page()
    page.goto(f"{path.as_uri()}#lang=en")
    words = page.locator("#language > .how").inner_text()
    assert "holds no docs" in words and "folder shown-docs is not beside" in words
    context.close()


def test_without_docs_the_page_says_how_to_get_them(browser: Any, tmp_path: Path) -> None:
    run = ToyRun(tmp_path / "r")
    for language in LANGUAGES:
        run.put(Cell("m", "topic", language.tag, 0), choices(0.6))
    path, *_ = write_page(run)
    with open_page(browser, path) as page:
        open_at(page, path, "sw")
        words = page.locator("#language > .how").inner_text()
    assert "--docs 20" in words


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("tag", ["ar", "hi"])
def test_axe_finds_nothing_on_a_language(browser: Any, made: Any, scheme: str, tag: str) -> None:
    pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed"
    )
    with open_page(browser, made[0], scheme=scheme) as page:
        open_at(page, made[0], tag)
        pick(page, "Family", "Topic")
        page.locator("#language article").first.wait_for()
        assert axe_violations(page) == []
