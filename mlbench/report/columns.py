"""What does a column hold? Which kind of score a family gives, and in which unit it is shown."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from mlbench.judge.chance import pooled_chance
from mlbench.measures.metrics import LOWER_IS_BETTER
from mlbench.report.text import show_line
from mlbench.store.read import Column, Run, demonstrations_of

Kind = Literal["accuracy", "bits", "other"]

LONGEST_TITLE = 80
"""Characters of a title, which stands in sentences and heads and may come from anywhere."""


@dataclass(frozen=True, slots=True)
class Block:
    """A family with a number of shots: the columns that are compared with one another.

    kind: accuracy is a share of one, higher is better (`chance` None: not known; `nominal_chance`
    is that of guessing, 1/k); bits are sums over the same sentences, lower is better. `is_pooled`:
    it enters numbers over several families.
    """

    family: str
    shots: int
    title: str
    kind: Kind
    metric: str
    chance: float | None
    is_parallel: bool
    models: tuple[str, ...]
    is_pooled: bool = True
    nominal_chance: float | None = None

    @property
    def name(self) -> str:
        """Name the block for a reader: family, and shots where there are any."""
        return f"{self.family} {self.shots}-shot" if self.shots else self.family

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
        kind=_kind(metric),
        metric=metric,
        chance=pooled_chance(done, facts["chance"]),
        is_parallel=facts["is_parallel"],
        models=tuple(sorted(models, key=order.index)),
        nominal_chance=facts["chance"],
    )


def _kind(metric: str) -> Kind:
    if metric == "bits":
        return "bits"
    is_share = metric not in LOWER_IS_BETTER and metric != "macro_f1"
    return "accuracy" if is_share else "other"
