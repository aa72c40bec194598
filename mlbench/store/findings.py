"""What was found of a model before its first cell, where it helps to explain a score?

The record goes with every cell of the model (in its usage, one key per fact), and the page shows it
among what could be wrong. A fact that is None was not looked for, or there was nothing to find. A
new fact is one more field: cells that were stored before simply lack it.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields

Fact = str | int | float | None

_PREFIX = "found_"


@dataclass(frozen=True, slots=True)
class Findings:
    """Facts of a model: `before` and `after` are the special tokens around every text.

    Those before a text are fed and never scored, those after it are left out. `unexpected` tells
    of tensors in the checkpoint that the model has no use for. `replies` are the log-probabilities
    that a server gave for a few texts, nats, separated by spaces: it hides its weights, and these
    tell whether it is still the same model. `lacking` is the BOS token
    that its config asks for and its tokenizer does not put before a text. `rounded` tells what the
    form of the weights lost.
    """

    before: str | None = None
    after: str | None = None
    unexpected: str | None = None
    replies: str | None = None
    lacking: str | None = None
    rounded: str | None = None

    def as_usage(self) -> dict[str, Fact]:
        """Return the facts that are stated, as keys of a cell's usage."""
        return {_PREFIX + name: fact for name, fact in asdict(self).items() if fact is not None}


NOT_LOOKED = Findings()
"""Of a model that nobody could look into."""


def findings_of(usage: Mapping[str, Fact]) -> Findings:
    """Return the facts that stand in the usage of a cell."""
    names = (field.name for field in fields(Findings))
    # Each fact has its own type, which a mapping of all of them cannot say.
    return Findings(**{name: usage.get(_PREFIX + name) for name in names})  # type: ignore[arg-type]
