"""What did the models answer? Some docs of each language, all models beside one another.

A doc stands once, with what every model made of it. The docs are chosen for disagreement of the
first pair of models and say so: they show how the models differ, not how good they are. In each
language and family the docs come in the order of the run, which is mixed (prepare.py), so the
choice is the same each time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlbench.errors import StoreError
from mlbench.measures import (
    ACC,
    ChoiceSample,
    ReplySample,
    Sample,
    TargetSample,
    doc_scores,
    label_rule,
    measure_of,
    predict,
    weigh,
)
from mlbench.records import Cell, Language
from mlbench.report.columns import Block
from mlbench.report.page.packing import packed
from mlbench.report.tables import ReportTable
from mlbench.report.text import number, short_names, show
from mlbench.store.cells import CellResult
from mlbench.store.samples import doc_ids_of, scores_of, take_of
from mlbench.store.texts import read_texts

SHOWN_DOCS = 20
"""Docs of a family in a language, if nothing else is asked for."""

SHARES = {"a": 0.4, "b": 0.4, "none": 0.2}
"""Of these docs: only A right, only B right, neither; what is left is filled with the others."""

LONGEST_TEXT = 1_500
LONGEST_CHOICE = 300
LONGEST_REPLY = 600

Samples = Sequence[Sample]


@dataclass(frozen=True, slots=True)
class _Cells:
    """One family in one language: the samples of each model."""

    block: Block
    samples: Mapping[str, Samples]
    texts: Mapping[str, str]
    problem: str


def pack_docs(table: ReportTable, per_family: int) -> list[str]:
    """Return for each language of the table its docs as packed JSON; "" where there are none.

    `per_family` is the number of docs of a family in a language; 0 leaves all of them out.
    """
    found = [_language(table, language, per_family) for language in table.languages]
    return [packed(families) if families else "" for families in found]


def _language(table: ReportTable, language: Language, per_family: int) -> list[dict[str, Any]]:
    if per_family <= 0:
        return []
    cells = [_cells(table, block, language.tag) for block in table.blocks]
    return [_family(table, found, per_family) for found in cells if found is not None]


def _cells(table: ReportTable, block: Block, tag: str) -> _Cells | None:
    views = [table.cells[Cell(model, block.family, tag, block.shots)] for model in block.models]
    results = [view.result for view in views if view.result is not None]
    if not results:
        return None
    texts, problem = _texts(table, results)
    samples = {result.cell.model: result.samples for result in results}
    return _Cells(block, samples, texts, problem)


def _texts(table: ReportTable, results: Sequence[CellResult]) -> tuple[Mapping[str, str], str]:
    try:
        found = (read_texts(folder, results[0]) for folder in table.run.folders)
        texts = next(filter(None, found), {})
    except StoreError as error:
        return {}, str(error)
    return texts, "" if texts else "This run does not hold the texts of these docs."


def _family(table: ReportTable, cells: _Cells, per_family: int) -> dict[str, Any]:
    block = cells.block
    pair = [model for model in table.run.models if model in cells.samples][:2]
    metric = block.metric if block.measure.has_doc_scores else ACC.name
    chosen = choose([cells.samples[model] for model in pair], metric, per_family)
    order = list(table.run.models)
    names = short_names(order)
    return {
        "name": block.name,
        "title": show(block.title),
        "labels": _labels([names[model] for model in pair], metric),
        "n": len(next(iter(cells.samples.values()))),
        "problem": show(cells.problem),
        "docs": _docs(cells, order, metric, chosen),
    }


def choose(pair: Sequence[Samples], metric: str, n: int) -> list[tuple[str, str]]:
    """Choose up to n docs that all of one or two models have, with the group each is in.

    Groups are "a" and "b" (only that model is right), "none" and "both"; of a single model "a" are
    the docs it has right. Where docs are not right or wrong they are the model that does
    better, the greatest differences first; a single model has its hardest texts in "none".
    """
    scores = [dict(zip(doc_ids_of(s), scores_of(s, metric), strict=True)) for s in pair]
    shared = [doc_id for doc_id in scores[0] if all(doc_id in its for its in scores)]
    values = [[float(its[doc_id]) for doc_id in shared] for its in scores]
    groups: dict[str, list[str]] = {"a": [], "b": [], "none": [], "both": []}
    for i in _by_contrast(values, metric):
        groups[_group([value[i] for value in values], metric)].append(shared[i])
    picked = {name: docs[: round(SHARES.get(name, 0) * n)] for name, docs in groups.items()}
    for name, docs in groups.items():
        missing = n - sum(map(len, picked.values()))
        picked[name] = docs[: len(picked[name]) + max(missing, 0)]
    return [(doc_id, name) for name, docs in picked.items() for doc_id in docs]


def _is_right_or_wrong(metric: str) -> bool:
    return measure_of(metric).has_chance


def _by_contrast(values: Sequence[Sequence[float]], metric: str) -> list[int]:
    """Order docs: those that are right or wrong stay as they are, others differ most first.

    Those of a single model have its worst first.
    """
    places = list(range(len(values[0])))
    if _is_right_or_wrong(metric):
        return places
    if len(values) == 1:
        return sorted(places, key=lambda i: measure_of(metric).sign * values[0][i])
    return sorted(places, key=lambda i: -abs(values[0][i] - values[1][i]))


def _group(values: Sequence[float], metric: str) -> str:
    if not _is_right_or_wrong(metric):
        sign = measure_of(metric).sign
        ahead = "a" if sign * values[0] > sign * values[-1] else "b"
        return ahead if len(values) > 1 else "none"
    right = [value >= 0.5 for value in values]
    if all(right):
        return "a" if len(right) == 1 else "both"
    return "ab"[right.index(True)] if any(right) else "none"


def _labels(names: Sequence[str], metric: str) -> dict[str, str]:
    """Name the groups for the reader; `names` are those of the pair, or of a single model."""
    if not _is_right_or_wrong(metric):
        measure = measure_of(metric)
        says = f"needs fewer {measure.unit}" if measure.is_amount else "is better"
        better = {"a": f"{names[0]} {says}", "b": f"{names[-1]} {says}"}
        return better if len(names) == 2 else {"none": "hardest texts"}
    if len(names) == 1:
        return {"a": "right", "none": "wrong"}
    only = {"a": f"only {names[0]} right", "b": f"only {names[1]} right"}
    return only | {"none": "both wrong", "both": "both right"}


def _docs(
    cells: _Cells, order: Sequence[str], metric: str, chosen: Sequence[tuple[str, str]]
) -> list[dict[str, Any]]:
    """Put every model's reply beside the text of each chosen doc."""
    docs = {
        doc_id: {
            "id": show(doc_id, LONGEST_CHOICE),
            "why": why,
            "text": show(cells.texts.get(doc_id, ""), LONGEST_TEXT),
            "out": {},
        }
        for doc_id, why in chosen
    }
    for model, samples in cells.samples.items():
        places = [i for i, doc_id in enumerate(doc_ids_of(samples)) if doc_id in docs]
        for sample in take_of(samples, places):
            doc: dict[str, Any] = docs[sample.doc_id]
            doc["out"][order.index(model)] = _reply(sample, metric)
            if isinstance(sample, ChoiceSample) and "choices" not in doc:
                doc["choices"] = [show(choice, LONGEST_CHOICE) for choice in sample.choices]
                doc["target"] = sample.target
            if isinstance(sample, ReplySample | TargetSample):
                right = sample.target if isinstance(sample, TargetSample) else sample.reference
                doc["reference"] = show(right, LONGEST_REPLY)
    return list(docs.values())


def _reply(sample: Sample, metric: str) -> list[Any]:
    """Return what a model made of a doc: its choice and how sure it was, or None and a value.

    Behind the value stands what it wrote, if it wrote.
    """
    if isinstance(sample, ChoiceSample):
        rule = metric if measure_of(metric).is_rule else label_rule(sample)
        values = list(weigh(sample, rule))
        target = values.pop(sample.target)
        lead = target - max(values, default=target)
        place = "leads by" if lead > 0 else "is behind by"
        words = f"the right answer {place} {number(abs(lead), 2)} {measure_of(rule).weigh_unit}"
        return [predict(sample, rule), words]
    (value,) = doc_scores([sample], metric)
    measure = measure_of(metric)
    words = f"{number(measure.factor * value, measure.digits)} {measure.unit}"
    if isinstance(sample, TargetSample):
        words = "would be written" if sample.is_greedy else "would not be written"
    written = [show(sample.reply.strip(), LONGEST_REPLY)] if isinstance(sample, ReplySample) else []
    return [None, words, *written]
