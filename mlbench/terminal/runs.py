"""What do run, plan and fetch do? Select, prepare, plan, run, and say what happened."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

from mlbench import store
from mlbench.data.languages import read_languages, select_languages
from mlbench.data.prepare import Prepared, prepare
from mlbench.errors import MlbenchError, SelectionError
from mlbench.families import select_families
from mlbench.judge.run import choice_caveats
from mlbench.models import Model, find_model
from mlbench.records import Family, Language
from mlbench.runner.plan import Plan, make_plan, write_manifest
from mlbench.settings import Settings
from mlbench.store.manifest import read_bytes, restore
from mlbench.store.read import read_run
from mlbench.terminal.progress import Tally, watch


@dataclass(frozen=True, slots=True)
class Selection:
    """What a command is about."""

    models: Sequence[Model]
    families: Sequence[Family]
    languages: Sequence[Language]


def select(
    models: Sequence[str],
    families: Sequence[str],
    languages: Sequence[str],
    languages_file: Path | None,
) -> Selection:
    """Return what the names mean.

    Raises SelectionError, LanguageFileError or ModelError for what they do not.
    """
    known = read_languages(languages_file)
    return Selection(
        [find_model(name) for name in dict.fromkeys(models)],
        select_families(families),
        select_languages(languages, known),
    )


def run(name: str, selection: Selection, settings: Settings) -> int:
    """Run what is pending, say what happened, and return the exit code."""
    console = Console(soft_wrap=True, highlight=False)
    plan = _make_plan(name, selection, settings, console)
    _say_plan(plan, console)
    before = read_bytes(plan.folder)
    write_manifest(plan, selection.languages)
    if not plan.pending:
        console.print(f"Nothing pending: all {len(plan.cells)} cells are in {plan.folder}.")
        return 0
    # Imported late: a wrong name is told at once, torch and lm-eval take seconds.
    from mlbench.runner.executors import find_executor

    execute = find_executor(settings.executor)
    tally = Tally()
    try:
        watch(execute(plan, settings), len(plan.pending), console, tally)
    except KeyboardInterrupt:
        console.print(f"Stopped. {tally.n_done} cells are kept; the same command goes on.")
        return 130
    except MlbenchError:
        # A model that cannot be loaded shall not stand in the run as a column of missing cells.
        if not tally.n_done and not tally.failed:
            restore(plan.folder, before)
        raise
    _say_result(plan, tally, console)
    return 1 if tally.failed else 0


def show_plan(name: str, selection: Selection, settings: Settings) -> None:
    """Print what a run would do, cost, and be able to see. Runs nothing."""
    from mlbench.runner.estimate import estimate, foresee

    console = Console(soft_wrap=True, highlight=False)
    plan = _make_plan(name, selection, settings, console)
    _say_plan(plan, console)
    table = Table("model", "family", "shots", "pending", "docs", "tokens", "time", box=None)
    for row in estimate(plan, settings.limit):
        table.add_row(*row)
    console.print(table)
    console.print("What two models could be told apart by, in one language (80 % power):")
    for sight in foresee(plan, settings.limit):
        console.print(f"  {sight}", markup=False)


def fetch(families: Sequence[str], languages: Sequence[str], languages_file: Path | None) -> None:
    """Prepare the docs of families in languages, and say what is there."""
    console = Console(soft_wrap=True, highlight=False)
    selection = select([], families, languages, languages_file)
    by_family: dict[str, list[Prepared]] = {}
    for prepared in prepare_docs(selection, console):
        by_family.setdefault(prepared.family.name, []).append(prepared)
    for name, items in by_family.items():
        here = [item for item in items if not item.reason]
        n_docs = sum(len(item.docs.scored) for item in here)
        revisions = ", ".join(sorted({item.revision for item in here}))
        console.print(f"{name}: {len(here)} languages, {n_docs:,} docs, revision {revisions}")


def _make_plan(name: str, selection: Selection, settings: Settings, console: Console) -> Plan:
    folder = store.find_run(name, must_exist=False)
    prepared = prepare_docs(selection, console)
    from mlbench.harness.device import resolve_dtype

    settings = replace(settings, dtype=resolve_dtype(settings))
    plan = make_plan(folder, selection.models, prepared, settings)
    if not plan.cells:
        reasons = {reason for by_tag in plan.no_data.values() for reason in by_tag.values()}
        raise SelectionError(f"nothing to run: {'; '.join(sorted(reasons)[:3])}")
    return plan


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
    for family, reasons in plan.no_data.items():
        tags = ", ".join(reasons)
        console.print(f"  no data for {family} in {len(reasons)}: {tags}")


def _say_result(plan: Plan, tally: Tally, console: Console) -> None:
    console.print(
        f"Done: {tally.n_done} cells, {tally.n_docs:,} docs, {tally.rate()}.", highlight=False
    )
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
    models = dict.fromkeys(planned.cell.model for planned in plan.cells)
    for sentence in choice_caveats(read_run(plan.folder), models):
        console.print(f"Check this: {sentence}", markup=False)
    console.print(f"Next: mlbench report {plan.folder.name}")
