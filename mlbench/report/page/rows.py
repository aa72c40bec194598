"""What stands in the rows and columns of the page's table, in which order, and what is behind it?

Models stand in the order of the ranking, languages in groups as in the map: English, the mean, then
each language family with its mean, in a family the best language first.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from mlbench.data.languages import REFERENCE
from mlbench.records import Cell, Language
from mlbench.report import grid
from mlbench.report.colours import step_of
from mlbench.report.columns import Block
from mlbench.report.leaders import language_levels
from mlbench.report.overview import groups_of
from mlbench.report.page.pairs import PairView
from mlbench.report.ranking import order_of, rankings_of
from mlbench.report.tables import ReportTable
from mlbench.report.text import percent
from mlbench.wording import plural

MOST_COLUMNS = 20
"""A table of more keeps the scores of single families in the data of the page: without the script
it has the means and the differences, with it the reader chooses the columns."""

DENSE = 6
"""A table of more columns has no room for script, family and endonym, and its rows are low."""


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns after the facts: mean adjusted scores by (model, shots), then the families.

    `is_more` marks those that have no cells in the markup.
    """

    means: tuple[tuple[str, int], ...]
    blocks: tuple[Block, ...]
    has_leads: Mapping[Block, bool]
    is_more: tuple[bool, ...]

    @property
    def are_many(self) -> bool:
        """Return whether some columns are only in the data of the page."""
        return any(self.is_more)

    @property
    def is_dense(self) -> bool:
        """Return whether there are more columns than fit beside the facts of a language."""
        return self.is_more.count(False) > DENSE


@dataclass(frozen=True, slots=True)
class TableRow:
    """A language; `place` is its place in the report's table, from which packed data counts."""

    place: int
    language: Language
    is_english: bool
    cells: tuple[grid.Shown, ...]


@dataclass(frozen=True, slots=True)
class MeanRow:
    """A mean of languages; packed data have it `after` so many others, behind all languages."""

    title: str
    scope: str
    after: int
    cells: tuple[grid.Shown, ...]


@dataclass(frozen=True, slots=True)
class RowGroup:
    """A group of languages under its mean."""

    mean: MeanRow
    rows: tuple[TableRow, ...]


@dataclass(frozen=True, slots=True)
class Rows:
    """All rows: `pinned` are English, if it takes part, and the mean of the others."""

    english: TableRow | None
    mean: MeanRow
    groups: tuple[RowGroup, ...]


def columns_of(table: ReportTable, pairs: Sequence[PairView]) -> Columns:
    """Choose the columns, in each group of them the best model first."""
    order = order_of(table)
    means = dict.fromkeys((m, shots) for m, shots, _ in table.adjusted)
    blocks = tuple(
        replace(block, models=tuple(sorted(block.models, key=order.index)))
        for block in table.blocks
    )
    has_leads = {block: any(pair.of(block) for pair in pairs) for block in blocks}
    is_score = [False] * len(means)
    for block in blocks:
        is_score += [True] * len(block.models) + [False] * has_leads[block]
    are_many = len(is_score) > MOST_COLUMNS and not all(is_score)
    return Columns(
        tuple(sorted(means, key=lambda one: (one[1], order.index(one[0])))),
        blocks,
        has_leads,
        tuple(are_many and score for score in is_score),
    )


def rows_of(table: ReportTable, columns: Columns, pairs: Sequence[PairView]) -> Rows:
    """Fill the table."""
    by_tag = {
        language.tag: TableRow(
            place, language, language.tag == REFERENCE, _cells(table, columns, pairs, language.tag)
        )
        for place, language in enumerate(table.languages)
    }
    groups = [group for group in groups_of(table) if group.tags != (REFERENCE,)]
    others = tuple(tag for group in groups for tag in group.tags)
    title = "Mean but English" if table.has_english else "Mean"
    scope = plural(len(others), "language")
    mean = MeanRow(title, scope, 0, _overall_cells(table, columns, others))
    return Rows(
        by_tag.get(REFERENCE),
        mean,
        tuple(
            RowGroup(
                MeanRow(
                    group.name,
                    plural(len(group.tags), "language"),
                    after,
                    _mean_cells(table, columns, group.tags),
                ),
                tuple(by_tag[tag] for tag in group.tags),
            )
            for after, group in enumerate(groups, start=1)
        ),
    )


def _cells(
    table: ReportTable, columns: Columns, pairs: Sequence[PairView], tag: str
) -> tuple[grid.Shown, ...]:
    levels = language_levels(table)
    cells = [
        grid.adjusted_cell(
            table.adjusted[model, shots, tag],
            _most_families(table, shots),
            levels.get((model, shots, tag)),
        )
        for model, shots in columns.means
    ]
    for block in columns.blocks:
        for model in block.models:
            cell = Cell(model, block.family, tag, block.shots)
            cells.append(grid.score_cell(table.cells[cell], block))
        if columns.has_leads[block]:
            # Its details are in the data of the pair, which the script reads for every pair.
            cells.append(grid.lead_cell(pairs[0].of(block), block, tag)._replace(title=""))
    return tuple(cells)


def _most_families(table: ReportTable, shots: int) -> int:
    """Return the greatest number of families behind a mean adjusted score of these shots."""
    return max((mean.n for (_, its, _), mean in table.adjusted.items() if its == shots), default=0)


def _overall_cells(
    table: ReportTable, columns: Columns, tags: Sequence[str]
) -> tuple[grid.Shown, ...]:
    """Return the mean row: the levels of the ranking, and means of the columns of families."""
    levels = {
        (row.model, ranking.shots): row
        for ranking in rankings_of(table)
        if ranking.is_adjusted
        for row in ranking.rows
    }
    cells = list(_mean_cells(table, columns, tags))
    for i, key in enumerate(columns.means):
        if row := levels.get(key):
            title = f"the level of the ranking {row.interval}, each family counting once"
            cells[i] = grid.Shown(row.level, f"s{step_of(row.score)}", title)
    return tuple(cells)


def _mean_cells(
    table: ReportTable, columns: Columns, tags: Sequence[str]
) -> tuple[grid.Shown, ...]:
    cells = [_adjusted_mean(table, model, shots, tags) for model, shots in columns.means]
    for block in columns.blocks:
        cells += [grid.macro_cell(table, block, model, tags) for model in block.models]
        if columns.has_leads[block]:
            cells.append(grid.Shown("", "xe", "see the verdict for the mean lead"))
    return tuple(cells)


def _adjusted_mean(table: ReportTable, model: str, shots: int, tags: Sequence[str]) -> grid.Shown:
    means = [table.adjusted[model, shots, tag] for tag in tags]
    known = [mean.value for mean in means if mean.n]
    if not known:
        return grid.Shown(grid.NOT_EVALUATED, "xm", "missing: no language that every model has")
    mean = math.fsum(known) / len(known)
    words = f"mean over {plural(len(known), 'language')} without English"
    return grid.Shown(percent(mean), f"s{step_of(mean)}", words)


def all_rows(rows: Rows) -> list[tuple[grid.Shown, ...]]:
    """Return the cells of every row as packed data count them: languages, then the means."""
    languages = [row for group in rows.groups for row in group.rows]
    languages += [rows.english] if rows.english else []
    languages.sort(key=lambda row: row.place)
    means = [rows.mean, *(group.mean for group in rows.groups)]
    return [row.cells for row in languages] + [mean.cells for mean in means]
