"""What was a run meant to hold? run.json: models, families, languages, and who has no data.

Without it a report could not tell a missing cell from one nobody asked for, nor a score of this
plan from one of an earlier plan: beside each planned cell stands the digest of its signature. A
later command on the same run adds to it.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mlbench import __version__, store
from mlbench.errors import StoreError
from mlbench.records import Cell, Family, HubSource, Language


@dataclass(frozen=True, slots=True)
class Contents:
    """What a command adds to a run: `models` and `families` hold facts by name.

    Cells are in the order of the report, `digests` those of their signatures; `no_data` gives the
    reason by family and tag.
    """

    models: Mapping[str, Mapping[str, Any]]
    families: Mapping[str, Mapping[str, Any]]
    cells: Sequence[Cell]
    languages: Iterable[Language]
    no_data: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    digests: Mapping[Cell, str] = field(default_factory=dict)


def add_to_manifest(folder: Path, contents: Contents) -> None:
    """Add models, families, cells and languages to a run's manifest, or begin one."""
    path = folder / store.MANIFEST
    known = read_manifest(folder) if path.is_file() else _empty()
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
    for name, reasons in contents.no_data.items():
        known["no_data"].setdefault(name, {}).update(reasons)
    text = json.dumps(known, ensure_ascii=False, indent=1) + "\n"
    store.write(path, lambda file: Path(file).write_text(text, encoding="utf-8"))


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return a run's manifest.

    Raises StoreError if it is damaged.
    """
    path = folder / store.MANIFEST
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise StoreError(
            f"{path} is damaged or unreadable: {error}. Delete it and repeat `mlbench run`; "
            f"finished cells are kept"
        ) from error
    return content


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


def _empty() -> dict[str, Any]:
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
    source = family.source
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
        "licence": family.licence,
        "citation": family.citation,
        "source": source.hub_id if isinstance(source, HubSource) else "Unicode CLDR",
    }


def read_bytes(folder: Path) -> bytes | None:
    """Return a run's manifest as it stands, None where there is none yet."""
    path = folder / store.MANIFEST
    return path.read_bytes() if path.is_file() else None


def restore(folder: Path, before: bytes | None) -> None:
    """Put a manifest back as it was; None: there was none. The caller holds the lock of the run.

    The lock file stays, here as everywhere: another command may be waiting at it.
    """
    path = folder / store.MANIFEST
    if before is None:
        path.unlink(missing_ok=True)
    else:
        store.write(path, lambda file: Path(file).write_bytes(before))
