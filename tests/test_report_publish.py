"""Can tables and a badge be pasted as they are, with the numbers of the page?"""

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from report_toys import ENGLISH, HINDI, SWAHILI, YORUBA, ToyRun, choices, texts

from mlbench.errors import SelectionError
from mlbench.records import Cell
from mlbench.report.leaders import language_levels
from mlbench.report.publish import badge_svg, tables_text
from mlbench.report.ranking import rankings_of
from mlbench.report.tables import ReportTable, table_from_run
from mlbench.report.text import percent
from mlbench.stats import Resampling
from mlbench.store.read import read_run

HOSTILE = "a|b_$x$\\<i>&%{#}"
FEW = Resampling(replicates=200)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> ReportTable:
    run = ToyRun(tmp_path_factory.mktemp("runs") / "r", languages=(ENGLISH, SWAHILI, HINDI, YORUBA))
    levels = {HOSTILE: 0.7, "good": 0.68, "guesses": 0.36}
    for rank, (model, level) in enumerate(levels.items()):
        for i, language in enumerate(run.languages):
            accuracy = level - 0.03 * i if model == HOSTILE else level
            run.put(
                Cell(model, "topic", language.tag, 0), choices(accuracy, n=80, seed=rank + 9 * i)
            )
    return table_from_run(read_run(run.write()))


def cells_of(line: str) -> list[str]:
    """Split a row of a Markdown table at the bars that are not escaped."""
    return [cell.strip() for cell in line.replace(r"\|", "\0").strip("| ").split("|")]


def test_markdown_has_the_levels_of_the_table_and_marks_the_best(table: ReportTable) -> None:
    ranking, levels = tables_text(table, "markdown").split("\nLevels by language")
    rows = [cells_of(line) for line in ranking.splitlines() if line.startswith("|")][2:]
    (found,) = rankings_of(table)
    assert [row[2] for row in rows] == [row.level for row in found.rows]
    lines = [cells_of(line) for line in levels.splitlines() if line.startswith("|")]
    models = [row.model for row in found.rows]
    assert len(lines) == 2 + len(table.languages) and lines[2][0] == "English"
    for language, *cells in lines[2:]:
        tag = next(x.tag for x in table.languages if x.name == language)
        for model, cell in zip(models, cells, strict=True):
            level = language_levels(table)[model, 0, tag]
            assert cell.strip("*()") == percent(table.adjusted[model, 0, tag].value)
            assert cell.startswith("**") == level.is_top
            assert ("(" in cell) == (level.against_chance != "above")


def test_a_hostile_name_is_text_in_both_formats(table: ReportTable) -> None:
    markdown, latex = tables_text(table, "markdown"), tables_text(table, "latex")
    assert r"a\|b\_$x$\\\<i\>&%\{\#\}" in markdown
    assert r"a|b\_\$x\$\textbackslash{}<i>\&\%\{\#\}" in latex
    heads = next(line for line in latex.splitlines() if line.startswith("Language &"))
    assert heads.replace(r"\&", "").count("&") == 3 and "{lrrr}" in latex


def test_the_badge_says_the_verdict_and_is_a_picture(table: ReportTable) -> None:
    badge = badge_svg(table, FEW)
    root = ET.fromstring(badge)
    texts_of = [node.text or "" for node in root.iter() if node.tag.endswith("text")]
    assert len(texts_of) == 2 and "lead beyond English" in texts_of[0]
    words = ("Supported", "Not supported", "Equal", "Cannot tell yet")
    assert texts_of[1].split(" · ")[1] in words
    assert root.get("aria-label") == " ".join(texts_of)
    assert "<i>" not in badge


def test_a_run_without_scores_or_pairs_is_refused_with_what_to_type(tmp_path: Path) -> None:
    run = ToyRun(tmp_path / "r", languages=(ENGLISH, SWAHILI))
    for tag in ("en", "sw"):
        run.put(Cell("m", "text", tag, 0), texts(100))
    alone = table_from_run(read_run(run.write()))
    with pytest.raises(SelectionError, match="mlbench export .* --format csv"):
        tables_text(alone, "markdown")
    with pytest.raises(SelectionError, match="no two models"):
        badge_svg(alone)
