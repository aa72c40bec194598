"""Should a long run on a CPU be in bfloat16? It is said what that gains and costs, never done.

`--dtype auto` is float32 on a CPU whatever the processor: a number must not depend on a stop-watch.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

from mlbench.engine.hf import WatchedLM
from mlbench.engine.precision import bfloat16_gain
from mlbench.harness.backend import CountingModel
from mlbench.models import with_options
from mlbench.runner.forecast import Forecast, size_of
from mlbench.runner.plan import PlannedCell
from mlbench.settings import Settings
from mlbench.store.cells import CellResult, FailedCell

logger = logging.getLogger(__name__)

SEEN_SECONDS = 5.0
"""Scored before the time left is estimated."""

WORTH_SECONDS = 120.0
"""Time left from which a line is worth reading."""

WORTH_GAIN = 1.2
"""Times faster from which a second precision is worth having."""


@dataclass
class PrecisionWatch:
    """Says once for a model what bfloat16 would gain; state: whether it has still to look."""

    model: CountingModel
    cells: Sequence[PlannedCell]
    settings: Settings
    forecast: Forecast = field(default_factory=Forecast)
    is_open: bool = field(init=False)

    def __post_init__(self) -> None:
        """Look only where the precision was left to us and a CPU scores."""
        asked = with_options(self.settings, self.cells[0].model).dtype
        lm = self.model.lm
        is_ours = isinstance(lm, WatchedLM) and lm.backend == "causal"
        self.is_open = asked == "auto" and is_ours and self.model.device == "cpu"

    def scored(self, n_cells: int, outcome: CellResult | FailedCell) -> None:
        """Count a cell, and look as soon as enough was scored to know the time that is left."""
        if not self.is_open or not isinstance(outcome, CellResult):
            return
        self.forecast.add(size_of(self.cells[n_cells - 1]), outcome.usage)
        if sum(self.forecast.seconds) < SEEN_SECONDS:
            return
        self.is_open = False
        left = self.forecast.left(map(size_of, self.cells[n_cells:])).seconds
        if left is not None and left >= WORTH_SECONDS:
            gain = bfloat16_gain(self.model.lm.model.base_model)
            if gain is not None and (said := advice(self.cells[0].model.name, gain, left)):
                logger.warning("%s", said)


def advice(model: str, gain: float, seconds_left: float) -> str:
    """Return what bfloat16 would gain and cost a model; empty where it is not worth reading.

    >>> advice("m", 1.1, 600)
    ''
    >>> advice("m", 2.0, 600)[:67]
    'm: about 10 min left in float32; in bfloat16 this CPU would be some'
    """
    if gain < WORTH_GAIN or seconds_left < WORTH_SECONDS:
        return ""
    return (
        f"{model}: about {seconds_left / 60:.0f} min left in float32; in bfloat16 this CPU would "
        f"be some {gain:.1f} times as fast (measured on this model). The price: numbers are "
        f"rounded to 8 bits, so scores move a little, close choices may flip, and its cells do "
        f"not mix with these. To take it: --dtype bfloat16 and a --run of its own. "
        f"--dtype float32 silences this line"
    )
