"""How far may a probability be trusted? What the validation split of SIB-200 showed, as data.

calibration.json is written by `train`: the temperature that makes probabilities of sums of
log-probabilities, from which probability on a language or its group is named, and which languages'
sentences are taken for which others', and how often.
"""

import json
import math
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mlbench.identifier.model import Fit

CALIBRATION_PATH = Path(__file__).parent / "calibration.json"
NEVER = 2.0
"""A threshold that no probability reaches."""


@dataclass(frozen=True, slots=True)
class Trust:
    """When a language is named: `alone`, or as one of its `group`, from which probability on.

    A text of n grams is like the language if its evidence is `typical` less `slack` over the root
    of n, or more. `mistaken` holds the languages that it cannot be told from, with the share of
    whole sentences that are taken for the other, the larger of both directions.
    """

    alone: float = 0.0
    group: float = 0.0
    typical: float = 0.0
    slack: float = 0.0
    mistaken: Mapping[str, float] = field(default_factory=dict)

    def is_like(self, evidence: float, n_grams: int) -> bool:
        """Return whether a text has as much evidence as nearly all of the language's own."""
        return evidence >= self.typical - self.slack / math.sqrt(max(n_grams, 1))


@dataclass(frozen=True, slots=True)
class Calibration:
    """A sum of log-probabilities is multiplied by scale / grams ** power before it is one."""

    scale: float
    power: float
    languages: Mapping[str, Trust]

    def group_of(self, tag: str) -> frozenset[str]:
        """Return a language, those it is mistaken for, those that these are, and so on."""
        group, new = frozenset[str](), frozenset({tag})
        while new:
            group |= new
            new = frozenset(other for one in new for other in self.languages[one].mistaken) - group
        return group


@cache
def read_calibration(path: Path = CALIBRATION_PATH) -> Calibration:
    """Return the shipped calibration."""
    content = json.loads(path.read_text(encoding="utf-8"))
    languages = {tag: Trust(**trust) for tag, trust in content.pop("languages").items()}
    return Calibration(**content, languages=languages)


def write_calibration(calibration: Calibration, path: Path = CALIBRATION_PATH) -> None:
    """Write a calibration, whole or not at all."""
    text = json.dumps(asdict(calibration), indent=1, sort_keys=True)
    staging = path.with_name(path.name + ".new")
    staging.write_text(text + "\n", encoding="utf-8")
    os.replace(staging, path)
    read_calibration.cache_clear()


def probabilities(
    found: Fit, scale: float, power: float, chosen: npt.NDArray[np.bool_] | None = None
) -> npt.NDArray[np.float64]:
    """Return the probability of each language for each text, among those chosen."""
    warmth = scale * np.maximum(found.n_grams, 1)[:, None] ** -power
    values = found.scores * warmth
    if chosen is not None:
        values = np.where(chosen, values, -np.inf)
    shares = np.exp(values - values.max(axis=1, keepdims=True))
    return np.asarray(shares / shares.sum(axis=1, keepdims=True), dtype=np.float64)
