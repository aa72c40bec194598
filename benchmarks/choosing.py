"""Is the probability of being best what it says? Models of known levels, chosen by their scores.

    python benchmarks/choosing.py --runs 2000 --write docs/validation.md

Levels are drawn at four spreads between "the docs cannot tell these models apart" and "they can";
each run asks the code who is best, and the truth is known. tests/test_stats_best.py runs a short
version.
"""

import argparse
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mlbench.stats import Resampling, macro_means, table_from_cells
from mlbench.stats.best import probabilities_of_best
from mlbench.stats.table import CellScores, Floats

N_MODELS, N_CLUSTERS, DOCS_A_CLUSTER = 5, 50, 2
WEIGHTS = {"id": 5.0, "jv": 2.0, "su": 1.0}
SPREADS = (0.01, 0.02, 0.04, 0.08)
"""Standard deviation of the models' levels; that of the noise between two is about 0.04."""

MOST = 0.2
"""Levels stay so near to one half, so that no doc is beyond right or wrong."""

N_BINS = 10


class Forecast(NamedTuple):
    """One run: the probabilities by model, the plain shares of draws, and who is best in truth."""

    probability: Floats
    share_of_draws: Floats
    best: int


def draw_cells(rng: np.random.Generator, levels: Floats) -> list[CellScores]:
    """Draw 0/1 scores: a doc is hard for all, an article for a model, in every language alike."""
    n_docs = N_CLUSTERS * DOCS_A_CLUSTER
    article = np.repeat(np.arange(N_CLUSTERS), DOCS_A_CLUSTER)
    hard = 0.2 * rng.uniform(-1, 1, n_docs)
    cells = []
    for model, level in enumerate(levels):
        own = 0.1 * rng.uniform(-1, 1, N_CLUSTERS)[article]
        for tag in WEIGHTS:
            right = (rng.random(n_docs) < level + hard + own).astype(np.float64)
            ids, clusters = [f"d{i}" for i in range(n_docs)], [f"c{i}" for i in article]
            cells.append(CellScores(f"m{model}", tag, ids, right, clusters))
    return cells


def forecast(rng: np.random.Generator, spread: float, resampling: Resampling) -> Forecast:
    """Draw models of a spread, score them, and ask who is best."""
    while np.abs(levels := rng.normal(0, spread, N_MODELS)).max() > MOST:
        pass
    table = table_from_cells("simulated", draw_cells(rng, 0.5 + levels))
    total = sum(WEIGHTS.values())
    weights = np.array([[WEIGHTS[tag] / total for tag in table.languages]])
    (means,) = macro_means(table, table.models, weights, resampling)
    first = means.replicates.argmax(axis=1)
    shares = np.bincount(first, minlength=N_MODELS) / len(first)
    return Forecast(probabilities_of_best(means, resampling), shares, int(levels.argmax()))


class Bin(NamedTuple):
    """Forecasts of nearly the same probability, and how many of them came true."""

    n: int
    said: float
    came: float


def bins_of(said: Floats, came: Floats) -> list[Bin]:
    """Group forecasts by tenths of probability; a bin without forecasts is left out."""
    place = np.minimum((said * N_BINS).astype(int), N_BINS - 1)
    return [
        Bin(int((place == i).sum()), said[place == i].mean(), came[place == i].mean())
        for i in range(N_BINS)
        if (place == i).any()
    ]


def said_and_came(found: list[Forecast], *, plain: bool = False) -> tuple[Floats, Floats]:
    """Return all probabilities in a row, and 1 where the model was the best."""
    said = np.stack([f.share_of_draws if plain else f.probability for f in found])
    came = np.zeros_like(said)
    came[np.arange(len(found)), [f.best for f in found]] = 1.0
    return said.ravel(), came.ravel()


def brier(said: Floats, came: Floats) -> float:
    """Return the Brier score: the squared distance of the forecasts of a run from the truth."""
    return N_MODELS * float(((said - came) ** 2).mean())


def expected_brier(said: Floats) -> float:
    """Return the Brier score to expect if the forecasts are right."""
    return N_MODELS * float((said * (1 - said)).mean())


def report(runs: int, resampling: Resampling, seed: int) -> str:
    """Return the tables of docs/validation.md."""
    rng, lines, everything = np.random.default_rng(seed), [], []
    for spread in SPREADS:
        found = [forecast(rng, spread, resampling) for _ in range(runs)]
        everything += found
        said, came = said_and_came(found)
        plain, _ = said_and_came(found, plain=True)
        numbers = (brier(said, came), expected_brier(said), brier(plain, came))
        shown = " | ".join(f"{value:.3f}" for value in (*numbers, expected_brier(plain)))
        lines.append(f"| {spread:.2f} | {shown} |")
    head = ["| spread of the levels | Brier | expected | shares of draws: Brier | expected |"]
    head.append("|---|---|---|---|---|")
    bins = bins_of(*said_and_came(everything))
    rows = [f"| {one.said:.3f} | {one.came:.3f} | {one.n:,} |" for one in bins]
    return "\n".join(
        [*head, *lines, "", "| said | came true | forecasts |", "|---|---|---|", *rows]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--replicates", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", type=Path)
    args = parser.parse_args()
    start = time.perf_counter()
    tables = report(args.runs, Resampling(replicates=args.replicates), args.seed)
    command = f"python benchmarks/choosing.py --runs {args.runs} --replicates {args.replicates}"
    seconds = time.perf_counter() - start
    text = f"`{command} --seed {args.seed}` (numpy {np.__version__}, {seconds:.0f} s):\n\n{tables}"
    if args.write:
        page = args.write.read_text(encoding="utf-8")
        before, _, rest = page.partition("<!-- choosing -->\n")
        _, _, after = rest.partition("<!-- /choosing -->")
        marks = ("<!-- choosing -->\n", "\n<!-- /choosing -->")
        args.write.write_text(f"{before}{marks[0]}{text}{marks[1]}{after}", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
