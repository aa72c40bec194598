"""How does a plan become results? One model at a time, one cell at a time, each kept when done.

The loop yields an event a cell, so that a terminal, a pipe or a test can watch it. A cell that
breaks is recorded with its traceback and the rest goes on.
"""

import re
import time
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any

from mlbench import store
from mlbench.errors import CellRefused, ContextOverflow, TextLost
from mlbench.harness.backend import CountingModel, Usage, load_model
from mlbench.harness.evaluate import evaluate, verify
from mlbench.harness.loading import told_in_one_line
from mlbench.harness.server import refuse_another_model
from mlbench.harness.task import with_label_means
from mlbench.measures import Sample, cell_score
from mlbench.models import Model
from mlbench.records import Score
from mlbench.redaction import redact
from mlbench.runner.events import CellDone, CellFailed, Event, ModelLoaded, ModelStopped
from mlbench.runner.peak import read_peak, restart_peak
from mlbench.runner.plan import Plan, PlannedCell
from mlbench.runner.precision import PrecisionWatch
from mlbench.runner.window import refuse_overflow
from mlbench.settings import Settings
from mlbench.store.findings import findings_of
from mlbench.store.texts import keep_texts

MAX_EQUAL_FAILURES = 8
"""Equal failures in a row after which a model is given up: memory that is full or a device that
hangs would fail every cell that follows, one by one, for hours."""


def run(plan: Plan, settings: Settings) -> Iterator[Event]:
    """Run the pending cells of a plan; the caller holds the lock of the run (runner/command.py).

    Raises ModelError or ContextOverflow before a model's first cell, StoreError when a result
    cannot be written; what was finished before stays.
    """
    for _, group in groupby(plan.pending, key=lambda planned: planned.model.name):
        yield from _run_model(list(group), settings, plan.folder)


def _run_model(cells: list[PlannedCell], settings: Settings, folder: Path) -> Iterator[Event]:
    """Run the cells of one model, which nothing holds afterwards: the next may need its memory."""
    start = time.perf_counter()
    model = load_model(cells[0].model, settings, cells[0].signature)
    check(model, cells, settings)
    refuse_mixture(model, cells[0].model, folder)
    yield ModelLoaded(cells[0].model.name, time.perf_counter() - start, len(cells))
    streak, watch = Streak(), PrecisionWatch(model, cells, settings)
    for number, planned in enumerate(cells, start=1):
        outcome = score(model, planned)
        yield keep(folder, planned, outcome)
        streak.add(outcome)
        watch.scored(number, outcome)
        if streak.n >= MAX_EQUAL_FAILURES and number < len(cells):
            yield ModelStopped(planned.cell.model, streak.n, len(cells) - number, streak.reason)
            return


def refuse_mixture(model: CountingModel, named: Model, folder: Path) -> None:
    """Refuse a server that is not the model whose cells the run already holds under its name.

    Raises ModelError.
    """
    if not model.findings.replies:
        return
    earlier = store.find_finished(folder / named.slug)
    if earlier is not None:
        with told_in_one_line("model", named):
            refuse_another_model(model.findings, findings_of(earlier.usage))


@dataclass
class Streak:
    """How many outcomes in a row failed the same way; state: those since the last other one."""

    n: int = 0
    kind: str = ""
    reason: str = ""

    def add(self, outcome: store.CellResult | store.FailedCell) -> None:
        """Count an outcome. A context beyond the window is the cell's own fault, and ends a row."""
        kind = _kind_of_failure(outcome)
        self.n = self.n + 1 if kind and kind == self.kind else int(bool(kind))
        self.kind = kind
        self.reason = _first_line(outcome.reason) if isinstance(outcome, store.FailedCell) else ""


def _kind_of_failure(outcome: store.CellResult | store.FailedCell) -> str:
    """Return the type and the head of the message, without numbers, which change from cell to cell.

    Empty for a cell that is done, or that broke by what is in it.
    """
    if not isinstance(outcome, store.FailedCell):
        return ""
    if outcome.reason.startswith(_OF_THE_CELL):
        return ""
    return re.sub(r"\d+", "0", _first_line(outcome.reason))[:_HEAD]


