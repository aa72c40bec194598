"""Which worker of a Ray cluster scores which batch, and what happens to those of one that dies?

A worker that died leaves its batch at the back of the queue, in halves, so that in the end one cell
is alone with the blame; idle workers go first, and a new one counts once it answers. There are
never more than the cluster has room for now. A worker keeps its model and gets more of it.
"""

import logging
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from mlbench.errors import ClusterError
from mlbench.runner.plan import PlannedCell
from mlbench.settings import Settings
from mlbench.store.cells import CellResult, FailedCell

logger = logging.getLogger(__name__)

MAX_DEATHS = 3
"""Workers that may die of one cell before it is a failed one."""

POLL_SECONDS = 2.0
"""How often the cluster is looked at while nothing is reported."""

START_SECONDS = 300.0
"""How long no worker at all may be at work or become ready before the run is given up."""

DIED = (
    "its worker died {n} times while it scored this cell: out of memory, or a crash outside Python"
)

Outcomes = Sequence[CellResult | FailedCell]


class Batch(NamedTuple):
    """Cells of one model, a handle on all cells of the model, and how many workers died of them."""

    cells: Sequence[PlannedCell]
    of_model: Any
    deaths: int = 0

    @property
    def model(self) -> str:
        """Name the model of all its cells."""
        return self.cells[0].model.name

    def after_a_death(self) -> list["Batch"]:
        """Return what is given out again: halves, or the one cell; nothing where that is failed."""
        deaths, half = self.deaths + 1, len(self.cells) // 2
        parts = [self.cells[:half], self.cells[half:]] if half else [self.cells]
        if not half and deaths >= MAX_DEATHS:
            return []
        return [self._replace(cells=part, deaths=deaths) for part in parts]


class Report(NamedTuple):
    """What became of a batch: its outcomes, or None where its worker died.

    Not `is_blamed`: the worker's node died, which no cell can do.
    """

    batch: Batch
    outcomes: Outcomes | None
    is_blamed: bool = True


@dataclass(eq=False)
class Worker:
    """An actor, the node it is on once it answered, and the model that it holds."""

    actor: Any
    model: str = ""
    node: str = ""


