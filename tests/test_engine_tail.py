"""After the last attention only the tokens that something is predicted at are computed."""

import random

import numpy as np
import pytest
import torch
from engine_toys import instances, toy_lm, toy_model, toy_requests
from transformers import Gemma3nTextConfig, GptOssConfig, LlamaConfig

from mlbench.engine import tail as tails
from mlbench.engine.budget import Budget
from mlbench.engine.forward import Forward
from mlbench.engine.mask import MaskError
from mlbench.engine.pack import score_packed
from mlbench.engine.trie import Scored, build_trie

SMALL = {
    "vocab_size": 400,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 256,
}


@pytest.fixture
def llama():
    return toy_model(LlamaConfig(**SMALL))


@pytest.fixture
def trie():
    """Docs of twelve tokens each, predicted at two of them."""
    rng = np.random.default_rng(5)
    return build_trie([Scored(rng.integers(1, 400, 13, dtype=np.int32), 2) for _ in range(20)])


def rows_computed(layer):
    """Count the tokens that each pass computes a layer's feed-forward and attention for."""
    seen = {"mlp": [], "attention": []}
    layer.mlp.down_proj.register_forward_pre_hook(
        lambda _, given: seen["mlp"].append(given[0].shape[1])
    )
    layer.self_attn.o_proj.register_forward_pre_hook(
        lambda _, given: seen["attention"].append(int(given[0].any(-1).sum()))
    )
    return seen


def test_the_last_layer_is_computed_where_something_is_predicted(llama, trie):
    layers = llama.model.layers
    first, last = rows_computed(layers[0]), rows_computed(layers[-1])
    score_packed(Forward(llama), trie, Budget(60, 60))
    assert first["mlp"].pop(0) == last["mlp"].pop(0) == 2, "which show where the tail begins"
    assert sum(first["mlp"]) == len(trie) > 200
    bounds = np.cumsum([0, *first["mlp"]])
    wanted = np.histogram(np.unique(trie.wanted_node), bounds)[0]
    assert last["mlp"] == last["attention"][1:] == wanted.tolist()


def test_the_first_packs_of_a_model_are_computed_like_later_ones(llama, trie):
    """A resumed run must have the bits of an undisturbed one; toys may have them by chance."""
    computed = rows_computed(llama.model.layers[-1])["mlp"]
    forward = Forward(llama)
    first, second = (score_packed(forward, trie, Budget(60, 60)) for _ in range(2))
    assert (first.logprob == second.logprob).all()
    n_packs = len(computed) // 2
    assert computed[1 : n_packs + 1] == computed[n_packs + 1 :]
    assert forward.tokens_fed == 2 * len(trie)


def test_predictions_are_those_of_whole_layers(llama, trie, monkeypatch):
    forward = Forward(llama)
    for budget in (Budget(60, 60), Budget(4096, 4096)):
        narrow = score_packed(forward, trie, budget)
        monkeypatch.setattr(tails, "LARGEST_SHARE", 0)
        whole = score_packed(forward, trie, budget)
        monkeypatch.undo()
        np.testing.assert_allclose(narrow.logprob, whole.logprob, rtol=1e-5)
        assert (narrow.is_greedy == whole.is_greedy).all()


def test_whole_texts_are_computed_whole(llama):
    last = rows_computed(llama.model.layers[-1])
    lm = toy_lm(llama)
    texts = [(choice * 9,) for _, choice in toy_requests(random.Random(1))]
    lm.loglikelihood_rolling(instances(texts, "loglikelihood_rolling"), disable_tqdm=True)
    assert len(last["mlp"]) > 3 and sum(last["mlp"][1:]) == lm.forward.tokens_fed


def test_nothing_is_left_out_where_attention_is_not_by_blocks(trie):
    model = toy_model(GptOssConfig(**SMALL, num_local_experts=2, num_experts_per_tok=1))
    forward = Forward(model)
    score_packed(forward, trie, Budget(60, 60))
    assert forward.tail.modules == []


def test_modules_after_the_last_layer_are_found_too(trie):
    sizes = {**SMALL, "head_dim": 8, "intermediate_size": [64] * 3, "laurel_rank": 4}
    small = {"hidden_size_per_layer_input": 8, "vocab_size_per_layer_input": 400}
    shares = {"num_kv_shared_layers": 1, "activation_sparsity_pattern": [0.0] * 3}
    model = toy_model(Gemma3nTextConfig(**sizes, **small, **shares))
    forward = Forward(model)
    score_packed(forward, trie, Budget(60, 60))
    names = {module: name for name, module in model.named_modules()}
    found = [names[module] for module in forward.tail.modules]
    assert found[:2] == ["model.layers.2.self_attn.o_proj", "model.layers.2.mlp"]
    assert found[-1] == "model.altup_unembed_projections.2"


def test_a_module_that_does_not_map_tokens_is_an_error(llama, trie):
    forward = Forward(llama)
    forward.tail.n_attentions, forward.tail.modules = 3, [llama.model.layers[-1].mlp]
    llama.model.layers[-1].mlp.register_forward_hook(lambda *_: torch.zeros(1, 1, 32))
    with pytest.raises(MaskError, match="LlamaMLP does not map each token by itself"):
        score_packed(forward, trie, Budget(60, 60))


def test_attention_after_the_last_one_is_an_error(llama, trie):
    forward = Forward(llama)
    forward.tail.n_attentions, forward.tail.modules = 2, [llama.model.layers[-1].mlp]
    with pytest.raises(MaskError, match="attends more than the 2 times"):
        score_packed(forward, trie, Budget(60, 60))
