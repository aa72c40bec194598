"""How fast is the packed scorer against lm-eval's `hf`, and how near to the machine's limit?

Both score the same docs with the same random weights in one process, alternating, and must agree.
`hf` is slow, so it scores fewer docs than a real language has; the packed scorer scores more,
because what it saves grows with them. `MLBENCH_DATA` names a folder with Davlan/sib200 in it;
without it the text is seeded random letters of several scripts.

    python benchmarks/engine.py --model 0.5b --workload sib-5 --write docs/benchmarks.md
"""

import argparse
import csv
import logging
import os
import platform
import random
import re
import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

from mlbench.engine import PackedLM
from mlbench.engine.trie import Scored, build_trie

SHAPES = {
    "0.5b": {
        "vocab_size": 151_936,
        "hidden_size": 896,
        "intermediate_size": 4864,
        "num_hidden_layers": 24,
        "num_attention_heads": 14,
        "num_key_value_heads": 2,
        "tie_word_embeddings": True,
    },
    "small": {
        "vocab_size": 32_000,
        "hidden_size": 256,
        "intermediate_size": 1024,
        "num_hidden_layers": 4,
        "num_attention_heads": 4,
        "num_key_value_heads": 4,
    },
    "7b": {
        "vocab_size": 152_064,
        "hidden_size": 3584,
        "intermediate_size": 18_944,
        "num_hidden_layers": 28,
        "num_attention_heads": 28,
        "num_key_value_heads": 4,
    },
}
LANGUAGES = ("eng_Latn", "hin_Deva", "swh_Latn", "ary_Arab")
CATEGORIES = (
    *("science/technology", "travel", "politics", "sports", "health", "entertainment"),
    "geography",
)
ALPHABETS = ("etaoinshrdlu", "कखगघचछजझटठ", "eaiounmkwlts", "ابتثجحخدذر")
GEMM_ROWS, GEMM_WIDTH = 1024, 2048
HF_BATCH_SIZES = (1, 4, 8, 16, 32)


Clock = Callable[[], float]


class Work(NamedTuple):
    """Requests of a workload, in whole docs; `n_choices` requests a doc."""

    requests: list[tuple[str, str]]
    n_choices: int


class Row(NamedTuple):
    """One line of the table; times are seconds a doc."""

    workload: str
    hf: float
    hf_batch: int
    packed: float
    packed_all: list[float]
    share: float
    fed_hf: float
    fed_packed: float
    worst: float
    memory: tuple[float, float]


def read_sentences(language: int, n: int) -> list[tuple[str, str]]:
    """Read (text, category) pairs of SIB-200, or draw random ones of a similar length."""
    root = os.environ.get("MLBENCH_DATA")
    if root:
        path = Path(root, "Davlan/sib200/data", LANGUAGES[language])
        rows = []
        for split in ("test", "train"):
            with (path / f"{split}.tsv").open(encoding="utf-8", newline="") as lines:
                rows += [(r["text"], r["category"]) for r in csv.DictReader(lines, delimiter="\t")]
        return rows[:n]
    rng = random.Random(language)
    word = lambda: "".join(rng.choices(ALPHABETS[language], k=rng.randint(2, 8)))  # noqa: E731
    vocabulary = [word() for _ in range(2000)]
    text = lambda: " ".join(rng.choices(vocabulary, k=rng.randint(12, 32)))  # noqa: E731
    return [(text(), rng.choice(CATEGORIES)) for _ in range(n)]


def sib(n_docs: int, shots: int, n_languages: int) -> Work:
    """Make topic questions: a sentence, seven topics."""
    requests = []
    for language in range(n_languages):
        rows = read_sentences(language, n_docs + shots)
        prefix = "".join(f"{text}\nTopic: {topic}\n\n" for text, topic in rows[n_docs:])
        for text, _ in rows[:n_docs]:
            requests += [(f"{prefix}{text}\nTopic:", f" {topic}") for topic in CATEGORIES]
    return Work(requests, len(CATEGORIES))


def belebele(n_docs: int, shots: int, n_languages: int) -> Work:
    """Make reading questions: four sentences, a question of their words, four spans of them."""
    requests = []
    for language in range(n_languages):
        rng = random.Random(language)
        rows = read_sentences(language, 4 * (n_docs + shots))
        docs = []
        for at in range(0, len(rows) - 3, 4):
            passage = " ".join(text for text, _ in rows[at : at + 4])
            words = passage.split()
            question = " ".join(rng.sample(words, min(10, len(words))))
            starts = [rng.randrange(max(1, len(words) - 5)) for _ in range(4)]
            spans = [" ".join(words[s : s + rng.randint(2, 5)]) for s in starts]
            docs.append((f"{passage}\nQ: {question}?\nA:", spans))
        n_scored = max(1, len(docs) - shots)
        prefix = "".join(f"{text} {spans[0]}\n\n" for text, spans in docs[n_scored:])
        for text, spans in docs[:n_scored]:
            requests += [(prefix + text, f" {span}") for span in spans]
    return Work(requests, 4)


