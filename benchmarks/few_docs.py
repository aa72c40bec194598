"""Are the printed intervals true with few docs, weak models and unbalanced classes?

    python benchmarks/few_docs.py --write docs/validation.md

Docs are shaped like SIB-200: seven classes, the same docs in all languages, articles of one to
three docs. Each run draws docs and answers from known probabilities, asks the code for every
interval that a verdict prints, and compares with the truth; so does a copy of the old rule, which
left languages out by the docs that gave the lead.
"""

import argparse
import time
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from mlbench.measures import ACC, BITS, Measure, Scale
from mlbench.stats import Resampling, ScoreTable
from mlbench.stats.aggregates import languages_at_chance
from mlbench.stats.contrast import Contrast, mean_contrast, summarise
from mlbench.stats.differences import delta_contrast, headline_of, moat_contrast
from mlbench.stats.intervals import percentile
from mlbench.stats.pairs import pair_levels
from mlbench.stats.table import REFERENCE_LANGUAGE, Floats, Ints

N_DOCS = (6, 10, 20, 40, 100, 200)
# Docs of each topic in the test split of SIB-200 (204 docs).
CLASSES = np.array([51, 40, 30, 25, 22, 19, 17]) / 204
CHANCE = float(CLASSES[0])
# Shares of articles with one, two and three docs.
ARTICLES = (0.75, 0.2, 0.05)
# Standard deviations, on the probit scale, of what makes a doc hard: for all models in all
# languages, by article, for one model in all languages, and for all models in one language.
DOC, ARTICLE, MODEL, LANGUAGE = 0.8, 0.3, 0.5, 0.5
SPREAD = float(np.sqrt(1 + DOC**2 + ARTICLE**2 + MODEL**2 + LANGUAGE**2))
# The same for the logarithm of bits: length of the doc, language, model, and the rest.
LENGTH, BITS_LANGUAGE, BITS_MODEL, BITS_REST = 0.5, 0.15, 0.08, 0.10

# Docs drawn for a bias, so that its stderr is below 0.2 points also where B answers constantly.
DOCS_OF_BIAS = 130_000

ModelB = Literal["weak", "constant", "never the commonest", "the same"]
QUANTITIES = ("Δ[en]", "Δ[l]", "D[l]", "others", "moat")
Row = dict[str, float]


@dataclass(frozen=True)
class FewDocs:
    """What is drawn: `b` says what model B does, `kind` what is scored."""

    n_docs: int
    b: ModelB = "weak"
    kind: Literal["accuracy", "bits"] = "accuracy"
    n_languages: int = 30

    @property
    def measure(self) -> Measure:
        """Give the measure that is scored."""
        return ACC if self.kind == "accuracy" else BITS

    @property
    def scale(self) -> Scale:
        """Give the scale that a verdict uses."""
        return self.measure.scales[0]


@dataclass(frozen=True, eq=False)
class Draw:
    """A table and its true Delta[l], English first."""

    table: ScoreTable
    leads: Floats


def draw_articles(rng: np.random.Generator, n_docs: int) -> Ints:
    """Give the article of each doc."""
    sizes = rng.choice(np.arange(1, len(ARTICLES) + 1), size=n_docs, p=ARTICLES)
    return np.repeat(np.arange(n_docs), sizes)[:n_docs]


def draw_accuracy(rng: np.random.Generator, world: FewDocs) -> Draw:
    """Draw right and wrong answers: P(right) = Φ(ability + effects), whose mean is known exactly.

    Model A is right in 28 to 50 % of docs, and in half in English; B in 25 to 40 %.
    """
    n = world.n_languages + 1
    of_a = np.array([0.5, *np.linspace(0.28, 0.5, n - 1)])
    of_b = np.array([0.45, *np.linspace(0.25, 0.4, n - 1)])
    rates = np.stack([of_a, of_a if world.b == "the same" else of_b])
    articles = draw_articles(rng, world.n_docs)
    right = _right(rng, rates, articles)
    topics = rng.choice(len(CLASSES), size=world.n_docs, p=CLASSES)
    if world.b == "constant":
        right[1], rates[1] = topics == 0, CLASSES[0]
    elif world.b == "never the commonest":
        right[1] &= topics != 0
        rates[1] *= 1 - CLASSES[0]
    leads = (rates[0] - rates[1]) / (1 - CHANCE)
    return Draw(_table(world, articles, right.astype(np.float64)), leads)


