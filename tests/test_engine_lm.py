"""The lm-eval model `mlbench`: registered, careful with memory and with unknown models."""

import logging
import random

import pytest
import torch
from engine_toys import (
    assert_same_scores,
    encode_like_lm_eval,
    instances,
    plain_scores,
    toy_lm,
    toy_model,
    toy_requests,
    toy_tokenizer,
)
from lm_eval.api.registry import get_model
from lm_eval_toys import score_in_lm_eval, tasks_of
from transformers import BloomConfig, LlamaConfig, MambaConfig, Phi3Config

from mlbench.engine import PackedLM, probe
from mlbench.engine.architectures import TESTED
from mlbench.errors import ModelError

SMALL = {
    "vocab_size": 400,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 128,
    "pad_token_id": 0,
}
BLOOM = {"vocab_size": 400, "hidden_size": 32, "n_layer": 2, "n_head": 4}
MAMBA = {"vocab_size": 400, "hidden_size": 32, "num_hidden_layers": 2, "state_size": 4}


@pytest.fixture(scope="module")
def llama():
    return toy_model(LlamaConfig(**SMALL))


def test_lm_eval_knows_the_model_and_still_its_own():
    assert get_model("mlbench") is PackedLM
    assert get_model("hf").__name__ == "HFLM"


def test_a_saved_model_is_loaded_by_its_folder(tmp_path, llama):
    llama.save_pretrained(tmp_path)
    toy_tokenizer().save_pretrained(tmp_path)
    lm = PackedLM.create_from_arg_string(
        f"pretrained={tmp_path},batch_tokens=64,engine=packed", {"device": "cpu"}
    )
    texts = toy_requests(random.Random(0))
    found = lm.loglikelihood(instances(texts), disable_tqdm=True)
    assert lm.model.dtype == torch.float32
    assert_same_scores(found, plain_scores(llama, encode_like_lm_eval(lm, texts)))


@pytest.mark.parametrize(
    ("config", "mode"),
    [
        (LlamaConfig(**SMALL), "packed"),
        (BloomConfig(**BLOOM), "kv2"),
        (MambaConfig(**MAMBA), "plain"),
    ],
)
def test_the_mode_is_chosen_by_architecture_and_logged(config, mode, caplog):
    model = toy_model(config)
    with caplog.at_level(logging.INFO, logger="mlbench"):
        lm = toy_lm(model)
    assert lm.mode == mode
    assert f"(tested): {mode}" in caplog.text
    texts = toy_requests(random.Random(1))
    found = lm.loglikelihood(instances(texts), disable_tqdm=True)
    assert_same_scores(found, plain_scores(model, encode_like_lm_eval(lm, texts)))


def test_every_mode_gives_the_same_scores(llama):
    texts = toy_requests(random.Random(2)) + [("", "the cat"), ("the", " cat")]
    expected = plain_scores(llama, encode_like_lm_eval(toy_lm(llama), texts))
    fed = {}
    for mode in ("packed", "kv2", "plain"):
        lm = toy_lm(llama, engine=mode)
        assert_same_scores(lm.loglikelihood(instances(texts), disable_tqdm=True), expected)
        fed[mode] = lm.tokens_fed
    assert fed["packed"] < fed["kv2"] < fed["plain"]


def test_an_unlisted_architecture_is_judged_by_the_probe(llama, monkeypatch):
    monkeypatch.delitem(TESTED, "llama")
    assert probe.choose_mode(llama) == "packed"
    bloom = toy_model(BloomConfig(**BLOOM))
    monkeypatch.delitem(TESTED, "bloom")
    assert probe.choose_mode(bloom) == "kv2"


def test_an_unlisted_architecture_that_cannot_be_probed_is_scored_plainly(llama, monkeypatch):
    monkeypatch.setattr(probe, "tiny_model", lambda *_, **__: 1 / 0)
    assert probe.choose_mode(llama) == "packed"
    monkeypatch.delitem(TESTED, "llama")
    assert probe.choose_mode(llama) == "plain"


