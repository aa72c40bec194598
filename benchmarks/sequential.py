"""What does `--until settled` save, and do its verdicts keep their error rate? A simulation.

    python benchmarks/sequential.py --write docs/validation.md

0/1 docs in clusters of two that come in any order, and two models that answer alike more often than
not: a fifth of the docs tells them apart. Docs are added as mlbench run adds them, and each look
asks the code of the report. Beside it: the same looks with plain 95 % intervals, and all docs.
"""

import argparse
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mlbench.judge.findings import language_rows
from mlbench.measures import ACC
from mlbench.stats import Resampling, ScoreTable
from mlbench.stats.contrast import Contrast, summarise
from mlbench.stats.differences import delta_contrast, headline_of
from mlbench.stats.equivalence import states_of
from mlbench.stats.pairs import pair_levels
from mlbench.stats.sequential import Looks, schedule
from mlbench.stats.table import Floats

CHANCE, LEVEL = 0.25, 0.55
# Share of docs on which both models answer by the same draw, and effects of clusters.
ALIKE, CLUSTER_EFFECT, MODEL_EFFECT = 0.6, 0.15, 0.1
MARGIN = 0.05
EFFECTS = (0.0, 0.02, 0.05, 0.10, 0.20)


@dataclass(frozen=True)
class World:
    """True leads by language, in adjusted score; docs in clusters of two, in any order."""

    leads: tuple[float, ...]
    n_docs: int = 204
    step: int = 50
    is_shared: bool = False

    @property
    def looks(self) -> tuple[int, ...]:
        """Return after how many docs is looked."""
        return schedule(self.n_docs, self.step)


