"""Does the parity figure count tokens of the same sentences, and is its correlation right?"""

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_toys import ENGLISH, HINDI, SWAHILI, ToyRun, texts, two_models

from mlbench.data.languages import read_languages
from mlbench.errors import SelectionError
from mlbench.records import Cell
from mlbench.report import draw_parity, scatter_from_table
from mlbench.report.figures.scatter import SCRIPT_GROUPS, group_of, spearman
from mlbench.report.tables import ReportTable, table_from_run
from mlbench.store.read import read_run


def table_of(run: ToyRun) -> ReportTable:
    return table_from_run(read_run(run.write()))


def test_a_point_is_tokens_and_parity_relative_to_english(tmp_path: Path) -> None:
    run = ToyRun(tmp_path / "r", languages=(ENGLISH, SWAHILI, HINDI))
    for tag, bits, n_tokens in (("en", 100.0, 10), ("sw", 200.0, 25), ("hi", 400.0, 40)):
        run.put(Cell("m", "text", tag, 0), texts(bits, n_tokens=n_tokens))
    (panel,) = scatter_from_table(table_of(run)).panels
    assert [(p.tag, p.tokens, round(p.parity, 9)) for p in panel.points] == [
        ("sw", 2.5, 0.5),
        ("hi", 4.0, 0.25),
    ]
    assert math.isnan(panel.rho)


def test_tokens_are_counted_on_shared_docs_only(tmp_path: Path) -> None:
    run = ToyRun(tmp_path / "r", languages=(ENGLISH, SWAHILI))
    run.put(Cell("m", "text", "en", 0), texts(100.0, n=10, n_tokens=10))
    run.put(Cell("m", "text", "sw", 0), texts(100.0, n=30, n_tokens=20))
    (panel,) = scatter_from_table(table_of(run)).panels
    assert panel.points[0].tokens == 2


def test_a_run_without_tokens_or_english_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SelectionError, match="no model of this run has tokens"):
        scatter_from_table(table_of(two_models(tmp_path / "a")))
    run = two_models(tmp_path / "b", languages=(SWAHILI, HINDI), tokens=True)
    with pytest.raises(SelectionError, match="no model of this run has tokens"):
        scatter_from_table(table_of(run))


def test_a_script_has_one_group_and_a_group_its_own_marker() -> None:
    assert group_of("Deva").name == "South Asian" and group_of("Zzzz") == SCRIPT_GROUPS[-1]
    assert len({group.marker for group in SCRIPT_GROUPS}) == len(SCRIPT_GROUPS)
    assert len({group.colour for group in SCRIPT_GROUPS}) == len(SCRIPT_GROUPS)
    for script in {language.script for language in read_languages().values()}:
        assert sum(script in group.scripts for group in SCRIPT_GROUPS) <= 1


def test_the_claim_is_hedged_where_the_interval_includes_none(tmp_path: Path) -> None:
    scatter = scatter_from_table(table_of(two_models(tmp_path / "r", tokens=True)))
    words = " ".join(text.get_text() for text in draw_parity(scatter).texts)
    assert "It is undetermined whether languages with more tokens" in words


def test_spearman_is_that_of_scipy() -> None:
    from scipy.stats import spearmanr

    rng = np.random.default_rng(0)
    pairs = [(float(x), float(y)) for x, y in rng.integers(0, 6, (40, 2))]
    expected = spearmanr(*zip(*pairs, strict=True)).statistic
    assert spearman(pairs).rho == pytest.approx(expected)


def test_the_interval_is_bonett_and_wright_by_hand() -> None:
    pairs = [(1.0, 2.0), (2.0, 1.0), (3.0, 4.0), (4.0, 3.0), (5.0, 5.0)]
    found = spearman(pairs)
    assert found.rho == pytest.approx(0.8)
    # atanh(0.8) = 1.0986; stderr sqrt(1.32 / 2) = 0.8124; 1.96 of them = 1.5923.
    assert found.low == pytest.approx(math.tanh(1.0986 - 1.5923), abs=1e-3)
    assert found.high == pytest.approx(math.tanh(1.0986 + 1.5923), abs=1e-3)


@given(st.lists(st.tuples(st.floats(0, 9), st.floats(0, 9)), min_size=1, max_size=30))
def test_a_correlation_is_in_its_interval_or_unknown(pairs: list[tuple[float, float]]) -> None:
    rho, low, high = spearman(pairs)
    assert math.isnan(rho) or -1 - 1e-9 <= rho <= 1 + 1e-9
    assert math.isnan(low) or low <= rho <= high
