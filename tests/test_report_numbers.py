"""Is every number of the page that of the store, the CSV files and verdict.json?

No tolerance: a number on the page is the stored one, rounded once; a lead beyond English is the
difference of two such numbers, so that the three add up. What is expected is worked out
here again from docs, and not with the code that makes the page.
"""

import csv
import json
import math
import random
import re
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from browser_toys import FEW, MARKS, choose_pair, open_browser, open_page, wait_until
from report_toys import TEXT, TOPIC, ToyRun, choices, texts

from mlbench.data.languages import read_languages
from mlbench.measures import ChoiceSample
from mlbench.records import Cell
from mlbench.report import ShownDocs, write, write_report
from mlbench.report.grid import BELOW_CHANCE, TOP
from mlbench.store.read import Run, read_run

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = MARKS

MODELS = ("org/a", "org/b", "org/c")
# Topics have seven labels in name, but the toy's docs have four, evenly: one in four is chance.
CHANCE = {"topic": 0.25, "terms": 0.25, "reading": 0.25, "text": None}
N_CELLS = 200
PAIRS = [("org/a", "org/b"), ("org/a", "org/c"), ("org/b", "org/c")]

READ = """() => {
  const heads = [...heat.tHead.rows[1].cells].map((th) => th.dataset.key);
  const rows = [...heat.querySelectorAll('tbody tr:not(.sub)')].map((row) => [row.dataset.tag || '',
    [...row.cells].slice(3).map((cell) => {
      cell.dispatchEvent(new MouseEvent('mouseover', { bubbles: true }));
      return [cell.textContent.trim(), cell.title];
    })]);
  return [heads, rows];
}"""


class Shown(NamedTuple):
    """What a page says in a cell and behind it."""

    text: str
    title: str


class Found(NamedTuple):
    """A report: the run as stored, the files beside the page, the page's table by pair."""

    run: Run
    folder: Path
    tables: list[dict[tuple[str, str], Shown]]
    verdicts: list[dict[str, Any]]


def some_run(folder: Path) -> ToyRun:
    """Make 3 models on 4 families in all languages, with cells failed, missing and without data."""
    families = {name: TOPIC | {"title": name, "chance": c} for name, c in CHANCE.items() if c}
    languages = tuple(read_languages().values())
    run = ToyRun(folder, families=families | {"text": TEXT}, languages=languages)
    rng = np.random.default_rng(11)
    levels = np.where(
        [x.tag == "en" for x in languages], 0.75, rng.uniform(0.3, 0.7, len(languages))
    )
    run.no_data = {"terms": {}}
    for rank, model in enumerate(MODELS):
        for i, language in enumerate(languages):
            level = float(levels[i]) - 0.07 * rank + float(rng.normal(0, 0.05))
            for family in families:
                cell = Cell(model, family, language.tag, 0)
                if family == "terms" and i % 6 == 5 and language.tag != "en":
                    run.no_data["terms"][language.tag] = "no names of its own"
                elif language.tag != "en" and rng.random() < 0.02:
                    run.fail(cell, "out of memory", "Traceback")
                elif language.tag != "en" and rng.random() < 0.02:
                    run.plan(cell)
                else:
                    run.put(cell, choices(level, n=80, seed=int(rng.integers(1e6))))
            bits = float(100 / levels[i] + rng.normal(0, 4))
            run.put(Cell(model, "text", language.tag, 0), texts(bits, n=20, seed=i))
    return run


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Found]:
    folder = tmp_path_factory.mktemp("runs") / "numbers"
    run = some_run(folder).write()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(write, "_figure_files", lambda *_: {})
        path = write_report(run, folder / "out", docs=ShownDocs(0), resampling=FEW)
    with open_browser() as browser, open_page(browser, path) as page:
        page.select_option("#view", "all")
        wait_until(
            page, "heat.tBodies[0].rows[0].cells.length === heat.tHead.rows[1].cells.length + 3"
        )
        read = [read_pair(page, place) for place in range(len(PAIRS))]
    tables, verdicts = zip(*read, strict=True)
    yield Found(read_run(run), path.parent, list(tables), list(verdicts))


