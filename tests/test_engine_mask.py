"""The mask of a pack: a token sees its ancestors, and nothing is built before it is read."""

import numpy as np
import pytest
import torch
from transformers.masking_utils import causal_mask_function, sliding_window_causal_mask_function

from mlbench.engine import attention
from mlbench.engine.attention import Limits
from mlbench.engine.mask import LazyMask, TreeMask
from mlbench.engine.trie import Scored, build_trie

REQUESTS = ([1, 2, 3, 4, 9], [1, 2, 3, 5, 6, 9], [1, 2, 7, 8, 9], [4, 4, 4, 9], [4, 4, 5, 9])
RULES = [causal_mask_function, sliding_window_causal_mask_function(2)]


@pytest.fixture(params=[Limits(3, 1, 1, 1), Limits(3, 24, 2, 4)], ids=["alone", "together"])
def pack(monkeypatch, request):
    """A trie of five requests whose first two tokens are kept of an earlier pack."""
    monkeypatch.setattr(attention, "ON_CPU", request.param)
    trie = build_trie([Scored(np.array(tokens, np.int32), 1) for tokens in REQUESTS])
    nodes = np.arange(len(trie))
    tree = TreeMask(nodes, trie.depth, trie.end, n_kept=2, device=torch.device("cpu"))
    return trie, tree


def lazy(tree, rule):
    shape = {"batch_size": 1, "q_length": tree.n_keys - tree.n_kept, "kv_length": tree.n_keys}
    return tree.answer(**shape, kv_offset=0, mask_function=rule, dtype=torch.float32)


@pytest.mark.parametrize("rule", RULES)
def test_a_token_sees_its_ancestors_by_their_positions(pack, rule):
    trie, tree = pack
    seen = lazy(tree, rule) == 0
    assert seen.shape == (1, 1, len(trie) - 2, len(trie))
    for query in range(2, len(trie)):
        for key in range(len(trie)):
            is_ancestor = key <= query < trie.end[key]
            distance = trie.depth[query] - trie.depth[key]
            expected = is_ancestor and (rule is causal_mask_function or distance < 2)
            assert bool(seen[0, 0, query - 2, key]) == expected, (query, key)


@pytest.mark.parametrize("rule", RULES)
def test_blocks_hold_all_that_is_seen(pack, rule):
    _, tree = pack
    mask = lazy(tree, rule)
    assert len(tree.blocks) > 2 or tree.blocks[0].n > 1
    for blocks, part in zip(tree.blocks, mask.parts, strict=True):
        n_keys = [tree.n_keys] if blocks.n_keys is None else blocks.n_keys.flatten().tolist()
        for i, first in enumerate(range(blocks.queries.start, blocks.queries.stop, 3)):
            rows = mask.whole[0, 0, first : min(first + 3, blocks.queries.stop)]
            keys = blocks.keys[i, : n_keys[min(i, len(n_keys) - 1)]]
            assert torch.equal(part[i, 0, : len(rows), : len(keys)], rows[:, keys])
            assert not (part[i, 0, : len(rows), len(keys) :] == 0).any()
            others = np.setdiff1d(np.arange(tree.n_keys), keys)
            assert not (rows[:, others] == 0).any()


def test_a_mask_is_built_only_where_its_values_are_asked_for(pack):
    _, tree = pack
    mask = lazy(tree, causal_mask_function)
    assert mask.shape[-1] == mask.size(-1) == tree.n_keys and mask.dim() == mask.ndim == 4
    moved = mask.to(torch.float64)
    assert isinstance(moved, LazyMask) and moved.dtype == torch.float64
    assert "whole" not in mask.__dict__ and "whole" not in moved.__dict__
    assert torch.equal(moved == 0, mask == 0)
    assert not torch.isinf(moved + 0.0).any()
    assert not isinstance(mask[:, :, :1], LazyMask)
