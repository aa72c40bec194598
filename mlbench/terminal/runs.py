"""What do run, plan and fetch do? Select, prepare, plan, run, and say what happened."""

import collections
import contextlib
from collections.abc import Iterator

from rich.console import Console
from rich.progress import track
from rich.table import Table

from mlbench import store
from mlbench.data.prepare import Prepared
from mlbench.errors import SelectionError, Stopped
from mlbench.extras import require
from mlbench.harness.docs import prepare
from mlbench.judge.run import choice_caveats
from mlbench.runner.command import Selection, Work, do_work, prepare_work
from mlbench.runner.events import Event, Planned
from mlbench.runner.plan import Plan, find_states, refuse_replacing
from mlbench.settings import Settings
from mlbench.store.read import read_run
from mlbench.store.replacing import name_changes
from mlbench.terminal.progress import Tally, watch

MOST_TAGS = 40
"""Languages without data that are named: a table of somebody's own has some of the 119."""


def run(name: str, selection: Selection, settings: Settings, *, may_replace: bool = False) -> int:
    """Run what is pending, say what happened, and return the exit code."""
    console = _console()
    events = do_work(_prepare(name, selection, settings, console), may_replace=may_replace)
    with contextlib.closing(events):
        plan = _first(events)
        _say_plan(plan, console)
        scored = _rest(events)
        if not plan.pending:
            collections.deque(scored, maxlen=0)  # the manifest is written on the way
            console.print(f"Nothing pending: all {len(plan.cells)} cells are in {plan.folder}.")
            return 0
        tally = Tally()
        try:
            watch(scored, len(plan.pending), console, tally)
        except (KeyboardInterrupt, Stopped):
            console.print(f"Stopped. {tally.n_done} cells are kept; the same command goes on.")
            raise
    _say_result(plan, tally, console)
    return 1 if tally.failed or tally.stopped else 0


def _first(events: Iterator[Planned | Event]) -> Plan:
    planned = next(events)
    assert isinstance(planned, Planned)
    return planned.plan


def _rest(events: Iterator[Planned | Event]) -> Iterator[Event]:
    return (event for event in events if not isinstance(event, Planned))


def show_plan(name: str, selection: Selection, settings: Settings) -> None:
    """Print what a run would do, cost, and be able to see. Runs nothing."""
    from mlbench.runner.estimate import estimate, foresee

    console = _console()
    plan = find_states(_prepare(name, selection, settings, console).plan)
    _say_plan(plan, console)
    table = Table("model", "family", "shots", "pending", "docs", "tokens", "time", box=None)
    for row in estimate(plan, settings.limit):
        table.add_row(*row)
    console.print(table)
    console.print("What two models could be told apart by, in one language (80 % power):")
    for sight in foresee(plan, settings.limit):
        console.print(f"  {sight}", markup=False)
    try:
        refuse_replacing(plan)
    except SelectionError as refusal:
        console.print(f"Refused by `mlbench run`: {refusal}", markup=False)


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
        console.print(f"{name}: {len(here)} languages, {n_docs:,} docs, revision {revisions}")
        for item in items:
            if item.reason:
                console.print(f"  no data for {item.language.tag}: {item.reason}", markup=False)


def _console() -> Console:
    return Console(soft_wrap=True, highlight=False)


def _prepare(name: str, selection: Selection, settings: Settings, console: Console) -> Work:
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


def _say_plan(plan: Plan, console: Console) -> None:
    states = [planned.state for planned in plan.cells]
    counted = {state: states.count(state) for state in dict.fromkeys(states)}
    detail = ", ".join(f"{n} {state}" for state, n in counted.items())
    console.print(f"{plan.folder}: {len(plan.cells)} cells ({detail})")
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


def _say_result(plan: Plan, tally: Tally, console: Console) -> None:
    if tally.n_done:
        console.print(f"Done: {tally.n_done} cells, {tally.n_docs:,} docs, {tally.rate()}.")
    else:
        console.print("No cell was done.")
    if tally.n_truncated:
        console.print(
            f"{tally.n_truncated} requests in {tally.truncated_cells} cells were truncated from "
            f"the left to fit the model's window; the report marks them."
        )
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
    models = dict.fromkeys(planned.cell.model for planned in plan.cells)
    found = read_run(plan.folder)
    if not found.is_complete:
        console.print(f"{found.counts_line}: mlbench list cells {found.typed}", markup=False)
    for sentence in choice_caveats(found, models):
        console.print(f"Check this: {sentence}", markup=False)
    console.print(f"Next: mlbench report {store.run_name(plan.folder)}", markup=False)
