"""Formulations of the same docs are drawn alike, and are no new evidence."""

from dataclasses import replace

import numpy as np
import pytest
from stats_toys import QUICK, make_table

from mlbench.judge import Evidence, judge, read_claims
from mlbench.stats import ScoreTable
from mlbench.stats.aggregates import mean_of_families
from mlbench.stats.contrast import mean_contrast
from mlbench.stats.differences import paired_contrast


def named(table: ScoreTable, family: str, doc_set: str | None) -> ScoreTable:
    return replace(table, family=family, doc_set=doc_set)


def test_families_of_one_doc_set_share_their_draws():
    table = make_table()
    one, two, other = (
        paired_contrast(named(table, *names), "good", "plain", QUICK).replicates
        for names in (("a", "docs"), ("b", "docs"), ("c", None))
    )
    assert (one == two).all() and (one != other).any()


def test_docs_of_two_formulations_count_once_and_their_mean_is_no_surer():
    table = make_table()

    def mean_of(doc_set: str | None):
        contrasts = [
            mean_contrast(paired_contrast(named(table, name, doc_set), "good", "plain", QUICK))
            for name in ("a", "b")
        ]
        mean = mean_of_families(contrasts)
        assert mean is not None
        return contrasts[0], mean

    single, twins = mean_of("docs")
    assert twins.n_docs == single.n_docs and twins.n_clusters == single.n_clusters
    assert twins.stderr == pytest.approx(single.stderr)
    single, others = mean_of(None)
    assert others.n_docs == 2 * single.n_docs
    assert others.stderr < 0.85 * single.stderr


def test_three_formulations_are_pooled_as_the_one_family_that_they_are():
    table = make_table()
    families = [named(table, name, "docs") for name in ("a", "b", "c")]
    alone = judge(Evidence((families[0],)), "good", "plain", claims=read_claims(), resampling=QUICK)
    three = judge(
        Evidence(tuple(families)), "good", "plain", claims=read_claims(), resampling=QUICK
    )
    assert three["pooled_families"] == ["a", "b", "c"]
    for part in ("english", "others", "moat"):
        for key in ("estimate", "low", "high", "n_families"):
            assert three[part][key] == pytest.approx(alone[part][key]), (part, key)
    apart = [named(table, family.family, None) for family in families]
    as_three = judge(
        Evidence(tuple(apart)), "good", "plain", claims=read_claims(), resampling=QUICK
    )
    assert as_three["moat"]["n_families"] == 3
    assert np.isfinite(as_three["moat"]["low"])
