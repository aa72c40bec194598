"""Which results of lm-eval are in a folder? Every samples file, with the results file of it.

results_<time>.json and samples_<task>_<time>.jsonl since 0.4.3 (samples end in .json in between);
before that results.json and <arguments>_<task>.jsonl. They are read as plain JSON, so that results
of any machine can be imported where no lm-eval is.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from mlbench.errors import DataError
from mlbench.imports.imported import Skipped
from mlbench.imports.lm_eval_result import TaskResult
from mlbench.imports.scored_task import ScoredTask, Tool
from mlbench.imports.setups import LM_EVAL
from mlbench.imports.tasks import read_tool

_TIME = r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d(?:\.\d+)?"
_SAMPLES = re.compile(rf"samples_(?P<task>.+)_(?P<time>{_TIME})\.jsonl?")
_RESULTS = re.compile(rf"(?:.+_)?(?P<time>{_TIME})\.json")
_HOW = "Score with: lm_eval run --log_samples --output_path DIR"


class _Results(NamedTuple):
    """A results file that could be read."""

    path: Path
    time: str
    content: Mapping[str, Any]


def find_results(folder: Path) -> tuple[list[ScoredTask], list[Skipped]]:
    """Return every task with samples below a folder, and what is left out.

    Raises DataError if there is none.
    """
    if not folder.is_dir():
        raise DataError(f"no folder {str(folder)!r}. A results folder of lm-eval is needed. {_HOW}")
    results, skipped = _find_results_files(folder)
    by_time = {(f.path.parent, f.time): f for f in reversed(results) if f.time}
    tasks = [*_timed(folder, by_time, skipped), *_untimed(f for f in results if not f.time)]
    used = {id(task.results) for task in tasks}
    skipped += [
        Skipped(found.path.name, "no samples beside it; only --log_samples writes them")
        for found in results
        if id(found.content) not in used
    ]
    if not tasks:
        why = "".join(f" {what}: {reason}." for what, reason in skipped[:3])
        raise DataError(f"no samples of lm-eval with their results in {folder}.{why} {_HOW}")
    return list(tasks), skipped


def _find_results_files(folder: Path) -> tuple[list[_Results], list[Skipped]]:
    """Return the results files that can be read; tell of those whose name says that they are one.

    Before 0.4.3 --output_path could name the file, so any JSON may be one.
    """
    found, skipped = [], []
    for path in sorted(p for p in folder.rglob("*.json") if not _SAMPLES.fullmatch(p.name)):
        match = _RESULTS.fullmatch(path.name)
        content = _read_results(path)
        if isinstance(content, Mapping):
            found.append(_Results(path, match["time"] if match else "", content))
        elif match or path.name == "results.json":
            skipped.append(Skipped(path.name, content))
    return found, skipped


def _timed(
    folder: Path, by_time: Mapping[tuple[Path, str], _Results], skipped: list[Skipped]
) -> Iterator[TaskResult]:
    """Yield the tasks whose samples name a task and a time; tell of samples without results."""
    for path in sorted(folder.rglob("samples_*.json*")):
        match = _SAMPLES.fullmatch(path.name)
        found = by_time.get((path.parent, match["time"])) if match else None
        if not match or found is None:
            reason = "no readable results_<time>.json of the same time beside it"
            skipped.append(Skipped(path.name, reason))
        elif not isinstance(found.content["configs"].get(match["task"]), Mapping):
            skipped.append(Skipped(path.name, f"{found.path.name} has no such task"))
        else:
            yield TaskResult(match["task"], match["time"], path, found.content)


def _untimed(results: Iterable[_Results]) -> Iterator[TaskResult]:
    """Yield the tasks of lm-eval 0.4.0 to 0.4.2, whose samples are named `<arguments>_<task>`."""
    for found in results:
        for path in sorted(found.path.parent.glob("*.jsonl")):
            named = [task for task in found.content["configs"] if _is_of(path, task)]
            if named and not _SAMPLES.fullmatch(path.name):
                yield TaskResult(max(named, key=len), "", path, found.content)


def _is_of(path: Path, task: str) -> bool:
    return path.stem == task or path.stem.endswith(f"_{task}")


def _read_results(path: Path) -> Mapping[str, Any] | str:
    """Return a results file's content, or why it is none."""
    try:
        content: Any = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError, RecursionError) as error:
        return f"not lm-eval's results: {error}"
    parts = ("config", "configs")
    if not isinstance(content, dict) or not all(isinstance(content.get(p), dict) for p in parts):
        return "not lm-eval's results: expected `config` and `configs`"
    return content


read_lm_eval = partial(read_tool, Tool(LM_EVAL, find_results))
