"""How do results from elsewhere become part of a run? Checked as a whole, then stored as our own.

A cell that is there already with the same signature is left alone, so that a second import of the
same says nothing new.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from mlbench import __version__, store
from mlbench.errors import DataError, StoreError
from mlbench.files import Fill
from mlbench.imports.setups import TOOLS, held_setups, names_of
from mlbench.measures import Sample, cell_score
from mlbench.models import Model
from mlbench.names import fault_of_name
from mlbench.records import Cell, Language
from mlbench.store.manifest import Contents, manifest_files, read_manifest
from mlbench.store.signature import Signature

VERSION = 2
"""Of the importer; a new one makes imported cells change."""


STATES = ("new", "changed", "known")
"""Where a cell that is imported may stand in a run."""


class Skipped(NamedTuple):
    """What was found and not imported, and why."""

    what: str
    reason: str


@dataclass(frozen=True, slots=True)
class ImportedCell:
    """A cell as read from elsewhere; the signature names where from."""

    cell: Cell
    signature: Signature
    samples: tuple[Sample, ...]


@dataclass(frozen=True, slots=True)
class Imported:
    """All that was read: facts of models and families as in the manifest, and the cells."""

    models: Mapping[str, Mapping[str, Any]]
    families: Mapping[str, Mapping[str, Any]]
    cells: tuple[ImportedCell, ...]
    skipped: tuple[Skipped, ...] = ()
    notes: tuple[str, ...] = ()


class Outcome(NamedTuple):
    """What an import did to a run."""

    folder: Path
    n_new: int
    n_changed: int
    n_known: int
    n_docs: int
    skipped: tuple[Skipped, ...]
    notes: tuple[str, ...] = ()

    def lines(self) -> Iterable[str]:
        """Yield what a reader is told, a line each."""
        if self.n_new or self.n_changed:
            yield (
                f"{self.folder}: {self.n_new} new cells, {self.n_changed} changed, "
                f"{self.n_known} known; {self.n_docs:,} docs"
            )
        elif self.n_known:
            yield f"{self.folder}: nothing new, all {self.n_known} cells are known"
        else:
            yield f"{self.folder}: nothing is imported"
        yield from (f"  {note}" for note in self.notes)
        by_reason: dict[str, list[str]] = {}
        for what, reason in self.skipped:
            by_reason.setdefault(reason, []).append(what)
        for reason, names in by_reason.items():
            yield f"  not imported: {', '.join(names)}: {reason}"


def add_to_run(
    run: str | Path,
    found: Imported,
    languages: Mapping[str, Language],
    *,
    may_replace: bool = False,
) -> Outcome:
    """Write what was imported to a run, new or not: all of it, or where that fails nothing.

    Raises DataError, before anything is written, for cells that are not whole or that do not fit
    what the run holds; SelectionError for finished cells that would be lost, unless `may_replace`.
    """
    folder = store.find_run(run, must_exist=False)
    for name in found.families:
        if fault := fault_of_name(name):
            raise DataError(f"family {name!r} {fault}")
    for imported in found.cells:
        _check_docs(imported)
    with store.lock_run(folder):
        manifest = read_manifest(folder) if (folder / store.MANIFEST).is_file() else {}
        found, notes = _name_setups(folder, manifest, found)
        counts, kept = _add(folder, manifest, found, languages, may_replace=may_replace)
    n_docs = sum(len(imported.samples) for imported in found.cells)
    states = (counts["new"], counts["changed"], counts["known"])
    return Outcome(folder, *states, n_docs, (*found.skipped, *kept), (*found.notes, *notes))


def _name_setups(
    folder: Path, manifest: Mapping[str, Any], found: Imported
) -> tuple[Imported, tuple[str, ...]]:
    """Return what was found with a name for each set-up of a model, and what is told of it.

    Raises DataError where the run mixes set-ups under a name. Cells of a table keep their model.
    """
    models, cells, notes = dict(found.models), [], []
    for model, facts in found.models.items():
        own = [imported for imported in found.cells if imported.cell.model == model]
        if any(imported.signature.source not in TOOLS for imported in own):
            cells += own
            continue
        del models[model]
        held = held_setups(folder, manifest, model) if manifest else {}
        named = names_of(model, [imported.signature for imported in own], held)
        for imported in own:
            name, setup = named[imported.signature]
            note = f"{facts['note']}; {setup}"
            models[name] = {**facts, "slug": Model(name, "imported").slug, "note": note}
            signature = replace(imported.signature, model=name)
            cell = imported.cell._replace(model=name)
            cells.append(replace(imported, cell=cell, signature=signature))
        setups = dict(named.values())
        if set(setups) | set(held) > {model}:
            shown = "; ".join(f"{name!r}: {setup}" for name, setup in sorted(setups.items()))
            notes.append(f"set-ups of {model!r} are models of their own: {shown}")
    return replace(found, models=models, cells=tuple(cells)), tuple(notes)


def _add(
    folder: Path,
    manifest: Mapping[str, Any],
    found: Imported,
    languages: Mapping[str, Language],
    *,
    may_replace: bool,
) -> tuple[Counter[str], list[Skipped]]:
    """Write what the run lacks; count the states of the cells and tell which the run keeps.

    The caller holds the lock. The manifest takes its place last: who reads meanwhile sees no new
    cell before it.
    """
    families = _check_families(folder, manifest.get("families", {}), found.families)
    results = [_result_of(imported, families) for imported in found.cells]
    slugs = {name: str(facts["slug"]) for name, facts in found.models.items()}
    paths = [store.cell_path(folder, slugs[r.cell.model], r.cell) for r in results]
    states = [
        _state_of(path, result, may_replace=may_replace)
        for path, result in zip(paths, results, strict=True)
    ]
    stated = list(zip(paths, results, states, strict=True))
    kept = [Skipped(_cell_name(r.cell), state) for _, r, state in stated if state not in STATES]
    held = [result for _, result, state in stated if state in STATES]
    if held:
        tags = {result.cell.language for result in held}
        used = [language for tag, language in languages.items() if tag in tags]
        models = {**found.models, **manifest.get("models", {})}
        digests = {result.cell: result.signature.digest for result in held}
        contents = Contents(models, families, tuple(digests), used, digests=digests)
        fills: dict[Path, Fill] = {
            path: partial(store.fill_cell, result)
            for path, result, state in stated
            if state in ("new", "changed")
        }
        store.write_together(folder, fills | manifest_files(folder, contents))
        for path in fills:
            store.forget_failure(path)
    return Counter(states), kept


def _cell_name(cell: Cell) -> str:
    return f"{cell.family} in {cell.language!r} of {cell.model!r}"


def _check_docs(imported: ImportedCell) -> None:
    counts = Counter(sample.doc_id for sample in imported.samples)
    twice = next((doc_id for doc_id, n in counts.items() if n > 1), None)
    if twice is not None:
        raise DataError(
            f"{imported.cell.family} in {imported.cell.language!r} of {imported.cell.model!r}: "
            f"doc {twice!r} is there twice; each doc needs an id of its own (`doc_id` in --map)"
        )


def _check_families(
    folder: Path, known: Mapping[str, Any], found: Mapping[str, Mapping[str, Any]]
) -> dict[str, Mapping[str, Any]]:
    """Return the facts to store: those of the run where it has the family already."""
    families = {}
    for name, facts in found.items():
        before = known.get(name, facts)
        for key in ("metrics", "is_parallel", "version"):
            if before[key] != facts[key]:
                raise DataError(
                    f"family {name!r} has {key} {before[key]!r} in {folder}, but {facts[key]!r} "
                    f"here; they cannot be compared. Import into another --run"
                )
        if not _is_same(before["chance"], facts["chance"]):
            raise DataError(
                f"family {name!r} has chance {before['chance']!r} in {folder}, but "
                f"{facts['chance']!r} here. Give the same, or import into another --run"
            )
        families[name] = before
    return families


def _is_same(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, abs_tol=1e-9)


def _result_of(
    imported: ImportedCell, families: Mapping[str, Mapping[str, Any]]
) -> store.CellResult:
    metrics = families[imported.cell.family]["metrics"]
    scores = {metric: cell_score(imported.samples, metric) for metric in metrics}
    signature = replace(imported.signature, importer=VERSION, mlbench=__version__)
    usage = {"n_requests": None, "n_tokens": None, "n_truncated": None, "seconds": None}
    return store.CellResult(imported.cell, signature, scores, usage, imported.samples)


def _state_of(path: Path, result: store.CellResult, *, may_replace: bool) -> str:
    """Return new, changed or known, or why the run keeps what it has.

    Raises DataError for a cell that is from elsewhere.
    """
    try:
        found = store.get(path, result.cell)
    except StoreError:
        return "changed"  # a damaged file is replaced by the import, as a run replaces it
    if not isinstance(found, store.CellResult):
        return "new"
    before, after = found.signature, result.signature
    if not after.same_cell(before):
        return "known"
    if before.source != after.source:
        raise DataError(
            f"{path} holds {_cell_name(result.cell)} from elsewhere: {before.source or 'mlbench'}, "
            f"not {after.source}. Import into another --run"
        )
    lacking = [task for task in before.tasks or () if task not in (after.tasks or ())]
    n_before, n_after = len(found.samples), len(result.samples)
    if (n_after < n_before or lacking) and not may_replace:
        limit = "" if after.limit is None else f" with --limit {after.limit:g}"
        tasks = f", also of {', '.join(lacking)}" if lacking else ""
        return (
            f"{n_after:,} docs{limit}, left out for the {n_before:,} docs{tasks} that the run has. "
            f"Import into another --run, or type --replace"
        )
    return "changed"
