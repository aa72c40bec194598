"""Greedy generation where prompts share a few-shot prefix: its keys and values are computed once.

The decoding loop is transformers' own. A batch is laid out as prefix | padding | rest of the
prompt, so this is only for models whose attention is full: a window would count the padding.
Anything but greedy decoding is left to lm-eval's `hf`.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from lm_eval.models.utils import (
    handle_stop_sequences,
    normalize_gen_kwargs,
    postprocess_generated_text,
)
from lm_eval.models.utils_hf import stop_sequences_criteria
from numpy.typing import NDArray

from mlbench.engine.budget import Budget
from mlbench.engine.cpu import fastest_linear
from mlbench.engine.forward import Forward
from mlbench.engine.rows import SHORTEST_PREFIX, Row, groups, prefix_length, repeat_cache
from mlbench.engine.trie import sort_order

# Options that do not make decoding other than greedy.
GREEDY_OPTIONS = {"until", "max_gen_toks", "do_sample", "temperature"}


class Greedy(NamedTuple):
    """How to generate: until one of `stops` or for `n_tokens`."""

    stops: list[str]
    n_tokens: int


def greedy_options(options: dict[str, Any], *, default_tokens: int, eos: str) -> Greedy | None:
    """Read lm-eval's generation arguments; None if they ask for more than greedy decoding."""
    known: dict[str, Any] = dict(normalize_gen_kwargs(options, default_tokens))
    if set(known) - GREEDY_OPTIONS or known.get("do_sample") or known.get("temperature", 0.0):
        return None
    stops = handle_stop_sequences(known.get("until"), eos=eos)
    return Greedy(list(stops), int(known["max_gen_toks"]))


def generate(
    forward: Forward,
    tokenizer: Any,
    prompts: Sequence[NDArray[np.int32]],
    how: Greedy,
    *,
    n_rows: int,
) -> list[str]:
    """Continue each prompt, in batches of at most `n_rows`: half as many when memory runs out."""
    texts = [""] * len(prompts)
    # A generated token per row is what a pass feeds.
    budget = Budget(n_rows, n_rows, smallest=1)
    rows = [Row(prompts[i], (i,), 1) for i in sort_order(prompts)]
    for group, n_shared in _shared(rows):
        shared = torch.from_numpy(group[0].inputs[:n_shared].astype(np.int64))[None]
        cache = forward.read_prefix(shared.to(forward.device)) if n_shared else None
        left = sorted(group, key=lambda row: len(row.inputs))
        while left:
            batch = left[: budget.tokens]
            found = budget.attempt(partial(_continue, forward, tokenizer, batch, how, cache))
            for row, ids in zip(batch, found or (), strict=found is not None):
                text = tokenizer.decode(ids, skip_special_tokens=True)
                texts[row.requests[0]] = postprocess_generated_text(text, how.stops, None)
                left = left[1:]
    return texts


def _shared(rows: Sequence[Row]) -> Iterator[tuple[list[Row], int]]:
    """Yield rows that go together, with the length of their prefix.

    Those that share too little are one group without any: a pass of many rows costs hardly more
    than a pass of one.
    """
    alone: list[Row] = []
    for group in groups(rows):
        n_shared = prefix_length(group)
        if n_shared < SHORTEST_PREFIX:
            alone += group
        else:
            yield group, n_shared
    if alone:
        yield alone, 0


def _continue(
    forward: Forward, tokenizer: Any, batch: Sequence[Row], how: Greedy, cache: Any
) -> list[list[int]]:
    n_shared = cache.get_seq_length() if cache is not None else 0
    tokens, mask = _pad(batch, n_shared, tokenizer.pad_token_id)
    arguments: dict[str, Any] = {}
    if cache is not None:
        arguments[forward.cache_name or ""] = repeat_cache(cache, len(batch))
    stop = stop_sequences_criteria(tokenizer, how.stops, tokens.shape[1], len(batch))
    with torch.inference_mode(), fastest_linear(forward.device):
        ids = forward.model.generate(
            input_ids=tokens.to(forward.device),
            attention_mask=mask.to(forward.device),
            max_new_tokens=how.n_tokens,
            stopping_criteria=stop,
            pad_token_id=tokenizer.pad_token_id,
            do_sample=False,
            use_cache=True,
            **arguments,
        )
    forward.count(int(mask[:, n_shared:].sum()) + ids[:, tokens.shape[1] :].numel())
    generated: list[list[int]] = ids[:, tokens.shape[1] :].tolist()
    return generated


def _pad(batch: Sequence[Row], n_shared: int, pad: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Put the padding between the shared prefix and the rest of each prompt."""
    longest = max(len(row.inputs) for row in batch)
    tokens = np.full((len(batch), longest), pad, np.int64)
    mask = np.zeros((len(batch), longest), np.int64)
    for at, row in enumerate(batch):
        rest = row.inputs[n_shared:]
        tokens[at, :n_shared] = row.inputs[:n_shared]
        tokens[at, longest - len(rest) :] = rest
        mask[at, :n_shared] = mask[at, longest - len(rest) :] = 1
    return torch.from_numpy(tokens), torch.from_numpy(mask)
