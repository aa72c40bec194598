"""Attention over a pack, by blocks of queries, each over the keys that it sees any of.

Docs do not see each other, so most of a pack's mask is empty: in one piece, attention would cost a
pack's length for every token instead of a request's. A block is a call on a CPU. On an accelerator
a call costs more than a block does, so blocks go together, their keys padded to the longest.
"""

import logging
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.backends import cuda
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import scaled_dot_product_attention
from transformers.integrations.sdpa_attention import sdpa_attention_forward

from mlbench.engine.budget import is_out_of_memory
from mlbench.engine.predictions import on_device
from mlbench.engine.trie import Ints

logger = logging.getLogger(__name__)


class Limits(NamedTuple):
    """How a pack is cut: queries of a block (smaller ones compute less, larger ones run faster);
    keys of blocks that go together, whose copies are the memory that attention takes; and the steps
    in the number of blocks and keys, since cuDNN takes 70 ms to plan for each shape that is new.
    """

    size: int
    keys: int
    n_step: int
    keys_step: int


ON_CPU = Limits(size=128, keys=1, n_step=1, keys_step=1)
ON_ACCELERATOR = Limits(size=256, keys=2**17, n_step=8, keys_step=256)


class Blocks(NamedTuple):
    """Blocks of consecutive queries that attend together: `n` of `size`, the last ones padded.

    `keys` (n, longest) has the numbers of the keys that each sees any of, padded behind the first
    `n_keys` (n, 1, 1); None where none is padded.
    """

    queries: slice
    n: int
    size: int
    keys: torch.Tensor
    n_keys: torch.Tensor | None

    def fold(self, states: torch.Tensor, dim: int) -> torch.Tensor:
        """Cut all queries' states into (n, size) along a dimension, zeros behind the last."""
        length = self.queries.stop - self.queries.start
        part = states.narrow(dim, self.queries.start, length)
        missing = self.n * self.size - length
        if missing:
            padding = [0, 0] * (part.ndim - dim - 1) + [0, missing]
            part = torch.nn.functional.pad(part, padding)
        return torch.unflatten(part, dim, (self.n, self.size))

    def attend(
        self,
        module: Any,
        states: tuple[torch.Tensor, torch.Tensor, torch.Tensor],
        mask: torch.Tensor,
        places: torch.Tensor | None,
        **options: Any,
    ) -> torch.Tensor:
        """Attend with query, key and value (1, heads, tokens, width): (1, queries, heads, width).

        `places` are those of a single block's queries that are wanted, all if None.
        """
        queries = self.fold(states[0], 2)[0].transpose(0, 1)
        if places is not None:
            queries, mask = queries[:, :, places], mask[:, :, places]
        flat = self.keys.flatten()
        key, value = (
            torch.unflatten(each.index_select(2, flat), 2, self.keys.shape)[0].transpose(0, 1)
            for each in states[1:]
        )
        output = _attend(module, queries, key, value, mask, **options).flatten(0, 1)[None]
        return output if places is not None else output[:, : self.queries.stop - self.queries.start]

    def places(self, queries: Ints) -> Ints:
        """Find those of some ascending queries that are in these blocks, counted from the first."""
        first, stop = np.searchsorted(queries, [self.queries.start, self.queries.stop])
        places: Ints = queries[first:stop] - self.queries.start
        return places

    def to(self, device: torch.device) -> "Blocks":
        """Follow a layer to its device, to attend there."""
        return self._replace(keys=self.keys.to(device))


def cut(node: Ints, end: Ints, n_kept: int, device: torch.device) -> list[Blocks]:
    """Cut the queries, which are the keys after `n_kept`, into blocks that go together."""
    limits = ON_CPU if device.type == "cpu" else ON_ACCELERATOR
    starts = range(n_kept, len(node), limits.size)
    seen = [np.flatnonzero(end[: at + limits.size] > node[at]) for at in starts]
    found, first = [], 0
    for i in range(1, len(seen) + 1):
        if i == len(seen) or _longest(seen[first : i + 1], limits) * (i + 1 - first) > limits.keys:
            queries = slice(first * limits.size, min(i * limits.size, len(node) - n_kept))
            found.append(_together(queries, seen[first:i], limits, device))
            first = i
    return found


def _longest(seen: Sequence[Ints], limits: Limits) -> int:
    return _round_up(max(map(len, seen)), limits.keys_step)


def _round_up(number: int, step: int) -> int:
    return -(-number // step) * step


def _together(queries: slice, seen: Sequence[Ints], limits: Limits, device: torch.device) -> Blocks:
    n = _round_up(len(seen), limits.n_step)
    keys = np.zeros((n, _longest(seen, limits)), np.int64)
    n_keys = np.zeros((n, 1, 1), np.int64)
    for i, numbers in enumerate(seen):
        keys[i, : len(numbers)], n_keys[i] = numbers, len(numbers)
    is_padded = bool((n_keys < keys.shape[1]).any())
    return Blocks(
        queries,
        n=n,
        size=limits.size if device.type != "cpu" or n > 1 else queries.stop - queries.start,
        keys=on_device(keys, device),
        n_keys=on_device(n_keys, device) if is_padded else None,
    )


_refused_by_cudnn: set[str] = set()


def _attend(
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    mask: torch.Tensor,
    **options: Any,
) -> torch.Tensor:
    """Attend as transformers does, or by cuDNN, where it can: three times as fast on an H200.

    It repeats no keys for query heads; benchmarks/attention.py compares it.
    """
    if key.device.type == "cuda" and not _refused_by_cudnn:
        asked = cuda.SDPAParams(query, key, value, mask, 0.0, False, True)
        if cuda.can_use_cudnn_attention(asked):
            try:
                with sdpa_kernel(SDPBackend.CUDNN_ATTENTION):
                    return scaled_dot_product_attention(
                        *(query, key, value, mask),
                        scale=options.get("scaling"),
                        enable_gqa=True,
                    ).transpose(1, 2)
            except RuntimeError as error:
                if is_out_of_memory(error):
                    raise
                _refused_by_cudnn.add(str(error))
                logger.warning("cuDNN's attention failed, using torch's own: %s", error)
    return plain_attention(module, query, key, value, mask, **options)


def plain_attention(*arguments: Any, **options: Any) -> torch.Tensor:
    """Attend as transformers does by SDPA: (batch, queries, heads, width)."""
    output: torch.Tensor = sdpa_attention_forward(*arguments, **options)[0]
    return output
