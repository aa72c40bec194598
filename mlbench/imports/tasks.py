"""What does a results folder of a tool hold, as cells of a run?

Tasks of one model, family, language and number of examples are one cell: the 57 subjects of an exam
are one. Of the same task scored twice the one with the most docs counts, then the latest.
"""

import hashlib
import json
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mlbench.errors import DataError
from mlbench.families.task_map import TaskMap, read_task_map
from mlbench.imports.imported import Imported, ImportedCell, Skipped
from mlbench.imports.scored_task import ScoredTask, Tool
from mlbench.imports.setups import LM_EVAL
from mlbench.imports.targets import MappedTask, Unmapped, find_target
from mlbench.imports.task_samples import Reading, read_samples
from mlbench.measures import SCORE, ChoiceSample, Sample
from mlbench.models import Model
from mlbench.records import Cell, Language, OutputType
from mlbench.store.signature import Signature


class _Part(NamedTuple):
    """One task of a cell."""

    result: ScoredTask
    target: MappedTask
    reading: Reading


class _Key(NamedTuple):
    """One set-up of a model."""

    model: str
    setup: str
    weights: str | None


def read_tool(
    tool: Tool, folder: Path, languages: Mapping[str, Language], map_path: Path | None = None
) -> Imported:
    """Return what a results folder holds.

    A task that cannot be read is left out with its reason. Raises DataError if nothing can be
    imported, or if two versions of a task are there.
    """
    task_map = read_task_map(map_path, tool.task_map)
    results, skipped = tool.find(folder)
    parts_by_cell: dict[tuple[Cell, _Key], list[_Part]] = defaultdict(list)
    for (key, _, shots), group in _group(results, skipped).items():
        part = _read_best(_in_order(group, skipped), task_map, languages, skipped)
        if part is not None:
            cell = Cell(key.model, part.target.entry.family, part.target.language, shots)
            parts_by_cell[cell, key].append(part)
    for (cell, key), parts in list(parts_by_cell.items()):
        if twice := _doc_in_two(parts):
            what = ", ".join(part.result.task for part in parts)
            skipped.append(Skipped(what, f"{cell.family} in {cell.language!r}: {twice}"))
            del parts_by_cell[cell, key]
    if not parts_by_cell:
        found = "; ".join(f"{what}: {reason}" for what, reason in skipped[:3])
        raise DataError(f"nothing to import from {folder}: {found}")
    return _import_parts(parts_by_cell, skipped)


def _group(
    results: Iterable[ScoredTask], skipped: list[Skipped]
) -> dict[tuple[_Key, str, int], list[ScoredTask]]:
    """Return the results of each task of a set-up."""
    keyed = []
    for result in results:
        try:
            key = _Key(result.model, json.dumps(result.setup), result.weights)
            keyed.append((key, result.shots, result))
        except _BAD as error:
            skipped.append(Skipped(result.path.name, _why(error, result)))
    commits: dict[tuple[str, str], set[str]] = defaultdict(set)
    for key, _, _ in keyed:
        if key.weights is not None:
            commits[key.model, key.setup].add(key.weights)
    groups: dict[tuple[_Key, str, int], list[ScoredTask]] = defaultdict(list)
    for key, shots, result in keyed:
        # Results that do not say which weights they are of are of those that the others name.
        known = commits[key.model, key.setup]
        whole = key._replace(weights=next(iter(known))) if len(known) == 1 else key
        groups[whole, result.task, shots].append(result)
    return groups


def _in_order(group: Sequence[ScoredTask], skipped: list[Skipped]) -> list[ScoredTask]:
    """Return results of one task, the one that counts first: the most docs, no limit, the latest.

    A later trial with --limit so hides no full run.
    """
    if len(group) == 1:
        return list(group)
    counted = []
    for result in group:
        try:
            order = (result.n_docs, result.limit is None, result.time, str(result.path))
            counted.append((order, result))
        except _BAD as error:
            skipped.append(Skipped(result.path.name, _why(error, result)))
    return [result for _, result in sorted(counted, key=lambda one: one[0], reverse=True)]


def _read_best(
    candidates: Sequence[ScoredTask],
    task_map: TaskMap,
    languages: Mapping[str, Language],
    skipped: list[Skipped],
) -> _Part | None:
    """Return the first result that can be read, and tell why each other is left out."""
    chosen: _Part | None = None
    for result in candidates:
        if chosen is not None:
            skipped.append(Skipped(result.path.name, _left_out_for(chosen.result, result)))
            continue
        try:
            chosen = _read_part(result, task_map, languages)
        except _BAD as error:
            what = result.task if isinstance(error, Unmapped) else result.path.name
            skipped.append(Skipped(what, _why(error, result)))
    return chosen


def _left_out_for(chosen: ScoredTask, other: ScoredTask) -> str:
    limit = "" if other.limit is None else f" with --limit {other.limit:g}"
    if other.n_docs == chosen.n_docs:
        is_older = other.time <= chosen.time
        return "an older result of the same task" if is_older else f"the same docs{limit}"
    when = "earlier" if other.time > chosen.time else "later"
    return (
        f"{other.n_docs:,} docs{limit}, left out for the {when} result with {chosen.n_docs:,} docs"
    )


