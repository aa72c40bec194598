"""What would be lost if finished cells were replaced? Said, and refused, before it is.

A cell that was asked for in another way (signature.ASKED), or that has more docs than what would
take its place, is kept unless the user types --replace. What changed by itself (weights, prompts, a
version) is said: the old score has no owner.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from mlbench.errors import SelectionError
from mlbench.store.signature import ASKED, Signature, parts_of

MOST_NAMED = 4
"""Differences in one message."""


class Replaced(NamedTuple):
    """A finished cell and what would take its place, each with its number of docs."""

    earlier: Signature
    wanted: Signature
    n_earlier: int
    n_wanted: int

    @property
    def changes(self) -> list[str]:
        """Say in which parts the two differ, the earlier value first."""
        parts = self.wanted.same_cell(self.earlier)
        return [self._say(name) for name in parts] + self._lost_docs

    @property
    def losses(self) -> list[str]:
        """Say which of the changes nobody but the user may want; none if it may be replaced."""
        parts = self.wanted.same_cell(self.earlier)
        return [self._say(name) for name in parts if name in parts_of(ASKED)] + self._lost_docs

    @property
    def _lost_docs(self) -> list[str]:
        fewer = self.n_wanted < self.n_earlier
        return [f"docs {self.n_earlier} there, {self.n_wanted} now"] if fewer else []

    def _say(self, name: str) -> str:
        return f"{name} {_word(self.earlier.get(name))} there, {_word(self.wanted.get(name))} now"


def _word(value: object) -> str:
    return "none" if value is None else repr(value)


def name_changes(replaced: Iterable[Replaced], *, only_losses: bool = False) -> str:
    """Say every difference once, in the order in which they come."""
    found = [words for one in replaced for words in (one.losses if only_losses else one.changes)]
    distinct = list(dict.fromkeys(found))
    more = [f"and {len(distinct) - MOST_NAMED} more"] if len(distinct) > MOST_NAMED else []
    return "; ".join(distinct[:MOST_NAMED] + more)


def refuse_losses(folder: Path, replaced: Sequence[Replaced], n_done: int) -> None:
    """Refuse to replace finished cells that would be lost; the rest may be.

    Raises SelectionError with how many of `n_done`, what differs, and what to type.
    """
    lost = [one for one in replaced if one.losses]
    if lost:
        raise SelectionError(
            f"{len(lost)} of {n_done} finished cells in {folder} would be lost: they were scored "
            f"otherwise ({name_changes(lost, only_losses=True)}). Keep them with another "
            f"--run NAME, or type --replace to put these in their place"
        )
