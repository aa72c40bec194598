"""The border of mlbench.stats: cells that do not fit together become a message, never a number."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stats_toys import make_cells, make_table

from mlbench.errors import DataError, SelectionError
from mlbench.measures import BITS
from mlbench.stats import CellScores, ScoreTable, table_from_cells

IDS = ["d1", "d2", "d3"]


def cell(model: str = "a", language: str = "en", **changes: object) -> CellScores:
    """Make a cell of three docs, with changes."""
    given: dict = {"doc_ids": IDS, "values": [0.0, 1.0, 1.0], **changes}
    return CellScores(model, language, **given)


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ([], r"family 'f': no cell has scores. See: mlbench list cells RUN"),
        ([cell(doc_ids=[], values=[])], r"language 'en', model 'a': the cell has no docs"),
        (
            [cell(doc_ids=["d1", "d1", "d2"])],
            r"family 'f', language 'en', model 'a': doc 'd1' is there twice; keep one score a doc",
        ),
        ([cell(), cell()], r"language 'en': model 'a' has two cells"),
        (
            [cell(values=[0, math.nan, 1])],
            r"doc 'd2' has the score nan; a number in \[0, 1\] is needed \(1 such docs\)",
        ),
        ([cell(values=[0, 1.5, 1])], r"doc 'd2' has the score 1.5"),
        ([cell(values=[0, 1])], r"3 doc ids, 3 clusters, 2 scores"),
        ([cell(chance=1.0)], r"a chance level is not in \[0, 1\)"),
        (
            [cell(), cell("b", doc_ids=["d1", "d2", "d4"])],
            r"models 'a' and 'b' were not scored on the same docs \(1 only in 'a', first 'd3', "
            r"1 only in 'b', first 'd4'\). Run both with the same --limit and version.",
        ),
        ([cell(), cell("b", chance=0.5)], r"chance levels differ between 'a' and 'b'"),
        ([cell(), cell("b", cluster_ids=["c", "c", "e"])], r"clusters differ between 'a' and 'b'"),
        (
            [cell(), cell(language="sw", doc_ids=["x1", "x2", "x3"])],
            r"family 'f' is parallel, but 'sw' shares no doc id with 'en' "
            r"\(\('x1',\) against \('d1',\)\). Give parallel docs the same id",
        ),
        (
            [cell(), cell(language="sw", cluster_ids=["c", "c", "c"])],
            r"doc 'd1' is in cluster 'c' in 'sw' and in 'd1' before",
        ),
    ],
)
def test_cells_that_do_not_fit_are_refused(cells: list[CellScores], message: str) -> None:
    with pytest.raises(DataError, match=message):
        table_from_cells("f", cells)


def test_other_languages_may_have_other_ids_when_not_parallel() -> None:
    cells = [cell(), cell(language="sw", doc_ids=["x1", "x2", "x3"])]
    table = table_from_cells("f", cells, is_parallel=False)
    assert table.doc_ids == (("d1", "d2", "d3"), ("x1", "x2", "x3"))


def test_bits_may_be_large_but_not_negative() -> None:
    assert table_from_cells("f", [cell(values=[300, 2, 1])], measure=BITS).values.max() == 300
    with pytest.raises(DataError, match="a finite number >= 0 is needed"):
        table_from_cells("f", [cell(values=[-1, 2, 1])], measure=BITS)


def test_docs_that_a_language_lacks_are_nan() -> None:
    table = table_from_cells(
        "f", [cell(), cell(language="sw", doc_ids=["d1", "d3"], values=[1, 0])]
    )
    assert table.values[0, 1].tolist()[::2] == [1.0, 0.0] and np.isnan(table.values[0, 1, 1])
    assert table.clusters[1].tolist() == [0, -1, 2]


def test_cell_that_was_not_run_is_not_covered() -> None:
    table = table_from_cells("f", [cell(), cell("b"), cell(language="sw")])
    assert table.covers(("a",)).tolist() == [True, True]
    assert table.covers(("a", "b")).tolist() == [True, False]


def test_unknown_model_names_the_nearest() -> None:
    with pytest.raises(SelectionError, match=r"no model 'god'. Did you mean 'good'\?"):
        make_table().model_index("god")


def same(left: ScoreTable, right: ScoreTable) -> bool:
    names = ("models", "languages", "doc_ids")
    arrays = ("values", "clusters", "chance")
    return all(getattr(left, name) == getattr(right, name) for name in names) and all(
        np.array_equal(getattr(left, name), getattr(right, name), equal_nan=True) for name in arrays
    )


@given(st.integers(0, 100), st.booleans())
def test_order_of_models_languages_and_docs_changes_nothing(seed: int, is_parallel: bool) -> None:
    rates = {"a": {"en": 0.5, "sw": 0.4}, "b": {"en": 0.6, "sw": 0.2}}
    cells = make_cells(rates, n=10)
    rng = np.random.default_rng(seed)
    mixed = []
    for i in rng.permutation(len(cells)):
        old, order = cells[i], rng.permutation(10)
        assert old.cluster_ids is not None
        mixed.append(
            CellScores(
                old.model,
                old.language,
                [old.doc_ids[j] for j in order],
                np.asarray(old.values)[order],
                [old.cluster_ids[j] for j in order],
                old.chance,
            )
        )
    straight = table_from_cells("f", cells, is_parallel=is_parallel)
    assert same(straight, table_from_cells("f", mixed, is_parallel=is_parallel))


def test_mean_model_averages_its_models() -> None:
    table = make_table().with_mean_model("both", ("good", "plain"))
    good, plain, both = (table.values[table.model_index(m)] for m in ("good", "plain", "both"))
    assert np.array_equal(both, (good + plain) / 2)
