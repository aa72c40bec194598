"""What must stand under every figure? The run, the version, n and the chance level, in words."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mlbench import __version__
from mlbench.measures import scale_of
from mlbench.report.columns import Block
from mlbench.report.compare import Comparison
from mlbench.report.tables import CellView, ReportTable
from mlbench.report.text import interval, join, number, percent, show_line, signed
from mlbench.wording import plural

ADJUSTED_WORDS = (
    "Adjusted points are points / (1 − chance), so that families compare; "
    "log points are 100 ln of a ratio."
)


def run_line(table: ReportTable, more: str = "") -> str:
    """Name run, date and version; `more` follows."""
    made = f"Run {show_line(table.name, 40)}, {show_line(table.run.created[:10])}"
    return f"{made}, mlbench {__version__}.{' ' if more else ''}{more}"


def docs_words(counts: Iterable[int]) -> str:
    """Return as text how many docs stand behind a cell: `n 204 docs per cell`, or the range."""
    found = sorted(set(counts))
    if not found:
        return "n unknown"
    if len(found) == 1:
        return f"n {plural(found[0], 'doc')} per cell"
    return f"n {found[0]:,} to {found[-1]:,} docs per cell"


def docs_of(views: Iterable[CellView], metrics: Mapping[str, str]) -> list[int]:
    """Return n of every cell with a value; `metrics` gives the metric of a family."""
    return [
        view.result.scores[metrics[view.cell.family]].n_docs
        for view in views
        if view.result is not None and view.cell.family in metrics
    ]


def chance_words(blocks: Sequence[Block]) -> str:
    """Return as text at which accuracy guessing is: `Chance: 25.0 % in Topic and Terms.`"""
    titles: dict[str, list[str]] = {}
    for block in blocks:
        if block.chance is not None:
            name = title_of(block)
            titles.setdefault(f"{percent(block.chance)} %", []).append(name)
    if not titles:
        return ""
    if len(titles) == 1:
        return f"Chance: {next(iter(titles))}."
    parts = [f"{level} in {join(names)}" for level, names in titles.items()]
    return f"Chance: {'; '.join(parts)}."


def title_of(block: Block) -> str:
    """Name a block in a figure: the title of its family, and shots where there are any."""
    shots = f", {block.shots}-shot" if block.shots else ""
    return show_line(block.title, 40) + shots


def shots_words(shots: int) -> str:
    """Return as text how many examples stood before each doc."""
    return f"{shots}-shot." if shots else "Zero-shot."


def pooled_words(comparison: Comparison, part: str) -> str | None:
    """Return as text a pooled effect with its interval and unit; None where it is undefined.

    `part` is `moat`, `english` or `others`.
    """
    verdict = comparison.printed
    effect: Mapping[str, Any] = verdict[part] if verdict else {"estimate": None}
    if verdict is None or effect["estimate"] is None:
        return None
    keys = ("estimate", "low", "high")
    ends = [math.nan if effect[key] is None else float(effect[key]) for key in keys]
    scale = scale_of(verdict["scale"])
    value, low, high = (scale.in_unit(x) for x in ends)
    return f"{signed(value)} {interval(low, high)} {scale.unit}"


def interval_words(comparison: Comparison) -> str:
    """Return as text how the intervals of a pair were made."""
    verdict = comparison.verdict
    assert verdict is not None
    level = 100 * float(verdict["level"])
    return f"Intervals: {number(level, 0)} % paired cluster bootstrap, seed {verdict['seed']}."


def n_others(comparison: Comparison) -> int:
    """Count the languages other than English that the verdict over all families is about."""
    counts = comparison.verdict["counts"]["delta"] if comparison.verdict else {}
    return sum(counts.get(s, 0) for s in ("better", "worse", "equivalent", "undetermined"))
