"""What is logged elsewhere is what the cells hold, and never an argument of a model."""

from collections.abc import Iterator
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path

import pytest
from test_cli import refused, run_cli

from mlbench import loggers
from mlbench.loggers import Logged
from mlbench.store.read import read_run

RUN = ("run", "--families", "cldr_calendar", "--languages", "en,ar,hi,th,ru,zh-Hans", "--limit")
TOLD: list[Logged | str] = []


class ToyLog:
    """Keeps what it is told."""

    def __init__(self, folder: Path) -> None:
        TOLD.append(folder.name)

    def log(self, logged: Logged) -> None:
        TOLD.append(logged)

    def close(self) -> None:
        TOLD.append("closed")


@pytest.fixture
def toy(monkeypatch) -> Iterator[list[Logged | str]]:
    TOLD.clear()
    points = EntryPoints((EntryPoint("toy", f"{__name__}:ToyLog", "mlbench.loggers"),))
    monkeypatch.setattr(loggers, "entry_points", lambda group: points.select(group=group))
    yield TOLD


def test_a_logger_of_a_package_is_told_of_every_cell_and_closed(toy, capsys):
    code, _, err = run_cli(
        capsys, *RUN, "4", "--models", "demo-anglo", "--run", "r", "--log", "toy"
    )
    assert code == 0, err
    name, *cells, end = toy
    assert name == "r" and end == "closed" and len(cells) == 6
    done = read_run("r").done
    for logged in cells:
        assert isinstance(logged, Logged)
        given = {metric: score.value for metric, score in done[logged.cell].scores.items()}
        assert logged.scores == given
    assert [logged.step for logged in cells] == [1, 2, 3, 4, 5, 6]
    assert cells[-1].progress["docs"] == 24 and cells[-1].progress["failed"] == 0
    # The same again has nothing to tell.
    toy.clear()
    run_cli(capsys, *RUN, "4", "--models", "demo-anglo", "--run", "r", "--log", "toy")
    assert toy == []


def test_a_stopped_run_closes_its_loggers(toy, capsys, monkeypatch):
    from mlbench.runner import local

    def fail(*_: object) -> object:
        raise KeyboardInterrupt

    monkeypatch.setattr(local, "score", fail)
    run_cli(capsys, *RUN, "4", "--models", "demo-anglo", "--run", "r", "--log", "toy")
    assert toy[-1] == "closed"


def test_a_wrong_or_missing_logger_is_told_before_any_work(capsys):
    message = refused(capsys, *RUN, "4", "--run", "r", "--log", "tensorbord")
    assert "no logger 'tensorbord'. Did you mean 'tensorboard'?" in message
    assert not Path("runs/r").exists()


def test_a_logger_whose_package_is_missing_says_what_to_type(capsys, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "wandb", None)
    message = refused(capsys, *RUN, "4", "--run", "r", "--log", "wandb")
    assert "pip install 'mlbench[wandb]'" in message


def test_tensorboard_reads_the_scores(capsys):
    pytest.importorskip("tensorboardX", reason="tensorboardX is not installed")
    reader = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator",
        reason="tensorboard is not installed",
    )
    code, _, err = run_cli(
        capsys, *RUN, "4", "--models", "demo-anglo", "--run", "r", "--log", "tensorboard"
    )
    assert code == 0, err
    found = reader.EventAccumulator("runs/r/log/tensorboard/demo-anglo").Reload()
    for cell, result in read_run("r").done.items():
        for metric, score in result.scores.items():
            (event,) = found.Scalars(f"{cell.family}/0-shot/{cell.language}/{metric}")
            assert event.value == pytest.approx(score.value, abs=1e-6)
