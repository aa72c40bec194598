"""How sure is a single score? The interval of the judged measure, cell by cell."""

import numpy as np

from mlbench.measures import measure_of, statistics_of
from mlbench.records import Cell
from mlbench.stats import Level, Resampling, value_levels
from mlbench.store.read import Run
from mlbench.store.samples import cluster_ids_of

RESAMPLING = Resampling(replicates=1_000)
"""For the interval of a single score: a tooltip needs less than differences, which use them all."""


def score_levels(run: Run, family: str, shots: int) -> dict[Cell, Level]:
    """Return the intervals of a family's finished cells; cells of the same docs are drawn alike."""
    metric = run.families[family]["metrics"][0]
    cells_by_clusters: dict[tuple[str, ...], list[Cell]] = {}
    for cell, result in run.done.items():
        if (cell.family, cell.shots) == (family, shots):
            clusters = cluster_ids_of(result.samples)
            cells_by_clusters.setdefault(clusters, []).append(cell)
    levels: dict[Cell, Level] = {}
    for clusters, cells in cells_by_clusters.items():
        values = np.stack([statistics_of(run.done[c].samples, metric) for c in cells])
        found = value_levels(values, clusters, measure_of(metric), resampling=RESAMPLING)
        levels |= zip(cells, found, strict=True)
    return levels