# What reading files of others can raise: a field that is not there, or is of another kind.
_BAD = (Unmapped, DataError, KeyError, TypeError, ValueError, AttributeError, IndexError)


def _why(error: Exception, result: ScoredTask) -> str:
    if isinstance(error, Unmapped | DataError):
        return str(error)
    return f"not as {result.tool} writes it: {type(error).__name__} {error}"


def _read_part(result: ScoredTask, task_map: TaskMap, languages: Mapping[str, Language]) -> _Part:
    target = find_target(result.task, result.metadata, task_map, languages)
    reading = read_samples(result, target)
    if target.facts and target.facts["metrics"][0] != reading.metrics[0]:
        raise Unmapped("its choices do not give the logged scores; was the task changed?")
    part = _Part(result, target, reading)
    if twice := _doc_in_two([part]):
        raise DataError(f"{result.path}: {twice}")
    n, stated = len(reading.samples), result.stated_docs
    if stated is not None and n != stated:
        raise DataError(f"{result.path}: the file holds {n:,} docs, its results say {stated:,}")
    return part


def _doc_in_two(parts: Sequence[_Part]) -> str | None:
    """Return what is wrong where one doc id is there twice in a cell, None if all differ."""
    counts = Counter(sample.doc_id for part in parts for sample in part.reading.samples)
    twice = next((doc_id for doc_id, n in counts.items() if n > 1), None)
    if twice is None:
        return None
    return f"doc {twice!r} is there twice; each doc needs an id of its own (`doc_id` in --map)"


def _import_parts(
    parts_by_cell: Mapping[tuple[Cell, _Key], Sequence[_Part]], skipped: list[Skipped]
) -> Imported:
    by_family: dict[str, list[_Part]] = defaultdict(list)
    for (cell, _), parts in parts_by_cell.items():
        by_family[cell.family] += parts
    facts = {family: _facts(parts) for family, parts in sorted(by_family.items())}
    cells = []
    for (cell, key), parts in sorted(parts_by_cell.items(), key=lambda item: str(item[0])):
        parts = sorted(parts, key=lambda part: part.result.task)
        only_scores = facts[cell.family]["metrics"] == [SCORE.name]
        samples = [
            sample
            for part in parts
            for sample in (part.reading.scores if only_scores else part.reading.samples)
        ]
        cells.append(ImportedCell(cell, _sign(cell, parts, key.weights), tuple(samples)))
    latest = {parts[0].result.model: parts[0].result for parts in parts_by_cell.values()}
    models = {name: _model_facts(latest[name]) for name in sorted(latest)}
    return Imported(models, facts, tuple(cells), tuple(skipped))


def _sign(cell: Cell, parts: Sequence[_Part], weights: str | None) -> Signature:
    digests = [f"{part.result.task} {part.result.digest()}" for part in parts]
    first = parts[0].result
    limits = [part.result.limit for part in parts if part.result.limit is not None]
    return Signature(
        **cell._asdict(),
        arguments=json.dumps(first.setup, ensure_ascii=False),
        weights=weights,
        data_sha256=_joined([part.result.data_sha256 for part in parts]),
        prompts=_joined([part.result.prompts for part in parts]),
        source=first.tool,
        source_sha256=hashlib.sha256("\n".join(digests).encode()).hexdigest(),
        tasks=tuple(part.result.task for part in parts),
        limit=min(limits, default=None),
        lm_eval=first.version if first.tool == LM_EVAL else None,
    )


def _joined(digests: Sequence[str | None]) -> str | None:
    """Return one digest of those of the parts, None where one has none."""
    known = [digest for digest in digests if digest is not None]
    if len(known) < len(digests) or len(known) == 1:
        return known[0] if known == list(digests) else None
    return hashlib.sha256("\n".join(known).encode()).hexdigest()


def _model_facts(result: ScoredTask) -> dict[str, Any]:
    note = f"imported from {result.tool} {result.version or 'of an unknown version'}"
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
        "question": f"As asked by {parts[0].result.tool}'s task {task}",
        "suite": "imported",
        "version": version,
        "output_type": kind,
        "chance": _chance(entry.chance, samples) if is_choice else entry.chance,
        "metrics": metrics if is_agreed else [SCORE.name],
        "is_parallel": entry.is_parallel,
        "doc_set": entry.doc_set,
        "licence": entry.licence,
        "citation": entry.citation,
        "origin": entry.origin,
        "caveats": list(entry.caveats),
        "source": entry.source,
    }


def _agreed_version(parts: Sequence[_Part]) -> str:
    """Return the version of a family's tasks.

    Raises DataError if one task has two: then models were not asked the same.
    """
    version_by_task: dict[str, str] = {}
    for part in parts:
        task = part.result.task
        version = str(part.result.metadata.get("version", "unknown"))
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
