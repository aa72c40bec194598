"""How do several runs become one? Their cells are copied, unless two say different things.

Parts of a campaign (--shard), models of several machines, imported results: whatever is planned in
one of the runs is planned in the whole. A finished cell counts before one that failed or is
missing. The manifest is written last.
"""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from mlbench import store
from mlbench.errors import SelectionError, StoreError
from mlbench.records import Cell
from mlbench.store.manifest import Contents, add_to_manifest, planned_cells, read_manifest
from mlbench.store.read import Run, read_language, read_run
from mlbench.store.texts import FOLDER as TEXTS

_DECISIVE = {
    "models": ("slug",),
    "families": ("version", "output_type", "chance", "metrics", "is_parallel", "doc_set"),
}
"""Facts without which cells of one name are not of one thing; a licence may be put otherwise."""


class Merged(NamedTuple):
    """What a merging did: cells that are new in the folder, and those that were there."""

    folder: Path
    n_new: int
    n_known: int


@dataclass(frozen=True, slots=True)
class _Source:
    run: Run
    manifest: dict[str, Any]

    @property
    def folder(self) -> Path:
        return self.run.folder


def merge_runs(runs: Sequence[str | Path], into: str | Path) -> Merged:
    """Bring the cells of runs into one, which may hold cells already.

    Raises SelectionError for fewer than two runs, StoreError for cells, families or models of which
    two runs say different things, for a run that is damaged, and where another command writes.
    """
    target = store.find_run(into, must_exist=False)
    folders = list(dict.fromkeys(store.find_run(run) for run in runs))
    others = [folder for folder in folders if folder.resolve() != target.resolve()]
    has_begun = (target / store.MANIFEST).is_file()
    if len(others) + has_begun < 2:
        raise SelectionError(
            "one run alone is not merged. Name two: mlbench merge RUN RUN --run NEW"
        )
    with store.lock_run(target):
        sources = [_read(folder) for folder in ([target] if has_begun else []) + others]
        _refuse_facts(sources)
        _refuse_cells(sources)
        known = set(sources[0].run.done) if has_begun else set()
        n_known = len(known)
        n_new = sum(_copy(source, target, known) for source in sources[has_begun:])
        for source in sources[has_begun:]:
            add_to_manifest(target, _contents(source, known))
    return Merged(target, n_new, n_known)


def _read(folder: Path) -> _Source:
    run = read_run(folder)
    if run.damaged:
        raise StoreError(
            f"{next(iter(run.damaged.values()))}. Then merge ({len(run.damaged)} cells are damaged)"
        )
    return _Source(run, read_manifest(folder))


def _refuse_facts(sources: Sequence[_Source]) -> None:
    for what in _DECISIVE:
        held: dict[str, tuple[Any, Path]] = {}
        for source in sources:
            for name, facts in source.manifest[what].items():
                before, folder = held.setdefault(name, (facts, source.folder))
                if (key := other_fact(what, before, facts)) is not None:
                    raise StoreError(
                        f"{folder} and {source.folder} differ in {key!r} of {name!r}: "
                        f"{before.get(key)!r} and {facts.get(key)!r}. Run the older one again"
                    )


def _is_other(before: Mapping[str, Any], facts: Mapping[str, Any], key: str) -> bool:
    """Return whether a fact differs; a doc set that an earlier version did not name is no other."""
    one, other = before.get(key), facts.get(key)
    return one != other and not (key == "doc_set" and None in (one, other))


def other_fact(what: str, one: Mapping[str, Any], other: Mapping[str, Any]) -> str | None:
    """Name the decisive fact in which two models, or families, of one name differ, if any does."""
    return next((key for key in _DECISIVE[what] if _is_other(one, other, key)), None)


def _refuse_cells(sources: Sequence[_Source]) -> None:
    """Refuse two finished cells of one name that are not the same."""
    held: dict[Cell, tuple[store.CellResult, Path]] = {}
    for source in sources:
        for cell, result in source.run.done.items():
            before, folder = held.setdefault(cell, (result, source.folder))
            if before is not result and (reason := _difference(before, result)):
                raise StoreError(
                    f"{folder} and {source.folder} both hold {cell.model!r}, {cell.family!r} in "
                    f"{cell.language!r}, {cell.shots}-shot, with other {reason}. Take it out of "
                    f"one: mlbench forget"
                )


def _difference(one: store.CellResult, other: store.CellResult) -> str:
    parts = one.signature.same_cell(other.signature)
    if parts:
        return ", ".join(parts)
    return "" if one.scores == other.scores and one.samples == other.samples else "scores"


def _copy(source: _Source, target: Path, known: set[Cell]) -> int:
    """Copy what the target lacks of a run: cells, failures, texts; return how many cells."""
    n_new = 0
    for path, cell in _places(source, target):
        if cell in source.run.done and cell not in known:
            store.put(path, source.run.done[cell])
            known.add(cell)
            n_new += 1
        elif cell in source.run.failed and cell not in known and store.get(path) is None:
            store.put_failed(path, source.run.failed[cell])
    for text in source.folder.glob(f"{TEXTS}/*/*"):
        place = target / text.relative_to(source.folder)
        if not place.exists():
            store.write(place, partial(_copy_file, text))
    return n_new


def _places(source: _Source, target: Path) -> Iterator[tuple[Path, Cell]]:
    slugs = {model: facts["slug"] for model, facts in source.manifest["models"].items()}
    for cell in source.run.planned:
        yield store.cell_path(target, slugs[cell.model], cell), cell


def _copy_file(path: Path, file: Any) -> None:
    with path.open("rb") as content:
        shutil.copyfileobj(content, file)


def _contents(source: _Source, done: set[Cell]) -> Contents:
    """Return what the manifest is to have of a run; the digest of a finished cell is its own."""
    manifest, planned = source.manifest, planned_cells(source.manifest)
    digests = {
        cell: digest
        for cell, digest in planned.items()
        if digest is not None and (cell in source.run.done or cell not in done)
    }
    languages = map(read_language, manifest["languages"].values())
    return Contents(
        manifest["models"],
        manifest["families"],
        tuple(planned),
        languages,
        manifest["no_data"],
        digests,
    )
