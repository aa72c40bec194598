"""How does a plan become results? One model at a time, one cell at a time, each kept when done.

The loop yields an event a cell, so that a terminal, a pipe or a test can watch it. A cell that
breaks is recorded with its traceback and the rest goes on.
"""

import time
import traceback
from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby
from pathlib import Path

from mlbench import store
from mlbench.harness.backend import CountingModel, load_model
from mlbench.harness.evaluate import evaluate, verify
from mlbench.measures import cell_score
from mlbench.runner.events import CellDone, CellFailed, Event, ModelLoaded
from mlbench.runner.plan import Plan, PlannedCell
from mlbench.runner.window import refuse_overflow
from mlbench.settings import Settings
from mlbench.store.texts import keep_texts


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
    yield ModelLoaded(cells[0].model.name, time.perf_counter() - start, len(cells))
    for planned in cells:
        yield keep(folder, planned, score(model, planned, settings.limit))


def score(
    model: CountingModel, planned: PlannedCell, limit: int | None
) -> store.CellResult | store.FailedCell:
    """Score one cell; what breaks in it becomes a FailedCell, never a score."""
    start = time.perf_counter()
    try:
        samples, usage = evaluate(model, planned.prepared, shots=planned.cell.shots, limit=limit)
        metrics = planned.prepared.family.metrics
        scores = {metric: cell_score(samples, metric) for metric in metrics}
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        trace = traceback.format_exc()
        return store.FailedCell(planned.cell, reason, trace, planned.signature)
    spent = {
        **usage._asdict(),
        "seconds": round(time.perf_counter() - start, 4),
        "device": model.device,
        "mode": model.mode,
        "model_bytes": model.model_bytes,
    }
    signature = replace(planned.signature, mode=model.mode, given_up=tuple(model.given_up))
    return store.CellResult(planned.cell, signature, scores, spent, tuple(samples))


def keep(folder: Path, planned: PlannedCell, outcome: store.CellResult | store.FailedCell) -> Event:
    """Put the outcome of a cell, and the texts of its docs, on disk.

    Raises StoreError if that fails.
    """
    if isinstance(outcome, store.FailedCell):
        store.put_failed(planned.path, outcome)
        return CellFailed(planned, outcome)
    keep_texts(folder, planned.prepared)
    store.put(planned.path, outcome)
    return CellDone(planned, outcome)


def check(model: CountingModel, cells: list[PlannedCell], settings: Settings) -> None:
    """Find out before the first cell what would spoil many: a short window, a wrong mode.

    Raises ContextOverflow as window.refuse_overflow does.
    """
    refuse_overflow(model, cells, settings.limit)
    pairs = [(planned.prepared, planned.cell.shots) for planned in cells]
    verify(model, pairs, n_docs=settings.verify, limit=settings.limit)
