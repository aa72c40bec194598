"""How fast is the packed scorer against lm-eval's `hf`, and how near to the machine's limit?

Both answer the same requests with the same random weights, alternating, each in a process of its
own, and must agree. `hf` is slow, so it scores fewer docs than a real language has; the packed
scorer scores more, because what it saves grows with them. What is scored: workloads.py.

    python benchmarks/engine.py --model 0.5b --workload sib-5 --write docs/benchmarks.md
"""

import argparse
import itertools
import logging
import math
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from calls import CLOCKS, Clock, Stock, count_fed, start_stock, timed
from pages import machine_note, milliseconds, write_section
from workloads import (
    SHAPES,
    TOKENIZERS,
    WORKLOADS,
    Work,
    device_name,
    make_model,
    make_tokenizer,
)

from mlbench.engine import PackedLM
from mlbench.engine.cpu import fastest_linear
from mlbench.engine.trie import Scored, build_trie

# Rows and width of the product that the limit is measured with: large enough for the device.
CPU_PRODUCT, GPU_PRODUCT = (1024, 2048), (8192, 8192)
HF_BATCH_SIZES = (1, 4, 8, 16, 32)


class Row(NamedTuple):
    """One line of the table; times are seconds per doc; shares without a meaning are nan."""

    workload: str
    hf: float
    hf_batch: int
    packed: float
    packed_all: list[float]
    share: float
    share_of_weights: float
    fed_hf: float
    fed_packed: float
    agreement: str
    peaks: tuple[float, float]


def product_rate(options: argparse.Namespace) -> float:
    """Measure the machine's limit: floating point operations a second of one large product.

    As torch multiplies or as the engine does, whichever is faster: the same but on some processors.
    """
    clock = CLOCKS[options.clock]
    rows, width = CPU_PRODUCT if options.device == "cpu" else GPU_PRODUCT
    states = torch.randn(rows, width, device=options.device, dtype=options.dtype)
    weight = torch.randn(width, width, device=options.device, dtype=options.dtype)
    stock, fastest = [], []
    with torch.inference_mode():
        clock_product(states, weight, clock)  # the first one chooses its kernel
        for _ in range(9):
            stock.append(clock_product(states, weight, clock))
            with fastest_linear(states.device):
                fastest.append(clock_product(states, weight, clock))
    return 2 * rows * width**2 / min(statistics.median(stock), statistics.median(fastest))


def clock_product(states: torch.Tensor, weight: torch.Tensor, clock: Clock) -> float:
    """Time one product to its end, also where a GPU works behind the program's back."""
    wait_for(states.device)
    start = clock()
    torch.nn.functional.linear(states, weight)[0, 0].item()
    return clock() - start