def draw(rng: np.random.Generator, world: World) -> ScoreTable:
    """Draw the scores of all docs; in `is_shared` worlds what moves a doc does so everywhere."""
    shape = (1 if world.is_shared else len(world.leads), world.n_docs)
    clusters = rng.permutation(np.arange(world.n_docs) // 2)

    def of_cluster(size: float) -> Floats:
        return size * rng.uniform(-1, 1, (shape[0], world.n_docs))[:, clusters]

    raw = np.array(world.leads)[:, np.newaxis] * (1 - CHANCE) / 2
    base = LEVEL + of_cluster(CLUSTER_EFFECT)
    rates = (base + of_cluster(MODEL_EFFECT) + raw, base + of_cluster(MODEL_EFFECT) - raw)
    full = (len(world.leads), world.n_docs)
    first, second = rng.random(full), rng.random(full)
    second = np.where(rng.random(full) < ALIKE, first, second)
    right = [first < rates[0], second < rates[1]]
    tags = ("en", *(f"x{i:04d}" for i in range(1, full[0])))
    return ScoreTable(
        "drawn",
        ACC,
        True,
        ("A", "B"),
        tags,
        (tuple(f"d{i:04d}" for i in range(world.n_docs)),) * full[0],
        np.tile(clusters, (full[0], 1)),
        np.full(full, CHANCE),
        np.stack(right).astype(np.float64)[..., np.newaxis],
    )


def at_look(table: ScoreTable, world: World, at: np.ndarray) -> ScoreTable:
    """Keep the docs that each language has at its look."""
    looks, n_docs = world.looks, np.array(world.looks)[at]
    shares = tuple(n / looks[-1] for n in looks)
    seen = table.with_docs(np.arange(world.n_docs) < n_docs[:, np.newaxis])
    return replace(seen, looks=tuple(Looks(shares, int(one)) for one in at))


def delta_at(table: ScoreTable, world: World, at: np.ndarray, resampling: Resampling) -> Contrast:
    """Give the leads with what languages have at their looks."""
    return delta_contrast(pair_levels(at_look(table, world, at), "A", "B", resampling))


class Stopped(NamedTuple):
    """What is said of each language when it stops, and with how many docs."""

    states: np.ndarray
    docs: Floats
    is_covered: np.ndarray
    is_covered_plainly: np.ndarray
    bias: Floats


def run_single(table: ScoreTable, world: World, resampling: Resampling) -> Stopped:
    """Stop each language by itself: every one is a comparison of its own."""
    n, truth = len(table.languages), np.array(world.leads)
    states, docs = np.full(n, "undetermined", dtype=object), np.zeros(n)
    covered, plainly, bias = np.zeros(n, bool), np.zeros(n, bool), np.zeros(n)
    is_open = np.ones(n, dtype=bool)
    for at, n_docs in enumerate(world.looks):
        delta = delta_at(table, world, np.full(n, at), resampling)
        found, plain = (summarise(c, resampling) for c in (delta, replace(delta, looks=None)))
        # Benjamini and Hochberg have nothing to correct where each is alone.
        alone = [
            states_of(delta.take([i]), found.p[i : i + 1], margin=MARGIN, alpha=0.05)[0]
            for i in np.flatnonzero(is_open)
        ]
        states[is_open] = alone
        stops = is_open & ((states != "undetermined") | (at == len(world.looks) - 1))
        docs[stops], bias[stops] = n_docs, (found.estimate - truth)[stops]
        covered[stops] = ((found.low <= truth) & (truth <= found.high))[stops]
        plainly[stops] = ((plain.low <= truth) & (truth <= plain.high))[stops]
        is_open &= ~stops
    return Stopped(states, docs, covered, plainly, bias)


def naive_line(options: argparse.Namespace) -> str:
    """Return how often equal models are told apart at some look, if each is at 5 % by itself."""
    found = []
    for n_docs in (204, 900):
        world, is_apart = World((0.0,) * options.batch, n_docs), []
        for i in range(options.runs // options.batch):
            table = draw(np.random.default_rng([options.seed, i, n_docs, 0]), world)
            resampling, ever = Resampling(seed=i, replicates=options.replicates), False
            for look in range(len(world.looks)):
                at = np.full(len(world.leads), look)
                plain = replace(delta_at(table, world, at, resampling), looks=None)
                ever |= summarise(plain, resampling).p <= 0.05
            is_apart.append(np.mean(ever))
        found.append(f"{np.mean(is_apart):.3f} ({len(world.looks)} looks)")
    shares = " and ".join(found)
    return f"With plain p-values at each look, equal models would be told apart in {shares}."


def row_of(effect: float, n_docs: int, options: argparse.Namespace) -> str:
    """Return a line of the table: runs are languages that share nothing but the draws."""
    world = World((effect,) * options.batch, n_docs)
    parts, power = [], []
    for i in range(options.runs // options.batch):
        table = draw(np.random.default_rng([options.seed, i, n_docs, int(1000 * effect)]), world)
        resampling = Resampling(seed=i, replicates=options.replicates)
        parts.append(run_single(table, world, resampling))
        fixed = delta_contrast(pair_levels(table, "A", "B", resampling))
        power.append((summarise(fixed, resampling).p <= 0.05).mean())
    states = np.concatenate([part.states for part in parts])
    docs, ok, plain, bias = (np.concatenate([p[i] for p in parts]) for i in range(1, 5))
    shares = " | ".join(f"{(states == s).mean():.3f}" for s in ("better", "worse", "equivalent"))
    return (
        f"| {n_docs} | {100 * effect:.0f} | {shares} | {np.mean(power):.3f} | "
        f"{1 - docs.mean() / n_docs:.0%} | {ok.mean():.3f} | {plain.mean():.3f} | "
        f"{100 * bias.mean():+.1f} |"
    )


def run_languages(table: ScoreTable, world: World, resampling: Resampling) -> np.ndarray:
    """Stop languages as mlbench run does, English last; return at which look each is."""
    at = np.zeros(len(table.languages), dtype=int)
    while True:
        delta = delta_at(table, world, at, resampling)
        rows = language_rows(delta, None, MARGIN, resampling)
        is_open = np.array([row["verdict"] == "undetermined" for row in rows])
        further = np.minimum(at + is_open, len(world.looks) - 1)
        further[0] = max(further)
        if (further == at).all():
            return at
        at = further


def headline_lines(options: argparse.Namespace) -> list[str]:
    """Return coverage and bias of what is said of many languages whose docs are the same."""
    leads = (0.03, *np.linspace(-0.05, 0.20, 20).tolist())
    world = World(leads, is_shared=True)
    truths = {"english": leads[0], "others": np.mean(leads[1:]), "beyond": 0.0}
    truths["beyond"] = truths["others"] - truths["english"]
    found: dict[str, list[tuple[float, float, float]]] = {name: [] for name in truths}
    single, docs = [], []
    for i in range(options.runs_of_languages):
        table = draw(np.random.default_rng([options.seed, i]), world)
        resampling = Resampling(seed=i, replicates=options.replicates)
        at = run_languages(table, world, resampling)
        seen = at_look(table, world, at)
        pair = pair_levels(seen, "A", "B", resampling)
        delta = summarise(delta_contrast(pair), resampling)
        truth = np.array(leads)
        single.append(((delta.low <= truth) & (truth <= delta.high)).mean())
        docs.append(np.array(world.looks)[at].mean() / world.n_docs)
        headline = headline_of(pair)
        assert headline is not None
        for name, wanted in truths.items():
            mean = getattr(headline, name)
            wide, plain = (summarise(c, resampling) for c in (mean, replace(mean, looks=None)))
            hits = [bool(one.low[0] <= wanted <= one.high[0]) for one in (wide, plain)]
            found[name].append((*hits, float(mean.estimate[0] - wanted)))
    names = {"english": "lead in English", "others": "lead elsewhere", "beyond": "lead beyond"}
    lines = ["| of 21 languages | covered | covered plainly | bias |", "|---|---|---|---|"]
    lines.append(f"| each lead | {np.mean(single):.3f} | | |")
    for name, title in names.items():
        covered, plainly, bias = np.mean(found[name], axis=0)
        lines.append(f"| {title} | {covered:.3f} | {plainly:.3f} | {100 * bias:+.2f} |")
    return [*lines, f"\nDocs saved over these languages: {1 - np.mean(docs):.0%}."]


HEAD = (
    "| docs | lead | better | worse | equivalent | told apart with all docs | docs saved | covered "
    "| covered plainly | bias |",
    "|---|---|---|---|---|---|---|---|---|---|",
)


def main() -> None:
    """Print the tables; --write puts them into a file."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--runs", type=int, default=4000)
    parser.add_argument("--runs-of-languages", type=int, default=500)
    parser.add_argument("--replicates", type=int, default=2000)
    parser.add_argument("--batch", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", type=Path, help="file with the marks of this study")
    options = parser.parse_args()
    start = time.perf_counter()
    lines = list(HEAD)
    for n_docs in (204, 900):
        for effect in EFFECTS:
            lines.append(row_of(effect, n_docs, options))
            print(lines[-1], flush=True)
    lines += ["", naive_line(options), "", *headline_lines(options)]
    print("\n".join(lines))
    seconds = time.perf_counter() - start
    head = (
        f"`python benchmarks/sequential.py --runs {options.runs} --runs-of-languages "
        f"{options.runs_of_languages} --seed {options.seed}` ({seconds:.0f} s):\n"
    )
    if options.write:
        from pages import write_section  # beside this file, which a test loads alone

        write_section(options.write, "sequential", "\n".join([head, *lines]))


if __name__ == "__main__":
    main()
