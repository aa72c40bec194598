"""What did a model reply to each doc? Rows of a task that was scored elsewhere become our samples.

Tools log the log-likelihoods but not which choice is right in a form of its own. A reading is kept
only if it gives the tool's own score of every doc; else the score alone is imported.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from mlbench.errors import DataError
from mlbench.families.task_map import CHOICE_METRICS, cluster_of
from mlbench.imports.scored_task import ScoredTask
from mlbench.imports.targets import MappedTask, Unmapped
from mlbench.measures import (
    ACC,
    ChoiceSample,
    Sample,
    ScoreSample,
    TextSample,
    doc_scores,
    predict,
)
from mlbench.records import OutputType

PER_LENGTH = frozenset({"acc_norm", "acc_bytes"})
"""Those of lm-eval's metrics that divide by the length of a choice, which must not be zero."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The samples of a task. `scores` are the same docs with nothing but lm-eval's own score.

    `metrics` are those that agree with lm-eval, the first is the primary one.
    """

    samples: tuple[Sample, ...]
    metrics: tuple[str, ...]
    scores: tuple[ScoreSample, ...]


class _Row(NamedTuple):
    """A line of the file, as far as every output type has it."""

    line: int
    doc_id: str
    cluster_id: str
    content: Mapping[str, Any]


def read_samples(result: ScoredTask, target: MappedTask) -> Reading:
    """Return the samples of one task, in the order of the file.

    Raises DataError with file and line for what lm-eval would not write, Unmapped if the mapping
    does not say enough.
    """
    rows = _read_rows(result, target)
    kind = result.config.get("output_type")
    if kind == OutputType.TEXT:
        return _read_texts(result, rows)
    metrics = _logged_metrics(result, target, rows)
    scores = _read_scores(result, rows, _scored_metric(metrics, rows))
    if kind == OutputType.CHOICES:
        found = _read_choices(result, rows, metrics)
        if found:
            return Reading(*found, scores)
    return Reading(scores, ("score",), scores)


def _read_rows(result: ScoredTask, target: MappedTask) -> list[_Row]:
    rows, filters = [], set()
    for line, content in result.rows():
        content.pop("resps", None)
        content["arguments"] = _share_contexts(content.get("arguments"))
        try:
            name = content.get("filter", "none")
            filters.add(name)
            doc, place = content["doc"], str(content["doc_id"])
            entry = target.entry
            ids = [_field(doc, key) for key in entry.doc_id] or [place]
            doc_id = "/".join([target.part, *ids] if target.part and not entry.doc_id else ids)
            named = _field(doc, entry.cluster) if entry.cluster else None
            cluster = named or cluster_of(doc_id, entry.doc_set)
            rows.append((name, _Row(line, doc_id, cluster, content)))
        except (KeyError, TypeError) as error:
            raise DataError(
                f"{result.path}:{line}: not {result.tool}'s sample: no {error}"
            ) from error
    if not rows:
        raise DataError(f"{result.path}: the file holds no samples")
    chosen = _choose_filter(filters, target)
    return [row for name, row in rows if name == chosen]


def _field(doc: Mapping[str, Any], key: str) -> str:
    if key not in doc:
        raise Unmapped(f"its docs have no field {key!r}, but {', '.join(doc)}; see --map")
    return str(doc[key])


def _choose_filter(filters: set[str], target: MappedTask) -> str:
    if len(filters) == 1:
        return next(iter(filters))
    if target.entry.filter in filters:
        return str(target.entry.filter)
    names = ", ".join(sorted(filters))
    raise Unmapped(f"it has the filters {names}; choose one in a mapping file (--map)")


def _logged_metrics(result: ScoredTask, target: MappedTask, rows: Sequence[_Row]) -> list[str]:
    """Return the names of the task's metrics, the primary one first."""
    listed = [str(item.get("metric")) for item in result.config.get("metric_list") or []]
    names = [name for name in listed if all(name in row.content for row in rows)]
    first = target.entry.metric
    if first and first not in names:
        raise Unmapped(f"no metric {first!r} in its samples, only {', '.join(names) or 'none'}")
    if not names:
        raise Unmapped("its samples have no metric of a single doc")
    return [first, *(n for n in names if n != first)] if first else names


