"""Are the intervals and tests of mlbench.stats as sure as they say? A simulation study.

    python benchmarks/validation.py --runs 500 --write docs/validation.md

Scores are drawn from known probabilities with item effects that all languages share; each run asks
the code and compares with the truth. tests/test_stats_validation.py runs a short version.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mlbench.judge.effects import effect_of
from mlbench.measures import ACC, CHRF
from mlbench.stats import Plan, Resampling, ScoreTable, holm, predicted_effect
from mlbench.stats.aggregates import mean_of_families, sampled_mean
from mlbench.stats.contrast import Contrast, interval_of, mean_contrast, two_sided_p
from mlbench.stats.differences import delta_contrast, moat_contrast
from mlbench.stats.equivalence import tost_p
from mlbench.stats.intervals import z_of
from mlbench.stats.pairs import pair_levels
from mlbench.stats.table import REFERENCE_LANGUAGE, Floats

# Size of each item effect on the probability of a right answer, on either side of zero. With bases
# between 0.4 and 0.6 no probability leaves [0, 1], so that the truth is the base exactly.
CLUSTER_EFFECT, MODEL_EFFECT, LANGUAGE_EFFECT = 0.15, 0.15, 0.08


@dataclass(frozen=True)
class World:
    """A known truth: moats D[l] of A over B by language, the lead in English, docs and clusters."""

    moats: tuple[float, ...] = tuple(np.linspace(0.0, 0.12, 19).tolist())
    english_lead: float = 0.03
    n_clusters: int = 150
    docs_a_cluster: int = 2
    is_parallel: bool = True

    def leads(self) -> Floats:
        """Give Delta[l], English first."""
        return self.english_lead + np.array([0.0, *self.moats])


class Asked(NamedTuple):
    """What the code says about one draw."""

    delta: Contrast
    moat: Contrast
    mean: Contrast


def draw_table(
    rng: np.random.Generator, world: World, answers: np.random.Generator | None = None
) -> ScoreTable:
    """Draw 0/1 scores: clusters, models and languages move the probability of each doc.

    The effects of cluster and of model by doc are the same in all languages of a parallel family.
    `answers` draws who is right, if not `rng` as all the rest.
    """
    leads = world.leads()
    n_languages, n_docs = len(leads), world.n_clusters * world.docs_a_cluster
    clusters = np.repeat(np.arange(world.n_clusters), world.docs_a_cluster)
    shared = (1 if world.is_parallel else n_languages,)

    def effects(size: float, *shape: int) -> Floats:
        return size * rng.uniform(-1, 1, size=shape)

    of_cluster = effects(CLUSTER_EFFECT, 1, *shared, world.n_clusters)[..., clusters]
    of_model = effects(MODEL_EFFECT, 2, *shared, world.n_clusters)[..., clusters]
    of_language = effects(LANGUAGE_EFFECT, 1, n_languages, n_docs)
    base = 0.5 + np.stack([leads, -leads])[:, :, np.newaxis] / 2
    chance = base + of_cluster + of_model + of_language
    right = (answers or rng).random(chance.shape) < chance
    tags = (REFERENCE_LANGUAGE, *(f"x{i:03d}" for i in range(n_languages - 1)))
    ids = tuple(f"d{i:05d}" for i in range(n_docs))
    return ScoreTable(
        family="simulated",
        measure=ACC,
        is_parallel=world.is_parallel,
        models=("a", "b"),
        languages=tags,
        doc_ids=(ids,) * n_languages,
        clusters=np.tile(clusters, (n_languages, 1)),
        chance=np.zeros((n_languages, n_docs)),
        statistics=right.astype(np.float64)[..., np.newaxis],
    )


def ask(table: ScoreTable, resampling: Resampling) -> Asked:
    """Let the code estimate Delta, D and M."""
    pair = pair_levels(table, "a", "b", resampling)
    moat = moat_contrast(pair)
    assert moat is not None
    return Asked(delta_contrast(pair), moat, mean_contrast(moat))


def permuted(rng: np.random.Generator, table: ScoreTable) -> ScoreTable:
    """Swap the labels of the two models in a random half of the clusters: no difference is left."""
    swap = rng.random(int(table.clusters.max()) + 1) < 0.5
    swapped = np.where(swap[table.clusters], table.values[::-1], table.values)
    return replace(table, statistics=swapped[..., np.newaxis])


def naive_interval(moat: Contrast, level: float) -> tuple[float, float]:
    """Give M's interval as if languages were independent: the mistake that is guarded against."""
    stderr = float(np.sqrt((moat.stderr**2).sum())) / len(moat.languages)
    centre, radius = float(moat.estimate.mean()), z_of(level) * stderr
    return centre - radius, centre + radius


