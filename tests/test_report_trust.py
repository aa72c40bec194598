"""Is every check stated either way, by its rule, with counts that a hand can redo?"""

import math
from dataclasses import replace
from pathlib import Path

import pytest
from report_toys import (
    ARABIC,
    ENGLISH,
    FAMILIES,
    HINDI,
    LANGUAGES,
    SWAHILI,
    TOPIC,
    ToyRun,
    choices,
    two_models,
)

from mlbench import store
from mlbench.data.languages import read_languages
from mlbench.measures import ChoiceSample, Sample, ScoreSample, cell_score
from mlbench.records import Cell
from mlbench.report import write_report
from mlbench.report.checks.check import MOST_NAMES, Check, language_names
from mlbench.report.checks.scores import check_text
from mlbench.report.checks.trust import trust
from mlbench.report.figures.layout import shown_name
from mlbench.report.page.page import render_page
from mlbench.report.tables import ReportTable, table_from_run
from mlbench.stats import Resampling
from mlbench.store.read import read_run


def right(n_right: int, n: int = 40, *, step: float = 2.0) -> tuple[Sample, ...]:
    """Make n docs, each its own cluster, of which the first n_right are answered right."""
    return tuple(
        ChoiceSample(
            f"d{i}",
            f"d{i}",
            i % 4,
            ("a", "b", "c", "d"),
            tuple(-1.0 if c == (i + (i >= n_right)) % 4 else -1.0 - step for c in range(4)),
        )
        for i in range(n)
    )


def always(choice: int, n: int = 40, *, target: int | None = None) -> tuple[Sample, ...]:
    """Make n docs that are all answered with one choice."""
    return tuple(
        ChoiceSample(
            f"d{i}",
            f"d{i}",
            i % 4 if target is None else target,
            ("a", "b", "c", "d"),
            tuple(-1.0 if c == choice else -3.0 for c in range(4)),
        )
        for i in range(n)
    )


def sign(run: ToyRun, cell: Cell, samples: tuple[Sample, ...], **signature: object) -> None:
    """Store a cell with a signature of its own; what begins with use_ is its usage."""
    usage = {k.removeprefix("use_"): v for k, v in signature.items() if k.startswith("use_")}
    stated = {k: v for k, v in signature.items() if not k.startswith("use_")}
    scores = {m: cell_score(samples, m) for m in run.families[cell.family]["metrics"]}
    store.put(
        run.plan(cell), store.CellResult(cell, store.Signature(**stated), scores, usage, samples)
    )


def table_of(run: ToyRun) -> ReportTable:
    return table_from_run(read_run(run.write()))


def check(run: ToyRun, name: str) -> Check:
    return next(found for found in trust(table_of(run)).checks if found.name == name)


@pytest.mark.slow
def test_every_check_is_stated_on_every_run(tmp_path: Path) -> None:
    names = {found.name for found in trust(table_of(two_models(tmp_path / "r"))).checks}
    empty = ToyRun(tmp_path / "e")
    empty.plan(Cell("a", "topic", "en", 0))
    checks = trust(table_of(empty)).checks
    assert {found.name for found in checks} == names and len(names) == 16
    assert all(found.finding and found.rule and found.title for found in checks)


def test_a_family_where_all_guess_says_nothing(tmp_path: Path) -> None:
    run = ToyRun(tmp_path / "r", languages=(ENGLISH, SWAHILI))
    for model in ("a", "b"):
        for tag in ("en", "sw"):
            run.put(Cell(model, "topic", tag, 0), right(10))
            run.put(Cell(model, "terms", tag, 0), right(30))
    found = check(run, "chance")
    assert found.state == "check this"
    assert found.finding.startswith(
        "4 of 8 cells (50.0 %) cannot be told from chance. Topic: nearly"
    )
    assert found.details[0] == ("Topic, a", "2 of 2 cells (100.0 %)", "English, Swahili")


def test_one_guess_among_many_cells_is_no_reason_to_look(tmp_path: Path) -> None:
    run = ToyRun(tmp_path / "r")
    for model in ("a", "b"):
        for tag in ("en", "sw", "hi", "ar", "yo"):
            run.put(Cell(model, "topic", tag, 0), right(10 if (model, tag) == ("a", "yo") else 30))
    found = check(run, "chance")
    assert (found.state, found.details[0].languages) == ("OK", "Yoruba")


def test_no_chance_level_cannot_tell(tmp_path: Path) -> None:
    families = {"topic": FAMILIES["topic"] | {"chance": None}}
    run = ToyRun(tmp_path / "r", families=families)
    run.put(Cell("a", "topic", "en", 0), right(10))
    assert check(run, "chance").state == "unknown"


