"""How long will the rest of a run take? Counted in tokens, and corrected by every finished cell.

A sentence may have ten times as many tokens in one language as in another, and be scored ten times
as fast by one model as by another, so cells and docs left say little. The tokens of a cell are
taken as its size times a rate of its column times one of its language, both fitted to the cells
that are done; its time as its tokens by the speed of its model.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from mlbench.records import Cell
from mlbench.runner.plan import PlannedCell
from mlbench.runner.shard import characters_asked

_ROUNDS = 4
"""Of fitting columns and languages in turn; each halves what is left of the error, or better."""


class Size(NamedTuple):
    """A cell and its size, in any unit: characters where docs are at hand, else 1."""

    cell: Cell
    amount: float = 1.0


class Left(NamedTuple):
    """What is left; `seconds` is None while no cell is done."""

    tokens: float
    seconds: float | None


def size_of(planned: PlannedCell) -> Size:
    """Return the size of what is to be scored of a cell, in characters."""
    docs = planned.prepared.docs.scored[planned.begun : planned.limit]
    return Size(planned.cell, characters_asked(planned.prepared, planned.cell.shots, len(docs)))


@dataclass
class Forecast:
    """State: the size, tokens and seconds of each cell that is done."""

    sizes: list[Size] = field(default_factory=list)
    tokens: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def add(self, size: Size, usage: Mapping[str, Any]) -> None:
        """Count a finished cell; a backend that shows no tokens is counted by size."""
        self.sizes.append(size)
        self.tokens.append(float(usage.get("n_tokens") or size.amount))
        self.seconds.append(float(usage.get("seconds") or 0.0))

    def left(self, sizes: Iterable[Size]) -> Left:
        """Return the tokens and seconds of cells that are to come."""
        tokens_of = self._tokens_by_model(sizes)
        spent = _sums(
            (size.cell.model, s) for size, s in zip(self.sizes, self.seconds, strict=True)
        )
        fed = _sums((size.cell.model, n) for size, n in zip(self.sizes, self.tokens, strict=True))
        total = sum(tokens_of.values())
        if not self.sizes:
            return Left(total, None)
        general = sum(self.seconds) / sum(self.tokens)
        seconds = sum(
            n * (spent[model] / fed[model] if model in fed else general)
            for model, n in tokens_of.items()
        )
        return Left(total, seconds)

    def _tokens_by_model(self, sizes: Iterable[Size]) -> dict[Hashable, float]:
        rates, languages = self._fit()
        general = sum(self.tokens) / sum(size.amount for size in self.sizes) if self.sizes else 1.0
        return _sums(
            (
                size.cell.model,
                size.amount
                * rates.get(_column(size.cell), general)
                * languages.get(size.cell.language, 1.0),
            )
            for size in sizes
        )

    def _fit(self) -> tuple[dict[Hashable, float], dict[Hashable, float]]:
        """Return tokens per size by column, and by language relative to that."""
        rates: dict[Hashable, float] = {}
        languages: dict[Hashable, float] = {}
        seen = list(zip(self.sizes, self.tokens, strict=True))
        by_column = _sums((_column(size.cell), n) for size, n in seen)
        by_language = _sums((size.cell.language, n) for size, n in seen)
        for _ in range(_ROUNDS):
            expected = _sums(
                (_column(s.cell), s.amount * languages.get(s.cell.language, 1.0)) for s, _ in seen
            )
            rates = {key: n / expected[key] for key, n in by_column.items()}
            expected = _sums((s.cell.language, s.amount * rates[_column(s.cell)]) for s, _ in seen)
            languages = {key: n / expected[key] for key, n in by_language.items()}
        return rates, languages


def _column(cell: Cell) -> Hashable:
    return cell.model, cell.family, cell.shots


def _sums(pairs: Iterable[tuple[Hashable, float]]) -> dict[Hashable, float]:
    found: dict[Hashable, float] = defaultdict(float)
    for key, value in pairs:
        found[key] += value
    return dict(found)
