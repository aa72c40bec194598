"""The time that is left counts tokens: by language, by column and by the speed of the model."""

import re

import pytest
from rich.console import Console
from settle_toys import FAMILY
from test_cli import run_cli

from mlbench.data.languages import read_languages
from mlbench.data.prepare import prepare
from mlbench.models import find_model
from mlbench.records import Cell
from mlbench.runner.forecast import Forecast, Size, size_of
from mlbench.runner.plan import make_plan
from mlbench.settings import Settings
from mlbench.terminal.progress import shown_time

TAGS = {"en": 1.0, "hi": 4.0, "my": 10.0, "th": 3.0}


def cell(model="m", family="topic", tag="en", shots=0) -> Cell:
    return Cell(model, family, tag, shots)


def usage(n_tokens, seconds=1.0):
    return {"n_tokens": n_tokens, "seconds": seconds}


def test_cells_that_are_left_count_by_their_tokens():
    seen = Forecast()
    for tag, times in TAGS.items():
        seen.add(Size(cell(tag=tag)), usage(int(100 * times), times))
    seen.add(Size(cell(family="bits", tag="en")), usage(20, 0.2))
    left = seen.left([Size(cell(family="bits", tag=tag)) for tag in ("my", "th")])
    # As cells, two of seven are left after 18.2 s; as tokens of Burmese and Thai, 13 times English.
    assert left.tokens == pytest.approx(260, rel=0.01)
    assert left.seconds == pytest.approx(2.6, rel=0.01)


def test_each_model_has_its_own_speed_and_a_new_one_that_of_all():
    seen = Forecast()
    seen.add(Size(cell("fast")), usage(100, 1.0))
    seen.add(Size(cell("slow")), usage(100, 9.0))
    times = [seen.left([Size(cell(name, tag="ru"))]).seconds for name in ("fast", "slow", "new")]
    assert times == pytest.approx([1.0, 9.0, 5.0])


def test_every_finished_cell_corrects_what_is_said():
    seen, rest = Forecast(), [Size(cell(tag=tag)) for tag in ("hi", "my", "th")]
    assert seen.left(rest).seconds is None
    seen.add(Size(cell(tag="en")), usage(100, 1.0))
    assert seen.left(rest).seconds == pytest.approx(3.0)
    for n in range(10):
        seen.add(Size(cell(family=f"f{n}", tag="en")), usage(100, 1.0))
        seen.add(Size(cell(family=f"f{n}", tag="my")), usage(1000, 10.0))
    assert seen.left([Size(cell(tag="my"))]).seconds == pytest.approx(10.0, rel=0.02)


def test_a_backend_that_shows_no_tokens_is_counted_by_size():
    seen = Forecast()
    seen.add(Size(cell(), 50.0), usage(None, 5.0))
    assert seen.left([Size(cell(tag="th"), 100.0)]).seconds == pytest.approx(10.0)
    empty = Forecast()
    empty.add(Size(cell(), 50.0), {"n_tokens": 0, "seconds": None})
    assert empty.left([Size(cell(tag="th"), 100.0)]).seconds == 0.0


def test_the_size_of_a_cell_is_what_is_asked_of_it(tmp_path):
    made = [prepare(FAMILY, read_languages()[tag]) for tag in ("en", "th", "hi", "zh-Hans")]
    model = find_model("m=toy-knows:share=0.5")
    few, many = (
        [size_of(p) for p in make_plan(tmp_path / "r", [model], made, Settings(limit=n)).cells]
        for n in (10, 40)
    )
    for one, more in zip(few, many, strict=True):
        assert more.amount == pytest.approx(4 * one.amount, rel=0.1)


def test_times_are_said_in_two_units():
    assert [shown_time(s) for s in (0, 59.4, 61, 3600, 90_000)] == [
        "0 s",
        "59 s",
        "1 min 01 s",
        "1 h 00 min",
        "25 h 00 min",
    ]


def test_a_run_says_the_time_that_is_left(capsys, monkeypatch):
    from mlbench.terminal import progress

    monkeypatch.setattr(progress, "LINE_SECONDS", -1.0)
    where = ("--families", "cldr_calendar", "--languages", "en,th,hi", "--limit", "3", "--run", "r")
    code, out, _ = run_cli(capsys, "run", *where)
    lines = re.findall(r"^(\d)/6 cells, .*, about (\d+ s|\d+ min \d\d s) left: ", out, re.MULTILINE)
    assert code == 0 and [n for n, _ in lines] == list("123456") and lines[-1][1] == "0 s"


def test_a_terminal_shows_the_time_that_is_left(capsys, monkeypatch):
    from mlbench.terminal import runs

    screen = Console(force_terminal=True, width=120, record=True, highlight=False)
    monkeypatch.setattr(runs, "_console", lambda **_: screen)
    where = ("--families", "cldr_calendar", "--languages", "en,th", "--limit", "3", "--run", "r")
    assert run_cli(capsys, "run", *where)[0] == 0
    assert re.search(r"4/4 cells .* 0 s left", screen.export_text())
