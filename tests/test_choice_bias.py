"""Are choices that a model cannot take, or takes by their length, found and said in numbers?"""

import math
from dataclasses import replace

import numpy as np
import pytest
from report_toys import ENGLISH, FAMILIES, SWAHILI, ToyRun

from mlbench.errors import DataError
from mlbench.judge.choice_bias import choice_bias, never_chosen, token_lengths
from mlbench.judge.run import choice_caveats
from mlbench.measures import (
    ChoiceSample,
    Sample,
    ScoreSample,
    TextSample,
    doc_scores,
    predict,
    rules,
    taken_of,
)
from mlbench.records import Cell
from mlbench.store.cells import _table_from_samples
from mlbench.store.read import read_run
from mlbench.store.samples import SampleColumns, scores_of, taken_by
from mlbench.store.shelf import Stored

LABELS = ("a", "b", "c")


def docs(
    pairs: list[tuple[int, int]],
    *,
    tokens: tuple[int, ...] = (),
    labels: tuple[str, ...] = LABELS,
    own: bool = False,
) -> tuple[Sample, ...]:
    """Make a doc for each (target, chosen); own choices are other texts in each doc."""
    return tuple(
        ChoiceSample(
            f"d{i}",
            f"d{i}",
            target,
            tuple(f"{label}{i}" for label in labels) if own else labels,
            tuple(-1.0 if choice == chosen else -2.0 for choice in range(len(labels))),
            n_tokens=tokens,
        )
        for i, (target, chosen) in enumerate(pairs)
    )


def stored(samples: tuple[Sample, ...]) -> SampleColumns:
    table = _table_from_samples(samples)
    return SampleColumns(Stored(len(samples), tuple(table.column_names), lambda: table))


TEXTS = ("a", "bb", "река", "河流", "แม่น้ำ", "نهر", "नदी", "😀")


def test_columns_take_what_every_doc_takes_by_every_rule():
    rng = np.random.default_rng(3)
    samples = []
    for i in range(300):
        n = int(rng.integers(2, 6))
        numbers = [tuple(rng.integers(-4, 0, n).astype(float)) for _ in range(3)]
        if i % 50 == 0:
            numbers[0] = (-math.inf, *numbers[0][1:])
        texts = tuple(rng.choice(TEXTS, n).tolist())
        likely, prior, means = numbers
        samples.append(ChoiceSample(f"d{i}", f"c{i}", 0, texts, likely, prior, label_means=means))
    for rule in rules():
        taken = taken_by(stored(tuple(samples)), rule)
        assert taken is not None and taken.tolist() == [predict(s, rule) for s in samples], rule
    nameless = replace(samples[0], choices=("", *samples[0].choices[1:]))
    assert taken_of(stored((nameless,)), "acc_bytes") is None


NEVER_C = [(0, 0)] * 10 + [(1, 1)] * 5 + [(2, 0)] * 5


@pytest.mark.parametrize("hold", [tuple, stored])
def test_a_label_that_is_never_taken_is_named_with_its_ceiling(hold):
    found = never_chosen([hold(docs(NEVER_C)), hold(docs(NEVER_C))], "acc")
    assert found is not None and found.is_found
    assert [tuple(label) for label in found.labels] == [("c", 10, 0)]
    assert (found.n_docs, found.ceiling) == (40, 0.75)
    assert found.sentence("m", "Topic") == (
        "m never takes 'c' in Topic, the right choice of 10 of 40 docs (25.0 %): "
        "it cannot score above 75.0 %."
    )


def test_a_label_taken_now_and_then_counts_once_it_is_below_a_hundredth():
    pairs = [(0, 0)] * 200 + [(2, 0)] * 199 + [(2, 2)]
    found = never_chosen([docs(pairs)], "acc")
    assert found is not None and found.labels[0].n_chosen == 1
    assert found.ceiling == pytest.approx(1 - 199 / 400)
    assert "m hardly ever takes 'c'" in found.sentence("m", "Topic")
    often = never_chosen([docs(pairs + [(0, 2)])], "acc")
    assert often is not None and not often.is_found and often.sentence("m", "Topic") == ""


def test_four_docs_of_a_label_are_too_few_to_miss_it():
    found = never_chosen([docs([(0, 0)] * 10 + [(2, 0)] * 4)], "acc")
    assert found is not None and not found.labels and found.ceiling == 1.0


@pytest.mark.parametrize(
    "samples",
    [
        docs(NEVER_C, own=True),
        (ScoreSample("d", "d", 0.5),),
        (TextSample("d", "d", -1.0, 3),),
        docs([(0, 0)]),
        (),
    ],
)
def test_own_choices_scores_and_texts_have_no_labels(samples):
    assert never_chosen([samples], "acc") is None
    assert never_chosen([docs(NEVER_C)], "macro_f1") is None


