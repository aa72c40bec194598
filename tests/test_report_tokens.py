"""Is the cost of a meaning counted on shared sentences, and is the unknown said as unknown?"""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from report_toys import ARABIC, ENGLISH, HINDI, SWAHILI, TEXT, ToyRun, exact
from scipy.stats import rankdata

from mlbench.measures import TextSample
from mlbench.records import Cell, Language
from mlbench.report import write_report
from mlbench.report.compare import Pair
from mlbench.report.premium import sizes_of
from mlbench.report.tables import ReportTable, table_from_run
from mlbench.report.tokens import Cost, _ranks, tokens_of, tokens_slots
from mlbench.stats import Resampling
from mlbench.store.read import Run, read_run
from mlbench.tokens.premium import premiums_of

PAIR = Pair("m", "n", 0)


def sentences(*n_tokens: int | None, bits: float = 10.0, first: int = 0) -> tuple[TextSample, ...]:
    """Make sentences of so many tokens and 12 bytes, with doc ids counted from `first`."""
    return tuple(
        TextSample(f"d{i}", f"c{i}", -math.log(2) * bits, 12, n)
        for i, n in enumerate(n_tokens, start=first)
    )


def toy_run(folder: Path, texts: dict[str, dict[str, tuple[TextSample, ...]]], **facts: Any) -> Run:
    """Make a run of one family of texts; texts[model][tag] are its samples."""
    languages = (ENGLISH, SWAHILI, HINDI, ARABIC)
    tags = {tag for its in texts.values() for tag in its}
    run = ToyRun(
        folder,
        families={"text": TEXT | facts},
        languages=tuple(language for language in languages if language.tag in tags),
    )
    for model, its in texts.items():
        for tag, samples in its.items():
            run.put(Cell(model, "text", tag, 0), samples)
    return read_run(run.write())


def timed(run: Run, usage: dict[tuple[str, str], dict[str, Any]]) -> ReportTable:
    """Put usage by (model, tag) into the cells of a run."""
    done = {
        cell: replace(result, usage=usage.get((cell.model, cell.language), {}))
        for cell, result in run.done.items()
    }
    return table_from_run(replace(run, done=done))


def cost_of(table: ReportTable, model: str = "m") -> Cost:
    return next(cost for cost in tokens_of(table, None).costs if cost.model == model)


def test_premium_is_a_ratio_of_sums_over_the_docs_that_english_has_too(tmp_path: Path) -> None:
    texts = {"m": {"en": sentences(2, 4, 6), "sw": sentences(9, 9, 100, first=1)}}
    table = table_from_run(toy_run(tmp_path / "r", texts))
    # Docs d1 and d2 are shared: 18 tokens of Swahili over 10 of English.
    assert premiums_of(sizes_of(table, "m")) == {"sw": pytest.approx(1.8)}


def test_costs_of_a_model_are_those_worked_out_by_hand(tmp_path: Path) -> None:
    texts = {
        "m": {
            "en": sentences(2, 4),
            "sw": sentences(6, 6),
            "hi": sentences(12, 12),
            "ar": sentences(3, 3),
        }
    }
    cost = cost_of(table_from_run(toy_run(tmp_path / "r", texts)))
    assert cost.median_premium == pytest.approx(2.0)
    assert [(w.language, w.value) for w in cost.worst] == [
        ("Hindi", 4.0),
        ("Swahili", 2.0),
        ("Arabic", 1.0),
    ]
    assert cost.english_tokens == pytest.approx(3)
    assert cost.english_bytes_per_token == pytest.approx(24 / 6)
    assert cost.bytes_per_token == pytest.approx(2)


def test_time_is_taken_on_the_cells_that_every_timed_model_has(tmp_path: Path) -> None:
    texts = {
        "m": {"en": sentences(2, 4), "sw": sentences(6, 6)},
        "n": {"en": sentences(2, 4)},
        "imported": {"en": sentences(2, 4)},
    }
    usage = {
        ("m", "en"): {"seconds": 1.0, "device": "cpu", "model_bytes": 5},
        ("m", "sw"): {"seconds": 100.0, "device": "cuda:0", "model_bytes": 7},
        ("n", "en"): {"seconds": 3.0, "device": None, "model_bytes": None},
        ("imported", "en"): {"seconds": None},
    }
    table = timed(toy_run(tmp_path / "r", texts), usage)
    assert cost_of(table, "m").seconds == pytest.approx(0.5)
    assert cost_of(table, "n").seconds == pytest.approx(1.5)
    assert math.isnan(cost_of(table, "imported").seconds)
    assert cost_of(table, "m").devices == ("cpu", "cuda:0")
    assert cost_of(table, "m").weights == 7
    assert math.isnan(cost_of(table, "n").weights)


