"""What does a run tell its watcher? Its plan, then each model and each cell."""

from collections.abc import Mapping
from typing import NamedTuple

from mlbench.runner.plan import Plan, PlannedCell
from mlbench.store.cells import CellResult, FailedCell


class Planned(NamedTuple):
    """What the run's folder lacks of what was asked for; nothing is written yet."""

    plan: Plan


class ModelLoaded(NamedTuple):
    """A model is ready; `n_cells` are to come."""

    model: str
    seconds: float
    n_cells: int


class CellDone(NamedTuple):
    """A cell is on disk; `usage` is what it took now, `result` may hold docs of before."""

    planned: PlannedCell
    result: CellResult
    usage: Mapping[str, float | int | str | None]


class CellFailed(NamedTuple):
    """A cell broke; the record with the traceback is on disk."""

    planned: PlannedCell
    failed: FailedCell


class ModelStopped(NamedTuple):
    """A model failed the same way again and again; `n_left` of its cells stay pending."""

    model: str
    n_failed: int
    n_left: int
    reason: str


class DocsAdded(NamedTuple):
    """Of a run until settled: `n_open` comparisons go on, and `cells` get more docs."""

    n_settled: int
    n_open: int
    cells: tuple[PlannedCell, ...]


Event = ModelLoaded | CellDone | CellFailed | ModelStopped | DocsAdded
"""What an executor yields."""
