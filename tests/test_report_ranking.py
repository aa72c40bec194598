"""Do ranks rest on the cells that all models have, and do they say so?"""

import dataclasses
import math
import re
from pathlib import Path

import numpy as np
import pytest
from report_toys import ENGLISH, FAMILIES, HINDI, LANGUAGES, SWAHILI, ToyRun, choices, texts

from mlbench.judge.answers import answers_of
from mlbench.measures import ChoiceSample, Sample, ScoreSample, doc_scores
from mlbench.records import Cell
from mlbench.report import write_report
from mlbench.report.ranking import RankTable, rank_tables
from mlbench.report.tables import ReportTable, table_from_run
from mlbench.stats import Resampling
from mlbench.store.read import read_run
from mlbench.store.samples import scores_of

FAST = Resampling(replicates=1_000)


def right(n_right: int, n: int = 40) -> tuple[Sample, ...]:
    """Make n docs, each its own cluster, of which the first n_right are answered right."""
    return tuple(
        ChoiceSample(
            f"d{i}",
            f"d{i}",
            i % 4,
            ("a", "b", "c", "d"),
            tuple(-1.0 if c == (i + (i >= n_right)) % 4 else -3.0 for c in range(4)),
        )
        for i in range(n)
    )


def table_of(run: ToyRun) -> ReportTable:
    return table_from_run(read_run(run.write()))


def ranks(ranking: RankTable) -> list[tuple[str, str, str]]:
    return [(row.model, row.rank, row.level) for row in ranking.rows]


def test_the_level_is_the_mean_over_families_of_the_mean_over_languages(tmp_path: Path) -> None:
    run = ToyRun(tmp_path / "r", languages=(ENGLISH, SWAHILI, HINDI))
    for model, some in (("a", 40), ("b", 10)):
        run.put(Cell(model, "topic", "en", 0), right(40))
        run.put(Cell(model, "topic", "sw", 0), right(some))
        run.put(Cell(model, "terms", "sw", 0), right(25))
        run.put(Cell(model, "topic", "hi", 0), right(some))
    (ranking,) = rank_tables(table_of(run), FAST)
    # Chance 1/4: 40, 25 and 10 of 40 are 1, 0.5 and 0. a: ((1 + 1)/2 + 0.5)/2, b: (0 + 0.5)/2.
    assert ranks(ranking) == [("a", "1", "75.0"), ("b", "2", "25.0")]
    assert [row.english for row in ranking.rows] == ["100.0", "100.0"]
    assert ranking.sentence == "a is ahead of every other model in these families and languages."
    assert "Over 2 languages without English and the 3 cells" in ranking.basis
    assert "Topic (2) and Terms (1)" in ranking.basis
    assert [row.ranks for row in ranking.rows] == [("1", "1–2"), ("2", "1–2")]


def mean_of(table: ReportTable, family: str, model: str) -> float:
    """Return the mean over the languages but English that all models have."""
    models = next(block.models for block in table.blocks if block.family == family)
    tags = [
        tag
        for tag in table.run.languages
        if tag != "en" and all(Cell(m, family, tag, 0) in table.run.done for m in models)
    ]
    return math.fsum(table.cells[Cell(model, family, tag, 0)].shown for tag in tags) / len(tags)


def test_the_level_is_the_mean_of_the_means_of_the_columns(tmp_path: Path) -> None:
    run = ToyRun(tmp_path / "r")
    for rank, model in enumerate("abc"):
        for i, language in enumerate(LANGUAGES):
            accuracy = 0.8 - 0.1 * rank
            run.put(Cell(model, "topic", language.tag, 0), choices(accuracy, seed=i))
            if (model, language.tag) != ("b", "hi"):
                run.put(Cell(model, "terms", language.tag, 0), choices(accuracy, seed=9 + i))
    table = table_of(run)
    (ranking,) = rank_tables(table, FAST)
    for row in ranking.rows:
        means = [mean_of(table, family, row.model) for family in ("topic", "terms")]
        assert row.level == f"{100 * (math.fsum(means) / 2 - 0.25) / 0.75:.1f}"


def test_models_that_are_alike_cannot_be_separated(tmp_path: Path) -> None:
    run = ToyRun(tmp_path / "r", languages=(ENGLISH, SWAHILI))
    for model, n in (("org/a", 30), ("org/b", 30), ("org/c", 10)):
        for tag in ("en", "sw"):
            run.put(Cell(model, "topic", tag, 0), right(n))
    (ranking,) = rank_tables(table_of(run), FAST)
    assert [row.rank for row in ranking.rows] == ["1–2", "1–2", "3"]
    assert ranking.sentence == "No model is first alone: a and b cannot be separated."


