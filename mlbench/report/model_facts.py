"""What is known of a model beside its scores? Licence, memory and tokens, each or unknown.

What models.yaml says of a model counts for a run that was made by its hub id too. Nothing is
guessed: a fact that nobody wrote down is unknown, and shown as that.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from mlbench.data.languages import REFERENCE
from mlbench.models.presets import memory_gb, read_licences, read_presets
from mlbench.report.premium import sizes_of
from mlbench.report.tables import ReportTable
from mlbench.store.read import CALLED
from mlbench.tokens.premium import premiums_of

GIGABYTE = 1e9
_BYTES_IN = {"float32": 4, "float16": 2, "bfloat16": 2}


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """Facts of one model; unknown is "" or nan.

    `commercial` is what licences.yaml says of use that earns money: yes, no, or on which condition.
    `memory` is bytes of the weights in bfloat16, from their number (`models.yaml`) or as measured.
    `premiums` are those of tokens by tag, 1 in English.
    """

    licence: str
    commercial: str
    memory: float
    memory_from: Literal["parameters", "measured", ""]
    premiums: Mapping[str, float]

    def premium(self, shares: Mapping[str, float]) -> float:
        """Return the premium of a text in these languages, by their shares of its sentences.

        nan unless it is known for all of them: what is not known may be the most expensive.
        """
        if not all(tag in self.premiums for tag in shares):
            return math.nan
        return math.fsum(share * self.premiums[tag] for tag, share in shares.items())


def facts_of(table: ReportTable, model: str) -> ModelFacts:
    """Return what the run and models.yaml know of a model."""
    facts = dict(table.run.models[model])
    facts = {**_preset_of(str(facts.get(CALLED, model))), **facts}
    licence = str(facts.get("licence") or "")
    commercial = read_licences().get(licence, {}).get("commercial", "")
    memory, memory_from = _memory(table, model, facts)
    premiums = premiums_of(sizes_of(table, model))
    english = {REFERENCE: 1.0} if premiums else {}
    return ModelFacts(licence, commercial, memory, memory_from, premiums | english)


def _preset_of(model: str) -> Mapping[str, Any]:
    presets = read_presets()
    named = (facts for facts in presets.values() if facts.get("hub") == model)
    return presets.get(model) or next(named, {})


def _memory(
    table: ReportTable, model: str, facts: Mapping[str, Any]
) -> tuple[float, Literal["parameters", "measured", ""]]:
    billions = facts.get("parameters")
    if isinstance(billions, int | float):
        return GIGABYTE * memory_gb(billions), "parameters"
    measured = list(_measured(table, model))
    return (max(measured), "measured") if measured else (math.nan, "")


def _measured(table: ReportTable, model: str) -> Iterable[float]:
    """Yield the bytes of the weights in bfloat16, of cells that say how many bytes a number had."""
    for cell, result in table.run.done.items():
        size = _BYTES_IN.get(result.signature.dtype or "")
        held = result.usage.get("model_bytes")
        if cell.model == model and size and held:
            yield float(held) * 2 / size


def memory_words(memory: float) -> str:
    """Write bytes of weights in gigabytes, less than one in megabytes; nan is unknown.

    >>> memory_words(16.4e9), memory_words(2.3e9), memory_words(4e6)
    ('16 GB', '2.3 GB', '4 MB')
    """
    if math.isnan(memory):
        return "unknown"
    if memory < GIGABYTE:
        return f"{memory / 1e6:.0f} MB"
    return f"{memory / GIGABYTE:.{0 if memory >= 10 * GIGABYTE else 1}f} GB"