def test_english_at_the_ceiling_is_worth_a_look(tmp_path: Path) -> None:
    run = ToyRun(tmp_path / "r", languages=(ENGLISH, SWAHILI))
    run.put(Cell("a", "topic", "en", 0), right(38))
    run.put(Cell("a", "topic", "sw", 0), right(37))
    found = check(run, "ceiling")
    assert found.state == "check this"
    assert "in 1 cell, other languages in 0 of 1 cell (0.0 %)" in found.finding
    assert found.details == (("Topic, a", "1 of 2 cells (50.0 %)", "English"),)


def test_means_with_and_without_near_copies(tmp_path: Path) -> None:
    copy = replace(HINDI, same_text_as="sw")
    run = ToyRun(tmp_path / "r", languages=(ENGLISH, SWAHILI, copy, replace(ARABIC, caveats=())))
    for tag, n in (("en", 40), ("sw", 40), ("hi", 10), ("ar", 25)):
        run.put(Cell("a", "topic", tag, 0), right(n))
    found = check(run, "text")
    # Adjusted 1, 0 and 0.5: 0.5 over all, 0.75 without Hindi.
    assert found.details[0] == ("Hindi", "same text as Swahili", "")
    assert found.details[1].says == "50.0 over all, 75.0 without near-copies (+25.00)"
    assert found.state == "check this" and "by more than 25.00 points" in found.finding


def of_data(tmp_path: Path, *sources: str) -> ToyRun:
    """Make a run of four real languages, with a family of each data set."""
    known = read_languages()
    families = {f"f{i}": TOPIC | {"source": source} for i, source in enumerate(sources)}
    languages = tuple(known[tag] for tag in ("en", "fa", "yue", "zh-Hant", "tl"))
    run = ToyRun(tmp_path / "r", families=families, languages=languages)
    for family in families:
        for language in languages:
            run.put(Cell("a", family, language.tag, 0), right(30))
    return run


@pytest.mark.parametrize(
    ("sources", "warned"),
    [
        (["Davlan/sib200"], ["fa", "yue"]),
        (["Unicode CLDR"], ["tl"]),
        (["Unicode CLDR", "facebook/belebele"], ["fa", "tl", "yue"]),
        (["my_table.csv"], []),
    ],
)
def test_only_problems_of_the_data_of_the_run_are_told(tmp_path, sources, warned) -> None:
    run = of_data(tmp_path, *sources)
    table = table_from_run(read_run(run.write()))
    assert sorted(x.tag for x in table.languages if x.caveats) == warned
    assert [x.tag for x in table.languages if x.is_duplicate] == ["yue"] * ("yue" in warned)
    details = check_text(table, {"a": "a"}).details
    assert len([d for d in details if not d.what.startswith("Mean")]) == len(warned)
    page = render_page(table, {})
    marks = page.count('aria-label="caveat"')
    assert marks == len(warned)
    assert ("Known problems with the text" in page) == bool(warned)
    assert ("known problem with the text of this language" in page) == bool(warned)
    names = {x.tag: shown_name(x, 9, 8) for x in table.languages}
    assert sorted(tag for tag, name in names.items() if name.endswith("(!)")) == warned


def test_languages_without_caveats_are_ok(tmp_path: Path) -> None:
    run = ToyRun(tmp_path / "r", languages=(ENGLISH, SWAHILI))
    run.put(Cell("a", "topic", "sw", 0), right(30))
    assert check(run, "text").state == "OK"


@pytest.mark.parametrize(("cut", "state"), [(None, "unknown"), (0, "OK"), (3, "check this")])
def test_truncation_is_found_or_not_known(tmp_path: Path, cut: int | None, state: str) -> None:
    run = ToyRun(tmp_path / "r", languages=(ENGLISH, SWAHILI))
    sign(run, Cell("a", "topic", "sw", 0), right(30), use_n_truncated=cut)
    found = check(run, "truncation")
    assert found.state == state
    if cut:
        says = "3 requests in 1 of 1 cell (100.0 %)"
        assert found.details == (("Topic, a", says, "Swahili"),)


@pytest.mark.parametrize(("lost", "state"), [(None, "unknown"), (0, "OK"), (3, "check this")])
def test_texts_that_a_tokenizer_loses_are_found_or_not_known(tmp_path, lost, state) -> None:
    run = ToyRun(tmp_path / "r", languages=(ENGLISH, SWAHILI))
    sign(run, Cell("a", "topic", "sw", 0), right(30), use_n_lost=lost)
    assert check(run, "lost").state == state
    run.fail(Cell("a", "topic", "en", 0), "TextLost: the tokenizer cannot write 9 of 9", "")
    found = check(run, "lost")
    assert found.state == "check this" and "1 cell of whole texts refused" in found.finding
    assert ("Topic, a", "no score", "English") in found.details
    assert (("Topic, a", "3 docs", "Swahili") in found.details) == bool(lost)


