"""What does a run say, as a page that opens by double-click, as figures and as CSV?

Read in this order: columns, tables (every cell with its state), compare (the verdict of
mlbench.stats on pairs), grid and words (what is written), page, figures, export.
"""

from mlbench.report.compare import Asked
from mlbench.report.figures.bars import MarketBar, draw_markets
from mlbench.report.figures.difference import draw_difference
from mlbench.report.figures.figures import Choice, draw_figure, write_figure
from mlbench.report.figures.forest import draw_forest, forest_from_comparison
from mlbench.report.figures.heatmap import draw_heatmap, draw_profile
from mlbench.report.figures.moat import draw_moat
from mlbench.report.figures.scatter import draw_parity, scatter_from_table
from mlbench.report.write import ShownDocs, write_report

__all__ = [
    "Asked",
    "Choice",
    "MarketBar",
    "ShownDocs",
    "draw_difference",
    "draw_figure",
    "draw_forest",
    "draw_heatmap",
    "draw_markets",
    "draw_moat",
    "draw_parity",
    "draw_profile",
    "forest_from_comparison",
    "scatter_from_table",
    "write_figure",
    "write_report",
]
