"""Is the page whole, inert and honest? Read as a parser reads it; a browser is another file."""

import base64
import csv
import hashlib
import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from report_toys import (
    ARABIC,
    ENGLISH,
    HINDI,
    LANGUAGES,
    SWAHILI,
    ToyRun,
    choices,
    texts,
    two_models,
    unpacked,
)
from shared_work import figures_with_files

from mlbench.data.languages import read_languages
from mlbench.errors import StoreError
from mlbench.records import Caveat, Cell
from mlbench.report import Asked, write_report
from mlbench.report.page.fonts import letters_by_script
from mlbench.report.page.packing import HOLE
from mlbench.stats import Resampling

FAST = Resampling(replicates=1_000)
SCRIPT = "</script><img src=x onerror=alert(1)>"
OVERRIDE = "abc\u202egnp.exe\u2066"


class Page(HTMLParser):
    """The elements of a page with their attributes, and the text of each row."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.rows: list[list[str]] = []
        self.text = ""
        self._in_cell = self._is_text = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._is_text = tag not in ("script", "style")
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
            self._in_cell = True

    def handle_endtag(self, tag: str) -> None:
        self._is_text = True
        self._in_cell = self._in_cell and tag not in ("td", "th")

    def handle_data(self, data: str) -> None:
        if self._is_text:
            self.text += data
        if self._in_cell:
            self.rows[-1][-1] += data

    def attributes(self, name: str) -> Iterator[str]:
        return (attrs[name] or "" for _, attrs in self.elements if name in attrs)

    def row(self, start: str) -> list[str]:
        return next(row for row in self.rows if row and row[0].startswith(start))


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    run = two_models(folder / "r")
    run.fail(Cell("many", "topic", "en", 5), "CUDA out of memory", "Traceback: deep inside")
    run.plan(Cell("few", "topic", "en", 5))
    with figures_with_files():
        return write_report(run.write(), folder / "out", resampling=FAST).parent


@pytest.fixture(scope="module")
def html(report: Path) -> str:
    return (report / "index.html").read_text(encoding="utf-8")


def packed(html: str, name: str) -> Any:
    """Read data of the page that only its script reads."""
    block = re.search(rf'<script type="application/gzip" id="{name}">([^<>&\s]+)</script>', html)
    assert block
    return unpacked(block[1])


def sentences(data: dict[str, list[Any]]) -> list[str]:
    """Put sentences of packing.py together again, as packed.js does."""
    left = [iter(column) for column in data["numbers"]]

    def fill(sentence: str) -> str:
        places = iter(left)
        return re.sub(HOLE, lambda _: next(next(places)), sentence)

    return [fill(data["distinct"][one]) for one in data["which"]]


def page_of(run: ToyRun) -> Page:
    path = write_report(run.write(), run.folder / "out", resampling=FAST)
    return Page(path.read_text(encoding="utf-8"))


@pytest.mark.slow
def test_everything_is_written(report: Path) -> None:
    names = {path.name for path in report.iterdir()}
    drawn = ("overview", "heatmap", "difference", "forest", "moat", "profile", "markets")
    figures = {f"{n}.{s}" for n in drawn for s in ("svg", "png", "pdf")}
    texts = {"index.html", "scores.csv", "differences.csv", "markets.csv", "verdict.json"}
    assert names == figures | texts


def test_the_page_asks_for_nothing(html: str) -> None:
    page = Page(html)
    links = {*page.attributes("href"), *page.attributes("src")}
    assert not any(re.match(r"(https?:)?//", link) for link in links)
    assert html.count("url(") == html.count("url(data:") and "@import" not in html


@pytest.mark.slow
def test_every_link_leads_to_a_file_or_a_place_of_the_page(report: Path, tmp_path: Path) -> None:
    one_model = ToyRun(tmp_path / "one", languages=(ENGLISH, HINDI))
    one_model.put(Cell("m", "topic", "en", 0), choices(0.8))
    no_english = two_models(tmp_path / "no", languages=(SWAHILI, ARABIC))
    tokens = ToyRun(tmp_path / "tokens", languages=(ENGLISH, HINDI))
    tokens.put(Cell("m", "text", "en", 0), texts(100, n_tokens=20))
    tokens.put(Cell("m", "text", "hi", 0), texts(200, n_tokens=70))
    folders = [report]
    for run in (one_model, no_english, tokens):
        folders.append(write_report(run.write(), run.folder / "out", resampling=FAST).parent)
    for folder in folders:
        page = Page((folder / "index.html").read_text(encoding="utf-8"))
        ids = set(page.attributes("id"))
        for link in page.attributes("href"):
            is_language = link.startswith("#lang=")
            assert is_language or link[1:] in ids or (folder / link).is_file(), link


def test_the_policy_allows_this_script_and_style_only(html: str) -> None:
    page = Page(html)
    (policy,) = [v for v in page.attributes("content") if "default-src" in v]
    assert policy.startswith("default-src 'none'") and "unsafe" not in policy
    for tag in ("script", "style"):
        (inline,) = re.findall(rf"<{tag}>(.*?)</{tag}>", html, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert not any(name.startswith("on") or name == "style" for _, a in page.elements for name in a)


def test_the_table_says_what_the_csv_says(html: str, report: Path) -> None:
    page = Page(html)
    with (report / "scores.csv").open(encoding="utf-8") as file:
        rows = [r for r in csv.DictReader(file) if (r["metric"], r["shots"]) == ("acc", "0")]
    values = {(row["model"], row["family"], row["tag"]): row for row in rows}
    for language in LANGUAGES:
        cells = page.row(language.name + " ")
        accuracy = 100 * float(values["many", "topic", language.tag]["value"])
        assert cells[3 + 4] == f"{accuracy:.1f}" + ("†" if language.tag == "hi" else "")


def test_the_three_states_without_a_value_read_differently(html: str) -> None:
    page = Page(html)
    assert "– failed" in page.row("English ") and "– missing" in page.row("English ")
    assert "– no data" in page.row("Yoruba")
    titles = sentences(packed(html, "cell-data")["titles"])
    assert "failed: CUDA out of memory" in titles
    assert "missing: planned, not run yet" in titles
    assert "no data: no names of its own in the CLDR" in titles


def test_a_cell_tells_its_docs_chance_and_interval(html: str) -> None:
    titles = [t for t in sentences(packed(html, "cell-data")["titles"]) if t.startswith("acc ")]
    assert titles
    assert all("n 60" in t and "chance 25.0" in t and "] 95 % " in t for t in titles)


def test_english_is_marked_and_its_parity_is_the_base(html: str) -> None:
    cells = Page(html).row("English ")
    assert "reference" in cells[0] and cells.count("base") == 2


def test_the_shipped_fonts_have_the_letters_of_every_endonym() -> None:
    everywhere = {"Latn", "Cyrl", "Grek"}
    for language in read_languages().values():
        letters = {letter for letter in language.endonym if ord(letter) > 0x24F}
        if language.script not in everywhere:
            assert letters <= set(letters_by_script()[language.script]), language.name


def test_only_the_fonts_of_the_scripts_in_the_run_are_brought(html: str) -> None:
    assert html.count("@font-face") == len({"Arab", "Deva"})


def test_names_of_languages_carry_language_and_direction(html: str) -> None:
    bdi = [attrs for tag, attrs in Page(html).elements if tag == "bdi" and "lang" in attrs]
    assert {"lang": "ar", "dir": "rtl"} in bdi and len(bdi) == len(LANGUAGES)


def test_models_made_only_for_tests_say_so_beside_the_verdict(html: str) -> None:
    assert html.count("made only to test the suite") >= 4


def test_the_static_page_holds_the_verdict(html: str) -> None:
    text = Page(html).text
    assert "Over 2 families, each counting once (adjusted points), many − few is" in text
    assert "4 better, 0 worse, 0 undetermined" in text


def test_the_answer_is_short_and_from_the_side_of_the_model_that_is_ahead(
    tmp_path: Path,
) -> None:
    run = two_models(tmp_path / "r")
    asked = Asked("few", "many")
    path = write_report(run.write(), tmp_path / "out", asked=asked, resampling=FAST)
    html = path.read_text(encoding="utf-8")
    box = html.split('<div class="answer-box">')[1].split("<svg")[0]
    words = re.sub(r"<[^>]*>", " ", box).split()
    assert "many’s lead over few is larger outside English" in " ".join(words)
    assert len(words) <= 45
    assert [w for w in ("Supported", "Equal", "Cannot tell yet") if w in box] == ["Supported"]
    directions = html.split('<ul class="directions">')[1].split("</ul>")[0]
    assert directions.count("<li>") == 2 and "Not supported" in directions


@pytest.mark.slow
def test_the_same_run_gives_the_same_bytes(
    report: Path, tmp_path: Path, figure_files: None
) -> None:
    again = write_report(report.parent / "r", tmp_path / "again", resampling=FAST).parent
    for path in sorted(report.iterdir()):
        assert (again / path.name).read_bytes() == path.read_bytes(), path.name


@pytest.mark.slow
def test_hostile_names_and_reasons_stay_text(tmp_path: Path, figure_files: None) -> None:
    evil = replace(
        SWAHILI, name=f"Swahili{SCRIPT}", endonym=OVERRIDE, caveats=(Caveat("\0" + SCRIPT),)
    )
    run = ToyRun(tmp_path / "r", languages=(ENGLISH, evil))
    run.families["topic"] = run.families["topic"] | {"title": SCRIPT, "citation": "x" * 10**6}
    for model in (f"model {SCRIPT}", "$\\frac{1}$ " + OVERRIDE):
        run.put(Cell(model, "topic", "en", 0), choices(0.8))
        run.put(Cell(model, "topic", "sw", 0), choices(0.6))
        run.fail(Cell(model, "terms", "en", 0), "\0" + SCRIPT, SCRIPT + OVERRIDE + "y" * 10**6)
    run.no_data = {"terms": {"sw": SCRIPT}}
    path = write_report(run.write(), tmp_path / "out", resampling=FAST)
    html = path.read_text(encoding="utf-8")
    page = Page(html)
    assert not any(tag == "img" for tag, _ in page.elements)
    kinds = [attrs.get("type") for tag, attrs in page.elements if tag == "script"]
    assert kinds.count(None) == 1 and set(kinds) == {None, "application/gzip"}
    assert not re.search("[\u202a-\u202e\u2066-\u2069\0]", html)
    assert "[U+202E]" in page.text and len(html) < 200_000


@pytest.mark.slow
def test_a_name_of_a_megabyte_is_cut(tmp_path: Path) -> None:
    run = ToyRun(tmp_path / "r", languages=(replace(ENGLISH, endonym="é" * 10**6),))
    run.put(Cell("m", "topic", "en", 0), choices(0.8))
    path = write_report(run.write(), tmp_path / "out", resampling=FAST)
    assert path.stat().st_size < 200_000
    assert "999,920 more characters" in path.read_text(encoding="utf-8")


@pytest.mark.slow
def test_one_model_has_no_differences(tmp_path: Path) -> None:
    run = ToyRun(tmp_path / "r", languages=(ENGLISH, HINDI))
    run.put(Cell("m", "topic", "en", 0), choices(0.8))
    page = page_of(run)
    assert "A − B" not in page.text
    assert "This run holds one model" in page.text


@pytest.mark.slow
def test_no_finished_cell_is_said(tmp_path: Path) -> None:
    run = ToyRun(tmp_path / "r", languages=(ENGLISH,))
    run.fail(Cell("m", "topic", "en", 0), "no memory", "Traceback")
    page = page_of(run)
    assert "No cell of this run is finished" in page.text
    assert "no memory" in page.text


@pytest.mark.slow
def test_without_english_gaps_are_said_to_be_undefined(tmp_path: Path) -> None:
    run = two_models(tmp_path / "r", languages=(SWAHILI, ARABIC))
    page = page_of(run)
    assert "English takes no part in this run" in page.text
    assert "bits per byte, lower is better" in page.text


@pytest.mark.slow
def test_other_pairs_are_in_the_data(tmp_path: Path) -> None:
    run = ToyRun(tmp_path / "r", languages=(ENGLISH,))
    for seed, model in enumerate(("a", "b", "c")):
        run.put(Cell(model, "topic", "en", 0), choices(0.3 + 0.2 * seed))
        run.put(Cell(model, "text", "en", 0), texts(100, seed=seed))
    page = page_of(run)
    ids = set(page.attributes("id"))
    assert {"pair-a", "pair-b", "swap"} <= ids
    html = (run.folder / "out" / "index.html").read_text(encoding="utf-8")
    columns = packed(html, "pair-data")
    assert [len(pair) for pair in columns["css"]] == [2] * 6  # three pairs, both ways
    assert len(sentences(columns["titles"])) == 6  # told once: the script turns them round
    assert [bool(verdict) for verdict in columns["verdicts"]] == [False, *[True] * 5]


def test_an_unknown_run_is_refused_with_the_next_command(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="mlbench run"):
        write_report(tmp_path / "nothing")


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    run = ToyRun(tmp_path / "r", languages=(ENGLISH,))
    run.put(Cell("m", "topic", "en", 0), choices(0.8))
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot write"):
        write_report(run.write(), tmp_path / "file" / "out", resampling=FAST)
