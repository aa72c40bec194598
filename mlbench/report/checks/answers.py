"""Do the models answer, or do they repeat themselves? One answer for all, ties, and twins."""

from collections import defaultdict
from collections.abc import Mapping
from itertools import combinations

import numpy as np

from mlbench.judge.answers import Answers
from mlbench.records import Cell
from mlbench.report.checks.check import Check, Detail, block_title, columns, language_names, share
from mlbench.report.tables import ReportTable
from mlbench.report.text import number
from mlbench.store.samples import likelihoods_digest
from mlbench.wording import plural

ONE_ANSWER = 0.90
"""A cell in which one choice is taken on this share of the docs has one answer for all ..."""

SPREAD = 0.50
"""... if no choice is the target of more than this share of the docs."""

FEWEST_DOCS = 10
"""Below so many docs one answer for all may be luck."""

MANY_TIES = 0.01
"""More than this share of docs with a tie can move a score by a point."""

TWINS = 0.50
"""Two models with the same log-likelihoods in this share of their cells are one model twice."""


def check_one_answer(
    table: ReportTable, names: Mapping[str, str], answers: Mapping[Cell, Answers]
) -> Check:
    """Check if a model takes the same choice on 90 % of the docs of any cell."""
    details, n, total = [], 0, 0
    for block, model, views in columns(table):
        known = [view.cell for view in views if view.cell in answers]
        same = [cell.language for cell in known if has_one_answer(answers[cell])]
        n, total = n + len(same), total + len(known)
        if same:
            what, says = f"{block_title(block)}, {names[model]}", share(len(same), len(known))
            details.append(Detail(what, says, language_names(table, same)))
    return Check(
        "one-answer",
        "Same answer to everything",
        "check this" if n else "OK" if total else "unknown",
        f"In {share(n, total)} a model always answers (nearly) the same."
        if total
        else "No family of this run shows which choice was taken.",
        f"Check this: any cell of {FEWEST_DOCS} docs or more in which the same choice, by its "
        f"position, is taken on {100 * ONE_ANSWER:.0f} % of the docs, while no choice is the "
        f"target of more than {100 * SPREAD:.0f} %. Such a score tells about the label, "
        "not the language.",
        tuple(details),
    )


def has_one_answer(answers: Answers) -> bool:
    """Return whether one choice is taken nearly always although the targets are spread."""
    n = len(answers.chosen)
    taken, wanted = (np.bincount(x).max() / n for x in (answers.chosen, answers.targets))
    return n >= FEWEST_DOCS and bool(taken >= ONE_ANSWER) and bool(wanted <= SPREAD)


def check_ties(
    table: ReportTable, names: Mapping[str, str], answers: Mapping[Cell, Answers]
) -> Check:
    """Check if more than 1 % of the docs of a column have two equally likely best choices."""
    details, n, total, is_many = [], 0, 0, False
    for block, model, views in columns(table):
        ties = {
            v.cell.language: int(answers[v.cell].is_tied.sum()) for v in views if v.cell in answers
        }
        n_docs = sum(len(answers[v.cell].chosen) for v in views if v.cell in answers)
        tied = sum(ties.values())
        n, total, is_many = n + tied, total + n_docs, is_many or tied > MANY_TIES * n_docs
        if tied:
            where = language_names(table, (tag for tag, some in ties.items() if some))
            says = f"{tied:,} of {plural(n_docs, 'doc')}"
            details.append(Detail(f"{block_title(block)}, {names[model]}", says, where))
    return Check(
        "ties",
        "Ties between choices",
        "check this" if is_many else "OK" if total else "unknown",
        f"{n:,} of {plural(total, 'doc')} ({number(100 * n / total, 2)} %) have two best choices "
        "with the same log-likelihood; the first one counts."
        if total
        else "No family of this run shows log-likelihoods.",
        f"Equal to the last bit. Check this: more than {100 * MANY_TIES:.0f} % of the docs of a "
        "family and model. Ties come from rounding, and then the order of the choices decides "
        "the score.",
        tuple(details),
    )


def check_twins(table: ReportTable, names: Mapping[str, str]) -> Check:
    """Check if two models have the same log-likelihoods in half of their common cells."""
    replies: dict[tuple[str, int, str], dict[str, bytes]] = defaultdict(dict)
    for cell, result in table.run.done.items():
        if digest := likelihoods_digest(result.samples):
            replies[cell.family, cell.shots, cell.language][cell.model] = digest
    details, n_pairs = [], 0
    for a, b in combinations(table.run.models, 2):
        same = [found[a] == found[b] for found in replies.values() if a in found and b in found]
        n_pairs += bool(same)
        if same and sum(same) >= TWINS * len(same):
            details.append(Detail(f"{names[a]} and {names[b]}", share(sum(same), len(same))))
    return Check(
        "twins",
        "One model under two names",
        "check this" if details else "OK" if n_pairs else "unknown",
        f"{len(details)} of {plural(n_pairs, 'pair')} of models gave the same log-likelihoods."
        if n_pairs
        else "No two models of this run can be held side by side.",
        f"Equal to the last bit on every doc. Check this: in {100 * TWINS:.0f} % or more of the "
        "cells that a pair has in common.",
        tuple(details),
    )
