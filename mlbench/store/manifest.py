"""What was a run meant to hold? run.json: models, families, languages, and who has no data.

Without it a report could not tell a missing cell from one nobody asked for, nor a score of this
plan from one of an earlier plan: beside each planned cell stands the digest of its signature. A
later command on the same run adds to it. It is sealed (files.py), has the number of its form
(form.py) and a copy beside it, run.json.bak, from which repair.py makes a damaged one again.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mlbench import __version__, store
from mlbench.errors import NewerStoreError, StoreError
from mlbench.files import UNSEALED, Fill, is_whole, seal
from mlbench.records import Cell, Family, Language
from mlbench.store.folder import BACKUP, remove, run_name
from mlbench.store.form import FORMAT, find_fault

_SEAL_KEY = "seal"


@dataclass(frozen=True, slots=True)
class Contents:
    """What a command adds to a run: `models` and `families` hold facts by name.

    Cells are in the order of the report, `digests` those of their signatures; `no_data` gives the
    reason by family and tag. `pair` is compared first, where the command named one.
    """

    models: Mapping[str, Mapping[str, Any]]
    families: Mapping[str, Mapping[str, Any]]
    cells: Sequence[Cell]
    languages: Iterable[Language]
    no_data: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    digests: Mapping[Cell, str] = field(default_factory=dict)
    pair: tuple[str, str] | None = None


def add_to_manifest(folder: Path, contents: Contents) -> None:
    """Add models, families, cells and languages to a run's manifest, or begin one."""
    for path, fill in manifest_files(folder, contents).items():
        store.write(path, fill)


def manifest_files(folder: Path, contents: Contents) -> dict[Path, Fill]:
    """Return what `add_to_manifest` writes, for who writes it together with cells."""
    known = read_manifest(folder) if (folder / store.MANIFEST).is_file() else empty_manifest()
    add_contents(known, contents)
    return _files_of(folder, _text_of(known))


def add_contents(known: dict[str, Any], contents: Contents) -> None:
    """Add models, families, cells and languages to the content of a manifest."""
    known["models"].update(contents.models)
    known["families"].update(contents.families)
    for cell in contents.cells:
        columns = known["cells"].setdefault(cell.model, {}).setdefault(cell.family, {})
        tags = columns.setdefault(str(cell.shots), [])
        if cell.language not in tags:
            tags.append(cell.language)
    signatures = known.setdefault("signatures", {})
    for cell, digest in contents.digests.items():
        columns = signatures.setdefault(cell.model, {}).setdefault(cell.family, {})
        columns.setdefault(str(cell.shots), {})[cell.language] = digest
    for language in contents.languages:
        known["languages"][language.tag] = asdict(language)
    if contents.pair:
        known["pair"] = list(contents.pair)
    for name, reasons in contents.no_data.items():
        known["no_data"].setdefault(name, {}).update(reasons)


def add_invocation(folder: Path, record: Mapping[str, Any]) -> None:
    """Put the record of a command at the end of those of a run (runner/invocation.py)."""
    known = read_manifest(folder)
    save_manifest(folder, known | {"invocations": [*known.get("invocations", ()), record]})


def end_invocation(folder: Path, ended: str) -> None:
    """Say when the latest command on a run ended; nothing where its manifest is gone or damaged."""
    with suppress(StoreError):  # the cells are what counts, and `repair` makes the rest again
        known = read_manifest(folder)
        *earlier, latest = known["invocations"]
        save_manifest(folder, known | {"invocations": [*earlier, latest | {"ended": ended}]})


def save_manifest(folder: Path, known: Mapping[str, Any]) -> None:
    """Write a run's manifest and its copy."""
    for path, fill in _files_of(folder, _text_of(known)).items():
        store.write(path, fill)


def _text_of(known: Mapping[str, Any]) -> bytes:
    content = {name: value for name, value in known.items() if name != _SEAL_KEY}
    content |= {"format": FORMAT, _SEAL_KEY: UNSEALED}
    text = json.dumps(content, ensure_ascii=False, indent=1) + "\n"
    return seal(text.encode("utf-8", errors="replace"))


