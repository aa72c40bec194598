"""How does a model see a whole trie in one sequence?

transformers asks one registry for the attention mask of every layer type (full, sliding, chunked)
and hands it a rule over positions. While a pack is running, this file answers instead: a token sees
its ancestors only, and the model's own rule is applied to the tokens' positions in their requests
rather than to their places in the pack. So nothing here knows any architecture.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import torch
from transformers import masking_utils

MaskRule = Callable[..., torch.Tensor]


class MaskError(RuntimeError):
    """A model asked for a mask that a pack cannot give; it must be scored in another mode."""


class TreeMask:
    """The mask of one pack: queries are nodes [start, stop), keys are `kept` ancestors, then these.

    `position` and `end` are over the keys. `n_calls` tells whether the model asked at all: one that
    builds its mask elsewhere would mix the requests up without an error.
    """

    def __init__(self, position: torch.Tensor, end: torch.Tensor, *, start: int, stop: int) -> None:
        self.position, self.end, self.start = position, end, start
        self.n_queries = stop - start
        self.n_kept = len(position) - self.n_queries
        self.n_calls = 0

    def visible(self, rule: MaskRule) -> torch.Tensor:
        """Say which keys each query sees, as (queries, keys) booleans."""
        query = torch.arange(self.n_queries, device=self.end.device)
        seen = (query + self.start)[:, None] < self.end[None, :]
        seen[:, self.n_kept :] &= query[None, :] <= query[:, None]
        if rule is masking_utils.causal_mask_function:
            return seen
        zero = torch.zeros((1, 1, 1, 1), dtype=torch.long, device=self.end.device)
        positions = (
            self.position[self.n_kept :][None, None, :, None],
            self.position[None, None, None, :],
        )
        allowed = rule(zero, zero, *positions)
        return seen & allowed.expand(1, 1, *seen.shape)[0, 0]

    def additive(self, rule: MaskRule, dtype: torch.dtype) -> torch.Tensor:
        """Build the mask added to attention scores, as SDPA and eager attention both take it."""
        mask = torch.zeros(
            (self.n_queries, len(self.position)), dtype=dtype, device=self.end.device
        )
        mask.masked_fill_(~self.visible(rule), torch.finfo(dtype).min)
        return mask[None, None]

    def answer(self, **call: Any) -> torch.Tensor:
        """Stand in for transformers' mask builders; the arguments are theirs."""
        names = ("batch_size", "q_length", "kv_length", "kv_offset")
        size = tuple(call.get(name, 0) for name in names)
        expected = (1, self.n_queries, len(self.position), 0)
        if size != expected or call.get("attention_mask") is not None:
            raise MaskError(f"a pack of shape {expected} was asked for a mask of shape {size}")
        self.n_calls += 1
        rule = call.get("mask_function", masking_utils.causal_mask_function)
        return self.additive(rule, call.get("dtype") or torch.float32)


@contextlib.contextmanager
def tree_attention(mask: TreeMask) -> Iterator[None]:
    """Let `mask` answer for the forward passes inside the block."""
    registry: Any = masking_utils.ALL_MASK_ATTENTION_FUNCTIONS
    names = ("sdpa", "eager")
    before = {name: registry._local_mapping.get(name) for name in names}
    for name in names:
        registry[name] = mask.answer
    try:
        yield
    finally:
        for name, function in before.items():
            if function is None:
                del registry[name]
            else:
                registry[name] = function
    if not mask.n_calls:
        raise MaskError("the model builds its attention mask itself")
