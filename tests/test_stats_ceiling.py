"""No interval is narrower than what the docs allow, where all docs say the same."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from test_cli import run_cli

from mlbench.judge.run import judge_run
from mlbench.store.read import read_run

LANGUAGES = ("en", "sw", "th", "tr", "hi", "id", "zh-Hans", "ar")
Score = Callable[[str, int], float]


def right(_: str, __: int) -> float:
    return 1.0


def wrong(_: str, __: int) -> float:
    return 0.0


def pattern(_: str, doc: int) -> float:
    return float(doc % 3 == 0)


def half(_: str, __: int) -> float:
    return 0.5


def verdict_of(capsys, a: Score, b: Score, n: int, families: int = 1) -> dict[str, Any]:
    """Import scores of two models and judge them."""
    lines = ["model,family,language,doc_id,score,chance"]
    for family, tag, doc in itertools.product(range(families), LANGUAGES, range(n)):
        for model, score in (("a", a), ("b", b)):
            lines.append(f"{model},f{family},{tag},{doc},{score(tag, doc)},0.25")
    Path("t.csv").write_text("\n".join(lines), encoding="utf-8")
    assert run_cli(capsys, "import", "csv", "t.csv", "--run", "r")[0] == 0
    return dict(judge_run(read_run("r"), "a", "b"))


def effects(found: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every effect of a verdict with its place, coverage aside, which counts languages."""
    if isinstance(found, dict):
        if {"low", "verdict"} <= set(found) and found.get("kind") != "coverage":
            yield path, found
        for key, value in found.items():
            yield from effects(value, f"{path}/{key}")
    elif isinstance(found, list):
        for place, value in enumerate(found):
            yield from effects(value, f"{path}/{place}")


@pytest.mark.parametrize("families", [1, 2, 3])
@pytest.mark.parametrize("n", [2, 4, 5])
@pytest.mark.parametrize("both", [right, wrong, pattern, half])
def test_few_equal_docs_decide_nothing_anywhere(capsys, both, n, families):
    found = list(effects(verdict_of(capsys, both, both, n, families)))
    assert len(found) > 20
    for place, effect in found:
        assert effect["verdict"] in ("undetermined", None), place
        if effect["low"] == effect["low"] and effect["low"] is not None:
            assert effect["high"] - effect["low"] > 2 * 4 / 3 / (families * n + 2), place
        assert not effect.get("mde") or effect["mde"] > 0.1, place


@pytest.mark.parametrize(("a", "b"), [(right, wrong), (wrong, right)])
@pytest.mark.parametrize("n", [5, 8, 40])
def test_a_lead_that_never_varies_has_an_interval(capsys, a, b, n):
    """One doc more may be tied: 4/3 of it, on n docs and two that were not seen."""
    for place, effect in effects(verdict_of(capsys, a, b, n)):
        if effect["low"] is not None and effect["low"] == effect["low"]:
            assert effect["high"] - effect["low"] > 4 / 3 / (n + 2), place


def test_a_sample_of_languages_is_no_surer_than_its_docs(capsys):
    found = verdict_of(capsys, lambda tag, doc: float(tag != "en"), right, 6)
    fixed, sampled = found["targets"]["fixed"], found["targets"]["sampled"]
    assert sampled["high"] - sampled["low"] >= fixed["high"] - fixed["low"] > 1


def test_languages_chosen_by_other_docs_are_no_surer_than_all(capsys):
    found = verdict_of(capsys, right, wrong, 5, 3)
    chosen, group = found["above_chance"]["others"], found["groups"][0]["delta"]
    assert chosen["high"] - chosen["low"] >= group["high"] - group["low"]


@pytest.mark.parametrize("ratio", [1.0, 1.1])
def test_bits_in_one_ratio_have_an_interval(capsys, ratio):
    lines = ["model,family,language,doc_id,score,loglikelihood,n_bytes"]
    for tag, doc in itertools.product(LANGUAGES, range(5)):
        bits = 100 + 7 * (doc * 37 % 11)
        lines.append(f"a,text,{tag},{doc},,-{bits},50")
        lines.append(f"b,text,{tag},{doc},,-{bits * ratio},50")
    Path("t.csv").write_text("\n".join(lines), encoding="utf-8")
    assert run_cli(capsys, "import", "csv", "t.csv", "--run", "r")[0] == 0
    found = list(effects(judge_run(read_run("r"), "a", "b")))
    for place, effect in found:
        assert effect["verdict"] in ("undetermined", None), place
        if effect["low"] is not None and effect["low"] == effect["low"]:
            assert effect["high"] - effect["low"] > 0.2, place


def test_the_page_of_a_saturated_run_decides_nothing(capsys):
    verdict_of(capsys, right, right, 4)
    assert run_cli(capsys, "report", "r")[0] == 0
    page = Path("reports/r/index.html").read_text(encoding="utf-8")
    assert "0.0 [0.0, 0.0]" not in page and "100.0 [100.0, 100.0]" not in page
    assert ">equivalent<" not in page and ">supported<" not in page
    assert "Mnan" not in page and "No model is first alone" in page


def test_a_model_that_has_all_right_is_above_chance_and_first(capsys):
    found = verdict_of(capsys, right, wrong, 40)
    coverage = next(claim for claim in found["claims"] if claim["kind"] == "coverage")
    assert coverage["estimate"] == coverage["low"] == len(LANGUAGES)
    assert run_cli(capsys, "report", "r")[0] == 0
    page = Path("reports/r/index.html").read_text(encoding="utf-8")
    assert "is ahead of every other model" in page
