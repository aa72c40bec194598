"""Are the scores of one run those of another? Cell by cell, with what was scored besides."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from mlbench.records import Cell
from mlbench.store.cells import CellResult
from mlbench.store.read import Run

SAME = 1e-6
"""Scores nearer than this, as a share, are the same: another machine rounds sums otherwise."""


class Moved(NamedTuple):
    """A cell that is not the same, with the reason; a score that is not known is None.

    `parts` names the parts of its signature that differ.
    """

    cell: Cell
    metric: str
    before: float
    after: float | None
    parts: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What two runs have in common: cells that are the same, and those that moved."""

    n_same: int
    n_imported: int
    moved: tuple[Moved, ...]

    def lines(self) -> Iterator[str]:
        """Yield what a reader is told."""
        for one in self.moved:
            cell = one.cell
            after = "-" if one.after is None else f"{one.after:.4f}"
            yield (
                f"MOVED {cell.model} {cell.family} {cell.language} {cell.shots}-shot: {one.metric} "
                f"{one.before:.4f} -> {after} ({one.reason})"
            )
        imported = (
            f"; {self.n_imported} imported cells are not run again" if self.n_imported else ""
        )
        yield f"{self.n_same} cells are the same, {len(self.moved)} moved{imported}"

    def as_json(self) -> dict[str, Any]:
        """Return it for a program."""
        moved = [{**one._asdict(), "cell": one.cell._asdict()} for one in self.moved]
        return {"same": self.n_same, "imported": self.n_imported, "moved": moved}


def find_moved(before: Run, after: Run) -> Outcome:
    """Return how the finished cells of a run stand in another one that was to be the same."""
    scored = {cell: found for cell, found in before.done.items() if not found.signature.source}
    moved = []
    for cell, found in scored.items():
        again = after.done.get(cell)
        metric = before.families[cell.family]["metrics"][0]
        value = found.scores[metric].value
        if again is None:
            reason = after.reason(cell) if cell in after.planned else "not asked for"
            moved.append(Moved(cell, metric, value, None, (), reason))
        elif why := difference_of(found, again):
            parts, reason = why
            score = again.scores.get(metric)
            moved.append(Moved(cell, metric, value, score and score.value, parts, reason))
    return Outcome(len(scored) - len(moved), len(before.done) - len(scored), tuple(moved))


def difference_of(one: CellResult, other: CellResult) -> tuple[tuple[str, ...], str] | None:
    """Return by which parts of the signature a cell is another one, and the reason; None if not."""
    parts = one.signature.same_cell(other.signature)
    moved = [
        name
        for name, score in one.scores.items()
        if name not in other.scores
        or not math.isclose(score.value, other.scores[name].value, rel_tol=SAME, abs_tol=SAME)
    ]
    reasons = [f"other {', '.join(parts)}"] if parts else []
    reasons += [f"other {', '.join(moved)} of the same docs"] if moved and not parts else []
    return (parts, "; ".join(reasons)) if reasons else None