def _scored_metric(metrics: Sequence[str], rows: Sequence[_Row]) -> str:
    """Return the first metric that is logged as a number; else the first.

    Of acc_calibrated lm-eval logs what its aggregation needs, for the docs are not scored one by
    one.
    """
    first = rows[0].content
    return next((name for name in metrics if not isinstance(first[name], Mapping)), metrics[0])


def _read_scores(result: ScoredTask, rows: Sequence[_Row], metric: str) -> tuple[ScoreSample, ...]:
    scores = []
    for row in rows:
        value = row.content[metric]
        if not isinstance(value, int | float) or math.isnan(value):
            raise Unmapped(f"its {metric!r} is not a number for each doc, but {value!r:.60}")
        if not 0 <= value <= 1:
            raise Unmapped(f"its {metric!r} is not a score in [0, 1], but {value!r}")
        scores.append(ScoreSample(row.doc_id, row.cluster_id, float(value)))
    return tuple(scores)


def _read_texts(result: ScoredTask, rows: Sequence[_Row]) -> Reading:
    samples = []
    for row in rows:
        (loglikelihood,) = _loglikelihoods(result, row)
        if loglikelihood == -math.inf:
            raise DataError(f"{result.path}:{row.line}: doc {row.doc_id!r} has no bits: -inf")
        doc = row.content["doc"] if result.is_export else {}
        n_bytes = doc.get("n_bytes") or len(_arguments(result, row, 1)[0][0].encode())
        if n_bytes == 0:
            raise DataError(f"{result.path}:{row.line}: doc {row.doc_id!r} has no text")
        ids = (row.doc_id, row.cluster_id)
        samples.append(TextSample(*ids, loglikelihood, n_bytes, doc.get("n_tokens")))
    return Reading(tuple(samples), ("bits", "bits_per_byte"), ())


def _read_choices(
    result: ScoredTask, rows: Sequence[_Row], metrics: Sequence[str]
) -> tuple[tuple[ChoiceSample, ...], tuple[str, ...]] | None:
    """Return samples that give lm-eval's own scores, with the metrics that do; None if none do."""
    if metrics[0] not in CHOICE_METRICS:
        return None
    delimiter = str(result.config.get("target_delimiter", " "))
    has_prior = bool({"acc_mutual_info", "acc_pmi"} & set(metrics))
    bare = [_bare_sample(result, row, delimiter, has_prior=has_prior) for row in rows]
    label_means = next((sample.label_means for sample in bare if sample.label_means), ())
    bare = [replace(sample, label_means=label_means) for sample in bare]
    for find in (_target_by_index, _target_by_text, _target_by_score):
        targets = [find(sample, row.content) for sample, row in zip(bare, rows, strict=True)]
        known = [target for target in targets if target is not None]
        if len(known) < len(bare):
            continue
        samples = tuple(replace(s, target=t) for s, t in zip(bare, known, strict=True))
        agreeing = tuple(
            CHOICE_METRICS[name]
            for name in metrics
            if name in CHOICE_METRICS and _agrees(samples, name, rows)
        )
        if agreeing and agreeing[0] == CHOICE_METRICS[metrics[0]]:
            return samples, agreeing
    return None


def _bare_sample(result: ScoredTask, row: _Row, delimiter: str, *, has_prior: bool) -> ChoiceSample:
    """Return a sample whose target is not known yet."""
    arguments, values = _arguments(result, row, 2), _loglikelihoods(result, row)
    if len(arguments) != len(values) or not values:
        raise DataError(
            f"{result.path}:{row.line}: {len(arguments)} requests, but {len(values)} replies"
        )
    n = _n_choices(row, len(values), has_prior=has_prior)
    contexts, choices = zip(*arguments[:n], strict=True)
    if len(set(choices)) == 1 < len(set(contexts)):
        # lm-eval's "multiple input": the choices are in the contexts, before one continuation.
        choices = contexts
    elif all(choice.startswith(delimiter) for choice in choices):
        choices = tuple(choice.removeprefix(delimiter) for choice in choices)
    logged = row.content["doc"] if result.is_export else row.content.get("acc_calibrated")
    logged = logged if isinstance(logged, Mapping) else {}
    return ChoiceSample(
        row.doc_id,
        row.cluster_id,
        target=-1,
        choices=choices,
        loglikelihoods=tuple(values[:n]),
        calibration=tuple(values[n : 2 * n]) if has_prior else (),
        n_tokens=tuple(logged.get("n_tokens") or ()),
        label_means=tuple(logged.get("label_means") or ()),
    )


