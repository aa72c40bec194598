"""On a cluster, workers and nodes die: the rest is done, and nothing waits for ever."""

import os
import threading
import time
from collections import deque
from pathlib import Path
from types import SimpleNamespace

import pytest
from conftest import SCRIPTS

from mlbench.runner import executors, ray_pool
from mlbench.runner.command import select
from mlbench.runner.ray_pool import MAX_DEATHS, Batch, Pool, Worker
from mlbench.settings import Settings
from mlbench.store.read import read_run
from mlbench.terminal import runs

# Ray leaves sockets and processes to the collector.
on_ray = [pytest.mark.ray, pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


def cells_of(n: int, model: str = "m") -> list:
    return [SimpleNamespace(model=SimpleNamespace(name=model), number=i) for i in range(n)]


def test_a_batch_of_a_dead_worker_is_halved_until_one_cell_has_the_blame():
    batch, sizes = Batch(cells_of(8), None), []
    while batch is not None:
        sizes.append(len(batch.cells))
        again = batch.after_a_death()
        assert sum(len(part.cells) for part in again) in (len(batch.cells), 0)
        batch = again[0] if again else None
    assert sizes == [8, 4, 2, 1]
    alone = Batch(cells_of(1), None)
    for _ in range(MAX_DEATHS - 1):
        (alone,) = alone.after_a_death()
    assert alone.after_a_death() == []


def test_an_idle_worker_goes_on_with_the_model_that_it_holds():
    pool = Pool(None, None, Settings(), "CPU")
    batches = deque(Batch(cells_of(1, name), None) for name in "aabbc")
    fresh, holder = Worker(None), Worker(None, "b")
    pool.idle = [fresh, holder]
    worker, batch = pool._choose(batches)
    assert worker is holder and batch.model == "b"
    pool.idle = [fresh]
    pool.busy = {1: (Worker(None, "a"), batches[0]), 2: (Worker(None, "b"), batches[2])}
    assert pool._choose(batches)[1].model == "c"


class FakeRay:
    """Ray's face as a pool sees it: what each call gives is planned by the test."""

    class exceptions:
        RayTaskError = type("RayTaskError", (Exception,), {"cause": None})
        RayError = type("RayError", (Exception,), {})

    def __init__(self, room=0.0, alive=True):
        self.room, self.alive, self.killed, self.values = room, alive, [], {}

    def cluster_resources(self):
        return {"CPU": self.room}

    def nodes(self):
        return [{"Alive": self.alive, "NodeID": "n"}]

    def wait(self, refs, num_returns, timeout):
        ready = [ref for ref in refs if ref in self.values][:1]
        return ready, []

    def get(self, ref):
        value = self.values.pop(ref)
        if isinstance(value, Exception):
            raise value
        return value

    def kill(self, actor):
        self.killed.append(actor)


class FakeActors:
    """Makes actors whose calls return a new reference each."""

    def __init__(self):
        self.made = []

    def remote(self, settings):
        call = SimpleNamespace(remote=lambda *_: object())
        self.made.append(SimpleNamespace(ready=call, score_batch=call))
        return self.made[-1]


def test_a_cluster_on_which_no_worker_becomes_ready_is_given_up_with_a_message(monkeypatch):
    monkeypatch.setattr(ray_pool, "START_SECONDS", 0.0)
    pool = Pool(FakeRay(), FakeActors(), Settings(), "CPU")
    with pytest.raises(
        ray_pool.ClusterError, match=r"no worker .* became ready in 0 s; it has 0 CPU"
    ):
        list(pool.drain(deque([Batch(cells_of(2), None)])))


def test_a_cluster_without_a_node_is_an_error_also_while_batches_are_in_work():
    pool = Pool(FakeRay(alive=False), FakeActors(), Settings(), "CPU")
    pool.busy = {object(): (Worker(None), Batch(cells_of(1), None))}
    with pytest.raises(ray_pool.ClusterError, match="has lost the node of this command. Finished"):
        list(pool.drain(deque()))


def test_workers_that_die_while_they_start_are_not_started_for_ever():
    ray = FakeRay(room=1)
    pool = Pool(ray, FakeActors(), Settings(), "CPU")
    monitored = pool._wait

    def wait():
        ray.values |= {
            ref: FakeRay.exceptions.RayError("no module named x") for ref in pool.starting
        }
        return monitored()

    pool._wait = wait
    with pytest.raises(ray_pool.ClusterError, match="3 workers .* while they started: no module"):
        list(pool.drain(deque([Batch(cells_of(1), None)])))


def test_there_are_never_more_workers_than_there_is_room_now():
    ray, actors = FakeRay(room=3), FakeActors()
    pool = Pool(ray, actors, Settings(), "CPU")
    pool._resize(9)
    assert len(pool.starting) == 3
    ray.room = 1
    pool._resize(9)
    assert len(pool.starting) == 1 and len(ray.killed) == 2
    pool.idle = [Worker(None)]
    pool._resize(9)
    assert not pool.starting and len(actors.made) == 3


def test_what_a_batch_raises_waits_for_the_others_in_work():
    ray, actors = FakeRay(room=2), FakeActors()
    pool = Pool(ray, actors, Settings(), "CPU")
    wrong, right = (Batch(cells_of(1, name), None) for name in ("bad", "good"))
    first, second = object(), object()
    workers = [Worker(actors.remote(None)) for _ in range(2)]
    pool.busy = {first: (workers[0], wrong), second: (workers[1], right)}
    error = FakeRay.exceptions.RayTaskError("in the worker")
    error.cause = ray_pool.ClusterError("cannot load")
    ray.values = {first: error, second: ["outcome"]}
    told = []
    with pytest.raises(ray_pool.ClusterError, match="cannot load"):
        for report in pool.drain(deque()):
            told.append(report.batch.model)
    assert told == ["good"]


class Deadly(executors.CellWorker):
    """Ends its process at a cell, as memory that is full does."""

    fatal = ("ru",)

    def score_batch(self, cells, of_model=None):
        if any(planned.cell.language in self.fatal for planned in cells):
            os._exit(1)
        return super().score_batch(cells, of_model)


class AlwaysDeadly(Deadly):
    fatal = tuple(SCRIPTS)


def score(checkpoint, shots, name="ray"):
    selection = select([str(checkpoint)], ["sib200_topic"], [",".join(SCRIPTS)], None)
    settings = Settings(device="cpu", limit=8, shots=range(shots), executor="ray")
    return runs.run(name, selection, settings)


@pytest.fixture
def ray_of_two(monkeypatch):
    """Return a cluster of two nodes with a core each."""
    pytest.importorskip("ray", reason="the extra `ray` is not installed")
    from ray.cluster_utils import Cluster

    memory = {"num_cpus": 1, "object_store_memory": 100 * 2**20}
    cluster = Cluster(initialize_head=True, head_node_args=memory)
    second = cluster.add_node(**memory)
    cluster.wait_for_nodes()
    monkeypatch.setenv("RAY_ADDRESS", cluster.address)
    yield cluster, second
    cluster.shutdown()


@pytest.fixture
def findable(monkeypatch):
    """Let a worker of Ray import this file."""
    pytest.importorskip("ray", reason="the extra `ray` is not installed")
    places = [str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, places)))


