"""What a page should show of the run that it was made of: pairs, columns, and what is in a cell."""

from pathlib import Path
from typing import NamedTuple

from mlbench.records import Cell
from mlbench.report.compare import Comparison, Pair
from mlbench.report.grid import adjusted_cell, lead_cell, score_cell
from mlbench.report.leaders import language_levels
from mlbench.report.ranking import order_of
from mlbench.report.tables import ReportTable


class Made(NamedTuple):
    """A page and what it was made of."""

    path: Path
    table: ReportTable
    comparisons: dict[Pair, Comparison]


def pairs_of(made: Made) -> list[Pair]:
    """Return the judged pairs as the page counts them: the best model against each other one."""
    return list(made.comparisons)


def shown(made: Made, tag: str, column: tuple[str, str], pair: int = 0) -> str:
    """Return from the store what stands in a cell; a column is a kind or family, and a model."""
    table, (kind, model) = made.table, column
    if kind == "mean":
        mean = table.adjusted[model, 0, tag]
        found = adjusted_cell(mean, 2, language_levels(table).get((model, 0, tag)))
        return found.text + found.mark
    block = next(block for block in table.blocks if block.family == kind)
    if model == "A-B":
        comparison = made.comparisons[pairs_of(made)[pair]]
        found = lead_cell(comparison, block, tag)
    else:
        found = score_cell(table.cells[Cell(model, kind, tag, 0)], block)
    return found.text + found.mark


def columns_of(made: Made, view: str) -> list[tuple[str, str]]:
    """Return which columns a view has, in their order."""
    models = order_of(made.table)
    means = [("mean", model) for model in models]
    scores = {
        b.family: [(b.family, m) for m in sorted(b.models, key=models.index)]
        for b in made.table.blocks
    }
    leads = {family: (family, "A-B") for family in scores}
    kind, _, name = view.partition(":")
    if kind == "family":
        return [*scores[name], leads[name]]
    if kind == "model":
        return [column for of in scores.values() for column in of if column[1] == name]
    every = [*means, *(c for family in scores for c in [*scores[family], leads[family]])]
    keep = {
        "": lambda c: c[0] == "mean" or c[1] == "A-B",
        "all": lambda c: True,
        "mean": lambda c: c[0] == "mean",
        "leads": lambda c: c[1] == "A-B",
    }[kind]
    return [column for column in every if keep(column)]
