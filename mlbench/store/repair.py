"""How is the manifest of a run made again? From its copy, and from what each cell says of itself.

A cell names its model, family, language and shots and holds its signature. Facts of families come
from families/, those of languages from languages.yaml. What nobody knows any more (the chance level
of an imported family, say) is not guessed: such cells stay where they are and are named.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from mlbench import store
from mlbench.data.languages import read_all_languages
from mlbench.errors import ModelError, StoreError
from mlbench.families import find_family
from mlbench.models import find_model
from mlbench.records import Cell, Language
from mlbench.store.folder import BACKUP, PACK, holds_results
from mlbench.store.manifest import (
    Contents,
    add_contents,
    empty_manifest,
    family_facts,
    parse_manifest,
    planned_cells,
    save_manifest,
)
from mlbench.store.packs import packed_paths
from mlbench.store.read import read_language
from mlbench.store.signature import Signature

ASIDE = "run.json.damaged"
"""Where a damaged manifest is kept, for whoever wants to look at it."""


class LeftOut(NamedTuple):
    """A file of a cell that is not part of the run, and why."""

    path: Path
    reason: str


@dataclass(frozen=True, slots=True)
class Repaired:
    """What a repair did. `source` is the manifest it began with, None where none could be read."""

    folder: Path
    source: str | None
    n_known: int
    added: tuple[Cell, ...]
    left_out: tuple[LeftOut, ...]
    is_kept_aside: bool


def repair_run(run: str | Path) -> Repaired:
    """Make a run's manifest whole, with every cell that is on disk.

    Raises StoreError if there is no such run, NewerStoreError if a newer mlbench wrote it.
    """
    folder = store.find_run(run, must_exist=False)
    if not (folder / store.MANIFEST).is_file() and not holds_results(folder):
        store.find_run(run)  # raises: there is nothing to make a manifest of
    with store.lock_run(folder):
        source, known = _best_manifest(folder)
        before = planned_cells(known)
        found = _Found(known, read_all_languages())
        strays = [_look_at(path, folder, found) for path in _cell_files(folder)]
        fresh = [stray for stray in strays if isinstance(stray, _Stray)]
        fresh = sorted((s for s in fresh if s.cell not in before), key=found.order)
        add_contents(known, found.contents(fresh))
        is_damaged = source != store.MANIFEST and (folder / store.MANIFEST).is_file()
        if is_damaged:
            store.write_bytes(folder / ASIDE, (folder / store.MANIFEST).read_bytes())
        save_manifest(folder, known)
    left_out = tuple(stray for stray in strays if isinstance(stray, LeftOut))
    added = tuple(stray.cell for stray in fresh)
    return Repaired(folder, source, len(before), added, left_out, is_damaged)


def _best_manifest(folder: Path) -> tuple[str | None, dict[str, Any]]:
    for name in (store.MANIFEST, BACKUP):
        with suppress(StoreError):  # then its copy, and after that the cells, are taken
            return name, parse_manifest(folder / name)
    return None, empty_manifest()


class _Stray(NamedTuple):
    """A cell as its file names it."""

    cell: Cell
    slug: str
    signature: Signature


@dataclass(frozen=True, slots=True)
class _Found:
    """What is known of models, families and languages while cells are looked at."""

    manifest: Mapping[str, Any]
    languages: Mapping[str, Language]

    def family(self, cell: Cell, version: object) -> Mapping[str, Any] | None:
        """Return the facts of a cell's family; None where those of its version are not known."""
        if cell.family in self.manifest["families"]:
            facts: Mapping[str, Any] = self.manifest["families"][cell.family]
            return facts
        family = find_family(cell.family)
        return family_facts(family) if family is not None and family.version == version else None

    def language(self, tag: str) -> Language | None:
        """Return a language as the run has it, else as languages.yaml does."""
        block = self.manifest["languages"].get(tag)
        return read_language(block) if block else self.languages.get(tag)

    def model(self, stray: _Stray) -> Mapping[str, Any]:
        """Return the facts of a model; those of a preset are known without the manifest."""
        if stray.cell.model in self.manifest["models"]:
            facts: Mapping[str, Any] = self.manifest["models"][stray.cell.model]
            return facts
        with suppress(ModelError):  # a folder that has gone; the cells stay, without its facts
            return {"slug": stray.slug, **find_model(stray.cell.model).facts}
        return {"slug": stray.slug}

    def order(self, stray: _Stray) -> tuple[str, str, int, int]:
        """Return where a cell stands among others: languages in the order of their file."""
        tags = list(self.languages)
        place = tags.index(stray.cell.language) if stray.cell.language in tags else len(tags)
        return stray.cell.model, stray.cell.family, stray.cell.shots, place

    def contents(self, strays: list[_Stray]) -> Contents:
        """Return what the manifest is to have besides."""
        versions = {s.cell.family: s for s in strays}
        families = {
            name: facts
            for name, s in versions.items()
            if (facts := self.family(s.cell, s.signature.family_version)) is not None
        }
        found = (self.language(s.cell.language) for s in strays)
        return Contents(
            {s.cell.model: self.model(s) for s in strays},
            families,
            [s.cell for s in strays],
            {language.tag: language for language in found if language is not None}.values(),
            digests={s.cell: s.signature.digest for s in strays},
        )


def _cell_files(folder: Path) -> Iterator[Path]:
    """Yield where a cell's result is or would be, of all that have a file."""
    found = {
        path.with_name(path.name.removesuffix(".parquet").removesuffix(".failed.json") + ".parquet")
        for pattern in ("*.parquet", "*.failed.json")
        for path in folder.glob(f"[!.]*/*/*/{pattern}")
    }
    for pack in folder.glob(f"[!.]*/*/{PACK}"):
        found.update(packed_paths(pack) or [pack])
    yield from sorted(found)


def _look_at(path: Path, folder: Path, found: _Found) -> _Stray | LeftOut:
    """Return the cell of a file, or why it cannot be part of the run."""
    if path.name == PACK:
        return LeftOut(
            path, "this pack of cells is damaged. Run or import them again, and delete it"
        )
    slug, family, shots, _ = path.relative_to(folder).parts
    try:
        stored = store.get(path)
    except StoreError as error:
        return LeftOut(path, str(error).removeprefix(f"{path} "))
    assert stored is not None  # its file was listed, and the run is locked
    cell, version = stored.cell, stored.signature.family_version
    if (family, shots, path.stem) != (cell.family, str(cell.shots), cell.language) or (
        slug != found.manifest["models"].get(cell.model, {"slug": slug})["slug"]
    ):
        return LeftOut(
            path, f"it is a cell of {cell.model!r}, {cell.family!r} in {cell.language!r}"
        )
    if found.family(cell, version) is None:
        return LeftOut(
            path,
            f"nothing is known of family {cell.family!r}, version {version}. Repeat the import or "
            f"run that made it",
        )
    if found.language(cell.language) is None:
        return LeftOut(
            path,
            f"no language {cell.language!r} in languages.yaml. Set MLBENCH_LANGUAGES to your file "
            f"and repair again",
        )
    return _Stray(cell, slug, stored.signature)
