"""What changed since an earlier run, for a person in a terminal or as JSON: `--since RUN`."""

import json
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from mlbench.judge.since import Since
    from mlbench.store.read import Run

SinceOption = Annotated[
    str | None,
    typer.Option(
        "--since",
        metavar="RUN",
        help="An earlier run: show how each model changed from it, with intervals.",
    ),
]


def find_changes(
    run: "Run", earlier: str, models: Collection[str] | None, claims: Path | None, seed: int
) -> "Since":
    """Judge models of a run (None: all) against themselves in an earlier run."""
    from mlbench.judge import read_claims
    from mlbench.judge.since import changes_since
    from mlbench.stats import Resampling
    from mlbench.store.read import read_run

    asked = read_claims(claims) if claims else read_claims()
    how = Resampling(seed=seed)
    return changes_since(run, read_run(earlier), models, claims=asked, resampling=how)


def show_changes(since: "Since", *, as_json: bool) -> None:
    """Print what changed."""
    from rich.console import Console

    from mlbench.report.changes import shown_since

    if as_json:
        print(json.dumps(since.as_json(), sort_keys=True, ensure_ascii=False, allow_nan=False))
        return
    console = Console(soft_wrap=True, highlight=False)
    found = shown_since(since, {})
    lines = [f"What changed since {found.run}:", *found.sentences]
    for change in found.changes:
        lines += [f"\n{change.model}:", *(f"  {sentence}" for sentence in change.sentences)]
        lines += [
            f"  {line.state} in {line.title}: {line.change} ({line.interval})"
            for line in change.languages
        ]
    console.print("\n".join(lines), markup=False)
