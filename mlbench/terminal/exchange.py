"""What do `mlbench import` and `mlbench export` do? Results of others into a run, and out of it."""

from typing import Annotated, Literal

import typer

from mlbench.terminal.options import (
    ExportOut,
    ImportPaths,
    Replace,
    RunArgument,
    RunName,
    TaskMapOption,
)


def import_(
    kind: Annotated[str, typer.Argument(help="Whose results: lm-eval or csv.")],
    paths: ImportPaths,
    run: RunName,
    map: TaskMapOption = None,
    replace: Replace = False,
) -> None:
    """Add results that lm-eval or others made to a run, to report and judge like our own.

    [bold]Examples[/bold]

      mlbench import lm-eval results/ --run others

      mlbench import lm-eval results/model_a results/model_b --run others
    """
    from mlbench.imports import import_results

    for path in paths:
        for line in import_results(kind, path, run, map, may_replace=replace).lines():
            typer.echo(line)


def export(
    run: RunArgument,
    format: Annotated[
        Literal["csv", "parquet", "lm-eval"],
        typer.Option(help="A line per doc, or lm-eval's files."),
    ],
    out: ExportOut = None,
) -> None:
    """Write the score of every doc of a run, for other programs or another run."""
    from mlbench.exports import export_run

    typer.echo(export_run(run, format, out))
