"""How does a model see a whole trie in one sequence?

transformers asks one registry for the attention mask of every layer type (full, sliding, chunked)
and hands it a rule over positions. While a pack is running, this file answers instead: a token sees
its ancestors only, and the model's own rule is applied to the tokens' positions in their requests
rather than to their places in the pack. So nothing here knows any architecture.
"""

import contextlib
from collections.abc import Callable, Iterator
from functools import cached_property
from itertools import zip_longest
from typing import Any

import numpy as np
import torch
from torch.utils._pytree import tree_map
from transformers import masking_utils
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from mlbench.engine.attention import Blocks, cut, plain_attention
from mlbench.engine.predictions import on_device
from mlbench.engine.trie import Ints

MaskRule = Callable[..., torch.Tensor]

# What a model may ask of a mask without reading it.
ANSWERED_UNREAD = {
    *(getattr(torch.Tensor, name).__get__ for name in ("shape", "dtype", "device", "ndim")),
    *(torch.Tensor.size, torch.Tensor.dim, torch.Tensor.to),
}


class MaskError(RuntimeError):
    """A model asked for a mask that a pack cannot give; it must be scored in another mode."""


class TreeMask:
    """The mask of one pack: queries are its nodes, keys are the `kept` ancestors, then the queries.

    `node`, `position` and `end` are over the keys. `n_calls` tells whether the model asked at all:
    one that builds its mask elsewhere would mix the requests up without an error. `n_attended`
    counts the attentions so far; `last` is the number of the last one, 0 where it is not known.
    """

    def __init__(self, node: Ints, position: Ints, end: Ints, *, n_kept: int, device: Any) -> None:
        self.n_kept, self.n_keys = n_kept, len(node)
        self.position = on_device(position, device)
        narrow = (numbers.astype(np.int32) for numbers in (node, end))  # compared for each key
        self.node, self.end = (on_device(numbers, device) for numbers in narrow)
        self.blocks = cut(node, end, n_kept, device)
        self.places: list[torch.Tensor] = []
        self.n_calls = self.n_attended = self.last = 0

    def narrow_last(self, last: int, wanted: Ints) -> None:
        """Let attention number `last`, the last one, be computed for the queries `wanted` only.

        Blocks that go together are computed for all: it is one layer of many, and fewer calls.
        """
        self.last, self.wanted = last, on_device(wanted, self.node.device)
        if self.node.device.type == "cpu" and all(blocks.n == 1 for blocks in self.blocks):
            self.places = [torch.from_numpy(block.places(wanted)) for block in self.blocks]

    @property
    def is_past_last(self) -> bool:
        """Return whether the last attention, where it is known, has been computed."""
        return 0 < self.last <= self.n_attended

    def additive(self, rule: MaskRule, dtype: torch.dtype, blocks: Blocks) -> torch.Tensor:
        """Build the mask added to attention scores, (blocks, 1, size, keys), as SDPA takes it."""
        keys = blocks.keys[:, None]
        node, position = (
            blocks.fold(each[self.n_kept :], 0)[..., None] for each in (self.node, self.position)
        )
        seen = (self.node[keys] <= node) & (node < self.end[keys])
        if blocks.n_keys is not None:
            seen &= torch.arange(keys.shape[2], device=keys.device) < blocks.n_keys
        if rule is not masking_utils.causal_mask_function:
            first = torch.zeros((1, 1, 1, 1), dtype=torch.long, device=seen.device)
            allowed = rule(first, first, position[:, None], self.position[keys][:, None])
            seen &= allowed.expand(seen.shape[0], 1, *seen.shape[1:])[:, 0]
        zero = torch.zeros((), dtype=dtype, device=seen.device)
        return torch.where(seen, zero, torch.full_like(zero, torch.finfo(dtype).min))[:, None]

    def answer(self, **call: Any) -> torch.Tensor:
        """Stand in for transformers' mask builders; the arguments are theirs."""
        names = ("batch_size", "q_length", "kv_length", "kv_offset")
        size = tuple(call.get(name, 0) for name in names)
        expected = (1, self.n_keys - self.n_kept, self.n_keys, 0)
        if size != expected or call.get("attention_mask") is not None:
            raise MaskError(f"a pack of shape {expected} was asked for a mask of shape {size}")
        self.n_calls += 1
        rule = call.get("mask_function", masking_utils.causal_mask_function)
        dtype = call.get("dtype") or torch.float32
        return LazyMask.of(self, rule, torch.zeros((), dtype=dtype, device=self.node.device))

    def attend(
        self,
        module: Any,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        attention_mask: torch.Tensor | None,
        **options: Any,
    ) -> tuple[torch.Tensor, None]:
        """Stand in for SDPA attention, by blocks of queries; see attention.py."""
        self.n_attended += 1
        if 0 < self.last < self.n_attended:
            raise MaskError(f"a model attends more than the {self.last} times of its first pass")
        is_ours = isinstance(attention_mask, LazyMask) and attention_mask.tree is self
        if not is_ours or options.get("position_bias") is not None:
            return plain_attention(module, query, key, value, attention_mask, **options), None
        assert isinstance(attention_mask, LazyMask)
        narrow = self.places if self.is_past_last else []
        parts = [
            blocks.to(key.device).attend(
                module, (query, key, value), mask.to(key.device), place, **options
            )
            for blocks, mask, place in zip_longest(self.blocks, attention_mask.parts, narrow)
            if place is None or len(place)
        ]
        output = torch.cat(parts, dim=1)
        return spread(output, self.wanted, query.shape[2]) if narrow else output, None