Row = dict[str, float]


def covered(asked: Asked, truths: tuple[Floats, ...], resampling: Resampling) -> Row:
    """Give the share of the intervals of Delta, D and M that hold the truth."""
    row: Row = {}
    for name, contrast, truth in zip(("Delta[l]", "D[l]", "M"), asked, truths, strict=True):
        low, high = interval_of(contrast, resampling.level)
        row[name] = float(((low <= truth) & (truth <= high)).mean())
    return row


def coverage_run(rng: np.random.Generator, world: World, resampling: Resampling) -> Row:
    """Say which intervals of one draw hold the truth (share over languages for Delta and D)."""
    asked = ask(draw_table(rng, world), resampling)
    truths = (world.leads(), np.array(world.moats), np.array([np.mean(world.moats)]))
    row = covered(asked, truths, resampling)
    low, high = naive_interval(asked.moat, resampling.level)
    row["M, languages as independent"] = float(low <= truths[2][0] <= high)
    narrow = (high - low) / float(np.diff(interval_of(asked.mean, resampling.level)[:, 0])[0])
    row["width of the naive interval / ours"] = narrow
    return row


def same_model_run(rng: np.random.Generator, world: World, resampling: Resampling) -> Row:
    """Compare two samples of the same model: what is flagged is a false alarm."""
    none = replace(world, moats=(0.0,) * len(world.moats), english_lead=0.0)
    asked = ask(draw_table(rng, none), resampling)
    alpha = 1 - resampling.level
    effect = effect_of(asked.mean, 0.02, resampling=resampling, n_languages=1, method="")
    return {
        "a language's Delta flagged after Holm": float(
            (holm(two_sided_p(asked.delta)) <= alpha).any()
        ),
        "a language's D flagged after Holm": float((holm(two_sided_p(asked.moat)) <= alpha).any()),
        "moat supported": float(effect.verdict == "supported"),
        "moat refuted": float(effect.verdict == "refuted"),
        "moat equivalent": float(effect.verdict == "equivalent"),
        "moat undetermined": float(effect.verdict == "undetermined"),
    }


def permutation_run(rng: np.random.Generator, world: World, resampling: Resampling) -> Row:
    """Permute the labels of models that differ, and test at 5 %."""
    asked = ask(permuted(rng, draw_table(rng, world)), resampling)
    alpha = 1 - resampling.level
    names = ("Delta[l]", "D[l]", "M")
    return {
        name: float((two_sided_p(contrast) <= alpha).mean())
        for name, contrast in zip(names, asked, strict=True)
    }


def draw_discordant(rng: np.random.Generator, plan: Plan, leads: tuple[float, ...]) -> ScoreTable:
    """Draw pairs of 0/1 scores that differ on the planned share of docs, with a known lead each."""
    shape = (len(leads), plan.n_docs)
    u, lead = rng.random(shape), np.array(leads)[:, np.newaxis]
    only_a = u < (plan.discordant + lead) / 2
    only_b = ~only_a & (u < plan.discordant)
    both = ~only_a & ~only_b & (rng.random(shape) < 0.5)
    table = draw_table(rng, World((0.0,) * (len(leads) - 1), 0.0, plan.n_docs, 1))
    values = np.stack([only_a | both, only_b | both]).astype(np.float64)
    return replace(table, statistics=values[..., np.newaxis])


def power_run(rng: np.random.Generator, plan: Plan, resampling: Resampling) -> Row:
    """Plant a lead and a moat of the predicted size, and see whether they are found."""
    alpha = 1 - resampling.level
    lead, moat = predicted_effect(plan), predicted_effect(plan, is_moat=True)
    asked = ask(draw_discordant(rng, plan, (0.0, lead, moat)), resampling)
    return {
        "Delta[l] at its predicted effect": float(two_sided_p(asked.delta)[1] <= alpha),
        "D[l] at its predicted effect": float(two_sided_p(asked.moat)[1] <= alpha),
    }


