"""What does a person see while a run works? Bars on a terminal, plain lines in a pipe."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Column

from mlbench.runner.events import (
    CellDone,
    CellFailed,
    DocsAdded,
    Event,
    ModelLoaded,
    ModelStopped,
)

LINE_SECONDS = 10.0
"""In a pipe: how long to be silent at most."""


@dataclass
class Tally:
    """What a run did: counts over its events."""

    n_done: int = 0
    n_docs: int = 0
    n_tokens: int = 0
    n_truncated: int = 0
    truncated_cells: int = 0
    seconds: float = 0.0
    failed: list[CellFailed] = field(default_factory=list)
    stopped: list[ModelStopped] = field(default_factory=list)

    def add(self, event: Event) -> None:
        """Count one event."""
        if isinstance(event, CellFailed):
            self.failed.append(event)
        elif isinstance(event, ModelStopped):
            self.stopped.append(event)
        elif isinstance(event, CellDone):
            usage: Any = event.usage
            self.n_done += 1
            self.n_docs += len(event.result.samples) - event.planned.begun
            self.n_tokens += usage["n_tokens"] or 0
            self.n_truncated += usage["n_truncated"] or 0
            self.truncated_cells += bool(usage["n_truncated"])
            self.seconds += usage["seconds"]

    def rate(self) -> str:
        """Return docs and tokens a second, as text."""
        if not self.seconds:
            return ""
        docs, tokens = self.n_docs / self.seconds, self.n_tokens / self.seconds / 1000
        return f"{docs:,.0f} docs/s" + (f", {tokens:,.1f}k tokens/s" if self.n_tokens else "")


def watch(events: Iterable[Event], n_cells: int, console: Console, tally: Tally) -> None:
    """Show the events of a run until it ends, counting into `tally`."""
    if console.is_terminal:
        _watch_on_terminal(events, n_cells, console, tally)
    else:
        _watch_in_pipe(events, n_cells, console, tally)


def _watch_on_terminal(
    events: Iterable[Event], n_cells: int, console: Console, tally: Tally
) -> None:
    # On 80 columns only the name of the cell gives way; every number stays whole.
    name, whole = Column(ratio=1, no_wrap=True, overflow="ellipsis"), Column(no_wrap=True)
    columns = (
        TextColumn("{task.description}", table_column=name),
        BarColumn(bar_width=8),
        TextColumn("{task.completed}/{task.total} cells", table_column=whole),
        TextColumn("{task.fields[rate]}", table_column=whole),
        TimeRemainingColumn(table_column=whole),
    )
    with Progress(*columns, console=console, expand=True) as progress:
        bar = progress.add_task("loading model", total=n_cells, rate="")
        for event in _count(events, tally):
            text = escape(_where(event))
            progress.update(
                bar, description=text, rate=tally.rate(), completed=tally.n_done + len(tally.failed)
            )
            if isinstance(event, DocsAdded):
                n_cells += event.n_cells
                progress.update(bar, total=n_cells)
                progress.console.print(text)
            elif isinstance(event, CellFailed):
                progress.console.print(escape(_failure(event)), style="red")
            elif isinstance(event, ModelStopped):
                progress.console.print(escape(_where(event)), style="red")


def _watch_in_pipe(events: Iterable[Event], n_cells: int, console: Console, tally: Tally) -> None:
    said = time.monotonic()
    for event in _count(events, tally):
        n = tally.n_done + len(tally.failed)
        if isinstance(event, DocsAdded):
            n_cells += event.n_cells
        if isinstance(event, ModelLoaded | ModelStopped | DocsAdded):
            console.print(_where(event), markup=False)
        elif isinstance(event, CellFailed):
            console.print(_failure(event), markup=False)
        elif time.monotonic() - said > LINE_SECONDS or n == n_cells:
            said = time.monotonic()
            left = tally.seconds / n * (n_cells - n)
            line = f"{n}/{n_cells} cells, {tally.rate()}, about {left:.0f} s left: {_where(event)}"
            console.print(line, markup=False)


def _count(events: Iterable[Event], tally: Tally) -> Iterator[Event]:
    for event in events:
        tally.add(event)
        yield event


def _where(event: Event) -> str:
    if isinstance(event, ModelLoaded):
        return f"{event.model}: loaded in {event.seconds:.1f} s, {event.n_cells} cells"
    if isinstance(event, ModelStopped):
        return (
            f"STOPPED {event.model}: {event.n_failed} equal failures in a row; {event.n_left} of "
            f"its cells stay pending"
        )
    if isinstance(event, DocsAdded):
        n_all = event.n_settled + event.n_open
        return f"{event.n_settled}/{n_all} settled: more docs for {event.n_cells} cells"
    cell = event.planned.cell
    return f"{cell.model} {cell.family} {cell.language} {cell.shots}-shot"


def _failure(event: CellFailed) -> str:
    return f"FAILED {_where(event)}: {event.failed.reason}"