def _files_of(folder: Path, text: bytes) -> dict[Path, Fill]:
    """Return what is to be written of a manifest and its copy; nothing of what is there already.

    The copy holds the same, not what was before: what a damaged manifest said last is needed.
    """
    paths = (folder / BACKUP, folder / store.MANIFEST)
    lacking = [path for path in paths if not path.is_file() or path.read_bytes() != text]
    return dict.fromkeys(lacking, lambda file: file.write(text))


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return a run's manifest.

    Raises StoreError if it is damaged or not as mlbench writes it, NewerStoreError if a newer one
    wrote it.
    """
    return parse_manifest(folder / store.MANIFEST)


def parse_manifest(path: Path) -> dict[str, Any]:
    """Return a manifest, or the copy of one, as `read_manifest` does."""
    try:
        text = path.read_bytes()
    except OSError as error:
        raise _damaged(path, error.strerror or str(error)) from error
    fault = "it is not what was written" if is_whole(text) is False else _find_fault(path, text)
    if fault:
        raise _damaged(path, fault)
    content: dict[str, Any] = json.loads(text)
    content.pop(_SEAL_KEY, None)
    return content


def _find_fault(path: Path, text: bytes) -> str:
    fault = find_fault(text)
    format_ = _format_of(text)
    if format_ > FORMAT:
        raise NewerStoreError(
            f"{path} has format {format_}, and mlbench {__version__} knows formats up to {FORMAT}: "
            f"a newer mlbench wrote it. Type: pip install --upgrade mlbench"
        )
    return fault or ("its seal is gone" if format_ > 1 and is_whole(text) is None else "")


def _format_of(text: bytes) -> int:
    """Return the number of the form, which says whether the rest can be judged at all."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return 1
    found = content.get("format") if isinstance(content, dict) else None
    return found if isinstance(found, int) else 1


def _damaged(path: Path, why: str) -> StoreError:
    return StoreError(
        f"{path} is damaged ({why}). Type: mlbench repair {run_name(path.parent)}, which makes it "
        f"again from its copy and the cells; finished cells are kept"
    )


def planned_cells(manifest: Mapping[str, Any]) -> dict[Cell, str | None]:
    """Return the planned cells of a manifest, each with the digest of its signature.

    None for cells that version 0.1.0 planned, which kept no digests.
    """
    digests = manifest.get("signatures", {})
    return {
        Cell(model, family, tag, int(shots)): (
            digests.get(model, {}).get(family, {}).get(shots, {}).get(tag)
        )
        for model, families in manifest["cells"].items()
        for family, columns in families.items()
        for shots, tags in columns.items()
        for tag in tags
    }


def empty_manifest() -> dict[str, Any]:
    """Return the manifest of a run that holds nothing yet."""
    created = datetime.now(UTC).isoformat(timespec="seconds")
    return {
        "mlbench": __version__,
        "created": created,
        "models": {},
        "families": {},
        "languages": {},
        "cells": {},
        "signatures": {},
        "no_data": {},
    }


def family_facts(family: Family) -> dict[str, Any]:
    """Return what a reader must be able to check of a family."""
    return {
        "title": family.title,
        "question": family.question,
        "suite": family.suite,
        "version": family.version,
        "output_type": str(family.output_type),
        "chance": family.chance,
        "metrics": list(family.metrics),
        "is_parallel": family.is_parallel,
        "is_demonstration": family.is_demonstration,
        "doc_set": family.doc_set,
        "origin": family.origin,
        "caveats": list(family.caveats),
        "licence": family.licence,
        "citation": family.citation,
        "source": family.source.name,
    }


def read_bytes(folder: Path) -> bytes | None:
    """Return a run's manifest as it stands, None where there is none yet."""
    path = folder / store.MANIFEST
    return path.read_bytes() if path.is_file() else None


def restore(folder: Path, before: bytes | None) -> None:
    """Put a manifest back as it was; None: there was none. The caller holds the lock of the run.

    The lock file stays, here as everywhere: another command may be waiting at it.
    """
    if before is None:
        for name in (store.MANIFEST, BACKUP):
            remove(folder / name)
    else:
        for path, fill in _files_of(folder, before).items():
            store.write(path, fill)
