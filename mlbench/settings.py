"""How a run is made: what is asked of every cell, and how its model is loaded."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Overflow = Literal["refuse", "truncate"]


@dataclass(frozen=True, slots=True)
class Settings:
    """One for a whole command.

    `limit`: docs a cell at most. `dtype`: auto is float32 on a CPU and the checkpoint's own
    elsewhere. `overflow`: what to do with a context beyond the model's window.
    """

    shots: Sequence[int] = (0,)
    limit: int | None = None
    engine: str = "hf"
    device: str | None = None
    dtype: str = "auto"
    batch_size: str = "auto"
    overflow: Overflow = "refuse"
    trust_remote_code: bool = False
