"""What do the scores say, and how surely? Estimates, intervals, tests and verdicts.

Pure functions over per-doc scores: numpy and scipy only, no I/O but claims.yaml. scipy is imported
by the functions that need it, so that importing this package stays cheap.
"""

from mlbench.stats.bootstrap import Resampling
from mlbench.stats.contrast import Difference, Differences
from mlbench.stats.differences import PairedDifferences, paired_difference, paired_differences
from mlbench.stats.intervals import Interval, MeanStderr, mean_stderr, wilson
from mlbench.stats.multiplicity import benjamini_hochberg, holm
from mlbench.stats.table import CellScores, ScoreTable, table_from_cells

__all__ = [
    "CellScores",
    "Difference",
    "Differences",
    "Interval",
    "MeanStderr",
    "PairedDifferences",
    "Resampling",
    "ScoreTable",
    "benjamini_hochberg",
    "holm",
    "mean_stderr",
    "paired_difference",
    "paired_differences",
    "table_from_cells",
    "wilson",
]
