"""What does a column hold? Which kind of score a family gives, and in which unit it is shown."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from mlbench.judge.chance import pooled_chance
from mlbench.measures import Measure, measure_of
from mlbench.report.text import number, percent, show_line
from mlbench.store.read import Column, Run, demonstrations_of

LONGEST_TITLE = 80
"""Characters of a title, which stands in sentences and heads and may come from anywhere."""


@dataclass(frozen=True, slots=True)
class Block:
    """A family with a number of shots: the columns that are compared with one another.

    `measure` is the judged one. `chance` is None where there is none or it is not known;
    `nominal_chance` is that of guessing, 1/k. `is_pooled`: it enters numbers over several families.
    """

    family: str
    shots: int
    title: str
    measure: Measure
    chance: float | None
    is_parallel: bool
    models: tuple[str, ...]
    is_pooled: bool = True
    nominal_chance: float | None = None

    @property
    def name(self) -> str:
        """Name the block for a reader: family, and shots where there are any."""
        return f"{self.family} {self.shots}-shot" if self.shots else self.family

    @property
    def metric(self) -> str:
        """Name the judged measure."""
        return self.measure.name

    def column(self, model: str) -> Column:
        """Return the column of a model."""
        return Column(model, self.family, self.shots)


def blocks_of(run: Run) -> list[Block]:
    """Return the blocks of a run in the order of the manifest."""
    keys = dict.fromkeys((column.family, column.shots) for column in run.columns)
    demonstrations = demonstrations_of(run, (family for family, _ in keys))
    blocks = [_block(run, family, shots) for family, shots in keys]
    return [replace(block, is_pooled=block.family not in demonstrations) for block in blocks]


def _block(run: Run, family: str, shots: int) -> Block:
    facts: Mapping[str, Any] = run.families[family]
    metric = facts["metrics"][0]
    models = [c.model for c in run.columns if (c.family, c.shots) == (family, shots)]
    order = list(run.models)
    done = (r.samples for c, r in run.done.items() if (c.family, c.shots) == (family, shots))
    return Block(
        family=family,
        shots=shots,
        title=show_line(facts["title"], LONGEST_TITLE),
        measure=measure_of(metric),
        chance=pooled_chance(done, facts["chance"]),
        is_parallel=facts["is_parallel"],
        models=tuple(sorted(models, key=order.index)),
        nominal_chance=facts["chance"],
    )


def words_alone(measure: Measure) -> str:
    """Return what a column shows that is not held against English, and if less is better."""
    shown = measure_of(measure.alone or measure.name)
    return shown.title if shown.higher_is_better else f"{shown.title}, lower is better"


def adjust(accuracy: float, chance: float | None) -> float:
    """Rescale an accuracy so that guessing is 0: (score - chance) / (1 - chance)."""
    return (accuracy - (chance or 0.0)) / (1 - (chance or 0.0))


@dataclass(frozen=True, slots=True)
class Quantity:
    """What the cells of a column show: the value of a measure, or its parity with English.

    Parity is the share of English that the same text takes: bits in English over bits here.
    """

    measure: Measure
    is_parity: bool = False

    @property
    def is_share(self) -> bool:
        """Return whether values are shares of one, shown in percent."""
        return self.is_parity or self.measure.is_share

    @property
    def words(self) -> str:
        """Return what the numbers are."""
        if self.is_parity:
            return "information parity (English = 100)"
        return f"{self.measure.name}, {self.measure.unit}"

    def text(self, value: float) -> str:
        """Write a value."""
        if self.is_share:
            return percent(value)
        return number(self.measure.factor * value, self.measure.digits)

    def fill(self, value: float, chance: float | None) -> tuple[str, float] | None:
        """Return the ramp and the place on it (0 to 1) of a value; None where it has no range.

        Ramp "s" goes from chance, or the lowest value, to the highest; "p" is that of parity.
        """
        if self.is_parity:
            return "p", value
        measure = self.measure
        if measure.has_chance:
            return "s", adjust(value, chance)
        width = measure.high - measure.low
        if not measure.higher_is_better or measure.is_of_language or math.isinf(width):
            return None
        return "s", (value - measure.low) / width
