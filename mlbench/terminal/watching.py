"""How far is a run that another terminal, or another machine on the same disk, is working on?

Nothing is asked of the command that runs: its cells and its record in run.json say all. The time
left counts the tokens that are left, as the run itself does (runner/forecast.py).
"""

import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from mlbench.terminal.options import AsJson, RunArgument

LogTo = Annotated[
    list[str],
    typer.Option(
        "--log",
        metavar="LOGGER",
        help="Tell another program of each cell as well: tensorboard, trackio, wandb, or a logger "
        "of a package of yours.",
    ),
]
NOT_LOGGED: list[str] = []

SHOWN_FAILURES = 3
"""Failed cells that are named; mlbench list cells has all."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run stands. `per_minute` and `seconds_left` are None while nothing was scored."""

    cells: Mapping[str, int]
    scored_now: int
    per_minute: float | None
    seconds_left: float | None
    ended: str | None
    failed: tuple[str, ...]

    @property
    def is_over(self) -> bool:
        """Return whether nothing is left, or the latest command has ended."""
        left = sum(n for state, n in self.cells.items() if state not in ("done", "failed"))
        return not left or self.ended is not None

    def line(self) -> str:
        """Say it in a line."""
        parts = [f"{self.cells['done']}/{sum(self.cells.values())} cells"]
        if self.cells["failed"]:
            parts.append(f"{self.cells['failed']} failed")
        if self.per_minute is not None and not self.is_over:
            minutes, seconds = divmod(int(self.seconds_left or 0), 60)
            parts.append(
                f"{self.per_minute:.1f} a minute, about {minutes} min {seconds:02d} s left"
            )
        if self.ended:
            parts.append(f"the latest command ended at {self.ended}")
        return ", ".join(parts)


def look_at(run: str, now: float | None = None) -> Progress:
    """Return where a run stands; `now` in seconds of the epoch."""
    from mlbench.runner.forecast import Forecast, Size
    from mlbench.store import cell_path, find_run
    from mlbench.store.manifest import read_manifest
    from mlbench.store.read import read_run

    folder = find_run(run)
    found, manifest = read_run(folder), read_manifest(folder)
    records: list[Mapping[str, Any]] = manifest.get("invocations", [])
    created = {"started": found.created, "ended": None}
    latest: Mapping[str, Any] = records[-1] if records else created
    started = datetime.fromisoformat(latest["started"]).timestamp()
    paths = [cell_path(folder, manifest["models"][c.model]["slug"], c) for c in found.done]
    written = [_written_since(path, started) for path in paths]
    scored = sum(written)
    spent = (datetime.now(UTC).timestamp() if now is None else now) - started
    rate = scored / spent if scored and spent > 0 else None
    forecast = Forecast()
    for cell, is_new in zip(found.done, written, strict=True):
        if is_new:
            forecast.add(Size(cell), found.done[cell].usage)
    coming = [Size(c) for c in found.planned if found.state(c) not in ("done", "failed")]
    share = forecast.left(coming).tokens / sum(forecast.tokens) if rate else None
    counts: dict[str, int] = {str(state): n for state, n in found.counts.items()}
    return Progress(
        counts,
        scored,
        rate and 60 * rate,
        None if share is None else share * spent,
        latest["ended"],
        tuple(f"{c.model} {c.family} {c.language}: {found.reason(c)}" for c in found.failed),
    )


def _written_since(path: Path, started: float) -> bool:
    try:
        return path.stat().st_mtime >= started
    except OSError:
        return False  # in a packed file: it was there before


def watch(
    run: RunArgument,
    every: Annotated[float, typer.Option(min=0.1, help="Seconds between two looks.")] = 10,
    once: Annotated[bool, typer.Option("--once", help="Look once, and end.")] = False,
    as_json: AsJson = False,
) -> None:
    """Watch a run that works elsewhere: cells, rate, time left, failures. Ends when it does.

    [bold]Examples[/bold]

      mlbench watch bench

      mlbench watch bench --once --json
    """
    named: set[str] = set()
    said = ""
    while True:
        progress = look_at(run)
        if as_json:
            typer.echo(json.dumps(asdict(progress), ensure_ascii=False, sort_keys=True))
        else:
            new = [text for text in progress.failed if text not in named]
            named |= set(new)
            for text in new[:SHOWN_FAILURES]:
                typer.echo(f"FAILED {text.partition(chr(10))[0]}")
            if progress.line() != said:
                said = progress.line()
                typer.echo(said)
        if once or progress.is_over:
            raise typer.Exit(1 if progress.failed else 0)
        time.sleep(every)
