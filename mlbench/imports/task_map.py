"""Which family and language is a task of lm-eval? Our own by name, the rest by task_map.yaml.

A task or a language that nothing names is told with its reason and never guessed.
"""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from mlbench.data.codes import find_tag
from mlbench.data.languages import read_languages
from mlbench.errors import DataError, SelectionError, yaml_hint
from mlbench.families import read_families
from mlbench.names import fault_of_name
from mlbench.records import Language
from mlbench.store.manifest import family_facts
from mlbench.task_files import task_name
from mlbench.yaml_text import parse_yaml

SHIPPED = Path(__file__).with_name("task_map.yaml")


class Entry(BaseModel):
    """What is known of the tasks that one pattern matches; the head of task_map.yaml explains."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    family: Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$")]
    title: str = ""
    source: str = "lm-eval"
    codes: str | None = None
    language: str | None = None
    is_parallel: bool = False
    doc_id: tuple[str, ...] = ()
    cluster: str | None = None
    metric: str | None = None
    filter: str | None = None
    chance: Annotated[float, Field(ge=0, lt=1)] | None = None


class MappedTask(NamedTuple):
    """Where the samples of a task belong; `facts` are known beforehand for our own families."""

    entry: Entry
    language: str
    part: str = ""
    facts: Mapping[str, Any] | None = None


class Unmapped(Exception):
    """A task that is not imported; the text is the reason shown to the reader."""


TaskMap = Mapping[str, Entry]


def read_task_map(path: Path | None = None) -> TaskMap:
    """Return the entries by pattern: those of a user's file first, then the shipped ones.

    Raises DataError with file, key and what is allowed.
    """
    own = _read_entries(path) if path else {}
    return {**own, **{k: v for k, v in _read_entries(SHIPPED).items() if k not in own}}


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


def find_target(
    task: str, metadata: Mapping[str, Any], task_map: TaskMap, languages: Mapping[str, Language]
) -> MappedTask:
    """Return where a task belongs.

    `metadata` is that of the task's config; what `mlbench export` wrote names itself there.
    Raises Unmapped with the reason why it is not known.
    """
    matches = ((entry, re.fullmatch(pattern, task)) for pattern, entry in task_map.items())
    entry, match = next(((e, m) for e, m in matches if m), (None, None))
    if entry and match:
        target = _target_from_entry(entry, match.groupdict(), languages)
    elif exported := metadata.get("mlbench_export"):
        facts = exported["facts"]
        target = MappedTask(
            _own_entry(exported["family"], facts), exported["language"], facts=facts
        )
    elif task in _own_tasks():
        target = _own_tasks()[task]
    else:
        raise Unmapped("unknown task; name its family and language in a mapping file (--map)")
    try:
        return target._replace(language=find_tag(target.language, languages))
    except SelectionError as error:
        raise Unmapped(str(error)) from error


def _target_from_entry(
    entry: Entry, groups: Mapping[str, str | None], languages: Mapping[str, Language]
) -> MappedTask:
    code, part = groups.get("code"), groups.get("part") or ""
    if entry.language:
        return MappedTask(entry, entry.language, part)
    if code is None:
        raise Unmapped("its entry has no language, and its pattern no group `code`")
    key = entry.codes
    if key is None:
        return MappedTask(entry, code, part)
    tags = [t for t, lang in languages.items() if _fold(lang.codes.get(key, "")) == _fold(code)]
    if len(tags) > 1:
        raise Unmapped(f"{code!r} is {', '.join(tags)}; choose one in a mapping file (--map)")
    if not tags:
        raise Unmapped(f"no language of languages.yaml is {code!r} in {key}")
    return MappedTask(entry, tags[0], part)


def _fold(code: str) -> str:
    """Return a code as lm-eval writes it in task names."""
    return re.sub(r"[^a-z0-9]", "_", code.casefold())


def _own_entry(family: str, facts: Mapping[str, Any]) -> Entry:
    if fault := fault_of_name(family):
        raise Unmapped(f"its family {family!r} {fault}")
    # Not checked by the pattern of a mapping file: a table may have given it a name with spaces.
    return Entry.model_construct(
        family=family,
        doc_id=("doc_id",),
        cluster="cluster_id",
        metric=facts["metrics"][0],
        is_parallel=facts["is_parallel"],
    )


@cache
def _own_tasks() -> Mapping[str, MappedTask]:
    targets = {}
    for family in read_families().values():
        facts = family_facts(family)
        entry = _own_entry(family.name, facts)
        for tag in read_languages():
            targets[task_name(family.name, tag)] = MappedTask(entry, tag, facts=facts)
    return targets
