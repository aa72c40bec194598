"""How much faster would a CPU be in bfloat16? Measured in about a second on the loaded model.

A second copy of the weights could fill the memory, so only their products are timed in both
precisions, on random numbers of the same shapes; all else of a pass is taken to be as fast as
before, which makes the gain a cautious one. Seconds are those of one thread's work, not of a clock:
they mean the same on a machine that does other things too.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import torch
from torch import nn

from mlbench.engine.cpu import fastest_linear

TOKENS = 64
"""Of the pass that is timed: enough rows for a product to be the work, and not its weights."""

REPEATS = 3


def bfloat16_gain(model: nn.Module) -> float | None:
    """Return how many times faster a pass of float32 layers on a CPU would be in bfloat16.

    The head is left out: few positions need it. None where the weights are of no such kind.
    """
    shapes = _product_shapes(model)
    if model.training or not shapes or any(p.dtype != torch.float32 for p in model.parameters()):
        return None
    ids = torch.arange(TOKENS)[None]
    with torch.inference_mode(), fastest_linear(torch.device("cpu")), _one_thread():
        whole = _fastest(lambda: model(input_ids=ids, use_cache=False))
        single, half = (_seconds_of(shapes, t) for t in (torch.float32, torch.bfloat16))
    # Products cannot be more than the whole; where noise says so, the gain is theirs alone.
    return max(whole, single) / (max(whole, single) - single + half)


def _product_shapes(model: nn.Module) -> Counter[tuple[int, int]]:
    """Count the matrices that every token is multiplied with; an embedding is only looked up."""
    found: Counter[tuple[int, int]] = Counter()
    for module in model.modules():
        if not isinstance(module, nn.Embedding):
            for weight in module.parameters(recurse=False):
                if weight.ndim == 2:
                    found[weight.shape[0], weight.shape[1]] += 1
    return found


def _seconds_of(shapes: Counter[tuple[int, int]], dtype: torch.dtype) -> float:
    total = 0.0
    for (n_out, n_in), n_times in shapes.items():
        weight = torch.randn(n_out, n_in).to(dtype)
        states = torch.randn(TOKENS, n_in).to(dtype)
        total += n_times * _fastest(partial(nn.functional.linear, states, weight))
    return total


def _fastest(work: Callable[[], object]) -> float:
    """Return the seconds of the fastest of some goes, after one to warm up."""
    seconds = []
    for _ in range(REPEATS + 1):
        start = time.thread_time()
        work()
        seconds.append(time.thread_time() - start)
    return min(seconds[1:])


@contextmanager
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
