"""The trie holds each distinct prefix once and tells ancestors by one inequality."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mlbench.engine.trie import Scored, Trie, build_trie, shared_length

sequences = st.lists(
    st.lists(st.integers(0, 2), min_size=2, max_size=8).flatmap(
        lambda tokens: st.tuples(st.just(tokens), st.integers(1, len(tokens) - 1))
    ),
    min_size=1,
    max_size=12,
)


def trie_of(cases: list[tuple[list[int], int]]) -> Trie:
    return build_trie([Scored(np.array(tokens, np.int32), n) for tokens, n in cases])


def ancestry(trie: Trie, node: int) -> list[int]:
    """Tokens from the root to the node, by the inequality alone."""
    path = [n for n in range(node + 1) if trie.end[n] > node]
    return [int(trie.token[n]) for n in path]


@given(sequences)
def test_nodes_are_the_distinct_prefixes_of_what_is_fed(cases):
    trie = trie_of(cases)
    prefixes = {tuple(t[:i]) for t, _ in cases for i in range(1, len(t))}
    assert sorted(tuple(ancestry(trie, n)) for n in range(len(trie))) == sorted(prefixes)


@given(sequences)
def test_wanted_tokens_follow_their_context(cases):
    trie = trie_of(cases)
    found: dict[int, list[tuple[list[int], int]]] = {}
    for node, token, request in zip(
        trie.wanted_node, trie.wanted_token, trie.wanted_request, strict=True
    ):
        found.setdefault(int(request), []).append((ancestry(trie, int(node)), int(token)))
    for i, (tokens, n_scored) in enumerate(cases):
        places = range(len(tokens) - n_scored, len(tokens))
        assert sorted(found[i]) == sorted((tokens[:p], tokens[p]) for p in places)


@given(sequences)
def test_depth_is_the_position_in_the_request(cases):
    trie = trie_of(cases)
    assert [len(ancestry(trie, n)) - 1 for n in range(len(trie))] == trie.depth.tolist()


def test_shared_length_of_prefixes_and_empty_sequences():
    a, b = np.array([1, 2, 3], np.int32), np.array([1, 2], np.int32)
    assert shared_length(a, b) == 2
    assert shared_length(a, a) == 3
    assert shared_length(a, b[:0]) == 0
    assert shared_length(a, np.array([9], np.int32)) == 0


def test_no_requests_make_an_empty_trie():
    assert len(build_trie([])) == 0
