"""What was scored? A signature stands on every cell, as sacrebleu's stands on every score.

This is the one list of its parts. Each says what it decides: whether a cell must be run again,
whether two models may be compared on it, and what is worth a look where models differ. What decides
nothing is only told. A part that is None is not stated; of `limit` that means all docs.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from typing import Any

from mlbench import __version__
from mlbench.errors import NewerStoreError

AGAIN = "again"
"""Another value is another cell: a finished one with it is run again."""

ASKED = "asked"
"""AGAIN, and the command line says it: a finished cell is kept unless the user says to replace it.
What is not asked (weights, data, prompts) changed by itself, and the old score has no owner."""

SHARED = "shared"
"""Two models must have the same to be compared on a cell."""

ALIKE = "alike"
"""May change a score a little, so a difference between the models of a run is worth a look."""


def _part(short: str, *roles: str) -> Any:
    is_again = {AGAIN} if ASKED in roles else set()
    return field(default=None, metadata={"short": short, "roles": {*roles, *is_again}})


@dataclass(frozen=True, slots=True)
class Signature(Mapping[str, Any]):
    """What a cell's score rests on; reads as a mapping of the parts that are stated.

    `texts` says which tokens of whole texts are scored: cells of before it was stated, where a
    tokenizer's own BOS was scored too, are run again. `revision` of the data is only told, because
    the docs have a digest of their own, and `mode` and `given_up` are, because all modes of the
    packed engine give the same numbers. `chat` says how a doc became a turn of a conversation; None
    where it did not. `looks` are the numbers of docs at which a run until settled looks at scores;
    `limit` then says at which of them the cell stands, and its prompts are those of all docs.
    `bos` is stated where the command line decided it. The last four are of
    imported cells.
    """

    family: str | None = _part("family", AGAIN, SHARED)
    family_version: int | str | None = _part("version", AGAIN, SHARED)
    language: str | None = _part("language", AGAIN, SHARED)
    shots: int | None = _part("shots", AGAIN, SHARED)
    limit: float | None = _part("limit", ASKED, SHARED, ALIKE)
    looks: tuple[int, ...] | None = _part("looks", ASKED, SHARED)
    data_sha256: str | None = _part("data", AGAIN, SHARED)
    data_revision: str | None = _part("revision")
    prompts: str | None = _part("prompts", AGAIN, SHARED)
    model: str | None = _part("model", AGAIN)
    backend: str | None = _part("backend", ASKED, ALIKE)
    arguments: str | None = _part("arguments", ASKED)
    weights: str | None = _part("weights", AGAIN)
    dtype: str | None = _part("dtype", ASKED, ALIKE)
    engine: str | None = _part("engine", ASKED, ALIKE)
    overflow: str | None = _part("overflow", ASKED, ALIKE)
    texts: str | None = _part("texts", AGAIN)
    chat: str | None = _part("chat", ASKED, SHARED)
    bos: str | None = _part("BOS", ASKED, ALIKE)
    verify: int | None = _part("verify")
    mode: str | None = _part("mode")
    given_up: tuple[str, ...] | None = _part("given up")
    lm_eval: str | None = _part("lm-eval", AGAIN, ALIKE)
    mlbench: str | None = _part("mlbench", ALIKE)
    source: str | None = _part("source", ASKED)
    source_sha256: str | None = _part("source digest", AGAIN)
    tasks: tuple[str, ...] | None = _part("tasks", AGAIN)
    importer: int | None = _part("importer", AGAIN, ALIKE)

    def same_cell(self, other: "Signature") -> tuple[str, ...]:
        """Name the parts that make it another cell, which must be run again; none if it is not."""
        return self._differing(other, AGAIN)

    def comparable(self, other: "Signature") -> tuple[str, ...]:
        """Name the parts that keep two models from being compared on the cell; none if they may."""
        return self._differing(other, SHARED)

    def _differing(self, other: "Signature", role: str) -> tuple[str, ...]:
        return tuple(n for n in parts_of(role) if getattr(self, n) != getattr(other, n))

    @property
    def digest(self) -> str:
        """Return 16 characters that two signatures share if and only if they are of one cell.

        A cell that gets more docs at its next look stays the one that was planned.
        """
        parts = ((name, getattr(self, name)) for name in parts_of(AGAIN))
        stated = {name: value for name, value in parts if value is not None}
        if self.looks:
            stated.pop("limit", None)
        text = json.dumps(stated, sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def short(self) -> str:
        """Return the first eight characters of the digest, to be printed beside a score."""
        return self.digest[:8]

    def __str__(self) -> str:
        """Print the stated parts in the manner of sacrebleu.

        >>> str(Signature(family="sib200_topic", family_version=2, shots=0, dtype="float32"))
        'family:sib200_topic|version:2|shots:0|dtype:float32'
        """
        return "|".join(
            f"{part.metadata['short']}:{_show(self[part.name])}"
            for part in fields(self)
            if self.get(part.name) not in (None, "", ())
        )

    def __getitem__(self, name: str) -> Any:
        value = getattr(self, name) if name in _ROLES_BY_PART else None
        if value is None:
            raise KeyError(name)
        return value

    def __iter__(self) -> Iterator[str]:
        return (name for name in _ROLES_BY_PART if getattr(self, name) is not None)

    def __len__(self) -> int:
        return sum(1 for _ in self)


_ROLES_BY_PART: dict[str, set[str]] = {p.name: p.metadata["roles"] for p in fields(Signature)}


@cache
def parts_of(role: str) -> tuple[str, ...]:
    """Return the parts that have a role, in their order."""
    return tuple(name for name, roles in _ROLES_BY_PART.items() if role in roles)


def read_signature(stored: Mapping[str, Any]) -> Signature:
    """Return a signature as it was stored, by this version or an earlier one.

    Raises NewerStoreError for a part that this version does not know: it may decide anything.
    """
    if unknown := sorted(stored.keys() - _ROLES_BY_PART.keys()):
        raise NewerStoreError(
            f"its signature has {unknown[0]!r}, which mlbench {__version__} does not know: a newer "
            f"mlbench wrote it. Type: pip install --upgrade mlbench"
        )
    parts: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in stored.items()}
    if parts.get("backend") not in (None, "hf"):
        # Version 0.1.0 signed --dtype here too, and passed it to no backend but hf.
        parts["dtype"] = None
    return Signature(**parts)


def _show(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