@pytest.mark.parametrize(
    ("samples", "state"),
    [
        (always(1), "check this"),
        (always(1, target=1), "OK"),
        (always(1, 9), "OK"),
        (always(1, 36) + right(44, 44)[40:], "check this"),
        (right(30), "OK"),
        ((ScoreSample("d0", "d0", 0.5),), "unknown"),
    ],
)
def test_the_same_answer_to_everything(
    tmp_path: Path, samples: tuple[Sample, ...], state: str
) -> None:
    metric = "score" if isinstance(samples[0], ScoreSample) else "acc"
    families = {"topic": FAMILIES["topic"] | {"metrics": [metric]}}
    run = ToyRun(tmp_path / "r", families=families, languages=(ENGLISH, SWAHILI))
    run.put(Cell("a", "topic", "sw", 0), samples)
    assert check(run, "one-answer").state == state


def without(label: int, n_tokens: tuple[int, ...] = ()) -> tuple[Sample, ...]:
    """Make 40 docs that are answered right, but those of one label with the first."""
    return tuple(
        replace(
            sample,
            loglikelihoods=(-1.0, -3.0, -3.0, -3.0)
            if sample.target == label
            else sample.loglikelihoods,
            n_tokens=n_tokens,
        )
        for sample in right(40)
        if isinstance(sample, ChoiceSample)
    )


def test_a_label_that_is_never_chosen_is_named(tmp_path: Path) -> None:
    run = ToyRun(tmp_path / "r", languages=(ENGLISH, SWAHILI))
    for tag in ("en", "sw"):
        run.put(Cell("a", "topic", tag, 0), without(2))
        run.put(Cell("b", "topic", tag, 0), right(40))
    found = check(run, "never-chosen")
    assert found.title == "A choice is never chosen" and found.state == "check this"
    assert found.finding.startswith("For 1 of 2 models and families a label")
    assert [(d.what, d.languages) for d in found.details] == [("Topic, a", "")]
    assert found.details[0].says == (
        "a never takes 'c' in Topic, the right choice of 20 of 80 docs (25.0 %): "
        "it cannot score above 75.0 %."
    )


@pytest.mark.parametrize(
    ("n_tokens", "state"),
    [((), "unknown"), ((1, 1, 1, 1), "OK"), ((1, 1, 2, 1), "check this")],
)
def test_labels_of_unequal_tokens_are_worth_a_look(
    tmp_path: Path, n_tokens: tuple[int, ...], state: str
) -> None:
    run = ToyRun(tmp_path / "r", languages=(ENGLISH, SWAHILI))
    run.put(Cell("a", "topic", "sw", 0), without(2, n_tokens))
    found = check(run, "lengths")
    assert (found.title, found.state) == ("Choices differ in tokens", state)
    assert len(found.details) == (state == "check this")


def test_ties_count_docs_whose_best_choices_are_equal(tmp_path: Path) -> None:
    run = ToyRun(tmp_path / "r", languages=(ENGLISH, SWAHILI))
    run.put(Cell("a", "topic", "en", 0), right(30))
    run.put(Cell("a", "topic", "sw", 0), right(30, step=0.0))
    found = check(run, "ties")
    assert found.state == "check this"
    assert found.details == (("Topic, a", "40 of 80 docs", "Swahili"),)
    assert found.finding.startswith("40 of 80 docs (50.00 %)")


def test_one_model_under_two_names_is_found(tmp_path: Path) -> None:
    run = ToyRun(tmp_path / "r", languages=(ENGLISH, SWAHILI))
    for model, n in (("a", 30), ("b", 30), ("c", 20)):
        for tag in ("en", "sw"):
            run.put(Cell(model, "topic", tag, 0), right(n))
    found = check(run, "twins")
    assert found.state == "check this" and found.finding.startswith("1 of 3 pairs")
    assert found.details == (("a and b", "2 of 2 cells (100.0 %)", ""),)


def test_different_conditions_are_listed_by_model(tmp_path: Path) -> None:
    run = ToyRun(tmp_path / "r", languages=(ENGLISH, SWAHILI))
    sign(
        run, Cell("a", "topic", "sw", 0), right(30), dtype="float32", engine="packed", use_mode="x"
    )
    sign(
        run, Cell("b", "topic", "sw", 0), right(20), dtype="bfloat16", engine="packed", use_mode="y"
    )
    found = check(run, "conditions")
    assert found.state == "check this" and found.finding.startswith(
        "Of dtype and engine, 1 differs"
    )
    assert found.details == (("dtype", "a: float32; b: bfloat16", ""), ("mode", "a: x; b: y", ""))


