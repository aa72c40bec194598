import threading
import time
from pathlib import Path

import psutil
import pytest
from conftest import SCRIPTS

from mlbench.errors import SelectionError
from mlbench.runner.command import select
from mlbench.runner.executors import run_on_ray
from mlbench.runner.plan import Plan
from mlbench.settings import Settings
from mlbench.store.read import read_run
from mlbench.terminal import runs


def test_without_ray_the_message_says_what_to_install(tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(SelectionError, match=r"pip install 'mlbench\[ray\]'"):
        list(run_on_ray(Plan(tmp_path, (), {}), Settings()))


@pytest.mark.filterwarnings("ignore")  # Ray leaves sockets and processes to the collector
@pytest.mark.ray
def test_ray_gives_the_scores_of_a_local_run(sib200, checkpoint, capfd):
    pytest.importorskip("ray", reason="the extra `ray` is not installed")
    selection = select([str(checkpoint)], ["sib200_topic"], [",".join(SCRIPTS)], None)
    local = Settings(device="cpu", limit=3, shots=(0, 2))
    assert runs.run("local", selection, local) == 0
    ray = Settings(device="cpu", limit=3, shots=(0, 2), executor="ray")
    assert runs.run("ray", selection, ray) == 0
    ours, theirs = read_run("local"), read_run("ray")
    assert set(ours.done) == set(theirs.done) and len(ours.done) == 12
    for cell, result in ours.done.items():
        samples = theirs.done[cell].samples
        assert [s.doc_id for s in samples] == [s.doc_id for s in result.samples]
        for one, other in zip(samples, result.samples, strict=True):
            assert one.loglikelihoods == pytest.approx(other.loglikelihoods)
        assert theirs.done[cell].signature == result.signature


@pytest.mark.filterwarnings("ignore")  # Ray leaves sockets and processes to the collector
@pytest.mark.ray
def test_the_batch_of_a_killed_worker_is_given_to_another(sib200, checkpoint):
    pytest.importorskip("ray", reason="the extra `ray` is not installed")
    selection = select([str(checkpoint)], ["sib200_topic"], [",".join(SCRIPTS)], None)
    settings = Settings(device="cpu", limit=8, shots=range(12), executor="ray")
    killed: list[int] = []
    killer = threading.Thread(target=_kill_a_worker, args=(Path("runs/ray"), killed))
    killer.start()
    assert runs.run("ray", selection, settings) == 0
    killer.join()
    assert len(killed) == 1
    assert len(read_run("ray").done) == 12 * 6


def _kill_a_worker(folder: Path, killed: list[int]) -> None:
    """Kill one worker of this test's own Ray once the first cell is kept."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and not any(folder.rglob("*.parquet")):
        time.sleep(0.01)
    for process in psutil.Process().children(recursive=True):
        if "CellWorker" in " ".join(process.cmdline()):
            process.kill()
            killed.append(process.pid)
            return
