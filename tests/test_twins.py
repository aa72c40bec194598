"""Two wordings of the same docs: what a model has more in one, doc by doc, and where it is told."""

from dataclasses import replace

import numpy as np
import pytest
from report_toys import TOPIC, ToyRun, choices
from stats_toys import QUICK, TAGS, make_cells, make_table
from test_stats_verdict import SCHEMA, ask, bits_table, conforms

from mlbench.judge.run import judge_run
from mlbench.judge.sentences import chain_sentence, counting_words
from mlbench.judge.twins import twin_effects
from mlbench.measures import ChoiceSample
from mlbench.records import Cell
from mlbench.report import write_report
from mlbench.stats import CellScores, ScoreTable, table_from_cells
from mlbench.stats.pairs import adjusted_scores
from mlbench.store.read import read_run

MARGIN = 0.02


def table_of(family: str, cells: list[CellScores], doc_set: str | None = "docs") -> ScoreTable:
    return table_from_cells(family, cells, doc_set=doc_set)


def cloze_and_letter(chance: float = 0.25) -> tuple[ScoreTable, ScoreTable]:
    """Make `knows` good by text and guessing by letter, `guesses` alike in both."""
    cloze = {"knows": dict.fromkeys(TAGS, 0.8), "guesses": dict.fromkeys(TAGS, 0.3)}
    letter = {"knows": dict.fromkeys(TAGS, 0.3), "guesses": dict.fromkeys(TAGS, 0.3)}
    return (
        table_of("cloze", make_cells(cloze, seed=1)),
        table_of("letter", make_cells(letter, seed=2, chance=chance)),
    )


def test_the_difference_is_that_of_the_adjusted_means_and_chance_takes_no_part():
    cloze, letter = cloze_and_letter(chance=0.28)
    knows, guesses = twin_effects([letter, cloze], ("knows", "guesses"), MARGIN, QUICK)
    assert [(t.family, t.twin, t.model) for t in (knows, guesses)] == [
        ("letter", "cloze", "knows"),
        ("letter", "cloze", "guesses"),
    ]
    row = cloze.model_index("knows")
    expected = np.mean(adjusted_scores(letter)[row] - adjusted_scores(cloze)[row])
    assert knows.effect.estimate == pytest.approx(expected) and expected < -0.4
    assert knows.effect.high < 0 and knows.effect.n_languages == len(TAGS)
    assert guesses.effect.low < 0 < guesses.effect.high


def test_docs_are_paired_so_that_twins_alike_differ_by_exactly_nothing():
    cells = make_cells({"one": dict.fromkeys(TAGS, 0.6)})
    (same,) = twin_effects([table_of("a", cells), table_of("b", cells)], ("one",), MARGIN, QUICK)
    assert same.effect.estimate == 0
    unpaired = make_cells({"one": dict.fromkeys(TAGS, 0.6)}, seed=9)
    (other,) = twin_effects(
        [table_of("a", cells), table_of("b", unpaired)], ("one",), MARGIN, QUICK
    )
    assert other.effect.high - other.effect.low > same.effect.high - same.effect.low


def test_only_docs_and_languages_that_both_have_are_compared():
    cloze, _ = cloze_and_letter()
    rates = {"knows": dict.fromkeys(("en", "sw"), 0.8)}
    few = [
        replace(
            cell,
            doc_ids=cell.doc_ids[20:],
            values=cell.values[20:],
            cluster_ids=cell.cluster_ids[20:],
        )
        for cell in make_cells(rates, seed=1)
    ]
    few += [CellScores("knows", "en", ["extra"], [1.0], ["c000"], 0.25)]
    merged = {
        tag: CellScores(
            "knows",
            tag,
            [i for cell in few if cell.language == tag for i in cell.doc_ids],
            [v for cell in few if cell.language == tag for v in cell.values],
            [c for cell in few if cell.language == tag for c in cell.cluster_ids or ()],
            0.25,
        )
        for tag in ("en", "sw")
    }
    letter = table_of("letter", list(merged.values()))
    (knows,) = twin_effects([cloze, letter], ("knows", "guesses"), MARGIN, QUICK)
    assert knows.effect.n_languages == 2 and knows.effect.estimate != 0


@pytest.mark.parametrize(
    "tables",
    [
        [replace(make_table(family=name), doc_set=None) for name in ("a", "b")],
        [replace(make_table(family=name), doc_set=name) for name in ("a", "b")],
        [replace(make_table(family="a"), doc_set="x"), replace(bits_table(), doc_set="x")],
    ],
    ids=["no doc set", "other docs", "bits beside accuracy"],
)
def test_other_docs_and_other_units_have_no_difference(tables):
    assert twin_effects(tables, ("good", "plain"), MARGIN, QUICK) == []


def test_the_verdict_holds_them_and_is_as_its_schema_says():
    cloze, letter = (replace(make_table(family=f, seed=i), doc_set="x") for i, f in enumerate("ab"))
    verdict = ask(cloze, letter)
    assert conforms(verdict, SCHEMA) == []
    assert [(t["family"], t["twin"], t["model"]) for t in verdict["twins"]] == [
        ("b", "a", "good"),
        ("b", "a", "plain"),
    ]
    assert ask(make_table())["twins"] == []
    assert counting_words(verdict) == ", those that ask the same docs counting as one"
    apart = ask(*(make_table(family=name) for name in "ab"))
    assert counting_words(apart) == ", each counting once"
    assert counting_words(ask(make_table())) == ""


def test_a_comparison_without_english_does_not_say_that_it_is_included():
    facts = {"languages": 119, "with_data": 10, "compared": 10, "at_chance": 0}
    assert "10 compared (English is not there)" in chain_sentence(facts | {"english": 0})
    assert "10 compared (English included)" in chain_sentence(facts | {"english": 1})


def test_the_run_tells_it_in_words_and_so_does_the_page(tmp_path):
    toy = ToyRun(tmp_path / "runs" / "r")
    for name, title in (("read_text", "By text"), ("read_letter", "By letter")):
        toy.families[name] = TOPIC | {"title": title, "doc_set": "read", "metrics": ["acc"]}
    for model, by_text in (("knows", 0.9), ("guesses", 0.3)):
        for tag in ("en", "sw", "hi"):
            for family, rate in (("read_text", by_text), ("read_letter", 0.3)):
                samples = choices(rate, seed=len(family))
                assert isinstance(samples[0], ChoiceSample)
                toy.put(Cell(model, family, tag, 0), samples)
    run = read_run(toy.write())
    (told,) = [c for c in judge_run(run, "knows", "guesses")["caveats"] if "two ways" in c]
    # The later name less the earlier one: read_text less read_letter.
    assert told.startswith("The same docs asked in two ways: By text less By letter is +")
    assert " for knows (3 languages) and " in told and "for guesses (3 languages)." in told
    page = write_report(run.folder, tmp_path / "page").read_text(encoding="utf-8")
    assert "By text less By letter is +" in page
