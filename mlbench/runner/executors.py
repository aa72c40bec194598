"""Where do the cells run? In this process, or in Ray actors on a cluster of any size.

The unit of distribution is a batch of cells of one model. An actor keeps its model loaded and sends
outcomes back; only this process writes to the run. A node that dies loses the batch in work, which
is given to another actor. Ray schedules; there is no scheduler here.
"""

import logging
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from itertools import groupby
from typing import Any, NamedTuple

from mlbench import store
from mlbench.errors import MlbenchError, ModelError, SelectionError
from mlbench.runner.events import Event, ModelStopped
from mlbench.runner.local import MAX_EQUAL_FAILURES, Streak, keep, run
from mlbench.runner.plan import Plan, PlannedCell
from mlbench.settings import Settings

logger = logging.getLogger(__name__)

BATCH_CELLS = 8
"""Cells in a batch: what a dying node loses at most."""

MAX_TRIES = 3
"""How often a batch is given out before the run gives up on it."""

Outcomes = list[store.CellResult | store.FailedCell]
Executor = Callable[[Plan, Settings], Iterator[Event]]


def find_executor(name: str) -> Executor:
    """Return how to run a plan: `local` or `ray`."""
    return {"local": run, "ray": run_on_ray}[name]


class CellWorker:
    """Lives in a Ray actor: loads a model when a batch asks for another, and keeps it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.name = ""
        self.model: Any = None

    def score_batch(
        self, cells: list[PlannedCell], of_model: list[PlannedCell] | None = None
    ) -> Outcomes:
        """Score a batch of cells of one model; `of_model` are all cells of it, None: these.

        All are checked when the model is loaded, so that no worker keeps a cell of a model that a
        later batch would be refused for. Raises ModelError or ContextOverflow as the local
        executor does.
        """
        from mlbench.harness.backend import load_model
        from mlbench.runner.local import check, score

        if cells[0].model.name != self.name:
            self.model = None  # two may be too much for the memory
            self.model = load_model(cells[0].model, self.settings, cells[0].signature)
            check(self.model, of_model or cells, self.settings)
            self.name = cells[0].model.name
        return [score(self.model, planned, self.settings.limit) for planned in cells]


def run_on_ray(plan: Plan, settings: Settings) -> Iterator[Event]:
    """Run the pending cells on a Ray cluster: the one of RAY_ADDRESS, else one on this machine.

    One actor a GPU, or one a core where there is no GPU. Raises SelectionError without Ray,
    ModelError if a batch was lost MAX_TRIES times, and what the local executor raises. The caller
    holds the lock of the run.
    """
    try:
        import ray
    except ImportError as error:
        raise SelectionError(
            "--executor ray needs Ray. Type: pip install 'mlbench[ray]'"
        ) from error
    ray.init(ignore_reinit_error=True, log_to_driver=False, logging_level=logging.ERROR)
    try:
        yield from _drain(ray, plan, settings)
    finally:
        ray.shutdown()


class _Batch(NamedTuple):
    """Cells of one model, how often they were given out, and a handle on all cells of the model."""

    cells: list[PlannedCell]
    of_model: Any
    tries: int = 0

    @property
    def model(self) -> str:
        return self.cells[0].model.name


def _make_batches(ray: Any, plan: Plan) -> deque[_Batch]:
    """Cut the pending cells into batches of one model."""
    batches: deque[_Batch] = deque()
    for _, group in groupby(plan.pending, key=lambda planned: planned.model.name):
        cells = list(group)
        of_model = ray.put(cells)
        for start in range(0, len(cells), BATCH_CELLS):
            batches.append(_Batch(cells[start : start + BATCH_CELLS], of_model))
    return batches


def _drain(ray: Any, plan: Plan, settings: Settings) -> Iterator[Event]:
    batches = _make_batches(ray, plan)
    resources = ray.cluster_resources()
    n_gpus = int(resources.get("GPU", 0))
    worker = ray.remote(num_gpus=1 if n_gpus else 0, num_cpus=1)(CellWorker)
    n_actors = min(n_gpus or int(resources.get("CPU", 1)), len(batches))
    idle = [worker.remote(settings) for _ in range(n_actors)]
    busy: dict[Any, tuple[Any, _Batch]] = {}
    streaks: dict[str, Streak] = defaultdict(Streak)
    while batches or busy:
        while batches and idle:
            batch = batches.popleft()
            batch = batch._replace(tries=batch.tries + 1)
            actor = idle.pop()
            busy[actor.score_batch.remote(batch.cells, batch.of_model)] = (actor, batch)
        (done,), _ = ray.wait(list(busy), num_returns=1)
        actor, batch = busy.pop(done)
        outcomes = _collect(ray, done, batch.tries)
        if outcomes is None:
            batches.appendleft(batch)
            actor = worker.remote(settings)
        idle.append(actor)
        for planned, outcome in zip(batch.cells, outcomes or (), strict=False):
            yield keep(plan.folder, planned, outcome)
            streaks[batch.model].add(outcome)
        yield from _stop_if_broken(batch.model, streaks[batch.model], batches)


def _stop_if_broken(model: str, streak: Streak, batches: deque[_Batch]) -> Iterator[Event]:
    """Give out no more batches of a model that fails the same way again and again."""
    left = [batch for batch in batches if batch.model == model]
    if streak.n >= MAX_EQUAL_FAILURES and left:
        for batch in left:
            batches.remove(batch)
        n_left = sum(len(batch.cells) for batch in left)
        yield ModelStopped(model, streak.n, n_left, streak.reason)


def _collect(ray: Any, done: Any, tries: int) -> Outcomes | None:
    """Return a batch's outcomes, None if its node died; raise what the batch itself raised."""
    try:
        outcomes: Outcomes = ray.get(done)
    except ray.exceptions.RayActorError as error:
        if tries >= MAX_TRIES:
            raise ModelError(f"a batch of cells was lost {tries} times: {error}") from error
        logger.warning("a node died; its batch goes to another")
        return None
    except ray.exceptions.RayTaskError as error:
        raise (error.cause if isinstance(error.cause, MlbenchError) else error) from error
    return outcomes