@dataclass
class Pool:
    """The workers of a run; state: who is idle, busy with which batch, or still starting.

    `home` is the node that this command is connected to.
    """

    ray: Any
    worker_class: Any
    settings: Settings
    resource: str
    home: str = ""
    idle: list[Worker] = field(default_factory=list)
    busy: dict[Any, tuple[Worker, Batch]] = field(default_factory=dict)
    starting: dict[Any, Worker] = field(default_factory=dict)
    n_lost_starts: int = 0
    last_sign: float = field(default_factory=time.monotonic)

    def drain(self, batches: deque[Batch]) -> Iterator[Report]:
        """Yield a report for each batch given out; the caller may change what is left meanwhile.

        Raises what a batch raised (ModelError, ContextOverflow) after all others in work are
        reported, and ClusterError where nothing can run any more.
        """
        failure: Exception | None = None
        while batches or self.busy:
            self._resize(len(batches))
            self._give_out(batches)
            for ref in self._wait():
                report = self._take(ref)
                if isinstance(report, Exception):
                    failure = failure or report
                elif report is not None:
                    yield report
            if failure is not None:
                batches.clear()
        if failure is not None:
            raise failure

    def _resize(self, n_batches: int) -> None:
        """Start as many workers as there is room and work for; give up on those without room."""
        # One is asked for in any case: a cluster that grows on demand waits for that.
        room = max(1, int(self.ray.cluster_resources().get(self.resource, 0)))
        n_wanted = min(room, n_batches + len(self.busy))
        for _ in range(n_wanted - len(self.idle) - len(self.busy) - len(self.starting)):
            actor = self.worker_class.remote(self.settings)
            self.starting[actor.ready.remote()] = Worker(actor)
        n_too_many = len(self.idle) + len(self.busy) + len(self.starting) - room
        for ref in list(self.starting)[: max(0, n_too_many)]:
            self.ray.kill(self.starting.pop(ref).actor)

    def _give_out(self, batches: deque[Batch]) -> None:
        """Give batches to idle workers: of a model one holds, else of that with fewest holders."""
        while batches and self.idle:
            worker, batch = self._choose(batches)
            self.idle.remove(worker)
            batches.remove(batch)
            worker.model = batch.model
            ref = worker.actor.score_batch.remote(batch.cells, batch.of_model)
            self.busy[ref] = (worker, batch)

    def _choose(self, batches: deque[Batch]) -> tuple[Worker, Batch]:
        first = {batch.model: batch for batch in reversed(batches)}
        for worker in self.idle:
            if worker.model in first:
                return worker, first[worker.model]
        holders = Counter(worker.model for worker, _ in self.busy.values())
        model = min(dict.fromkeys(batch.model for batch in batches), key=holders.__getitem__)
        return self.idle[0], first[model]

    def _wait(self) -> list[Any]:
        """Return what is ready; raises ClusterError where nothing can become ready any more."""
        refs = [*self.busy, *self.starting]
        ready = self.ray.wait(refs, num_returns=1, timeout=POLL_SECONDS)[0] if refs else []
        if ready:
            self.last_sign = time.monotonic()
        elif (
            self._find_nodes()
            and not self.busy
            and time.monotonic() - self.last_sign > START_SECONDS
        ):
            raise ClusterError(
                f"no worker of the Ray cluster became ready in {START_SECONDS:.0f} s; it has "
                f"{self.ray.cluster_resources().get(self.resource, 0):g} {self.resource}. See: ray "
                f"status. {_KEPT}"
            )
        return list(ready)

    def _find_nodes(self) -> set[str]:
        """Return the nodes that live; raises ClusterError if our own is not among them.

        Without it Ray ends this process, with no word, at the next object that is wanted.
        """
        alive = {node["NodeID"] for node in self.ray.nodes() if node["Alive"]}
        if not alive or (self.home and self.home not in alive):
            raise ClusterError(f"the Ray cluster has lost the node of this command. {_KEPT}")
        return alive

    def _take(self, ref: Any) -> Report | Exception | None:
        """Return what a ready reference says of a batch; None for a worker that answers."""
        exceptions = self.ray.exceptions
        try:
            value = self.ray.get(ref)
        except exceptions.RayTaskError as error:
            worker, _ = self.busy.pop(ref)
            self.idle.append(worker)
            return error.cause if isinstance(error.cause, Exception) else error
        except exceptions.RayError as error:
            return self._bury(ref, error)
        if ref in self.starting:
            worker = self.starting.pop(ref)
            worker.node = value
            self.idle.append(worker)
            self.n_lost_starts = 0
            return None
        worker, batch = self.busy.pop(ref)
        self.idle.append(worker)
        return Report(batch, value)

    def _bury(self, ref: Any, error: Exception) -> Report | None:
        """Forget a worker that died; raises ClusterError where they die again and again at once."""
        nodes = self._find_nodes()
        if ref in self.starting:
            self.n_lost_starts += not self.starting.pop(ref).node
            if self.n_lost_starts >= MAX_DEATHS:
                why = str(error).strip().rpartition("\n")[2]  # the last line of a traceback
                raise ClusterError(
                    f"{self.n_lost_starts} workers of the Ray cluster died while they started: "
                    f"{why}. {_KEPT}"
                ) from error
            return None
        worker, batch = self.busy.pop(ref)
        is_blamed = worker.node in nodes
        what = "worker" if is_blamed else "node"
        logger.warning("a %s died; its %d cells are given out again", what, len(batch.cells))
        # Others may have died with it, and a batch must not be blamed for that: each answers anew.
        for other in self.idle:
            self.starting[other.actor.ready.remote()] = other
        self.idle.clear()
        return Report(batch, None, is_blamed)


_KEPT = "Finished cells are kept; the same command goes on"
