"""Generated texts are those of hf, with the shared few-shot prefix fed once."""

import random

import pytest
import torch
from engine_toys import WORDS, instances, toy_lm, toy_model
from lm_eval.models.huggingface import HFLM
from transformers import LlamaConfig, Qwen2Config

from mlbench.engine import generate
from mlbench.errors import ContextOverflow

SMALL = {
    "vocab_size": 400,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 128,
    "bos_token_id": 0,
    "eos_token_id": 1,
}
GREEDY = {"until": ["\n"], "max_gen_toks": 12, "do_sample": False}


def prompts(n_shared, n=9):
    rng = random.Random(n_shared)
    shared = " ".join(rng.choices(WORDS, k=n_shared))
    return [
        f"{shared} {' '.join(rng.choices(WORDS, k=rng.randint(1, 9)))}".strip() for _ in range(n)
    ]


@pytest.mark.parametrize("n_shared", [0, 25])
def test_texts_equal_those_of_hf(n_shared):
    model = toy_model(LlamaConfig(**SMALL))
    lm = toy_lm(model)
    requests = instances([(p, GREEDY) for p in prompts(n_shared)], "generate_until")
    hf = HFLM(model, tokenizer=lm.tokenizer, batch_size=1)
    expected = hf.generate_until(requests, disable_tqdm=True)
    assert lm.generate_until(requests, disable_tqdm=True) == expected
    assert len(set(expected)) > 2
    n_prompt_tokens = sum(a for a, _ in lm.last_lengths)
    assert n_shared == 0 or lm.tokens_fed < n_prompt_tokens


def test_prompts_that_share_nothing_are_continued_together():
    model = toy_model(LlamaConfig(**SMALL))
    lm = toy_lm(model)
    texts = [f"{word} {word} {word}" for word in WORDS[:9]]
    requests = instances([(text, GREEDY) for text in texts], "generate_until")
    passes = []
    model.register_forward_pre_hook(
        lambda _, __, options: passes.append(len(options["input_ids"])), with_kwargs=True
    )
    found = lm.generate_until(requests, disable_tqdm=True)
    n_rows, passes[:] = set(passes), []
    assert n_rows == {9}
    hf = HFLM(model, tokenizer=lm.tokenizer, batch_size=1)
    assert found == hf.generate_until(requests, disable_tqdm=True)


def test_models_with_windows_and_sampling_go_to_hf():
    sliding = {"use_sliding_window": True, "sliding_window": 16, "max_window_layers": 1}
    model = toy_model(Qwen2Config(**SMALL, **sliding))
    lm = toy_lm(model)
    requests = instances([(p, GREEDY) for p in prompts(9, 3)], "generate_until")
    expected = HFLM(model, tokenizer=lm.tokenizer).generate_until(requests, disable_tqdm=True)
    n_rows = []
    model.register_forward_pre_hook(
        lambda _, __, options: n_rows.append(len(options["input_ids"])), with_kwargs=True
    )
    assert lm.generate_until(requests, disable_tqdm=True) == expected
    assert lm.tokens_fed == 0 and set(n_rows) == {3} and lm.batch_size == 1


def test_a_request_for_more_tokens_than_the_window_is_refused():
    lm = toy_lm(toy_model(LlamaConfig(**SMALL)))
    with pytest.raises(ContextOverflow, match="max_gen_toks"):
        lm.generate_until(instances([("a", {"max_gen_toks": 500})]), disable_tqdm=True)


def test_fewer_prompts_go_together_when_memory_runs_out(monkeypatch, caplog):
    model = toy_model(LlamaConfig(**SMALL))
    lm = toy_lm(model)
    requests = instances([(p, GREEDY) for p in prompts(25)], "generate_until")
    expected = lm.generate_until(requests, disable_tqdm=True)
    right, n_rows = generate._continue, []

    def fail_if_many(forward, tokenizer, batch, how, cache):
        n_rows.append(len(batch))
        if len(batch) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return right(forward, tokenizer, batch, how, cache)

    monkeypatch.setattr(generate, "_continue", fail_if_many)
    assert lm.generate_until(requests, disable_tqdm=True) == expected
    assert n_rows == [9, 8, 4, 2, 2, 2, 2, 1]
    assert "out of memory: going on with 2 tokens a pass" in caplog.text
