"""What does `mlbench plan` say? Cells, docs, tokens, time, disk, and what could be seen."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from mlbench.data.languages import REFERENCE
from mlbench.runner.estimate import Row, estimate, foresee, speeds_of
from mlbench.runner.plan import find_states
from mlbench.store.read import read_run
from mlbench.terminal.asked import Request
from mlbench.terminal.progress import shown_time
from mlbench.terminal.runs import (
    Told,
    prepare_run,
    print_json,
    refusal_of,
    say_plan,
    states_of,
)

BYTES_A_CELL, BYTES_A_DOC = 4_000, 90
"""On disk, of stored cells of SIB-200: 5 to 7 kB with 50 docs, 21 kB with 204 of seven choices."""

SHOWN_LANGUAGES = 8
"""Languages of most tokens that are named; --json has all."""

HOUR = 3600


def show_plan(
    request: Request,
    *,
    as_json: bool = False,
    given: float | None = None,
    earlier: str | None = None,
) -> None:
    """Print what a run would do, cost, and be able to see. Runs nothing."""
    console, settings = Told(as_json).console, request.settings
    speeds = speeds_of(read_run(earlier)) if earlier else None
    work = prepare_run(request.run, request.selection, settings, console)
    plan = find_states(work.plan)
    rows = list(estimate(plan, settings.limit, given=given, earlier=speeds))
    sights = foresee(plan, settings.limit)
    if as_json:
        print_json(
            {
                "folder": str(plan.folder),
                "cells": states_of(plan),
                "pending": [row._asdict() for row in rows],
                "tokens_by_language": _by_language(rows),
                "device_hours": _device_hours(rows),
                "disk_bytes": _disk_bytes(rows),
                "sights": [sight._asdict() for sight in sights],
                "no_data": plan.no_data,
                "changed": plan.changed_parts,
                "refused": refusal_of(plan) or None,
            }
        )
        return
    say_plan(plan, console)
    _print_rows(rows, console)
    for line in _costs(rows):
        console.print(line, markup=False)
    console.print("What two models could be told apart by, in one language (80 % power):")
    for sight in sights:
        console.print(f"  {sight}", markup=False)
    if refusal := refusal_of(plan):
        console.print(f"Refused by `mlbench run`: {refusal}", markup=False)


def _print_rows(rows: Sequence[Row], console: Console) -> None:
    table = Table("model", "family", "shots", "pending", "docs", "tokens", "time", box=None)
    for row in rows:
        tokens = "?" if row.tokens is None else f"{row.tokens:,}"
        time = "?" if row.seconds is None else shown_time(row.seconds)
        table.add_row(*row[:2], *map(str, row[2:4]), f"{row.docs:,}", tokens, time)
    console.print(table)


def _costs(rows: Sequence[Row]) -> list[str]:
    """Return what all of it costs, each with the formula."""
    lines = []
    tokens = _by_language(rows)
    if tokens:
        most = sorted(tokens, key=lambda tag: -tokens[tag])[:SHOWN_LANGUAGES]
        reference = tokens.get(REFERENCE)
        shown = (
            f"{tag} {tokens[tag]:,}" + (f" ({tokens[tag] / reference:.1f}x)" if reference else "")
            for tag in dict.fromkeys((*most, *([REFERENCE] if reference else ())))
        )
        against = ", and how many times English" if reference else ""
        lines.append(f"Tokens by language, the most first{against}: {', '.join(shown)}")
    timed = [row for row in rows if row.seconds and row.tokens]
    if timed:
        n_tokens = sum(row.tokens or 0 for row in timed)
        hours = _device_hours(rows) or 0.0
        untimed = len(rows) - len(timed)
        more = f"; {untimed} lines without a speed are not in it" if untimed else ""
        lines.append(
            f"Device hours: {hours:.3g} = {n_tokens:,} tokens / {n_tokens / hours / HOUR:,.0f} a "
            f"second / {HOUR:,}; loading of models not counted, N devices take an Nth{more}"
        )
    elif rows:
        lines.append(
            "Device hours: unknown. Give --tokens-per-second N, or --speed-from RUN of the same "
            "models; after some cells of this run they are known"
        )
    if rows:
        n_cells, n_docs = sum(row.cells for row in rows), sum(row.docs for row in rows)
        lines.append(
            f"Disk: about {_shown_size(_disk_bytes(rows))} = {n_cells:,} cells x {BYTES_A_CELL:,} "
            f"B + {n_docs:,} docs x {BYTES_A_DOC} B"
        )
    return lines


def _shown_size(n_bytes: int) -> str:
    return f"{n_bytes / 1e6:,.0f} MB" if n_bytes >= 1e7 else f"{n_bytes / 1e3:,.0f} kB"


def _by_language(rows: Sequence[Row]) -> Mapping[str, int]:
    found: Counter[str] = Counter()
    for row in rows:
        found.update(row.by_language)
    return dict(found)


def _device_hours(rows: Sequence[Row]) -> float | None:
    known: list[Any] = [row.seconds for row in rows if row.seconds]
    return sum(known) / HOUR if known else None


def _disk_bytes(rows: Sequence[Row]) -> int:
    return sum(BYTES_A_CELL * row.cells + BYTES_A_DOC * row.docs for row in rows)
