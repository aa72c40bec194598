"""What is known of a model by its short name? The facts of models.yaml and licences.yaml.

A fact that is not in them is not known, and nobody makes one up: what can be computed from others
(memory, where the facts are from) is computed here.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from mlbench.errors import SelectionError, unknown
from mlbench.yaml_text import parse_yaml

PRESETS_FILE = Path(__file__).parent.parent / "models.yaml"
LICENCES_FILE = Path(__file__).parent.parent / "licences.yaml"
TERMS = ("commercial", "attribution", "distillation", "acceptable_use", "link")
"""What licences.yaml may say of a licence, in the order in which it is shown."""

_PAIRS = "pairs"
_BYTES_PER_NUMBER = 2
"""Of bfloat16."""


@cache
def _read() -> Mapping[str, Any]:
    return MappingProxyType(parse_yaml(PRESETS_FILE.read_text(encoding="utf-8")))


@cache
def read_presets() -> Mapping[str, Mapping[str, Any]]:
    """Return the presets of models.yaml by name."""
    return MappingProxyType({name: facts for name, facts in _read().items() if name != _PAIRS})


@cache
def read_licences() -> Mapping[str, Mapping[str, str]]:
    """Return what is known of each licence that a preset names."""
    return MappingProxyType(parse_yaml(LICENCES_FILE.read_text(encoding="utf-8")))


def read_pairs() -> Mapping[str, tuple[str, str]]:
    """Return the pairs of near size by name, each as A and B."""
    return {name: (a, b) for name, (a, b) in _read()[_PAIRS].items()}


def find_pair(text: str) -> tuple[str, str]:
    """Return the two models that `--pair` means: a name of models.yaml, or A/B.

    Hub ids have a slash of their own: `org/a/org/b` is cut in the middle. Raises SelectionError for
    anything else.
    """
    if text in (pairs := read_pairs()):
        return pairs[text]
    parts = text.split("/")
    middle = len(parts) // 2
    a, b = "/".join(parts[:middle]), "/".join(parts[middle:])
    if len(parts) % 2 or not a or not b or a == b:
        raise SelectionError(
            unknown("pair", text, pairs, "mlbench list pairs")
            + ". Two models with a slash between them are a pair too: --pair qwen3-8b/llama-3.1-8b"
        )
    return a, b


def facts_of(name: str) -> dict[str, Any]:
    """Return the facts of a preset, with those that follow from them: memory and source."""
    facts = dict(read_presets()[name])
    if "parameters" in facts:
        facts["memory_gb"] = memory_gb(facts["parameters"])
    if "hub" in facts:
        facts.setdefault("source", f"https://huggingface.co/{facts['hub']}")
    return facts


def memory_gb(billions: float) -> float:
    """Return the gigabytes that so many parameters take in bfloat16, without anything else.

    >>> memory_gb(7.61)
    15.2
    """
    return float(f"{billions * _BYTES_PER_NUMBER:.3g}")
