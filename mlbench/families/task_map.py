"""What is known of lm-eval's multilingual tasks? The table task_map.yaml, for import and for run.

Its head explains each key. A mapping file of a user (--map) has the same form.
"""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from mlbench.errors import DataError, yaml_hint
from mlbench.families._sib200 import DOC_SET as SIB200
from mlbench.families._sib200_articles import article_of
from mlbench.records import Origin, OutputType
from mlbench.yaml_text import parse_yaml

SHIPPED = Path(__file__).with_name("task_map.yaml")
CHOICE_METRICS = {
    "acc": "acc",
    "acc_norm": "acc_norm",
    "acc_bytes": "acc_bytes",
    "acc_mutual_info": "acc_pmi",
    "acc_pmi": "acc_pmi",
    "acc_calibrated": "acc_calibrated",
}
"""Our name of each of lm-eval's metrics that follow from the log-likelihoods."""

ANSWER_METRICS = {"exact_match": "exact_match", "f1": "f1"}
"""Our name of each of lm-eval's metrics of replies that a doc has for itself."""

METRICS = {
    OutputType.CHOICES: CHOICE_METRICS,
    OutputType.TARGET: {"acc": "acc_greedy"},
    OutputType.REPLY: ANSWER_METRICS,
}
"""Our name of each of lm-eval's metrics of a doc, by what is asked."""


class Entry(BaseModel):
    """What is known of the tasks that one pattern matches; the head of task_map.yaml explains."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    family: Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$")]
    title: str = ""
    source: str = "lm-eval"
    codes: str | None = None
    language: str | None = None
    languages: tuple[str, ...] = ()
    is_parallel: bool = False
    doc_id: tuple[str, ...] = ()
    cluster: str | None = None
    doc_set: str | None = None
    metric: str | None = None
    filter: str | None = None
    chance: Annotated[float, Field(ge=0, lt=1)] | None = None
    folder: str | None = None
    output: OutputType = OutputType.CHOICES
    version: str = "unknown"
    metrics: tuple[str, ...] = ("acc",)
    shots: Annotated[int, Field(ge=0)] = 0
    question: str = ""
    licence: str = "see the source"
    citation: str = "see the source"
    origin: Origin = ""
    origin_source: str = ""
    caveats: tuple[str, ...] = ()


TaskMap = Mapping[str, Entry]


def read_task_map(path: Path | None = None, shipped: Path = SHIPPED) -> TaskMap:
    """Return the entries by pattern: those of a user's file first, then those of a shipped one.

    Raises DataError with file, key and what is allowed.
    """
    own = _read_entries(path) if path else {}
    return {**own, **{k: v for k, v in read_shipped(shipped).items() if k not in own}}


@cache
def read_shipped(path: Path = SHIPPED) -> TaskMap:
    """Return the entries that come with mlbench, of lm-eval's tasks if not said."""
    return _read_entries(path)


def fold(code: str) -> str:
    """Return a code as lm-eval writes it in task names.

    >>> fold("PT_BR"), fold("North Macedonian")
    ('pt_br', 'north_macedonian')
    """
    return re.sub(r"[^a-z0-9]", "_", code.casefold())


def cluster_of(doc_id: str, doc_set: str | None) -> str:
    """Return the cluster of a doc whose row names none: the article, of a sentence of SIB-200."""
    return article_of(int(doc_id)) if doc_set == SIB200 and doc_id.isdecimal() else doc_id


def find_data_set(hub_id: str, split: str) -> Entry | None:
    """Return what is known of the rows of a split, whichever tasks of the table are on them."""
    entries = (e for e in read_shipped().values() if e.source == hub_id and e.doc_set)
    return next((e for e in entries if str(e.doc_set).endswith(f"/{split}")), None)


def _read_entries(path: Path) -> dict[str, Entry]:
    try:
        content = parse_yaml(path.read_text(encoding="utf-8"))
        entries = TypeAdapter(dict[str, Entry]).validate_python(content)
    except OSError as error:
        raise DataError(f"cannot read mapping file {path}: {error.strerror}") from error
    except ValidationError as error:  # a ValueError too
        first = error.errors()[0]
        where = ": ".join(str(part) for part in first["loc"]) or "file"
        raise DataError(
            f"{path}: {where}: {_message(first)}. A task name has: {', '.join(Entry.model_fields)}"
        ) from error
    except ValueError as error:
        raise DataError(f"{path} is not valid YAML: {error}") from error
    for pattern in entries:
        try:
            re.compile(pattern)
        except re.error as error:
            raise DataError(f"{path}: {pattern!r} is no regular expression: {error}") from error
    return entries


def _message(error: Any) -> str:
    hint = yaml_hint(error["input"])
    return f"{error['input']!r}: {hint}" if hint else f"{error['msg']}, got {error['input']!r:.80}"
