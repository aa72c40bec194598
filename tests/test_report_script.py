"""Do the small functions of the page's script what Python's side expects, and is a page drawn the
same each time? Asked in the browser, where they are: no second JavaScript machine is needed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser_toys import MARKS, hostile_run, open_browser, open_page, write_page
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from report_toys import two_models

from mlbench.report.grid import lead_cell
from mlbench.report.page.packing import HOLE, pack_sentences, packed
from mlbench.report.page.pairs import pair_views

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = MARKS

TEXTS = st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters=HOLE)))
NUMBERS = st.lists(
    st.from_regex(r"\A(acc|n) [+−]?[0-9]{1,3}(\.[0-9])?; \[−?[0-9], हिन्दी [0-9]\]\Z")
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with open_browser() as chromium:
        yield chromium


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    written, _, _ = write_page(hostile_run(tmp_path_factory.mktemp("runs") / "r"))
    return written


@pytest.fixture(scope="module")
def page(browser: Any, path: Path) -> Iterator[Any]:
    with open_page(browser, path) as opened:
        yield opened


@given(TEXTS | NUMBERS)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_sentences_that_were_taken_apart_come_back(page: Any, texts: list[str]) -> None:
    assert page.evaluate("sentences", pack_sentences(texts)) == texts


def test_words_on_a_lead_are_told_the_other_way_round(page: Any, tmp_path: Path) -> None:
    _, table, comparisons = write_page(two_models(tmp_path / "r"))
    pair, turned = pair_views(comparisons)
    for block in table.blocks:
        for language in table.languages:
            own, other = (lead_cell(p.of(block), block, language.tag) for p in (pair, turned))
            assert page.evaluate("mirrored", own.title) == other.title


@pytest.mark.parametrize(
    ("words", "other"),
    [
        ("0.0 points [−0.5, 0.0] 95 %", "0.0 points [0.0, 0.5] 95 %"),
        ("−0.1 log points interval unknown", "+0.1 log points interval unknown"),
        ("– points interval unknown", "– points interval unknown"),
        ("not compared: 3 docs [1, 2]", "not compared: 3 docs [1, 2]"),
    ],
)
def test_words_without_a_lead_stay_and_zero_has_no_sign(page: Any, words: str, other: str) -> None:
    assert page.evaluate("mirrored", words) == other


@pytest.mark.parametrize(
    "value", [{"a": [1, None, "é"]}, [], "العربية </script>", list(range(999))]
)
def test_what_was_packed_is_inflated(page: Any, value: Any) -> None:
    assert page.evaluate("inflate", packed(value)) == value


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("yoruba", "Yorùbá"),
        ("YORUBA", "Yorùbá"),
        ("francais", "Français"),
        ("ελληνικα", "Ελληνικά"),
    ],
)
def test_names_are_found_without_accents_and_capitals(page: Any, typed: str, written: str) -> None:
    assert page.evaluate("([a, b]) => fold(a) === fold(b)", [typed, written])


def test_marks_that_are_letters_of_their_own_stay_apart(page: Any) -> None:
    assert not page.evaluate("fold('ไทย') === fold('ไท')")
    assert page.evaluate("fold('中文')") == "中文"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("43.1", 43.1),
        ("−5.0", -5.0),
        ("(+1.4)", 1.4),
        ("+3.0", 3.0),
        ("– missing", None),
        ("", None),
    ],
)
def test_a_cell_is_read_as_its_number(page: Any, text: str, value: float | None) -> None:
    script = (
        "text => { const n = numberOf(document.createTextNode(text)); return isNaN(n) ? null : n; }"
    )
    assert page.evaluate(script, text) == value


def test_unknown_numbers_sort_last_both_ways(page: Any) -> None:
    script = "sign => [NaN, 2, NaN, 3, 1].sort((a, b) => compare(a, b, sign)).map(String)"
    assert page.evaluate(script, 1) == ["1", "2", "3", "NaN", "NaN"]
    assert page.evaluate(script, -1) == ["3", "2", "1", "NaN", "NaN"]


@pytest.mark.parametrize(
    ("sentence", "found"),
    [
        ("+4.0 points [−1.0, 9.5] 95 % paired; beyond English +1.0 [0.0, 2.0]", [4, -1, 9.5]),
        ("+4.0 points interval unknown; beyond English +1.0 [0.0, 2.0]", None),
        ("not compared: neither [1.0, 2.0]", None),
    ],
)
def test_only_the_interval_of_the_difference_itself_is_drawn(
    page: Any, sentence: str, found: list[float] | None
) -> None:
    read = page.evaluate("intervalOf", sentence)
    assert (read and [read["mid"], read["low"], read["high"]]) == found


def test_a_page_is_drawn_the_same_each_time(browser: Any, path: Path) -> None:
    shots = []
    for scheme in ("light", "light", "dark"):
        with open_page(browser, path, scheme=scheme) as opened:
            opened.wait_for_timeout(300)
            shots.append(opened.screenshot(animations="disabled"))
    assert shots[0] == shots[1] != shots[2]


def test_a_screen_reader_meets_headings_table_and_controls(page: Any) -> None:
    tree = page.locator("body").aria_snapshot()
    for part in (
        'heading "Verdict" [level=2]',
        'heading "Scores by language" [level=2]',
        'navigation "Page"',
        'search "Filter languages"',
        'columnheader "Language',
        'rowheader "Swahili',
        'heading "What could be wrong?" [level=2]',
    ):
        assert part in tree, part
