"""Does the report repeat the verdict of mlbench.stats, in its own units and hedged words?"""

import json
import math
from pathlib import Path

import pytest
from report_toys import ENGLISH, HINDI, LANGUAGES, SWAHILI, ToyRun, choices, texts, two_models

from mlbench.judge.run import judge_run
from mlbench.records import Cell
from mlbench.report.compare import Comparison, Pair, compare, in_unit, pairs_of
from mlbench.report.export import differences_csv
from mlbench.report.grid import lead_cell
from mlbench.report.page import words
from mlbench.report.tables import ReportTable, table_from_run
from mlbench.report.write import verdicts_json
from mlbench.stats import Resampling
from mlbench.store.read import read_run

FAST = Resampling(replicates=1_000)
PAIR = Pair("many", "few", 0)
NAMES = {"many": "many", "few": "few"}


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> ReportTable:
    run = two_models(tmp_path_factory.mktemp("runs") / "r")
    return table_from_run(read_run(run.write()))


@pytest.fixture(scope="module")
def comparison(table: ReportTable) -> Comparison:
    return compare(table, PAIR, FAST)


def test_a_lead_in_accuracy_is_the_difference_of_the_two_columns_adjusted(
    table: ReportTable, comparison: Comparison
) -> None:
    a, b = (table.cells[Cell(model, "topic", "sw", 0)].shown for model in ("many", "few"))
    lead = comparison.leads["topic", "sw"]
    assert lead.value == pytest.approx(100 * (a - b) / 0.75, abs=1e-6)
    assert lead.low < lead.value < lead.high


def test_a_lead_in_bits_is_in_log_points(table: ReportTable, comparison: Comparison) -> None:
    def bits(model: str) -> float:
        result = table.cells[Cell(model, "text", "sw", 0)].result
        assert result is not None
        return result.scores["bits"].value

    lead = comparison.leads["text", "sw"]
    assert lead.value == pytest.approx(100 * math.log(bits("few") / bits("many")), abs=1e-6)


def test_numbers_are_those_of_the_verdict(comparison: Comparison) -> None:
    assert comparison.verdict is not None
    stored = json.loads(verdicts_json({PAIR: comparison}))[0]["verdict"]
    rows = stored["by_family"]["topic"]["per_language"]
    block = comparison.blocks["topic"]
    for row in rows:
        lead = comparison.leads["topic", row["language"]]
        assert lead.value == in_unit(block, row["delta"])
        assert lead.p_holm == row["p_holm"]


def test_the_verdict_is_that_of_the_command(table: ReportTable) -> None:
    assert compare(table, PAIR, Resampling()).verdict == judge_run(table.run, "many", "few")


def test_more_shots_are_evidence_for_claims_about_examples(tmp_path: Path) -> None:
    run = two_models(tmp_path / "r", languages=(ENGLISH, SWAHILI))
    for model in ("many", "few"):
        for tag in ("en", "sw"):
            run.put(Cell(model, "topic", tag, 5), choices(0.9))
    found = compare(table_from_run(read_run(run.write())), PAIR, FAST)
    assert found.verdict is not None
    (claim,) = [c for c in found.verdict["claims"] if c["kind"] == "fewshot"]
    assert "no results with examples" not in claim["sentence"]


def test_counts_leave_english_out_and_add_up(comparison: Comparison) -> None:
    counts = words.counts_of(comparison, "topic", "p_holm")
    assert counts.better == 4 and sum(counts) == len(LANGUAGES) - 1


def test_sentences_name_english_the_rest_and_the_undetermined(comparison: Comparison) -> None:
    found = words.family_verdict(comparison, "topic", NAMES)
    assert "in English the lead of many over few is" in found.sentence
    assert "4 other languages" in found.sentence
    assert "Beyond English the lead is" in found.sentence
    assert "in 0 none is shown" in found.sentence and "ceiling" not in found.sentence


def test_the_pooled_sentence_says_the_scale_and_both_counts(comparison: Comparison) -> None:
    sentence = words.pooled_sentence(comparison, NAMES)
    assert sentence.startswith("Over 2 families, each counting once (adjusted points)")
    assert "better in 4 of them, worse in 0" in sentence


