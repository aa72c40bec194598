"""Scoring a trie: every distinct token is fed once, in packs of bounded size.

A pack is a run of nodes in depth-first order. What it needs from before are the ancestors of its
first node, and nothing else; so the keys and values of that one path are kept from pack to pack,
and everything else is dropped. Docs, choices, families and languages share packs as they come.
"""

from functools import partial
from typing import Any

import numpy as np
from transformers import cache_utils

from mlbench.engine.budget import Budget
from mlbench.engine.forward import Forward
from mlbench.engine.mask import TreeMask, tree_attention
from mlbench.engine.predictions import DevicePredictions, Predicted, fetch, on_device, read_off
from mlbench.engine.trie import Ints, Trie

# What cache layers hold by position, along their last dimension but one.
POSITIONED_STATES = ("keys", "values", "indexer_keys")


class Path:
    """Keys and values of the nodes that the next pack descends from."""

    def __init__(self, config: Any) -> None:
        self.cache: Any = full_cache(config)
        self.nodes: Ints = np.empty(0, np.int64)

    def extend(self, trie: Trie, stop: int) -> None:
        """Keep what node `stop` still sees, after the nodes before it were fed."""
        start = stop - (self._length() - len(self.nodes))
        nodes = np.concatenate([self.nodes, np.arange(start, stop)])
        kept = np.flatnonzero(trie.end[nodes] > stop)
        self._select(kept)
        self.nodes = nodes[kept]

    def undo(self) -> None:
        """Forget a pack that ran out of memory half way through the layers."""
        self._select(np.arange(len(self.nodes)))

    def _length(self) -> int:
        return max((layer.keys.shape[-2] for layer in self._layers()), default=0)

    def _layers(self) -> list[Any]:
        return [layer for layer in self.cache.layers if layer.is_initialized]

    def _select(self, kept: Ints) -> None:
        is_head = bool((kept == np.arange(len(kept))).all())
        devices = {layer.keys.device for layer in self._layers()}
        index = {device: on_device(kept, device) for device in devices}
        for layer in self._layers():
            for name in POSITIONED_STATES:
                states = getattr(layer, name, None)
                if states is None:
                    continue
                at = index[states.device]
                part = states[..., : len(kept), :] if is_head else states.index_select(-2, at)
                setattr(layer, name, part)


def full_cache(config: Any) -> Any:
    """Make a cache that keeps all positions, also of layers with a window: the mask cuts it."""
    config = config.get_text_config(decoder=True)
    if "indexed_attention" in (getattr(config, "layer_types", None) or []):
        layers = [cache_utils.DynamicIndexedLayer() for _ in range(config.num_hidden_layers)]
        return cache_utils.Cache(layers=layers)
    return cache_utils.DynamicCache()


def score_packed(forward: Forward, trie: Trie, budget: Budget) -> Predicted:
    """Return the predictions of all that is wanted from the trie, in its order."""
    if forward.tail.modules is None and len(trie):
        budget.attempt(partial(_watch_tail, forward, trie))
    path = Path(forward.model.config)
    readings: list[DevicePredictions] = []
    rows = np.unique(trie.wanted_node)
    start = 0
    while start < len(trie):
        stop = _pack_end(rows, start, len(trie), budget)
        reading = budget.attempt(partial(_run_pack, forward, trie, path, range(start, stop)))
        if reading is None:
            path.undo()
            continue
        readings.append(reading)
        path.extend(trie, stop)
        start = stop
    return fetch(readings)


def _watch_tail(forward: Forward, trie: Trie) -> None:
    """Find the model's tail in two tokens, so that no pack is computed unlike the others.

    Else a resumed run would differ from an undisturbed one in the last bits.
    """
    n_fed = forward.tokens_fed
    _run_pack(forward, trie, Path(forward.model.config), range(min(2, len(trie))))
    forward.tokens_fed = n_fed


def _pack_end(rows: Ints, start: int, n_nodes: int, budget: Budget) -> int:
    """End the pack at the token budget, or earlier where its logits would outgrow theirs."""
    stop = min(start + budget.tokens, n_nodes)
    beyond = int(np.searchsorted(rows, start)) + budget.rows
    return min(stop, int(rows[beyond])) if beyond < len(rows) else stop


def _run_pack(forward: Forward, trie: Trie, path: Path, pack: range) -> DevicePredictions:
    start, stop = pack.start, pack.stop
    nodes = np.concatenate([path.nodes, np.arange(start, stop)])
    n_kept = len(path.nodes)
    first, last = np.searchsorted(trie.wanted_node, [start, stop])
    rows, row = np.unique(trie.wanted_node[first:last] - start, return_inverse=True)
    rows = rows if len(rows) else np.zeros(1, np.int64)  # some logits are always returned
    device = forward.device
    tokens, wanted = on_device(trie.token[start:stop], device)[None], on_device(rows, device)
    mask = TreeMask(nodes, trie.depth[nodes], trie.end[nodes], n_kept=n_kept, device=device)
    positions = mask.position[None, n_kept:]
    with tree_attention(mask), forward.tail.within(mask, rows):
        logits = forward(tokens, wanted, cache=path.cache, positions=positions)
    return read_off(logits[0], row, trie.wanted_token[first:last])
