"""What was a run meant to hold? run.json: models, families, languages, and who has no data.

Without it a report could not tell a missing cell from one nobody asked for. A later command on the
same run adds to it.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mlbench import __version__, store
from mlbench.errors import StoreError
from mlbench.plan import Plan
from mlbench.records import Family, HubSource, Language


def write_manifest(plan: Plan, languages: Iterable[Language]) -> None:
    """Add a plan to its run's manifest."""
    path = plan.folder / store.MANIFEST
    known = read_manifest(plan.folder) if path.is_file() else _empty()
    for planned in plan.cells:
        model, family = planned.model, planned.prepared.family
        known["models"][model.name] = {"slug": model.slug, **model.facts}
        known["families"][family.name] = _facts(family)
        columns = known["cells"].setdefault(model.name, {}).setdefault(family.name, {})
        tags = columns.setdefault(str(planned.cell.shots), [])
        if planned.cell.language not in tags:
            tags.append(planned.cell.language)
    for language in languages:
        known["languages"][language.tag] = asdict(language)
    for name, reasons in plan.no_data.items():
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


def _empty() -> dict[str, Any]:
    created = datetime.now(UTC).isoformat(timespec="seconds")
    return {
        "mlbench": __version__,
        "created": created,
        "models": {},
        "families": {},
        "languages": {},
        "cells": {},
        "no_data": {},
    }


def _facts(family: Family) -> dict[str, Any]:
    source = family.source
    return {
        "title": family.title,
        "question": family.question,
        "suite": family.suite,
        "version": family.version,
        "output_type": family.output_type,
        "chance": family.chance,
        "metrics": list(family.metrics),
        "is_parallel": family.is_parallel,
        "licence": family.licence,
        "citation": family.citation,
        "source": source.hub_id if isinstance(source, HubSource) else "Unicode CLDR",
    }