def wait_for(device: torch.device) -> None:
    """Let a GPU finish what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


class Operations(NamedTuple):
    """Floating point operations of the distinct tokens: products with weights, and attention."""

    weights: float
    attention: float


def distinct_operations(lm: PackedLM, work: Work) -> Operations:
    """Count each distinct token once through all layers, logits where they are wanted.

    A token attends to itself and to those before it, no more: two products, of queries with keys
    and of shares with values. The last layer is counted whole, though most of it is needed where
    logits are wanted only. nan for generation, whose passes of a token per row are bound by memory.
    """
    if work.kind == "generate_until":
        return Operations(math.nan, math.nan)
    if work.kind == "loglikelihood_rolling":
        texts = lm.encoder.texts([text for (text,) in work.requests])
        pairs = [window for ids in texts for window in lm._windows(ids)]
    else:
        pairs = lm.encoder.pairs(work.requests)
    trie = build_trie([Scored(np.concatenate(p), len(p.continuation)) for p in pairs])
    config = lm.model.config
    head = lm.model.lm_head.weight.numel()
    weights = {id(p): p.numel() for p in lm.model.model.layers.parameters() if p.ndim > 1}
    n_rows = len(np.unique(trie.wanted_node))
    n_seen = float((trie.depth + 1).sum())
    return Operations(
        2.0 * (sum(weights.values()) * len(trie) + head * n_rows),
        2 * 2.0 * config.num_hidden_layers * config.hidden_size * n_seen,
    )


def alternate(first: Any, second: Any, repeats: int) -> Iterator[tuple[Any, Any]]:
    """Run both `repeats` times, ABBA, so that a disturbed minute hits both."""
    for i in range(repeats):
        if i % 2:
            b = second()
            yield first(), b
        else:
            yield first(), second()


def compare(
    name: str, packed: PackedLM, batches: dict[int, Stock], options: argparse.Namespace
) -> Row:
    """Measure one workload; `batches` are `hf` at several sizes."""
    work = WORKLOADS[name](options.docs, options.languages)
    n_docs = len(work.requests) // work.n_choices
    chosen = work.average(options.hf_docs)
    few = work._replace(requests=[work.requests[i] for i in chosen])
    n_few = len(few.requests) // few.n_choices
    clock = CLOCKS[options.clock]
    fed = count_fed(packed, work, clock)
    tried = {n: hf.count_fed(few, options.clock) for n, hf in batches.items()}
    best = min(tried, key=tried.__getitem__)
    if math.isinf(tried[best].seconds):
        raise SystemExit(f"hf ran out of memory at all batch sizes {options.hf_batches}")
    rates, hf_times, packed_times, agreement = [], [], [], ""
    for a, b in alternate(
        lambda: batches[best].timed(few, options.clock),
        lambda: timed(packed, work, clock),
        options.repeats,
    ):
        hf_times.append(a[0] / n_few)
        packed_times.append(b[0] / n_docs)
        agreement = agree([b[1][i] for i in chosen], a[1], work)
        rates.append(product_rate(options))
    seconds = statistics.median(packed_times)
    operations = distinct_operations(packed, work)
    possible = statistics.median(rates) * seconds * n_docs
    return Row(
        name,
        hf=statistics.median(hf_times),
        hf_batch=best,
        packed=seconds,
        packed_all=packed_times,
        share=sum(operations) / possible,
        share_of_weights=operations.weights / possible,
        fed_hf=tried[best].n_fed / n_few,
        fed_packed=fed.n_fed / n_docs,
        agreement=agreement,
        peaks=(tried[best].peak_gib, fed.peak_gib),
    )


def agree(found: list[Any], expected: list[Any], work: Work) -> str:
    """Return as text how far the answers differ: a relative difference, or the equal texts."""
    if work.kind == "generate_until":
        same = sum(a == b for a, b in zip(found, expected, strict=True))
        return f"{same} of {len(expected)} texts equal"
    totals = [[s if isinstance(s, float) else s[0] for s in scores] for scores in (found, expected)]
    a, b = (np.array(values) for values in totals)
    same_choice = a.reshape(-1, work.n_choices).argmax(1) == b.reshape(-1, work.n_choices).argmax(1)
    if not same_choice.all():
        print(f"argmax differs in {(~same_choice).sum()} of {len(same_choice)} docs")
    return f"{float((np.abs(a - b) / np.maximum(np.abs(b), 1.0)).max()):.1e}"


def header(is_gpu: bool) -> str:
    """Name the columns."""
    names = ["model", "workload", "hf, ms/doc (batch)", "packed, ms/doc (range)", "times faster"]
    names += ["of the matmul limit", "weights only", "tokens fed/doc, hf → packed"]
    names += is_gpu * ["GPU memory, GiB, hf → packed"] + ["largest difference"]
    return f"| {' | '.join(names)} |\n|{len(names) * '---|'}\n"


def line(model: str, row: Row) -> str:
    """Format a row of the table."""
    low, high = min(row.packed_all), max(row.packed_all)
    shares = [
        "–" if math.isnan(share) else f"{share:.0%}" for share in (row.share, row.share_of_weights)
    ]
    memory = "" if math.isnan(row.peaks[1]) else "| {:.1f} → {:.1f} ".format(*row.peaks)
    return (
        f"| {model} | {row.workload} | {milliseconds(row.hf)} ({row.hf_batch}) "
        f"| {milliseconds(row.packed)} ({milliseconds(low)}–{milliseconds(high)}) "
        f"| {row.hf / row.packed:.1f} | {' | '.join(shares)} "
        f"| {row.fed_hf:.0f} → {row.fed_packed:.1f} {memory}| {row.agreement} |\n"
    )


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", choices=SHAPES, default="small")
    parser.add_argument("--workload", choices=WORKLOADS, nargs="+", default=list(WORKLOADS))
    parser.add_argument(
        "--tokenizer",
        choices=TOKENIZERS,
        nargs="+",
        default=["four"],
        help="trained on: the workloads' four languages (or half as large), these and the labels, "
        "every language",
    )
    parser.add_argument("--docs", type=int, default=50, help="of each language, packed")
    parser.add_argument("--languages", type=int, default=1, choices=range(1, 5))
    parser.add_argument("--hf-docs", type=int, default=2)
    parser.add_argument("--hf-batches", type=int, nargs="+", default=list(HF_BATCH_SIZES))
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--batch-tokens", type=int, default=None)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--dtype", type=lambda n: getattr(torch, n), default=torch.float32)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument(
        "--clock",
        choices=CLOCKS,
        default="wall",
        help="cpu: of this process, for a machine that others use too",
    )
    parser.add_argument("--write", type=Path, help="a page with markers for the table")
    parser.add_argument("--section", help="name of the markers; default: engine and the model")
    return parser.parse_args()


def main() -> None:
    """Print the table."""
    options = parse()
    torch.set_num_threads(options.threads)
    logging.disable(logging.WARNING)
    model = make_model(options.model, options.device, options.dtype)
    table = header(options.device.startswith("cuda"))
    with start_stock(options.model, options.device, options.dtype) as pool:
        for kind, name in itertools.product(options.tokenizer, options.workload):
            texts, size = TOKENIZERS[kind]
            tokenizer = make_tokenizer(texts(), size)
            packed = PackedLM(model, tokenizer=tokenizer, batch_tokens=options.batch_tokens)
            batches = {n: Stock(pool, tokenizer, n) for n in options.hf_batches}
            label = options.model if len(options.tokenizer) == 1 else f"{options.model}, {kind}"
            table += line(label, compare(name, packed, batches, options))
            print(table.splitlines()[-1], flush=True)
    dtype = str(options.dtype).removeprefix("torch.")
    note = machine_note(
        f"{device_name(options.device)}, {torch.get_num_threads()} threads, {options.clock} time, "
        f"{dtype}, torch {torch.__version__}, medians of {options.repeats}"
    )
    print(table + note)
    if options.write:
        write_section(options.write, options.section or f"engine {options.model}", table + note)


if __name__ == "__main__":
    main()
