"""Who else is told of a run while it works? One file for each program that shows progress.

A logger is a function of a run's folder that returns something with `log` and `close`. One of a
package of yours goes by the entry point group `mlbench.loggers`; here every module is one, by its
`open_log`. What is logged is names of cells and numbers, never an argument of a model.
"""

import importlib
import pkgutil
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from functools import partial
from importlib.metadata import entry_points
from pathlib import Path
from typing import NamedTuple, Protocol

from mlbench.errors import SelectionError, unknown
from mlbench.records import Cell
from mlbench.runner.events import CellDone, CellFailed, Event


class Logged(NamedTuple):
    """A cell that is finished, or failed: then `scores` is empty."""

    cell: Cell
    scores: Mapping[str, float]
    progress: Mapping[str, float]

    @property
    def step(self) -> int:
        """Return how many cells came before, and this one."""
        return int(self.progress["cells"])

    def named_scores(self) -> dict[str, float]:
        """Return the scores under the names that they have in a log."""
        where = f"{self.cell.family}/{self.cell.shots}-shot/{self.cell.language}"
        return {f"{where}/{metric}": value for metric, value in self.scores.items()}


class Logger(Protocol):
    """What is told of every cell."""

    def log(self, logged: Logged) -> None:
        """Take a cell."""

    def close(self) -> None:
        """The run is over, or was stopped."""


OpenLog = Callable[[Path], Logger]


def find_loggers(names: Sequence[str]) -> list[OpenLog]:
    """Return the loggers of these names, commas between several.

    Raises SelectionError for a name that none has, and for one whose package is not installed.
    """
    asked = [name for text in names for name in text.split(",") if name]
    return [_find(name) for name in dict.fromkeys(asked)]


def _find(name: str) -> OpenLog:
    own = [module.name for module in pkgutil.iter_modules(__path__)]
    points = {point.name: point for point in entry_points(group="mlbench.loggers")}
    if name not in (*own, *points):
        known = ", ".join(sorted({*own, *points}))
        raise SelectionError(unknown("logger", name, {*own, *points}, f"--log {known}"))
    try:
        if name in points:
            found: OpenLog = points[name].load()
            return found
        module = importlib.import_module(f"{__name__}.{name}")
    except ImportError as error:
        hint = f"Type: pip install 'mlbench[{name}]'" if name in own else "Is it installed whole?"
        raise SelectionError(f"--log {name} cannot be loaded: {error}. {hint}") from error
    return partial(module.open_log)


def tell(events: Iterable[Event], folder: Path, loggers: Sequence[OpenLog]) -> Generator[Event]:
    """Pass events on, and tell each logger of the cells; they are closed however the run ends."""
    opened = [open_log(folder) for open_log in loggers]
    progress = {"cells": 0.0, "docs": 0.0, "seconds": 0.0, "failed": 0.0}
    try:
        for event in events:
            if isinstance(event, CellDone | CellFailed):
                logged = _logged(event, progress)
                for logger in opened:
                    logger.log(logged)
            yield event
    finally:
        for logger in opened:
            logger.close()


def _logged(event: CellDone | CellFailed, progress: dict[str, float]) -> Logged:
    """Count a cell into the progress, and return both."""
    scores: dict[str, float] = {}
    progress["cells"] += 1
    if isinstance(event, CellFailed):
        progress["failed"] += 1
    else:
        progress["docs"] += len(event.result.samples)
        progress["seconds"] += float(event.result.usage["seconds"] or 0)
        scores = {metric: score.value for metric, score in event.result.scores.items()}
    return Logged(event.planned.cell, scores, dict(progress))
