"""How do thousands of files of cells become a few? Each model and family becomes one pack.

A pack is written beside the files and takes its place whole; only then do they go. Stopped between
the two, both are there and say the same. A cell that is scored anew later has a file of its own
again, which counts, until the next packing.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import IO, Any, NamedTuple

from mlbench import store
from mlbench.errors import StoreError
from mlbench.records import Cell
from mlbench.store.cells import meta_of, name_cell, sealed_parquet
from mlbench.store.folder import remove
from mlbench.store.manifest import planned_cells, read_manifest
from mlbench.store.packs import FORMAT, META_KEY, Packed, Place, find_pack, pack_of
from mlbench.store.samples import SampleColumns


class Left(NamedTuple):
    """A pack that could not be made, and why; the cells stay as they are."""

    pack: Path
    reason: str


@dataclass(frozen=True, slots=True)
class Done:
    """What a packing did: cells that were moved into packs, and packs that there are now."""

    folder: Path
    n_moved: int
    n_packs: int
    left: tuple[Left, ...]


def pack_run(run: str | Path) -> Done:
    """Put the finished cells of a run into one file a model and family.

    Raises StoreError if there is no such run or another command writes to it.
    """
    folder = store.find_run(run)
    n_moved, packs, left = 0, 0, []
    with store.lock_run(folder):
        for pack, paths in _by_pack(folder):
            try:
                n_moved += move_into(pack, paths)
                packs += pack.is_file()
            except StoreError as error:
                left.append(Left(pack, str(error)))
    return Done(folder, n_moved, packs, tuple(left))


def _by_pack(folder: Path) -> Iterator[tuple[Path, dict[Path, Cell]]]:
    manifest = read_manifest(folder)
    slugs = {model: facts["slug"] for model, facts in manifest["models"].items()}
    planned = ((store.cell_path(folder, slugs[c.model], c), c) for c in planned_cells(manifest))
    for pack, found in groupby(planned, key=lambda pair: pack_of(pair[0])):
        yield pack, dict(found)


def move_into(pack: Path, paths: Mapping[Path, Cell]) -> int:
    """Bring the finished cells that have files of their own into their pack; return how many.

    Raises StoreError where they cannot be in one; they stay as they are.
    """
    own = {path: cell for path, cell in paths.items() if path.is_file()}
    if not own:
        return 0
    moved = {}
    for path, cell in own.items():
        found = store.get(path, cell)
        if isinstance(found, store.CellResult):
            moved[path] = found
    places = {_place(path): _packed(result) for path, result in moved.items()}
    _write(pack, {**_read(pack), **places})
    for path in moved:
        remove(path)
    return len(moved)


def _place(path: Path) -> Place:
    return Place(path.parent.name, path.stem)


def _packed(result: store.CellResult) -> Packed:
    assert isinstance(result.samples, SampleColumns)  # it was read from a file
    return Packed(meta_of(result), result.samples.stored)


def _read(pack: Path) -> Mapping[Place, Packed]:
    """Return what a pack holds. Raises StoreError for a damaged one."""
    try:
        return find_pack(pack)
    except (OSError, ValueError) as error:
        raise StoreError(
            f"{pack} is damaged ({error}). The same `mlbench run` scores its cells again; then "
            f"delete it and pack again"
        ) from error


def drop(pack: Path, paths: Collection[Path]) -> None:
    """Take cells out of a pack, named by where their own files would be; an empty pack goes.

    Raises StoreError for a damaged pack.
    """
    held = _read(pack)
    gone = {_place(path) for path in paths}
    kept = {place: packed for place, packed in held.items() if place not in gone}
    if not kept:
        remove(pack)
    elif len(kept) < len(held):
        _write(pack, kept)


def _write(pack: Path, cells: Mapping[Place, Packed]) -> None:
    store.write(pack, partial(_fill, sorted(cells.items(), key=_order)))


def _order(item: tuple[Place, Packed]) -> tuple[int, str]:
    place, _ = item
    return int(place.shots), place.language


def _fill(cells: Iterable[tuple[Place, Packed]], file: IO[bytes]) -> None:
    import pyarrow as pa

    entries: list[dict[str, Any]] = []
    tables = []
    for place, packed in cells:
        tables.append(name_cell(packed.stored.read(), Cell(**packed.meta["cell"])))
        rows = {"n_rows": packed.stored.n_rows, "columns": packed.stored.columns}
        entries.append({"place": place, **rows, "meta": packed.meta})
    meta = json.dumps({"format": FORMAT, "cells": entries}, sort_keys=True, ensure_ascii=False)
    try:
        table = pa.concat_tables(tables, promote_options="default")
    except pa.ArrowTypeError as error:
        raise StoreError(f"cells of several kinds do not go into one pack ({error})") from error
    file.write(sealed_parquet(table, {META_KEY: meta.encode()}, compression="zstd"))
