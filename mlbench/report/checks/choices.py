"""Is every choice a real one for the model? Labels never taken, and choices of unequal length."""

from collections.abc import Mapping

from mlbench.judge.choice_bias import (
    FEWEST_TARGETS,
    HARDLY_EVER,
    MANY_POINTS,
    ChoiceBias,
    NeverChosen,
    TokenLengths,
    choice_bias,
)
from mlbench.report.checks.check import Check, Detail, block_title, columns
from mlbench.report.tables import ReportTable
from mlbench.report.text import show_line, signed
from mlbench.store.read import Column
from mlbench.wording import plural


def biases_of(table: ReportTable) -> dict[Column, ChoiceBias]:
    """Look at the choices of each column whose metric takes one."""
    return {
        block.column(model): choice_bias(
            [v.result.samples for v in views if v.result], block.metric
        )
        for block, model, views in columns(table)
        if block.measure.is_rule
    }


def check_never_chosen(
    table: ReportTable, names: Mapping[str, str], biases: Mapping[Column, ChoiceBias]
) -> Check:
    """Check if there is a label that a model never takes although it is right at times."""
    known = {c: b.never_chosen for c, b in biases.items() if b.never_chosen is not None}
    details = _details(table, names, known)
    return Check(
        "never-chosen",
        "A choice is never chosen",
        "check this" if details else "OK" if known else "unknown",
        _of(len(details), len(known), "a label is the target of some docs and the answer to none")
        if known
        else "No family of this run has the same labels for every doc and shows which was taken.",
        "Families with the same labels in every doc, all languages of a model at once. "
        f"Check this: a label that is the target of {FEWEST_TARGETS} docs or more and is taken on "
        f"none, or on fewer than {100 * HARDLY_EVER:.0f} % as many. Its docs are lost "
        "whatever the language.",
        details,
    )


def check_lengths(
    table: ReportTable, names: Mapping[str, str], biases: Mapping[Column, ChoiceBias]
) -> Check:
    """Check if labels differ in tokens, or if own choices are taken for having few of them."""
    known = {c: b.token_lengths for c, b in biases.items() if b.token_lengths is not None}
    details = _details(table, names, known)
    own = [found for found in known.values() if found.tokens_by_label is None]
    most = max(own, key=lambda found: abs(found.points), default=None)
    swayed = (
        f" Where each doc has its own choices, the one with the fewest is taken at most "
        f"{signed(most.points)} points more often than it is right."
        if most
        else ""
    )
    return Check(
        "lengths",
        "Choices differ in tokens",
        "check this" if details else "OK" if known else "unknown",
        _of(len(details), len(known), "the tokens of choices are worth a look") + swayed
        if known
        else "No family of this run shows the tokens of its choices.",
        "All languages of a model at once. Check this: labels that are the same in every doc and "
        "differ in tokens; or choices of each doc's own of which the one with the fewest tokens is "
        f"taken {MANY_POINTS:.0f} points more, or less, often than it is the target. A choice of "
        "more tokens has a lower likelihood, whatever it says.",
        details,
    )


def _of(n: int, total: int, what: str) -> str:
    return f"For {n} of {plural(total, 'model and family', 'models and families')} {what}."


def _details(
    table: ReportTable,
    names: Mapping[str, str],
    known: Mapping[Column, NeverChosen] | Mapping[Column, TokenLengths],
) -> tuple[Detail, ...]:
    titles = {(block.family, block.shots): block_title(block) for block in table.blocks}
    details = []
    for column, found in known.items():
        model, title = names[column.model], titles[column.family, column.shots]
        if found.is_found:
            says = show_line(found.sentence(model, title))
            details.append(Detail(f"{title}, {model}", says))
    return tuple(details)
