"""Does a family that measures nothing look like one, and a good one like a good one?"""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from report_toys import ARABIC, ENGLISH, HINDI, LANGUAGES, SWAHILI, ToyRun, texts
from test_cli import refused, run_cli

from mlbench.errors import SelectionError
from mlbench.judge.family_check import (
    FamilyCheck,
    ModelCheck,
    check_families,
    split_half,
    verdict_word,
)
from mlbench.measures import ChoiceSample, Sample
from mlbench.records import Cell
from mlbench.stats import CellScores, table_from_cells
from mlbench.store.read import read_run

N = 120
TARGETS = np.random.default_rng(1).permutation(np.arange(N) % 4)


def cell(chosen: np.ndarray, *, own: bool = False) -> tuple[Sample, ...]:
    """Make N docs, each a cluster, with these choices; a quarter of targets is each of four."""
    return tuple(
        ChoiceSample(
            f"d{i:03}",
            f"c{i:03}",
            int(TARGETS[i]),
            tuple(f"{x}{i}" if own else x for x in "abcd"),
            tuple(-1.0 if c == chosen[i] else -3.0 for c in range(4)),
            n_tokens=(1, 2, 2, 2),
        )
        for i in range(N)
    )


def guessing(seed: int) -> tuple[Sample, ...]:
    return cell(np.random.default_rng(seed).integers(0, 4, N))


def knowing(share: float, seed: int) -> tuple[Sample, ...]:
    """Be right on about this share of the docs, and one choice further on the others."""
    is_right = np.random.default_rng(seed).random(N) < share
    return cell(np.where(is_right, TARGETS, (TARGETS + 1) % 4))


def constant() -> tuple[Sample, ...]:
    return cell(np.zeros(N, dtype=int))


def checked(folder: Path, cells: dict[tuple[str, str], tuple[Sample, ...]]) -> FamilyCheck:
    run = ToyRun(folder / "r")
    for (model, tag), samples in cells.items():
        run.put(Cell(model, "topic", tag, 0), samples)
    (found,) = check_families(read_run(run.write()))
    return found


TAGS = [language.tag for language in LANGUAGES]
SHARES = dict(zip(TAGS, (0.55, 0.95, 0.65, 0.75, 0.85), strict=True))


def test_a_family_that_all_guess_is_at_chance(tmp_path: Path) -> None:
    cells = {(m, t): guessing(10 * j + i) for j, m in enumerate("ab") for i, t in enumerate(TAGS)}
    found = checked(tmp_path, cells)
    assert found.verdict == "at chance"
    assert [m.n_above for m in found.models] == [0, 0]
    assert [m.n_at + m.n_below for m in found.models] == [5, 5]
    assert found.pairs[0].share == 0 and found.pairs[0].n_languages == 5


def test_a_model_that_knows_makes_a_family_informative(tmp_path: Path) -> None:
    cells = {("good", t): knowing(SHARES[t], i) for i, t in enumerate(TAGS)}
    cells |= {("bad", t): guessing(50 + i) for i, t in enumerate(TAGS)}
    found = checked(tmp_path, cells)
    good, bad = found.models
    assert (good.n_above, good.n_at, good.n_below) == (5, 0, 0) and good.is_clear_in_english
    assert bad.n_above == 0 and bad.is_clear_in_english is False
    assert found.reliability.n_cells == 10 and found.reliability.whole > 0.9
    (pair,) = found.pairs
    assert (pair.n_higher, pair.n_lower, pair.share) == (5, 0, 1.0)
    wanted = good.mean - bad.mean
    assert pair.mean_difference == pytest.approx(wanted)
    assert found.verdict == "informative"


def test_a_constant_answerer_is_at_chance_and_has_no_reliability(tmp_path: Path) -> None:
    found = checked(tmp_path, {("same", tag): constant() for tag in TAGS})
    assert found.verdict == "at chance"
    (model,) = found.models
    assert (model.n_at, model.mean) == (5, 0.25)
    assert math.isnan(found.reliability.whole)
    bias = model.choice_bias
    assert bias.never_chosen is not None and [x.text for x in bias.never_chosen.labels] == [*"bcd"]
    assert bias.token_lengths is not None and bias.token_lengths.points == pytest.approx(75)


def test_the_chance_level_is_that_of_the_cell(tmp_path: Path) -> None:
    """40 % of one target: always giving it is chance, not above 25 %."""
    samples = tuple(
        ChoiceSample(f"d{i}", f"d{i}", 0 if i < 80 else 1 + i % 3, (*"abcd",), (-1.0, -2, -2, -2))
        for i in range(200)
    )
    found = checked(tmp_path, {("same", "en"): samples})
    assert found.cells[0].chance == 0.4 and found.cells[0].place == "at"
    assert found.verdict == "at chance"


