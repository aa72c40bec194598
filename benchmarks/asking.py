"""How long does it take to build the requests of a family in all its languages? Processor seconds.

    MLBENCH_DATA=… python benchmarks/asking.py [--family sib200_topic] [--shots 5]

Docs are prepared before, as in a second run. Then each language's task is built and asked for the
contexts and requests of all its docs, as a cell is before a model is asked; no model is loaded.
"""

import argparse
import time

from mlbench.data.languages import read_languages
from mlbench.data.prepare import covers
from mlbench.families import select_families
from mlbench.harness.docs import prepare
from mlbench.harness.evaluate import build_requests
from mlbench.harness.task import build_task


def main() -> None:
    """Print the seconds and what was built in them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--family", default="sib200_topic")
    parser.add_argument("--shots", type=int, default=5)
    asked = parser.parse_args()
    (family,) = select_families(asked.family)
    languages = [each for each in read_languages().values() if covers(family, each)]
    prepared = [prepare(family, language) for language in languages]
    prepared = [each for each in prepared if not each.reason]
    # The first task pays for imports that any run pays once.
    build_requests(build_task(prepared[0], asked.shots), asked.shots, range(1), None)
    n_docs = n_requests = 0
    start = time.process_time()
    for each in prepared:
        docs = range(len(each.docs.scored))
        groups = build_requests(build_task(each, asked.shots), asked.shots, docs, None)
        n_docs += len(groups)
        n_requests += sum(len(requests) for _, requests in groups)
    seconds = time.process_time() - start
    print(
        f"{seconds:.1f} s for {len(prepared)} languages, {n_docs:,} docs and {n_requests:,} "
        f"requests of {family.name} at {asked.shots} shots"
    )


if __name__ == "__main__":
    main()
