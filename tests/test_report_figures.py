"""Does the heatmap hold every cell, name and state? Its data and labels, never its pixels."""

import itertools
from dataclasses import replace
from pathlib import Path

import pytest
from matplotlib.axes import Axes
from report_toys import ENGLISH, SWAHILI, ToyRun, choices, two_models

from mlbench.languages import read_languages
from mlbench.records import Cell
from mlbench.report import colours, draw_heatmap, heat_from_table, save_heatmap
from mlbench.report.figures import HATCHES, colour_of
from mlbench.report.tables import ReportTable, table_from_run
from mlbench.results import read_run


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> ReportTable:
    run = two_models(tmp_path_factory.mktemp("runs") / "r")
    run.fail(Cell("many", "topic", "en", 5), "broke", "x")
    run.plan(Cell("many", "topic", "sw", 5))
    return table_from_run(read_run(run.write()))


def labels(axes: Axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def test_rows_are_languages_and_columns_models_by_family(table: ReportTable) -> None:
    heat = heat_from_table(table)
    assert [language.tag for language in heat.languages] == ["en", "sw", "hi", "ar", "yo"]
    names = [(column.block.name, column.name) for column in heat.columns]
    assert names[:3] == [("topic", "many"), ("topic", "few"), ("topic 5-shot", "many")]


def test_every_state_has_its_own_hatch(table: ReportTable) -> None:
    hatches = {patch.get_hatch() for patch in draw_heatmap(table).patches if patch.get_hatch()}
    assert hatches == set(HATCHES.values())


def test_scores_below_chance_are_outlined(tmp_path: Path) -> None:
    run = ToyRun(tmp_path / "r", languages=(ENGLISH, SWAHILI))
    run.put(Cell("m", "topic", "en", 0), choices(0.9))
    run.put(Cell("m", "topic", "sw", 0), choices(0.2))
    axes = draw_heatmap(table_from_run(read_run(run.write())))
    assert sum(not patch.get_fill() for patch in axes.patches) == 1


def test_the_caption_names_run_and_counts(table: ReportTable) -> None:
    (caption,) = [text for text in labels(draw_heatmap(table)) if text.startswith("Run r,")]
    assert "28 done, 1 failed, 1 missing, 2 no data" in caption


def test_text_in_a_name_is_never_a_formula(tmp_path: Path) -> None:
    run = ToyRun(tmp_path / "r", languages=(replace(ENGLISH, name="$\\frac{1$ ᚠ\0"),))
    run.put(Cell("$x^{$", "topic", "en", 0), choices(0.8))
    table = table_from_run(read_run(run.write()))
    paths = save_heatmap(table, tmp_path)
    assert all(path.stat().st_size > 1_000 for path in paths)


def test_the_same_run_gives_the_same_bytes(table: ReportTable, tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("one", "two")]
    for folder in folders:
        folder.mkdir()
    for one, two in zip(*(save_heatmap(table, folder) for folder in folders), strict=True):
        assert one.read_bytes() == two.read_bytes()


def test_chance_is_the_dark_end_and_all_right_the_bright_one(table: ReportTable) -> None:
    block = table.blocks[0]
    view = table.cells[Cell("many", "topic", "en", 0)]
    ramp = colours.score_ramp()
    assert colour_of(replace(view, shown=0.25), block) == ramp[0]
    assert colour_of(replace(view, shown=0.10), block) == ramp[0]
    assert colour_of(replace(view, shown=1.0), block) == ramp[-1]


def test_all_languages_fit_a_page(tmp_path: Path) -> None:
    languages = tuple(read_languages().values())
    run = ToyRun(tmp_path / "r", languages=languages)
    for model, language in itertools.product(("a", "b"), languages):
        run.plan(Cell(model, "topic", language.tag, 0))
    axes = draw_heatmap(table_from_run(read_run(run.write())))
    width, height = axes.figure.get_size_inches()
    assert width < 8.27 and height < 11.69
    assert all(text.get_fontsize() >= 5.5 for text in axes.texts)


def test_no_difference_is_the_middle_of_its_ramp() -> None:
    assert colours.difference_step(0) == colours.STEPS / 2
    assert colours.difference_step(-99) == 0 and colours.difference_step(99) == colours.STEPS
