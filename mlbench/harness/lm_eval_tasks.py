"""Which tasks does lm-eval ship for a language, and how do they get their data?

lm-eval loads a task by its name; only the reading of rows is ours, so that a mirror
(MLBENCH_DATA) is read as for every other family, and the hub at the commit that is signed.
"""

import functools
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import lm_eval.tasks
from lm_eval.api.task import ConfigurableTask
from lm_eval.tasks import TaskManager

from mlbench.data.languages import read_languages
from mlbench.data.sources import load_tables, state_of
from mlbench.errors import DataError, NoData
from mlbench.families.task_map import fold
from mlbench.records import HubSource, Language, TaskSource

TASKS = Path(lm_eval.tasks.__file__).parent


class FoundTask(NamedTuple):
    """A task by name, the subject that it is of many, its language's code, and its YAML file."""

    name: str
    part: str
    code: str
    config: Mapping[str, Any]

    @property
    def hub_id(self) -> str:
        """Return the data set that it reads."""
        return str(self.config["dataset_path"])


class SourcedTask(ConfigurableTask):  # type: ignore[misc]  # lm_eval is untyped
    """A task as lm-eval has it, with rows from where mlbench reads them.

    `lacks_examples`: the split of its examples is not there, and it can be asked without any.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.lacks_examples = False
        # No score is taken from it, and some metrics are downloaded when a task is made.
        config = {**config, "metric_list": []}
        super().__init__(config={key: value for key, value in config.items() if key != "class"})

    def download(self, dataset_kwargs: dict[str, Any] | None = None, **_: Any) -> None:
        """Read the rows."""
        options = {k: v for k, v in (dataset_kwargs or {}).items() if k != "trust_remote_code"}
        source = HubSource(str(self.DATASET_PATH), code_key="")
        text = json.dumps(options, sort_keys=True)
        self.dataset = dict(_read_tables(source, self.DATASET_NAME, text, state_of(source)))
        self._refuse_no_docs(source)
        for key in ("training_split", "validation_split", "fewshot_split"):
            split = getattr(self.config, key)
            if split is not None and split not in self.dataset:
                self.lacks_examples = True
                # An empty table of the same form, so that lm-eval can build the task.
                self.dataset[split] = next(iter(self.dataset.values())).select([])

    def _refuse_no_docs(self, source: HubSource) -> None:
        split = self.config.test_split or self.config.validation_split
        if split not in self.dataset:
            there = ", ".join(self.dataset)
            raise DataError(
                f"data set {source.hub_id} {self.DATASET_NAME or ''} has no split {split!r}, which "
                f"lm-eval's task {self.config.task} scores, only {there}: get a whole copy of it"
            )


@functools.lru_cache(maxsize=1)
def _read_tables(
    source: HubSource, code: str | None, options: str, _state: str
) -> Mapping[str, Any]:
    """Return the tables of a configuration: read once for all the subjects of an exam."""
    return load_tables(source, code, is_by_letter=False, **json.loads(options))


def codes_of(source: TaskSource, language: Language) -> set[str]:
    """Return what tasks may call a language, folded; nothing where its code is not its own.

    Three languages that a data set takes for one would have the same docs and count three times.
    """
    if not source.covers(language):
        raise NoData(f"{source.hub_id} does not cover {language.name}")
    if source.code_key is None:
        return {fold(code) for code in (language.tag, *language.codes.values())}
    code = str(language.code(source.code_key))
    same = [x.name for x in read_languages().values() if x.code(source.code_key) == code]
    if len(same) > 1:
        raise NoData(f"{source.hub_id} has one set {code!r} for {', '.join(same)}")
    return {fold(code)}


def find_tasks(source: TaskSource, language: Language) -> list[FoundTask]:
    """Return the tasks of a family in a language, in the order of their names.

    Raises NoData with the reason where there are none.
    """
    codes, found = codes_of(source, language), []
    for name, entry in sorted(_index(source.folder).task_index.items()):
        match = re.fullmatch(source.pattern, name)
        if match and entry.cfg and "dataset_path" in entry.cfg and fold(match["code"]) in codes:
            part = match.groupdict().get("part") or ""
            found.append(FoundTask(name, part, match["code"], entry.cfg))
    if not found:
        shown = re.sub(r"\(\?P<(\w+)>(?:[^()]|\([^()]*\))*\)", r"{\1}", source.pattern)
        raise NoData(f"lm-eval has no task {shown} for {language.name}: lm_eval ls tasks")
    if len({task.code for task in found}) > 1:
        names = ", ".join(task.name for task in found)
        raise NoData(f"lm-eval has several tasks for {language.name}: {names}")
    return found


def load_tasks(
    source: TaskSource, names: Sequence[str], kind: type = SourcedTask, **more: Any
) -> dict[str, Any]:
    """Return tasks by name, as lm-eval builds them; `more` is handed to their class.

    Raises DataError for a data set that cannot be read, or is not as the task expects it.
    """
    members = [{"task": name, "class": kind, **more} for name in names]
    try:
        loaded = _index(source.folder).load({"group": source.hub_id, "task": members})
    except ImportError as error:
        raise DataError(
            f"lm-eval's task {names[0]} cannot be loaded here: {error}. It needs another version "
            f"of that package than mlbench does. In an environment of its own, with lm-eval and "
            f"that version, type: lm_eval run --tasks {names[0]} --log_samples; then here: mlbench "
            f"import lm-eval"
        ) from error
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        raise DataError(
            f"lm-eval's task {names[0]} cannot be made of {source.hub_id}: "
            f"{type(error).__name__} {error}. Its rows are not as lm-eval expects them"
        ) from error
    tasks: dict[str, Any] = loaded["tasks"]
    return tasks


@functools.cache
def _index(folder: str) -> TaskManager:
    """Return lm-eval's index of one folder; that of all ("") takes a quarter of a minute."""
    return TaskManager(include_path=str(TASKS / folder), include_defaults=False)
