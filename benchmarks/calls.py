"""One call of a scorer: what it takes, and what it feeds the model.

lm-eval's `hf` gets a process of its own, as `lm_eval` gives it: the engine changes how its process
keeps memory and multiplies, from which `hf` would gain too.
"""

import logging
import math
import multiprocessing
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import Any, NamedTuple

import torch
from lm_eval.models.huggingface import HFLM
from workloads import Work, make_model

from mlbench.engine import PackedLM

Clock = Callable[[], float]
CLOCKS: dict[str, Clock] = {"wall": time.perf_counter, "cpu": time.process_time}


class Counted(NamedTuple):
    """One call: its seconds, the tokens that the model was fed, padding included, and its memory.

    `peak_gib` is of a GPU, the model included; nan on others, where memory.py measures it.
    """

    seconds: float
    n_fed: int
    peak_gib: float


def timed(lm: Any, work: Work, clock: Clock) -> tuple[float, list[Any]]:
    """Answer requests from text on; token ids are not kept between repetitions."""
    if isinstance(lm, PackedLM):
        lm.encoder._pairs.clear()
    answer = getattr(lm, work.kind)
    start = clock()
    answers = answer(work.instances(), disable_tqdm=True)
    return clock() - start, answers


def count_fed(lm: Any, work: Work, clock: Clock) -> Counted:
    """Make one call and count."""
    n_fed = 0

    def count(_: Any, arguments: tuple[Any, ...], named: dict[str, Any]) -> None:
        nonlocal n_fed
        n_fed += (arguments[0] if arguments else named["input_ids"]).numel()

    is_gpu = lm.model.device.type == "cuda"
    if is_gpu:
        torch.cuda.reset_peak_memory_stats()
    hook = lm.model.register_forward_pre_hook(count, with_kwargs=True)
    try:
        seconds, _ = timed(lm, work, clock)
    finally:
        hook.remove()
    return Counted(
        seconds, n_fed, torch.cuda.max_memory_allocated() / 2**30 if is_gpu else math.nan
    )


def start_stock(shape: str, device: str, dtype: torch.dtype) -> ProcessPoolExecutor:
    """Start the process of `hf`, which makes the same model from the same seed."""
    return ProcessPoolExecutor(
        1,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_load,
        initargs=(shape, device, dtype, torch.get_num_threads()),
    )


class Stock(NamedTuple):
    """lm-eval's `hf` at a batch size, in that process."""

    pool: ProcessPoolExecutor
    tokenizer: Any
    batch_size: int

    def timed(self, work: Work, clock: str) -> tuple[float, list[Any]]:
        """Answer requests as `timed` does."""
        return self.pool.submit(_time_stock, self.tokenizer, self.batch_size, work, clock).result()

    def count_fed(self, work: Work, clock: str) -> Counted:
        """Count as `count_fed` does; where a GPU's memory does not do, it takes forever."""
        return self.pool.submit(_count_stock, self.tokenizer, self.batch_size, work, clock).result()


_models: list[Any] = []


def _load(shape: str, device: str, dtype: torch.dtype, n_threads: int) -> None:
    torch.set_num_threads(n_threads)
    logging.disable(logging.WARNING)
    _models.append(make_model(shape, device, dtype))


def _time_stock(tokenizer: Any, batch_size: int, work: Work, clock: str) -> tuple[float, list[Any]]:
    return timed(HFLM(_models[0], tokenizer=tokenizer, batch_size=batch_size), work, CLOCKS[clock])


def _count_stock(tokenizer: Any, batch_size: int, work: Work, clock: str) -> Counted:
    lm = HFLM(_models[0], tokenizer=tokenizer, batch_size=batch_size)
    try:
        return count_fed(lm, work, CLOCKS[clock])
    except torch.OutOfMemoryError:
        print(f"hf runs out of memory at batch size {batch_size}", flush=True)
    torch.cuda.empty_cache()
    return Counted(math.inf, 0, math.inf)
