"""What does a person see of a report that is written? Its page, and where the run's cells stand."""

from pathlib import Path

from rich.console import Console

from mlbench.report import Asked, ShownDocs, write_report
from mlbench.store.join import read_runs
from mlbench.terminal.counts import exit_code, lines_of_counts


def write(
    names: list[str], out: Path | None, docs: ShownDocs, asked: Asked, *, is_strict: bool = False
) -> int:
    """Write the report of a run, or of several, print where it is, and return the exit code."""
    run = read_runs(names)
    page = write_report(run, out, docs=docs, asked=asked)
    console = Console(soft_wrap=True, highlight=False)
    console.print(f"report: {page}", markup=False)
    for note in run.notes:
        console.print(f"  note: {note}", markup=False)
    if not run.is_complete:
        for line in lines_of_counts(run):
            console.print(line, markup=False)
    return exit_code(run, is_strict=is_strict)
