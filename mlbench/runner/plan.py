"""Which cells does a run hold, and which of them are still to do?

A cell is pending if it is missing, failed, damaged, or if its signature changed: what was scored,
by which weights, with which engine. Nothing is loaded and nothing is run here.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from mlbench import __version__, store
from mlbench.data.prepare import Prepared, hash_prompts
from mlbench.errors import StoreError
from mlbench.models import Model, fingerprint
from mlbench.records import Cell, Language
from mlbench.settings import Settings
from mlbench.store.manifest import Contents, add_to_manifest, family_facts

logger = logging.getLogger(__name__)

State = Literal["done", "missing", "failed", "changed", "damaged"]


@dataclass(frozen=True, slots=True)
class PlannedCell:
    """A cell with its docs, its file, its signature, and where it stands."""

    cell: Cell
    model: Model
    prepared: Prepared
    path: Path
    signature: dict[str, Any]
    state: State


@dataclass(frozen=True, slots=True)
class Plan:
    """All cells of a command, and the languages that have no data, by family with the reason."""

    folder: Path
    cells: tuple[PlannedCell, ...]
    no_data: dict[str, dict[str, str]]

    @property
    def pending(self) -> list[PlannedCell]:
        """Return the cells still to do."""
        return [planned for planned in self.cells if planned.state != "done"]


def make_plan(
    folder: Path, models: Iterable[Model], prepared: Sequence[Prepared], settings: Settings
) -> Plan:
    """Return the plan of a command against what the run's folder holds.

    A family that takes fewer examples than asked for is planned at the most it takes.
    """
    no_data: dict[str, dict[str, str]] = {}
    cells = []
    for model in models:
        weights = fingerprint(model)
        for item in prepared:
            if item.reason:
                no_data.setdefault(item.family.name, {})[item.language.tag] = item.reason
                continue
            for shots in sorted({min(n, item.family.max_shots) for n in settings.shots}):
                signature = _sign(model, weights, item, shots, settings)
                cells.append(_plan_cell(folder, model, item, shots, signature))
    return Plan(folder, tuple(cells), no_data)


def write_manifest(plan: Plan, languages: Iterable[Language]) -> None:
    """Add a plan to its run's manifest."""
    models = {p.model.name: {"slug": p.model.slug, **p.model.facts} for p in plan.cells}
    families = {p.prepared.family.name: family_facts(p.prepared.family) for p in plan.cells}
    cells = [planned.cell for planned in plan.cells]
    add_to_manifest(plan.folder, Contents(models, families, cells, languages, plan.no_data))


def _plan_cell(
    folder: Path, model: Model, prepared: Prepared, shots: int, signature: dict[str, Any]
) -> PlannedCell:
    cell = Cell(model.name, prepared.family.name, prepared.language.tag, shots)
    path = store.cell_path(folder, model.slug, cell)
    return PlannedCell(cell, model, prepared, path, signature, _find_state(path, signature))


def _find_state(path: Path, signature: dict[str, Any]) -> State:
    try:
        found = store.get(path)
    except StoreError as error:
        logger.warning("%s", error)
        return "damaged"
    if found is None:
        return "missing"
    if isinstance(found, store.FailedCell):
        return "failed"
    compared = {k: v for k, v in found.signature.items() if k not in _INFORMATIVE}
    wanted = {k: v for k, v in signature.items() if k not in _INFORMATIVE}
    return "done" if compared == wanted else "changed"


_INFORMATIVE = frozenset({"mlbench", "data_revision", "verify", "mode", "given_up"})
"""Parts of a signature that change no score: the content has its own digest beside its revision,
and all modes of the packed engine give the same numbers. The runner adds the last two."""


def _sign(
    model: Model, weights: str, prepared: Prepared, shots: int, settings: Settings
) -> dict[str, Any]:
    family = prepared.family
    return {
        "model": model.name,
        "backend": model.backend,
        "arguments": model.arguments,
        "weights": weights,
        "dtype": settings.dtype,
        "engine": settings.engine if model.backend == "hf" else model.backend,
        "overflow": settings.overflow,
        "verify": settings.verify,
        "family": family.name,
        "family_version": family.version,
        "language": prepared.language.tag,
        "data_sha256": prepared.sha256,
        "data_revision": prepared.revision,
        "prompts": hash_prompts(prepared, shots, settings.limit),
        "shots": shots,
        "limit": settings.limit,
        "lm_eval": version("lm-eval"),
        "mlbench": __version__,
    }
