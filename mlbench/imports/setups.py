"""Which model of a run is an imported one? A name with its set-up: arguments, weights, prompting.

People score one model plain, in four bits and with a chat template, and lm-eval puts all of it
under one name. The first set-up has the name; others are called `org/base [load_in_4bit=True]`.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from mlbench import store
from mlbench.errors import DataError, StoreError
from mlbench.model_arguments import setup_of
from mlbench.records import Cell
from mlbench.store.manifest import planned_cells
from mlbench.store.signature import Signature

LM_EVAL, LIGHTEVAL, OLMES = "lm-eval", "lighteval", "olmes"
TOOLS = frozenset({LM_EVAL, LIGHTEVAL, OLMES})
"""The `source` of cells that a tool scored which says how the model was loaded."""

_PLAIN = frozenset({"dtype", "model_type"})
_SHORT = 8


class Setup(NamedTuple):
    """What one name may hide; None where it is not known."""

    arguments: Mapping[str, str] | None
    weights: str | None
    is_own: bool = False

    def fits(self, other: "Setup") -> bool:
        """Return whether nothing that both state keeps them apart."""
        if self.weights and other.weights and self.weights != other.weights:
            return False
        if self.arguments is None or other.arguments is None:
            return True
        one, two = dict(self.arguments), dict(other.arguments)
        if self.is_own or other.is_own:
            # Of a model that mlbench ran the dtype is known, of one of lm-eval's often not.
            dtypes = {arguments.pop("dtype", "") for arguments in (one, two)} - {""}
            return one == two and len(dtypes) < 2
        return one == two

    def joined(self, other: "Setup") -> "Setup":
        """Return what is known of a set-up from two that fit."""
        arguments = other.arguments if self.arguments is None else self.arguments
        return self._replace(arguments=arguments, weights=self.weights or other.weights)

    @property
    def parts(self) -> dict[str, str]:
        """Return arguments and weights as they are shown."""
        shown = {
            name: value[:_SHORT] if name in ("chat_template", "system_instruction") else value
            for name, value in (self.arguments or {}).items()
        }
        return shown | ({"weights": self.weights[:_SHORT]} if self.weights else {})

    @property
    def shown(self) -> str:
        """Return arguments and weights as a text."""
        return ", ".join(f"{name}={value}" for name, value in self.parts.items())


def names_of(
    model: str, signatures: Iterable[Signature], held: Mapping[str, Setup]
) -> dict[Signature, tuple[str, str]]:
    """Return for each signature of a model its name in the run, and its set-up as it is shown.

    `held` are the set-ups that the run has under this name and under those made of it.
    """
    known = dict(held)
    setups = {signature: read_setup(signature) for signature in signatures}
    ordered = sorted(setups.items(), key=lambda item: _plainness(item[1]))
    return {
        signature: (_find_name(model, setup, known), setup.shown) for signature, setup in ordered
    }


def read_setup(signature: Signature) -> Setup:
    """Return the set-up of a cell's model, whoever scored it."""
    if signature.source in TOOLS:
        return Setup(setup_of(signature.arguments or ""), signature.weights)
    if signature.source is not None:
        return Setup(None, None)
    own = {**setup_of(signature.arguments or ""), "model_type": signature.backend or ""}
    dtype = {"dtype": signature.dtype} if signature.dtype else {}
    return Setup({**own, **dtype}, signature.weights, is_own=True)


def _plainness(setup: Setup) -> tuple[int, str]:
    more = set(setup.arguments or ()) - _PLAIN
    return len(more), json.dumps(setup.parts, sort_keys=True)


def _find_name(model: str, setup: Setup, held: dict[str, Setup]) -> str:
    """Return the name that a set-up has or gets, and hold it."""
    for name, known in held.items():
        if known.fits(setup):
            held[name] = known.joined(setup)
            return name
    name = model
    if model in held:
        labels = _labels(held[model].parts, setup.parts)
        name = next(
            label for label in (f"{model} [{said}]" for said in labels) if label not in held
        )
    held[name] = setup
    return name


def _labels(known: Mapping[str, str], parts: Mapping[str, str]) -> Iterable[str]:
    """Yield what tells a set-up from the one that has the name, the shortest first."""
    more = [f"{name}={value}" for name, value in parts.items() if known.get(name) != value]
    less = [f"without {name}" for name in known if name not in parts]
    if more:
        yield ", ".join(more)
    yield ", ".join([*more, *less])
    # Two that differ only beyond the digits that are shown.
    number = 2
    while True:
        yield ", ".join([*more, *less, f"set-up {number}"])
        number += 1


def held_setups(folder: Path, manifest: Mapping[str, Any], model: str) -> dict[str, Setup]:
    """Return the set-ups that a run holds under a name and under those made of it.

    Raises DataError where it holds several under one, which an earlier version did not tell apart.
    """
    held: dict[str, Setup] = {}
    for cell in planned_cells(manifest) if manifest else ():
        if cell.model != model and not cell.model.startswith(f"{model} ["):
            continue
        slug = manifest["models"][cell.model]["slug"]
        signature = _signature_of(store.cell_path(folder, slug, cell))
        if signature is None:
            continue
        setup = read_setup(signature)
        before = held.setdefault(cell.model, setup)
        if not before.fits(setup):
            raise DataError(_several(folder, cell, before, setup))
        held[cell.model] = before.joined(setup)
    return held


def _signature_of(path: Path) -> Signature | None:
    try:
        found = store.get(path)
    except StoreError:
        return None  # a damaged file is replaced by the import, as a run replaces it
    return found.signature if isinstance(found, store.CellResult) else None


def _several(folder: Path, cell: Cell, one: Setup, other: Setup) -> str:
    return (
        f"{folder} holds several set-ups under the name {cell.model!r}: {one.shown} and "
        f"{other.shown}. Import into another --run"
    )
