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
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

MaskRule = Callable[..., torch.Tensor]

# Queries that attend together. Smaller blocks compute less, larger ones run faster.
CPU_BLOCK = 128
GPU_BLOCK = 1024


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
        self.blocks = _blocks(end, self.n_kept, start)
        self._cut: tuple[torch.Tensor | None, list[torch.Tensor]] = (None, [])
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

    def attend(
        self,
        module: Any,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        attention_mask: torch.Tensor | None,
        **options: Any,
    ) -> tuple[torch.Tensor, None]:
        """Stand in for SDPA attention, block by block of queries, over the keys that a block sees.

        Docs do not see each other, so most of a pack's mask is empty: without this, attention
        would cost a pack's length for every token instead of a request's.
        """
        size = (self.n_queries, len(self.position))
        is_ours = attention_mask is not None and attention_mask.shape[-2:] == size
        if not is_ours or options.get("position_bias") is not None or len(self.blocks) == 1:
            return _sdpa(module, query, key, value, attention_mask, **options)
        assert attention_mask is not None
        parts = []
        for (rows, numbers), mask in zip(self.blocks, self._blocks_of(attention_mask), strict=True):
            seen = numbers.to(key.device)  # layers may be spread over devices
            part, _ = _sdpa(
                *(module, query[:, :, rows], key.index_select(2, seen)),
                *(value.index_select(2, seen), mask),
                **options,
            )
            parts.append(part)
        return torch.cat(parts, dim=1), None

    def _blocks_of(self, mask: torch.Tensor) -> list[torch.Tensor]:
        """Cut a layer's mask into the blocks; layers of a kind that follow each other share it."""
        if self._cut[0] is not mask:
            blocks = [
                mask[:, :, rows].index_select(3, numbers.to(mask.device))
                for rows, numbers in self.blocks
            ]
            self._cut = (mask, blocks)
        return self._cut[1]


def _sdpa(*arguments: Any, **options: Any) -> tuple[torch.Tensor, None]:
    output, _ = sdpa_attention_forward(*arguments, **options)
    return output, None


def _blocks(end: torch.Tensor, n_kept: int, start: int) -> list[tuple[slice, torch.Tensor]]:
    """Cut the queries into blocks, each with the numbers of the keys that it sees any of."""
    size = CPU_BLOCK if end.device.type == "cpu" else GPU_BLOCK
    n_queries = len(end) - n_kept
    blocks = []
    for at in range(0, n_queries, size):
        stop = min(at + size, n_queries)
        seen = torch.nonzero(end[: n_kept + stop] > start + at)[:, 0]
        blocks.append((slice(at, stop), seen))
    return blocks


@contextlib.contextmanager
def tree_attention(mask: TreeMask) -> Iterator[None]:
    """Let `mask` answer for the forward passes inside the block."""
    with contextlib.ExitStack() as stack:
        for name in ("sdpa", "eager"):
            stack.enter_context(
                _override(masking_utils.ALL_MASK_ATTENTION_FUNCTIONS, name, mask.answer)
            )
        stack.enter_context(_override(ALL_ATTENTION_FUNCTIONS, "sdpa", mask.attend))
        yield
    if not mask.n_calls:
        raise MaskError("the model builds its attention mask itself")


@contextlib.contextmanager
def _override(registry: Any, name: str, function: Callable[..., Any]) -> Iterator[None]:
    before = registry._local_mapping.get(name)
    registry[name] = function
    try:
        yield
    finally:
        if before is None:
            del registry[name]
        else:
            registry[name] = before
