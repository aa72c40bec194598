"""What do options ask for? The one place where those of `mlbench run` become a selection.

They come by the names of the parameters of the command: typed, from a file, or from what a run has
on record (again.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlbench.models.presets import find_pair
from mlbench.runner.command import Selection, select, with_base, with_pair
from mlbench.runner.shard import parse_shard
from mlbench.settings import Settings
from mlbench.terminal.options import (
    DEMO_MODELS,
    NOT_ASKED,
    families_or,
    paired_with,
    parse_batch_size,
    parse_shots,
)

OF_SETTINGS = (
    "limit",
    "engine",
    "device",
    "dtype",
    "batch_tokens",
    "overflow",
    "trust_remote_code",
    "executor",
    "verify",
    "chat",
    "bos",
    "until",
    "step",
)
"""Options that are settings under the same name."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a command is to do; `options` are the words for it."""

    run: str
    selection: Selection
    settings: Settings
    options: Mapping[str, Any]

    @property
    def may_replace(self) -> bool:
        """Return whether finished cells may go."""
        return bool(self.options.get("replace"))


def request_from(options: Mapping[str, Any]) -> Request:
    """Return what options ask for, each by the name of a parameter of `mlbench run`.

    Raises MlbenchError for what they cannot mean.
    """
    settings = {name: options[name] for name in OF_SETTINGS if options.get(name) is not None}
    settings["shots"] = parse_shots(options.get("shots") or ["0"])
    settings["batch_size"] = parse_batch_size(options.get("batch_size") or "auto")
    settings["shard"] = parse_shard(options.get("shard"))
    kept = {name: value for name, value in options.items() if name not in NOT_ASKED}
    kept |= {"replace": options.get("replace")}
    return Request(options["run"], _selection_from(options), Settings(**settings), kept)


def _selection_from(options: Mapping[str, Any]) -> Selection:
    """Return the selection; a pair takes the place of the models that nobody named."""
    files = [Path(file) for file in options.get("family_file") or ()]
    own = Path(options["languages_file"]) if options.get("languages_file") else None
    models, pair, base = options["models"], options.get("pair"), options.get("base")
    named = find_pair(pair) if pair else None  # a wrong name is told before anything else
    families = families_or("embedded", options.get("families"), files)
    families = paired_with(options.get("pivot") or "", families, own)
    chosen = [] if named and list(models) == DEMO_MODELS else models
    selection = select(chosen, families, options.get("languages") or "all", own, files)
    selection = with_pair(selection, named) if named else selection
    return with_base(selection, base) if base else selection
