"""A run as lm-eval writes it: results_<time>.json and samples_<task>_<time>.jsonl.

All that the run kept of each doc is there, and `mlbench import lm-eval` makes the same samples of
it. The run keeps no prompts: contexts are empty.
"""

import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import IO, Any

from mlbench.files import Fill
from mlbench.measures import (
    ChoiceSample,
    ReplySample,
    Sample,
    TargetSample,
    TextSample,
    measure_of,
    statistics_of,
)
from mlbench.names import folder_name
from mlbench.records import Cell, OutputType, Score
from mlbench.store.read import Run
from mlbench.task_files import task_name


def lm_eval_files(run: Run, folder: Path) -> dict[Path, Fill]:
    """Return what fills a results file per model and number of examples, and a samples file per
    cell."""
    files: dict[Path, Fill] = {}
    cells = sorted(run.done, key=lambda cell: (cell.model, cell.shots, cell.family, cell.language))
    for (model, shots), group in groupby(cells, key=lambda cell: (cell.model, cell.shots)):
        place, mine = folder / str(run.models[model]["slug"]), list(group)
        # lm-eval writes the time with microseconds; the examples there keep files apart.
        time = f"{datetime.fromisoformat(run.created):%Y-%m-%dT%H-%M-%S}.{shots:06d}"
        for cell in mine:
            path = place / f"samples_{_task_of(cell)}_{time}.jsonl"
            files[path] = partial(_fill_samples, run, cell)
        files[place / f"results_{time}.json"] = partial(_fill_results, run, mine)
    return files


def _task_of(cell: Cell) -> str:
    """Name the task of a cell so that a file can be called after it, whatever the family is."""
    return folder_name(task_name(cell.family, cell.language))


def _fill_samples(run: Run, cell: Cell, file: IO[bytes]) -> None:
    for row in sample_rows(run, cell):
        file.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")


def _fill_results(run: Run, cells: Sequence[Cell], file: IO[bytes]) -> None:
    results = _begin_results(cells[0].model, datetime.fromisoformat(run.created))
    for cell in cells:
        _add_task(results, run, cell, list(sample_rows(run, cell)))
    file.write(json.dumps(results, ensure_ascii=False, indent=2).encode() + b"\n")


def _begin_results(model: str, created: datetime) -> dict[str, Any]:
    parts = ("results", "group_subtasks", "configs", "versions", "n-shot", "higher_is_better")
    return {
        **{part: {} for part in (*parts, "n-samples", "task_hashes")},
        "config": {"model": "mlbench", "model_args": None, "model_revision": "main", "limit": None},
        "date": created.timestamp(),
        "lm_eval_version": None,
        "model_source": "mlbench",
        "model_name": model,
        "model_name_sanitized": model.replace("/", "__"),
    }


def _add_task(
    results: dict[str, Any], run: Run, cell: Cell, rows: Sequence[Mapping[str, Any]]
) -> None:
    name, facts, done = _task_of(cell), run.families[cell.family], run.done
    signature, metrics = done[cell].signature, rows[0]["metrics"]
    results["config"]["model_args"] = signature.get("arguments") or None
    results["config"]["limit"] = signature.get("limit")
    results["lm_eval_version"] = signature.get("lm_eval")
    results["results"][name] = {"alias": name, "sample_len": len(rows)}
    for metric, score in done[cell].scores.items():
        results["results"][name] |= _aggregate(metric, score)
    results["configs"][name] = {
        "task": name,
        "output_type": _output_type(done[cell].samples[0]),
        "target_delimiter": " ",
        "num_fewshot": cell.shots,
        "metric_list": [
            {"metric": m, "higher_is_better": measure_of(m).higher_is_better} for m in metrics
        ],
        "metadata": {
            "version": facts["version"],
            "mlbench_export": {"family": cell.family, "language": cell.language, "facts": facts},
        },
    }
    results["versions"][name] = facts["version"]
    results["n-shot"][name] = cell.shots
    results["higher_is_better"][name] = {m: measure_of(m).higher_is_better for m in metrics}
    results["n-samples"][name] = {"original": len(rows), "effective": len(rows)}
    hashes = (row["doc_hash"] + row["prompt_hash"] + row["target_hash"] for row in rows)
    results["task_hashes"][name] = _hash("".join(hashes))


