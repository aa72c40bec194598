"""Does a reader find their language, or hear that it is not here; and is a model chosen as by
`mlbench choose`? In the browser, with real languages and made-up scores."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browser_toys import MARKS, open_browser, open_page, write_page
from report_toys import TOPIC, ToyRun, choices, two_models

from mlbench.data.languages import read_languages
from mlbench.data.weights import audience_of_languages
from mlbench.records import Cell
from mlbench.report.audiences import Audiences, audiences_of
from mlbench.report.choosing import Conditions, choose
from mlbench.report.markets import markets_of
from mlbench.report.tables import ReportTable, table_from_run
from mlbench.stats import Resampling
from mlbench.store.read import read_run

KNOWN = read_languages()
TAGS = ("en", "id", "jv", "fa", "zh-Hans", "tr", "az", "sw", "th", "ru")
LEVELS = {"a/strong": 0.8, "b/near": 0.76, "c/english": 0.45}
PLAYWRIGHT = importlib.util.find_spec("playwright")
SEEK = "[...document.querySelectorAll('#seek-hits a')].map((a) => a.getAttribute('href'))"


def in_browser(test: Any) -> Any:
    """Mark a test that needs a browser; the others here need none."""
    for mark in (*MARKS, pytest.mark.skipif(not PLAYWRIGHT, reason="playwright is not installed")):
        test = mark(test)
    return test


def made_run(folder: Path) -> ToyRun:
    families = {"topic": TOPIC, "terms": TOPIC | {"title": "Terms"}}
    run = ToyRun(folder, families=families, languages=tuple(KNOWN[tag] for tag in TAGS))
    for k, (model, level) in enumerate(LEVELS.items()):
        for i, tag in enumerate(TAGS):
            own = 0.8 if tag == "en" else level - 0.02 * i
            run.put(Cell(model, "topic", tag, 0), choices(own, n=80, seed=31 * k + i))
            if tag != "th":
                run.put(Cell(model, "terms", tag, 0), choices(own, n=40, seed=7 * k + i))
    return run


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ReportTable]:
    path, table, _ = write_page(made_run(tmp_path_factory.mktemp("run") / "choosing"))
    return path, table


@pytest.fixture(scope="module")
def audiences(made: tuple[Path, ReportTable]) -> Audiences:
    found = audiences_of(made[1])
    assert found is not None
    return found


# ---- what is ranked for whom -----------------------------------------------------------------
def test_levels_of_a_language_are_those_of_the_table(
    made: tuple[Path, ReportTable], audiences: Audiences
) -> None:
    for tag in TAGS:
        for rank in audiences.ranked[f"lang={tag}"].ranking.ranks:
            assert rank.score == pytest.approx(made[1].adjusted[rank.model, 0, tag].value)
            assert rank.score_low < rank.score < rank.score_high


def test_levels_of_a_country_are_those_of_the_table_of_countries(
    made: tuple[Path, ReportTable], audiences: Audiences
) -> None:
    markets = markets_of(made[1], None)
    told = [market for market in (*markets.shown, *markets.others) if not market.no_level]
    assert {f"country={market.code}" for market in told} == {
        key for key in audiences.ranked if key.startswith("country=")
    }
    for market in told:
        for rank in audiences.ranked[f"country={market.code}"].ranking.ranks:
            assert rank.score == pytest.approx(market.levels[rank.model])


def test_a_family_needs_two_languages_and_counts_them_alike(audiences: Audiences) -> None:
    groups = {key for key in audiences.ranked if key.startswith("group=")}
    assert groups == {"group=Indo-European", "group=Austronesian", "group=Turkic"}
    assert audiences.ranked["group=Turkic"].group.shares == {"tr": 0.5, "az": 0.5}


def test_what_is_shown_first_are_the_most_spoken_without_english(audiences: Audiences) -> None:
    shares = audiences.default.group.shares
    assert "en" not in shares and max(shares, key=shares.__getitem__) == "zh-Hans"
    assert sum(shares.values()) == pytest.approx(1)


def test_one_model_and_a_run_without_chance_choose_nothing(tmp_path: Path) -> None:
    run = two_models(tmp_path / "r")
    run.models = {"many": run.models["many"]}
    run.cells = {"many": run.cells["many"]}
    assert audiences_of(table_from_run(read_run(run.write()))) is None


# ---- the page ----------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with open_browser() as chromium:
        yield chromium


@pytest.fixture(scope="module")
def page(browser: Any, made: tuple[Path, ReportTable]) -> Iterator[Any]:
    with open_page(browser, made[0]) as opened:
        opened.wait_for_function("document.querySelectorAll('#choose-chips li').length > 0")
        yield opened


def found(page: Any, text: str) -> tuple[list[str], str]:
    page.fill("#seek", text)
    page.wait_for_function(
        "document.querySelector('#seek-hits a') || document.querySelector('#seek-note').textContent"
    )
    hits = page.evaluate(SEEK)
    note = page.locator("#seek-note").inner_text()
    page.fill("#seek", "")
    page.wait_for_function(f"{SEEK}.length === 0")
    return hits, note


@in_browser
@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("id", "#lang=id"),
        ("ind", "#lang=id"),
        ("IND_Latn", "#lang=id"),
        ("bahasa indonesia", "#lang=id"),
        ("farsi", "#lang=fa"),
        ("فارسی", "#lang=fa"),
        ("中文", "#lang=zh-Hans"),
        ("zh", "#lang=zh-Hans"),
        ("русский", "#lang=ru"),
        ("ไทย", "#lang=th"),
        ("Turkce", "#lang=tr"),
        ("turkic", "#group=Turkic"),
        ("nigeria", "#country=NG"),
        ("NG", "#country=NG"),
    ],
)
def test_any_name_or_code_finds_it_first(page: Any, text: str, first: str) -> None:
    hits, note = found(page, text)
    assert hits[0] == first and not note


@in_browser
@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("hausa", "Hausa is not among the 10 languages of this run."),
        ("hau", "Hausa is not among the 10 languages of this run."),
        (
            "Bashkir",
            "Bashkir is not among the 10 languages of this run. mlbench can test it: "
            "mlbench run --languages ba",
        ),
        ("xqzz", "Nothing here is called “xqzz”."),
    ],
)
def test_what_is_not_covered_gets_a_plain_answer(page: Any, text: str, note: str) -> None:
    assert found(page, text) == ([], note)


def go(page: Any, text: str) -> str:
    """Open what is found first, and return what its page says."""
    page.fill("#seek", text)
    page.wait_for_function(f"{SEEK}.length > 0")
    page.press("#seek", "Enter")
    page.locator("#language h2").wait_for()
    words = page.locator("#language").inner_text()
    page.keyboard.press("Escape")
    page.locator("#language").wait_for(state="hidden")
    return str(words)


@in_browser
def test_a_language_page_begins_with_a_sentence_and_a_plot(page: Any) -> None:
    words = go(page, "indonesian")
    assert "In Indonesian near has the highest level" in words and "of its English" in words
    page.goto(page.url.split("#")[0] + "#lang=id")
    plot = page.locator("#language .choice svg")
    plot.first.wait_for()
    assert plot.count() == 3
    page.keyboard.press("Escape")


@in_browser
def test_a_country_and_a_family_have_pages_too(page: Any) -> None:
    words = go(page, "indonesia")
    assert "For the languages of Indonesia" in words and "Javanese" in words
    assert "Not tested: Sundanese" in words
    words = go(page, "turkic")
    assert "Over 2 languages of the family Turkic" in words
    assert "Turkish" in words and "North Azerbaijani" in words


@in_browser
def test_a_country_of_english_alone_has_no_level_and_names_what_to_test(page: Any) -> None:
    words = go(page, "nigeria")
    assert "English only: no level; to test: Nigerian Pidgin" in words and "Hausa" in words
    assert "Place" not in words
    assert "not tested: no level" in go(page, "japan")


def add(page: Any, name: str, weight: float) -> None:
    page.fill("#choose-add", name)
    page.press("#choose-add", "Enter")
    page.locator("#choose-chips li").last.locator("input").fill(str(weight))


ROWS = """() => [...document.querySelectorAll('#choose-table tbody tr')].map((row) =>
  [1, 0, 2, 3].map((place) => row.cells[place].textContent))"""


@in_browser
def test_my_own_weights_rank_as_mlbench_choose_does(
    page: Any, made: tuple[Path, ReportTable]
) -> None:
    for name, weight in (("Indonesian", 5), ("Javanese", 2), ("Thai", 1)):
        add(page, name, weight)
    assert "for=id%3A5%2Cjv%3A2%2Cth%3A1" in page.url
    wanted = choose(
        made[1], audience_of_languages(["id:5,jv:2,th:1"], KNOWN), Conditions(), Resampling()
    )
    rows = page.evaluate(ROWS)
    assert [row[0] for row in rows] == [c.rank.model.split("/")[1] for c in wanted.candidates]
    for row, candidate in zip(rows, wanted.candidates, strict=True):
        level, low, high = (
            float(part.strip("[],").replace("−", "-")) for part in row[2].split()[:3]
        )
        rank = candidate.rank
        assert level == pytest.approx(100 * rank.score, abs=0.11)
        assert high - low == pytest.approx(100 * (rank.score_high - rank.score_low), rel=0.3)
    page.reload()
    page.wait_for_function("document.querySelector('#choose-chips').children.length === 3")
    assert page.evaluate(ROWS) == rows


@in_browser
def test_too_little_tested_chooses_nobody(page: Any) -> None:
    page.goto(page.url.split("#")[0] + "#for=id%3A1%2Cxx%3A3")
    page.reload()
    page.wait_for_function(
        "document.querySelector('#choose-words').textContent.startsWith('Too little')"
    )
    assert page.evaluate(ROWS) == []
    assert "Not tested with all models: xx (75 %)." in page.locator("#choose-words").inner_text()


@in_browser
def test_probabilities_and_places_are_computed_as_in_python(page: Any) -> None:
    from mlbench.stats.best import probabilities_of_best
    from mlbench.stats.ranks import MacroMeans, rank_models

    rng = np.random.default_rng(0)
    for spread in (0.01, 0.05, 0.2):
        levels = 0.5 + rng.normal(0, spread, 4)
        noise = rng.normal(0, 0.03, (4000, 4))
        means = MacroMeans(levels, levels + noise, 200, 200.0, np.full((4, 4), 100))
        best = page.evaluate(
            "([levels, noise]) => bestOf(levels, noise)", [levels.tolist(), noise[:400].T.tolist()]
        )
        assert best == pytest.approx(probabilities_of_best(means, Resampling()), abs=0.06)
        places = page.evaluate(
            "([levels, noise]) => placesOf(levels, noise)", [levels.tolist(), noise.T.tolist()]
        )
        ranks = {r.model: [r.low, r.high] for r in rank_models("abcd", means, Resampling()).ranks}
        assert places == [ranks[model] for model in "abcd"]


@in_browser
def test_without_script_the_first_ranking_is_there(
    browser: Any, made: tuple[Path, ReportTable], audiences: Audiences
) -> None:
    context = browser.new_context(java_script_enabled=False)
    opened = context.new_page()
    opened.goto(made[0].as_uri())
    text = opened.locator("#choose").inner_text()
    assert "most spoken languages" in text and "strong" in text
    assert not opened.locator("#choose-form").is_visible()
    assert not opened.locator("#seek").is_visible()
    context.close()
