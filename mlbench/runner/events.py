"""What a run tells its watcher: an event a loaded model, a finished cell, a failed cell."""

from typing import NamedTuple

from mlbench.runner.plan import PlannedCell
from mlbench.store.cells import CellResult, FailedCell


class ModelLoaded(NamedTuple):
    """A model is ready; `n_cells` are to come."""

    model: str
    seconds: float
    n_cells: int


class CellDone(NamedTuple):
    """A cell is on disk."""

    planned: PlannedCell
    result: CellResult


class CellFailed(NamedTuple):
    """A cell broke; the record with the traceback is on disk."""

    planned: PlannedCell
    failed: FailedCell


Event = ModelLoaded | CellDone | CellFailed
