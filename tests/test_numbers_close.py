"""Do the numbers add up where they are read? Elsewhere less English is beyond English.

Four runs: the embedded suite, SIB-200 (only where MLBENCH_DATA holds it), a table of scores and
results of lm-eval. JSON closes as it is; page and terminal close as printed, to the last digit, and
a number that is printed twice is the same.
"""

import html
import json
import os
import re
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from imports_toys import BELEBELE, belebele_config, run_lm_eval
from test_cli import run_cli

from mlbench.judge.closing import closed_moat
from mlbench.judge.sentences import shown

DATA = os.environ.get("MLBENCH_DATA", "")
HAS_SIB200 = bool(DATA) and (Path(DATA) / "Davlan").is_dir()
NEEDS_DATA = pytest.mark.skipif(not HAS_SIB200, reason="MLBENCH_DATA holds no SIB-200")
DEMO = ("demo-polyglot", "demo-anglo")
VALUE = r"[+−-]?\d+\.\d"
PARTS = ("english", "others", "moat")


class Read(NamedTuple):
    """What readers see of a run: JSON, the page, the terminal."""

    verdict: dict[str, Any]
    page: str
    terminal: str


def run_demo(capsys, *options: str) -> tuple[str, str]:
    languages = ("--languages", "en,sw,hi")
    code, _, err = run_cli(capsys, "run", "--models", *DEMO, *languages, *options, "--run", "r")
    assert code == 0, err
    return DEMO


def make_bench(capsys, request) -> tuple[str, str]:
    return run_demo(capsys, "--families", "embedded", "--limit", "12")


def make_sib200(capsys, request) -> tuple[str, str]:
    return run_demo(capsys, "--families", "sib200_topic,sib200_lm", "--limit", "7")


def make_csv(capsys, request) -> tuple[str, str]:
    """Import a table of random scores: three families, of which bits are one."""
    rng = np.random.default_rng(4)
    lines = ["model,family,language,doc_id,score,chance"]
    for model in "ab":
        for family in "fgh":
            for tag in ("en", "sw", "hi", "tr"):
                right = rng.random(23) < (0.7 if model == "a" else 0.45)
                lines += [f"{model},{family},{tag},{i},{int(x)},.25" for i, x in enumerate(right)]
    Path("t.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert run_cli(capsys, "import", "csv", "t.csv", "--run", "r")[0] == 0
    return ("a", "b")


def make_lm_eval(capsys, request) -> tuple[str, str]:
    """Import what lm-eval itself wrote of two tiny checkpoints."""
    tasks = [belebele_config(code) for code in BELEBELE]
    for name in ("checkpoint", "other_checkpoint"):
        run_lm_eval(request.getfixturevalue(name), tasks, Path("results") / name)
    code, _, err = run_cli(capsys, "import", "lm-eval", "results", "--run", "r")
    assert code == 0, err
    models = json.loads(Path("runs/r/run.json").read_text(encoding="utf-8"))["models"]
    a, b = models
    return (a, b)


@pytest.fixture(
    params=[make_bench, pytest.param(make_sib200, marks=NEEDS_DATA), make_csv, make_lm_eval]
)
def read(request, capsys, monkeypatch) -> Read:
    monkeypatch.setenv("MLBENCH_DATA", DATA)
    a, b = request.param(capsys, request)
    asked = ("verdict", "r", "--a", a, "--b", b)
    _, out, err = run_cli(capsys, *asked, "--json")
    assert out, err
    terminal = run_cli(capsys, *asked)[1]
    assert run_cli(capsys, "report", "r", "--out", "page")[0] == 0
    return Read(json.loads(out), Path("page/index.html").read_text(encoding="utf-8"), terminal)


def number(text: str) -> Decimal:
    """Read the first number of a text; a real minus is a minus."""
    return Decimal(re.search(VALUE, text)[0].replace("−", "-"))


def text_of(markup: str) -> str:
    return html.unescape(re.sub(r"<[^>]*>", "", markup))


def rows_of(page: str, kind: str) -> list[list[str]]:
    """Give the cells of each row of the first pair's tables of a class."""
    rows = []
    for table in re.findall(rf'<table class="{kind}">(.*?)</table>', page, re.DOTALL):
        body = table.split("<tbody>")[1]
        rows += [
            [text_of(cell) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row)]
            for row in body.split("</tr>")
        ]
    return [row for row in rows if row]


