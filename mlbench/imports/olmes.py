"""Which tasks has OLMES scored, and what does it say of each doc? Its predictions, in JSON lines.

`olmes --output-dir DIR` writes task-<number>-<task>-metrics.json, -predictions.jsonl and, where it
was not told otherwise, -requests.jsonl. The texts of the choices are only in the last.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

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
from mlbench.imports.setups import OLMES
from mlbench.imports.tasks import read_tool
from mlbench.records import OutputType

_METRICS, _PREDICTIONS, _REQUESTS = "-metrics.json", "-predictions.jsonl", "-requests.jsonl"
_HOW = "Score with: olmes --model MODEL --task TASK --output-dir DIR"
_RULES = {
    "acc_raw": "acc",
    "acc_per_char": "acc_norm",
    "acc_per_byte": "acc_bytes",
    "acc_uncond": "acc_mutual_info",
}
"""lm-eval's name of each of OLMES's metrics that follow from the log-likelihoods."""
_USUAL = {"model_type": "hf", "max_length": 2048, "use_fast_tokenizer": True}
"""What OLMES takes where nothing is said, and writes all the same."""


@dataclass(frozen=True)
class OlmesTask(ScoredTask):
    """One task in one run of OLMES: its predictions, and the content of its metrics file."""

    task: str
    time: str
    path: Path
    results: Mapping[str, Any]
    tool = OLMES

    @property
    def config(self) -> Mapping[str, Any]:
        """Return the task's config, as lm-eval would write it."""
        primary = str(self._own.get("primary_metric") or "")
        names = dict.fromkeys([primary, *self._predictions[0]["metrics"]])
        shown = [_RULES.get(name, name) if self._is_choice else name for name in names if name]
        return {
            "output_type": OutputType.CHOICES if self._is_choice else "generate_until",
            # Accuracy per token does not follow from the log-likelihoods.
            "metric_list": ordered_metrics(shown, _RULES.values()),
            "target_delimiter": "",
            "metadata": {"version": self._own.get("version") or "unknown"},
        }

    @property
    def model(self) -> str:
        """Return the model's name, with its revision where one was asked for."""
        said = self._model_config
        return named(str(said.get("model") or said.get("model_path") or "model"), said)

    @property
    def setup(self) -> dict[str, str]:
        """Return what can change a score of how the model was loaded and asked."""
        said = {
            name: value
            for name, value in self._model_config.items()
            if name not in ("model", "model_path", "revision", "metadata")
            and value not in (None, False, "", {}, [])
            and _USUAL.get(name) != value
        }
        return setup_of(said, self._model_config)

    @property
    def shots(self) -> int:
        """Return the number of examples."""
        return int(self._own.get("num_shots") or 0)

    @property
    def limit(self) -> float | None:
        """Return --limit; None means all docs of the task."""
        limit = self._own.get("limit")
        return None if limit is None else float(limit)

    @property
    def stated_docs(self) -> int | None:
        """Return the number of docs that OLMES says it scored."""
        said = self.results.get("num_instances")
        return said if isinstance(said, int) else None

    def rows(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield each doc with its line."""
        natives = Counter(str(found.get("native_id")) for found in self._predictions)
        is_native = max(natives.values()) == 1
        for number, found in enumerate(self._predictions, start=1):
            doc_id = str(found["native_id"] if is_native else found["doc_id"])
            row = {"doc_id": doc_id, "doc": {"native_id": doc_id, **self._doc(found["doc_id"])}}
            names = _RULES if self._is_choice else {}
            row |= {names.get(name, name): value for name, value in found["metrics"].items()}
            if self._is_choice:
                row |= self._replies(found)
            yield number, row

    @property
    def data_sha256(self) -> str | None:
        """Return a digest of ids, choices and targets; None where the requests are not kept."""
        return (
            digest_of(
                (
                    str(p.get("native_id")),
                    p.get("label"),
                    [text for _, text in self._texts(p["doc_id"])],
                )
                for p in self._predictions
            )
            if self._requests
            else None
        )

    @property
    def prompts(self) -> str | None:
        """Return a digest of the contexts; None where the requests are not kept."""
        return (
            digest_of([text for text, _ in self._texts(p["doc_id"])] for p in self._predictions)
            if self._requests
            else None
        )

    def _replies(self, found: Mapping[str, Any]) -> dict[str, Any]:
        """Return the requests of a doc and the log-likelihoods, those without context last."""
        outputs, requests = found["model_output"], [list(r) for r in self._texts(found["doc_id"])]
        values = [output["sum_logits"] for output in outputs]
        if all("sum_logits_uncond" in output for output in outputs):
            values += [output["sum_logits_uncond"] for output in outputs]
            requests += [["", choice] for _, choice in requests]
        replies = [[value] for value in values]
        return {"target": found["label"], "arguments": requests, "filtered_resps": replies}

    def _doc(self, doc_id: Any) -> dict[str, Any]:
        found = self._requests.get(doc_id)
        doc = found[0].get("doc") if found else None
        return doc if isinstance(doc, dict) else {}

    def _texts(self, doc_id: Any) -> list[tuple[str, str]]:
        """Return context and continuation of the requests of a doc, in the order of the choices."""
        return [
            (str(request["request"]["context"]), str(request["request"]["continuation"]))
            for request in self._requests.get(doc_id, ())
            if "continuation" in request["request"]
        ]

    @cached_property
    def _is_choice(self) -> bool:
        """Return whether each doc has a log-likelihood and a text of each choice."""
        return all(
            isinstance(found.get("label"), int)
            and len(found["model_output"]) == len(self._texts(found["doc_id"])) > 1
            and all("sum_logits" in output for output in found["model_output"])
            for found in self._predictions
        )

    @cached_property
    def _predictions(self) -> list[dict[str, Any]]:
        found = _read_lines(self.path)
        if not all({"doc_id", "metrics", "model_output"} <= {*row} for row in found) or not found:
            raise DataError(f"{self.path}: not OLMES's predictions: doc_id, metrics, model_output")
        return found

    @cached_property
    def _requests(self) -> dict[Any, list[dict[str, Any]]]:
        """Return the requests of each doc, none where the file was not kept."""
        path = self.path.with_name(self.path.name.removesuffix(_PREDICTIONS) + _REQUESTS)
        by_doc: dict[Any, list[dict[str, Any]]] = defaultdict(list)
        for request in _read_lines(path) if path.is_file() else ():
            by_doc[request["doc_id"]].append(request)
        for requests in by_doc.values():
            requests.sort(key=lambda request: int(request["idx"]))
        return by_doc

    @property
    def _own(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.results["task_config"]
        return found

    @property
    def _model_config(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.results["model_config"]
        return found


def _read_lines(path: Path) -> list[dict[str, Any]]:
    try:
        with path.open(encoding="utf-8-sig") as file:
            found = [json.loads(line) for line in file if line.strip()]
        if not all(isinstance(row, dict) for row in found):
            raise ValueError("expected an object in each line")
    except (ValueError, OSError, RecursionError) as error:
        raise DataError(f"{path}: not as OLMES writes it: {error}") from error
    return found


def find_olmes(folder: Path) -> tuple[list[ScoredTask], list[Skipped]]:
    """Return every task with predictions below a folder, and what is left out.

    Raises DataError if there is none.
    """
    if not folder.is_dir():
        raise DataError(f"no folder {str(folder)!r}. The --output-dir of OLMES is needed. {_HOW}")
    tasks: list[ScoredTask] = []
    skipped: list[Skipped] = []
    for path in sorted(folder.rglob(f"task-*{_PREDICTIONS}")):
        beside = path.with_name(path.name.removesuffix(_PREDICTIONS) + _METRICS)
        try:
            content: Any = json.loads(beside.read_text(encoding="utf-8"))
            parts = ("task_config", "model_config")
            if not all(isinstance(content.get(part), dict) for part in parts):
                raise ValueError("expected `task_config` and `model_config`")
            task, time = str(content["task_name"]), str(content.get("current_date") or "")
            tasks.append(OlmesTask(task, time, path, content))
        except (KeyError, ValueError, OSError, AttributeError, RecursionError) as error:
            skipped.append(Skipped(path.name, f"{beside.name} beside it cannot be read: {error}"))
    if not tasks:
        why = "".join(f" {what}: {reason}." for what, reason in skipped[:3])
        raise DataError(f"no predictions of OLMES with their metrics in {folder}.{why} {_HOW}")
    return tasks, skipped


read_olmes = partial(
    read_tool, Tool(OLMES, find_olmes, Path(__file__).with_name("olmes_tasks.yaml"))
)
