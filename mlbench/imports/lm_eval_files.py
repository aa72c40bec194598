"""Which results of lm-eval are in a folder? results_<time>.json, and samples_<task>_<time>.jsonl.

They are read as plain JSON, so that results of any machine can be imported where no lm-eval is.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlbench.errors import DataError
from mlbench.imports.imported import Skipped
from mlbench.redaction import redact

_SAMPLES = re.compile(
    r"samples_(?P<task>.+)_(?P<time>\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d(\.\d+)?)\.jsonl"
)
_HOW = "Score with: lm_eval run --log_samples --output_path DIR"


@dataclass(frozen=True, slots=True)
class TaskResult:
    """One task in one run of lm-eval: its samples file, and the results file beside it."""

    task: str
    time: str
    path: Path
    results: Mapping[str, Any]

    @property
    def config(self) -> Mapping[str, Any]:
        """Return the task's config."""
        found: Mapping[str, Any] = self.results["configs"][self.task]
        return found

    @property
    def shots(self) -> int:
        """Return the number of examples."""
        shots = self.results.get("n-shot", {}).get(self.task, self.config.get("num_fewshot"))
        return int(shots or 0)

    @property
    def model(self) -> str:
        """Return the model's name, with its revision where one was asked for."""
        general = self.results["config"]
        name = self.results.get("model_name") or general.get("model") or "model"
        revision = general.get("model_revision")
        is_default = revision in (None, "", "main", "N/A")
        shown = redact(str(name), general.get("model_args") or "")
        return shown if is_default else f"{shown}@{revision}"

    @property
    def arguments(self) -> str:
        """Return all that makes two models of one name differ: arguments and chat template.

        Without keys and passwords, which lm-eval writes as they were given.
        """
        general = self.results["config"]
        kept = {
            "model": general.get("model"),
            "model_args": general.get("model_args"),
            "chat_template": self.results.get("chat_template_sha"),
            "system_instruction": self.results.get("system_instruction_sha"),
        }
        text = json.dumps(kept, sort_keys=True, ensure_ascii=False, default=str)
        return redact(text, general.get("model_args") or "")

    @property
    def is_export(self) -> bool:
        """Return whether `mlbench export` wrote it; then a doc holds what lm-eval does not log."""
        return "mlbench_export" in (self.config.get("metadata") or {})

    def digest(self) -> str:
        """Return the digest of the samples file."""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def rows(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield each sample with its line; raises DataError for a line that is none."""
        try:
            with self.path.open(encoding="utf-8") as file:
                for number, line in enumerate(file, start=1):
                    row = json.loads(line)
                    if not isinstance(row, dict):
                        raise ValueError("expected an object")
                    yield number, row
        except (ValueError, OSError, RecursionError) as error:
            raise DataError(f"{self.path}: not lm-eval's samples: {error}") from error


def find_results(folder: Path) -> tuple[list[TaskResult], list[Skipped]]:
    """Return every task with samples below a folder, the latest first, and what is left out.

    Raises DataError if there is none, or a results file is damaged.
    """
    if not folder.is_dir():
        raise DataError(f"no folder {str(folder)!r}. A results folder of lm-eval is needed. {_HOW}")
    found, skipped = [], []
    results_by_path: dict[Path, Mapping[str, Any]] = {}
    for path in sorted(folder.rglob("samples_*.jsonl")):
        match = _SAMPLES.fullmatch(path.name)
        beside = sorted(path.parent.glob(f"*_{match['time']}.json")) if match else []
        if not match or not beside:
            skipped.append(Skipped(path.name, "no results_<time>.json of the same time beside it"))
            continue
        if beside[0] not in results_by_path:
            results_by_path[beside[0]] = _read_results(beside[0])
        results = results_by_path[beside[0]]
        if match["task"] not in results["configs"]:
            skipped.append(Skipped(path.name, f"{beside[0].name} has no such task"))
            continue
        found.append(TaskResult(match["task"], match["time"], path, results))
    for path in sorted(set(folder.rglob("*results_*.json")) - set(results_by_path)):
        skipped.append(Skipped(path.name, "no samples beside it; only --log_samples writes them"))
    if not found:
        raise DataError(f"no samples_<task>_<time>.jsonl with its results in {folder}. {_HOW}")
    return sorted(found, key=lambda result: result.time, reverse=True), skipped


def _read_results(path: Path) -> Mapping[str, Any]:
    try:
        content: Any = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError, RecursionError) as error:
        raise DataError(f"{path}: not lm-eval's results: {error}") from error
    parts = ("config", "configs")
    if not isinstance(content, dict) or not all(isinstance(content.get(p), dict) for p in parts):
        raise DataError(f"{path}: not lm-eval's results: expected `config` and `configs`")
    return content
