"""Where is every model good, in one look? Models by languages, a colour each, on one screen.

Page and figure share what stands here: the groups of languages and their order, and the rows. In a
group the languages follow their mean level, so that a pattern is a pattern and not the alphabet.
"""

import math
from collections.abc import Mapping, Sequence
from statistics import median
from typing import NamedTuple

from mlbench.data.languages import REFERENCE
from mlbench.data.territories import region_of
from mlbench.measures import scale_of
from mlbench.records import Cell, Language
from mlbench.report import grid
from mlbench.report.colours import difference_step
from mlbench.report.compare import Comparison
from mlbench.report.leaders import language_levels
from mlbench.report.ranking import order_of
from mlbench.report.tables import ReportTable
from mlbench.report.text import interval, number, short_names, signed
from mlbench.wording import plural

FEWEST = 4
"""Languages that a group needs to stand alone; smaller ones stand together at the end."""

HALF = 0.5
"""The share of its level in English that a model is said to keep, or not."""

SENTENCES = 3
"""Models that the sentence names; the table has all."""

GROUPINGS = {
    "family": "language family",
    "script": "script",
    "class": "resource class",
    "region": "region",
}
OTHERS = "others"


class Group(NamedTuple):
    """Languages that stand together; English is a group of its own, the first."""

    name: str
    tags: tuple[str, ...]


class Row(NamedTuple):
    """A line of the map: what stands in each language, by tag."""

    name: str
    cells: Mapping[str, grid.Shown]


def groups_of(table: ReportTable, by: str = "family") -> list[Group]:
    """Group the languages by one of GROUPINGS, the largest group first."""
    levels = {language.tag: _mean_level(table, language.tag) for language in table.languages}
    found: dict[str, list[str]] = {}
    for language in table.languages:
        if language.tag != REFERENCE:
            found.setdefault(_group_name(language, by), []).append(language.tag)
    large = {name: tags for name, tags in found.items() if len(tags) >= FEWEST}
    small = [tag for name, tags in found.items() if name not in large for tag in tags]
    groups = sorted(large.items(), key=lambda one: (-len(one[1]), one[0]))
    groups += [(OTHERS, small)] if small else []
    english = [Group("English", (REFERENCE,))] if table.has_english else []
    return english + [
        Group(name, tuple(sorted(tags, key=lambda tag: -levels[tag]))) for name, tags in groups
    ]


def _group_name(language: Language, by: str) -> str:
    if by == "script":
        return language.script
    if by == "class":
        return "unknown" if language.resource_class is None else f"class {language.resource_class}"
    if by == "region":
        return region_of(language) or "unknown"
    return language.family


def _mean_level(table: ReportTable, tag: str) -> float:
    """Return the mean level of all models in a language; unknown is below every level."""
    values = [mean.value for (_, _, its), mean in table.adjusted.items() if its == tag]
    known = [value for value in values if not math.isnan(value)]
    return math.fsum(known) / len(known) if known else -math.inf


def level_rows(table: ReportTable) -> list[Row]:
    """Return a row a model, the best first: its mean adjusted score, or its first family."""
    names = short_names(list(table.run.models))
    columns = dict.fromkeys((m, shots) for m, shots, _ in table.adjusted)
    order = order_of(table)
    if not columns:
        return _first_family(table, names, order)
    rows, levels = [], language_levels(table)
    for model, shots in sorted(columns, key=lambda one: (one[1], order.index(one[0]))):
        means = {x.tag: table.adjusted[model, shots, x.tag] for x in table.languages}
        most = max((mean.n for mean in means.values()), default=0)
        cells = {
            tag: grid.adjusted_cell(mean, most, levels.get((model, shots, tag)))
            for tag, mean in means.items()
        }
        rows.append(Row(names[model] + (f" {shots}-shot" if shots else ""), cells))
    return rows


def _first_family(table: ReportTable, names: Mapping[str, str], order: Sequence[str]) -> list[Row]:
    rows = []
    for block in table.blocks[:1]:
        for model in sorted(block.models, key=order.index):
            cells = {
                x.tag: table.cells[Cell(model, block.family, x.tag, block.shots)]
                for x in table.languages
            }
            shown = {tag: grid.score_cell(view, block) for tag, view in cells.items()}
            rows.append(Row(names[model], shown))
    return rows


def pooled_rows(comparison: Comparison, tags: Sequence[str]) -> dict[str, Row]:
    """Return over all families of a pair the `lead` in each language, and `beyond` English."""
    verdict = comparison.verdict or {"per_language": [], "scale": "adjusted", "level": 0.95}
    by_tag = {row["language"]: row for row in verdict["per_language"]}
    scale, alpha = str(verdict["scale"]), 1 - float(verdict["level"])

    def cell(tag: str, value: str, prefix: str) -> grid.Shown:
        row = by_tag.get(tag, {})
        if row.get(value) is None:
            return grid.Shown(grid.NOT_EVALUATED, "xm", "not compared")
        return _lead_shown(row, (value, prefix), scale, alpha)

    name = "mean of families" if len(comparison.blocks) > 1 else "A − B"
    return {
        "lead": Row(name, {tag: cell(tag, "delta", "") for tag in tags}),
        "beyond": Row(name, {tag: cell(tag, "moat", "moat_") for tag in tags if tag != REFERENCE}),
    }


def _lead_shown(
    row: Mapping[str, float | None], keys: tuple[str, str], scale: str, alpha: float
) -> grid.Shown:
    value, prefix = keys
    known = scale_of(scale)
    ends = (row[key] for key in (value, f"{prefix}low", f"{prefix}high"))
    shown, low, high = (math.nan if end is None else known.in_unit(end) for end in ends)
    title = f"{signed(shown)} {known.unit} {interval(low, high)}"
    q = row[f"{prefix}q"]
    if not (low > 0 or high < 0):
        return grid.Shown(f"({signed(shown)})", "ns", title)
    is_firm = q is not None and q <= alpha
    holm = row[f"{prefix}p_holm"]
    mark = "H" if holm is not None and holm <= alpha else ""
    css = f"d{difference_step(shown)}" if is_firm else "plain"
    return grid.Shown(signed(shown), css, title, mark)


def overview_sentence(table: ReportTable) -> str:
    """Return as text what the map shows: how much of its English level each model keeps."""
    names, parts = short_names(list(table.run.models)), []
    columns = dict.fromkeys((m, shots) for m, shots, _ in table.adjusted)
    order = order_of(table)
    for model, shots in sorted(columns, key=lambda one: (one[1], order.index(one[0])))[:SENTENCES]:
        levels = {x.tag: table.adjusted[model, shots, x.tag].value for x in table.languages}
        english = levels.pop(REFERENCE, math.nan)
        known = [value for value in levels.values() if not math.isnan(value)]
        if not known:
            continue
        words = f"{names[model]} has a median level of {number(100 * median(known))}"
        if english > 0:
            n = sum(value >= HALF * english for value in known)
            words += (
                f" and keeps at least half of its English {number(100 * english)} in {n} of "
                f"{plural(len(known), 'language')}"
            )
        parts.append(words)
    return f"{'; '.join(parts)}." if parts else ""
