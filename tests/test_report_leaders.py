"""Is a mean in a language as sure as it says, and are the best marked, and nobody else?"""

from pathlib import Path

import pytest
from report_toys import ENGLISH, HINDI, SWAHILI, ToyRun, choices

from mlbench.records import Cell
from mlbench.report.grid import TOP, adjusted_cell
from mlbench.report.leaders import language_levels
from mlbench.report.overview import groups_of
from mlbench.report.page.rows import columns_of, rows_of
from mlbench.report.ranking import order_of, rankings_of
from mlbench.report.tables import ReportTable, table_from_run
from mlbench.store.read import read_run

LANGUAGES = (ENGLISH, SWAHILI, HINDI)


def table_of(folder: Path, levels: dict[str, float], n: int = 200) -> ReportTable:
    """Make models of these accuracies on two families; seeds differ by model and language."""
    run = ToyRun(folder, languages=LANGUAGES)
    for rank, (model, level) in enumerate(levels.items()):
        for i, language in enumerate(LANGUAGES):
            for k, family in enumerate(("topic", "terms")):
                samples = choices(level, n=n, seed=1 + rank + 10 * i + 100 * k)
                run.put(Cell(model, family, language.tag, 0), samples)
    return table_from_run(read_run(run.write()))


def test_levels_are_the_means_of_the_table_inside_their_intervals(tmp_path: Path) -> None:
    table = table_of(tmp_path / "r", {"a": 0.6, "b": 0.4})
    levels = language_levels(table)
    assert levels.keys() == table.adjusted.keys()
    for key, level in levels.items():
        assert level.value == pytest.approx(table.adjusted[key].value)
        assert level.low < level.value < level.high


def test_four_times_the_docs_halve_the_interval(tmp_path: Path) -> None:
    few = language_levels(table_of(tmp_path / "few", {"a": 0.5, "b": 0.4}, n=100))
    many = language_levels(table_of(tmp_path / "many", {"a": 0.5, "b": 0.4}, n=400))
    widths = [few[k].high - few[k].low for k in few], [many[k].high - many[k].low for k in few]
    assert sum(widths[0]) / sum(widths[1]) == pytest.approx(2, rel=0.15)


def test_the_best_and_those_not_told_apart_from_it_are_marked(tmp_path: Path) -> None:
    table = table_of(tmp_path / "r", {"low": 0.3, "good": 0.6, "as good": 0.6})
    levels = language_levels(table)
    for tag in ("en", "sw", "hi"):
        marked = {m for m in table.run.models if levels[m, 0, tag].is_top}
        assert marked == {"good", "as good"}
        cell = adjusted_cell(table.adjusted["good", 0, tag], 2, levels["good", 0, tag])
        assert cell.mark == TOP and "no model is shown to be better" in cell.title


def test_nobody_is_marked_where_nobody_can_be_told_apart(tmp_path: Path) -> None:
    table = table_of(tmp_path / "r", {"a": 0.5, "b": 0.5, "c": 0.5}, n=40)
    assert not any(level.is_top for level in language_levels(table).values())


def test_a_mean_at_chance_has_no_colour_and_one_below_says_so(tmp_path: Path) -> None:
    table = table_of(tmp_path / "r", {"good": 0.7, "guesses": 0.36, "wrong": 0.05}, n=60)
    levels = language_levels(table)
    cells = {
        model: adjusted_cell(table.adjusted[model, 0, "sw"], 2, levels[model, 0, "sw"])
        for model in table.run.models
    }
    assert cells["good"].css.startswith("s") and "95 %" in cells["good"].title
    assert cells["guesses"].css == "nac" and "not above chance" in cells["guesses"].title
    assert cells["wrong"].css == "below" and cells["wrong"].mark.startswith("▼")


def test_models_on_different_docs_have_no_interval(tmp_path: Path) -> None:
    run = ToyRun(tmp_path / "r", languages=(ENGLISH,))
    run.put(Cell("a", "topic", "en", 0), choices(0.6, n=60))
    run.put(Cell("b", "topic", "en", 0), choices(0.6, n=40))
    table = table_from_run(read_run(run.write()))
    assert language_levels(table) == {}
    cell = adjusted_cell(table.adjusted["a", 0, "en"], 1, None)
    assert "interval unknown" in cell.title


def test_columns_follow_the_ranking_and_rows_the_groups(tmp_path: Path) -> None:
    table = table_of(tmp_path / "r", {"low": 0.3, "high": 0.7, "middle": 0.5})
    columns = columns_of(table, [])
    assert [model for model, _ in columns.means] == order_of(table) == ["high", "middle", "low"]
    assert {block.models for block in columns.blocks} == {("high", "middle", "low")}
    rows = rows_of(table, columns, [])
    assert rows.english and rows.english.language.tag == "en"
    found = [(g.mean.title, tuple(r.language.tag for r in g.rows)) for g in rows.groups]
    assert found == [(group.name, group.tags) for group in groups_of(table)[1:]]


def test_the_mean_row_has_the_levels_of_the_ranking(tmp_path: Path) -> None:
    table = table_of(tmp_path / "r", {"a": 0.6, "b": 0.4})
    columns = columns_of(table, [])
    rows = rows_of(table, columns, [])
    (ranking,) = rankings_of(table)
    assert [cell.text for cell in rows.mean.cells[:2]] == [row.level for row in ranking.rows]
    group = rows.groups[0]
    texts = [float(row.cells[0].text) for row in group.rows]
    assert float(group.mean.cells[0].text) == pytest.approx(sum(texts) / len(texts), abs=0.06)
