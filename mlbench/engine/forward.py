"""One forward pass of a causal language model, with logits only where they are wanted.

The few differences between transformers' versions and architectures that matter for scoring
(argument names, models that always return all logits) are settled here and nowhere else.
"""

import inspect
import itertools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from mlbench.engine.cpu import fastest_linear
from mlbench.engine.trie import Ints

# What the float32 copy of some rows of logits may take, the rest being read after them.
CPU_READ_BYTES = 64 * 2**20
GPU_READ_BYTES = 2**30


class Predicted(NamedTuple):
    """Log-probability of each wanted token, and whether it was the likeliest one."""

    logprob: NDArray[Any]
    is_greedy: NDArray[Any]


class Reading(NamedTuple):
    """The same on the model's device, where it may still be computed."""

    logprob: torch.Tensor
    is_greedy: torch.Tensor


def ignore(n_tokens: int) -> None:
    """Stand where no progress bar is."""


class Forward:
    """A model with the counters of what it was fed."""

    def __init__(self, model: Any) -> None:
        self.model = model
        parameters = inspect.signature(_innermost(model).forward).parameters
        self.cache_name = next((n for n in ("cache", "past_key_values") if n in parameters), None)
        self.takes_positions = "position_ids" in parameters
        self.keeps_logits = "logits_to_keep" in parameters
        self.tokens_fed = 0
        self.on_fed: Callable[[int], Any] = ignore

    @property
    def device(self) -> torch.device:
        """Where the inputs go."""
        device: torch.device = self.model.device
        return device

    def __call__(
        self,
        tokens: torch.Tensor,
        rows: torch.Tensor,
        *,
        cache: Any = None,
        positions: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Return logits (batch, len(rows), vocabulary) at the places `rows` of each sequence."""
        arguments: dict[str, Any] = {"input_ids": tokens}
        if cache is not None:
            arguments |= {self.cache_name or "": cache, "use_cache": True}
        elif self.cache_name is not None:
            arguments["use_cache"] = False
        if positions is not None:
            arguments["position_ids"] = positions
        if self.keeps_logits:
            arguments["logits_to_keep"] = rows
        with torch.inference_mode(), fastest_linear(self.device):
            logits: torch.Tensor = self.model(**arguments).logits
        self.count(tokens.numel())
        return logits if self.keeps_logits else logits[:, rows]

    def count(self, n_tokens: int) -> None:
        """Add to what was fed, and tell a progress bar."""
        self.tokens_fed += n_tokens
        self.on_fed(n_tokens)

    def read_prefix(self, tokens: torch.Tensor) -> Any:
        """Feed a sequence and return the model's own kind of cache after it."""
        arguments: dict[str, Any] = {"input_ids": tokens, "use_cache": True}
        if self.keeps_logits:
            arguments["logits_to_keep"] = 1
        with torch.inference_mode(), fastest_linear(self.device):
            output = self.model(**arguments)
        self.count(tokens.numel())
        return getattr(output, self.cache_name or "", None)


def _innermost(model: Any) -> Any:
    """Unwrap adapters, whose own forward hides the model's arguments behind **kwargs."""
    unwrap = getattr(model, "get_base_model", None)
    return unwrap() if unwrap is not None else model


def on_device(numbers: NDArray[Any], device: torch.device) -> torch.Tensor:
    """Copy numbers to a device; CUDA does not wait for its running work, so neither do we."""
    tensor = torch.from_numpy(numbers)
    if device.type == "cuda":
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)


def read_off(logits: torch.Tensor, row: Ints, token: Ints) -> Reading:
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
    return Reading(*(torch.cat(part) for part in zip(*parts, strict=True)))


def _read_rows(logits: torch.Tensor, row: torch.Tensor, token: torch.Tensor) -> Reading:
    # Fused, and twice as fast on a CPU as torch.logsumexp.
    logprob = torch.log_softmax(logits, dim=-1, dtype=torch.float32)[row, token]
    # Where two tokens are likeliest, the first one counts, as in lm-eval.
    if logits.device.type != "cpu":
        return Reading(logprob, logits.argmax(dim=-1)[row] == token)
    # Here argmax is slow, so only ties are asked for it.
    is_greedy = logits.amax(dim=-1)[row] == logits[row, token]
    tied = is_greedy.nonzero()[:, 0]
    is_greedy[tied] = logits[row[tied]].argmax(dim=-1) == token[tied]
    return Reading(logprob, is_greedy)


def fetch(readings: Sequence[Reading]) -> Predicted:
    """Wait for what was read off and bring it to the CPU."""
    if not readings:
        return Predicted(np.empty(0), np.empty(0, bool))
    logprob, is_greedy = (torch.cat(part).cpu() for part in zip(*readings, strict=True))
    return Predicted(logprob.double().numpy(), is_greedy.numpy())
