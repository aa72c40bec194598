"""What does a verdict say of docs that do not vary? Everything right, or all of one model wrong."""

from typing import Any

import numpy as np
import pytest
from stats_toys import FACTS, QUICK

from mlbench.judge import Evidence, judge, read_claims
from mlbench.stats import CellScores, table_from_cells


def everything_judged(found: Any, at: str = "$") -> dict[str, dict[str, Any]]:
    """Find every effect, claim and language of a verdict by its place."""
    if isinstance(found, list):
        parts = [everything_judged(value, f"{at}[{i}]") for i, value in enumerate(found)]
        return {place: one for part in parts for place, one in part.items()}
    if not isinstance(found, dict):
        return {}
    inner = [everything_judged(value, f"{at}.{key}") for key, value in found.items()]
    mine = {at: found} if "verdict" in found else {}
    return mine | {place: one for part in inner for place, one in part.items()}


def flat_verdict(right_a: float, right_b: float, n: int) -> dict[str, dict[str, Any]]:
    ids = [f"d{i}" for i in range(n)]
    cells = [
        CellScores(model, tag, ids, np.full(n, right), chance=0.25)
        for model, right in (("a", right_a), ("b", right_b))
        for tag in ("en", "ja", "sw", "ta", "tr", "zu")
    ]
    evidence = Evidence((table_from_cells("f", cells),), FACTS)
    return everything_judged(judge(evidence, "a", "b", claims=read_claims(), resampling=QUICK))


@pytest.mark.parametrize(("a", "b", "n"), [(1, 1, 4), (0, 0, 4), (1, 0, 5), (0, 1, 5), (1, 1, 20)])
def test_docs_that_do_not_vary_show_nothing(a: float, b: float, n: int) -> None:
    judged = flat_verdict(a, b, n)
    allowed = {"undetermined"} if a == b or n < 6 else {"undetermined", "supported", "better"}
    # Coverage counts languages by tests of its own; it has no interval of scores.
    wrong = {
        place: one["verdict"]
        for place, one in judged.items()
        if one["verdict"] not in {*allowed, None} and one.get("kind") != "coverage"
    }
    assert wrong == {}


@pytest.mark.parametrize(("a", "b"), [(1, 1), (1, 0)])
def test_no_interval_is_empty_where_docs_do_not_vary(a: float, b: float) -> None:
    for place, one in flat_verdict(a, b, 5).items():
        if one.get("low") is not None:
            assert one["high"] - one["low"] > 0.1, place


@pytest.mark.parametrize("n", [5, 6])
def test_what_could_have_been_seen_is_unknown_below_six_docs(n: int) -> None:
    judged = flat_verdict(1, 1, n)
    assert (judged["$.moat"]["mde"] is None) == (n < 6)
    assert (judged["$.per_language[1]"]["mde"] is None) == (n < 6)
    assert (judged["$.per_language[1]"]["moat_mde"] is None) == (n < 6)
