"""How long do `mlbench run` and `lm_eval run` take for the same cells, start-up and all?

    MLBENCH_DATA=... python benchmarks/end_to_end.py --limit 50 --write docs/benchmarks.md

Real processes, one after the other in turn: SIB-200 topics in 12 languages at 5 shots, a model of
random weights saved with a tokenizer in a temporary folder. The first run of each is not timed: it
fills the caches that both use and counts the tokens that the model is fed. The scores must agree.
`--limit` is there because `lm_eval run` feeds some 2,000 tokens per doc; what `mlbench run` saves
grows with the docs.
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from pages import machine_note, write_section

from mlbench.data.languages import read_languages
from mlbench.data.prepare import prepare, render_contexts
from mlbench.families import read_families
from mlbench.store.read import read_run
from mlbench.task_files import find_tasks_folder, task_name

BIN = Path(sys.executable).parent
FAMILY = "sib200_topic"
LANGUAGES = "en,sw,th,ar,hi,zh-Hans,ru,tr,fi,ko,he,el"
TOLERANCE = 1e-4

# Runs a console script after wrapping the forward pass of models of one width (the engine also
# tries its modes on a small copy): it adds up the tokens they are given.
COUNTER = """
import functools, os, runpy, sys
from transformers import Qwen2ForCausalLM as Model
forward, n_fed = Model.forward, 0
@functools.wraps(forward)
def counted(self, input_ids=None, *args, **kwargs):
    global n_fed
    n_fed += input_ids.numel() if self.config.hidden_size == int(os.environ["WIDTH"]) else 0
    return forward(self, input_ids, *args, **kwargs)
Model.forward = counted
sys.argv = sys.argv[1:]
try:
    runpy.run_path(sys.argv[0], run_name="__main__")
finally:
    print(f"FED {n_fed}", file=sys.stderr)
"""
HEADER = """| model | cells, docs | command | seconds (range) | times faster | peak GiB \
| tokens fed | largest difference |
|---|---|---|---|---|---|---|---|
"""

Values = dict[tuple[str, str], tuple[float, ...]]


class Spent(NamedTuple):
    """What a process took."""

    seconds: float
    peak_gib: float
    errors: str


class Side(NamedTuple):
    """A command by the folder that it writes to, and how to read log-likelihoods from there."""

    name: str
    command: Callable[[Path], list[str]]
    read: Callable[[Path], Values]


def make_checkpoint(folder: Path, shape: str, tags: list[str]) -> None:
    """Save a model of random weights, and a tokenizer trained on the prompts of the languages."""
    from torch import float32
    from workloads import make_model, make_tokenizer

    family, languages = read_families()[FAMILY], read_languages()
    items = [prepare(family, languages[tag]) for tag in tags]
    missing = [item.language.tag for item in items if item.reason]
    if missing:
        raise SystemExit(f"no docs in {missing}: {items[0].reason}. Set MLBENCH_DATA")
    texts = [context for item in items for context in render_contexts(item, 0, None)]
    make_tokenizer(texts).save_pretrained(folder)
    make_model(shape, "cpu", float32).save_pretrained(folder)


def run(command: list[str], folder: Path, environment: dict[str, str]) -> Spent:
    """Run a process to its end; time and memory are its own."""
    with tempfile.TemporaryFile("w+") as errors:
        start = time.perf_counter()
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=errors, cwd=folder, env=environment
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        errors.seek(0)
        text = errors.read()
    if process.returncode:
        raise SystemExit(f"{command} failed:\n{text[-2000:]}")
    unit = 2**30 if sys.platform == "darwin" else 2**20
    return Spent(seconds, usage.ru_maxrss / unit, text)


def make_sides(model: Path, options: argparse.Namespace) -> list[Side]:
    """Describe the two commands, `lm_eval run` first."""
    limit = ["--limit", str(options.limit)] if options.limit else []
    tags = options.languages.split(",")
    tasks = ",".join(task_name(FAMILY, tag) for tag in tags)

    def theirs(folder: Path) -> list[str]:
        arguments = f"pretrained={model},dtype=float32"
        command = [str(BIN / "lm_eval"), "run", "--model", "hf", "--model_args", arguments]
        command += ["--include_path", str(find_tasks_folder()), "--tasks", tasks, "--device", "cpu"]
        command += ["--num_fewshot", str(options.shots), "--batch_size", str(options.hf_batch)]
        return [*command, "--log_samples", "--output_path", str(folder), *limit]

    def ours(folder: Path) -> list[str]:
        command = [str(BIN / "mlbench"), "run", "--models", str(model), "--families", FAMILY]
        command += ["--languages", options.languages, "--shots", str(options.shots)]
        return [*command, "--device", "cpu", "--run", str(folder), *limit]

    def read_theirs(folder: Path) -> Values:
        values: Values = {}
        for tag in tags:
            (path,) = folder.rglob(f"samples_{task_name(FAMILY, tag)}_*.jsonl")
            for line in path.read_text(encoding="utf-8").splitlines():
                sample = json.loads(line)
                replies = tuple(float(reply[0]) for reply in sample["filtered_resps"])
                values[tag, sample["doc"]["doc_id"]] = replies
        return values

    return [
        Side("lm_eval run --model hf", theirs, read_theirs),
        Side("mlbench run", ours, read_ours),
    ]


def read_ours(folder: Path) -> Values:
    """Read the log-likelihoods of a run, calibration after the choices, as in lm-eval's file."""
    return {
        (cell.language, sample.doc_id): (*sample.loglikelihoods, *sample.calibration)
        for cell, result in read_run(folder).done.items()
        for sample in result.samples
    }


