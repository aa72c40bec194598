"""How long does the large bootstrap take, and how much memory? And a verdict of five families?

    python benchmarks/statistics_speed.py

10 models x 119 languages x 1,000 clusters x 10,000 replicates has to stay within 10 s and 2 GiB on
two cores; a verdict on 2 models x 119 languages x 5 families within 5 s. Each case runs in a
process of its own, so that the peak memory is its own.
"""

import argparse
import resource
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np

from mlbench.judge import Evidence, judge, read_claims, verdict_json
from mlbench.measures import ACC, CHRF, Reply, measure_of
from mlbench.records import Language
from mlbench.stats import Resampling, ScoreTable
from mlbench.stats.bootstrap import resample
from mlbench.stats.table import REFERENCE_LANGUAGE

N_LANGUAGES, N_CLUSTERS = 119, 1000


def random_table(family: str, n_models: int, *, is_binary: bool = True) -> ScoreTable:
    """Draw a parallel family: 1,000 docs, each its own cluster, in 119 languages."""
    rng = np.random.default_rng(len(family))
    values = rng.random((n_models, N_LANGUAGES, N_CLUSTERS))
    tags = (REFERENCE_LANGUAGE, *(f"x{i:03d}" for i in range(N_LANGUAGES - 1)))
    ids = tuple(f"d{i:05d}" for i in range(N_CLUSTERS))
    return ScoreTable(
        family=family,
        measure=ACC,
        is_parallel=True,
        models=tuple(f"m{i}" for i in range(n_models)),
        languages=tags,
        doc_ids=(ids,) * N_LANGUAGES,
        clusters=np.tile(np.arange(N_CLUSTERS), (N_LANGUAGES, 1)),
        chance=np.full((N_LANGUAGES, N_CLUSTERS), 0.25),
        statistics=((values < 0.6).astype(np.float64) if is_binary else values)[..., np.newaxis],
    )


def bootstrap_case(*, is_binary: bool) -> str:
    """Resample 1,190 columns 10,000 times."""
    table = random_table("large", 10, is_binary=is_binary)
    drawn = resample(table.statistics, table.clusters, names="large", resampling=Resampling())
    return f"{drawn.replicates.shape[0]:,} replicates x {drawn.replicates[0].size:,} columns"


def corpora_case() -> str:
    """Resample corpus chrF++ of 200 directions of 1,000 sentences 10,000 times."""
    rng = np.random.default_rng(0)
    n_ngrams = rng.integers(20, 200, (200, N_CLUSTERS, 1))
    both = rng.binomial(n_ngrams, 0.5, (200, N_CLUSTERS, 8))
    counts = np.stack([np.broadcast_to(n_ngrams, both.shape)] * 2 + [both], axis=-1)
    statistics = counts.reshape(1, 200, N_CLUSTERS, 24).astype(np.float64)
    clusters = np.tile(np.arange(N_CLUSTERS), (200, 1))
    drawn = resample(statistics, clusters, names="corpora", resampling=Resampling(), measure=CHRF)
    return f"{drawn.replicates.shape[0]:,} replicates x {drawn.replicates[0].size:,} corpora"


def counting_case() -> str:
    """Count chrF++ of a tenth of these: 20 directions of 1,000 sentences, with both floors."""
    rng = np.random.default_rng(0)
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz" + " " * 5))

    def sentences() -> list[str]:
        drawn = ("".join(rng.choice(letters, 125)).split() for _ in range(N_CLUSTERS))
        return [" ".join(words) for words in drawn]

    n = 0
    for _ in range(20):
        columns = (sentences() for _ in range(4))
        replies = [Reply(*texts, language=None) for texts in zip(*columns, strict=True)]
        for name in ("chrf_fitted", "chrf++", "chrf_of_copy", "chrf_of_wrong"):
            count = measure_of(name).count
            n += len(list(count(replies))) if count else 0
    return f"{n:,} counts"


def verdict_case() -> str:
    """Judge two models on five families, with all shipped claims."""
    tables = tuple(random_table(name, 2) for name in ("a", "bb", "ccc", "dddd", "eeeee"))
    facts = {
        tag: Language(tag, tag, tag, "Latn", "ltr", f"f{i % 14}", resource_class=i % 6)
        for i, tag in enumerate(tables[0].languages)
    }
    evidence = Evidence(tables, facts)
    found = judge(evidence, "m0", "m1", claims=read_claims(), resampling=Resampling())
    return f"{len(verdict_json(found)):,} characters of JSON"


CASES: dict[str, Callable[[], str]] = {
    "bootstrap of 0/1 docs, 10 models x 119 languages": lambda: bootstrap_case(is_binary=True),
    "bootstrap of real-valued docs, the same size": lambda: bootstrap_case(is_binary=False),
    "bootstrap of corpus chrF++, 200 directions x 1,000 sentences": corpora_case,
    "counting chrF++ with floors, 20 directions x 1,000 sentences": counting_case,
    "verdict on 2 models x 119 languages x 5 families": verdict_case,
}


def main() -> None:
    """Print a Markdown row for each case: wall time, processor time, peak memory."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--case", choices=CASES, help="run this one in this process")
    options = parser.parse_args()
    if not options.case:
        print(
            "| case | wall s | processor s | peak MiB | result |\n|---|---|---|---|---|", flush=True
        )
        for name in CASES:
            subprocess.run([sys.executable, __file__, "--case", name], check=True)
        return
    wall, processor = time.perf_counter(), time.process_time()
    result = CASES[options.case]()
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    # Linux counts in KiB.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"| {options.case} | {wall:.1f} | {processor:.1f} | {peak:.0f} | {result} |", flush=True)


if __name__ == "__main__":
    main()