def three(cells: list[str]) -> list[Decimal] | None:
    """Read English, the others and beyond; None where one of them is not known."""
    known = all(re.search(VALUE, cell) for cell in cells[:3])
    return [number(cell) for cell in cells[:3]] if known else None


def sides_of(verdict: dict[str, Any]) -> list[dict[str, Any]]:
    """Give all that has the three numbers."""
    more = (verdict["floored"], verdict["without_ceiling"])
    found = [verdict, *verdict["by_family"].values(), *verdict["rules"].values(), *more]
    found = [one for one in found if one and all(one.get(part) for part in PARTS)]
    return [one for one in found if all(one[part]["estimate"] is not None for part in PARTS)]


def answer_of(page: str) -> list[Decimal]:
    """Read the three numbers of the page's answer; it is from the side of the model ahead."""
    shown = (
        re.search(rf'data-part="{part}">([^<]*)</b>', page)
        for part in ("english", "others", "beyond")
    )
    return [number(found[1]) for found in shown if found and re.search(VALUE, found[1])]


def terminal_value(terminal: str, name: str) -> Decimal | None:
    line = next(line for line in terminal.splitlines() if line.strip().startswith(name))
    found = re.search(VALUE, line.strip().removeprefix(name))
    return Decimal(found[0]) if found else None


def test_numbers_close(read: Read) -> None:
    found = sides_of(read.verdict)
    assert found
    for one in found:
        english, others, moat = (100 * one[part]["estimate"] for part in PARTS)
        assert abs(others - english - moat) <= 1e-5
    triples = [
        three(row[1:]) for kind in ("verdict", "sensitivity") for row in rows_of(read.page, kind)
    ]
    known = [triple for triple in triples if triple]
    assert known
    for english, others, moat in known:
        assert others - english == moat
    words = ("lead in English", "lead in the other languages", "moat (the first less the second)")
    english, others, moat = (terminal_value(read.terminal, name) for name in words)
    if read.verdict["moat"]["estimate"] is not None:
        assert others - english == moat
    _check_twice(read, [english, others, moat])


def _check_twice(read: Read, terminal: list[Decimal | None]) -> None:
    """Compare the answer of page and terminal, and a family's row with its sentence."""
    answer = answer_of(read.page)
    known = [value for value in terminal if value is not None]
    assert answer in (known, [-value for value in known]), (answer, known)
    page = text_of(read.page)
    for row in rows_of(read.page, "verdict"):
        if three(row[1:]):
            for cell in row[1:4]:
                effect = re.search(rf"{VALUE} \[[^]]*\]", cell)
                assert effect is None or page.count(effect[0]) >= 2, effect
    for claim in read.verdict["claims"]:
        leads = re.search(
            rf"({VALUE})[^;]*; the lead itself is ({VALUE}) .*? and ({VALUE})", claim["sentence"]
        )
        if leads:
            moat, english, others = (Decimal(value) for value in leads.groups())
            assert others - english == moat


def test_each_printed_lead_beyond_english_is_within_a_tenth_of_its_own() -> None:
    rng = np.random.default_rng(0)
    moved = 0
    for english, others in rng.normal(0, 0.3, size=(2000, 2)):
        moat = others - english
        closed = closed_moat(english, others, moat, "adjusted")
        a, b, c = (Decimal(shown(x, "adjusted")) for x in (english, others, closed))
        assert b - a == c and abs(closed - moat) <= 0.001 + 1e-9
        moved += shown(closed, "adjusted") != shown(moat, "adjusted")
    # Three even roundings do not close in one of four.
    assert 300 < moved < 700
