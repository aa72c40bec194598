"""What does an import need to know of a task that was scored elsewhere, whichever tool scored it?

Each tool has a class of its own that says it. Rows are in the form of lm-eval's samples: `doc`,
`doc_id`, `target`, `arguments` as [context, continuation] of each request, `filtered_resps` as
[log-likelihood] of each, and a score by the name of each metric.
"""

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from mlbench.families.task_map import SHIPPED
from mlbench.imports.imported import Skipped
from mlbench.model_arguments import parse_arguments, score_arguments
from mlbench.redaction import redact


class ScoredTask(ABC):
    """One task of one run of a tool.

    `tool` is its name, `task` that of the task, `path` the file of its samples, and `time` when it
    was scored, empty where that is not known.
    """

    tool: str
    task: str
    time: str
    path: Path

    @property
    @abstractmethod
    def config(self) -> Mapping[str, Any]:
        """Return output_type, metric_list, target_delimiter, metadata, as lm-eval calls them."""

    @property
    @abstractmethod
    def model(self) -> str:
        """Return the model's name, with its revision where one was asked for."""

    @property
    @abstractmethod
    def setup(self) -> dict[str, str]:
        """Return all that makes two models of one name differ, without keys and passwords."""

    @property
    @abstractmethod
    def shots(self) -> int:
        """Return the number of examples."""

    @property
    @abstractmethod
    def limit(self) -> float | None:
        """Return the limit that it was scored with; None means all docs."""

    @abstractmethod
    def rows(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield each sample with its line; raises DataError for what is none."""

    @property
    def metadata(self) -> Mapping[str, Any]:
        """Return what the task says of itself, such as its version."""
        found = self.config.get("metadata")
        return found if isinstance(found, Mapping) else {}

    @property
    def weights(self) -> str | None:
        """Return the commit of the weights on the hub, None where that is not known."""
        return None

    @property
    def stated_docs(self) -> int | None:
        """Return the number of docs that the tool says it scored; None where it does not."""
        return None

    @cached_property
    def n_docs(self) -> int:
        """Return the number of docs that were scored: as the tool says, else those there are."""
        said = self.stated_docs
        return len({str(row.get("doc_id")) for _, row in self.rows()}) if said is None else said

    @property
    def is_export(self) -> bool:
        """Return whether `mlbench export` wrote it; then a doc holds what no tool logs."""
        return False

    @property
    def version(self) -> str | None:
        """Return the version of the tool, as far as it says."""
        return None

    @property
    def data_sha256(self) -> str | None:
        """Return a digest of the docs, None where it is not taken."""
        return None

    @property
    def prompts(self) -> str | None:
        """Return a digest of what stood before the docs, None where it is not taken."""
        return None

    def digest(self) -> str:
        """Return the digest of the samples file."""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


class Tool(NamedTuple):
    """A tool whose results can be read: how they are found, and what is known of its tasks."""

    name: str
    find: Callable[[Path], tuple[list[ScoredTask], list[Skipped]]]
    task_map: Path = SHIPPED


def named(name: str, config: Mapping[str, Any]) -> str:
    """Return a model's name without its keys, with the revision that its config asks for."""
    shown, revision = redact(name, config), config.get("revision")
    return shown if revision in (None, "", "main") else f"{shown}@{revision}"


def setup_of(said: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, str]:
    """Return what can change a score of what a tool said of a model, without the keys of config."""
    found = score_arguments(parse_arguments({name: _text(value) for name, value in said.items()}))
    return {name: redact(value, config) for name, value in sorted(found.items())}


def _text(value: Any) -> Any:
    return json.dumps(value, sort_keys=True) if isinstance(value, dict | list) else value


def ordered_metrics(names: Iterable[str], follows: Iterable[str]) -> list[dict[str, str]]:
    """Return a metric_list that begins with the metrics that follow from the log-likelihoods."""
    first = frozenset(follows)
    return [{"metric": name} for name in sorted(names, key=lambda name: name not in first)]


def digest_of(parts: Iterable[Any]) -> str:
    """Return the digest of parts, as JSON."""
    return hashlib.sha256(json.dumps(list(parts), ensure_ascii=False).encode()).hexdigest()