def judged(n_above: int, n: int, *, english: bool | None = None) -> ModelCheck:
    return ModelCheck("m", n, n_above, n - n_above, 0, english, 0.5, None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("models", "reliability", "word"),
    [
        ([judged(20, 40)], 0.5, "informative"),
        ([judged(20, 40)], 0.49, "weak"),
        ([judged(20, 40)], math.nan, "weak"),
        ([judged(0, 40, english=True)], 0.9, "informative"),
        ([judged(0, 40, english=True)], 0.1, "at chance"),
        ([judged(4, 40)], 0.9, "at chance"),
        ([judged(5, 40)], 0.9, "weak"),
        ([judged(0, 40), judged(6, 40)], 0.9, "weak"),
        ([judged(0, 40), judged(20, 40)], 0.9, "informative"),
    ],
)
def test_the_rule_of_the_verdict(models: list[ModelCheck], reliability: float, word: str) -> None:
    assert verdict_word(models, reliability) == word


def test_split_half_is_the_correlation_of_halves_stepped_up() -> None:
    odd_even = {"en": (1.0, 0.75), "sw": (0.25, 0.5), "hi": (0.5, 0.0)}
    cells = [
        CellScores("m", tag, [*"abcd"], [odd, even, odd, even])
        for tag, (odd, even) in odd_even.items()
    ]
    found = split_half(table_from_cells("f", cells))
    r = float(np.corrcoef(*zip(*odd_even.values(), strict=True))[0, 1])
    assert found.halves == pytest.approx(r)
    assert found.whole == pytest.approx(2 * r / (1 + r)) and found.n_cells == 3
    assert math.isnan(split_half(table_from_cells("f", cells[:2])).whole)


def test_texts_have_no_chance_level(tmp_path: Path) -> None:
    run = ToyRun(tmp_path / "r", languages=(ENGLISH, SWAHILI, HINDI, ARABIC))
    for i, tag in enumerate(("en", "sw", "hi", "ar")):
        run.put(Cell("a", "text", tag, 0), texts(100 + 20 * i, seed=i))
        run.put(Cell("b", "text", tag, 0), texts(120 + 20 * i, seed=9 + i))
    (found,) = check_families(read_run(run.write()))
    assert found.verdict == "no chance level" and found.cells[0].place is None
    assert found.pairs[0].n_lower == 4 and found.pairs[0].mean_difference == pytest.approx(
        -20, abs=3
    )


def test_models_of_no_common_language_are_not_compared(tmp_path: Path) -> None:
    found = checked(tmp_path, {("a", "en"): guessing(0), ("b", "sw"): guessing(1)})
    assert found.pairs[0].n_languages == 0 and math.isnan(found.pairs[0].share)
    assert found.models[1].is_clear_in_english is None


@pytest.fixture
def run_folder(tmp_path: Path) -> str:
    run = ToyRun(tmp_path / "cache" / "r")
    for tag in TAGS:
        run.put(Cell("good", "topic", tag, 0), knowing(SHARES[tag], 3))
        run.put(Cell("bad", "topic", tag, 0), constant())
    run.plan(Cell("good", "terms", "en", 0))
    return str(run.write())


def test_the_command_prints_words_and_the_same_numbers_as_json(capsys, run_folder):
    code, out, _ = run_cli(capsys, "check-family", run_folder)
    assert code == 0 and "topic: INFORMATIVE (by acc)" in out and "Swahili" not in out
    assert "bad never takes 'b' and 'c' and 'd' in Topic" in out
    code, out, _ = run_cli(capsys, "check-family", run_folder, "--family", "topic")
    assert code == 0 and "Swahili" in out
    code, out, _ = run_cli(capsys, "check-family", run_folder, "--json")
    (found,) = json.loads(out)
    assert found["verdict"] == "informative" and len(found["cells"]) == 10
    assert found["models"][1]["choice_bias"]["never_chosen"]["ceiling"] == 0.25
    assert found["pairs"][0]["share"] == 1.0 and found["reliability"]["n_cells"] == 10


def test_wrong_names_are_refused(capsys, run_folder):
    message = refused(capsys, "check-family", run_folder, "--family", "topik")
    assert "no family 'topik'. Did you mean 'topic'? See: mlbench list cells" in message
    message = refused(capsys, "check-family", run_folder, "--family", "terms")
    assert "no finished cell of family 'terms'. See: mlbench list cells" in message
    assert "no run 'nowhere'" in refused(capsys, "check-family", "nowhere")


def test_a_run_without_finished_cells_is_refused(tmp_path: Path) -> None:
    run = ToyRun(tmp_path / "r")
    run.plan(Cell("a", "topic", "en", 0))
    with pytest.raises(SelectionError, match="no finished cell in run"):
        check_families(read_run(run.write()))
