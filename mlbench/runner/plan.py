"""Which cells does a run hold, and which of them are still to do?

A cell is pending if it is missing, failed, damaged, or if its signature changed: what was scored,
by which weights, with which engine. Which parts of a signature decide that says store/signature.py.
Nothing is loaded and nothing is run here.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from mlbench import __version__, store
from mlbench.data.languages import REFERENCE
from mlbench.data.prepare import Prepared, hash_prompts
from mlbench.errors import StoreError
from mlbench.models import Model, fingerprint, own_dtype, with_options
from mlbench.records import Cell, Language, OutputType
from mlbench.settings import Settings
from mlbench.stats.sequential import schedule
from mlbench.store.manifest import Contents, add_to_manifest, family_facts
from mlbench.store.read import State
from mlbench.store.replacing import Replaced, refuse_losses
from mlbench.store.signature import Signature

logger = logging.getLogger(__name__)

CHAT = "own template, no system message, thinking off"
"""How a doc is put to a model with --chat. A whole text is no turn, and is left as it is."""

TEXTS = "without special tokens"
"""Which tokens of a whole text are scored: those of the text alone."""


@dataclass(frozen=True, slots=True)
class PlannedCell:
    """A cell with its docs, its file, its signature, and where it stands.

    `replaced` is the finished cell that a changed one would take the place of; `begun` counts the
    docs that a cell of a run until settled has already, which are not scored again.
    """

    cell: Cell
    model: Model
    prepared: Prepared
    path: Path
    signature: Signature
    state: State = "missing"
    replaced: Replaced | None = None
    begun: int = 0

    @property
    def limit(self) -> int | None:
        """Return how many docs the cell is to have at most."""
        return None if self.signature.limit is None else int(self.signature.limit)


class Group(NamedTuple):
    """The cells of all models on the same docs."""

    family: str
    language: str
    shots: int


def group_of(planned: PlannedCell) -> Group:
    """Return on which docs a cell is."""
    return Group(planned.cell.family, planned.cell.language, planned.cell.shots)


@dataclass(frozen=True, slots=True)
class Plan:
    """All cells of a command, and the languages that have no data, by family with the reason.

    `pair` is A and B of the first comparison, where the command named them.
    """

    folder: Path
    cells: tuple[PlannedCell, ...]
    no_data: dict[str, dict[str, str]]
    pair: tuple[str, str] | None = None

    @property
    def pending(self) -> list[PlannedCell]:
        """Return the cells still to do."""
        return [planned for planned in self.cells if planned.state != "done"]

    @property
    def replaced(self) -> list[Replaced]:
        """Return the finished cells whose place planned ones would take."""
        return [planned.replaced for planned in self.cells if planned.replaced is not None]

    @property
    def changed_parts(self) -> tuple[str, ...]:
        """Name the parts of a signature in which finished cells differ from the planned ones."""
        found = (one.wanted.same_cell(one.earlier) for one in self.replaced)
        return tuple(dict.fromkeys(name for names in found for name in names))


def make_plan(
    folder: Path, models: Iterable[Model], prepared: Sequence[Prepared], settings: Settings
) -> Plan:
    """Return the plan of a command against what the run's folder holds."""
    return find_states(sign_cells(folder, models, prepared, settings))


def sign_cells(
    folder: Path, models: Iterable[Model], prepared: Sequence[Prepared], settings: Settings
) -> Plan:
    """Return the plan of a command as if the run's folder was empty; it is not looked at.

    A family that takes fewer examples than asked for is planned at the most it takes. Where
    `settings.dtype` is auto, the checkpoint's own is signed.
    """
    no_data: dict[str, dict[str, str]] = {}
    cells = []
    for model in models:
        weights = fingerprint(model)
        dtype = _resolve_dtype(model, weights, with_options(settings, model))
        for item in prepared:
            if item.reason:
                no_data.setdefault(item.family.name, {})[item.language.tag] = item.reason
                continue
            for shots in sorted({min(n, item.family.max_shots) for n in settings.shots}):
                signed = replace(_sign(model, item, shots, settings), weights=weights, dtype=dtype)
                cell = Cell(model.name, item.family.name, item.language.tag, shots)
                path = store.cell_path(folder, model.slug, cell)
                cells.append(PlannedCell(cell, model, item, path, signed))
    return Plan(folder, tuple(cells), no_data)