def test_two_families_are_not_pooled_beyond_english(comparison: Comparison) -> None:
    assert "fewer than 3 are not pooled" in words.pooled_sentence(comparison, NAMES)


def test_without_english_the_lead_beyond_it_is_undefined(tmp_path: Path) -> None:
    run = two_models(tmp_path / "r", languages=(SWAHILI, HINDI))
    found = compare(table_from_run(read_run(run.write())), PAIR, FAST)
    assert math.isnan(found.leads["topic", "sw"].moat)
    assert "undefined" in words.family_verdict(found, "topic", NAMES).sentence


def test_cells_of_different_docs_are_left_out_with_the_reason(tmp_path: Path) -> None:
    run = ToyRun(tmp_path / "r", languages=(ENGLISH, SWAHILI))
    for model, n in (("many", 30), ("few", 20)):
        run.put(Cell(model, "text", "en", 0), texts(100))
        run.put(Cell(model, "text", "sw", 0), texts(100, n=n))
    found = compare(table_from_run(read_run(run.write())), PAIR, FAST)
    assert found.reasons["text", "sw"] == "the models were scored on different docs"
    assert ("text", "en") in found.leads


def test_a_language_that_shares_no_doc_with_english_is_left_out(tmp_path: Path) -> None:
    run = ToyRun(tmp_path / "r", languages=(ENGLISH, SWAHILI))
    for model in ("many", "few"):
        run.put(Cell(model, "text", "en", 0), texts(100)[:10])
        run.put(Cell(model, "text", "sw", 0), texts(100)[10:])
    found = compare(table_from_run(read_run(run.write())), PAIR, FAST)
    assert found.reasons["text", "sw"] == "no doc of this run is shared with en"


def test_a_ceiling_in_english_is_said_with_the_lead_beyond_it(tmp_path: Path) -> None:
    run = ToyRun(tmp_path / "r", languages=(ENGLISH, SWAHILI))
    for model, elsewhere in (("many", 0.9), ("few", 0.5)):
        run.put(Cell(model, "topic", "en", 0), choices(1.0))
        run.put(Cell(model, "topic", "sw", 0), choices(elsewhere))
    found = compare(table_from_run(read_run(run.write())), PAIR, FAST)
    verdict = words.family_verdict(found, "topic", NAMES)
    assert "near the ceiling" in verdict.english and words.CEILING_WORDS in verdict.sentence
    sentence = words.pooled_sentence(found, NAMES)
    assert "In Topic both models are near the ceiling in English" in sentence


def test_a_ceiling_names_its_family_with_the_number_without_it(tmp_path: Path) -> None:
    run = ToyRun(tmp_path / "r", languages=(ENGLISH, SWAHILI))
    for model, elsewhere in (("many", 0.9), ("few", 0.5)):
        for family, english in (("topic", 1.0), ("terms", 0.6)):
            run.put(Cell(model, family, "en", 0), choices(english))
            run.put(Cell(model, family, "sw", 0), choices(elsewhere))
    found = compare(table_from_run(read_run(run.write())), PAIR, FAST)
    sentence = words.pooled_sentence(found, NAMES)
    assert "In Topic both models are near the ceiling" in sentence
    assert "; without it it is +" in sentence and "Terms both" not in sentence


def test_a_language_never_run_is_told_from_one_without_data(tmp_path: Path) -> None:
    run = two_models(tmp_path / "r", languages=(ENGLISH, SWAHILI))
    run.languages = LANGUAGES
    run.no_data = {"topic": {"hi": "no rows"}}
    for model in ("many", "few"):
        run.plan(Cell(model, "topic", "ar", 0))
        run.plan(Cell(model, "topic", "yo", 0))
    found = compare(table_from_run(read_run(run.write())), PAIR, FAST)
    assert found.reasons["topic", "hi"] == "the family has no data there"
    assert found.reasons["topic", "yo"] == "it was not run for either model"
    assert words.family_verdict(found, "topic", NAMES).left_out == (
        "3 languages left out, 2 because it was not run for either model, 1 because the family has "
        "no data there."
    )