WORKLOADS: dict[str, Callable[[int, int], Work]] = {
    "sib-0": lambda n, languages: sib(n, 0, languages),
    "sib-5": lambda n, languages: sib(n, 5, languages),
    "belebele-5": lambda n, languages: belebele(n, 5, languages),
}


def make_tokenizer() -> PreTrainedTokenizerFast:
    """Train a byte-level BPE on the text itself, some seconds."""
    texts = [text for language in range(4) for text, _ in read_sentences(language, 600)]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=16_000,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=["<s>", "</s>"],
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", pad_token="</s>"
    )


def make_model(shape: str, device: str, dtype: torch.dtype) -> Any:
    """Build a Qwen2 of a shape with random weights."""
    torch.manual_seed(0)
    config = Qwen2Config(**SHAPES[shape], max_position_embeddings=8192)
    with torch.device(device):
        return Qwen2ForCausalLM(config).to(dtype).eval()


def instances(requests: list[tuple[str, str]]) -> list[Instance]:
    """Wrap texts as lm-eval requests."""
    return [Instance("loglikelihood", {}, request, i) for i, request in enumerate(requests)]


def timed(
    lm: Any, requests: list[tuple[str, str]], clock: Clock
) -> tuple[float, list[tuple[float, bool]]]:
    """Score requests from text to numbers; token ids are not kept between repetitions."""
    if isinstance(lm, PackedLM):
        lm.encoder._pairs.clear()
    start = clock()
    scores = lm.loglikelihood(instances(requests), disable_tqdm=True)
    return clock() - start, scores


def gemm_rate(options: argparse.Namespace) -> float:
    """Measure the machine's limit: floating point operations a second of one large product."""
    a = torch.randn(GEMM_ROWS, GEMM_WIDTH, device=options.device, dtype=options.dtype)
    b = torch.randn(GEMM_WIDTH, GEMM_WIDTH, device=options.device, dtype=options.dtype)
    times = []
    for _ in range(9):
        start = options.clock()
        (a @ b)[0, 0].item()
        times.append(options.clock() - start)
    return 2 * GEMM_ROWS * GEMM_WIDTH**2 / statistics.median(times)


def least_operations(lm: PackedLM, requests: list[tuple[str, str]]) -> float:
    """Count what no scorer can avoid: each distinct token once, logits where they are wanted.

    Products with weights only; attention comes on top, so the share of the limit is a lower bound.
    """
    pairs = lm.encoder.pairs(requests)
    trie = build_trie([Scored(np.concatenate(p), len(p.continuation)) for p in pairs])
    head = lm.model.lm_head.weight.numel()
    weights = {id(p): p.numel() for p in lm.model.model.layers.parameters() if p.ndim > 1}
    n_rows = len(np.unique(trie.wanted_node))
    return 2.0 * (sum(weights.values()) * len(trie) + head * n_rows)


def try_hf(hf: HFLM, requests: list[tuple[str, str]], clock: Clock) -> tuple[float, int]:
    """Return the seconds of one call and the tokens that hf feeds, padding included."""
    call, n_fed = hf._model_call, 0

    def counted(tokens: torch.Tensor, **arguments: Any) -> torch.Tensor:
        nonlocal n_fed
        n_fed += tokens.numel()
        return call(tokens, **arguments)

    hf._model_call = counted
    seconds, _ = timed(hf, requests, clock)
    hf._model_call = call
    return seconds, n_fed


