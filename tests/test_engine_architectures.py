"""Every architecture of the table, packed or fallen back, scores as in plain scoring."""

import pytest
import torch
from engine_toys import assert_same_scores
from transformers import CONFIG_MAPPING, AutoModelForCausalLM

from mlbench.engine.architectures import TESTED
from mlbench.engine.budget import Budget
from mlbench.engine.forward import Forward
from mlbench.engine.probe import choose_mode, layer_kinds, probe_requests
from mlbench.engine.score import score
from mlbench.engine.shrink import TINY, WEIGHT_SCALE, tiny_config

ARCHITECTURES = [name for name in sorted(TESTED) if name in CONFIG_MAPPING]
# Where transformers' default config is no real model's: it cannot be built, or has one layer kind.
CHANGED = {
    "bamba": {"attn_layer_indices": [9, 18]},
    "deepseek_v2": {"n_group": 8, "topk_group": 3, "num_experts_per_tok": 6},
    "dots1": {"n_routed_experts": 8, "num_experts_per_tok": 2, "n_shared_experts": 1},
    "granitemoehybrid": {"layer_types": ["linear_attention", "full_attention"] * 16},
    "hunyuan_v1_dense": {"head_dim": 16},
    "lfm2": {"layer_types": ["conv", "conv", "full_attention", "conv"] * 8},
    "ministral": {"head_dim": 16},
    "nemotron": {"num_key_value_heads": 8, "head_dim": 16},
    "qwen2": {"use_sliding_window": True},
}


def tiny_of(name, sizes=TINY):
    """Build a small model of an architecture from transformers' default config of it."""
    config = CONFIG_MAPPING[name](**CHANGED.get(name, {}))
    torch.manual_seed(1)
    model = AutoModelForCausalLM.from_config(tiny_config(config, sizes), dtype=torch.float32).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.normal_(0, WEIGHT_SCALE)
    return model


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_scores_in_the_tested_mode_are_plain_scores(name):
    model = tiny_of(name)
    config = model.config.get_text_config(decoder=True)
    mode = choose_mode(model)
    assert mode == TESTED[name], layer_kinds(config)
    requests = probe_requests(config.vocab_size)
    expected = [plain(model, request) for request in requests]
    forward = Forward(model)
    for tokens in (23, 512):
        assert_same_scores(score(forward, requests, Budget(tokens, tokens), mode), expected)
    totals = {round(total, 3) for total, _ in expected}
    assert len(totals) > len(expected) // 2, "the model does not listen to its input"


def plain(model, request):
    """Score one request, unpadded and uncached."""
    tokens = torch.from_numpy(request.tokens).long().to(model.device)
    with torch.no_grad():
        logprobs = model(tokens[None, :-1]).logits[0].float().log_softmax(-1)[-request.n_scored :]
    wanted = tokens[-request.n_scored :]
    chosen = logprobs[torch.arange(len(wanted)), wanted]
    return float(chosen.sum()), bool((logprobs.argmax(-1) == wanted).all())
