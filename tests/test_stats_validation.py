"""Intervals cover, tests keep their size, planned power is met: the study, in short.

Each run is seeded. A bound is the wanted rate with the binomial error of that many runs, so that a
right program fails for one seed in some thousand; the long study is in docs/validation.md.
"""

import doctest
import importlib
import pkgutil
import subprocess
import sys
from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from scipy import stats as scipy_stats
from stats_toys import load_study

import mlbench.stats
from mlbench.stats import Resampling

study, few_docs = load_study(), load_study("few_docs")
RUNS = 120
QUICK = Resampling(replicates=400)
WORLD = study.World(moats=(0.0, 0.05, 0.1, 0.12, 0.02), n_clusters=80)
# Wanted false alarms of a right program: one in about a thousand checks.
SURE = 0.9995


@cache
def rates(run: Callable[..., dict[str, float]], runs: int = RUNS) -> dict[str, float]:
    """Average a run of the study over seeds."""
    found = study.repeat(lambda rng, i: run(rng, i), runs, seed=11)
    return {name: value for name, (value, _) in found.items()}


def coverage(rng: np.random.Generator, i: int) -> dict[str, float]:
    return study.coverage_run(rng, WORLD, QUICK)


def same_model(rng: np.random.Generator, i: int) -> dict[str, float]:
    return study.same_model_run(rng, WORLD, QUICK)


def permutation(rng: np.random.Generator, i: int) -> dict[str, float]:
    return study.permutation_run(rng, WORLD, QUICK)


def power(rng: np.random.Generator, i: int) -> dict[str, float]:
    return study.power_run(rng, study.Plan(n_docs=200), QUICK)


def at_least(rate: float, runs: int = RUNS) -> float:
    """Give the share of runs that a true rate falls below only by bad luck."""
    return float(scipy_stats.binom.ppf(1 - SURE, runs, rate)) / runs


def at_most(rate: float, runs: int = RUNS) -> float:
    """Give the share of runs that a true rate passes only by bad luck."""
    return float(scipy_stats.binom.ppf(SURE, runs, rate)) / runs


@pytest.mark.parametrize("quantity", ["Delta[l]", "D[l]", "M"])
def test_intervals_cover_the_truth(quantity: str) -> None:
    assert at_least(0.94) <= rates(coverage)[quantity] <= at_most(0.96)


def test_independent_languages_would_not_cover() -> None:
    assert rates(coverage)["M, languages as independent"] < at_least(0.93)
    assert rates(coverage)["width of the naive interval / ours"] < 0.7


def test_two_samples_of_a_model_are_hardly_ever_flagged() -> None:
    found = rates(same_model)
    assert found["a language's Delta flagged after Holm"] <= at_most(0.05)
    assert found["a language's D flagged after Holm"] <= at_most(0.05)
    assert found["moat supported"] <= at_most(0.025)


def test_a_model_against_itself_is_never_supported() -> None:
    for seed in range(20):
        table = study.draw_table(np.random.default_rng(seed), WORLD)
        pair = study.pair_levels(table, "a", "a", QUICK)
        moat = study.mean_contrast(study.moat_contrast(pair))
        effect = study.effect_of(moat, 0.02, resampling=QUICK, n_languages=5, method="")
        assert effect.estimate == 0 and effect.verdict in ("equivalent", "undetermined")


@pytest.mark.parametrize("quantity", ["Delta[l]", "D[l]", "M"])
def test_permuted_labels_are_rejected_at_the_level(quantity: str) -> None:
    assert rates(permutation)[quantity] <= at_most(0.05)
    assert rates(permutation)[quantity] > 0


@pytest.mark.parametrize("quantity", ["Delta[l]", "D[l]"])
def test_predicted_effect_is_found_as_often_as_predicted(quantity: str) -> None:
    found = rates(power)[f"{quantity} at its predicted effect"]
    assert at_least(0.78) <= found <= at_most(0.82)


@cache
def few(n_docs: int, b: str, kind: str = "accuracy") -> dict[str, float]:
    """Average the study of few docs."""
    world = few_docs.FewDocs(n_docs, b, kind, n_languages=12)
    found: dict[str, float] = few_docs.average(world, RUNS, QUICK)
    return found


@pytest.mark.parametrize("b", ["weak", "constant", "never the commonest"])
@pytest.mark.parametrize("n_docs", [6, 20, 60])
@pytest.mark.parametrize("quantity", few_docs.QUANTITIES)
def test_few_docs_have_intervals_that_cover(n_docs: int, b: str, quantity: str) -> None:
    # Six docs cover more than 95 %: five of them can never rule out zero.
    upper = 1.0 if n_docs < 20 else at_most(0.97)
    assert at_least(0.94) <= few(n_docs, b)[quantity] <= upper


@pytest.mark.parametrize("n_docs", [6, 60])
@pytest.mark.parametrize("quantity", few_docs.QUANTITIES)
def test_bits_of_few_docs_have_intervals_that_cover(n_docs: int, quantity: str) -> None:
    assert at_least(0.94) <= few(n_docs, "weak", "bits")[quantity] <= at_most(0.98)


@pytest.mark.parametrize("kind", ["accuracy", "bits"])
@pytest.mark.parametrize("quantity", few_docs.QUANTITIES)
def test_few_docs_hardly_ever_flag_equal_models(kind: str, quantity: str) -> None:
    assert few(20, "the same", kind)[f"p {quantity}"] <= at_most(0.05)


@pytest.mark.parametrize("n_docs", [10, 20, 40])
def test_bits_of_uneven_docs_keep_their_size(n_docs: int) -> None:
    # With one degree of freedom a cluster, long and short alike, the size is 0.06.
    world = few_docs.FewDocs(n_docs, "the same", "bits", n_languages=3)
    found = few_docs.average(world, 1500, QUICK)
    assert np.mean([found[f"p {quantity}"] for quantity in few_docs.QUANTITIES]) <= 0.052


def test_few_docs_do_not_bias_the_lead_as_the_old_rule_did() -> None:
    world = few_docs.FewDocs(6, "weak", n_languages=12)
    bias, stderr = few_docs.bias_of(world, 10 * RUNS)
    assert abs(bias) < 4 * stderr < few(6, "weak")["old bias"] - 2


@pytest.mark.parametrize(
    "name", [module.name for module in pkgutil.iter_modules(mlbench.stats.__path__)]
)
def test_examples_in_docstrings_are_true(name: str) -> None:
    module = importlib.import_module(f"mlbench.stats.{name}")
    assert doctest.testmod(module).failed == 0


def test_exported_names_exist() -> None:
    for name in mlbench.stats.__all__:
        assert hasattr(mlbench.stats, name), name
    assert sorted(mlbench.stats.__all__) == mlbench.stats.__all__


def test_importing_the_package_does_not_import_scipy() -> None:
    code = "import sys, mlbench.stats; print([m for m in ('scipy', 'yaml') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
