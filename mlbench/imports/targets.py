"""Which family and language is a task of lm-eval? Our own by name, the rest by task_map.yaml.

A task or a language that nothing names is told with its reason and never guessed.
"""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

from mlbench.data.codes import find_tag
from mlbench.data.languages import read_all_languages
from mlbench.errors import SelectionError
from mlbench.families import read_families
from mlbench.families.task_map import Entry, TaskMap, fold
from mlbench.names import fault_of_name
from mlbench.records import Language
from mlbench.store.manifest import family_facts
from mlbench.task_files import task_name


class MappedTask(NamedTuple):
    """Where the samples of a task belong; `facts` are known beforehand for our own families."""

    entry: Entry
    language: str
    part: str = ""
    facts: Mapping[str, Any] | None = None


class Unmapped(Exception):
    """A task that is not imported; the text is the reason shown to the reader."""


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
    tags = [t for t, lang in languages.items() if fold(lang.codes.get(key, "")) == fold(code)]
    if len(tags) > 1:
        raise Unmapped(f"{code!r} is {', '.join(tags)}; choose one in a mapping file (--map)")
    if not tags:
        raise Unmapped(f"no language of languages.yaml is {code!r} in {key}")
    return MappedTask(entry, tags[0], part)


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
        for tag in read_all_languages():
            targets[task_name(family.name, tag)] = MappedTask(entry, tag, facts=facts)
    return targets
