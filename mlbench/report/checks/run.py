"""Was everything run, whole and alike? Truncation, conditions, missing cells, contamination."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any

from mlbench.errors import TextLost
from mlbench.imports.setups import read_setup
from mlbench.judge.pairing import why_not_paired
from mlbench.model_arguments import NAMING
from mlbench.records import Cell
from mlbench.report.checks.check import (
    Check,
    CheckState,
    Detail,
    block_title,
    columns,
    language_names,
    share,
)
from mlbench.report.tables import ReportTable
from mlbench.report.text import join, number, show_line
from mlbench.store.read import STATES
from mlbench.store.signature import ALIKE, parts_of
from mlbench.wording import plural

DECISIVE = parts_of(ALIKE)
"""Parts of a signature that may change a score and should not differ between models."""

INFORMATIVE = ("mode", "device")
"""What a cell took, shown where it differs: every mode of the engine gives the same scores."""

UNEVEN = 0.02
"""Shares of planned cells that are there may differ by so much between models."""


def check_truncation(table: ReportTable, names: Mapping[str, str]) -> Check:
    """Check if any request was cut; unknown where a backend does not say."""
    details, n_cells, n_requests, total, unknown = [], 0, 0, 0, 0
    for block, model, views in columns(table, with_chance=False):
        usage = [view.result.usage for view in views if view.result is not None]
        unknown += sum(use.get("n_truncated") is None for use in usage)
        total += len(views)
        cut = [view for view in views if view.n_truncated]
        requests = sum(view.n_truncated for view in cut)
        n_cells, n_requests = n_cells + len(cut), n_requests + requests
        if cut:
            where = language_names(table, (view.cell.language for view in cut))
            says = f"{plural(requests, 'request')} in {share(len(cut), len(views))}"
            details.append(Detail(f"{block_title(block)}, {names[model]}", says, where))
    state: CheckState = "check this" if n_cells else "unknown" if unknown or not total else "OK"
    finding = f"{plural(n_requests, 'request')} cut in {share(n_cells, total)}."
    if unknown:
        finding += f" {plural(unknown, 'cell')} without a count."
    return Check(
        "truncation",
        "Truncated requests",
        state,
        finding,
        "Check this: any request longer than the model's window, which was cut. Languages that "
        "need more tokens are cut first, so this can look like a gap between languages.",
        tuple(details),
    )


def check_lost(table: ReportTable, names: Mapping[str, str]) -> Check:
    """Check if tokenizers can write the texts; unknown where none is at hand."""
    lost: dict[tuple[str, str], list[tuple[str, int]]] = defaultdict(list)
    n_known = n_docs = 0
    for block, model, views in columns(table, with_chance=False):
        for view in views:
            n_lost = view.result.usage.get("n_lost") if view.result else None
            n_known += n_lost is not None
            if n_lost:
                lost[block_title(block), model].append((view.cell.language, int(n_lost)))
                n_docs += int(n_lost)
    refused: dict[tuple[str, str], list[str]] = defaultdict(list)
    for cell, view in table.cells.items():
        if view.reason.startswith(TextLost.__name__):
            refused[table.run.families[cell.family]["title"], cell.model].append(cell.language)
    details = [
        Detail(
            f"{where}, {names[model]}",
            plural(sum(n for _, n in by_tag), "doc"),
            language_names(table, (tag for tag, _ in by_tag)),
        )
        for (where, model), by_tag in lost.items()
    ] + [
        Detail(f"{where}, {names[model]}", "no score", language_names(table, tags))
        for (where, model), tags in refused.items()
    ]
    n_refused = sum(map(len, refused.values()))
    return Check(
        "lost",
        "Texts that the tokenizer cannot write",
        "check this" if details else "OK" if n_known else "unknown",
        f"{plural(n_docs, 'doc')} lost in part; "
        f"{plural(n_refused, 'cell')} of whole texts refused.",
        "Check this: any doc that does not come back from the tokenizer, spaces apart: unknown "
        "tokens, or characters dropped or changed. A model chooses by what is left; bits and "
        "tokens of such texts are no score.",
        tuple(details),
    )


def check_conditions(table: ReportTable, names: Mapping[str, str]) -> Check:
    """Check if models were scored with different software, precision, limits, docs or prompts."""
    known = _conditions(table)
    details, decisive = [], 0
    for key in (*DECISIVE, *INFORMATIVE):
        by_model = known[key]
        if _differs(by_model):
            decisive += key in DECISIVE
            details.append(_detail(key, by_model, names))
    arguments = _arguments(table)
    different = [key for key, by_model in arguments.items() if _differs(by_model)]
    decisive += bool(different)
    details += [_detail(f"argument {key}", arguments[key], names) for key in different]
    unpaired, n_cells = _unpaired(table, names)
    is_different = bool(decisive or unpaired)
    stated = [key for key in DECISIVE if known[key]] + ["arguments"] * bool(arguments)
    return Check(
        "conditions",
        "Same conditions for all",
        "check this" if is_different else "OK" if stated else "unknown",
        f"{_stated(stated, decisive)}; docs and prompts differ in {plural(n_cells, 'cell')}.",
        f"Check this: a difference in {', '.join(DECISIVE)}, in the arguments that a model was "
        "loaded with, or in the docs, data or prompts of a cell (such cells are not compared). "
        "Mode and device are listed, but change no score.",
        (*details, *unpaired),
    )


def _differs(values_by_model: Mapping[str, set[str]]) -> bool:
    return len(set().union(*values_by_model.values())) > 1


def _detail(what: str, values_by_model: Mapping[str, set[str]], names: Mapping[str, str]) -> Detail:
    values = (f"{names[m]}: {', '.join(sorted(found))}" for m, found in values_by_model.items())
    return Detail(what, "; ".join(values))


def _stated(stated: list[str], n_different: int) -> str:
    if not stated:
        return "The cells do not say with what software and precision they were made"
    return (
        f"Of {join(stated)}, {n_different or 'none'} {'differ' if n_different > 1 else 'differs'}"
    )


def _conditions(table: ReportTable) -> dict[str, dict[str, set[str]]]:
    """Collect the values of each part of the signatures by model."""
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    is_limited = any(result.signature.limit is not None for result in table.run.done.values())
    limit = {"limit": "all docs"} if is_limited else {}
    for cell, result in table.run.done.items():
        facts: Mapping[str, Any] = {**result.usage, **limit, **result.signature}
        setup = read_setup(result.signature).arguments or {}
        facts = {"dtype": setup["dtype"], **facts} if "dtype" in setup else facts
        for key in (*DECISIVE, *INFORMATIVE):
            if key in facts:
                found[key][cell.model].add(show_line(facts[key], 80))
    return found


def _arguments(table: ReportTable) -> dict[str, dict[str, set[str]]]:
    """Collect by argument its values by model; those that name the model are left out."""
    setups = [
        (result.signature, setup)
        for result in table.run.done.values()
        if (setup := read_setup(result.signature).arguments) is not None
    ]
    # Of what mlbench ran the backend is a part of the signature of its own.
    named = {key for s, setup in setups for key in setup if s.source or key != "model_type"}
    keys = sorted(named - NAMING - {"dtype"})
    found: dict[str, dict[str, set[str]]] = {key: defaultdict(set) for key in keys}
    for signature, setup in setups:
        for key in keys:
            found[key][str(signature.model)].add(show_line(setup.get(key, "none"), 80))
    return found


def _unpaired(table: ReportTable, names: Mapping[str, str]) -> tuple[list[Detail], int]:
    """Hold each cell against the first model that has it."""
    details, n_cells = [], 0
    for block in table.blocks:
        reasons: dict[tuple[str, str], list[str]] = defaultdict(list)
        for language in table.languages:
            cells = (Cell(m, block.family, language.tag, block.shots) for m in block.models)
            results = [r for r in (table.cells[c].result for c in cells) if r is not None]
            for result in results[1:]:
                if why := why_not_paired(results[0], result):
                    reasons[result.cell.model, why].append(language.tag)
        for (model, why), tags in reasons.items():
            n_cells += len(tags)
            says = f"{plural(len(tags), 'cell')}: {why}"
            where = language_names(table, tags)
            details.append(Detail(f"{block_title(block)}, {names[model]}", says, where))
    return details, n_cells


def check_missing(table: ReportTable, names: Mapping[str, str]) -> Check:
    """Check if a planned cell is not there, above all if models differ in that."""
    planned = Counter(cell.model for cell in table.run.planned)
    done = Counter(cell.model for cell in table.run.done)
    details = []
    for model, n in planned.items():
        lost = [c for c in table.run.planned if c.model == model and c not in table.run.done]
        if lost:
            states = Counter(map(table.run.state, lost))
            where = language_names(table, (cell.language for cell in lost))
            told = [s for s in STATES[1:] if states[s] or s in ("failed", "missing")]
            parts = ", ".join(f"{states[state]:,} {state}" for state in told)
            says = f"{share(len(lost), n)}: {parts}"
            details.append(Detail(names[model], says, where))
    shares = [done[model] / n for model, n in planned.items()]
    n_lost, total = planned.total() - done.total(), planned.total()
    finding = f"{share(n_lost, total)} of the plan {'is' if n_lost == 1 else 'are'} not there"
    if shares and max(shares) - min(shares) > UNEVEN:
        low, high = number(100 * min(shares)), number(100 * max(shares))
        finding += f", unevenly: models have from {low} to {high} % of their plan"
    return Check(
        "missing",
        "Missing cells",
        "check this" if n_lost else "OK",
        f"{finding}.",
        "Check this: any planned cell that failed or has no result. Means and ranks rest on the "
        "cells that all models have, so what one model lacks is taken from all; if it lacks what "
        "is hard for it, it looks better than it is.",
        tuple(details),
    )


def check_contamination(table: ReportTable) -> Check:
    """Return what no run can tell: whether a model was trained on these texts."""
    details = [
        Detail(show_line(facts["title"], 60), show_line(facts["source"]))
        for facts in table.run.families.values()
    ]
    return Check(
        "contamination",
        "Texts seen in training",
        "unknown",
        "mlbench does not test whether a model was trained on these texts; what is public may well "
        "have been in its training.",
        "Stated in every report. A lead in one family alone, or one that ends where a family of "
        "another source begins, is a reason for doubt.",
        tuple(details),
    )