def _n_choices(row: _Row, n_replies: int, *, has_prior: bool) -> int:
    """Return how many of the replies are to the choices; those of the calibration docs come last.

    Only the first doc of a cell has them (harness.task), so each row says its number itself.
    """
    logged = row.content.get("acc_calibrated")
    if isinstance(logged, Mapping):
        return len(logged["loglikelihoods"])
    return n_replies // 2 if has_prior else n_replies


def _target_by_index(sample: ChoiceSample, row: Mapping[str, Any]) -> int | None:
    text = str(row.get("target"))
    is_index = text.isdecimal() and int(text) < len(sample.choices)
    return int(text) if is_index else None


def _target_by_text(sample: ChoiceSample, row: Mapping[str, Any]) -> int | None:
    text = row.get("target")
    return sample.choices.index(text) if text in sample.choices else None


def _target_by_score(sample: ChoiceSample, row: Mapping[str, Any]) -> int | None:
    """Of two choices the right one follows from what the model chose and whether that was right."""
    is_right = row.get(ACC.name)
    if len(sample.choices) != 2 or is_right not in (0, 1):
        return None
    chosen = predict(sample, ACC.name)
    return chosen if is_right else 1 - chosen


def _agrees(samples: Sequence[ChoiceSample], name: str, rows: Sequence[_Row]) -> bool:
    """Return whether a metric computed from the samples is the logged one for every doc."""
    if name in PER_LENGTH and not all(all(s.choices) for s in samples):
        return False
    if isinstance(rows[0].content[name], Mapping):
        logged = [tuple(row.content[name]["loglikelihoods"]) for row in rows]
        return all(s.loglikelihoods == known for s, known in zip(samples, logged, strict=True))
    return doc_scores(samples, CHOICE_METRICS[name]) == [row.content[name] for row in rows]


def _share_contexts(arguments: Any) -> Any:
    """Return the arguments of each request as lists, a context of all choices in memory once.

    lm-eval 0.4.2 and before wrote lists, later ones an object for each request.
    """
    if isinstance(arguments, dict):
        arguments = [list(group.values()) for group in arguments.values()]
    seen: dict[Any, Any] = {}
    return [
        [seen.setdefault(part, part) if isinstance(part, str) else part for part in group]
        for group in arguments or ()
    ]


def _arguments(result: ScoredTask, row: _Row, n_parts: int) -> list[list[str]]:
    """Return so many arguments of each request, checked to be text."""
    given: list[list[str]] = [group[:n_parts] for group in row.content["arguments"]]
    is_text = all(isinstance(part, str) for group in given for part in group)
    if not given or not is_text or any(len(group) < n_parts for group in given):
        raise DataError(
            f"{result.path}:{row.line}: no `arguments` of the requests, as {result.tool} has"
        )
    return given


def _loglikelihoods(result: ScoredTask, row: _Row) -> list[float]:
    replies = row.content.get("filtered_resps")
    where = f"{result.path}:{row.line}: doc {row.doc_id!r}"
    try:
        first = [reply[0] if isinstance(reply, list) else reply for reply in replies or ()]
        values = [float(value) for value in first]
    except (TypeError, ValueError, IndexError) as error:
        raise DataError(f"{where}: no log-likelihoods, but {replies!r:.80}") from error
    # What cannot be is -inf in some backends: less than any number, and a choice not taken.
    if any(math.isnan(value) or value == math.inf for value in values):
        raise DataError(f"{where}: a log-likelihood is not a number: {values!r:.120}")
    return values
