"""Are replies what was asked for at all? In the right language, not empty, not a copy."""

from collections.abc import Mapping

from mlbench.measures import COPIED, EMPTY, FIDELITY, FIDELITY_OF_REFERENCES
from mlbench.records import Score
from mlbench.report.checks.check import Check, Detail, block_title, columns, language_names, share
from mlbench.report.tables import ReportTable

MOST_ASTRAY = 0.10
"""Share of the replies of a cell that are in another language than the references, or empty, or
copies: beyond it a score says more of that than of how well the model translates."""


def check_replies(table: ReportTable, names: Mapping[str, str]) -> tuple[Check, ...]:
    """Check if more than a tenth of the replies of a cell go astray; none if no model writes."""
    details, n, total = [], 0, 0
    for block, model, views in columns(table, with_chance=False):
        written = [view for view in views if view.result and FIDELITY.name in view.result.scores]
        astray = [v.cell.language for v in written if v.result and _is_astray(v.result.scores)]
        n, total = n + len(astray), total + len(written)
        if astray:
            where = language_names(table, astray)
            title = f"{block_title(block)}, {names[model]}"
            details.append(Detail(title, share(len(astray), len(written)), where))
    if not total:
        return ()
    check = Check(
        "replies",
        "Replies astray",
        "check this" if n else "OK",
        f"In {share(n, total)} many replies are in another language, empty, or copies.",
        f"Check this: of a cell, the replies in the right language are fewer than the references "
        f"that are told to be in it by more than {100 * MOST_ASTRAY:.0f} points, or more than "
        f"{100 * MOST_ASTRAY:.0f} % are empty or copy the source.",
        tuple(details),
    )
    return (check,)


def _is_astray(scores: Mapping[str, Score]) -> bool:
    told = {name: score.value for name, score in scores.items()}
    lost = told.get(FIDELITY_OF_REFERENCES.name, 1.0) - told[FIDELITY.name]
    useless = told.get(EMPTY.name, 0.0) + told.get(COPIED.name, 0.0)
    return max(lost, useless) > MOST_ASTRAY