def find_states(plan: Plan) -> Plan:
    """Return the plan with the state of each cell as it is on disk now.

    Cells on the same docs, in a run until settled, are to have as many as any of them has.
    """
    found = [_find_state(planned) for planned in plan.cells]
    return replace(plan, cells=tuple(catch_up(found)))


def catch_up(cells: Sequence[PlannedCell]) -> list[PlannedCell]:
    """Ask for as many docs of each cell as others on the same docs have or are to have.

    English has as many as any language of a parallel family.
    """
    wanted: dict[Group, int] = {}
    for planned in cells:
        if planned.signature.looks:
            group, n = group_of(planned), max(planned.limit or 0, planned.begun)
            english = group._replace(language=REFERENCE)
            for one in {group, english} if planned.prepared.family.is_parallel else {group}:
                wanted[one] = max(wanted.get(one, 0), n)
    return [
        _reaching(planned, wanted[group_of(planned)]) if planned.signature.looks else planned
        for planned in cells
    ]


def _reaching(planned: PlannedCell, n_docs: int) -> PlannedCell:
    looks = planned.signature.looks or ()
    limit = next((n for n in looks if n >= n_docs), looks[-1])
    state: State = planned.state
    if planned.begun:
        state = "done" if planned.begun == limit else "missing"
    return replace(planned, signature=replace(planned.signature, limit=limit), state=state)


def refuse_replacing(plan: Plan) -> None:
    """Refuse a plan by which finished cells would be lost (store/replacing.py says which).

    Raises SelectionError.
    """
    n_done = sum(p.state in ("done", "changed") for p in plan.cells)
    refuse_losses(plan.folder, plan.replaced, n_done)


def write_manifest(plan: Plan, languages: Iterable[Language]) -> None:
    """Add a plan to its run's manifest."""
    models = {p.model.name: {"slug": p.model.slug, **p.model.facts} for p in plan.cells}
    families = {p.prepared.family.name: family_facts(p.prepared.family) for p in plan.cells}
    digests = {planned.cell: planned.signature.digest for planned in plan.cells}
    contents = Contents(
        models, families, tuple(digests), languages, plan.no_data, digests, plan.pair
    )
    add_to_manifest(plan.folder, contents)


def _find_state(planned: PlannedCell) -> PlannedCell:
    try:
        found = store.get(planned.path, planned.cell)
    except StoreError as error:
        logger.warning("%s", error)
        return replace(planned, state="damaged")
    if found is None:
        return replace(planned, state="missing")
    if isinstance(found, store.FailedCell):
        return replace(planned, state="failed")
    changed = planned.signature.same_cell(found.signature)
    if planned.signature.looks and set(changed) <= {"limit"}:
        return replace(planned, state="done", replaced=None, begun=len(found.samples))
    if changed:
        n_docs, limit = len(planned.prepared.docs.scored), planned.signature.limit
        sizes = (len(found.samples), n_docs if limit is None else min(n_docs, int(limit)))
        replaced = Replaced(found.signature, planned.signature, *sizes)
        return replace(planned, state="changed", replaced=replaced)
    return replace(planned, state="done")


def _resolve_dtype(model: Model, weights: str, settings: Settings) -> str | None:
    """Return the dtype to sign and to load; None for a backend that mlbench passes none to."""
    if model.backend != "hf":
        return None
    return own_dtype(model, weights) if settings.dtype == "auto" else settings.dtype


def _sign(model: Model, prepared: Prepared, shots: int, settings: Settings) -> Signature:
    is_text = prepared.family.output_type == OutputType.TEXT
    n_docs = len(prepared.docs.scored[: settings.limit])
    looks = schedule(n_docs, settings.step) if settings.until else ()
    return Signature(
        model=model.name,
        backend=model.backend,
        arguments=model.identity,
        engine=settings.engine if model.backend == "hf" else model.backend,
        overflow=settings.overflow,
        texts=TEXTS if is_text else None,
        chat=CHAT if settings.chat and not is_text else None,
        bos=None if settings.bos == "auto" else settings.bos,
        verify=settings.verify,
        family=prepared.family.name,
        family_version=prepared.family.version,
        language=prepared.language.tag,
        data_sha256=prepared.sha256,
        data_revision=prepared.revision,
        prompts=hash_prompts(prepared, shots, settings.limit),
        shots=shots,
        limit=looks[0] if len(looks) > 1 else settings.limit,
        looks=looks if len(looks) > 1 else None,
        lm_eval=version("lm-eval"),
        mlbench=__version__,
    )
