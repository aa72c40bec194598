"""Do the figures hold every cell, name and state, fit their page, and keep their bytes?

Their data and labels, never their pixels.
"""

import itertools
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PathCollection
from matplotlib.patches import PathPatch
from report_toys import ENGLISH, HINDI, LANGUAGES, SWAHILI, ToyRun, choices, two_models

from mlbench.data.languages import read_languages
from mlbench.errors import SelectionError
from mlbench.records import Cell
from mlbench.report import Choice, MarketBar, colours, draw_figure, draw_markets
from mlbench.report.compare import Pair, compare
from mlbench.report.figures.cellgrid import HATCHES
from mlbench.report.figures.difference import difference_grid
from mlbench.report.figures.drawing import FORMATS, SMALL, TALLEST, WIDTHS, figure_files, text_width
from mlbench.report.figures.figures import FIGURES
from mlbench.report.figures.heatmap import colour_of, heatmap_grid, profile_grid
from mlbench.report.figures.layout import fit_text, wrap_text
from mlbench.report.grid import BELOW_CHANCE, lead_cell
from mlbench.report.tables import ReportTable, table_from_run
from mlbench.stats import Resampling
from mlbench.store.read import read_run

FAST = Resampling(replicates=500)


def table_of(run: ToyRun) -> ReportTable:
    return table_from_run(read_run(run.write()))


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> ReportTable:
    run = two_models(tmp_path_factory.mktemp("runs") / "r", tokens=True)
    run.fail(Cell("many", "topic", "en", 5), "broke", "x")
    run.plan(Cell("many", "topic", "sw", 5))
    return table_of(run)


def full_table(folder: Path, models: tuple[str, ...]) -> ReportTable:
    """Make a run of all languages in which nothing was scored yet."""
    languages = tuple(read_languages().values())
    run = ToyRun(folder, languages=languages)
    for model, language in itertools.product(models, languages):
        run.plan(Cell(model, "topic", language.tag, 0))
    return table_of(run)