def margin_run(rng: np.random.Generator, world: World, resampling: Resampling) -> Row:
    """Test equivalence of a moat that lies on the margin: it may pass in 5 % of runs."""
    margin = 0.05
    edge = replace(world, moats=(margin,) * len(world.moats), n_clusters=1000)
    asked = ask(draw_table(rng, edge), resampling)
    alpha = 1 - resampling.level
    return {
        "D[l] on the margin called equivalent": float((tost_p(asked.moat, margin) <= alpha).mean()),
        "M on the margin called equivalent": float(tost_p(asked.mean, margin)[0] <= alpha),
    }


def sampled_run(rng: np.random.Generator, world: World, resampling: Resampling) -> Row:
    """Draw families of languages too, and ask for the mean moat of all languages there could be."""
    n_families, a_family, spread = 12, 5, 0.03
    by_family = rng.normal(0.05, spread, size=n_families).repeat(a_family)
    moats = by_family + rng.normal(0, spread, size=n_families * a_family)
    asked = ask(draw_table(rng, replace(world, moats=tuple(np.clip(moats, -0.1, 0.2)))), resampling)
    families = [f"f{i // a_family:02d}" for i in range(n_families * a_family)]
    sampled = sampled_mean(asked.moat, families, resampling)
    row = {}
    for name, mean in (("languages as a sample", sampled), ("languages fixed", asked.mean)):
        low, high = interval_of(mean, resampling.level)[:, 0]
        row[name] = float(low <= 0.05 <= high)
    return row


def twins_run(rng: np.random.Generator, world: World, resampling: Resampling) -> Row:
    """Average two formulations of the same docs, drawn alike and drawn as if they were others."""
    state = rng.bit_generator.state
    first = draw_table(rng, world)
    answers = np.random.default_rng(rng.integers(2**32))
    rng.bit_generator.state = state
    # The same docs are as hard again; whether a model answers one is drawn anew.
    second = draw_table(rng, world, answers)
    truth, row = float(world.leads().mean()), {}
    for name, doc_set in (("mean of two formulations", "docs"), ("drawn as other docs", None)):
        tables = [
            replace(table, family=f"f{i}", doc_set=doc_set)
            for i, table in enumerate((first, second))
        ]
        mean = mean_of_families([mean_contrast(ask(t, resampling).delta) for t in tables])
        assert mean is not None
        low, high = interval_of(mean, resampling.level)[:, 0]
        row[name] = float(low <= truth <= high)
    return row


ORDERS = 8
# The share of n-grams of order one that a model gets right, by model: English, then elsewhere.
RIGHT = np.array([[0.75, 0.70, 0.70, 0.70], [0.72, 0.60, 0.63, 0.66]])


def draw_corpora(rng: np.random.Generator, n_docs: int) -> Floats:
    """Draw chrF++ counts [model, language, doc, 24]: long and hard docs are so for everyone."""
    length = np.ceil(np.exp(rng.normal(4.0, 0.6, n_docs)))
    ease = rng.normal(0.0, 0.5, n_docs)
    of_model = rng.normal(0.0, 0.3, (2, 1, n_docs))
    chance = 1 / (1 + np.exp(-(np.log(RIGHT / (1 - RIGHT))[..., np.newaxis] + ease + of_model)))
    counts = np.empty((*chance.shape, 3 * ORDERS))
    for order in range(ORDERS):
        n = np.maximum(length - order, 1)
        counts[..., 3 * order] = counts[..., 3 * order + 1] = n
        right = chance ** (1 + order % 6)
        counts[..., 3 * order + 2] = rng.binomial(n.astype(np.int64), right)
    return counts


@cache
def true_levels() -> Floats:
    """Give corpus chrF++ [model, language] of a corpus without end: half a million docs."""
    counts = draw_corpora(np.random.default_rng(0), 500_000)
    return CHRF.value(counts.sum(axis=2), np.full(RIGHT.shape, 500_000.0))


def corpus_run(rng: np.random.Generator, n_docs: int, resampling: Resampling) -> Row:
    """Say which intervals of corpus chrF++ hold the truth."""
    tags = (REFERENCE_LANGUAGE, *(f"x{i}" for i in range(RIGHT.shape[1] - 1)))
    ids = tuple(f"d{i:05d}" for i in range(n_docs))
    table = ScoreTable(
        family="corpus",
        measure=CHRF,
        is_parallel=True,
        models=("a", "b"),
        languages=tags,
        doc_ids=(ids,) * len(tags),
        clusters=np.tile(np.arange(n_docs), (len(tags), 1)),
        chance=np.zeros((len(tags), n_docs)),
        statistics=draw_corpora(rng, n_docs),
    )
    asked = ask(table, resampling)
    leads = true_levels()[0] - true_levels()[1]
    truths = (leads, leads[1:] - leads[0], np.array([(leads[1:] - leads[0]).mean()]))
    return covered(asked, truths, resampling)


