"""Does the page show what the reader chose: columns, pair, order, rows, and keep it all?"""

import csv
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from browser_toys import MARKS, choose_pair, open_browser, open_page, wait_until, write_page
from report_toys import FAMILIES, LANGUAGES, ToyRun, choices, texts
from views_toys import Made, columns_of, pairs_of, shown

from mlbench.records import Cell
from mlbench.report.grid import lead_cell, score_cell
from mlbench.report.markets import markets_of, markets_slots
from mlbench.report.page.pairs import pair_views
from mlbench.report.page.words import pooled_sentence, seen_sentence
from mlbench.report.tokens import tokens_of, tokens_slots
from mlbench.report.tree import tree_of, tree_slots

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = MARKS

MODELS = tuple(f"org/model-{letter}" for letter in "abcdef")
SHORT = tuple(name.removeprefix("org/") for name in MODELS)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with open_browser() as chromium:
        yield chromium


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Make 6 models on 3 families, which are many columns; one cell of each has no data."""
    classes = (2, 5, 4, None, 2)
    languages = tuple(
        replace(language, resource_class=level, branch=f"Branch of {language.name}")
        for language, level in zip(LANGUAGES, classes, strict=True)
    )
    run = ToyRun(tmp_path_factory.mktemp("runs") / "views", languages=languages)
    for rank, model in enumerate(MODELS):
        for i, language in enumerate(languages):
            accuracy = 0.3 + 0.4 * ((3 * rank + 2 * i) % 7) / 6
            tokens = 10 + 2 * i + rank
            text = texts(100 + 15 * i + 5 * rank, seed=rank + i, n_tokens=tokens)
            run.put(Cell(model, "text", language.tag, 0), text)
            run.put(Cell(model, "topic", language.tag, 0), choices(accuracy, seed=i))
            if language.tag != "yo":
                run.put(Cell(model, "terms", language.tag, 0), choices(accuracy, seed=9 + i))
    run.no_data = {"terms": {"yo": "no names of its own in the CLDR"}}
    return Made(*write_page(run))


@pytest.fixture
def page(browser: Any, made: Made) -> Iterator[Any]:
    with open_page(browser, made.path) as page:
        yield page


READ = """() => {
  const seen = (cell) => !cell.hidden && getComputedStyle(cell).display !== 'none';
  const text = (cell) => cell.textContent.replace(/\\s+/g, ' ').trim();
  const isScore = (cell) => cell.rowSpan === 1 && !cell.matches('[scope=row], .fact');
  const heads = [...heat.tHead.rows].map((row) => [...row.cells].filter(seen).filter(isScore)
    .map((th) => [text(th.classList.contains('group') ? th.firstChild : th), th.colSpan]));
  const all = [...heat.querySelectorAll('tbody tr:not(.sub)')];
  const rows = all.filter((row) => row.getClientRects().length)
    .map((row) => [row.dataset.tag || '',
      ...[...row.cells].filter(seen).filter(isScore).map(text)]);
  return [heads, rows];
}"""


def read(page: Any) -> tuple[list[tuple[str, int]], list[str], dict[str, list[str]]]:
    """Read the table on screen: groups with their widths, heads of columns, cells by tag."""
    (top, bottom), rows = page.evaluate(READ)
    groups = [(name, span) for name, span in top]
    return groups, [name for name, _ in bottom], {tag: cells for tag, *cells in rows}


VIEWS = ("", "all", "mean", "leads", "family:terms", f"model:{MODELS[3]}")


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_shows_exactly_its_columns_with_the_values_of_the_store(
    page: Any, made: Made, view: str
) -> None:
    wanted = columns_of(made, view)
    page.select_option("#view", view)
    wait_until(
        page,
        f"[...heat.tBodies[0].rows[0].cells].filter(c => !c.hidden).length === {len(wanted) + 3}",
    )
    groups, heads, rows = read(page)
    titles = {"mean": "Mean adjusted score"} | {f: facts["title"] for f, facts in FAMILIES.items()}
    names = [name for name, _ in wanted]
    assert groups == [(titles[name], names.count(name)) for name in dict.fromkeys(names)]
    short = dict(zip(MODELS, SHORT, strict=True)) | {"A-B": "A − B"}
    assert heads == [short[model] for _, model in wanted]
    assert rows.pop("")
    assert rows == {
        language.tag: [shown(made, language.tag, column) for column in wanted]
        for language in made.table.languages
    }


def test_a_view_can_be_left_for_another_and_back(page: Any, made: Made) -> None:
    before = read(page)
    for view in ("family:text", "all", "mean", ""):
        page.select_option("#view", view)
    wait_until(page, "heat.tHead.rows[0].cells[3].hidden === false")
    assert read(page) == before


def order(page: Any) -> list[str]:
    return [tag for tag in read(page)[2] if tag not in ("", "en")]


def by_value(made: Made, column: tuple[str, str]) -> list[str]:
    tags = [language.tag for language in made.table.languages if language.tag != "en"]
    return sorted(tags, key=lambda tag: -float(shown(made, tag, column).rstrip("†")))


def test_a_column_made_later_sorts_and_keeps_its_order_where_it_is_not_shown(
    page: Any, made: Made
) -> None:
    column = ("topic", MODELS[2])
    page.select_option("#view", "family:topic")
    head = page.locator(f"#heat th[data-key='topic {MODELS[2]}']")
    head.get_by_role("button").click()
    assert head.get_attribute("aria-sort") == "descending"
    assert order(page) == by_value(made, column)
    page.select_option("#view", "")
    address = page.evaluate("location.href")
    page.goto("about:blank")
    page.goto(address)
    wait_until(page, "document.querySelector('#heat [aria-sort]') !== null")
    assert order(page) == by_value(made, column)


def go_to(page: Any, made: Made, **view: str) -> None:
    """Open the page anew at an address."""
    page.goto("about:blank")
    page.goto(f"{made.path.as_uri()}#{urlencode(view)}")
    wait_until(page, "document.querySelector('#count').textContent !== ''")


def test_the_address_keeps_all_of_the_view(page: Any, made: Made) -> None:
    page.select_option("#view", "leads")
    last = pairs_of(made)[-1]
    choose_pair(page, last.a, last.b)
    page.locator("#heat th[data-key='topic A-B'] button").click()
    page.fill("#find", "swa")
    page.select_option("#by-family", "Niger-Congo")
    page.select_option("#by-script", "Latn")
    page.select_option("#by-class", "2")
    page.keyboard.press("Escape")
    page.locator("#theme").click()
    page.locator("#heat a.n", has_text="Swahili").click()
    page.locator("#language h2").wait_for()
    address = page.evaluate("location.href")
    for part in ("view", "pair", "sort", "find", "family", "script", "class", "lang"):
        assert f"{part}=" in address, part
    page.goto("about:blank")
    page.goto(address)
    page.locator("#language h2").wait_for()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert page.locator("#language h2").inner_text().startswith("Swahili")
    page.keyboard.press("Escape")
    assert page.locator("#pair-b").input_value() == last.b
    assert list(read(page)[2]) == ["en", "", "sw"]
    assert [name for name, _ in read(page)[0]] == [made.table.blocks[i].title for i in range(3)]
    assert page.locator("#heat [aria-sort]").get_attribute("data-key") == "topic A-B"
    sides = page.locator(".who-is bdi").all_inner_texts()
    assert sides == [name.removeprefix("org/") for name in last[:2]]
    for part in ("view", "pair", "sort", "find", "family", "script", "class"):
        assert f"{part}=" in page.evaluate("location.href"), part


@pytest.mark.parametrize(
    "key", ["view", "sort", "family", "script", "class", "pair", "lang", "theme", "new"]
)
def test_an_unknown_value_in_the_address_is_ignored(page: Any, made: Made, key: str) -> None:
    before = read(page)
    go_to(page, made, **{key: "</script>"})
    page.wait_for_timeout(50)
    assert read(page) == before
    assert page.locator("#view").input_value() == ""
    assert page.locator("#language").is_hidden()
    page.select_option("#by-script", "Latn")
    assert page.evaluate("location.hash") == "#script=Latn"


def test_going_back_from_a_language_to_a_section_closes_the_language(page: Any) -> None:
    page.locator("nav.top a", has_text="Scores").click()
    page.locator("#heat a.n", has_text="Swahili").click()
    page.locator("#language h2").wait_for()
    page.go_back()
    page.locator("#language").wait_for(state="hidden")
    assert page.locator("#heat").is_visible()


SLOTS = """() => Object.fromEntries([...document.querySelectorAll('[data-slot]')].map((node) => [
  node.dataset.slot, node.tagName === 'path' ? node.getAttribute('d') : node.textContent]))"""


def slots_of(made: Made, place: int) -> dict[str, str]:
    """Return what the sections outside the table show of a pair."""
    table = made.table
    pair, first = (pairs_of(made)[i] for i in (place, 0))
    return (
        markets_slots(markets_of(table, first).shown, pair)
        | tree_slots(table, tree_of(table, first), pair)
        | tokens_slots(tokens_of(table, first), pair)
        | {"legend-seen": seen_sentence(pair_views(made.comparisons)[place])}
    )


def test_a_pair_changes_all_that_depends_on_it_and_back(page: Any, made: Made) -> None:
    before, slots = read(page), page.evaluate(SLOTS)
    verdict = page.locator("#verdict-pair").inner_html()
    choose_pair(page, *pairs_of(made)[2][:2])
    for tag, cells in read(page)[2].items():
        if tag:
            assert cells == [shown(made, tag, column, 2) for column in columns_of(made, "")]
    changed = page.evaluate(SLOTS)
    wanted = slots_of(made, 2)
    assert changed == {key: wanted[key] for key in changed}
    for section in ("market-", "tree-", "tokens-scatter-b"):
        assert any(changed[k] != slots[k] for k in slots if k.startswith(section)), section
    comparison = made.comparisons[pairs_of(made)[2]]
    names = dict(zip(MODELS, SHORT, strict=True))
    pooled = page.locator("#verdict-pair .pooled").text_content()
    assert pooled == pooled_sentence(comparison, names)
    choose_pair(page, *pairs_of(made)[0][:2])
    assert (read(page), page.evaluate(SLOTS)) == (before, slots)
    assert page.locator("#verdict-pair").inner_html() == verdict


def test_swapping_turns_every_lead_round_and_keeps_the_answer(page: Any, made: Made) -> None:
    answer = page.locator(".claim").inner_text()
    pair = pairs_of(made)[0]
    page.click("#swap")
    wait_until(page, f"document.querySelector('#pair-a').value === '{pair.b}'")
    sides = page.locator(".who-is bdi").all_inner_texts()
    assert sides == [name.removeprefix("org/") for name in (pair.b, pair.a)]
    assert page.locator(".claim").inner_text() == answer
    swapped, block = made.comparisons[pair].swapped(), made.table.blocks[1]
    place = columns_of(made, "").index((block.family, "A-B"))
    for tag, cells in read(page)[2].items():
        if tag:
            wanted = lead_cell(swapped, block, tag)
            assert cells[place] == wanted.text + wanted.mark
    page.click("#swap")
    wait_until(page, f"document.querySelector('#pair-a').value === '{pair.a}'")
    assert "pair=" not in page.evaluate("location.hash")


def test_a_partner_that_was_not_judged_cannot_be_chosen(page: Any, made: Made) -> None:
    best, second = pairs_of(made)[0][:2]
    choose_pair(page, second, best)
    enabled = "[...document.querySelectorAll('#pair-b option:not([disabled])')].map(o => o.value)"
    assert page.evaluate(enabled) == [best]


@pytest.mark.parametrize("place", [0, 3])
def test_the_forest_has_a_row_a_language_and_counts_them(page: Any, made: Made, place: int) -> None:
    choose_pair(page, *pairs_of(made)[place][:2])
    page.locator("#forest").scroll_into_view_if_needed()
    comparison = made.comparisons[pairs_of(made)[place]]
    for block in made.table.blocks:
        page.select_option("#forest-block", label=block.title)
        leads = {x.name: comparison.leads.get((block.family, x.tag)) for x in made.table.languages}
        known = {name: lead for name, lead in leads.items() if lead}
        firm = [lead.value > 0 for lead in known.values() if not lead.is_within_noise]
        words = f"A is ahead in {sum(firm)}, B in {len(firm) - sum(firm)} of {len(known)} languages"
        wait_until(
            page, f"document.querySelector('#forest-words').textContent.startsWith('{words}')"
        )
        rows = page.locator("#forest-plot a").all_text_contents()
        values = [round(known[name].value, 1) for name in rows]
        assert sorted(rows) == sorted(known)
        assert values == sorted(values, reverse=True)


@pytest.mark.parametrize(
    ("wanted", "found"), [("keny", "Kenya"), ("MEXICO", "Mexico"), ("nigeria", "Nigeria")]
)
def test_a_country_is_found_without_accents_and_capitals(
    page: Any, wanted: str, found: str
) -> None:
    page.fill("#find-country", wanted)
    wait_until(page, "document.querySelector('#market-others').open")
    rows = page.locator(".markets tbody tr:visible th").all_inner_texts()
    assert rows == [found]
    page.fill("#find-country", "")
    wait_until(page, "document.querySelectorAll('.markets tbody tr[hidden]').length === 0")


def download(page: Any, button: str) -> str:
    with page.expect_download() as found:
        page.click(button)
    return Path(found.value.path()).read_text(encoding="utf-8-sig")


def test_csv_and_json_are_what_is_on_screen(page: Any) -> None:
    page.select_option("#view", "model:org/model-c")
    page.fill("#find", "indo-european")
    groups, heads, rows = read(page)
    names = [group for group, span in groups for _ in range(span)]
    columns = [f"{group}: {head}" for group, head in zip(names, heads, strict=True)]
    lines = list(csv.DictReader(download(page, "#csv").splitlines()))
    records = json.loads(download(page, "#json"))
    assert lines == records
    assert [*records[0]][:3] == ["Language", "Script", "Family"]
    names = [record.pop("Language").split()[0] for record in records]
    assert names == ["English", "Mean", "others", "Hindi"]
    del records[2]
    together = [
        [record[name] + record.get(f"{name}, marks", "") for name in columns] for record in records
    ]
    assert together == list(rows.values())


def test_tooltip_and_strip_say_the_same_of_old_and_new_columns(page: Any, made: Made) -> None:
    page.select_option("#view", "all")
    place = {column: i for i, column in enumerate(columns_of(made, "all"))}
    cell = Cell("org/model-e", "terms", "sw", 0)
    block = next(block for block in made.table.blocks if block.family == "terms")
    pair = made.comparisons[pairs_of(made)[0]]
    wanted = {
        ("terms", "org/model-e"): score_cell(made.table.cells[cell], block).title,
        ("terms", "A-B"): lead_cell(pair, block, "sw").title,
    }
    for column, sentence in wanted.items():
        node = page.locator("#heat tr[data-tag=sw] td").nth(2 + place[column])
        node.hover()
        wait_until(page, f"heat.querySelector('td[title=\"{sentence}\"]') !== null")
        assert node.get_attribute("title") == sentence
        node.click()
        assert page.locator("#detail").inner_text().endswith(f": {sentence}")
        assert page.locator("#detail").inner_text().startswith("Swahili, Terms: ")


def test_a_new_pair_leaves_no_sentence_of_the_old_one(page: Any, made: Made) -> None:
    page.locator("#heat tr[data-tag=sw] td").last.click()
    assert page.locator("#detail").inner_text()
    choose_pair(page, *pairs_of(made)[2][:2])
    assert page.locator("#detail").inner_text() == ""
