"""How does the overview become a drawing of a few dozen paths? One path for all cells of a colour.

overview.js draws the other views of the map in the same way, from the groups that are packed here.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlbench.report.overview import (
    GROUPINGS,
    Group,
    Row,
    groups_of,
    level_rows,
    overview_sentence,
    pooled_rows,
)
from mlbench.report.page.packing import pack_sentences
from mlbench.report.page.pairs import PairView
from mlbench.report.tables import ReportTable

WIDTH, ROW, GAP = 1000.0, 10, 4.0
"""Units of the drawing, which is stretched to the width of the page: a row, and between groups."""

SMALL = 8
"""Languages of a group whose name a phone has no room for."""

LATE = 0.85

_COLOUR = re.compile(r"^(?:[sdp]\d+|ns|plain|nac|below)\b")


@dataclass(frozen=True, slots=True)
class Label:
    """The name of a group below its columns: place in percent, and the line it stands on."""

    text: str
    x: str
    line: int
    css: str


@dataclass(frozen=True, slots=True)
class Map:
    """The first view: `paths` are classes with their outlines, in units of the drawing."""

    names: tuple[str, ...]
    height: int
    paths: tuple[tuple[str, str], ...]
    labels: tuple[Label, ...]
    sentence: str


def map_of(table: ReportTable) -> Map:
    """Draw the levels of all models by language family."""
    groups, rows = groups_of(table), level_rows(table)
    places, cell = _places(groups)
    outlines: dict[str, list[str]] = {}
    for i, row in enumerate(rows):
        for tag, x in places.items():
            css = _COLOUR.match(row.cells[tag].css)
            box = f"M{x:.1f} {i * ROW}h{cell:.2f}v{ROW - 1}h-{cell:.2f}z"
            outlines.setdefault(css[0] if css else "gone", []).append(box)
    paths = tuple((css, "".join(boxes)) for css, boxes in sorted(outlines.items()))
    names = tuple(row.name for row in rows)
    return Map(names, ROW * len(rows), paths, _labels(groups, cell), overview_sentence(table))


def _places(groups: Sequence[Group]) -> tuple[dict[str, float], float]:
    n = sum(len(group.tags) for group in groups)
    cell = (WIDTH - GAP * (len(groups) - 1)) / max(n, 1)
    places, x = {}, 0.0
    for group in groups:
        for tag in group.tags:
            places[tag] = x
            x += cell
        x += GAP
    return places, cell


def _labels(groups: Sequence[Group], cell: float) -> tuple[Label, ...]:
    found, x = [], 0.0
    for i, group in enumerate(groups):
        width = cell * len(group.tags)
        is_last = x > LATE * WIDTH  # its name ends where the group does, and so stays inside
        css = f"{'small' if len(group.tags) < SMALL else ''} {'end' if is_last else ''}".strip()
        at = f"{(x + width if is_last else x) / WIDTH:.2%}"
        found.append(Label(group.name, at, i % 2, css))
        x += width + GAP
    return tuple(found)


def map_data(table: ReportTable) -> dict[str, list[list[Any]]]:
    """Return the groups of every grouping: name and the places of its languages in the table."""
    place = {language.tag: i for i, language in enumerate(table.languages)}
    return {
        by: [[group.name, [place[tag] for tag in group.tags]] for group in groups_of(table, by)]
        for by in GROUPINGS
    }


def pair_maps(table: ReportTable, pairs: Sequence[PairView]) -> dict[str, Any]:
    """Return for each pair the leads over all families and those beyond English, by language.

    `titles` are those of the judged pairs, which packed.js tells the other way round.
    """
    rows: list[Row] = []
    for pair in pairs:
        tags = [language.tag for language in table.languages]
        both: Mapping[str, Row] = pooled_rows(pair.comparisons[0], tags)
        rows += [both["lead"], both["beyond"]]
    cells = [[row.cells.get(x.tag) for x in table.languages] for row in rows]
    return {
        "css": [[cell.css if cell else "xe" for cell in row] for row in cells],
        "firm": [
            "".join(cell.mark if cell and cell.mark else " " for cell in row) for row in cells[::2]
        ],
        "titles": pack_sentences(
            cell.title if cell else "" for row in cells[: len(cells) // 2] for cell in row
        ),
    }
