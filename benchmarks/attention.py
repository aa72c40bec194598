"""Which kernel is fastest for the attention of a pack on a GPU? One layer, one pack, in turn.

    python benchmarks/attention.py --write docs/benchmarks.md

The pack is the second one of a workload, so it has a few-shot prefix before it. torch's own kernel
and cuDNN attend as the engine does, by blocks of queries over the keys that each sees any of;
FlexAttention, compiled, skips what no query of a tile sees. Building the masks is not timed: all
layers of a kind share them.
"""

import argparse
import itertools
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from pages import machine_note, write_section
from torch.nn.attention.flex_attention import create_block_mask, flex_attention
from transformers.masking_utils import causal_mask_function
from workloads import SHAPES, WORKLOADS, all_sentences, device_name, make_tokenizer

from mlbench.engine import attention
from mlbench.engine.budget import GPU_TOKENS
from mlbench.engine.mask import LazyMask, TreeMask
from mlbench.engine.tokenise import encoder_for
from mlbench.engine.trie import Scored, Trie, build_trie

MODELS = ("0.5b", "7b")
PACKED = ("sib-0", "sib-5", "belebele-5")
HEADER = """| heads of | pack | tokens, kept before | torch's own, ms | cuDNN, ms \
| FlexAttention, ms | its first call, s | largest difference |
|---|---|---|---|---|---|---|---|
"""

Attend = Callable[[], torch.Tensor]


def build(workload: str, n_docs: int, tokenizer: Any) -> Trie:
    """Make the trie of a workload in four languages."""
    encoder = encoder_for(tokenizer, prefix_token=0, add_bos=None)
    pairs = encoder.pairs(WORKLOADS[workload](n_docs, 4).requests)
    return build_trie([Scored(np.concatenate(p), len(p.continuation)) for p in pairs])


def seconds(work: Attend, repeats: int) -> tuple[float, float, torch.Tensor]:
    """Time the first call, then the median of the others; return the last output too."""
    spent = []
    for _ in range(repeats + 1):
        torch.cuda.synchronize()
        start = time.perf_counter()
        with torch.inference_mode():
            output = work()
        torch.cuda.synchronize()
        spent.append(time.perf_counter() - start)
    return spent[0], statistics.median(spent[1:]), output


def by_blocks(tree: TreeMask, states: list[torch.Tensor], *, cudnn: bool) -> Attend:
    """Attend as the engine does, with or without cuDNN."""
    query, key, _ = states
    dtype = torch.zeros((), dtype=query.dtype, device=query.device)
    mask = LazyMask.of(tree, causal_mask_function, dtype)
    layer = SimpleNamespace(num_key_value_groups=query.shape[1] // key.shape[1], is_causal=True)

    def attend() -> torch.Tensor:
        attention._refused_by_cudnn = set() if cudnn else {"the other kernel is measured"}
        return tree.attend(layer, *states, mask, scaling=query.shape[-1] ** -0.5)[0]

    return attend


def by_flex(tree: TreeMask, states: list[torch.Tensor]) -> Attend:
    """Attend with the same rule, compiled."""
    query, key, value = states
    node, end, n_kept = tree.node, tree.end, tree.n_kept

    def sees(batch: Any, head: Any, at: torch.Tensor, of: torch.Tensor) -> torch.Tensor:
        return (node[of] <= node[at + n_kept]) & (node[at + n_kept] < end[of])

    shape = (query.shape[2], key.shape[2])
    blocks = create_block_mask(sees, None, None, *shape, device=str(query.device))
    compiled = torch.compile(flex_attention, dynamic=True)
    return lambda: compiled(query, key, value, block_mask=blocks, enable_gqa=True).transpose(1, 2)


def line(model: str, workload: str, trie: Trie, repeats: int) -> str:
    """Measure one pack with one model's heads."""
    start = min(GPU_TOKENS, len(trie) // 2)
    stop = min(start + GPU_TOKENS, len(trie))
    nodes = np.concatenate([np.flatnonzero(trie.end[:start] > start), np.arange(start, stop)])
    n_kept, device = len(nodes) - (stop - start), torch.device("cuda")
    tree = TreeMask(nodes, trie.depth[nodes], trie.end[nodes], n_kept=n_kept, device=device)
    shape = SHAPES[model]
    heads, kept_heads = shape["num_attention_heads"], shape["num_key_value_heads"]
    width = shape["hidden_size"] // heads
    sizes = [(heads, stop - start), (kept_heads, len(nodes)), (kept_heads, len(nodes))]
    states = [
        torch.randn(1, n, tokens, width, dtype=torch.bfloat16, device=device) for n, tokens in sizes
    ]
    _, own, expected = seconds(by_blocks(tree, states, cudnn=False), repeats)
    _, cudnn, found = seconds(by_blocks(tree, states, cudnn=True), repeats)
    if attention._refused_by_cudnn:
        raise SystemExit(f"cuDNN does not serve here: {attention._refused_by_cudnn}")
    first, flex, flexed = seconds(by_flex(tree, states), repeats)
    worst = max(float((each - expected).abs().max()) for each in (found, flexed))
    return (
        f"| {model} | {workload} | {stop - start:,}, {n_kept:,} | {own * 1e3:.2f} "
        f"| {cudnn * 1e3:.2f} | {flex * 1e3:.2f} | {first:.1f} | {worst:.1e} |\n"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--docs", type=int, default=200, help="of each language")
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--write", type=Path, help="a page with markers for the table")
    options = parser.parse_args()
    if not torch.cuda.is_available():
        raise SystemExit("no CUDA device: nothing to compare")
    tokenizer = make_tokenizer(all_sentences())
    tries = {name: build(name, options.docs, tokenizer) for name in PACKED}
    table = HEADER
    for model, name in itertools.product(MODELS, PACKED):
        table += line(model, name, tries[name], options.repeats)
        print(table.splitlines()[-1], flush=True)
    how = f"{device_name('cuda')}, bfloat16, torch {torch.__version__}"
    note = machine_note(f"{how}, medians of {options.repeats}")
    print(table + note)
    if options.write:
        write_section(options.write, "attention", table + note)


if __name__ == "__main__":
    main()
