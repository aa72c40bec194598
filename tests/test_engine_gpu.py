"""On an accelerator the packed scores are the plain ones too, also where its memory runs out."""

import random

import pytest
import torch
from engine_toys import (
    WORDS,
    assert_same_scores,
    encode_like_lm_eval,
    instances,
    plain_scores,
    toy_lm,
    toy_model,
    toy_requests,
    toy_tokenizer,
)
from lm_eval.models.huggingface import HFLM
from test_engine_architectures import plain, tiny_of
from transformers import LlamaConfig

from mlbench.engine import PackedLM, attention
from mlbench.engine.architectures import TESTED
from mlbench.engine.budget import Budget
from mlbench.engine.forward import Forward
from mlbench.engine.lm import best_device
from mlbench.engine.probe import probe_requests
from mlbench.engine.score import score

DEVICE = best_device()
pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(DEVICE == "cpu", reason="no CUDA or MPS device"),
]
LLAMA = {
    "vocab_size": 400,
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 128,
}
ARCHITECTURES = (
    *("qwen2", "llama", "mistral", "gemma2", "gemma3_text", "gpt_oss", "qwen3_moe", "deepseek_v3"),
    *("glm4", "nemotron", "gpt2", "bloom"),
)


@pytest.fixture
def llama():
    return toy_model(LlamaConfig(**LLAMA)).to(DEVICE)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_float32_scores_equal_plain_ones(name):
    model = tiny_of(name).to(DEVICE)
    config = model.config.get_text_config(decoder=True)
    requests = probe_requests(config.vocab_size)
    expected = [plain(model, request) for request in requests]
    forward = Forward(model)
    for tokens in (23, 512):
        found = score(forward, requests, Budget(tokens, tokens), TESTED[name])
        assert_same_scores(found, expected)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_scores_are_near_plain_ones(llama, dtype):
    lm = toy_lm(llama.to(dtype))
    texts = toy_requests(random.Random(1), n_docs=20)
    found = lm.loglikelihood(instances(texts), disable_tqdm=True)
    expected = plain_scores(llama, encode_like_lm_eval(lm, texts))
    differences = [
        abs(a - b) / max(abs(b), 1.0) for (a, _), (b, _) in zip(found, expected, strict=True)
    ]
    assert lm.mode == "packed" and max(differences) < 0.05
    assert not attention._refused_by_cudnn
    assert sum(differences) / len(differences) < 0.01


def test_a_saved_model_goes_to_the_accelerator_unasked(tmp_path, llama):
    llama.save_pretrained(tmp_path)
    toy_tokenizer().save_pretrained(tmp_path)
    lm = PackedLM.create_from_arg_string(f"pretrained={tmp_path}")
    assert lm.model.device.type == torch.device(DEVICE).type


def test_generated_texts_equal_those_of_hf(llama):
    lm = toy_lm(llama)
    rng = random.Random(2)
    shared = " ".join(rng.choices(WORDS, k=25))
    prompts = [f"{shared} {' '.join(rng.choices(WORDS, k=5))}" for _ in range(8)]
    options = {"until": ["\n"], "max_gen_toks": 12, "do_sample": False}
    requests = instances([(prompt, options) for prompt in prompts], "generate_until")
    hf = HFLM(llama, tokenizer=lm.tokenizer, batch_size=1)
    expected = hf.generate_until(requests, disable_tqdm=True)
    assert lm.generate_until(requests, disable_tqdm=True) == expected


@pytest.mark.skipif(not torch.cuda.is_available(), reason="only CUDA's memory can be limited")
def test_packs_are_halved_where_memory_really_runs_out(caplog):
    """A vocabulary this large takes more for a pack's logits than the process may have."""
    model = toy_model(LlamaConfig(**{**LLAMA, "vocab_size": 100_000})).to(DEVICE)
    lm = toy_lm(model)
    texts = toy_requests(random.Random(3), n_docs=300, n_shared=5)
    expected = lm.loglikelihood(instances(texts), disable_tqdm=True)
    lm.budget = Budget(4096, 4096)
    torch.cuda.empty_cache()
    total = torch.cuda.mem_get_info()[1]
    allowed = torch.cuda.memory_allocated() + 400 * 2**20
    torch.cuda.set_per_process_memory_fraction(allowed / total)
    try:
        found = lm.loglikelihood(instances(texts), disable_tqdm=True)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert lm.budget.tokens < 4096 and "out of memory" in caplog.text
    assert_same_scores(found, expected)
