"""What do run, plan and fetch do? Select, prepare, plan, run, and say what happened."""

import collections
import contextlib
import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from rich.console import Console
from rich.progress import track

from mlbench import store
from mlbench.data.prepare import Prepared
from mlbench.errors import SelectionError, Stopped
from mlbench.extras import require
from mlbench.harness.docs import prepare
from mlbench.judge.run import choice_caveats
from mlbench.loggers import OpenLog, tell
from mlbench.runner.command import Selection, Work, do_work, prepare_work
from mlbench.runner.events import Event, Planned
from mlbench.runner.plan import Plan, refuse_replacing
from mlbench.runner.settle import count_saved
from mlbench.settings import Settings
from mlbench.store.read import Run, read_run
from mlbench.store.replacing import name_changes
from mlbench.terminal.asked import request_from
from mlbench.terminal.counts import exit_code
from mlbench.terminal.progress import Tally, watch
from mlbench.wording import plural

MOST_TAGS = 40
"""Languages without data that are named: a table of somebody's own has some of the 119."""


@dataclass(frozen=True, slots=True)
class Told:
    """How a command is told: in words; as JSON, with the words on stderr; or only its failures.

    `loggers` are told of each cell besides.
    """

    as_json: bool = False
    is_quiet: bool = False
    loggers: Sequence[OpenLog] = ()

    @property
    def console(self) -> Console:
        """Return where progress and words go."""
        return _console(stderr=self.as_json, quiet=self.is_quiet)


def run_asked(options: Mapping[str, Any], told: Told, *, is_strict: bool = False) -> int:
    """Run what options ask for, each by the name of a parameter of `mlbench run`."""
    request = request_from(options)
    work = prepare_run(request.run, request.selection, request.settings, told.console)
    work = replace(work, asked=request.options)
    done = _do(work, told, may_replace=request.may_replace)
    return done or exit_code(read_run(work.plan.folder), is_strict=is_strict)


def run(name: str, selection: Selection, settings: Settings) -> int:
    """Run what is pending of a selection, in words; return the exit code."""
    told = Told()
    return _do(prepare_run(name, selection, settings, told.console), told, may_replace=False)


def _do(work: Work, told: Told, *, may_replace: bool) -> int:
    """Run what is pending, say what happened, and return the exit code."""
    console, tally = told.console, Tally()
    events = do_work(work, may_replace=may_replace)
    with contextlib.closing(events):
        plan = _first(events)
        say_plan(plan, console)
        scored = _rest(events)
        if plan.pending:
            with contextlib.closing(tell(scored, plan.folder, told.loggers)) as logged:
                _watch(logged, plan, console, tally)
        else:
            collections.deque(scored, maxlen=0)  # the manifest is written on the way
            console.print(f"Nothing pending: all {len(plan.cells)} cells are in {plan.folder}.")
    found = read_run(plan.folder)
    saved = count_saved(plan)
    if saved:
        console.print(str(saved))
    if plan.pending:
        _say_result(plan, found, tally, console)
    if told.is_quiet:
        _say_failures(tally, _console(stderr=True))
    if told.as_json:
        print_json(_result_json(plan, found, tally) | {"until": saved and saved._asdict()})
    return 1 if tally.failed or tally.stopped else 0


def _watch(scored: Iterator[Event], plan: Plan, console: Console, tally: Tally) -> None:
    try:
        watch(scored, plan.pending, console, tally)
    except (KeyboardInterrupt, Stopped):
        console.print(f"Stopped. {tally.n_done} cells are kept; the same command goes on.")
        raise


def _result_json(plan: Plan, found: Run, tally: Tally) -> dict[str, Any]:
    """Return what a run did and where its cells stand, for a program."""
    return {
        "run": found.typed,
        "folder": str(plan.folder),
        "asked": len(plan.cells),
        "done_before": len(plan.cells) - len(plan.pending),
        "done": tally.n_done,
        "docs": tally.n_docs,
        "seconds": round(tally.seconds, 3),
        "failed": [
            {**event.planned.cell._asdict(), "reason": event.failed.reason}
            for event in tally.failed
        ],
        "stopped": [stopped._asdict() for stopped in tally.stopped],
        "cells": found.counts,
        "no_data": plan.no_data,
    }


def _first(events: Iterator[Planned | Event]) -> Plan:
    planned = next(events)
    assert isinstance(planned, Planned)
    return planned.plan


def _rest(events: Iterator[Planned | Event]) -> Iterator[Event]:
    return (event for event in events if not isinstance(event, Planned))


def refusal_of(plan: Plan) -> str:
    try:
        refuse_replacing(plan)
    except SelectionError as refusal:
        return str(refusal)
    return ""


