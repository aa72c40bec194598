"""What does it take to encode prompts? lm-eval's way, request by request, against the engine's.

    python benchmarks/encoding.py [--languages en,sw,th,hi] [--shots 5] [--repeats 5]

Both encode the same requests of sib200_topic (or, where SIB-200 cannot be read, of cldr_timespan)
with the tokenizer of a demo model, and must give the same ids. Processor time, medians.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable

from mlbench.data.languages import read_languages, select_languages
from mlbench.data.prepare import Prepared, prepare
from mlbench.engine.lm import PackedLM
from mlbench.engine.tokenise import Encoder
from mlbench.errors import DataError
from mlbench.families import read_families
from mlbench.harness.task import build_task
from mlbench.models import find_model


def prepare_docs(selection: str) -> list[Prepared]:
    """Return the docs of the first family that can be read."""
    families = read_families()
    chosen = select_languages(selection, read_languages())
    try:
        return [prepare(families["sib200_topic"], language) for language in chosen]
    except DataError as error:
        print(f"{error}\nusing cldr_timespan instead")
        return [prepare(families["cldr_timespan"], language) for language in chosen]


def build_requests(items: list[Prepared], shots: int) -> list[tuple[str, str]]:
    """Return (context, continuation) of every request, in lm-eval's order."""
    requests = []
    for item in items:
        task = build_task(item, shots)
        for doc_id, doc in task.doc_iterator():
            context = task.fewshot_context(doc, num_fewshot=shots)
            made = task.construct_requests(doc, context, metadata=(task.task_name, doc_id, 1))
            requests += [request.args for request in made]
    return requests


def time_calls(call: Callable[[], object], repeats: int) -> float:
    """Return the median processor seconds of a call."""
    spent = []
    for _ in range(repeats):
        start = time.process_time()
        call()
        spent.append(time.process_time() - start)
    return statistics.median(spent)


def main() -> None:
    """Print milliseconds a request of both, and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--languages", default="en,sw,th,hi")
    parser.add_argument("--shots", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    items = prepare_docs(options.languages)
    requests = build_requests(items, options.shots)
    lm = PackedLM(find_model("demo-polyglot").path, device="cpu")

    def ours() -> list[tuple[list[int], list[int]]]:
        fresh = Encoder(lm.tokenizer, prefix_token=lm.prefix_token_id, add_bos=lm.add_bos_token)
        pairs = fresh.pairs(requests)
        return [(pair.context.tolist(), pair.continuation.tolist()) for pair in pairs]

    def theirs() -> list[tuple[list[int], list[int]]]:
        return [lm._encode_pair(*request) for request in requests]

    assert [tuple(pair) for pair in theirs()] == ours(), "the ids differ"
    slow, fast = (1000 * time_calls(f, options.repeats) / len(requests) for f in (theirs, ours))
    tokens = sum(len(a) + len(b) for a, b in ours()) / len(requests)
    print(f"{len(requests):,} requests of {items[0].family.name}, {tokens:.0f} tokens each")
    print(f"lm-eval, request by request  {slow:.3f} ms")
    print(f"engine, distinct lines once  {fast:.3f} ms ({slow / fast:.0f} times faster)")
    print(f"processor time, load average {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