def read_pair(page: Any, place: int) -> tuple[dict[tuple[str, str], Shown], dict[str, Any]]:
    """Choose a pair; return the table by column and tag, and what the verdict says."""
    choose_pair(page, *PAIRS[place])
    b = PAIRS[place][1].removeprefix("org/")
    wait_until(page, f"document.querySelectorAll('.who-is bdi')[1].textContent === '{b}'")
    heads, rows = page.evaluate(READ)
    table = {
        (head, tag): Shown(*cell)
        for tag, cells in rows
        for head, cell in zip(heads, cells, strict=True)
    }
    verdict = page.locator("#verdict-pair .verdict tbody tr")
    return table, {
        "rows": [row.locator("th, td").all_inner_texts() for row in verdict.all()],
        "lead": page.locator("#verdict-pair .pooled").text_content(),
        "answer": {
            part: page.locator(f"#verdict-pair [data-part={part}]").inner_text()
            for part in ("english", "others", "beyond")
        },
    }


def rounded(value: float, digits: int = 1) -> str:
    text = f"{value:.{digits}f}"
    return text.removeprefix("-") if float(text) == 0 else text.replace("-", "−")


def signed(value: float) -> str:
    text = rounded(value)
    return text if text[0] == "−" or float(text) == 0 else f"+{text}"


