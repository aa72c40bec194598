"""Packed scores are those of plain, unpadded scoring, whatever the requests are."""

import random

import pytest
from engine_toys import (
    WINDOW,
    WORDS,
    assert_same_scores,
    encode_like_lm_eval,
    instances,
    plain_scores,
    toy_lm,
    toy_model,
    toy_requests,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lm_eval.models.huggingface import HFLM
from transformers import LlamaConfig, Qwen2Config

from mlbench.engine import attention, predictions
from mlbench.engine.attention import Limits
from mlbench.errors import ContextOverflow, ModelError

SMALL = {
    "vocab_size": 400,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": WINDOW,
}


@pytest.fixture(scope="module")
def qwen():
    """Full and sliding attention layers."""
    sliding = {"use_sliding_window": True, "sliding_window": 20, "max_window_layers": 1}
    return toy_model(Qwen2Config(**SMALL, num_hidden_layers=2, **sliding))


@pytest.fixture(scope="module")
def lm(qwen):
    return toy_lm(qwen)


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.lists(
    st.sampled_from(WORDS), max_size=40
).map(" ".join)
requests = st.lists(
    st.tuples(texts, st.lists(texts.filter(bool), min_size=1, max_size=4)), min_size=1, max_size=5
).map(lambda docs: [(context, choice) for context, choices in docs for choice in choices])


def fits(lm, pairs):
    return all(0 < len(continuation) <= WINDOW for _, continuation in pairs)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(requests)
def test_any_requests_score_as_in_plain_scoring(lm, qwen, texts):
    pairs = encode_like_lm_eval(lm, texts)
    if fits(lm, pairs):
        found = lm.loglikelihood(instances(texts), disable_tqdm=True)
        assert_same_scores(found, plain_scores(qwen, pairs))


def check(lm, texts):
    found = lm.loglikelihood(instances(texts), disable_tqdm=True)
    assert_same_scores(found, plain_scores(lm.model, encode_like_lm_eval(lm, texts)))


def test_empty_contexts(lm):
    check(lm, [("", "the cat"), ("", " "), ("", "<s>the"), ("the", " cat"), ("", "the cat")])


def test_identical_choices_and_choices_that_begin_with_another(lm):
    check(lm, [("the cat", c) for c in (" sat", " sat", " sat on", " sat on a mat", " s")])


def test_one_token_and_two_hundred_token_choices(qwen):
    lm = toy_lm(qwen, max_length=300)
    texts = [("the", " a"), ("the", " " + "猫" * 120)]
    pairs = encode_like_lm_eval(lm, texts)
    assert len(pairs[1][1]) > 200
    found = lm.loglikelihood(instances(texts), disable_tqdm=True)
    assert_same_scores(found, plain_scores(qwen, pairs, window=300))


def test_spaces_at_the_end_of_a_context_go_to_the_continuation(lm):
    check(lm, [("the cat ", "sat"), ("the cat  ", "sat"), ("the cat\n", "sat")])


@pytest.mark.parametrize("extra", [-1, 0, 1, 2, 50])
def test_contexts_at_and_beyond_the_window(lm, extra):
    texts = [("a" * (WINDOW + extra - 1), "b"), ("a" * (WINDOW + extra - 2), "bc")]
    check(lm, texts)
    lengths = [sum(pair) for pair in lm.last_lengths]
    assert lm.n_truncated == sum(n > WINDOW + 1 for n in lengths)


def test_languages_and_families_mixed_in_one_call(lm):
    rng = random.Random(1)
    mixed = toy_requests(rng) + toy_requests(rng, n_shared=0) + toy_requests(rng, n_shared=15)
    rng.shuffle(mixed)
    check(lm, mixed)


@pytest.mark.parametrize(
    ("n_rows", "together"), [(1, (1, 1, 1)), (3, (1, 1, 1)), (1, (4096, 4, 32))]
)
def test_scores_do_not_depend_on_how_a_pack_is_cut(qwen, monkeypatch, n_rows, together):
    """Attention goes by blocks of queries, alone or together, the softmax by blocks of rows."""
    monkeypatch.setattr(attention, "ON_CPU", Limits(8 * n_rows, *together))
    monkeypatch.setattr(predictions, "CPU_READ_BYTES", n_rows * 4 * SMALL["vocab_size"])
    check(toy_lm(qwen, batch_tokens=4096), toy_requests(random.Random(2)))


@pytest.mark.parametrize("batch_tokens", [1, 7, 64, 4096])
def test_scores_do_not_depend_on_the_size_of_packs(qwen, batch_tokens):
    check(toy_lm(qwen, batch_tokens=batch_tokens), toy_requests(random.Random(2)))


def test_few_rows_of_logits_a_pack(qwen):
    lm = toy_lm(qwen)
    lm.budget.rows = 2
    check(lm, toy_requests(random.Random(3)))


def test_each_distinct_token_is_fed_once(qwen):
    lm = toy_lm(qwen)
    texts = toy_requests(random.Random(4), n_docs=6)
    lm.loglikelihood(instances(texts), disable_tqdm=True)
    prefixes = {
        tuple(tokens[:i])
        for tokens in (a + b for a, b in encode_like_lm_eval(lm, texts))
        for i in range(1, len(tokens))
    }
    assert lm.tokens_fed == len(prefixes)
    assert lm.requests_scored == len(texts)
    assert lm.tokens_fed * 4 < sum(a + b for a, b in lm.last_lengths)


def fed_by_hf(model, lm, texts):
    """Count the tokens that hf feeds for the same requests, padding included."""
    hf = HFLM(model, tokenizer=lm.tokenizer, batch_size=8)
    call, fed = hf._model_call, []
    hf._model_call = lambda tokens, **arguments: (fed.append(tokens.numel()), call(tokens))[1]
    hf.loglikelihood(instances(texts), disable_tqdm=True)
    return sum(fed)


def test_five_shots_cost_hf_many_times_the_tokens(qwen):
    lm = toy_lm(qwen)
    texts = toy_requests(random.Random(6), n_docs=20, n_shared=35)
    lm.loglikelihood(instances(texts), disable_tqdm=True)
    assert lm.tokens_fed / 20 < 25
    assert fed_by_hf(qwen, lm, texts) > 10 * lm.tokens_fed


def test_cost_is_linear_in_docs_and_flat_in_shots(qwen):
    def fed(n_docs, n_shared):
        lm = toy_lm(qwen)
        lm.loglikelihood(instances(toy_requests(random.Random(7), n_docs, n_shared)), True)
        return lm.tokens_fed

    few_shots = fed(40, 10)
    assert fed(40, 30) < 1.1 * few_shots
    assert 0.9 * few_shots < fed(80, 10) / 2 < 1.1 * few_shots


def test_same_text_cut_at_different_points_is_right_here_and_wrong_in_hf():
    model = toy_model(LlamaConfig(**SMALL, num_hidden_layers=2))
    texts = [("hello world this is a tiny", " test"), ("hello world this", " is a tiny test")]
    lm = toy_lm(model)
    expected = plain_scores(model, encode_like_lm_eval(lm, texts))
    assert_same_scores(lm.loglikelihood(instances(texts), disable_tqdm=True), expected)
    options = {"tokenizer": lm.tokenizer, "batch_size": 8}
    wrong = HFLM(model, **options).loglikelihood(instances(texts), disable_tqdm=True)
    right = HFLM(model, **options, logits_cache=False).loglikelihood(
        instances(texts), disable_tqdm=True
    )
    assert_same_scores(right, expected)
    assert abs(wrong[0][0] - expected[0][0]) > 1e-3


def test_a_continuation_longer_than_the_window_is_refused(lm):
    with pytest.raises(ContextOverflow, match="does not fit"):
        lm.loglikelihood(instances([("a", "b" * (WINDOW * 2))]), disable_tqdm=True)


def test_an_empty_continuation_is_refused(lm):
    with pytest.raises(ModelError, match="empty continuation"):
        lm.loglikelihood(instances([("a", "")]), disable_tqdm=True)


def test_no_requests(lm):
    assert lm.loglikelihood([], disable_tqdm=True) == []
    assert lm.loglikelihood_rolling([], disable_tqdm=True) == []


def test_rolling_equals_hf_also_beyond_the_window(lm, qwen):
    rng = random.Random(5)
    texts = [(" ".join(rng.choices(WORDS, k=k)),) for k in (1, 5, 5, 60, 200)] + [("",)]
    found = lm.loglikelihood_rolling(instances(texts, "loglikelihood_rolling"), disable_tqdm=True)
    assert lm.last_lengths[-2][1] > 2 * WINDOW
    assert [a for a, _ in lm.last_lengths] == [0] * len(texts)
    hf = HFLM(qwen, tokenizer=lm.tokenizer, batch_size=1, logits_cache=False)
    expected = hf.loglikelihood_rolling(instances(texts, "loglikelihood_rolling"))
    assert_same_scores([(f, True) for f in found], [(e, True) for e in expected])
