"""How long until the first answer, and until the first forward pass? Side by side with lm_eval run.

    python benchmarks/startup.py [--runs 5] [--model demo-polyglot]

Times whole processes: `mlbench list languages`; `mlbench run` until its model is asked for the
first time; `lm_eval run` on the same tasks until its model is asked for the first time. The last
two are read from the process itself: a hook prints the clock at the first forward pass.
"""

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from mlbench.models import find_model
from mlbench.task_files import find_tasks_folder, task_name

BIN = Path(sys.executable).parent
LANGUAGES = ("en", "sw", "th")

# Runs a console script after hooking torch's modules: the first call of a whole model prints how
# long the weights took to load, and the clock.
HOOK = """
import runpy, sys, time
import transformers
load = transformers.PreTrainedModel.from_pretrained.__func__
spent = 0.0
def timed(cls, *args, **kwargs):
    global spent
    start = time.time()
    try:
        return load(cls, *args, **kwargs)
    finally:
        spent += time.time() - start
transformers.PreTrainedModel.from_pretrained = classmethod(timed)
import torch.nn.modules.module as module
def first(model, args):
    if isinstance(model, transformers.PreTrainedModel):
        sys.stderr.write(f"FIRST {time.time()} {spent}\\n")
        sys.stderr.flush()
        import os
        os._exit(0)
module.register_module_forward_pre_hook(first)
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def time_process(command: list[str]) -> float:
    """Return the seconds of a whole process."""
    start = time.time()
    subprocess.run(command, check=True, capture_output=True)
    return time.time() - start


def time_first_forward(command: list[str], folder: Path) -> tuple[float, float]:
    """Return the seconds from start to first forward pass, and those spent loading weights."""
    start = time.time()
    done = subprocess.run(
        [sys.executable, "-c", HOOK, *command], capture_output=True, text=True, cwd=folder
    )
    found = re.search(r"FIRST (\S+) (\S+)", done.stderr)
    if not found:
        raise SystemExit(f"no forward pass in {command}:\n{done.stderr[-2000:]}")
    return float(found[1]) - start, float(found[2])


def main() -> None:
    """Print medians of the three, and the ratio of the last two."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--model", default="demo-polyglot")
    options = parser.parse_args()
    path = find_model(options.model).path
    tasks = ",".join(task_name("cldr_calendar", tag) for tag in LANGUAGES)
    ours = [str(BIN / "mlbench"), "run", "--models", path, "--families", "cldr_calendar"]
    ours += ["--languages", ",".join(LANGUAGES), "--run"]
    theirs = [str(BIN / "lm_eval"), "run", "--model", "hf", "--model_args", f"pretrained={path}"]
    theirs += ["--include_path", str(find_tasks_folder()), "--tasks", tasks, "--device", "cpu"]
    lists, firsts, others, loads = [], [], [], []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(options.runs):
            lists.append(time_process([str(BIN / "mlbench"), "list", "languages"]))
            seconds, loading = time_first_forward([*ours, f"r{number}"], Path(folder))
            firsts.append(seconds - loading)
            loads.append(loading)
            seconds, loading = time_first_forward(theirs, Path(folder))
            others.append(seconds - loading)
            figures = f"{lists[-1]:.2f} {firsts[-1]:.2f} {others[-1]:.2f}"
            print(f"run {number + 1}: {figures}", flush=True)
    load = os.getloadavg()[0]
    print(f"medians of {options.runs}, load average {load:.1f}, {os.cpu_count()} cores")
    print(f"mlbench list languages              {statistics.median(lists):6.2f} s")
    print(f"mlbench run to first forward pass   {statistics.median(firsts):6.2f} s")
    print(f"lm_eval run to first forward pass   {statistics.median(others):6.2f} s")
    print(f"(both without the {statistics.median(loads):.2f} s of loading weights)")
    ratio = statistics.median(o / f for o, f in zip(others, firsts, strict=True))
    print(f"lm_eval / mlbench, pair by pair     {ratio:6.1f} x")


if __name__ == "__main__":
    main()
