"""Where do the planned cells of a run stand? One line, the reasons, and what --strict says."""

from collections.abc import Iterable, Iterator

from mlbench.records import Cell
from mlbench.store.read import Run

SHOWN_GROUPS = 5
"""Reasons shown at most; `mlbench list cells` has each cell's own."""
SHOWN_CELLS = 6
LONGEST_REASON = 200


def lines_of_counts(run: Run, models: Iterable[str] | None = None) -> Iterator[str]:
    """Yield the counts of a run, and why cells of these models (None: of all) have no score."""
    yield run.counts_line
    groups = sorted(run.unfinished(models).items(), key=lambda group: -len(group[1]))
    for (state, reason), cells in groups[:SHOWN_GROUPS]:
        first = reason.strip().partition("\n")[0][:LONGEST_REASON]
        yield f"  {state}: {_names(cells)}: {first}"
    if len(groups) > SHOWN_GROUPS:
        yield f"  and {len(groups) - SHOWN_GROUPS} more reasons: mlbench list cells {run.typed}"


def _names(cells: list[Cell]) -> str:
    shown = ", ".join(
        f"{c.model} {c.family} {c.language} {c.shots}-shot" for c in cells[:SHOWN_CELLS]
    )
    rest = len(cells) - SHOWN_CELLS
    return f"{shown} and {rest} more" if rest > 0 else shown


def exit_code(run: Run, *, is_strict: bool) -> int:
    """Return 1 where --strict is given and a planned cell is not done, else 0."""
    return int(is_strict and not run.is_complete)