class LazyMask(torch.Tensor):
    """A mask of (1, 1, queries, keys) that is built when a model looks into it.

    The attention above takes it block by block, and most models pass it on to that unread; the
    whole of it would be a pack's length squared.
    """

    tree: TreeMask
    rule: MaskRule

    @classmethod
    def of(cls, tree: TreeMask, rule: MaskRule, value: torch.Tensor) -> "LazyMask":
        """Promise the mask of a rule in the memory of one value, which has its dtype and device."""
        mask = value.expand(1, 1, tree.n_keys - tree.n_kept, tree.n_keys).as_subclass(cls)
        mask.tree, mask.rule = tree, rule
        return mask

    @cached_property
    def parts(self) -> list[torch.Tensor]:
        """The parts that blocks see; layers of a kind share them."""
        return [self.tree.additive(self.rule, self.dtype, block) for block in self.tree.blocks]

    @cached_property
    def whole(self) -> torch.Tensor:
        """All of it, (1, 1, queries, keys)."""
        n_queries = self.tree.n_keys - self.tree.n_kept
        keys = torch.arange(self.tree.n_keys, device=self.tree.node.device)[None]
        everything = Blocks(slice(0, n_queries), 1, n_queries, keys, None)
        return self.tree.additive(self.rule, self.dtype, everything).to(self.device)

    @classmethod
    def __torch_function__(
        cls, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        """Answer questions about the shape; hand any other function the whole mask."""
        given = (args, kwargs or {})
        if function not in ANSWERED_UNREAD:
            given = tree_map(lambda a: a.whole if isinstance(a, LazyMask) else a, given)
        with torch._C.DisableTorchFunctionSubclass():
            if function is torch.Tensor.to:  # as layers that are spread over devices do
                value = args[0].as_subclass(torch.Tensor)[0, 0, 0, 0]
                return cls.of(args[0].tree, args[0].rule, value.to(*given[0][1:], **given[1]))
            return function(*given[0], **given[1])


def spread(states: torch.Tensor, places: torch.Tensor, n: int) -> torch.Tensor:
    """Put states (1, places, ...) at their places among `n` tokens, the others being zero."""
    whole = states.new_zeros(1, n, *states.shape[2:])
    return whole.index_copy_(1, places.to(states.device), states)


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
