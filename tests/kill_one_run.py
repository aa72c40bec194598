"""Run a plan in child processes, each killed at a random moment, then once to the end.

Called by test_kill.py as a program of its own: the libraries are imported once, here, and a child
is forked for every attempt, so that the kills fall into the work and not into the imports.
"""

import os
import random
import signal
import sys
import time
from pathlib import Path

import datasets  # noqa: F401  imported before the forks

from mlbench.harness import evaluate  # noqa: F401  imported before the forks
from mlbench.runner.command import select
from mlbench.runner.local import run  # noqa: F401  imported before the forks
from mlbench.settings import Settings
from mlbench.terminal import runs

SETTINGS = Settings(shots=range(13), device="cpu")
FAMILIES = ["sib200_topic", "sib200_lm"]
LANGUAGES = ["en,ar,hi,th,zh-Hans,ru"]
N_CELLS = 84
MOST_NEW = 3
"""Cells that one attempt may keep, so that a fast machine has work left for the last of them."""


def count_cells() -> int:
    """Return how many cells are on disk."""
    return len(list(Path("runs/killed").glob("*/*/*/*.parquet")))


def start(checkpoint: str) -> int:
    """Fork a child that runs the plan; return its process id."""
    child = os.fork()
    if child == 0:
        selection = select([checkpoint], FAMILIES, LANGUAGES, None)
        os._exit(runs.run("killed", selection, SETTINGS))
    return child


def kill(checkpoint: str, n_new: int, seconds: float) -> bool:
    """Kill a run `seconds` after it has kept `n_new` more cells, or when it has kept MOST_NEW.

    Returns False if it ended before.
    """
    before, child = count_cells(), start(checkpoint)
    due = None
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            assert os.waitstatus_to_exitcode(status) == 0
            return False
        n_kept = count_cells() - before
        if due is None and n_kept >= n_new:
            due = time.monotonic() + seconds
        if n_kept >= MOST_NEW or (due is not None and time.monotonic() >= due):
            os.kill(child, signal.SIGKILL)
            _, status = os.waitpid(child, 0)
            return os.waitstatus_to_exitcode(status) == -signal.SIGKILL
        time.sleep(0.002)


if __name__ == "__main__":
    folder, n_attempts = sys.argv[1], int(sys.argv[2])
    rng, kills = random.Random(20261124), 0
    for _ in range(n_attempts):
        n_new = rng.choice((0, 1, 1, 2))
        killed = kill(folder, n_new, rng.uniform(0, 0.1 if n_new else 2.0))
        kills += killed
        print(f"killed: {killed}, {count_cells()} of {N_CELLS} cells", flush=True)
    _, last = os.waitpid(start(folder), 0)
    assert os.waitstatus_to_exitcode(last) == 0
    print(f"kills={kills}", flush=True)
