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
from mlbench.measures import Sample, cell_score
from mlbench.records import Cell, Language
from mlbench.store.manifest import Contents, manifest_files, read_manifest
from mlbench.store.replacing import Replaced, refuse_losses
from mlbench.store.signature import Signature

VERSION = 1
"""Of the importer; a new one makes imported cells change."""


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


class Outcome(NamedTuple):
    """What an import did to a run."""

    folder: Path
    n_new: int
    n_changed: int
    n_known: int
    n_docs: int
    skipped: tuple[Skipped, ...]

    def lines(self) -> Iterable[str]:
        """Yield what a reader is told, a line each."""
        if self.n_new or self.n_changed:
            yield (
                f"{self.folder}: {self.n_new} new cells, {self.n_changed} changed, "
                f"{self.n_known} known; {self.n_docs:,} docs"
            )
        else:
            yield f"{self.folder}: nothing new, all {self.n_known} cells are known"
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
    for imported in found.cells:
        _check_docs(imported)
    with store.lock_run(folder):
        counts = _add(folder, found, languages, may_replace=may_replace)
    n_docs = sum(len(imported.samples) for imported in found.cells)
    states = (counts["new"], counts["changed"], counts["known"])
    return Outcome(folder, *states, n_docs, found.skipped)


def _add(
    folder: Path, found: Imported, languages: Mapping[str, Language], *, may_replace: bool
) -> Counter[str]:
    """Write what the run lacks, and count the states of the cells. The caller holds the lock.

    The manifest takes its place last: who reads meanwhile sees no new cell before it.
    """
    manifest = read_manifest(folder) if (folder / store.MANIFEST).is_file() else {}
    families = _check_families(folder, manifest.get("families", {}), found.families)
    results = [_result_of(imported, families) for imported in found.cells]
    slugs = {name: str(facts["slug"]) for name, facts in found.models.items()}
    paths = [store.cell_path(folder, slugs[r.cell.model], r.cell) for r in results]
    pairs = [(_get_known(path, r.cell), r) for path, r in zip(paths, results, strict=True)]
    states = [_state_of(folder, before, result) for before, result in pairs]
    if not may_replace:
        refuse_losses(folder, _replaced(pairs), len(states) - states.count("new"))
    tags = {result.cell.language for result in results}
    used = [language for tag, language in languages.items() if tag in tags]
    models = {**found.models, **manifest.get("models", {})}
    digests = {result.cell: result.signature.digest for result in results}
    contents = Contents(models, families, tuple(digests), used, digests=digests)
    fills: dict[Path, Fill] = {
        path: partial(store.fill_cell, result)
        for path, result, state in zip(paths, results, states, strict=True)
        if state != "known"
    }
    store.write_together(folder, fills | manifest_files(folder, contents))
    for path in fills:
        store.forget_failure(path)
    return Counter(states)


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


def _get_known(path: Path, cell: Cell) -> store.CellResult | None:
    try:
        found = store.get(path, cell)
    except StoreError:
        return None  # a damaged file is replaced by the import, as a run replaces it
    return found if isinstance(found, store.CellResult) else None


def _state_of(folder: Path, before: store.CellResult | None, after: store.CellResult) -> str:
    """Return new, changed or known; raises DataError for a cell of another model of that name."""
    if before is None:
        return "new"
    if not after.signature.same_cell(before.signature):
        return "known"
    was, now = before.signature, after.signature
    if was.source != now.source or was.arguments != now.arguments:
        cell = after.cell
        raise DataError(
            f"{folder} holds {cell.family} in {cell.language!r} of another model called "
            f"{cell.model!r}, or not from an import. Import into another --run"
        )
    return "changed"


def _replaced(pairs: Iterable[tuple[store.CellResult | None, store.CellResult]]) -> list[Replaced]:
    return [
        Replaced(before.signature, after.signature, len(before.samples), len(after.samples))
        for before, after in pairs
        if before is not None and after.signature.same_cell(before.signature)
    ]
