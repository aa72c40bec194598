"""What could be wrong with this run? Every check that its own data allow, stated either way.

OK: looked for and not found. Check this: found, with counts and languages. Unknown: the run
lacks what the check needs. Each check gives its rule; the thresholds stand at the head of its file.
"""

from dataclasses import dataclass

from mlbench.judge.answers import Answers, answers_of
from mlbench.records import Cell
from mlbench.report.checks.answers import check_one_answer, check_ties, check_twins
from mlbench.report.checks.check import Check, columns
from mlbench.report.checks.choices import biases_of, check_lengths, check_never_chosen
from mlbench.report.checks.findings import check_findings
from mlbench.report.checks.run import (
    check_conditions,
    check_contamination,
    check_lost,
    check_missing,
    check_truncation,
)
from mlbench.report.checks.scores import (
    check_below_chance,
    check_ceiling,
    check_chance,
    check_docs,
    check_text,
)
from mlbench.report.checks.written import check_replies
from mlbench.report.tables import ReportTable
from mlbench.report.text import join, short_names
from mlbench.wording import plural


@dataclass(frozen=True, slots=True)
class Trust:
    """The checks of a run, those that found something first, and one sentence over all."""

    sentence: str
    checks: tuple[Check, ...]


def trust(table: ReportTable) -> Trust:
    """Check a run."""
    names = short_names(list(table.run.models))
    answers, biases = _answers(table), biases_of(table)
    checks = (
        check_missing(table, names),
        check_conditions(table, names),
        check_chance(table, names),
        check_below_chance(table, names),
        check_ceiling(table, names),
        check_docs(table, names),
        check_one_answer(table, names, answers),
        check_ties(table, names, answers),
        check_never_chosen(table, names, biases),
        check_lengths(table, names, biases),
        check_twins(table, names),
        check_truncation(table, names),
        check_lost(table, names),
        check_findings(table, names),
        check_text(table, names),
        check_contamination(table),
        *check_replies(table, names),
    )
    order = ("check this", "unknown", "OK")
    return Trust(_sentence(checks), tuple(sorted(checks, key=lambda c: order.index(c.state))))


def _answers(table: ReportTable) -> dict[Cell, Answers]:
    """Return the answers of each accuracy cell that shows them."""
    found = {}
    for block, _, views in columns(table):
        for view in views:
            if view.result is not None:
                answers = answers_of(view.result.samples, block.metric)
                if answers is not None:
                    found[view.cell] = answers
    return found


def _sentence(checks: tuple[Check, ...]) -> str:
    by_state = {
        state: [c.title for c in checks if c.state == state]
        for state in ("check this", "unknown", "OK")
    }
    found, unknown = by_state["check this"], by_state["unknown"]
    words = (
        f"{plural(len(found), 'check')} of {len(checks)} found something to check: "
        f"{join([title.lower() for title in found])}"
        if found
        else f"None of the {len(checks)} checks found anything to check"
    )
    return (
        f"{words}; {len(unknown)} cannot be answered from this run. No check proves a score right."
    )