def _right(rng: np.random.Generator, rates: Floats, articles: Ints) -> np.ndarray:
    from scipy.special import ndtri

    n_models, n_languages = rates.shape
    n_docs = len(articles)
    hardness = DOC * rng.normal(size=n_docs) + ARTICLE * rng.normal(size=n_docs)[articles]
    by_model = MODEL * rng.normal(size=(n_models, 1, n_docs))
    by_language = LANGUAGE * rng.normal(size=(1, n_languages, n_docs))
    latent = ndtri(rates)[:, :, np.newaxis] * SPREAD + hardness + by_model + by_language
    return np.asarray(rng.normal(size=latent.shape) < latent)


def draw_bits(rng: np.random.Generator, world: FewDocs) -> Draw:
    """Draw bits of docs, lognormal: the ratio of two models' expected bits is known exactly."""
    n, n_docs = world.n_languages + 1, world.n_docs
    leads = np.zeros(n) if world.b == "the same" else np.array([0.05, *np.linspace(0, 0.4, n - 1)])
    articles = draw_articles(rng, n_docs)
    length = LENGTH * rng.normal(size=n_docs)
    by_language = BITS_LANGUAGE * rng.normal(size=(1, n, n_docs))
    by_model = BITS_MODEL * rng.normal(size=(2, 1, n_docs))
    rest = BITS_REST * rng.normal(size=(2, n, n_docs))
    means = 5 + np.stack([np.zeros(n), leads])[:, :, np.newaxis]
    bits = np.exp(means + length + by_language + by_model + rest)
    return Draw(_table(world, articles, bits), leads)


def _table(world: FewDocs, articles: Ints, values: Floats) -> ScoreTable:
    n = world.n_languages + 1
    ids = tuple(f"d{i:04d}" for i in range(world.n_docs))
    chance = CHANCE if world.kind == "accuracy" else 0.0
    return ScoreTable(
        family="simulated",
        measure=world.measure,
        is_parallel=True,
        models=("a", "b"),
        languages=(REFERENCE_LANGUAGE, *(f"x{i:03d}" for i in range(n - 1))),
        doc_ids=(ids,) * n,
        clusters=np.tile(articles, (n, 1)),
        chance=np.full((n, world.n_docs), chance),
        statistics=values[..., np.newaxis],
    )


def draw(rng: np.random.Generator, world: FewDocs) -> Draw:
    """Draw a table of the world's kind."""
    return (draw_accuracy if world.kind == "accuracy" else draw_bits)(rng, world)


def run_once(rng: np.random.Generator, world: FewDocs, resampling: Resampling) -> Row:
    """Say which intervals of one draw hold the truth, what is flagged, and the headline's error."""
    drawn = draw(rng, world)
    pair = pair_levels(drawn.table, "a", "b", resampling)
    delta, moat = delta_contrast(pair, world.scale), moat_contrast(pair, world.scale)
    headline = headline_of(pair, world.scale)
    assert moat is not None and headline is not None
    elsewhere = delta.take(range(1, len(drawn.leads)))
    beyond = drawn.leads[1:] - drawn.leads[0]
    asked = (
        (headline.english, drawn.leads[:1]),
        (elsewhere, drawn.leads[1:]),
        (moat, beyond),
        (headline.others, drawn.leads[1:].mean(keepdims=True)),
        (headline.beyond, beyond.mean(keepdims=True)),
    )
    row: Row = {}
    for name, (contrast, truth) in zip(QUANTITIES, asked, strict=True):
        found = summarise(contrast, resampling)
        row[name] = float(((found.low <= truth) & (truth <= found.high)).mean())
        row[f"p {name}"] = float((found.p <= 1 - resampling.level).mean())
        row[f"width {name}"] = float((found.high - found.low).mean())
    return row | old_rule(elsewhere, drawn, resampling)


def bias_of(world: FewDocs, draws: int, seed: int = 3) -> tuple[float, float]:
    """Give the mean error of the headline in points, and its stderr."""
    errors = np.empty(draws)
    quick = Resampling(replicates=100)
    for i in range(len(errors)):
        drawn = draw(np.random.default_rng([seed, world.n_docs, i]), world)
        headline = headline_of(pair_levels(drawn.table, "a", "b", quick), world.scale)
        assert headline is not None
        errors[i] = 100 * (headline.others.estimate[0] - drawn.leads[1:].mean())
    return float(errors.mean()), float(errors.std(ddof=1) / np.sqrt(len(errors)))


