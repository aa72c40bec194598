"""How long do the figures of a report take? CPU seconds of each, drawn once, in three formats.

    python benchmarks/figures.py RUN

Reading the run and judging the first pair come before the clock starts.
"""

import sys
import time
from pathlib import Path

from mlbench.errors import SelectionError
from mlbench.report import draw_figure
from mlbench.report.compare import compare, pairs_of
from mlbench.report.figures.drawing import figure_files
from mlbench.report.figures.figures import FIGURES
from mlbench.report.tables import table_from_run
from mlbench.stats import Resampling
from mlbench.store.read import read_run


def main() -> None:
    """Print the CPU seconds of every figure that the run has, and their sum."""
    table = table_from_run(read_run(sys.argv[1]))
    comparison = compare(table, pairs_of(table)[0], Resampling())
    total = 0.0
    for name in FIGURES:
        start = time.process_time()
        try:
            figure_files(draw_figure(name, table, None, comparison), Path(), name)
        except SelectionError as error:
            print(f"{name}: none, {error}")
            continue
        seconds = time.process_time() - start
        total += seconds
        print(f"{name}: {seconds:.2f} s")
    print(f"all: {total:.2f} s")


if __name__ == "__main__":
    main()