def test_labels_of_another_language_are_own_choices():
    cells = [docs(NEVER_C), docs(NEVER_C, labels=("x", "y", "z"))]
    assert never_chosen(cells, "acc") is None


@pytest.mark.parametrize("hold", [tuple, stored])
def test_labels_that_differ_in_tokens_are_listed(hold):
    found = token_lengths([hold(docs(NEVER_C, tokens=(1, 2, 1)))], "acc")
    assert found is not None and found.is_found
    assert found.tokens_by_label == {"a": 1, "b": 2, "c": 1}
    # 15 of 20 docs took a or c, and 15 have one of them as the target.
    assert found.points == 0 and found.share_differ == 1
    assert found.sentence("m", "Topic") == (
        "The labels of Topic differ in tokens for m ('a' 1, 'b' 2, 'c' 1); it takes those with "
        "the fewest 0.0 points more often than they are right."
    )


def test_labels_of_one_length_and_unknown_lengths():
    same = token_lengths([docs(NEVER_C, tokens=(2, 2, 2))], "acc")
    assert same is not None and not same.is_found and same.sentence("m", "T") == ""
    assert token_lengths([docs(NEVER_C)], "acc") is None


@pytest.mark.parametrize("hold", [tuple, stored])
def test_taking_the_shortest_own_choice_is_counted_in_points(hold):
    pairs = [(0, 0)] * 8 + [(1, 0)] * 6 + [(2, 2)] * 6
    found = token_lengths([hold(docs(pairs, tokens=(1, 2, 3), own=True))], "acc")
    assert found is not None and found.tokens_by_label is None and found.is_found
    # The shortest is taken in 14 docs and right in 8 of 20.
    assert found.points == pytest.approx(30)
    assert "takes the one with the fewest 30.0 points more often" in found.sentence("m", "Topic")


def test_a_tie_for_the_fewest_counts_by_halves_and_equal_choices_for_nothing():
    pairs = [(2, 0)] * 10
    tied = token_lengths([docs(pairs, tokens=(1, 1, 3), own=True)], "acc")
    assert tied is not None and tied.points == pytest.approx(50)
    even = token_lengths([docs(pairs, tokens=(3, 3, 3), own=True)], "acc")
    assert even is not None and (even.points, even.share_differ) == (0, 0)
    long = token_lengths([docs([(0, 2)] * 10, tokens=(1, 2, 3), own=True)], "acc")
    assert long is not None and long.points == pytest.approx(-100) and long.is_found
    assert "100.0 points less often" in long.sentence("m", "Topic")


def test_ten_points_are_not_yet_worth_a_look():
    pairs = [(0, 0)] * 9 + [(1, 0)]
    found = token_lengths([docs(pairs, tokens=(1, 2, 3), own=True)], "acc")
    assert found is not None and found.points == pytest.approx(10) and not found.is_found


def test_calibrated_answers_are_those_of_metrics():
    rows = [((-1.0, -2.0, -3.0), (-2.0, -3.0, -4.0)), ((-3.0, -1.5), (-9.0, -1.0))]
    samples = tuple(
        ChoiceSample(f"d{i}", f"d{i}", 0, LABELS[: len(values)], values, label_means=tuple(means))
        for i, (values, means) in enumerate(rows * 3)
    )
    for held in (samples, stored(samples)):
        taken = taken_by(held, "acc_calibrated")
        assert taken is not None
        assert taken.tolist() == [predict(s, "acc_calibrated") for s in samples]  # type: ignore[arg-type]
        wanted = doc_scores(samples, "acc_calibrated")
        assert scores_of(held, "acc_calibrated").tolist() == wanted
    with pytest.raises(DataError, match="acc_calibrated needs them"):
        taken_by(docs([(0, 0)]), "acc_calibrated")


def test_a_bias_says_what_was_found_only():
    bias = choice_bias([docs(NEVER_C, tokens=(1, 1, 1))], "acc")
    assert [s[:9] for s in bias.sentences("m", "Topic")] == ["m never t"]


def test_the_verdict_warns_of_a_label_that_is_never_taken(tmp_path):
    run = ToyRun(tmp_path / "r", languages=(ENGLISH, SWAHILI))
    for model in ("a", "b"):
        for tag in ("en", "sw"):
            pairs = NEVER_C if model == "a" else [(i % 3, i % 3) for i in range(20)]
            run.put(Cell(model, "topic", tag, 0), docs(pairs))
    found = choice_caveats(read_run(run.write()), ("a", "b"))
    assert len(found) == 1 and found[0].startswith(
        f"a never takes 'c' in {FAMILIES['topic']['title']}"
    )
