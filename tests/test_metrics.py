import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score  # comes with lm-eval

from mlbench.errors import DataError
from mlbench.measures import (
    ChoiceSample,
    TextSample,
    available_rules,
    cell_score,
    doc_scores,
    predict,
)

SAMPLE = ChoiceSample("1", "1", 1, ("ab", "กขคง", "x"), (-2.0, -4.0, -1.5), (-2.0, -6.0, -1.0))


def test_acc_takes_the_likeliest_choice():
    assert predict(SAMPLE, "acc") == 2


def test_acc_norm_divides_by_characters_and_acc_bytes_by_bytes():
    # per character: -1, -1, -1.5; per byte: -1, -1/3, -1.5
    assert predict(SAMPLE, "acc_norm") == 0
    assert predict(SAMPLE, "acc_bytes") == 1


def test_acc_pmi_takes_out_what_the_choice_has_without_the_query():
    # 0, 2, -0.5
    assert predict(SAMPLE, "acc_pmi") == 1


def test_acc_calibrated_takes_out_what_a_label_has_whatever_the_doc():
    sample = ChoiceSample("1", "1", 1, ("a", "b"), (-1.0, -2.0), label_means=(-0.5, -3.0))
    assert predict(sample, "acc") == 0 and predict(sample, "acc_calibrated") == 1
    assert available_rules(sample) == ("acc", "acc_norm", "acc_bytes", "acc_calibrated")


def test_acc_calibrated_without_label_means_is_refused():
    with pytest.raises(DataError, match="without calibration docs; acc_calibrated needs them"):
        doc_scores([ChoiceSample("1", "1", 0, ("a",), (-1.0,))], "acc_calibrated")


def test_macro_f1_takes_the_calibrated_predictions_where_there_are_any():
    docs = [
        ChoiceSample(str(i), str(i), i, ("a", "b"), (-1.0, -2.0 + i), label_means=(-1.0, -1.5))
        for i in (0, 1)
    ]
    assert cell_score(docs, "macro_f1").value == 1.0


def test_acc_pmi_without_calibration_is_refused():
    with pytest.raises(DataError, match="without calibration"):
        doc_scores([ChoiceSample("1", "1", 0, ("a",), (-1.0,))], "acc_pmi")


def test_a_tie_goes_to_the_first_choice_as_in_lm_eval():
    assert predict(ChoiceSample("1", "1", 1, ("a", "b"), (-1.0, -1.0)), "acc") == 0


def test_bits_are_base_2_and_bits_per_byte_is_over_the_cell():
    texts = [TextSample("1", "1", -8 * math.log(2), 4), TextSample("2", "2", -math.log(2), 5)]
    assert cell_score(texts, "bits").value == pytest.approx(4.5)
    assert cell_score(texts, "bits_per_byte").value == pytest.approx(9 / 9)
    assert doc_scores(texts, "bits_per_byte") == pytest.approx([2.0, 0.2])


def test_stderr_is_that_of_the_mean():
    samples = [ChoiceSample(str(i), str(i), i % 2, ("a", "b"), (0.0, -1.0)) for i in range(4)]
    score = cell_score(samples, "acc")
    assert (score.value, score.n_docs) == (0.5, 4)
    assert score.stderr == pytest.approx(math.sqrt(1 / 3 / 4))


def test_one_doc_has_no_stderr_and_no_doc_no_score():
    assert math.isnan(cell_score([SAMPLE], "acc").stderr)
    with pytest.raises(DataError, match="a cell without docs"):
        cell_score([], "acc")


def answers(pairs):
    """Samples whose likeliest choice is the second of each pair, and the target the first."""
    letters = tuple("abcdefg")
    return [
        ChoiceSample(str(i), str(i), target, letters, tuple(-float(j != taken) for j in range(7)))
        for i, (target, taken) in enumerate(pairs)
    ]


def test_macro_f1_of_a_model_that_always_says_one_label_is_low():
    score = cell_score(answers([(0, 0), (1, 0), (2, 0)]), "macro_f1")
    assert score.value == pytest.approx((0.5 + 0 + 0) / 3)


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=60))
def test_macro_f1_equals_scikit_learn(pairs):
    targets, predictions = zip(*pairs, strict=True)
    expected = f1_score(targets, predictions, average="macro", zero_division=0)
    assert cell_score(answers(pairs), "macro_f1").value == pytest.approx(expected)