def print_json(content: Any) -> None:
    """Print what a program reads; a number that is none is null."""
    print(json.dumps(_known(content), ensure_ascii=False, indent=1, sort_keys=True))


def _known(content: Any) -> Any:
    if isinstance(content, Mapping):
        return {name: _known(value) for name, value in content.items()}
    if isinstance(content, list | tuple):
        return [_known(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content


def fetch(selection: Selection) -> None:
    """Prepare the docs of families in languages, and say what is there."""
    console = _console()
    by_family: dict[str, list[Prepared]] = {}
    for prepared in prepare_docs(selection, console):
        by_family.setdefault(prepared.family.name, []).append(prepared)
    for name, items in by_family.items():
        here = [item for item in items if not item.reason]
        n_docs = sum(len(item.docs.scored) for item in here)
        revisions = ", ".join(sorted({item.revision for item in here}))
        console.print(
            f"{name}: {plural(len(here), 'language')}, {plural(n_docs, 'doc')}, "
            f"revision {revisions}"
        )
        for item in items:
            if item.reason:
                console.print(f"  no data for {item.language.tag}: {item.reason}", markup=False)


def _console(*, stderr: bool = False, quiet: bool = False) -> Console:
    return Console(soft_wrap=True, highlight=False, stderr=stderr, quiet=quiet)


def prepare_run(name: str, selection: Selection, settings: Settings, console: Console) -> Work:
    require("run", "to run or plan")
    store.find_run(name, must_exist=False)  # a wrong name is told before any work
    prepared = prepare_docs(selection, console)
    return prepare_work(name, selection.models, prepared, settings, selection.pair)


def prepare_docs(selection: Selection, console: Console) -> list[Prepared]:
    """Prepare the docs of each family in each language, and show how far it is."""
    pairs = [(f, language) for f in selection.families for language in selection.languages]
    if not console.is_terminal:
        n_families, n_languages = len(selection.families), len(selection.languages)
        console.print(f"Preparing docs (families: {n_families}, languages: {n_languages})")
    shown = track(
        pairs, "preparing docs", console=console, transient=True, disable=not console.is_terminal
    )
    return [prepare(family, language) for family, language in shown]


def states_of(plan: Plan) -> dict[str, int]:
    return dict(Counter(planned.state for planned in plan.cells))


def say_plan(plan: Plan, console: Console) -> None:
    detail = ", ".join(f"{n} {state}" for state, n in states_of(plan).items())
    console.print(f"{plan.folder}: {plural(len(plan.cells), 'cell')} ({detail})")
    if differing := plan.changed_parts:
        console.print(
            f"  changed: finished with other {', '.join(differing)}, so scored again "
            f"({name_changes(plan.replaced)})",
            markup=False,
        )
    for family, reasons in plan.no_data.items():
        tags = ", ".join(list(reasons)[:MOST_TAGS])
        more = f" and {len(reasons) - MOST_TAGS} more" if len(reasons) > MOST_TAGS else ""
        console.print(f"  no data for {family} in {len(reasons)}: {tags}{more}")


def _say_result(plan: Plan, found: Run, tally: Tally, console: Console) -> None:
    if tally.n_done:
        console.print(
            f"Done: {plural(tally.n_done, 'cell')}, {plural(tally.n_docs, 'doc')}, {tally.rate()}."
        )
    else:
        console.print("No cell was done.")
    if tally.n_truncated:
        console.print(
            f"{tally.n_truncated} requests in {tally.truncated_cells} cells were truncated from "
            f"the left to fit the model's window; the report marks them."
        )
    _say_failures(tally, console)
    models = dict.fromkeys(planned.cell.model for planned in plan.cells)
    if not found.is_complete:
        console.print(f"{found.counts_line}: mlbench list cells {found.typed}", markup=False)
    for sentence in choice_caveats(found, models):
        console.print(f"Check this: {sentence}", markup=False)
    console.print(f"Next: mlbench report {store.run_name(plan.folder)}", markup=False)


def _say_failures(tally: Tally, console: Console) -> None:
    for event in tally.failed:
        cell = event.planned.cell
        console.print(
            f"FAILED {cell.model} {cell.family} {cell.language}: {event.failed.reason} "
            f"(traceback in {event.planned.path.with_suffix('.failed.json')})",
            markup=False,
        )
    for stopped in tally.stopped:
        console.print(
            f"STOPPED {stopped.model} after {stopped.n_failed} equal failures in a row "
            f"({stopped.reason}). {stopped.n_left} of its cells stay pending: mend that, and "
            f"repeat the command",
            markup=False,
        )
