"""What does a task of lm-eval say of replies? Its own filters and its own scores, doc by doc.

The task is built of its file and of the rows that were prepared; no data set is read.
"""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import datasets
from lm_eval.api.instance import Instance
from lm_eval.api.task import ConfigurableTask

from mlbench.errors import DataError
from mlbench.harness.lm_eval_tasks import load_tasks
from mlbench.records import TaskSource

Statistics = dict[str, tuple[float, ...]]
_SPLIT = "rows"
_OWN = {
    "test_split": _SPLIT,
    **dict.fromkeys(("training_split", "validation_split", "fewshot_split", "fewshot_config")),
    "process_docs": None,
}
"""What is taken from a task: all that makes rows, which are made already."""


class ScoringTask(ConfigurableTask):  # type: ignore[misc]  # lm_eval is untyped
    """A task as lm-eval has it, of given rows."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.rows = config["rows"]
        kept = {key: value for key, value in config.items() if key not in ("class", "rows")}
        super().__init__(config={**kept, **_OWN})

    def download(self, dataset_kwargs: dict[str, Any] | None = None, **_: Any) -> None:
        """Hand lm-eval the rows; nothing is read here."""
        self.dataset = {_SPLIT: datasets.Dataset.from_list(self.rows)}


def score_replies(
    source: TaskSource, rows: Sequence[str], replies: Sequence[str], metrics: Sequence[str]
) -> list[Statistics]:
    """Return what lm-eval counts of each reply; `rows` name the task of each doc and hold its row.

    Raises DataError for a task that has several filters and not the one that the table names.
    """
    places: dict[str, list[int]] = defaultdict(list)
    found = [json.loads(row) for row in rows]
    for place, row in enumerate(found):
        places[row["task"]].append(place)
    scores: list[Statistics] = [{} for _ in rows]
    for name, of_task in places.items():
        docs = [found[place]["doc"] for place in of_task]
        task = load_tasks(source, [name], kind=ScoringTask, rows=docs)[name]
        for place, values in zip(
            of_task, _score(task, source, docs, [replies[place] for place in of_task]), strict=True
        ):
            scores[place] = {metric: (float(values[metric]),) for metric in metrics}
    return scores


def _score(
    task: Any, source: TaskSource, docs: Sequence[Mapping[str, Any]], replies: Sequence[str]
) -> list[Mapping[str, Any]]:
    asked = [
        Instance("generate_until", doc, ("", {}), i, resps=[reply])
        for i, (doc, reply) in enumerate(zip(docs, replies, strict=True))
    ]
    task._instances = asked
    task.apply_filters()
    names = list(asked[0].filtered_resps)
    if source.filter not in names and len(names) > 1:
        raise DataError(
            f"lm-eval's task {task.task_name} has the filters {', '.join(names)}, and which one "
            f"counts is not known"
        )
    chosen = source.filter if source.filter in names else names[0]
    return [
        task.process_results(doc, [one.filtered_resps[chosen]])
        for doc, one in zip(docs, asked, strict=True)
    ]