def test_two_models_a_little_apart_share_a_place_among_ten(tmp_path: Path) -> None:
    """0.04 apart: p is 0.008 for one pair, which is nothing after Holm over 45."""
    for n_models, expected in ((2, ["1", "2"]), (10, ["1–10"] * 10)):
        run = ToyRun(tmp_path / f"r{n_models}", languages=(ENGLISH, SWAHILI))
        for i in range(n_models):
            for tag in ("en", "sw"):
                run.put(Cell(f"m{i}", "topic", tag, 0), right(108 if i == 0 else 100, 200))
        (ranking,) = rank_tables(table_of(run), FAST)
        assert [row.rank for row in ranking.rows] == expected


def test_a_model_that_lacks_cells_is_shown_without_a_place(tmp_path: Path) -> None:
    run = ToyRun(tmp_path / "r")
    for model in ("a", "b"):
        for language in LANGUAGES:
            run.put(Cell(model, "topic", language.tag, 0), right(30))
    run.put(Cell("c", "topic", "sw", 0), right(40))
    for language in LANGUAGES[1:]:
        run.fail(Cell("c", "topic", language.tag, 0), "out of memory", "")
    (ranking,) = rank_tables(table_of(run), FAST)
    assert [row.model for row in ranking.rows] == ["a", "b"]
    ((model, reason),) = ranking.unranked
    assert model == "c" and reason.startswith("it has 1 of the 5 cells")
    assert "Over 4 languages" in ranking.basis


def test_a_cell_on_other_docs_is_left_out_and_said(tmp_path: Path) -> None:
    run = ToyRun(tmp_path / "r", languages=(ENGLISH, SWAHILI, HINDI))
    for model, n in (("a", 40), ("b", 30)):
        run.put(Cell(model, "topic", "en", 0), right(20))
        run.put(Cell(model, "topic", "sw", 0), right(20))
        run.put(Cell(model, "topic", "hi", 0), right(20, n))
    (ranking,) = rank_tables(table_of(run), FAST)
    assert "Over 1 language without English" in ranking.basis
    assert ranking.left_out == ("Topic: different docs or conditions in 1 language",)


def test_models_without_a_common_cell_have_no_order(tmp_path: Path) -> None:
    run = ToyRun(tmp_path / "r", languages=(ENGLISH, SWAHILI, HINDI))
    run.put(Cell("a", "topic", "sw", 0), right(20))
    run.put(Cell("b", "topic", "hi", 0), right(20))
    (ranking,) = rank_tables(table_of(run), FAST)
    assert ranking.sentence.startswith("The order of the models is undetermined")
    assert {model for model, _ in ranking.unranked} == {"a", "b"}


@pytest.mark.slow
def test_one_model_has_no_ranking(tmp_path: Path) -> None:
    run = ToyRun(tmp_path / "r", languages=(ENGLISH,))
    run.put(Cell("a", "topic", "en", 0), right(20))
    assert rank_tables(table_of(run), FAST) == []
    page = write_report(run.folder, tmp_path / "out", resampling=FAST).read_text(encoding="utf-8")
    assert 'id="ranking"' not in page


def test_bits_alone_put_the_fewest_first(tmp_path: Path) -> None:
    run = ToyRun(tmp_path / "r", languages=(ENGLISH, SWAHILI))
    for model, bits in (("many", 200.0), ("few", 100.0)):
        for tag in ("en", "sw"):
            run.put(Cell(model, "text", tag, 0), texts(bits))
    (ranking,) = rank_tables(table_of(run), FAST)
    assert [(row.model, row.rank) for row in ranking.rows] == [("few", "1"), ("many", "2")]
    assert 95 < float(ranking.rows[0].level) < 105
    assert ranking.rows[0].x > ranking.rows[1].x


def test_each_number_of_shots_has_its_own_ranking(tmp_path: Path) -> None:
    run = ToyRun(tmp_path / "r", languages=(ENGLISH, SWAHILI))
    for model in ("a", "b"):
        for shots in (0, 5):
            for tag in ("en", "sw"):
                run.put(Cell(model, "topic", tag, shots), right(20 + shots))
    assert [ranking.shots for ranking in rank_tables(table_of(run), FAST)] == [0, 5]


