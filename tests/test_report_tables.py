"""Is every cell in the right state, and the same number in store, table, CSV and page?"""

import csv
import io
import math
import random
from collections.abc import Mapping
from pathlib import Path

import pytest
from report_toys import ENGLISH, HINDI, SWAHILI, ToyRun, choices, texts, two_models

from mlbench.measures import BITS, BITS_PER_BYTE, ChoiceSample, ScoreSample
from mlbench.records import Cell
from mlbench.report.columns import blocks_of
from mlbench.report.export import scores_csv
from mlbench.report.grid import macro_cell
from mlbench.report.parity import parity
from mlbench.report.tables import ReportTable, signature_hash, table_from_run
from mlbench.report.text import percent
from mlbench.store.read import read_run


def table_of(run: ToyRun) -> ReportTable:
    return table_from_run(read_run(run.write()))


def csv_rows(text: str) -> list[Mapping[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_english_is_the_first_row(tmp_path: Path) -> None:
    table = table_of(two_models(tmp_path / "r"))
    assert [language.tag for language in table.languages] == ["en", "sw", "hi", "ar", "yo"]


def test_the_states_without_a_value_have_three_reasons(tmp_path: Path) -> None:
    run = two_models(tmp_path / "r")
    run.fail(Cell("many", "topic", "en", 5), "CUDA out of memory", "Traceback: x")
    run.plan(Cell("many", "topic", "sw", 5))
    table = table_of(run)
    views = {
        "failed": table.cells[Cell("many", "topic", "en", 5)],
        "missing": table.cells[Cell("many", "topic", "sw", 5)],
        "no data": table.cells[Cell("many", "terms", "yo", 0)],
    }
    assert {state: view.state for state, view in views.items()} == {s: s for s in views}
    assert [view.reason for view in views.values()] == [
        "CUDA out of memory",
        "planned, not run yet",
        "no names of its own in the CLDR",
    ]
    assert all(math.isnan(view.shown) for view in views.values())


def test_a_damaged_file_counts_as_missing_and_says_so(tmp_path: Path) -> None:
    run = two_models(tmp_path / "r")
    cell = Cell("many", "topic", "hi", 0)
    run.folder.joinpath("model-0/topic/0/hi.parquet").write_bytes(b"PAR1 cut short")
    view = table_of(run).cells[cell]
    assert view.state == "missing" and "hi.parquet is damaged" in view.reason


def test_counts_cover_the_plan_and_not_what_nobody_asked_for(tmp_path: Path) -> None:
    run = two_models(tmp_path / "r")
    run.put(Cell("many", "topic", "en", 5), choices(0.5))
    table = table_of(run)
    counts = {s: table.count(s) for s in ("value", "failed", "missing", "no data")}
    assert counts == {"value": 29, "failed": 0, "missing": 0, "no data": 2}
    assert table.cells[Cell("many", "topic", "sw", 5)].reason == "not part of this run's plan"


def test_a_score_whose_interval_includes_chance_is_not_above_it(tmp_path: Path) -> None:
    run = ToyRun(tmp_path / "r", languages=(ENGLISH, SWAHILI))
    run.put(Cell("m", "topic", "en", 0), choices(0.9))
    run.put(Cell("m", "topic", "sw", 0), choices(0.3, n=12))
    table = table_of(run)
    found = {c.language: v.against_chance for c, v in table.cells.items() if c.family == "topic"}
    assert found == {"en": "above", "sw": "at"}


def test_a_score_whose_interval_lies_below_chance_is_a_state_of_its_own(tmp_path: Path) -> None:
    run = ToyRun(tmp_path / "r", languages=(ENGLISH, SWAHILI))
    run.put(Cell("m", "topic", "en", 0), choices(0.9))
    run.put(Cell("m", "topic", "sw", 0), choices(0.0))
    view = table_of(run).cells[Cell("m", "topic", "sw", 0)]
    assert view.against_chance == "below"


def test_a_constant_answer_is_not_above_chance(tmp_path: Path) -> None:
    """51 of 204 docs have the label that is always given; guessing would be one in seven."""
    labels = tuple("abcdefg")
    docs = tuple(
        ChoiceSample(f"d{i}", f"d{i}", 0 if i < 51 else 1 + i % 6, labels, (0.0, *(-1.0,) * 6))
        for i in range(204)
    )
    run = ToyRun(tmp_path / "r", languages=(ENGLISH, SWAHILI))
    run.families = {"topic": run.families["topic"] | {"chance": 1 / 7}}
    for tag in ("en", "sw"):
        run.put(Cell("m", "topic", tag, 0), docs)
    table = table_of(run)
    assert table.blocks[0].chance == 0.25
    assert {view.against_chance for view in table.cells.values()} == {"at"}
    assert table.adjusted["m", 0, "sw"].value == 0


def test_parity_is_english_bits_over_own_bits_on_shared_docs(tmp_path: Path) -> None:
    run = ToyRun(tmp_path / "r", languages=(ENGLISH, SWAHILI))
    run.put(Cell("m", "text", "en", 0), texts(100))
    run.put(Cell("m", "text", "sw", 0), texts(200)[:10])
    table = table_of(run)
    view = table.cells[Cell("m", "text", "sw", 0)]
    assert view.quantity.is_parity and view.shown == pytest.approx(0.5)
    assert table.cells[Cell("m", "text", "en", 0)].is_reference


def test_parity_is_that_of_the_statistics(tmp_path: Path) -> None:
    from mlbench.stats import CellScores, information_parity, table_from_cells

    table = table_of(two_models(tmp_path / "r"))
    results = [v.result for c, v in table.cells.items() if c.family == "text" and c.model == "many"]
    scores = [
        CellScores(
            r.cell.model,
            r.cell.language,
            [s.doc_id for s in r.samples],
            [-s.loglikelihood / math.log(2) for s in r.samples],
        )
        for r in results
    ]
    known = information_parity(table_from_cells("text", scores, measure=BITS), "many")
    english = next(r for r in results if r.cell.language == "en")
    ours = {r.cell.language: parity(r, english, "bits") for r in results}
    assert ours == pytest.approx(dict(zip(known.languages, known.value, strict=True)))


def test_without_english_bits_per_byte_are_shown(tmp_path: Path) -> None:
    run = ToyRun(tmp_path / "r", languages=(HINDI,))
    run.put(Cell("m", "text", "hi", 0), texts(200))
    table = table_of(run)
    view = table.cells[Cell("m", "text", "hi", 0)]
    assert not table.has_english
    assert view.quantity.measure is BITS_PER_BYTE
    assert view.shown == pytest.approx(2.0, rel=0.1)


def test_the_mean_is_over_the_families_that_every_model_has(tmp_path: Path) -> None:
    run = ToyRun(tmp_path / "r", languages=(ENGLISH,))
    run.put(Cell("a", "topic", "en", 0), choices(0.7))
    run.put(Cell("a", "terms", "en", 0), choices(0.2))
    run.put(Cell("b", "topic", "en", 0), choices(0.5))
    table = table_of(run)
    accuracy = table.cells[Cell("a", "topic", "en", 0)].shown
    mean = table.adjusted["a", 0, "en"]
    assert (mean.n, mean.value) == (1, pytest.approx((accuracy - 0.25) / 0.75))


def test_imported_scores_without_a_chance_level_have_an_interval_only(tmp_path: Path) -> None:
    run = ToyRun(tmp_path / "r", languages=(ENGLISH,))
    run.families["outside"] = run.families["topic"] | {"metrics": ["score"], "chance": None}
    scores = tuple(ScoreSample(f"d{i}", f"d{i}", i % 3 / 2) for i in range(30))
    run.put(Cell("a", "outside", "en", 0), scores)
    view = table_of(run).cells[Cell("a", "outside", "en", 0)]
    assert (view.quantity.words, view.shown, view.against_chance) == ("score, %", 0.5, None)
    assert view.level is not None and view.level.low < 0.5 < view.level.high
    assert not table_of(run).adjusted


def test_the_mean_row_leaves_english_out(tmp_path: Path) -> None:
    table = table_of(two_models(tmp_path / "r"))
    tags = ("sw", "hi", "ar")
    shown = [table.cells[Cell("few", "terms", tag, 0)].shown for tag in tags]
    block = next(block for block in table.blocks if block.family == "terms")
    cell = macro_cell(table, block, "few", ("sw", "hi", "ar", "yo"))
    assert cell.text == percent(sum(shown) / 3) and "3 languages" in cell.title


def test_shots_are_columns_of_their_own(tmp_path: Path) -> None:
    run = ToyRun(tmp_path / "r", languages=(ENGLISH,))
    run.put(Cell("a", "topic", "en", 0), choices(0.7))
    run.put(Cell("a", "topic", "en", 5), choices(0.7))
    names = [block.name for block in blocks_of(read_run(run.write()))]
    assert names == ["topic", "topic 5-shot"]


def test_csv_holds_the_numbers_of_the_store(tmp_path: Path) -> None:
    table = table_of(two_models(tmp_path / "r"))
    rows = csv_rows(scores_csv(table))
    done = table.run.done
    stored = {
        (cell.model, cell.family, cell.language, score.metric): score
        for cell, result in done.items()
        for score in result.scores.values()
    }
    found = {
        (row["model"], row["family"], row["tag"], row["metric"]): row
        for row in rows
        if row["value"] and row["metric"] != "parity"
    }
    assert found.keys() == stored.keys()
    for key in random.Random(0).sample(sorted(stored), 30):
        assert float(found[key]["value"]) == stored[key].value
        assert int(found[key]["n_docs"]) == stored[key].n_docs
    shown = {(r["model"], r["tag"]): r for r in rows if r["metric"] == "parity"}
    view = table.cells[Cell("few", "text", "sw", 0)]
    assert float(shown["few", "sw"]["value"]) == view.shown


def test_csv_leaves_the_unknown_empty_and_gives_the_reason(tmp_path: Path) -> None:
    run = two_models(tmp_path / "r")
    run.fail(Cell("many", "topic", "en", 5), "it broke", "x")
    rows = [row for row in csv_rows(scores_csv(table_of(run))) if row["state"] == "failed"]
    assert [(r["value"], r["stderr"], r["reason"]) for r in rows] == [("", "", "it broke")]


def test_csv_text_is_no_formula(tmp_path: Path) -> None:
    run = ToyRun(tmp_path / "r", languages=(ENGLISH,))
    run.fail(Cell("m", "topic", "en", 0), '=HYPERLINK("x")', "x")
    (row,) = csv_rows(scores_csv(table_of(run)))
    assert row["reason"] == '\'=HYPERLINK("x")'


def test_signatures_that_differ_have_different_hashes(tmp_path: Path) -> None:
    table = table_of(two_models(tmp_path / "r"))
    results = list(table.run.done.values())
    distinct = {str(result.signature) for result in results}
    assert len({signature_hash(result) for result in results}) == len(distinct) > 2