def old_rule(elsewhere: Contrast, drawn: Draw, resampling: Resampling) -> Row:
    """Leave out languages where neither model is 3 stderr above chance on these very docs.

    Bias and coverage are against the true lead in the languages that are left; nan if none is.
    """
    gone = set(languages_at_chance(drawn.table, ("a", "b")))
    rows = [i for i, tag in enumerate(elsewhere.languages) if tag not in gone]
    if not rows:
        return {"old bias": np.nan, "old coverage": np.nan}
    mean = mean_contrast(elsewhere.take(rows))
    truth = float(drawn.leads[1:][rows].mean())
    low, high = old_interval(mean, resampling.level)
    return {
        "old bias": 100 * (float(mean.estimate[0]) - truth),
        "old coverage": float(low <= truth <= high),
    }


def old_interval(mean: Contrast, level: float) -> tuple[float, float]:
    """Give the expanded percentile interval, which the old rule had for any number of docs."""
    low, high = percentile(mean.replicates[:, 0], int(mean.n_clusters[0]), level)
    return float(low), float(high)


@cache
def average(world: FewDocs, runs: int, resampling: Resampling, seed: int = 1) -> Row:
    """Average many runs; nan runs (no language left by the old rule) are left out.

    Kept, as two equal models are the same whatever else B might do.
    """
    rows = []
    for i in range(runs):
        rng = np.random.default_rng([seed, world.n_docs, i])
        rows.append(run_once(rng, world, replace(resampling, seed=i)))
    table = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    return {
        name: float(np.nanmean(column)) if not np.isnan(column).all() else np.nan
        for name, column in table.items()
    }


class Part(NamedTuple):
    """One table of the study: a title and what its rows are drawn from."""

    title: str
    worlds: tuple[FewDocs, ...]


def parts() -> list[Part]:
    """List the tables."""
    few = (6, 20, 200)
    odd: tuple[ModelB, ...] = ("constant", "never the commonest")
    return [
        Part("Accuracy of weak models", tuple(FewDocs(n) for n in N_DOCS)),
        Part("Accuracy, odd models as B", tuple(FewDocs(n, b) for b in odd for n in few)),
        Part("Bits", tuple(FewDocs(n, kind="bits") for n in N_DOCS)),
    ]


def lines_of(part: Part, runs: int, resampling: Resampling, seed: int) -> list[str]:
    """Write one table as Markdown; size is that of runs of their own in which A and B are equal."""
    names = QUANTITIES
    heads = ["B", "docs", *names, "bias", "its stderr", "size Δ[l]", "size others", "size moat"]
    heads += ["old bias", "old covered"]
    lines = [f"### {part.title}", "", f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for world in part.worlds:
        found = average(world, runs, resampling, seed)
        bias = bias_of(world, max(runs, DOCS_OF_BIAS // world.n_docs), seed + 2)
        same = average(replace(world, b="the same"), runs, resampling, seed + 1)
        cells = [world.b, str(world.n_docs), *(f"{found[name]:.3f}" for name in QUANTITIES)]
        cells += [f"{bias[0]:+.2f}", f"{bias[1]:.2f}"]
        cells += [f"{same['p ' + name]:.3f}" for name in ("Δ[l]", "others", "moat")]
        cells += [f"{found['old bias']:+.1f}", f"{found['old coverage']:.2f}"]
        lines.append(f"| {' | '.join(cells)} |")
        print(lines[-1], flush=True)
    return [*lines, ""]


def main() -> None:
    """Run all tables and print them as Markdown; --write puts them into a file."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--replicates", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", type=Path, help="file with the marks of this study")
    options = parser.parse_args()
    start, resampling = time.perf_counter(), Resampling(replicates=options.replicates)
    lines = [
        line for part in parts() for line in lines_of(part, options.runs, resampling, options.seed)
    ]
    seconds = time.perf_counter() - start
    command = f"python benchmarks/few_docs.py --runs {options.runs}"
    command += f" --replicates {options.replicates} --seed {options.seed}"
    lines.insert(0, f"`{command}` (numpy {np.__version__}, {seconds:.0f} s):\n")
    if options.write:
        # Here, as tests load this file from another folder.
        from pages import write_section

        write_section(options.write, "few docs", "\n".join(lines))


if __name__ == "__main__":
    main()
