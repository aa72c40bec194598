"""Who made a run, with what, and when? One record a command, in `invocations` of run.json.

`asked` is what was typed, or given to mlbench.run, without keys and passwords; `mlbench run --from`
and `mlbench reproduce` ask for the same again. A command that was killed has no end.
"""

import os
import platform
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from mlbench import __version__
from mlbench.redaction import redact
from mlbench.settings import Settings, Shard

PACKAGES = (
    "lm-eval",
    "torch",
    "transformers",
    "tokenizers",
    "datasets",
    "babel",
    "numpy",
    "pyarrow",
)
"""Whose releases may change docs, tokens or scores."""


def as_asked(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options as run.json keeps them: those that were given, and no secret of a model."""
    kept = {name: _plain(name, value) for name, value in options.items()}
    if "models" in kept:
        kept["models"] = [redact(name, name.partition(":")[2]) for name in kept["models"]]
    return {name: value for name, value in kept.items() if value not in (None, False, [])}


LISTS = ("models", "families", "languages", "shots", "family_file")


def _plain(name: str, value: Any) -> Any:
    if isinstance(value, Shard):
        return f"{value.place}/{value.n_all}"
    if name in LISTS and value is not None:
        return [str(one) for one in ([value] if isinstance(value, str) else value)]
    return str(value) if isinstance(value, Path) else value


def begin(asked: Mapping[str, Any], settings: Settings, device: str) -> dict[str, Any]:
    """Return the record of a command that begins now."""
    return {
        "asked": as_asked(asked),
        "settings": {**asdict(settings), "shots": list(settings.shots)},
        "versions": {"mlbench": __version__, "python": platform.python_version(), **_versions()},
        "machine": _machine(device),
        "started": now(),
        "ended": None,
    }


def now() -> str:
    """Return the time, as run.json has it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _machine(device: str) -> dict[str, Any]:
    """Return what kind of machine this is; its name is nobody's business."""
    import torch

    is_cuda = device.startswith("cuda")
    return {
        "system": platform.system(),
        "processor": platform.machine(),
        "cores": os.cpu_count(),
        "device": torch.cuda.get_device_name(device) if is_cuda else device,
    }
