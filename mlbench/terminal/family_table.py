"""How does a person read what a run says of its families? Tables and a sentence, or JSON."""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from mlbench.judge.family_check import (
    CLEARLY,
    FEW_ABOVE,
    LUCK,
    RELIABLE,
    CellCheck,
    FamilyCheck,
    check_families,
)
from mlbench.measures import measure_of
from mlbench.store.join import read_runs
from mlbench.store.read import Run
from mlbench.terminal.lists import print_table
from mlbench.wording import plural

MARKS = {"above": "+", "at": "", "below": "-", None: ""}


def show(names: Sequence[str], families: Sequence[str], *, as_json: bool) -> None:
    """Print what a run says of its families; every language where families are named."""
    run = read_runs(names)
    found = check_families(run, families)
    if as_json:
        rows = [_plain(_with_names(check)) for check in found]
        print(json.dumps(rows, ensure_ascii=False, indent=1, sort_keys=True))
        return
    for check in found:
        _print_check(check)
        if families:
            _print_languages(check, run)
    _say(
        f"informative: a model is above chance in half of its languages, or in English by "
        f"{CLEARLY:.0f} stderrs, and reliability is {RELIABLE} or more. at chance: every model is "
        f"above chance in less than {100 * FEW_ABOVE:.0f} % of cells beyond the {100 * LUCK} % of "
        f"luck. weak: the rest."
    )
    if not families:
        _say("Every language of a family: --family NAME. All numbers: --json.")


def _say(text: str) -> None:
    Console(soft_wrap=True, highlight=False).print(text, markup=False)


def _name(check: FamilyCheck) -> str:
    return f"{check.family}, {plural(check.shots, 'shot')}" if check.shots else check.family


def _print_check(check: FamilyCheck) -> None:
    half = check.reliability
    _say(f"{_name(check)}: {check.verdict.upper()} (by {check.metric})")
    _say(
        f"  Reliability {_number(half.whole)} (odd against even clusters r = {_number(half.halves)}"
        f", {half.n_cells} cells)"
    )
    table = Table(
        "model", "cells", "above chance", "at", "below", "clear in English", "mean", box=None
    )
    for m in check.models:
        clear = {True: "yes", False: "no", None: "-"}[m.is_clear_in_english]
        counts = [str(n) for n in (m.n_above, m.n_at, m.n_below)]
        if check.verdict == "no chance level":
            counts = ["-"] * 3
        table.add_row(Text(m.model), str(m.n_cells), *counts, clear, _score(check, m.mean))
    print_table(table)
    if check.pairs:
        _print_pairs(check)
    for m in check.models:
        for sentence in m.choice_bias.sentences(m.model, check.title):
            _say(f"  {sentence}")
    _say("")


def _print_pairs(check: FamilyCheck) -> None:
    table = Table("A", "B", "languages", "A higher", "B higher", "differ", "mean A - B", box=None)
    for pair in check.pairs:
        share = "-" if math.isnan(pair.share) else f"{100 * pair.share:.0f} %"
        counts = (str(n) for n in (pair.n_languages, pair.n_higher, pair.n_lower))
        mean = _score(check, pair.mean_difference)
        table.add_row(Text(pair.a), Text(pair.b), *counts, share, mean)
    print_table(table)


def _print_languages(check: FamilyCheck, run: Run) -> None:
    """Print the score of each model by language; + above chance, - below, nothing at chance."""
    models = [m.model for m in check.models]
    table = Table("language", "", "docs", "chance", box=None)
    for model in models:
        table.add_column(Text(model))
    by_tag: dict[str, dict[str, CellCheck]] = {}
    for cell in check.cells:
        by_tag.setdefault(cell.language, {})[cell.model] = cell
    for tag, cells in by_tag.items():
        first = next(iter(cells.values()))
        chance = "-" if first.chance is None else _score(check, first.chance)
        scores = (
            f"{_score(check, cells[m].score)}{MARKS[cells[m].place]}" if m in cells else "-"
            for m in models
        )
        docs = str(max(cell.n_docs for cell in cells.values()))
        table.add_row(tag, Text(run.languages[tag].name), docs, chance, *scores)
    print_table(table)
    _say("")


def _score(check: FamilyCheck, value: float) -> str:
    if math.isnan(value):
        return "-"
    return measure_of(check.metric).format(value)


def _number(value: float) -> str:
    return "unknown" if math.isnan(value) else f"{value:.2f}"


def _with_names(check: FamilyCheck) -> dict[str, Any]:
    """Spell out what asdict leaves a tuple: every NamedTuple by its names, with what it says."""
    plain = asdict(check)
    plain["reliability"] = check.reliability._asdict()
    plain["pairs"] = [pair._asdict() for pair in check.pairs]
    plain["cells"] = [cell._asdict() for cell in check.cells]
    plain["models"] = []
    for m in check.models:
        never, lengths = m.choice_bias
        plain["models"].append(
            m._asdict()
            | {
                "choice_bias": {
                    "never_chosen": never
                    and {
                        "labels": [label._asdict() for label in never.labels],
                        "n_docs": never.n_docs,
                        "ceiling": never.ceiling,
                    },
                    "token_lengths": lengths and asdict(lengths) | {"is_found": lengths.is_found},
                    "sentences": m.choice_bias.sentences(m.model, check.title),
                }
            }
        )
    return plain


def _plain(value: Any) -> Any:
    """Make unknown numbers null, which JSON has no word for."""
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return None if isinstance(value, float) and math.isnan(value) else value