def test_docs_that_are_not_those_of_english_are_said(tmp_path: Path) -> None:
    run = ToyRun(tmp_path / "r", languages=(ENGLISH, SWAHILI, HINDI))
    for model in ("many", "few"):
        run.put(Cell(model, "topic", "en", 0), choices(0.7))
        run.put(Cell(model, "topic", "hi", 0), choices(0.7))
        run.put(Cell(model, "topic", "sw", 0), choices(0.7)[:40])
    verdict = judge_run(read_run(run.write()), "many", "few")
    (caveat,) = [c for c in verdict["caveats"] if "docs are not quite those of English" in c]
    assert caveat.startswith("In 1 language the docs")


def test_two_models_at_chance_are_compared_and_counted(tmp_path: Path) -> None:
    run = ToyRun(tmp_path / "r", languages=(ENGLISH, SWAHILI))
    for model in ("many", "few"):
        run.put(Cell(model, "topic", "en", 0), choices(0.2))
        run.put(Cell(model, "topic", "sw", 0), choices(0.2))
    found = compare(table_from_run(read_run(run.write())), PAIR, FAST)
    assert found.verdict is not None and len(found.verdict["at_chance"]) == 2
    assert "In 2 compared languages neither model is above chance" in (
        words.family_verdict(found, "topic", NAMES).left_out
    )
    shown = lead_cell(found, found.blocks["topic"], "sw")
    assert (shown.text, shown.css) == ("(0.0)", "ns")


def test_a_difference_within_noise_is_in_parentheses(tmp_path: Path) -> None:
    run = ToyRun(tmp_path / "r", languages=(ENGLISH, SWAHILI))
    for seed, model in enumerate(("many", "few")):
        run.put(Cell(model, "topic", "en", 0), choices(0.7, seed=seed))
        run.put(Cell(model, "topic", "sw", 0), choices(0.7, seed=seed + 5))
    found = compare(table_from_run(read_run(run.write())), PAIR, FAST)
    shown = lead_cell(found, found.blocks["topic"], "sw")
    assert shown.text.startswith("(") and shown.css == "ns"


def test_a_clear_difference_is_coloured_and_carries_a_letter(comparison: Comparison) -> None:
    shown = lead_cell(comparison, comparison.blocks["topic"], "sw")
    assert shown.css.startswith("d") and shown.mark == "H" and shown.text.startswith("+")
    assert "95 % paired bootstrap" in shown.title and "beyond English" in shown.title


def test_pairs_start_with_the_best_two_models_however_they_are_called(tmp_path: Path) -> None:
    run = ToyRun(tmp_path / "r", languages=(ENGLISH, HINDI))
    for model, accuracy in (("a", 0.4), ("x", 0.9), ("b", 0.6)):
        for tag in ("en", "hi"):
            run.put(Cell(model, "topic", tag, 0), choices(accuracy))
    pairs = pairs_of(table_from_run(read_run(run.write())))
    assert pairs == [Pair("x", "b", 0), Pair("x", "a", 0), Pair("b", "a", 0)]


def test_a_comparison_swapped_twice_is_itself(comparison: Comparison) -> None:
    back = comparison.swapped()
    assert back.pair == Pair(*comparison.pair[1::-1], comparison.pair.shots)
    assert back.leads["topic", "sw"].low == -comparison.leads["topic", "sw"].high
    assert back.verdict and comparison.verdict
    assert (
        back.verdict["counts"]["delta"]["worse"] == comparison.verdict["counts"]["delta"]["better"]
    )
    assert back.swapped().verdict == comparison.verdict


def test_swapping_says_what_judging_the_other_way_round_says(
    table: ReportTable, comparison: Comparison
) -> None:
    a, b, shots = comparison.pair
    judged, swapped = compare(table, Pair(b, a, shots), FAST), comparison.swapped()
    assert judged.verdict and swapped.verdict
    assert judged.verdict["counts"] == swapped.verdict["counts"]
    for part in ("english", "others", "moat"):
        one, two = judged.verdict[part], swapped.verdict[part]
        assert one["verdict"] == two["verdict"]
        assert one["estimate"] == pytest.approx(two["estimate"])


def test_differences_csv_has_a_line_for_every_language(
    table: ReportTable, comparison: Comparison
) -> None:
    lines = differences_csv(table, {PAIR: comparison}).splitlines()
    assert len(lines) == 1 + 3 * len(LANGUAGES)
    assert any("not compared" in line and "yo" in line for line in lines)
