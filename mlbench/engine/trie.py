"""Which tokens must a model read, when many requests start alike?

Requests of one language share their few-shot context, and the choices of a doc share its question.
A trie holds each distinct prefix once. Its nodes are numbered depth first, so a subtree is a range
of numbers: node `n` is an ancestor of `m` exactly when `n < m < end[n]`. All attention masks, and
which keys and values to keep, are read off that one inequality.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


class Scored(NamedTuple):
    """One token sequence; log-probabilities are wanted for its last `n_scored` tokens."""

    tokens: NDArray[np.int32]
    n_scored: int


class Trie(NamedTuple):
    """Distinct tokens to feed (`token`, `depth`, `end` by node) and what to read off them.

    Wanted number `i` is the log-probability of `wanted_token[i]` after node `wanted_node[i]`, a
    summand of request `wanted_request[i]`; they are sorted by node.
    """

    token: Ints
    depth: Ints
    end: Ints
    wanted_node: Ints
    wanted_token: Ints
    wanted_request: Ints

    def __len__(self) -> int:
        return len(self.token)


def shared_length(first: NDArray[np.int32], second: NDArray[np.int32]) -> int:
    """Count the leading tokens that two sequences have in common."""
    n = min(len(first), len(second))
    differs = first[:n] != second[:n]
    at = int(differs.argmax()) if n else 0
    return at if n and differs[at] else n


def sort_order(inputs: Sequence[NDArray[np.int32]]) -> list[int]:
    """Order sequences so that those which start alike are neighbours.

    Big-endian bytes compare as the numbers do, at the speed of memcmp; lists of numbers would make
    this the slowest step of a large call.
    """
    keys = [tokens.astype(">u4").tobytes() for tokens in inputs]
    return sorted(range(len(keys)), key=keys.__getitem__)


def build_trie(requests: Sequence[Scored]) -> Trie:
    """Merge what the requests share; the last token of each is predicted, never fed."""
    inputs = [request.tokens[:-1] for request in requests]
    order = sort_order(inputs)
    shared = _shared_with_previous(inputs, order)
    rest = [inputs[i][n:] for i, n in zip(order, shared, strict=True)]
    n_new = np.array([len(tokens) for tokens in rest], np.int64)
    first = np.cumsum(n_new) - n_new
    number = np.arange(n_new.sum())
    token = np.concatenate([np.empty(0, np.int64), *rest])
    depth = number - np.repeat(first - shared, n_new)
    end = np.empty_like(number)
    path = np.empty(max((len(tokens) for tokens in inputs), default=0), np.int64)
    wanted: list[Ints] = []
    n_path = 0
    for i, n_shared, node, n in zip(order, shared, first.tolist(), n_new.tolist(), strict=True):
        length = n_shared + n
        end[path[n_shared:n_path]] = node
        path[n_shared:length] = number[node : node + n]
        wanted.append(path[length - requests[i].n_scored : length].copy())
        n_path = length
    end[path[:n_path]] = len(number)
    return Trie(token, depth, end, *_sort_wanted(requests, order, wanted))


def _shared_with_previous(inputs: Sequence[NDArray[np.int32]], order: Sequence[int]) -> list[int]:
    pairs = zip(order[:-1], order[1:], strict=True)
    return [0, *(shared_length(inputs[a], inputs[b]) for a, b in pairs)][: len(order)]


def _sort_wanted(
    requests: Sequence[Scored], order: Sequence[int], nodes: Sequence[Ints]
) -> tuple[Ints, Ints, Ints]:
    if not nodes:
        empty = np.empty(0, np.int64)
        return empty, empty, empty
    node = np.concatenate(nodes)
    token = np.concatenate([requests[i].tokens[-requests[i].n_scored :] for i in order])
    request = np.repeat(np.asarray(order, np.int64), [len(part) for part in nodes])
    by_node = np.argsort(node, kind="stable")
    return node[by_node], token[by_node].astype(np.int64), request[by_node]
