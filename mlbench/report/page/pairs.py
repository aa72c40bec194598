"""Which pairs can a reader choose, and what does the script set in the table for each of them?

Each judged pair is there in both directions: A against B, and the same numbers from the side of B.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from mlbench.report import grid
from mlbench.report.columns import Block
from mlbench.report.compare import Comparison, Pair
from mlbench.report.page.packing import pack_sentences
from mlbench.report.tables import ReportTable

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PairView:
    """One pair (A, B) at all shots: `of` gives the comparison of a block."""

    a: str
    b: str
    comparisons: tuple[Comparison, ...]

    def of(self, block: Block) -> Comparison | None:
        """Return the comparison that holds a block."""
        for comparison in self.comparisons:
            if comparison.pair.shots == block.shots and block.family in comparison.blocks:
                return comparison
        return None

    def swapped(self) -> "PairView":
        """Return the pair from the side of B."""
        return PairView(self.b, self.a, tuple(one.swapped() for one in self.comparisons))


def pair_views(comparisons: Mapping[Pair, Comparison]) -> list[PairView]:
    """Group comparisons by the two models; after all of them come the same the other way round."""
    names = dict.fromkeys((pair.a, pair.b) for pair in comparisons)
    judged = [
        PairView(a, b, tuple(c for pair, c in comparisons.items() if pair[:2] == (a, b)))
        for a, b in names
    ]
    return [*judged, *(pair.swapped() for pair in judged)]


def pair_cells(table: ReportTable, pairs: Sequence[PairView]) -> dict[str, Any]:
    """Return what the script sets in the table when a pair is chosen: the columns A - B.

    By pair and block; `titles` are those of all judged pairs one after another, which packs best.
    The other half of the pairs has the same, which packed.js tells the other way round; it takes
    the text of a cell from its title, too.
    """
    cells = [
        [
            [grid.lead_cell(p.of(block), block, lang.tag) for lang in table.languages]
            for block in table.blocks
        ]
        for p in pairs
    ]
    every = [cell for pair in cells[: len(cells) // 2] for column in pair for cell in column]
    return {
        name: in_twos([[[getattr(x, name) for x in column] for column in pair] for pair in cells])
        for name in ("css", "mark")
    } | {"titles": pack_sentences(cell.title for cell in every)}


def in_twos(rows: Sequence[T]) -> list[T]:
    """Put each pair beside the same the other way round: what they share packs once.

    >>> in_twos(["ab", "ac", "ba", "ca"])
    ['ab', 'ba', 'ac', 'ca']
    """
    half = len(rows) // 2
    return [row for two in zip(rows[:half], rows[half:], strict=True) for row in two]