def worst_difference(first: Values, second: Values) -> float:
    """Return the largest relative difference of the log-likelihoods; the docs must be the same."""
    if first.keys() != second.keys() or not first:
        raise SystemExit(f"not the same docs: {len(first)} and {len(second)}")
    pairs = (p for key in first for p in zip(first[key], second[key], strict=True))
    return max(abs(a - b) / max(abs(a), 1.0) for a, b in pairs)


def run_in_turn(
    sides: list[Side], folder: Path, environment: dict[str, str], repeats: int
) -> list[list[Spent]]:
    """Run both so many times, ABBA, so that a disturbed minute hits both."""
    spent: list[list[Spent]] = [[], []]
    for repeat in range(repeats):
        for at in (0, 1) if repeat % 2 == 0 else (1, 0):
            out = folder / f"{at}-{repeat}"
            spent[at].append(run(sides[at].command(out), folder, environment))
            print(f"{sides[at].name}: {spent[at][-1].seconds:.1f} s", flush=True)
    return spent


def compare(folder: Path, options: argparse.Namespace) -> str:
    """Run both in turn and return the table."""
    environment = {**os.environ, "MLBENCH_CACHE": str(folder / "cache"), "WIDTH": ""}
    model = folder / "model"
    make = [sys.executable, __file__, "--checkpoint", str(model), "--model", options.model]
    run([*make, "--languages", options.languages], Path.cwd(), environment)
    config = json.loads((model / "config.json").read_text(encoding="utf-8"))
    environment["WIDTH"] = str(config["hidden_size"])
    sides = make_sides(model, options)
    fed, values = [], []
    for side in sides:
        out = folder / f"{len(fed)}-counted"
        done = run([sys.executable, "-c", COUNTER, *side.command(out)], folder, environment)
        fed.append(int(re.findall(r"FED (\d+)", done.errors)[-1]))
        values.append(side.read(out))
    worst = worst_difference(*values)
    if worst > TOLERANCE:
        raise SystemExit(f"scores differ by {worst:.2g}")
    spent = run_in_turn(sides, folder, environment, options.repeats)
    what = f"{options.languages.count(',') + 1} cells, {len(values[0]):,} docs"
    medians = [statistics.median(s.seconds for s in side) for side in spent]
    table = HEADER
    for at, side in enumerate(sides):
        seconds = sorted(s.seconds for s in spent[at])
        peak = max(s.peak_gib for s in spent[at])
        table += f"| {options.model} | {what} | `{side.name}` | {medians[at]:.1f} "
        table += f"({seconds[0]:.1f}–{seconds[-1]:.1f}) | {medians[0] / medians[at]:.1f} "
        table += f"| {peak:.2f} | {fed[at]:,} | {worst:.1e} |\n"
    return table


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", default="small", help="a shape of workloads.py")
    parser.add_argument("--languages", default=LANGUAGES)
    parser.add_argument("--shots", type=int, default=5)
    parser.add_argument("--limit", type=int, help="docs per language")
    parser.add_argument("--hf-batch", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--write", type=Path, help="a page with markers for the table")
    parser.add_argument("--checkpoint", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.checkpoint:
        return make_checkpoint(options.checkpoint, options.model, options.languages.split(","))
    with tempfile.TemporaryDirectory() as folder:
        table = compare(Path(folder), options)
    threads = os.environ.get("OMP_NUM_THREADS", os.cpu_count())
    how = f"cpu, {threads} threads, float32, hf at batch size {options.hf_batch}, "
    text = table + machine_note(f"{how}medians of {options.repeats}")
    print(text)
    if options.write:
        write_section(options.write, f"end to end {options.model}", text)


if __name__ == "__main__":
    main()