@pytest.mark.parametrize("mode", ["packed", "plain"])
def test_packs_are_halved_when_memory_runs_out(llama, mode, monkeypatch):
    lm = toy_lm(llama, engine=mode, batch_tokens=400)
    call = type(lm.forward).__call__

    def fail_if_large(self, tokens, rows, **arguments):
        logits = call(self, tokens, rows, **arguments)
        if tokens.numel() > 50:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
        return logits

    monkeypatch.setattr(type(lm.forward), "__call__", fail_if_large)
    texts = toy_requests(random.Random(4)) if mode == "packed" else []
    texts += [("q" * 9 + letter, "z") for letter in "abcdefghij"]
    found = lm.loglikelihood(instances(texts), disable_tqdm=True)
    assert lm.budget.tokens < 400
    assert_same_scores(found, plain_scores(llama, encode_like_lm_eval(lm, texts)))


def test_a_model_that_never_fits_says_what_to_do(llama, monkeypatch):
    lm = toy_lm(llama)
    monkeypatch.setattr(type(lm.forward), "__call__", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        lm.loglikelihood(instances([("a", " b")]), disable_tqdm=True)

    def fail(*_, **__):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(type(lm.forward), "__call__", fail)
    with pytest.raises(ModelError, match="smaller model"):
        lm.loglikelihood(instances([("a", " b")]), disable_tqdm=True)


def test_long_requests_are_not_shared_where_rotary_angles_depend_on_length():
    rope = {
        "rope_type": "longrope",
        "rope_theta": 1e4,
        "short_factor": [1.0] * 4,
        "long_factor": [4.0] * 4,
        "original_max_position_embeddings": 40,
    }
    model = toy_model(Phi3Config(**SMALL, rope_parameters=rope))
    lm = toy_lm(model, engine="packed")
    shared = "the cat sat on a mat "
    texts = [(shared + "the cat " * n, " sat on") for n in (0, 2, 12, 20)]
    pairs = encode_like_lm_eval(lm, texts)
    assert min(len(a) for a, _ in pairs) < 40 < max(len(a) for a, _ in pairs)
    found = lm.loglikelihood(instances(texts), disable_tqdm=True)
    assert_same_scores(found, plain_scores(model, pairs))


def test_token_ids_are_kept_for_the_next_model_with_the_same_tokenizer(llama, monkeypatch):
    texts = toy_requests(random.Random(5))
    first = toy_lm(llama)
    found = first.loglikelihood(instances(texts), disable_tqdm=True)
    second = toy_lm(llama)
    monkeypatch.setattr("mlbench.engine.tokenise.encode_batch", lambda *_: 1 / 0)
    assert second.loglikelihood(instances(texts), disable_tqdm=True) == found


def test_nothing_is_left_in_the_mask_registry_of_transformers(llama):
    from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS as registry

    before = dict(registry)
    toy_lm(llama).loglikelihood(instances([("a", " b")]), disable_tqdm=True)
    assert dict(registry) == before


def test_simple_evaluate_gives_the_results_of_hf(tmp_path, llama):
    import datasets
    from lm_eval.api.task import ConfigurableTask

    llama.save_pretrained(tmp_path)
    toy_tokenizer().save_pretrained(tmp_path)
    rng = random.Random(8)
    docs = [
        {"q": context, "choices": ["the cat", "a mat", "мир"], "target": rng.randrange(3)}
        for context, _ in toy_requests(rng, n_docs=6)[::4]
    ]
    config = {
        "task": "toy",
        "custom_dataset": lambda **_: {"test": datasets.Dataset.from_list(docs)},
        "test_split": "test",
        "output_type": "multiple_choice",
        "doc_to_text": "{{q}}",
        "doc_to_choice": "choices",
        "doc_to_target": "target",
    }
    results = {
        name: score_in_lm_eval(
            model=name,
            model_args=f"pretrained={tmp_path},dtype=float32",
            tasks=[ConfigurableTask(config=dict(config))],
            device="cpu",
            task_manager=tasks_of(),
        )
        for name in ("mlbench", "hf")
    }
    assert results["mlbench"]["results"] == results["hf"]["results"]
    for a, b in zip(*(results[name]["samples"]["toy"] for name in results), strict=True):
        pairs = [[tuple(map(float, r[0][:1])) for r in s["resps"]] for s in (a, b)]
        assert_same_scores([(t, True) for (t,) in pairs[0]], [(t, True) for (t,) in pairs[1]])
