"""Which languages does the maker of a model name as those it is for?

claimed_languages.yaml knows it by series; a model that is no preset, or whose series is not there,
has no list, and nothing is taken from a number of languages.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from mlbench.data.languages import read_shipped
from mlbench.models.presets import read_presets
from mlbench.yaml_text import parse_yaml

CLAIMED_FILE = Path(__file__).parent.parent / "claimed_languages.yaml"
_LIST = "list"


class Claimed(NamedTuple):
    """What a maker says: the tags of the languages, None without a list; how many; and where."""

    tags: tuple[str, ...] | None
    number: int
    source: str


@cache
def read_claimed() -> Mapping[str, Claimed]:
    """Return what is known by series."""
    known = parse_yaml(CLAIMED_FILE.read_text(encoding="utf-8"))
    return MappingProxyType({series: _claimed(facts) for series, facts in known.items()})


def claimed_by(model: str, facts: Mapping[str, Any]) -> Claimed | None:
    """Return what the maker of a model says, by its name or hub id and the facts of its run.

    `called` among these is its own name, where a view of several runs has it under another.
    """
    presets, model = read_presets(), str(facts.get("called", model))
    of_hub = next((preset for preset in presets.values() if preset.get("hub") == model), {})
    series = {**of_hub, **presets.get(model, {}), **facts}.get("series")
    return read_claimed().get(str(series))


def _claimed(facts: Mapping[str, Any]) -> Claimed:
    tags = facts.get("tags")
    if tags == _LIST:
        tags = read_shipped()
    return Claimed(None if tags is None else tuple(tags), facts["count"], facts["source"])