def peak_gib() -> float:
    """Read the peak memory of the process so far, or of the GPU."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / 2**30
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def alternate(first: Any, second: Any, repeats: int) -> Iterator[tuple[Any, Any]]:
    """Run both `repeats` times, ABBA, so that a disturbed minute hits both."""
    for i in range(repeats):
        if i % 2:
            b = second()
            yield first(), b
        else:
            yield first(), second()


def compare(name: str, model: Any, tokenizer: Any, options: argparse.Namespace) -> Row:
    """Measure one workload."""
    work = WORKLOADS[name](options.docs, options.languages)
    n_docs = len(work.requests) // work.n_choices
    few = work.requests[: options.hf_docs * work.n_choices]
    packed = PackedLM(model, tokenizer=tokenizer, batch_tokens=options.batch_tokens)
    _, scores = timed(packed, work.requests, options.clock)
    memory = peak_gib()
    batches = {n: HFLM(model, tokenizer=tokenizer, batch_size=n) for n in options.hf_batches}
    tried = {n: try_hf(hf, few, options.clock) for n, hf in batches.items()}
    best = min(tried, key=tried.__getitem__)
    hf = batches[best]
    before = packed.tokens_fed
    rates, hf_times, packed_times, expected = [], [], [], []
    for a, b in alternate(
        lambda: timed(hf, few, options.clock),
        lambda: timed(packed, work.requests, options.clock),
        options.repeats,
    ):
        hf_times.append(a[0] / options.hf_docs)
        packed_times.append(b[0] / n_docs)
        expected, scores = a[1], b[1]
        rates.append(gemm_rate(options))
    seconds = statistics.median(packed_times)
    least = least_operations(packed, work.requests) / n_docs
    return Row(
        name,
        hf=statistics.median(hf_times),
        hf_batch=best,
        packed=seconds,
        packed_all=packed_times,
        share=least / seconds / statistics.median(rates),
        fed_hf=tried[best][1] / options.hf_docs,
        fed_packed=(packed.tokens_fed - before) / options.repeats / n_docs,
        worst=worst_difference(scores, expected, work.n_choices),
        memory=(memory, peak_gib()),
    )


def worst_difference(found: list[Any], expected: list[Any], n_choices: int) -> float:
    """Return the largest relative difference; both must choose the same."""
    a, b = (np.array([total for total, _ in s[: len(expected)]]) for s in (found, expected))
    same = a.reshape(-1, n_choices).argmax(1) == b.reshape(-1, n_choices).argmax(1)
    if not same.all() and torch.get_default_dtype() == torch.float32:
        print(f"argmax differs in {(~same).sum()} of {len(same)} docs")
    return float((np.abs(a - b) / np.maximum(np.abs(b), 1.0)).max())


HEADER = """| model | workload | hf, ms/doc (batch) | packed, ms/doc (range) | times faster | \
of the matmul limit | tokens fed/doc, hf → packed | largest difference | peak GiB, packed / both |
|---|---|---|---|---|---|---|---|---|
"""


def line(model: str, row: Row) -> str:
    """Format a row of the table."""
    low, high = min(row.packed_all), max(row.packed_all)
    return (
        f"| {model} | {row.workload} | {row.hf * 1e3:.0f} ({row.hf_batch}) "
        f"| {row.packed * 1e3:.1f} ({low * 1e3:.1f}–{high * 1e3:.1f}) "
        f"| {row.hf / row.packed:.1f} | {row.share:.0%} "
        f"| {row.fed_hf:.0f} → {row.fed_packed:.1f} | {row.worst:.1e} "
        f"| {row.memory[0]:.1f} / {row.memory[1]:.1f} |\n"
    )


def write_section(path: Path, name: str, text: str) -> None:
    """Replace the text between the markers `<!-- name -->` and `<!-- /name -->`."""
    page = path.read_text(encoding="utf-8")
    pattern = re.compile(f"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
    page = pattern.sub(lambda match: match[1] + text + match[2], page)
    path.write_text(page, encoding="utf-8", newline="\n")


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", choices=SHAPES, default="small")
    parser.add_argument("--workload", choices=WORKLOADS, nargs="+", default=list(WORKLOADS))
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
        type={"wall": time.perf_counter, "cpu": time.process_time}.__getitem__,
        default=time.perf_counter,
        help="cpu: of this process, for a machine that others use too",
    )
    parser.add_argument("--write", type=Path, help="a page with markers for the table")
    return parser.parse_args()


def main() -> None:
    """Print the table."""
    options = parse()
    torch.set_num_threads(options.threads)
    logging.disable(logging.WARNING)
    model = make_model(options.model, options.device, options.dtype)
    tokenizer = make_tokenizer()
    table = HEADER
    for name in options.workload:
        table += line(options.model, compare(name, model, tokenizer, options))
        print(table.splitlines()[-1], flush=True)
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    machine = platform.processor() or platform.machine()
    clock = "wall time" if options.clock is time.perf_counter else "CPU time"
    note = (
        f"\n{machine}, {options.device}, {torch.get_num_threads()} threads, {clock}, "
        f"{str(options.dtype).removeprefix('torch.')}, torch {torch.__version__}, "
        f"medians of {options.repeats}, load average {load}. `{' '.join(sys.argv)}`\n"
    )
    print(table + note)
    if options.write:
        write_section(options.write, f"engine {options.model}", table + note)


if __name__ == "__main__":
    main()
