"""What do `mlbench import` and `mlbench export` do? Results of others into a run, and out of it."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from mlbench.terminal.options import (
    ExportOut,
    ImportPaths,
    Replace,
    RunArguments,
    RunName,
    TaskMapOption,
)

Kind = Literal["csv", "parquet", "lm-eval", "markdown", "latex", "badge"]
SUFFIXES = {"markdown": "tables.md", "latex": "tables.tex", "badge": "badge.svg"}


def import_(
    kind: Annotated[str, typer.Argument(help="Whose results: lm-eval, lighteval, olmes or csv.")],
    paths: ImportPaths,
    run: RunName,
    map: TaskMapOption = None,
    replace: Replace = False,
) -> None:
    """Add results that lm-eval or others made to a run, to report and judge like our own.

    [bold]Examples[/bold]

      mlbench import lm-eval results/ --run others

      mlbench import lm-eval results/model_a results/model_b --run others

      mlbench import lighteval evals/ --run others
    """
    from mlbench.imports import import_results

    for path in paths:
        for line in import_results(kind, path, run, map, may_replace=replace).lines():
            typer.echo(line)


def export(
    runs: RunArguments,
    format: Annotated[
        Kind,
        typer.Option(
            help="A line per doc (csv, parquet), lm-eval's files, tables for a model card or a "
            "paper (markdown, latex), or a badge (SVG) of the lead beyond English."
        ),
    ],
    out: ExportOut = None,
) -> None:
    """Write the scores of a run for other programs, or as tables and a badge for a page.

    [bold]Examples[/bold]

      mlbench export bench --format csv

      mlbench export bench --format markdown --out tables.md

      mlbench export bench --format badge
    """
    if format == "markdown" or format == "latex" or format == "badge":
        typer.echo(_publish(runs, format, out))
        return
    from mlbench.exports import export_run
    from mlbench.store.join import read_runs

    typer.echo(export_run(read_runs(runs), format, out))


def _publish(runs: list[str], kind: Literal["markdown", "latex", "badge"], out: Path | None) -> str:
    from mlbench import store
    from mlbench.errors import SelectionError
    from mlbench.report.publish import badge_svg, tables_text
    from mlbench.report.tables import table_from_run
    from mlbench.store.join import read_runs

    table = table_from_run(read_runs(runs))
    place = out or Path("exports") / table.name / SUFFIXES[kind]
    if place.is_dir():
        raise SelectionError(f"--out {str(place)!r} is a folder; name a file in it")
    text = badge_svg(table) if kind == "badge" else tables_text(table, kind)
    content = text.encode(errors="replace")
    store.write_out(place.parent, {place: lambda file: file.write(content)})
    return str(place)
