"""What does the forest say of all languages together? The mean lead of a pair, family by family.

The leads of single languages are those of the table; forest.js draws both.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from mlbench.data.languages import REFERENCE
from mlbench.measures import scale_of
from mlbench.report.compare import Comparison, in_unit
from mlbench.report.page.pairs import PairView
from mlbench.report.tables import ReportTable
from mlbench.stats import MeanStderr, prediction_interval

ALL = "all"


def forest_slots(table: ReportTable, pair: PairView) -> dict[str, str]:
    """Return by `forest-` and the place of a block, or `all`, five numbers in the unit shown.

    They are the mean lead outside English, the ends of its interval, and those between which the
    lead in another language would lie; the last two are empty where that is not known.
    """
    slots = {}
    for place, block in enumerate(table.blocks):
        found = pair.of(block)
        if found and found.verdict and block.family in found.verdict["by_family"]:
            its = found.verdict["by_family"][block.family]
            numbers = _numbers(its["others"], its["per_language"], found.verdict["level"])
            slots[f"forest-{place}"] = _words([in_unit(block, number) for number in numbers])
    verdict = pair.comparisons[0].verdict
    if verdict and is_pooled(pair.comparisons[0]):
        numbers = _numbers(verdict["others"], verdict["per_language"], verdict["level"])
        scale = scale_of(verdict["scale"])
        slots[f"forest-{ALL}"] = _words([scale.in_unit(number) for number in numbers])
    return slots


def is_pooled(comparison: Comparison) -> bool:
    """Return whether there is a mean over several families."""
    verdict = comparison.verdict
    return bool(
        verdict
        and len(comparison.blocks) > 1
        and any(row["delta"] is not None for row in verdict["per_language"])
    )


def _numbers(
    mean: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], level: float
) -> list[float]:
    known = [
        row
        for row in rows
        if row["language"] != REFERENCE and row["delta"] is not None and row["stderr"] is not None
    ]
    centre, stderr, low, high = (
        math.nan if mean[key] is None else float(mean[key])
        for key in ("estimate", "stderr", "low", "high")
    )
    estimates, errors = ([float(row[key]) for row in known] for key in ("delta", "stderr"))
    # Over several families the stderr holds their differences too, so nothing is predicted.
    if not mean["method"].endswith("languages fixed"):
        estimates = errors = []
    ends = prediction_interval(estimates, errors, MeanStderr(centre, stderr), level)
    return [centre, low, high, ends.low, ends.high]


def _words(numbers: Sequence[float]) -> str:
    return " ".join("" if math.isnan(number) else f"{number:.1f}" for number in numbers)
