"""The options of a run that adds docs until the pair is told apart."""

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
