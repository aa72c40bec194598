"""What does a check of a run say? Its state, its finding with counts, its rule, and where."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

from mlbench.data.languages import REFERENCE
from mlbench.records import Cell
from mlbench.report.columns import Block
from mlbench.report.tables import CellView, ReportTable
from mlbench.report.text import number, show_line
from mlbench.wording import plural

CheckState = Literal["OK", "check this", "unknown"]

MOST_NAMES = 20
"""Languages named in one line; the rest is counted, and every cell is in scores.csv."""

LONGEST_NAME = 60


class Detail(NamedTuple):
    """One line under a check: which part of the run, what about it, and in which languages."""

    what: str
    says: str
    languages: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """A check as it is shown. It is stated also where nothing was found."""

    name: str
    title: str
    state: CheckState
    finding: str
    rule: str
    details: tuple[Detail, ...] = ()


class CheckedColumn(NamedTuple):
    """The cells of one model in a block that have a value, English included."""

    block: Block
    model: str
    views: tuple[CellView, ...]


def columns(table: ReportTable, *, with_chance: bool = True) -> Iterator[CheckedColumn]:
    """Go through the columns that have any value; those that guessing has a score in, or all."""
    for block in table.blocks:
        if with_chance and not block.measure.has_chance:
            continue
        for model in block.models:
            cells = (Cell(model, block.family, lang.tag, block.shots) for lang in table.languages)
            views = tuple(v for v in map(table.cells.__getitem__, cells) if v.state == "value")
            if views:
                yield CheckedColumn(block, model, views)


def block_title(block: Block) -> str:
    """Name a block for a reader."""
    return f"{block.title}, {block.shots}-shot" if block.shots else block.title


def language_names(table: ReportTable, tags: Iterable[str]) -> str:
    """Name languages, English first, and count those that are too many to name."""
    tags = {tag for tag in tags if tag in table.run.languages}
    known = sorted(tags, key=lambda tag: (tag != REFERENCE, table.run.languages[tag].name))
    names = [show_line(table.run.languages[tag].name, LONGEST_NAME) for tag in known[:MOST_NAMES]]
    more = len(known) - len(names)
    return ", ".join(names) + (f" and {more} more" if more else "")


def share(n: int, total: int) -> str:
    """Return as text how many of how many, in percent too."""
    return f"{n:,} of {plural(total, 'cell')} ({number(100 * n / total if total else None)} %)"
