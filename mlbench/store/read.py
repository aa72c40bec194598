"""What does a run hold? Every planned cell with its state, for reports, lists and verdicts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from mlbench import store
from mlbench.errors import StoreError
from mlbench.records import Cell, Language
from mlbench.store.manifest import read_manifest


class Column(NamedTuple):
    """One column of a heatmap: a model on a family with a number of examples."""

    model: str
    family: str
    shots: int


@dataclass(frozen=True, slots=True)
class Run:
    """A run as stored. A planned cell that is in neither dict is missing.

    `families` and `models` hold the facts of the manifest; `no_data` the reason by family and tag.
    `damaged` holds a message for each file that cannot be read; its cell counts as missing.
    """

    folder: Path
    created: str
    models: Mapping[str, Mapping[str, Any]]
    families: Mapping[str, Mapping[str, Any]]
    languages: Mapping[str, Language]
    planned: tuple[Cell, ...]
    done: Mapping[Cell, store.CellResult]
    failed: Mapping[Cell, store.FailedCell]
    no_data: Mapping[str, Mapping[str, str]]
    damaged: tuple[str, ...]

    @property
    def columns(self) -> list[Column]:
        """Return the columns in the order of the manifest."""
        return list(dict.fromkeys(Column(c.model, c.family, c.shots) for c in self.planned))


def demonstrations_of(run: Run, families: Iterable[str]) -> frozenset[str]:
    """Return the families that stay out of numbers over several: real models guess in them.

    None where all are of the embedded suite, which is there to be shown.
    """
    names = set(families)
    if all(run.families[name].get("suite") == "embedded" for name in names):
        return frozenset()
    return frozenset(name for name in names if run.families[name].get("is_demonstration"))


def read_run(run: str | Path) -> Run:
    """Read a run by name or path.

    Raises StoreError if there is no such run or its manifest is damaged.
    """
    folder = store.find_run(run)
    manifest = read_manifest(folder)
    planned = _planned_cells(manifest)
    done: dict[Cell, store.CellResult] = {}
    failed: dict[Cell, store.FailedCell] = {}
    damaged = []
    for cell in planned:
        path = store.cell_path(folder, manifest["models"][cell.model]["slug"], cell)
        try:
            found = store.get(path)
        except StoreError as error:
            damaged.append(str(error))
            continue
        if isinstance(found, store.CellResult):
            done[cell] = found
        elif found is not None:
            failed[cell] = found
    languages = {
        tag: Language(**{**block, "caveats": tuple(block["caveats"])})
        for tag, block in manifest["languages"].items()
    }
    return Run(
        folder=folder,
        created=manifest["created"],
        models=manifest["models"],
        families=manifest["families"],
        languages=languages,
        planned=planned,
        done=done,
        failed=failed,
        no_data=manifest["no_data"],
        damaged=tuple(damaged),
    )


def _planned_cells(manifest: Mapping[str, Any]) -> tuple[Cell, ...]:
    return tuple(
        Cell(model, family, tag, int(shots))
        for model, families in manifest["cells"].items()
        for family, columns in families.items()
        for shots, tags in columns.items()
        for tag in tags
    )