def _first_line(reason: str) -> str:
    return reason.partition("\n")[0]


_OF_THE_CELL = (CellRefused.__name__, ContextOverflow.__name__, TextLost.__name__)
"""Failures by what a cell holds, which say nothing about the next one."""

_HEAD = 60
"""Characters of a message: the words that say what broke stand before those that say where."""


def score(model: CountingModel, planned: PlannedCell) -> store.CellResult | store.FailedCell:
    """Score one cell; what breaks in it becomes a FailedCell, never a score.

    Of a cell that was begun these are only the docs that it lacks: `keep` puts them together.
    """
    start, is_watched = time.perf_counter(), restart_peak(model.device)
    try:
        how = {"shots": planned.cell.shots, "start": planned.begun}
        samples, usage = evaluate(model, planned.prepared, **how, limit=planned.limit)
        scores = {} if planned.begun else _scores(planned, samples)
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        trace = traceback.format_exc()
        reason, trace = (redact(text, planned.model.arguments) for text in (reason, trace))
        return store.FailedCell(planned.cell, reason, trace, planned.signature)
    spent = {
        **usage._asdict(),
        "seconds": round(time.perf_counter() - start, 4),
        "device": model.device,
        "mode": model.mode,
        "model_bytes": model.model_bytes,
        "peak_bytes": read_peak(model.device) if is_watched else None,
        **model.findings.as_usage(),
    }
    signature = replace(planned.signature, mode=model.mode, given_up=tuple(model.given_up))
    return store.CellResult(planned.cell, signature, scores, spent, tuple(samples))


def keep(folder: Path, planned: PlannedCell, outcome: store.CellResult | store.FailedCell) -> Event:
    """Put the outcome of a cell, and the texts of its docs, on disk.

    Raises StoreError if that fails.
    """
    store.refuse_vanished(folder)
    if isinstance(outcome, store.FailedCell):
        store.put_failed(planned.path, outcome)
        return CellFailed(planned, outcome)
    keep_texts(folder, planned.prepared)
    result = _put_together(planned, outcome) if planned.begun else outcome
    store.put(planned.path, result)
    return CellDone(planned, result, outcome.usage)


def _scores(planned: PlannedCell, samples: Sequence[Sample]) -> dict[str, Score]:
    return {metric: cell_score(samples, metric) for metric in planned.prepared.family.metrics}


def _put_together(planned: PlannedCell, added: store.CellResult) -> store.CellResult:
    """Return the docs that a cell has with those that were added; counts and seconds are sums."""
    earlier = store.get(planned.path, planned.cell)
    assert isinstance(earlier, store.CellResult), "the lock of the run is held since it was seen"
    samples = tuple(with_label_means([*earlier.samples, *added.samples]))
    summed = {
        name: _sum(earlier.usage.get(name), value) if name in SUMMED else value
        for name, value in added.usage.items()
    }
    most = (use.get("peak_bytes") for use in (earlier.usage, added.usage))
    summed["peak_bytes"] = max((int(n) for n in most if n), default=None)
    return replace(added, scores=_scores(planned, samples), usage=summed, samples=samples)


SUMMED = frozenset({*Usage._fields, "seconds"})
"""Counts of a cell's usage; the rest says how it was made."""


def _sum(earlier: Any, added: Any) -> Any:
    return None if earlier is None or added is None else round(earlier + added, 4)


def check(model: CountingModel, cells: list[PlannedCell], settings: Settings) -> None:
    """Find out before the first cell what would spoil many: a short window, a wrong mode.

    Raises ContextOverflow as window.refuse_overflow does.
    """
    refuse_overflow(model, cells, settings.limit)
    pairs = [(planned.prepared, planned.cell.shots) for planned in cells]
    verify(model, pairs, n_docs=settings.verify, limit=settings.limit)