def labels(axes: Axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def outside(axes: Axes) -> list[str]:
    """Return the texts that leave the page."""
    figure = axes.figure
    renderer = FigureCanvasAgg(figure).get_renderer()
    page = figure.bbox
    boxes = [(text.get_text(), text.get_window_extent(renderer)) for text in axes.texts]
    return [
        text
        for text, box in boxes
        if box.x0 < page.x0 - 1 or box.x1 > page.x1 + 1 or box.y0 < page.y0 or box.y1 > page.y1
    ]


def overlapping(axes: Axes) -> list[tuple[str, str]]:
    """Return the pairs of texts that share more than a hair of the page."""
    renderer = FigureCanvasAgg(axes.figure).get_renderer()
    boxes = [(text.get_text(), text.get_window_extent(renderer)) for text in axes.texts]
    return [
        (one, two)
        for (one, a), (two, b) in itertools.combinations(boxes, 2)
        if min(a.x1, b.x1) - max(a.x0, b.x0) > 1.5 and min(a.y1, b.y1) - max(a.y0, b.y0) > 1.5
    ]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_has_its_width_and_no_text_is_cut_small_or_covered(
    table: ReportTable, name: str, width: float
) -> None:
    axes = draw_figure(name, table, Choice(width=width))
    assert axes.figure.get_size_inches()[0] == pytest.approx(width)
    assert outside(axes) == [] and overlapping(axes) == []
    assert all(text.get_fontsize() >= SMALL >= 5 for text in axes.texts)


@pytest.mark.parametrize("name", FIGURES)
def test_every_caption_names_run_version_and_n(table: ReportTable, name: str) -> None:
    text = " ".join(labels(draw_figure(name, table)))
    assert "Run r, 2026-01-02, mlbench " in text
    assert "docs per cell" in text


def test_rows_are_languages_english_first_and_columns_models(table: ReportTable) -> None:
    grid = heatmap_grid(table)
    assert [language.tag for language in grid.languages] == ["en", "sw", "hi", "ar", "yo"]
    assert grid.columns == ("many", "few")
    assert len(grid.rows) == len(LANGUAGES)


def test_a_heatmap_shows_the_mean_adjusted_score_or_one_family(table: ReportTable) -> None:
    mean = table.adjusted["many", 0, "sw"].value
    assert heatmap_grid(table).rows[1][0].text == f"{100 * mean:.1f}"
    shown = table.cells[Cell("many", "topic", "sw", 0)].shown
    assert heatmap_grid(table, "topic").rows[1][0].text == f"{100 * shown:.1f}"
    assert heatmap_grid(table, "topic", ["few"]).columns == ("few",)


def test_a_profile_has_a_column_for_families_at_all_shots(table: ReportTable) -> None:
    grid = profile_grid(table, "many")
    assert grid.columns == ("Topic", "Topic, 5-shot", "Terms", "Text")
    states = [cell.state for cell in grid.rows[0]]
    assert states == ["value", "failed", "value", "value"]
    assert grid.rows[0][3].text == "base"


def test_a_difference_is_in_the_state_of_the_page(table: ReportTable) -> None:
    comparison = compare(table, Pair("many", "few", 0), FAST)
    grid = difference_grid(table, comparison)
    blocks = list(comparison.blocks.values())
    for language, cells in zip(grid.languages, grid.rows, strict=True):
        for block, cell in zip(blocks, cells, strict=True):
            page = lead_cell(comparison, block, language.tag)
            assert (cell.state == "missing") == page.css.startswith("x")
            if cell.state == "value":
                assert cell.text == page.text
                assert (cell.colour is not None) == page.css.startswith("d")
                assert cell.is_bold == (page.mark == "H")
    english = grid.rows[0][0]
    assert english.text.startswith("(") and english.colour is None


@pytest.mark.parametrize("name", ["heatmap", "difference", "profile"])
def test_numbers_lie_above_their_cells_also_in_pdf(table: ReportTable, name: str) -> None:
    children = draw_figure(name, table).get_children()
    words = [child for child in children if hasattr(child, "numbers")]
    assert len(words) == 1 and words[0].numbers
    cells = [child.get_zorder() for child in children if isinstance(child, PathCollection)]
    patches = [child.get_zorder() for child in children if isinstance(child, PathPatch)]
    assert words[0].get_zorder() > min(cells) and words[0].get_zorder() > max(patches, default=0)


def test_every_state_has_its_own_hatch(table: ReportTable) -> None:
    axes = draw_figure("profile", table)
    assert {patch.get_hatch() for patch in axes.patches} >= set(HATCHES.values())


def test_scores_that_are_not_above_chance_are_grey_and_have_no_colour(tmp_path: Path) -> None:
    run = ToyRun(tmp_path / "r", languages=(ENGLISH, SWAHILI, HINDI))
    run.put(Cell("m", "topic", "en", 0), choices(0.9))
    run.put(Cell("m", "topic", "sw", 0), choices(0.35, n=12))
    run.put(Cell("m", "topic", "hi", 0), choices(0.05))
    rows = profile_grid(table_of(run), "m").rows
    assert [row[0].is_level for row in rows] == [True, False, False]
    assert [row[0].text.endswith(BELOW_CHANCE) for row in rows] == [False, False, True]


def test_text_in_a_name_is_never_a_formula(tmp_path: Path) -> None:
    run = ToyRun(tmp_path / "r", languages=(replace(ENGLISH, name="$\\frac{1$ ᚠ\0"),))
    run.put(Cell("$x^{$", "topic", "en", 0), choices(0.8))
    files = figure_files(draw_figure("heatmap", table_of(run)), tmp_path, "heatmap")
    assert len(files) == len(FORMATS) and all(len(content) > 1_000 for content in files.values())


DRAW = """
import sys
from pathlib import Path
from mlbench.report import draw_figure
from mlbench.report.figures.drawing import figure_files
from mlbench.report.figures.figures import FIGURES
from mlbench.report.tables import table_from_run
from mlbench.store.read import read_run
table = table_from_run(read_run(sys.argv[1]))
for name in FIGURES:
    for path, content in figure_files(draw_figure(name, table), Path(sys.argv[2]), name).items():
        path.write_bytes(content)
"""


def test_two_processes_give_the_same_bytes_in_every_format(
    table: ReportTable, tmp_path: Path
) -> None:
    folders = [tmp_path / seed for seed in ("1", "2")]
    for folder in folders:
        folder.mkdir()
        command = [sys.executable, "-c", DRAW, str(table.run.folder), str(folder)]
        environment = os.environ | {"PYTHONHASHSEED": folder.name}
        subprocess.run(command, check=True, env=environment)
    one, two = (sorted(folder.iterdir()) for folder in folders)
    assert [path.name for path in one] == [path.name for path in two]
    assert len(one) == len(FIGURES) * len(FORMATS)
    assert all(a.read_bytes() == b.read_bytes() for a, b in zip(one, two, strict=True))


def test_chance_is_the_first_colour_and_all_right_the_last(table: ReportTable) -> None:
    block = table.blocks[0]
    view = table.cells[Cell("many", "topic", "en", 0)]
    ramp = colours.score_ramp()
    assert colour_of(replace(view, shown=0.25), block) == ramp[0]
    assert colour_of(replace(view, shown=0.10), block) == ramp[0]
    assert colour_of(replace(view, shown=1.0), block) == ramp[-1]


def test_all_languages_fit_a_page_in_lanes(tmp_path: Path) -> None:
    axes = draw_figure("heatmap", full_table(tmp_path / "r", ("a", "b")), Choice(("topic",)))
    assert axes.figure.get_size_inches()[1] <= TALLEST
    assert outside(axes) == [] and overlapping(axes) == []


def test_too_many_models_are_refused_with_what_to_type(tmp_path: Path) -> None:
    run = ToyRun(tmp_path / "r", languages=(ENGLISH, SWAHILI))
    for i, language in itertools.product(range(40), ("en", "sw")):
        run.put(Cell(f"model-{i}", "topic", language, 0), choices(0.8, n=8))
    table = table_of(run)
    message = r"40 models do not fit into 3.3 inches; at most \d+ do. Type --width 6.75, or choose"
    with pytest.raises(SelectionError, match=message):
        draw_figure("heatmap", table, Choice(width=3.3))
    with pytest.raises(SelectionError, match="--models model-0 model-1$"):
        draw_figure("heatmap", table)


def test_markets_keep_their_order_and_say_what_is_unknown() -> None:
    nan = float("nan")
    bars = [MarketBar("B", (0.5, 0.2), 0.9), MarketBar("A", (nan, nan), 0.0)]
    axes = draw_markets(bars, ["many", "few"], ["Run r."], 3.3)
    texts = labels(axes)
    assert texts.index("B") < texts.index("A")
    assert texts.count("–") == 2 and "90 %" in texts and "50.0" in texts
    assert texts[0].startswith("many has the highest") and outside(axes) == []


def test_lines_are_never_wider_than_asked() -> None:
    text = "one two three averyveryverylongwordthatfitsnowhere four"
    lines = wrap_text(text, 0.5, 7.0)
    assert len(lines) > 2 and all(text_width(line, 7.0) <= 0.5 for line in lines)
    assert text_width(fit_text(text, 1.0), 5.6) <= 1.0


def test_no_difference_is_the_middle_of_its_ramp() -> None:
    assert colours.difference_step(0) == colours.STEPS / 2
    assert colours.difference_step(-99) == 0 and colours.difference_step(99) == colours.STEPS
