"""What does a person see while a run works? Bars on a terminal, plain lines in a pipe."""

import math
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Column

from mlbench.records import Cell
from mlbench.runner.events import (
    CellDone,
    CellFailed,
    DocsAdded,
    Event,
    ModelLoaded,
    ModelStopped,
)
from mlbench.runner.forecast import Forecast, Size, size_of
from mlbench.runner.plan import PlannedCell
from mlbench.wording import plural

MINUTE = 60
FORECAST_SECONDS = 2.0
"""Between two forecasts: over thirty thousand cells one takes a tenth of that."""

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


@dataclass
class Ahead:
    """What is still to come: its state is the cells left, and what the finished ones took."""

    cells: dict[Cell, Size]
    forecast: Forecast = field(default_factory=Forecast)
    start: float = field(default_factory=time.monotonic)
    n_cells: int = 0
    said: str = ""
    said_at: float = -math.inf

    def add(self, event: Event) -> None:
        """Take what is done off what is left, and add what comes to it."""
        if isinstance(event, CellDone | CellFailed):
            size = self.cells.pop(event.planned.cell, None)
            if size is not None and isinstance(event, CellDone):
                self.forecast.add(size, event.usage)
        elif isinstance(event, ModelStopped):
            self.cells = {c: size for c, size in self.cells.items() if c.model != event.model}
        elif isinstance(event, DocsAdded):
            self.n_cells += len(event.cells)
            self.cells |= {planned.cell: size_of(planned) for planned in event.cells}

    def text(self) -> str:
        """Say how long the rest will take, worked out every few seconds at most."""
        if time.monotonic() - self.said_at > FORECAST_SECONDS or not self.cells:
            self.said_at = time.monotonic()
            left = self.forecast.left(self.cells.values())
            if left.seconds is None:
                self.said = ""
            else:
                # Several workers score at the same time: their seconds are more than the clock's.
                spent = sum(self.forecast.seconds)
                at_once = max(1.0, spent / max(self.said_at - self.start, 1e-9))
                self.said = f"about {shown_time(left.seconds / at_once)} left"
        return self.said


def shown_time(seconds: float) -> str:
    """Say a time in the two units that matter.

    >>> shown_time(42.4), shown_time(125), shown_time(7500)
    ('42 s', '2 min 05 s', '2 h 05 min')
    """
    if seconds < MINUTE:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(int(seconds), MINUTE)
    hours, minutes_left = divmod(minutes, MINUTE)
    return f"{hours} h {minutes_left:02d} min" if hours else f"{minutes} min {rest:02d} s"


def watch(
    events: Iterable[Event], cells: Sequence[PlannedCell], console: Console, tally: Tally
) -> None:
    """Show the events of a run of cells until it ends, counting into `tally`."""
    ahead = Ahead({planned.cell: size_of(planned) for planned in cells}, n_cells=len(cells))
    if console.is_terminal:
        _watch_on_terminal(events, ahead, console, tally)
    else:
        _watch_in_pipe(events, ahead, console, tally)


def _watch_on_terminal(
    events: Iterable[Event], ahead: Ahead, console: Console, tally: Tally
) -> None:
    # On 80 columns only the name of the cell gives way; every number stays whole.
    name, whole = Column(ratio=1, no_wrap=True, overflow="ellipsis"), Column(no_wrap=True)
    columns = (
        TextColumn("{task.description}", table_column=name),
        BarColumn(bar_width=8),
        TextColumn("{task.completed}/{task.total} cells", table_column=whole),
        TextColumn("{task.fields[rate]}", table_column=whole),
        TextColumn("{task.fields[left]}", table_column=whole),
    )
    with Progress(*columns, console=console, expand=True) as progress:
        bar = progress.add_task("loading model", total=ahead.n_cells, rate="", left="")
        for event in _count(events, tally, ahead):
            text, n_done = escape(_where(event)), tally.n_done + len(tally.failed)
            left = ahead.text().removeprefix("about ")
            progress.update(
                bar,
                description=text,
                rate=tally.rate(),
                completed=n_done,
                total=ahead.n_cells,
                left=left,
            )
            if isinstance(event, DocsAdded):
                progress.console.print(text)
            elif isinstance(event, CellFailed):
                progress.console.print(escape(_failure(event)), style="red")
            elif isinstance(event, ModelStopped):
                progress.console.print(escape(_where(event)), style="red")


def _watch_in_pipe(events: Iterable[Event], ahead: Ahead, console: Console, tally: Tally) -> None:
    said = time.monotonic()
    for event in _count(events, tally, ahead):
        n = tally.n_done + len(tally.failed)
        if isinstance(event, ModelLoaded | ModelStopped | DocsAdded):
            console.print(_where(event), markup=False)
        elif isinstance(event, CellFailed):
            console.print(_failure(event), markup=False)
        elif time.monotonic() - said > LINE_SECONDS or n == ahead.n_cells:
            said = time.monotonic()
            line = f"{n}/{ahead.n_cells} cells, {tally.rate()}, {ahead.text()}: {_where(event)}"
            console.print(line, markup=False)


def _count(events: Iterable[Event], tally: Tally, ahead: Ahead) -> Iterator[Event]:
    for event in events:
        tally.add(event)
        ahead.add(event)
        yield event


def _where(event: Event) -> str:
    if isinstance(event, ModelLoaded):
        return f"{event.model}: loaded in {event.seconds:.1f} s, {plural(event.n_cells, 'cell')}"
    if isinstance(event, ModelStopped):
        return (
            f"STOPPED {event.model}: {event.n_failed} equal failures in a row; {event.n_left} of "
            f"its cells stay pending"
        )
    if isinstance(event, DocsAdded):
        n_all = event.n_settled + event.n_open
        return (
            f"{event.n_settled}/{n_all} settled: more docs for {plural(len(event.cells), 'cell')}"
        )
    cell = event.planned.cell
    return f"{cell.model} {cell.family} {cell.language} {cell.shots}-shot"


def _failure(event: CellFailed) -> str:
    return f"FAILED {_where(event)}: {event.failed.reason}"
