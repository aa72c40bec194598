"""Scoring where a pack is impossible: rows of equal length, after a cached prefix or whole.

Rows are bucketed by exact length, so nothing is padded: padding is where architectures with
recurrent states or position biases go wrong without saying so.
"""

import copy
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from mlbench.engine.budget import Budget
from mlbench.engine.forward import Forward
from mlbench.engine.predictions import fetch, on_device, read_off
from mlbench.engine.trie import Scored, shared_length, sort_order

# A shorter prefix is not worth a forward pass of its own.
SHORTEST_PREFIX = 8
# Keys and values of the prefix, repeated for each row, may take this many times a pass's tokens.
REPEATED_PREFIX = 16

Score = tuple[float, bool]


class Row(NamedTuple):
    """A distinct input and the requests that are read off it, by number."""

    inputs: NDArray[np.int32]
    requests: tuple[int, ...]
    n_scored: int


class Call(NamedTuple):
    """What is the same for all batches of one call; `scores` is filled by request number."""

    forward: Forward
    requests: Sequence[Scored]
    budget: Budget
    scores: list[Score]


class Prefix(NamedTuple):
    """The cache after tokens that all rows of a group begin with."""

    cache: Any
    length: int


NO_PREFIX = Prefix(None, 0)


def score_rows(
    forward: Forward, requests: Sequence[Scored], budget: Budget, *, shares_prefix: bool
) -> list[Score]:
    """Score requests row by row; `shares_prefix` feeds what neighbours share only once."""
    call = Call(forward, requests, budget, [(0.0, False)] * len(requests))
    rows = distinct_rows(requests)
    alone: list[Row] = []
    for group in groups(rows) if shares_prefix else [rows]:
        n_prefix = prefix_length(group) if shares_prefix else 0
        if n_prefix < SHORTEST_PREFIX:
            alone += group
            continue
        tokens = as_batch([group[0].inputs[:n_prefix]], forward.device)
        _score_suffixes(call, group, Prefix(forward.read_prefix(tokens), n_prefix))
    _score_suffixes(call, alone, NO_PREFIX)
    return call.scores


def distinct_rows(requests: Sequence[Scored]) -> list[Row]:
    """Merge requests with the same input (they differ in the last token), neighbours alike."""
    by_input: dict[bytes, list[int]] = {}
    for i, request in enumerate(requests):
        by_input.setdefault(request.tokens[:-1].tobytes(), []).append(i)
    rows = [
        Row(requests[i[0]].tokens[:-1], tuple(i), max(requests[j].n_scored for j in i))
        for i in by_input.values()
    ]
    return [rows[i] for i in sort_order([row.inputs for row in rows])]


def groups(rows: Sequence[Row]) -> Iterator[list[Row]]:
    """Cut the sorted rows where neighbours share less than half: between docs or languages."""
    group: list[Row] = []
    for row in rows:
        if group and 2 * shared_length(group[-1].inputs, row.inputs) < len(row.inputs):
            yield group
            group = []
        group.append(row)
    if group:
        yield group


def prefix_length(group: Sequence[Row]) -> int:
    """Count the leading tokens that all share and none is scored at."""
    if len(group) == 1:
        return 0
    first_scored = min(len(row.inputs) - row.n_scored for row in group)
    return min(first_scored, shared_length(group[0].inputs, group[-1].inputs))


def _score_suffixes(call: Call, rows: Iterable[Row], prefix: Prefix) -> None:
    by_length: dict[int, list[Row]] = {}
    for row in rows:
        by_length.setdefault(len(row.inputs) - prefix.length, []).append(row)
    for length, bucket in sorted(by_length.items()):
        while bucket:
            n = _rows_at_once(bucket, length, prefix.length, call.budget)
            found = call.budget.attempt(partial(_run_batch, call, bucket[:n], prefix))
            if found is not None:
                for i, score in found:
                    call.scores[i] = score
                bucket = bucket[n:]


def _rows_at_once(bucket: Sequence[Row], length: int, n_prefix: int, budget: Budget) -> int:
    n_scored = max(row.n_scored for row in bucket)
    most_kept = REPEATED_PREFIX * budget.tokens // (n_prefix + length)
    return max(1, min(budget.tokens // length, budget.rows // n_scored, most_kept))


def _run_batch(call: Call, batch: Sequence[Row], prefix: Prefix) -> list[tuple[int, Score]]:
    device = call.forward.device
    tokens = as_batch([row.inputs[prefix.length :] for row in batch], device)
    n_tokens = tokens.shape[1]
    kept = torch.arange(n_tokens - max(row.n_scored for row in batch), n_tokens, device=device)
    # bamba counts positions from 0 again after a cached prefix unless they are given.
    given = prefix.cache is not None and call.forward.takes_positions
    positions = torch.arange(prefix.length, prefix.length + n_tokens, device=device)[None]
    logits = call.forward(
        *(tokens, kept),
        cache=repeat_cache(prefix.cache, len(batch)),
        positions=positions if given else None,
    )
    return [
        (i, _score_one(logits[at], call.requests[i]))
        for at, row in enumerate(batch)
        for i in row.requests
    ]


def _score_one(logits: torch.Tensor, request: Scored) -> Score:
    n = request.n_scored
    row = np.arange(len(logits) - n, len(logits))
    predicted = fetch([read_off(logits, row, request.tokens[-n:].astype(np.int64))])
    return float(predicted.logprob.sum()), bool(predicted.is_greedy.all())


def repeat_cache(cache: Any, n_rows: int) -> Any:
    """Copy the prefix's cache for each row; a forward pass changes the one it is given."""
    if cache is None:
        return None
    repeated = copy.deepcopy(cache)
    if "batch_repeat_interleave" in vars(type(repeated)):  # a cache with states of its own
        repeated.batch_repeat_interleave(n_rows)
    else:  # recurrent layers can only be reordered: take the one row n times
        repeated.reorder_cache(torch.zeros(n_rows, dtype=torch.long))
    return repeated


def as_batch(rows: Sequence[NDArray[np.int32]], device: torch.device) -> torch.Tensor:
    """Stack rows of equal length."""
    return on_device(np.stack(rows).astype(np.int64), device)
