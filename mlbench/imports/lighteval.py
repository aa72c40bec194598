"""Which tasks has lighteval scored, and what does it say of each doc? Its details, in Parquet.

`lighteval accelerate ... --save-details` writes results/<model>/results_<time>.json and, for each
task, details/<model>/<time>/details_<task>|<shots>_<time>.parquet with the columns doc, metric and
model_response. Of its tokens nothing is read: they are padded.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from mlbench.errors import DataError
from mlbench.imports.imported import Skipped
from mlbench.imports.scored_task import (
    ScoredTask,
    Tool,
    digest_of,
    named,
    ordered_metrics,
    setup_of,
)
from mlbench.imports.setups import LIGHTEVAL
from mlbench.imports.tasks import read_tool
from mlbench.records import OutputType

_TIME = r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d(?:\.\d+)?"
_DETAILS = re.compile(rf"details_(?P<task>.+)_(?P<time>{_TIME})\.parquet")
_RESULTS = re.compile(rf"results_(?P<time>{_TIME})\.json")
_HOW = "Score with: lighteval accelerate ... --save-details --output-dir DIR"
_COLUMNS = ("doc", "metric", "model_response.logprobs")
_RULES = ("acc", "acc_norm")
# True is what lighteval takes where nothing is said, and what every model is served with.
_USUAL = frozenset({"add_special_tokens", "skip_special_tokens"})


@dataclass(frozen=True)
class LightevalTask(ScoredTask):
    """One task in one run of lighteval: its details, and the content of its results file."""

    task: str
    time: str
    path: Path
    results: Mapping[str, Any]
    key: str
    tool = LIGHTEVAL

    @property
    def config(self) -> Mapping[str, Any]:
        """Return the task's config, as lm-eval would write it."""
        logged = self._own.get("metrics") or []
        names = [str(metric["metric_name"]) for metric in logged if isinstance(metric, Mapping)]
        kind = OutputType.CHOICES if self._is_choice else "generate_until"
        return {
            "output_type": kind,
            # Accuracy per token does not follow from the log-likelihoods.
            "metric_list": ordered_metrics(names, _RULES if self._is_choice else ()),
            "target_delimiter": "",
            "metadata": {"version": self._own.get("version", "unknown")},
        }

    @property
    def model(self) -> str:
        """Return the model's name, with its revision where one was asked for."""
        said = self._model_config
        return named(
            str(self._general.get("model_name") or said.get("model_name") or "model"), said
        )

    @property
    def setup(self) -> dict[str, str]:
        """Return what can change a score of how the model was loaded and asked."""
        said = {
            name: value
            for name, value in self._model_config.items()
            if name not in ("model_name", "revision", "generation_parameters")
            and value not in (None, False, "", {}, [])
            and not (value is True and name in _USUAL)
        }
        generation = self._model_config.get("generation_parameters") or {}
        given = {name: value for name, value in generation.items() if value not in (None, 0)}
        if given:
            said["gen_kwargs"] = given
        return setup_of(said, self._model_config)

    @property
    def shots(self) -> int:
        """Return the number of examples."""
        return int(self._own.get("num_fewshots") or 0)

    @property
    def limit(self) -> float | None:
        """Return --max-samples; None means all docs."""
        limit = self._general.get("max_samples")
        return None if limit is None else float(limit)

    @property
    def version(self) -> str | None:
        """Return the commit of lighteval, which it knows only in a clone."""
        sha = self._general.get("lighteval_sha")
        return None if sha in (None, "", "?") else str(sha)

    def rows(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield each doc with its place."""
        for number, (doc, metric, values) in enumerate(self._docs, start=1):
            row = {"doc_id": doc["id"], "doc": {**(doc.get("specific") or {}), **doc}, **metric}
            if self._is_choice:
                row["target"] = _golds(doc)[0]
                row["arguments"] = [[doc["query"], choice] for choice in doc["choices"]]
                row["filtered_resps"] = [[value] for value in values]
            yield number, row

    @property
    def data_sha256(self) -> str:
        """Return a digest of ids, queries, choices and targets, so that other docs do not pair."""
        parts = [(d["id"], d["query"], d["choices"], _golds(d)) for d, _, _ in self._docs]
        return digest_of(sorted(parts, key=lambda part: str(part[0])))

    @property
    def prompts(self) -> str:
        """Return a digest of instructions and examples before the docs."""
        parts = [
            (d["id"], d.get("instruction"), [shot["query"] for shot in d["fewshot_samples"] or ()])
            for d, _, _ in self._docs
        ]
        return digest_of(sorted(parts, key=lambda part: str(part[0])))

    @cached_property
    def _docs(self) -> list[tuple[dict[str, Any], dict[str, Any], list[float]]]:
        """Return doc, scores and log-likelihoods of each row."""
        try:
            table = pq.ParquetFile(self.path).read(columns=list(_COLUMNS))
            if {*table.column_names} != {"doc", "metric", "model_response"}:
                raise DataError(
                    f"{self.path}: no columns doc, metric and model_response, as lighteval 0.13 "
                    f"writes. An older lighteval wrote it: score again with a newer one"
                )
        except (OSError, pa.ArrowException) as error:
            raise DataError(f"{self.path}: not lighteval's details: {error}") from error
        return [
            (row["doc"], row["metric"], row["model_response"]["logprobs"] or [])
            for row in table.to_pylist()
        ]

    @cached_property
    def _is_choice(self) -> bool:
        """Return whether every doc has one right choice, and a log-likelihood of each choice."""
        return all(
            len(_golds(doc)) == 1 and len(values) == len(doc["choices"]) > 1
            for doc, _, values in self._docs
        )

    @property
    def _own(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.results["config_tasks"][self.key]
        return found

    @property
    def _general(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.results["config_general"]
        return found

    @property
    def _model_config(self) -> Mapping[str, Any]:
        found = self._general.get("model_config")
        return found if isinstance(found, Mapping) else {}


def _golds(doc: Mapping[str, Any]) -> list[int]:
    gold = doc["gold_index"]
    return list(gold) if isinstance(gold, list) else [gold]


def find_lighteval(folder: Path) -> tuple[list[ScoredTask], list[Skipped]]:
    """Return every task with details below a folder, and what is left out.

    Raises DataError if there is none.
    """
    if not folder.is_dir():
        raise DataError(
            f"no folder {str(folder)!r}. The --output-dir of lighteval is needed. {_HOW}"
        )
    skipped: list[Skipped] = []
    by_time = dict(_read_results(folder, skipped))
    tasks: list[ScoredTask] = []
    for path in sorted(folder.rglob("details_*.parquet")):
        match = _DETAILS.fullmatch(path.name)
        results = by_time.get(match["time"]) if match else None
        if not match or results is None:
            skipped.append(Skipped(path.name, "no readable results_<time>.json of the same time"))
        elif match["task"] not in results["config_tasks"]:
            skipped.append(Skipped(path.name, "its results file has no such task"))
        else:
            # <task>|<shots>; once <suite>|<task>|<shots>|<truncation>
            parts = match["task"].split("|")
            task = next((part for part in reversed(parts) if not part.isdecimal()), parts[0])
            tasks.append(LightevalTask(task, match["time"], path, results, match["task"]))
    if not tasks:
        why = "".join(f" {what}: {reason}." for what, reason in skipped[:3])
        raise DataError(f"no details of lighteval with their results in {folder}.{why} {_HOW}")
    return tasks, skipped


def _read_results(folder: Path, skipped: list[Skipped]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the results files that can be read by their time."""
    for path in sorted(folder.rglob("results_*.json")):
        match = _RESULTS.fullmatch(path.name)
        if not match:
            continue
        try:
            content: Any = json.loads(path.read_text(encoding="utf-8"))
            parts = ("config_general", "config_tasks")
            if not all(isinstance(content.get(part), dict) for part in parts):
                raise ValueError("expected `config_general` and `config_tasks`")
        except (ValueError, OSError, AttributeError, RecursionError) as error:
            skipped.append(Skipped(path.name, f"not lighteval's results: {error}"))
        else:
            yield match["time"], content


read_lighteval = partial(
    read_tool,
    Tool(LIGHTEVAL, find_lighteval, Path(__file__).with_name("lighteval_tasks.yaml")),
)