def test_the_mode_of_the_engine_alone_is_no_reason_to_look(tmp_path: Path) -> None:
    run = ToyRun(tmp_path / "r", languages=(ENGLISH, SWAHILI))
    sign(run, Cell("a", "topic", "sw", 0), right(30), dtype="float32", use_mode="x")
    sign(run, Cell("b", "topic", "sw", 0), right(20), dtype="float32", use_mode="y")
    assert check(run, "conditions").state == "OK"


def test_cells_on_other_docs_are_named(tmp_path: Path) -> None:
    run = ToyRun(tmp_path / "r", languages=(ENGLISH, SWAHILI))
    for model, n in (("a", 40), ("b", 30)):
        run.put(Cell(model, "topic", "sw", 0), right(20, n))
        run.put(Cell(model, "topic", "en", 0), right(20))
    found = check(run, "conditions")
    says = "1 cell: the models were scored on different docs"
    assert found.state == "check this" and found.details == (("Topic, b", says, "Swahili"),)


def test_small_n_is_said_as_the_difference_that_can_be_seen(tmp_path: Path) -> None:
    run = ToyRun(tmp_path / "r", languages=(ENGLISH, SWAHILI))
    for model, n in (("a", 30), ("b", 20)):
        for tag in ("en", "sw"):
            run.put(Cell(model, "topic", tag, 0), right(n))
    found = check(run, "docs")
    # 10 of 40 docs differ by 1: variance 0.25 x 0.75 x 40/39, times z(0.975) + z(0.8) = 2.8016.
    seen = 100 * 2.8016 * math.sqrt(0.25 * 0.75 / 39)
    assert found.state == "check this"
    assert found.details[0].says == (
        f"40 docs per cell; {seen:.1f} points between a and b in the median language"
    )


def test_many_docs_are_ok(tmp_path: Path) -> None:
    run = ToyRun(tmp_path / "r", languages=(ENGLISH, SWAHILI))
    for model, n in (("a", 700), ("b", 690)):
        run.put(Cell(model, "topic", "sw", 0), right(n, 1000))
    assert check(run, "docs").state == "OK"


def test_uneven_missing_cells_are_counted_by_model(tmp_path: Path) -> None:
    run = ToyRun(tmp_path / "r", languages=(ENGLISH, SWAHILI))
    for tag in ("en", "sw"):
        run.put(Cell("a", "topic", tag, 0), right(30))
    run.plan(Cell("b", "topic", "en", 0))
    run.fail(Cell("b", "topic", "sw", 0), "out of memory", "")
    found = check(run, "missing")
    assert found.state == "check this"
    assert found.finding == (
        "2 of 4 cells (50.0 %) of the plan are not there, unevenly: models have from 0.0 to "
        "100.0 % of their plan."
    )
    says = "2 of 2 cells (100.0 %): 1 failed, 1 missing"
    assert found.details == (("b", says, "English, Swahili"),)


def test_a_whole_run_is_ok_and_contamination_cannot_be_told(tmp_path: Path) -> None:
    run = two_models(tmp_path / "r")
    assert check(run, "missing").state == "OK"
    found = check(run, "contamination")
    assert found.state == "unknown" and found.details[0] == ("Topic", "org/data", "")


def test_what_was_found_stands_first(tmp_path: Path) -> None:
    found = trust(table_of(two_models(tmp_path / "r")))
    states = [c.state for c in found.checks]
    assert states == sorted(states, key=("check this", "unknown", "OK").index)
    n = states.count("check this")
    assert found.sentence.startswith(f"{n} check{'s' if n > 1 else ''} of 16 found something")


def test_many_languages_are_counted_not_named(tmp_path: Path) -> None:
    languages = tuple(replace(SWAHILI, tag=f"x{i:02}", name=f"L{i:02}") for i in range(25))
    run = ToyRun(tmp_path / "r", languages=languages)
    run.put(Cell("a", "topic", "x00", 0), choices(0.5))
    words = language_names(table_of(run), [lang.tag for lang in languages])
    assert words.startswith("L00, L01") and words.endswith(f"and {25 - MOST_NAMES} more")


@pytest.mark.slow
def test_the_page_states_every_check(tmp_path: Path) -> None:
    run = two_models(tmp_path / "r", LANGUAGES)
    path = write_report(run.write(), tmp_path / "out", resampling=Resampling(replicates=500))
    page = path.read_text(encoding="utf-8")
    for found in trust(table_from_run(read_run(run.folder))).checks:
        assert f"<b>{found.title}.</b>" in page
    assert '<pre id="bibtex"' in page