def test_hidden_tokens_are_said_to_be_unknown(tmp_path: Path) -> None:
    texts = {
        "m": {"en": sentences(2, 4), "sw": sentences(6, 6)},
        "n": {"en": sentences(None, None), "sw": sentences(None, None)},
    }
    tokens = tokens_of(table_from_run(toy_run(tmp_path / "r", texts)), PAIR)
    assert not tokens.costs[1].has_tokens
    assert "Tokens are not known for n" in tokens.sentence
    assert "take 2.00 times (m) the tokens of English" in tokens.sentence
    assert tokens.slots["tokens-0-mb"] == "–"
    assert tokens.slots["tokens-0-b"] == ""


def test_premium_is_unknown_without_english(tmp_path: Path) -> None:
    texts = {"m": {"sw": sentences(6, 6), "hi": sentences(6, 6)}}
    tokens = tokens_of(table_from_run(toy_run(tmp_path / "r", texts)), None)
    assert math.isnan(tokens.costs[0].median_premium)
    assert tokens.costs[0].bytes_per_token == pytest.approx(2)
    assert tokens.scripts == ()
    assert tokens.sentence.startswith("What the same meaning costs in tokens is unknown")


def test_texts_that_are_not_translations_have_no_premium(tmp_path: Path) -> None:
    texts = {"m": {"en": sentences(2, 4), "sw": sentences(6, 6)}}
    table = table_from_run(toy_run(tmp_path / "r", texts, is_parallel=False))
    assert sizes_of(table, "m") == {}


def test_run_without_texts_still_tells_time(tmp_path: Path) -> None:
    run = ToyRun(tmp_path / "r", languages=(ENGLISH,))
    run.put(Cell("m", "topic", "en", 0), exact(5))
    table = timed(read_run(run.write()), {("m", "en"): {"seconds": 4.0}})
    tokens = tokens_of(table, None)
    assert tokens.costs[0].seconds == pytest.approx(0.5)
    assert "is unknown: no parallel text" in tokens.sentence
    assert "not known for" not in tokens.sentence


def test_dots_stand_on_a_logarithmic_axis_with_ends(tmp_path: Path) -> None:
    texts = {
        "m": {
            "en": sentences(10),
            "sw": sentences(20),
            "hi": sentences(1),
            "ar": sentences(1000),
        }
    }
    tokens = tokens_of(table_from_run(toy_run(tmp_path / "r", texts)), None)
    dots = sorted(tokens.slots["tokens-0-a"].removeprefix("M").split("M"))
    assert [dot.split(" ")[0] for dot in dots] == ["0", "240", "96"]


def test_script_needs_three_languages_for_its_own_row(tmp_path: Path) -> None:
    languages = [Language(tag, tag, tag, "Latn", "ltr", "F") for tag in ("sw", "de", "fr")]
    run = ToyRun(tmp_path / "r", families={"text": TEXT}, languages=(ENGLISH, *languages, HINDI))
    for language in run.languages:
        run.put(Cell("m", "text", language.tag, 0), sentences(2, 2))
    tokens = tokens_of(table_from_run(read_run(run.write())), None)
    assert [(s.title, len(s.tags)) for s in tokens.scripts] == [
        ("Latin", 3),
        ("1 other script", 1),
    ]


def test_rank_correlation_is_that_of_ranks(tmp_path: Path) -> None:
    texts = {
        "m": {
            "en": sentences(10),
            "sw": sentences(20, bits=20),
            "hi": sentences(30, bits=500),
            "ar": sentences(40, bits=501),
        },
        "n": {tag: sentences(10) for tag in ("en", "sw", "hi", "ar")},
    }
    tokens = tokens_of(table_from_run(toy_run(tmp_path / "r", texts)), PAIR)
    assert "−1.00 over 3 languages for A and unknown for B" in tokens.slots["tokens-rank"]
    swapped = tokens_slots(tokens, Pair("n", "m", 0))
    assert "unknown for A and −1.00 over 3 languages for B" in swapped["tokens-rank"]
    assert swapped.keys() == tokens.slots.keys()


@pytest.mark.slow
def test_hostile_facts_of_a_model_stay_text(tmp_path: Path) -> None:
    evil = "</td><script>alert(1)</script>\u202e"
    run = ToyRun(tmp_path / "r", families={"text": TEXT}, languages=(ENGLISH, SWAHILI))
    for tag in ("en", "sw"):
        run.put(Cell("m", "text", tag, 0), sentences(2, 2))
    run.models["m"] |= {"licence": evil, "parameters": evil}
    page = write_report(run.write(), tmp_path / "out", resampling=Resampling(replicates=100))
    html = page.read_text(encoding="utf-8")
    section = html[html.index('<section id="tokens">') : html.index('<section id="missing">')]
    assert "<script" not in section
    assert "\u202e" not in section


def test_equal_values_share_the_mean_of_their_ranks() -> None:
    values = [3.0, 1.0, 3.0, 2.0, 3.0]
    assert list(_ranks(values)) == [4.0, 1.0, 4.0, 2.0, 4.0]
    assert list(_ranks(values)) == list(rankdata(values))
