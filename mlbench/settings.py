"""How a run is made: what is asked of every cell, and how its model is loaded."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

Dtype = Literal["auto", "float32", "bfloat16", "float16"]
Engine = Literal["packed", "hf"]
Executor = Literal["local", "ray"]
Overflow = Literal["refuse", "truncate"]
Bos = Literal["auto", "yes", "no"]
Until = Literal["settled"]


class Shard(NamedTuple):
    """The place of a part among all, from 1 on."""

    place: int
    n_all: int


@dataclass(frozen=True, slots=True)
class Settings:
    """One for a whole command.

    `limit`: docs per cell at most. `dtype`: auto is float32 on a CPU and the checkpoint's own
    elsewhere. `overflow`: what to do with a context beyond the model's window. `batch_size` is for
    the engine hf and other backends, `batch_tokens` (None: from free memory) for packed. `verify`:
    docs of each family that packed also scores plainly before it begins, 0 for none. `shard`: which
    part of the cells is this command's, of several machines'. `chat`: put a
    doc to a model through its own chat template. `bos`: whether a context begins with the token
    for the beginning of a text; auto is as the tokenizer has it. `until`: docs are added, `step` at
    a time, until the pair is told apart (runner/settle.py); None: all at once.
    """

    shots: Sequence[int] = (0,)
    limit: int | None = None
    engine: Engine = "packed"
    device: str | None = None
    dtype: Dtype = "auto"
    batch_size: str = "auto"
    batch_tokens: int | None = None
    overflow: Overflow = "refuse"
    trust_remote_code: bool = False
    executor: Executor = "local"
    verify: int = 0
    shard: Shard | None = None
    chat: bool = False
    bos: Bos = "auto"
    until: Until | None = None
    step: int = 50
