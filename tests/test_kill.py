"""A run killed with SIGKILL at 20 random moments ends with the scores of an undisturbed one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from kill_one_run import FAMILIES, LANGUAGES, N_CELLS, SETTINGS

from mlbench import store
from mlbench.runner.command import select
from mlbench.store.read import read_run
from mlbench.terminal import runs

N_ATTEMPTS = 20


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
def test_a_killed_run_resumes_to_the_same_scores(sib200, checkpoint):
    script = Path(__file__).with_name("kill_one_run.py")
    done = subprocess.run(
        [sys.executable, str(script), str(checkpoint), str(N_ATTEMPTS)],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr[-2000:] + done.stdout[-2000:]
    kills = int(done.stdout.rsplit("kills=", 1)[1])
    assert kills >= N_ATTEMPTS - 2, done.stdout
    assert ", 0 of" not in done.stdout.rsplit("killed:", 1)[1], "no kill fell into the scoring"

    selection = select([str(checkpoint)], FAMILIES, LANGUAGES, None)
    assert runs.run("undisturbed", selection, SETTINGS) == 0
    killed, undisturbed = read_run("killed"), read_run("undisturbed")
    assert set(killed.done) == set(undisturbed.done) and len(killed.done) == N_CELLS
    for cell, result in undisturbed.done.items():
        assert killed.done[cell].samples == result.samples
        assert killed.done[cell].scores == result.scores
        assert killed.done[cell].signature == result.signature
    assert not list(store.find_run("killed").rglob("*.part"))