@pytest.mark.usefixtures("sib200", "findable")
class TestOnRay:
    pytestmark = on_ray

    def test_a_cell_that_ends_its_worker_is_failed_and_the_rest_is_done(
        self, checkpoint, monkeypatch, capsys
    ):
        monkeypatch.setattr(executors, "CellWorker", Deadly)
        assert score(checkpoint, 1) == 1
        run = read_run("ray")
        assert {cell.language for cell in run.failed} == {"ru"} and len(run.done) == 5
        (failed,) = run.failed.values()
        assert (
            failed.reason.startswith("its worker died ")
            and "times while it scored" in failed.reason
        )
        assert "FAILED" in capsys.readouterr().out

    def test_a_model_that_ends_every_worker_is_given_up(self, checkpoint, monkeypatch, capsys):
        monkeypatch.setattr(executors, "CellWorker", AlwaysDeadly)
        assert score(checkpoint, 4) == 1
        out = capsys.readouterr().out
        assert "STOPPED" in out and "its worker died each time" in out

    def test_a_node_that_is_lost_does_not_stop_the_run(self, checkpoint, ray_of_two):
        cluster, second = ray_of_two
        seen: list[int] = []

        def remove():
            wait_for_a_cell()
            cluster.remove_node(second, allow_graceful=False)
            seen.append(1)

        thread = threading.Thread(target=remove)
        thread.start()
        assert score(checkpoint, 16) == 0
        thread.join()
        run = read_run("ray")
        assert seen and len(run.done) == len(run.planned) and not run.failed


def wait_for_a_cell() -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and not any(Path("runs").glob("*/*/*/*/*.parquet")):
        time.sleep(0.01)
