"""Where do the cells run? In this process, or in Ray actors on a cluster of any size.

The unit of distribution is a batch of cells of one model. An actor keeps its model loaded and sends
outcomes back; only this process writes to the run. A node that dies loses the batch in work, which
is given to another actor (ray_pool.py).
"""

import contextlib
import logging
import signal
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from itertools import groupby
from typing import Any

from mlbench import store
from mlbench.extras import require
from mlbench.runner.events import Event, ModelStopped
from mlbench.runner.local import MAX_EQUAL_FAILURES, Streak, keep, run
from mlbench.runner.plan import Plan, PlannedCell
from mlbench.runner.ray_pool import DIED, Batch, Pool
from mlbench.settings import Settings

BATCH_CELLS = 8
"""Cells in a batch: what a dying node loses at most."""

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

    def ready(self) -> str:
        """Answer with the node: the actor has been placed and has started."""
        import ray

        return str(ray.get_runtime_context().get_node_id())

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
        return [score(self.model, planned) for planned in cells]


def run_on_ray(plan: Plan, settings: Settings) -> Iterator[Event]:
    """Run the pending cells on a Ray cluster: the one of RAY_ADDRESS, else one on this machine.

    One actor per GPU, or per core where there is no GPU. A cell that ends its worker each time is a
    failed cell. Raises SelectionError without Ray, ClusterError where nothing can run any more, and
    what the local executor raises. The caller holds the lock of the run.
    """
    require("ray", "--executor ray")
    import ray

    with _initialised(ray):
        yield from _drain(ray, plan, settings)


@contextlib.contextmanager
def _initialised(ray: Any) -> Iterator[None]:
    """Connect to the cluster; Ray's own handler of SIGTERM would end the command in its way."""
    before = signal.getsignal(signal.SIGTERM)
    ray.init(ignore_reinit_error=True, log_to_driver=False, logging_level=logging.ERROR)
    if threading.current_thread() is threading.main_thread() and before is not None:
        signal.signal(signal.SIGTERM, before)
    try:
        yield
    finally:
        ray.shutdown()


def _drain(ray: Any, plan: Plan, settings: Settings) -> Iterator[Event]:
    batches = _make_batches(ray, plan)
    resource = "GPU" if ray.cluster_resources().get("GPU") else "CPU"
    worker_class = ray.remote(num_gpus=int(resource == "GPU"), num_cpus=1)(CellWorker)
    streaks: dict[str, Streak] = defaultdict(Streak)
    deaths: dict[str, int] = defaultdict(int)
    home = ray.get_runtime_context().get_node_id()
    pool = Pool(ray, worker_class, settings, resource, home)
    for batch, outcomes, is_blamed in pool.drain(batches):
        deaths[batch.model] = 0 if outcomes is not None else deaths[batch.model] + is_blamed
        if outcomes is None:
            again = batch.after_a_death() if is_blamed else [batch]
            batches.extend(again)
            outcomes = [] if again else [_killer(cell, batch.deaths + 1) for cell in batch.cells]
        for planned, outcome in zip(batch.cells, outcomes, strict=False):
            yield keep(plan.folder, planned, outcome)
            streaks[batch.model].add(outcome)
        streak = streaks[batch.model]
        if deaths[batch.model] >= MAX_EQUAL_FAILURES:
            streak = Streak(deaths[batch.model], "death", "its worker died each time")
        yield from _stop_if_broken(batch.model, streak, batches)


def _killer(planned: PlannedCell, n_deaths: int) -> store.FailedCell:
    """Return the failure of a cell that scoring ended a worker each time."""
    return store.FailedCell(planned.cell, DIED.format(n=n_deaths), "", planned.signature)


def _make_batches(ray: Any, plan: Plan) -> deque[Batch]:
    """Cut the pending cells into batches of one model."""
    batches: deque[Batch] = deque()
    for _, group in groupby(plan.pending, key=lambda planned: planned.model.name):
        cells = list(group)
        of_model = ray.put(cells)
        for start in range(0, len(cells), BATCH_CELLS):
            batches.append(Batch(cells[start : start + BATCH_CELLS], of_model))
    return batches


def _stop_if_broken(model: str, streak: Streak, batches: deque[Batch]) -> Iterator[Event]:
    """Give out no more batches of a model that fails the same way again and again."""
    left = [batch for batch in batches if batch.model == model]
    if streak.n >= MAX_EQUAL_FAILURES and left:
        for batch in left:
            batches.remove(batch)
        n_left = sum(len(batch.cells) for batch in left)
        yield ModelStopped(model, streak.n, n_left, streak.reason)