def lines_of(found: Found, name: str) -> list[dict[str, str]]:
    with (found.folder / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def right(samples: Any) -> int:
    """Count the docs of which the first likeliest choice is the right one."""
    return sum(s.loglikelihoods.index(max(s.loglikelihoods)) == s.target for s in samples)


def accuracy(samples: Any) -> float:
    return right(samples) / len(samples)


def bits(samples: Any) -> float:
    return math.fsum(-s.loglikelihood / math.log(2) for s in samples)


def test_200_cells_of_the_page_are_those_of_store_and_csv(found: Found) -> None:
    lines = {
        (line["model"], line["family"], line["tag"]): line
        for line in lines_of(found, "scores.csv")
        if line["metric"] in ("acc", "parity") or line["state"] != "value"
    }
    every = sorted(lines)
    assert len(every) == len(MODELS) * len(CHANCE) * len(found.run.languages)
    states = set()
    for key in random.Random(5).sample(every, N_CELLS):
        model, family, tag = key
        line = lines[key]
        states.add(line["state"])
        shown = found.tables[0][f"{family} {model}", tag]
        result = found.run.done.get(Cell(model, family, tag, 0))
        if line["state"] != "value":
            assert result is None
            assert shown == (f"– {line['state']}", f"{line['state']}: {line['reason']}")
            continue
        if family == "text":
            english = found.run.done[Cell(model, family, "en", 0)]
            value = bits(english.samples) / bits(result.samples)
        else:
            value = accuracy(result.samples)
        assert value == float(line["value"])
        mark = "▼" if line.get("below_chance") == "True" else ""
        is_base = family == "text" and tag == "en"
        assert shown.text == ("base" if is_base else rounded(100 * value) + mark)
    assert states >= {"value", "failed", "no data"}


def test_what_stands_behind_a_score_is_in_the_csv(found: Found) -> None:
    for line in random.Random(6).sample(lines_of(found, "scores.csv"), N_CELLS):
        if line["metric"] != "acc" or line["state"] != "value":
            continue
        shown = found.tables[0][f"{line['family']} {line['model']}", line["tag"]]
        value, low, high = (rounded(100 * float(line[key])) for key in ("value", "low", "high"))
        level = f"{100 * float(line['level']):.0f}"
        words = f"acc {value} [{low}, {high}] {level} % {line['method']}; n {line['n_docs']}; "
        words += f"chance {rounded(100 * CHANCE[line['family']])}"
        if line["below_chance"] == "True":
            words += "; below chance: drawn to wrong choices, not guessing"
        elif line["above_chance"] == "False":
            words += "; not above chance"
        assert shown.title == words
        assert (line["above_chance"] == "True") == (float(line["low"]) > float(line["chance"]))
        nominal = found.run.families[line["family"]]["chance"]
        assert (line["below_chance"] == "True") == (float(line["high"]) < nominal)


def test_means_are_those_of_the_cells_that_every_model_has(found: Found) -> None:
    run, table = found.run, found.tables[0]
    done = {
        (c.model, c.family, c.language): accuracy(r.samples)
        for c, r in run.done.items()
        if isinstance(r.samples[0], ChoiceSample)
    }
    for family, chance in CHANCE.items():
        if chance is None:
            continue
        common = [
            tag
            for tag in run.languages
            if tag != "en" and all((m, family, tag) in done for m in MODELS)
        ]
        for model in MODELS:
            mean = math.fsum(done[model, family, tag] for tag in common) / len(common)
            assert table[f"{family} {model}", ""].text == rounded(100 * mean)
    for tag in run.languages:
        common = [f for f, c in CHANCE.items() if c and all((m, f, tag) in done for m in MODELS)]
        for model in MODELS:
            text = table[f"mean 0 {model}", tag].text
            above = [(done[model, f, tag] - CHANCE[f]) / (1 - CHANCE[f]) for f in common]
            mark = str(len(common)) if len(common) < 3 else ""
            number = rounded(100 * math.fsum(above) / len(above)) if above else "–"
            assert text.replace(TOP, "").replace(BELOW_CHANCE, "") == (
                number + mark if above else "–"
            )


def lead_text(line: dict[str, str]) -> str:
    """Return what the page must show of a line of differences.csv."""
    if line["state"] != "value":
        return "–"
    text = signed(float(line["difference"]))
    if not (float(line["low"]) > 0 or float(line["high"]) < 0):
        return f"({text})"
    alpha = 0.05
    if float(line["p_holm"]) <= alpha:
        return f"{text}H"
    return f"{text}B" if float(line["p_benjamini_hochberg"]) <= alpha else text


def test_differences_of_every_pair_are_those_of_the_csv(found: Found) -> None:
    lines = lines_of(found, "differences.csv")
    assert len(lines) == len(PAIRS) * len(CHANCE) * len(found.run.languages)
    texts = set()
    for line in random.Random(7).sample(lines, N_CELLS):
        table = found.tables[PAIRS.index((line["model_a"], line["model_b"]))]
        shown = table[f"{line['family']} A-B", line["tag"]]
        assert shown.text == lead_text(line)
        texts.add(re.sub(r"[^A-Z(–]", "", shown.text))
        if line["state"] != "value":
            assert shown.title == f"not compared: {line['reason']}"
            continue
        value, low, high = (float(line[key]) for key in ("difference", "low", "high"))
        start = f"{signed(value)} {line['unit']} [{rounded(low)}, {rounded(high)}] 95 % paired "
        assert shown.title.startswith(start)
        assert f"; n {line['n_docs']}; " in shown.title
    assert texts >= {"", "(", "–", "H"}


def test_a_difference_is_that_of_its_two_columns_adjusted_for_chance(
    found: Found,
) -> None:
    for line in lines_of(found, "differences.csv"):
        if line["state"] == "value" and CHANCE[line["family"]]:
            a, b = (
                found.run.done[Cell(line[side], line["family"], line["tag"], 0)].samples
                for side in ("model_a", "model_b")
            )
            exact = Fraction(right(a), len(a)) - Fraction(right(b), len(b))
            adjusted = exact / (1 - Fraction(CHANCE[line["family"]]))
            assert rounded(float(line["difference"])) == rounded(float(100 * adjusted)), line


def effect_text(effect: dict[str, Any], family: str) -> str:
    def shown(value: float) -> float:
        # Six decimals are known, as mlbench.measures.scales tells.
        return round(100 * value, 6)

    if effect["estimate"] is None:
        return "unknown"
    low, high = (rounded(shown(effect[end])) for end in ("low", "high"))
    unit = "adjusted points" if CHANCE[family] else "log points"
    return f"{signed(shown(effect['estimate']))} [{low}, {high}] {unit}"


def closing(sides: dict[str, Any]) -> dict[str, Any]:
    """Give the lead beyond English as the difference of the two printed leads."""
    if None in (sides["english"]["estimate"], sides["others"]["estimate"]):
        return dict(sides["moat"])
    english, others = (
        Decimal(f"{round(100 * sides[part]['estimate'], 6):.1f}") for part in ("english", "others")
    )
    return {**sides["moat"], "estimate": float(others - english) / 100}


def counts_text(lines: list[dict[str, str]], p: str) -> str:
    sides = [
        math.copysign(1, float(line["difference"]))
        if float(line[p]) <= 0.05 and float(line["difference"])
        else 0
        for line in lines
    ]
    return f"{sides.count(1)} better, {sides.count(-1)} worse, {sides.count(0)} undetermined"


@pytest.mark.parametrize("place", range(len(PAIRS)))
def test_the_verdict_is_that_of_verdict_json(found: Found, place: int) -> None:
    judged = json.loads((found.folder / "verdict.json").read_text(encoding="utf-8"))[place]
    assert (judged["a"], judged["b"]) == PAIRS[place]
    verdict, shown = judged["verdict"], found.verdicts[place]
    rows = {row[0].split()[0].lower(): row[1:] for row in shown["rows"]}
    assert set(rows) == set(CHANCE)
    differences = [
        line
        for line in lines_of(found, "differences.csv")
        if (line["model_a"], line["model_b"]) == PAIRS[place]
        and line["state"] == "value"
        and line["tag"] != "en"
    ]
    for family, (english, others, moat, holm, fdr) in rows.items():
        its = verdict["by_family"][family]
        lines = [line for line in differences if line["family"] == family]
        assert english.startswith(effect_text(its["english"], family))
        assert others == f"{effect_text(its['others'], family)} ({len(lines)} languages)"
        assert moat == effect_text(closing(its), family)
        assert holm == counts_text(lines, "p_holm")
        assert fdr == counts_text(lines, "p_benjamini_hochberg")


@pytest.mark.parametrize("place", range(len(PAIRS)))
def test_elsewhere_less_english_is_the_lead_beyond_english_as_printed(
    found: Found, place: int
) -> None:
    shown = {
        part: Decimal(text.replace("−", "-"))
        for part, text in found.verdicts[place]["answer"].items()
    }
    assert shown["others"] - shown["english"] == shown["beyond"]
    assert shown["others"] >= 0


@pytest.mark.parametrize("place", range(len(PAIRS)))
def test_every_number_of_the_pooled_sentence_is_in_verdict_json(found: Found, place: int) -> None:
    judged = json.loads((found.folder / "verdict.json").read_text(encoding="utf-8"))[place]
    verdict, sentence = judged["verdict"], found.verdicts[place]["lead"]
    assert verdict["scale"] == "adjusted"
    counts = verdict["counts"]["delta"]
    n = sum(counts[state] for state in ("better", "worse", "equivalent", "undetermined"))
    wanted = [str(sum(family["scale"] == "adjusted" for family in verdict["by_family"].values()))]
    for part in ("english", "others", "moat"):
        effect = closing(verdict) if part == "moat" else verdict[part]
        value, low, high = (100 * effect[key] for key in ("estimate", "low", "high"))
        wanted += [signed(value), rounded(low), rounded(high)]
        wanted += [str(n)] if part == "others" else []
    settled = [counts[state] for state in ("better_holm", "worse_holm", "equivalent_holm")]
    wanted += [str(count) for count in (*settled, n - sum(settled))]
    assert re.findall(r"[+−]?\d+(?:\.\d+)?", sentence) == wanted


def test_levels_of_countries_are_those_of_the_csv(found: Found) -> None:
    html = (found.folder / "index.html").read_text(encoding="utf-8")
    for line in lines_of(found, "markets.csv"):
        if line["model"] != MODELS[0] or f'data-name="{line["country"]}"' not in html:
            continue
        row = html.split(f'data-name="{line["country"]}"')[1].split("</tr>")[0]
        cells = re.findall(r"<td[^>]*>([^<]*)", row)
        assert cells[0] == rounded(100 * float(line["use_not_tested"]), 0)
        level = line["weighted_adjusted_score"]
        assert cells[1] == (rounded(100 * float(level)) if level else line["no_level"])
