"""From logits to the log-probabilities of the tokens that are asked for."""

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from mlbench.engine.trie import Ints

# What the float32 copy of some rows of logits may take, the rest being read after them.
CPU_READ_BYTES = 16 * 2**20
GPU_READ_BYTES = 2**30


class Predicted(NamedTuple):
    """Log-probability of each wanted token, and whether it was the likeliest one."""

    logprob: NDArray[Any]
    is_greedy: NDArray[Any]


class DevicePredictions(NamedTuple):
    """The same on the model's device, where it may still be computed."""

    logprob: torch.Tensor
    is_greedy: torch.Tensor


def on_device(numbers: NDArray[Any], device: torch.device) -> torch.Tensor:
    """Copy numbers to a device; CUDA does not wait for its running work, so neither do we."""
    tensor = torch.from_numpy(numbers)
    if device.type == "cuda":
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)


def read_off(logits: torch.Tensor, row: Ints, token: Ints) -> DevicePredictions:
    """Take the log-probabilities of `token` at `row`, which ascends, of logits (rows, vocabulary).

    The log-sum-exp is in float32 whatever the model computes in: in bfloat16 it made exact ties
    between choices in 2 of 6 docs. It is taken of some rows at once, for it is another vocabulary
    long each. On a GPU this returns before it is computed.
    """
    read_bytes = CPU_READ_BYTES if logits.device.type == "cpu" else GPU_READ_BYTES
    step = max(1, read_bytes // (4 * logits.shape[-1]))
    firsts = range(0, max(len(logits), 1), step)
    cuts = [*np.searchsorted(row, firsts), len(row)]
    at_row, at_token = on_device(row, logits.device), on_device(token, logits.device)
    parts = [
        _read_rows(logits[first : first + step], at_row[start:stop] - first, at_token[start:stop])
        for first, (start, stop) in zip(firsts, itertools.pairwise(cuts), strict=True)
    ]
    return DevicePredictions(*(torch.cat(part) for part in zip(*parts, strict=True)))


def _read_rows(logits: torch.Tensor, row: torch.Tensor, token: torch.Tensor) -> DevicePredictions:
    # Fused, and twice as fast on a CPU as torch.logsumexp.
    logprob = torch.log_softmax(logits, dim=-1, dtype=torch.float32)[row, token]
    # Where two tokens are likeliest, the first one counts, as in lm-eval.
    if logits.device.type != "cpu":
        return DevicePredictions(logprob, logits.argmax(dim=-1)[row] == token)
    # Here argmax is slow, so only ties are asked for it.
    is_greedy = logits.amax(dim=-1)[row] == logits[row, token]
    tied = is_greedy.nonzero()[:, 0]
    is_greedy[tied] = logits[row[tied]].argmax(dim=-1) == token[tied]
    return DevicePredictions(logprob, is_greedy)


def fetch(readings: Sequence[DevicePredictions]) -> Predicted:
    """Wait for what was read off and bring it to the CPU."""
    if not readings:
        return Predicted(np.empty(0), np.empty(0, bool))
    logprob, is_greedy = (torch.cat(part).cpu() for part in zip(*readings, strict=True))
    return Predicted(logprob.double().numpy(), is_greedy.numpy())
