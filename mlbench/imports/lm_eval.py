"""What does a results folder of lm-eval hold, as cells of a run?

Tasks of one model, family, language and number of examples are one cell: the 57 subjects of an exam
are one. Of the same task scored twice the latest counts.
"""

import hashlib
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mlbench.errors import DataError
from mlbench.imports.imported import Imported, ImportedCell, Skipped
from mlbench.imports.lm_eval_files import TaskResult, find_results
from mlbench.imports.lm_eval_samples import Reading, read_samples
from mlbench.imports.task_map import MappedTask, TaskMap, Unmapped, find_target, read_task_map
from mlbench.measures import SCORE, ChoiceSample, Sample
from mlbench.models import Model
from mlbench.records import Cell, Language, OutputType
from mlbench.store.signature import Signature


class _Part(NamedTuple):
    """One task of a cell."""

    result: TaskResult
    target: MappedTask
    reading: Reading


def read_lm_eval(
    folder: Path, languages: Mapping[str, Language], map_path: Path | None = None
) -> Imported:
    """Return what a results folder holds.

    Raises DataError if nothing can be imported, or a file is not as lm-eval writes it.
    """
    task_map = read_task_map(map_path)
    results, skipped = find_results(folder)
    parts_by_cell: dict[Cell, list[_Part]] = defaultdict(list)
    seen: dict[tuple[str, str, int], TaskResult] = {}
    for result in results:
        key = (result.model, result.task, result.shots)
        if key in seen:
            _refuse_other_model(seen[key], result)
            skipped.append(Skipped(result.path.name, "an older result of the same task"))
            continue
        seen[key] = result
        try:
            part = _read_part(result, task_map, languages)
        except Unmapped as reason:
            skipped.append(Skipped(result.task, str(reason)))
            continue
        entry = part.target.entry
        cell = Cell(result.model, entry.family, part.target.language, result.shots)
        for other in parts_by_cell[cell][:1]:
            _refuse_other_model(other.result, result)
        parts_by_cell[cell].append(part)
    if not parts_by_cell:
        found = "; ".join(f"{what}: {reason}" for what, reason in skipped[:3])
        raise DataError(f"nothing to import from {folder}: {found}")
    return _import_parts(parts_by_cell, skipped)


def _read_part(result: TaskResult, task_map: TaskMap, languages: Mapping[str, Language]) -> _Part:
    metadata = result.config.get("metadata") or {}
    target = find_target(result.task, metadata, task_map, languages)
    reading = read_samples(result, target)
    if target.facts and target.facts["metrics"][0] != reading.metrics[0]:
        raise Unmapped("its choices do not give the logged scores; was the task changed?")
    return _Part(result, target, reading)


def _refuse_other_model(one: TaskResult, other: TaskResult) -> None:
    if one.arguments != other.arguments:
        raise DataError(
            f"{one.path.name} and {other.path.name} are of one model name {one.model!r} with "
            f"different arguments: {one.arguments} and {other.arguments}. Import each from a "
            f"folder of its own, into a --run of its own"
        )


def _import_parts(
    parts_by_cell: Mapping[Cell, Sequence[_Part]], skipped: list[Skipped]
) -> Imported:
    by_family: dict[str, list[_Part]] = defaultdict(list)
    for cell, parts in parts_by_cell.items():
        by_family[cell.family] += parts
    facts = {family: _facts(parts) for family, parts in sorted(by_family.items())}
    cells = []
    for cell, parts in sorted(parts_by_cell.items()):
        parts = sorted(parts, key=lambda part: part.result.task)
        only_scores = facts[cell.family]["metrics"] == [SCORE.name]
        samples = [
            sample
            for part in parts
            for sample in (part.reading.scores if only_scores else part.reading.samples)
        ]
        cells.append(ImportedCell(cell, _sign(cell, parts), tuple(samples)))
    latest = {parts[0].result.model: parts[0].result for parts in parts_by_cell.values()}
    models = {name: _model_facts(latest[name]) for name in sorted(latest)}
    return Imported(models, facts, tuple(cells), tuple(skipped))


def _sign(cell: Cell, parts: Sequence[_Part]) -> Signature:
    digests = [f"{part.result.task} {part.result.digest()}" for part in parts]
    first = parts[0].result
    return Signature(
        **cell._asdict(),
        arguments=first.arguments,
        source="lm-eval",
        source_sha256=hashlib.sha256("\n".join(digests).encode()).hexdigest(),
        tasks=tuple(part.result.task for part in parts),
        limit=first.results["config"].get("limit"),
        lm_eval=first.results.get("lm_eval_version"),
    )


def _model_facts(result: TaskResult) -> dict[str, Any]:
    general = result.results["config"]
    version = result.results.get("lm_eval_version") or "an unknown version"
    note = f"imported from lm-eval {version}, backend {general.get('model')}"
    return {"slug": Model(result.model, "imported").slug, "note": note}


def _facts(parts: Sequence[_Part]) -> Mapping[str, Any]:
    """Return what is known of a family from its mapping and its samples."""
    target = parts[0].target
    if target.facts:
        return target.facts
    entry, task = target.entry, min(part.result.task for part in parts)
    version = _agreed_version(parts)
    metrics = [m for m in parts[0].reading.metrics if all(m in p.reading.metrics for p in parts)]
    primary = [part.reading.metrics[0] for part in parts]
    is_agreed = len(set(primary)) == 1
    is_choice = any(part.result.config.get("output_type") == OutputType.CHOICES for part in parts)
    kind = parts[0].result.config.get("output_type")
    samples = (sample for part in parts for sample in part.reading.samples)
    return {
        "title": entry.title or entry.family,
        "question": f"As asked by lm-eval's task {task}",
        "suite": "imported",
        "version": version,
        "output_type": kind,
        "chance": _chance(entry.chance, samples) if is_choice else entry.chance,
        "metrics": metrics if is_agreed else [SCORE.name],
        "is_parallel": entry.is_parallel,
        "licence": "see the source",
        "citation": "see the source",
        "source": entry.source,
    }


def _agreed_version(parts: Sequence[_Part]) -> str:
    """Return the version of a family's tasks.

    Raises DataError if one task has two: then models were not asked the same.
    """
    version_by_task: dict[str, str] = {}
    for part in parts:
        task, metadata = part.result.task, part.result.config.get("metadata") or {}
        version = str(metadata.get("version", "unknown"))
        before = version_by_task.setdefault(task, version)
        if before != version:
            raise DataError(
                f"task {task!r} was scored in its versions {before} and {version}, which cannot be "
                f"compared. Import each from a folder of its own, into a --run of its own"
            )
    return ", ".join(sorted(set(version_by_task.values())))


def _chance(given: float | None, samples: Iterable[Sample]) -> float | None:
    """Return the mean share of right guesses, None where the choices are not known."""
    if given is not None:
        return given
    shares = [1 / len(s.choices) for s in samples if isinstance(s, ChoiceSample)]
    return math.fsum(shares) / len(shares) if shares else None
