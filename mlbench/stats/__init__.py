"""What do the scores say, and how surely? Estimates, intervals and tests: a library of its own.

Pure functions over per-doc scores: numpy and scipy only, no I/O, no languages, no wording. scipy is
imported by the functions that need it, so that importing this package stays cheap.

Read in this order: table (the input), align (its checks), bootstrap, pairs, differences, contrast
(intervals and p-values), aggregates, ranks.
"""

from mlbench.stats.aggregates import (
    Excluded,
    complete_block,
    languages_at_chance,
    population_weights,
)
from mlbench.stats.align import table_from_cells
from mlbench.stats.alike import drawn_alike
from mlbench.stats.bootstrap import Resampling
from mlbench.stats.cells import Level, cell_level, cell_levels, value_levels
from mlbench.stats.contrast import Difference, Differences
from mlbench.stats.differences import PairedDifferences, paired_difference, paired_differences
from mlbench.stats.intervals import Interval, MeanStderr, mean_stderr, wilson
from mlbench.stats.mcnemar import McNemar, mcnemar
from mlbench.stats.multiplicity import benjamini_hochberg, holm
from mlbench.stats.pooling import Pooled, pool_families
from mlbench.stats.power import (
    Plan,
    detectable_effect,
    docs_needed,
    fewest_docs,
    predicted_effect,
)
from mlbench.stats.prediction import prediction_interval
from mlbench.stats.ranks import (
    MacroMeans,
    Rank,
    Ranking,
    add_means,
    macro_means,
    macro_ranks,
    rank_models,
)
from mlbench.stats.scales import Parity, information_parity
from mlbench.stats.table import CellScores, ScoreTable

__all__ = [
    "CellScores",
    "Difference",
    "Differences",
    "Excluded",
    "Interval",
    "Level",
    "MacroMeans",
    "McNemar",
    "MeanStderr",
    "PairedDifferences",
    "Parity",
    "Plan",
    "Pooled",
    "Rank",
    "Ranking",
    "Resampling",
    "ScoreTable",
    "add_means",
    "benjamini_hochberg",
    "cell_level",
    "cell_levels",
    "complete_block",
    "detectable_effect",
    "docs_needed",
    "drawn_alike",
    "fewest_docs",
    "holm",
    "information_parity",
    "languages_at_chance",
    "macro_means",
    "macro_ranks",
    "mcnemar",
    "mean_stderr",
    "paired_difference",
    "paired_differences",
    "pool_families",
    "population_weights",
    "predicted_effect",
    "prediction_interval",
    "rank_models",
    "table_from_cells",
    "value_levels",
    "wilson",
]
