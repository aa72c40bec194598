"""The options of a large run: docs until a pair is told apart, and the speed that a plan takes."""

from typing import Annotated

import typer

from mlbench.settings import Until
from mlbench.terminal.options import SELECTION

UntilOption = Annotated[
    Until | None,
    typer.Option(
        "--until",
        help="settled: add docs in steps, and stop in each language where the pair (the first two "
        "models) is judged better, worse or equivalent. Its error rate holds at every step.",
        rich_help_panel=SELECTION,
    ),
]
StepOption = Annotated[
    int,
    typer.Option(
        "--step",
        min=1,
        metavar="N",
        help="Docs added at a time with --until settled; at least a 20th of all.",
        rich_help_panel=SELECTION,
    ),
]
Given = Annotated[
    float | None,
    typer.Option(
        "--tokens-per-second",
        min=0.001,
        metavar="N",
        help="The speed of a device, where none was measured, or instead of that.",
    ),
]
Earlier = Annotated[
    str | None,
    typer.Option(
        "--speed-from", metavar="RUN", help="Another run, whose speed of the same models is taken."
    ),
]
