"""What does a run say, as a page that opens by double-click, as figures and as CSV?

Read in this order: columns, tables (every cell with its state), compare (the verdict of
mlbench.stats on pairs), grid and words (what is written), items, page, figures, export.
"""

from mlbench.report.figures import draw_heatmap, heat_from_table, save_heatmap
from mlbench.report.forest import draw_forest, draw_moat, forest_from_comparison
from mlbench.report.write import Items, write_report

__all__ = [
    "Items",
    "draw_forest",
    "draw_heatmap",
    "draw_moat",
    "forest_from_comparison",
    "heat_from_table",
    "save_heatmap",
    "write_report",
]
