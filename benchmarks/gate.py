"""What does the look at a model before its first cell cost? Beside its loading, in one process.

    python benchmarks/gate.py MODEL... [--runs 5]

Loads each model several times as `mlbench run` does, and times the look (harness/gate.py) apart
from the rest. The first forward pass after it is timed too: the look reads the weights from disk,
which that pass would have done.
"""

import argparse
import statistics
import time

import transformers
from lm_eval.api.instance import Instance

from mlbench.harness import backend
from mlbench.models import find_model
from mlbench.settings import Settings

ASKED = ("The capital of France is", " Paris")


def measure(name: str) -> tuple[float, float, float]:
    """Return the seconds of loading without the look, of the look, and of the first request."""
    look, spent = backend.look, []

    def timed(lm):
        start = time.perf_counter()
        found = look(lm)
        spent.append(time.perf_counter() - start)
        return found

    backend.look = timed
    try:
        start = time.perf_counter()
        model = backend.load_model(find_model(name), Settings(device="cpu"))
        loading = time.perf_counter() - start
    finally:
        backend.look = look
    start = time.perf_counter()
    request = Instance("loglikelihood", {}, ASKED, 0)
    model.lm.loglikelihood([request], disable_tqdm=True)
    return loading - spent[0], spent[0], time.perf_counter() - start


def main() -> None:
    """Print a line a model: medians, and the look as a share of the rest."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="+")
    parser.add_argument("--runs", type=int, default=5)
    given = parser.parse_args()
    transformers.utils.logging.set_verbosity_error()
    print("| model | loading (s) | look (s) | first request after it (s) | look / loading |")
    print("| --- | --- | --- | --- | --- |")
    for name in given.models:
        runs = [measure(name) for _ in range(given.runs)]
        loading, look, first = (statistics.median(column) for column in zip(*runs, strict=True))
        print(f"| {name} | {loading:.2f} | {look:.2f} | {first:.2f} | {look / loading:.0%} |")


if __name__ == "__main__":
    main()