def test_dots_and_whiskers_stay_inside_the_drawing(tmp_path: Path) -> None:
    run = ToyRun(tmp_path / "r", languages=(SWAHILI,))
    for model, n in (("a", 40), ("b", 0), ("c", 20)):
        run.put(Cell(model, "topic", "sw", 0), right(n))
    (ranking,) = rank_tables(table_of(run), FAST)
    assert all(6 <= row.x_low <= row.x <= row.x_high <= 194 for row in ranking.rows)


@pytest.mark.slow
def test_the_page_shows_the_order_and_the_eligible_set(tmp_path: Path) -> None:
    run = ToyRun(tmp_path / "r", languages=(ENGLISH, SWAHILI))
    for model, n in (("a", 30), ("b", 30)):
        for tag in ("en", "sw"):
            run.put(Cell(model, "topic", tag, 0), right(n))
    path = write_report(run.write(), tmp_path / "out", resampling=FAST)
    page = path.read_text(encoding="utf-8")
    assert "a and b cannot be separated" in page and '<td class="rank">1–2</td>' in page
    assert "Over 1 language without English" in page


def test_answers_are_those_of_metrics() -> None:
    rng = np.random.default_rng(0)
    samples = [
        ChoiceSample(
            f"d{i}",
            f"d{i}",
            int(rng.integers(3)),
            ("a", "bb", "cccc"),
            tuple(float(x) for x in rng.integers(-4, 0, 3)),
        )
        for i in range(200)
    ]
    for metric in ("acc", "acc_norm", "acc_bytes"):
        assert scores_of(samples, metric).tolist() == doc_scores(samples, metric)
    ragged = [*samples, dataclasses.replace(samples[0], doc_id="x", loglikelihoods=(-1.0, -1.0))]
    assert scores_of(ragged, "acc").tolist() == doc_scores(ragged, "acc")
    answers = answers_of(ragged, "acc")
    assert answers is not None and answers.is_tied[-1]
    assert answers_of([ScoreSample("d", "d", 0.5)], "score") is None
    assert scores_of([ScoreSample("d", "d", 0.5)], "score").tolist() == [0.5]


def test_a_family_without_chance_has_no_level(tmp_path: Path) -> None:
    families = FAMILIES | {"topic": FAMILIES["topic"] | {"chance": None}}
    run = ToyRun(tmp_path / "r", families=families, languages=(SWAHILI,))
    for model in ("a", "b"):
        run.put(Cell(model, "topic", "sw", 0), right(20))
    assert rank_tables(table_of(run), FAST) == []


@pytest.mark.parametrize("seed", [0, 1])
def test_the_same_seed_gives_the_same_ranking(tmp_path: Path, seed: int) -> None:
    run = ToyRun(tmp_path / "r", languages=(ENGLISH, SWAHILI))
    for rank, model in enumerate("abc"):
        for tag in ("en", "sw"):
            run.put(Cell(model, "topic", tag, 0), choices(0.7 - 0.03 * rank, seed=rank))
    table = table_of(run)
    resampling = Resampling(replicates=500, seed=seed)
    assert rank_tables(table, resampling) == rank_tables(table, resampling)


def test_a_model_with_the_same_answers_everywhere_keeps_all_of_its_english(tmp_path: Path) -> None:
    run = ToyRun(tmp_path / "r")
    for rank, model in enumerate("ab"):
        for language in LANGUAGES:
            drop = 0.2 if model == "b" and language.tag != "en" else 0.0
            run.put(Cell(model, "topic", language.tag, 0), choices(0.8 - drop, n=80, seed=rank))
    table = table_of(run)
    (ranking,) = rank_tables(table, FAST)
    rows = {row.model: row for row in ranking.rows}
    assert rows["a"].keeps == "100 % [100, 100]"
    level, english = (float(text) for text in (rows["b"].level, rows["b"].english))
    kept, low, high = (int(x) for x in re.findall(r"\d+", rows["b"].keeps))
    assert kept == round(100 * level / english) and low < kept < high < 100


def test_nothing_is_kept_of_a_level_that_is_none(tmp_path: Path) -> None:
    run = ToyRun(tmp_path / "r")
    for model, accuracy in (("a", 0.8), ("guesses", 0.36)):
        for i, language in enumerate(LANGUAGES):
            run.put(Cell(model, "topic", language.tag, 0), choices(accuracy, n=40, seed=i))
    (ranking,) = rank_tables(table_of(run), FAST)
    assert {row.model: row.keeps for row in ranking.rows}["guesses"] == "–"