def _aggregate(metric: str, score: Score) -> dict[str, Any]:
    stderr = "N/A" if math.isnan(score.stderr) else score.stderr
    return {f"{metric},none": score.value, f"{metric}_stderr,none": stderr}


def _output_type(sample: Sample) -> str:
    if isinstance(sample, ChoiceSample):
        return str(OutputType.CHOICES)
    if isinstance(sample, TargetSample):
        return str(OutputType.TARGET)
    return str(OutputType.TEXT if isinstance(sample, TextSample) else OutputType.REPLY)


def sample_rows(run: Run, cell: Cell) -> Iterator[dict[str, Any]]:
    """Yield each doc of a finished cell as lm-eval logs it."""
    samples = run.done[cell].samples
    known = [measure_of(name) for name in run.families[cell.family]["metrics"]]
    measures = [m for m in known if m.has_doc_scores]
    metrics = [measure.name for measure in measures]
    # What lm-eval aggregates: a score per doc, or the numbers that are summed.
    logged = {m.name: statistics_of(samples, m.name).tolist() for m in measures}
    for place, sample in enumerate(samples):
        doc = {"doc_id": sample.doc_id, "cluster_id": sample.cluster_id}
        extra, target, requests = _request_parts(sample)
        arguments = [argument for argument, _ in requests]
        replies = [reply for _, reply in requests]
        doc |= extra
        row = {
            "doc_id": place,
            "doc": doc,
            "target": target,
            "arguments": {
                f"gen_args_{i}": {f"arg_{j}": part for j, part in enumerate(argument)}
                for i, argument in enumerate(arguments)
            },
            "resps": [[reply] for reply in replies],
            "filtered_resps": replies,
            "filter": "none",
            "metrics": metrics,
            "doc_hash": _hash(json.dumps(doc, indent=2, ensure_ascii=False)),
            "prompt_hash": _hash(arguments[0][0]),
            "target_hash": _hash(target),
        }
        for measure in measures:
            numbers = logged[measure.name][place]
            row[measure.name] = numbers[0] if measure.is_mean else numbers
        yield row


def _request_parts(sample: Sample) -> tuple[dict[str, Any], str, list[tuple[list[str], Any]]]:
    """Return what a kind of sample adds to the doc, its target, and its requests with replies.

    Whether a choice was the greedy one is not kept where there are several: None, where lm-eval has
    True or False.
    """
    if isinstance(sample, ChoiceSample):
        values = (*sample.loglikelihoods, *sample.calibration)
        twice = (*sample.choices, *sample.choices)
        requests = [
            (["", f" {choice}"], [repr(value), "None"])
            for choice, value in zip(twice, values, strict=False)
        ]
        extra = {"choices": list(sample.choices), "target": sample.target}
        extra |= {"n_tokens": list(sample.n_tokens), "label_means": list(sample.label_means)}
        return extra, str(sample.target), requests
    if isinstance(sample, TextSample):
        extra = {"n_bytes": sample.n_bytes, "n_tokens": sample.n_tokens}
        return extra, "", [([""], repr(sample.loglikelihood))]
    if isinstance(sample, TargetSample):
        reply = [repr(sample.loglikelihood), str(sample.is_greedy)]
        return {}, sample.target, [(["", sample.target], reply)]
    if isinstance(sample, ReplySample):
        return {"reference": sample.reference}, sample.reference, [(["", "{}"], sample.reply)]
    return {}, "", [(["", "{}"], "")]


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
