"""How does a run lose cells on purpose? Their files go first, the manifest last.

Stopped half way the rest is still planned, so the same command again takes it away too.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from mlbench import store
from mlbench.errors import SelectionError, unknown
from mlbench.records import Cell
from mlbench.store.cells import failed_path
from mlbench.store.folder import remove, run_name
from mlbench.store.manifest import planned_cells, read_manifest, save_manifest
from mlbench.store.packing import drop
from mlbench.store.packs import pack_of


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which cells: of these models, families and languages; none named means all of the run."""

    models: Sequence[str] = ()
    families: Sequence[str] = ()
    languages: Sequence[str] = ()


def find_cells(folder: Path, chosen: Chosen) -> list[Cell]:
    """Return the planned cells that were chosen.

    Raises SelectionError for a name that the run does not have, for none, and for all cells.
    """
    manifest = read_manifest(folder)
    planned = list(planned_cells(manifest))
    see = f"mlbench list cells {run_name(folder)}"
    for what in ("models", "families", "languages"):
        known = dict.fromkeys(getattr(cell, _PART[what]) for cell in planned)
        for name in getattr(chosen, what):
            if name not in known:
                raise SelectionError(unknown(_PART[what], name, known, see))
    cells = [cell for cell in planned if _is_chosen(cell, chosen)]
    if not cells:
        raise SelectionError(f"{folder} has no cell of all that you name. See: {see}")
    if len(cells) == len(planned):
        raise SelectionError(
            f"these are all {len(cells)} cells of {folder}. Name fewer, or delete the folder"
        )
    return cells


_PART = {"models": "model", "families": "family", "languages": "language"}


def _is_chosen(cell: Cell, chosen: Chosen) -> bool:
    return all(
        not names or getattr(cell, _PART[what]) in names
        for what in _PART
        if (names := getattr(chosen, what)) is not None
    )


def forget_cells(folder: Path, chosen: Chosen) -> list[Cell]:
    """Delete the chosen cells of a run and return them. Raises what find_cells does."""
    with store.lock_run(folder):
        cells = find_cells(folder, chosen)
        manifest = read_manifest(folder)
        slugs = {model: facts["slug"] for model, facts in manifest["models"].items()}
        paths = [store.cell_path(folder, slugs[cell.model], cell) for cell in cells]
        for pack, packed in groupby(sorted(paths), key=pack_of):
            drop(pack, list(packed))
        for path in paths:
            for file in (path, failed_path(path)):
                remove(file)
            _remove_empty(path.parent, folder)
        save_manifest(folder, _without(manifest, set(cells)))
    return cells


def _remove_empty(place: Path, folder: Path) -> None:
    with suppress(OSError):  # a folder that holds more is kept
        while place != folder:
            place.rmdir()
            place = place.parent


def _without(manifest: Mapping[str, Any], gone: set[Cell]) -> dict[str, Any]:
    """Return a manifest without cells, and without facts that only they needed."""
    kept = [cell for cell in planned_cells(manifest) if cell not in gone]
    content = dict(manifest)
    for what in ("models", "families"):
        lost = {getattr(c, _PART[what]) for c in gone} - {getattr(c, _PART[what]) for c in kept}
        content[what] = {k: v for k, v in manifest[what].items() if k not in lost}
        if what == "families":
            content["no_data"] = {k: v for k, v in manifest["no_data"].items() if k not in lost}
    absent = {tag for reasons in content["no_data"].values() for tag in reasons}
    lost = {cell.language for cell in gone} - {cell.language for cell in kept} - absent
    content["languages"] = {k: v for k, v in manifest["languages"].items() if k not in lost}
    content["cells"], content["signatures"] = {}, {}
    digests = planned_cells(manifest)
    for cell in kept:
        columns = content["cells"].setdefault(cell.model, {}).setdefault(cell.family, {})
        columns.setdefault(str(cell.shots), []).append(cell.language)
        if digest := digests[cell]:
            columns = content["signatures"].setdefault(cell.model, {}).setdefault(cell.family, {})
            columns.setdefault(str(cell.shots), {})[cell.language] = digest
    return content
