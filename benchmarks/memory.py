"""How much memory does scoring take at its peak? Each backend in a process of its own.

    python benchmarks/memory.py --model small --hf-batch 8 --write docs/benchmarks.md

A process loads the model, or only that (`load`, the floor), scores the docs of a workload, and
reports the highest resident memory while it scored: on Linux VmHWM, set back after loading, because
loading has a peak of its own; elsewhere that peak counts too. On a GPU it is the memory that torch
allocated there.
"""

import argparse
import logging
import resource
import subprocess
import sys
from pathlib import Path

from pages import machine_note, write_section

BACKENDS = ("load", "hf", "packed")
WORKLOADS = ("sib-0", "sib-5", "belebele-5")
HEADER = """| model | workload | model loaded, GiB | hf, GiB (batch) | packed, GiB |
|---|---|---|---|---|
"""


def peak_gib() -> float:
    """Read the peak memory of this process, or of its GPU."""
    import torch

    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / 2**30
    status = Path("/proc/self/status")
    if status.is_file():
        lines = status.read_text(encoding="ascii", errors="replace").splitlines()
        return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 2**20
    unit = 2**30 if sys.platform == "darwin" else 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def forget_peak() -> None:
    """Start the peak anew, where the system or the GPU can."""
    import torch

    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
    elif Path("/proc/self/clear_refs").exists():
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def score(options: argparse.Namespace) -> None:
    """Score in this process with one backend and print its peak."""
    import torch
    from lm_eval.models.huggingface import HFLM
    from workloads import WORKLOADS, all_sentences, make_model, make_tokenizer

    from mlbench.engine import PackedLM

    logging.disable(logging.WARNING)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    tokenizer = make_tokenizer(all_sentences())
    model = make_model(options.model, device, getattr(torch, options.dtype))
    if options.only == "packed":
        lm = PackedLM(model, tokenizer=tokenizer)
        work = WORKLOADS[options.workload[0]](options.docs, 1)
    else:
        lm = HFLM(model, tokenizer=tokenizer, batch_size=options.hf_batch)
        work = WORKLOADS[options.workload[0]](options.docs, 1).first(options.hf_docs)
    forget_peak()
    if options.only != "load":
        lm.loglikelihood(work.instances(), disable_tqdm=True)
    print(f"PEAK {peak_gib()}")


def measure(backend: str, workload: str, options: argparse.Namespace) -> float:
    """Start a process for one backend and workload; return its peak in GiB."""
    command = [sys.executable, __file__, "--only", backend, "--workload", workload]
    for name in ("model", "dtype", "docs", "hf_docs", "hf_batch"):
        command += [f"--{name.replace('_', '-')}", str(getattr(options, name))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{backend} on {workload} failed:\n{done.stderr[-2000:]}")
    return float(done.stdout.rsplit("PEAK ", 1)[1])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", default="small", help="a shape of workloads.py")
    parser.add_argument("--workload", choices=WORKLOADS, nargs="+", default=list(WORKLOADS))
    parser.add_argument("--docs", type=int, default=100, help="scored packed")
    parser.add_argument("--hf-docs", type=int, default=4)
    parser.add_argument("--hf-batch", type=int, default=8)
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--write", type=Path, help="a page with markers for the table")
    parser.add_argument("--only", choices=BACKENDS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        return score(options)
    table = HEADER
    for workload in options.workload:
        load, hf, packed = (measure(backend, workload, options) for backend in BACKENDS)
        table += f"| {options.model} | {workload} | {load:.2f} | {hf:.2f} ({options.hf_batch}) "
        table += f"| {packed:.2f} |\n"
        print(table.splitlines()[-1], flush=True)
    text = table + machine_note(f"{options.dtype}, a process each")
    print(text)
    if options.write:
        write_section(options.write, f"memory {options.model}", text)


if __name__ == "__main__":
    main()
