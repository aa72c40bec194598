"""Is the memory that a cell took at most its own, and is what it took in the table of scores?"""

import csv
import io
import mmap

import pytest

from mlbench.report.export import scores_csv
from mlbench.report.tables import table_from_run
from mlbench.runner.command import select
from mlbench.runner.peak import read_peak, restart_peak
from mlbench.settings import Settings
from mlbench.store.read import read_run
from mlbench.terminal import runs

SIZE = 200_000_000
PAGES = b"x" * 1_000_000


@pytest.mark.skipif(not restart_peak("cpu"), reason="only Linux sets the counter back")
def test_the_peak_is_of_the_time_since_it_was_set_back():
    assert restart_peak("cpu")
    before = read_peak("cpu")
    held = mmap.mmap(-1, SIZE)  # what is given back to the system, whatever the allocator keeps
    for _ in range(SIZE // len(PAGES)):
        held.write(PAGES)
    at_most = read_peak("cpu")
    held.close()
    assert at_most >= before + 0.9 * SIZE and read_peak("cpu") == pytest.approx(at_most, rel=0.01)
    assert restart_peak("cpu") and read_peak("cpu") < at_most - 0.5 * SIZE


def test_what_a_cell_took_is_in_the_table_of_scores(sib200, checkpoint):
    selection = select([str(checkpoint)], ["sib200_topic"], ["th"], None)
    assert runs.run("r", selection, Settings(device="cpu", limit=2)) == 0
    run = read_run("r")
    (result,) = run.done.values()
    line = next(csv.DictReader(io.StringIO(scores_csv(table_from_run(run)))))
    usage = result.usage
    assert int(line["tokens"]) == usage["n_tokens"] > 0
    assert float(line["seconds"]) == pytest.approx(usage["seconds"], rel=1e-4)
    expected = usage["n_tokens"] / usage["seconds"]
    assert float(line["tokens_per_second"]) == pytest.approx(expected, rel=1e-3)
    if restart_peak("cpu"):
        assert int(line["peak_bytes"]) == usage["peak_bytes"] > usage["model_bytes"]