def repeat(
    run: Callable[[np.random.Generator, int], Row], runs: int, seed: int
) -> dict[str, tuple[float, float]]:
    """Average the rows of many runs; the second number is the stderr over runs."""
    rows = [run(np.random.default_rng([seed, i]), i) for i in range(runs)]
    table = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    return {
        name: (float(column.mean()), float(column.std(ddof=1) / np.sqrt(runs)))
        for name, column in table.items()
    }


class Study(NamedTuple):
    """One table of the study: what is asked, what should come out, and a run."""

    title: str
    wanted: str
    run: Callable[[np.random.Generator, int], Row]


def studies(replicates: int) -> list[Study]:
    """List the tables, each with worlds as small as real families are."""

    def with_seed(i: int) -> Resampling:
        return Resampling(seed=i, replicates=replicates)

    world = World()
    apart = replace(world, is_parallel=False)
    plan = Plan(n_docs=300)
    few = replace(world, n_clusters=25, docs_a_cluster=2)
    cover = "0.93 to 0.97 (the naive interval far less)"
    return [
        *(
            Study(title, cover, lambda rng, i, its=its: coverage_run(rng, its, with_seed(i)))
            for title, its in (
                ("Coverage of 95 % intervals, parallel family (150 clusters of 2 docs)", world),
                ("Coverage, family that is not parallel", apart),
                ("Coverage with few docs (25 clusters of 2)", few),
            )
        ),
        Study(
            "Coverage of the mean lead of two formulations of the same docs",
            "0.93 to 0.97; less where they are drawn as other docs",
            lambda rng, i: twins_run(rng, world, with_seed(i)),
        ),
        *(
            Study(
                f"Coverage of corpus chrF++ ({n_docs} sentences of unequal length)",
                "0.93 to 0.97",
                lambda rng, i, n_docs=n_docs: corpus_run(rng, n_docs, with_seed(i)),
            )
            for n_docs in (20, 200)
        ),
        Study(
            "Coverage of the mean over all languages there could be (12 families of 5)",
            "0.95 or more for the sample; the fixed target does not promise it",
            lambda rng, i: sampled_run(rng, world, with_seed(i)),
        ),
        Study(
            "Two samples of the same model (A/A)",
            "a flag in 0.05 of runs or fewer, supported in 0.025 or fewer",
            lambda rng, i: same_model_run(rng, world, with_seed(i)),
        ),
        Study(
            "Size after permuting the labels of two models that differ",
            "0.05",
            lambda rng, i: permutation_run(rng, world, with_seed(i)),
        ),
        Study(
            "Power at the predicted minimal detectable effect (300 docs, discordant share 0.20)",
            "0.75 to 0.85",
            lambda rng, i: power_run(rng, plan, with_seed(i)),
        ),
        Study(
            "Size of the equivalence test (margin 5 points, effect on it, 1,000 clusters of 2)",
            "0.05 or fewer",
            lambda rng, i: margin_run(rng, world, with_seed(i)),
        ),
    ]


def main() -> None:
    """Run all studies and print them as Markdown; --write puts them into a file."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--replicates", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="studies whose title holds this text")
    parser.add_argument("--write", type=Path, help="file with the marks of the study")
    options = parser.parse_args()
    start, lines = time.perf_counter(), []
    for study in studies(options.replicates):
        if options.only not in study.title:
            continue
        found = repeat(study.run, options.runs, options.seed)
        block = [f"### {study.title}", "", f"Wanted: {study.wanted}.", ""]
        block += ["| quantity | measured | stderr over runs |", "|---|---|---|"]
        block += [f"| {name} | {value:.3f} | {se:.3f} |" for name, (value, se) in found.items()]
        print("\n".join(block), "\n", flush=True)
        lines += [*block, ""]
    given = " ".join(f"--{name} {vars(options)[name]}" for name in ("runs", "replicates", "seed"))
    command = f"python benchmarks/validation.py {given}"
    lines.insert(0, f"`{command}` (numpy {np.__version__}, {time.perf_counter() - start:.0f} s):\n")
    if options.write:
        # Here, as tests load this file from another folder.
        from pages import write_section

        write_section(options.write, "study", "\n".join(lines))


if __name__ == "__main__":
    main()
