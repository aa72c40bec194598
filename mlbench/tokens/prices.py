"""What do a thousand sentences cost? From a price for tokens, or for an hour of a machine.

The same thousand sentences in every language, so what is compared is the price of one meaning.
"""

import math
from dataclasses import dataclass

from mlbench.errors import SelectionError

SENTENCES = 1_000
_NAMES = {
    "per_million_in": "--price-in",
    "per_million_out": "--price-out",
    "per_hour": "--gpu-hour",
    "speed": "--speed",
}


@dataclass(frozen=True, slots=True)
class Prices:
    """Prices in a unit of the reader's; `speed` is tokens a second. None was not given."""

    per_million_in: float | None = None
    per_million_out: float | None = None
    per_hour: float | None = None
    speed: float | None = None

    def __post_init__(self) -> None:
        """Refuse what is no price, and an hour without a speed."""
        for field, option in _NAMES.items():
            value = getattr(self, field)
            if value is not None and not 0 < value < math.inf:
                raise SelectionError(f"{option} {value!r} is not a number above 0. Type {option} 2")
        if (self.per_hour is None) != (self.speed is None):
            given, lacking = ("--gpu-hour", "--speed")
            if self.per_hour is None:
                given, lacking = lacking, given
            raise SelectionError(
                f"{given} says nothing without {lacking}: type both, such as --gpu-hour 2.5 "
                "--speed 3000 (tokens a second)"
            )

    def to_read(self, tokens_per_sentence: float) -> float:
        """Return what a thousand sentences cost as input; nan without a price."""
        return self._of_million(self.per_million_in, tokens_per_sentence)

    def to_write(self, tokens_per_sentence: float) -> float:
        """Return what a thousand sentences cost as output; nan without a price."""
        return self._of_million(self.per_million_out, tokens_per_sentence)

    def of_machine(self, tokens_per_sentence: float) -> float:
        """Return what the machine costs for a thousand sentences; nan without price and speed."""
        if self.per_hour is None or self.speed is None:
            return math.nan
        return SENTENCES * tokens_per_sentence / self.speed / 3600 * self.per_hour

    @staticmethod
    def _of_million(price: float | None, tokens_per_sentence: float) -> float:
        return math.nan if price is None else SENTENCES * tokens_per_sentence * price / 1e6
