"""Are the intervals of single scores, and of the means that rank models, true with few docs?

    python benchmarks/single_scores.py --write docs/validation.md

Docs are those of few_docs.py. The truth is the score of half a million docs of the same kind.
"""

import argparse
import time
from pathlib import Path

import numpy as np
from few_docs import FewDocs, draw
from pages import write_section

from mlbench.stats import Resampling, ScoreTable, macro_means, rank_models
from mlbench.stats.cells import value_levels
from mlbench.stats.table import Floats

N_DOCS = (6, 10, 20, 40, 100)
N_LANGUAGES = 5
TRUTH_DOCS = 500_000


def others_of(table: ScoreTable) -> ScoreTable:
    """Leave out English, as rankings do."""
    return table.select(table.languages[1:])


def truth_of(world: FewDocs) -> Floats:
    """Return the score of each model in each language but English, over docs without end."""
    many = FewDocs(TRUTH_DOCS, kind=world.kind, n_languages=world.n_languages)
    return others_of(draw(np.random.default_rng(0), many).table).values.mean(axis=2)


def covered(table: ScoreTable, truth: Floats, resampling: Resampling) -> tuple[float, float]:
    """Return which intervals hold the truth: the share of cells, and of the means of languages."""
    codes = [str(code) for code in table.clusters[0]]
    cells = table.statistics.reshape(-1, *table.statistics.shape[2:])
    levels = value_levels(cells, codes, table.measure, resampling=resampling)
    in_cells = [x.low <= t <= x.high for x, t in zip(levels, truth.ravel(), strict=True)]
    even = np.full((1, len(table.languages)), 1 / len(table.languages))
    (means,) = macro_means(table, table.models, even, resampling)
    chance = float(np.nanmin(table.chance))
    wanted = table.measure.sign * (truth.mean(axis=1) - chance) / (1 - chance)
    ranks = rank_models(table.models, means, resampling).ranks
    by_model = dict(zip(table.models, wanted, strict=True))
    in_ranks = [r.score_low <= by_model[r.model] <= r.score_high for r in ranks]
    return float(np.mean(in_cells)), float(np.mean(in_ranks))


def main() -> None:
    """Print the table; --write puts it into a file."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--write", type=Path, help="file with the marks of this study")
    options = parser.parse_args()
    start = time.perf_counter()
    lines = ["| scores | docs | single cells | means that rank models |", "|---|---|---|---|"]
    for kind in ("accuracy", "bits"):
        truth = truth_of(FewDocs(6, kind=kind, n_languages=N_LANGUAGES))
        for n_docs in N_DOCS:
            world = FewDocs(n_docs, kind=kind, n_languages=N_LANGUAGES)
            found = [
                covered(
                    others_of(draw(np.random.default_rng([1, i, n_docs]), world).table),
                    truth,
                    Resampling(seed=i, replicates=500),
                )
                for i in range(options.runs)
            ]
            cells, ranks = np.mean(found, axis=0)
            lines.append(f"| {kind} | {n_docs} | {cells:.3f} | {ranks:.3f} |")
            print(lines[-1], flush=True)
    seconds = time.perf_counter() - start
    head = f"`python benchmarks/single_scores.py --runs {options.runs}` ({seconds:.0f} s):\n"
    if options.write:
        write_section(options.write, "single scores", "\n".join([head, *lines]))


if __name__ == "__main__":
    main()
