"""Which architectures were tested, and how each may be scored.

tests/test_engine_architectures.py builds a tiny model of every one that the installed transformers
has, and holds its scores in this mode against plain scoring. An architecture that is not listed is
judged by its layer types and a probe alone (probe.py).
"""

from typing import Literal

Mode = Literal["packed", "kv2", "plain"]

# packed: the whole trie in one sequence. kv2: a cached prefix, then rows of equal length, because a
# recurrent state or an ALiBi bias has no tree form. plain: each request whole, because the cache of
# the architecture is absent or, as in jamba, silently wrong when it is continued.
MODES: tuple[Mode, ...] = ("packed", "kv2", "plain")

# Layer types whose mask is a rule over positions and whose state is keys and values by position.
PACKABLE_LAYERS = frozenset(
    {
        "full_attention",
        "sliding_attention",
        "chunked_attention",
        "indexed_attention",
        "deepseek_sparse_attention",
        "dummy",
    }
)

_PACKED = """
    afmoe apertus bitnet cohere cohere2 deepseek_v2 deepseek_v3 deepseek_v32 dots1 ernie4_5 exaone4
    falcon gemma gemma2 gemma3_text gemma3n_text gemma4_text glm glm4 glm4_moe glm4_moe_lite
    glm_moe_dsa gpt2 gpt_neox gpt_oss gptj granite granitemoe helium hunyuan_v1_dense llama
    llama4_text longcat_flash mimo_v2_flash minimax_m2 ministral ministral3 mistral mixtral
    nanochat nemotron olmo2 olmo3 olmoe opt phi phi3 qwen2 qwen3 qwen3_moe seed_oss smollm3
    stablelm starcoder2 xglm youtu
"""
_KV2 = """
    bailing_hybrid bamba bloom deepseek_v4 falcon_h1 granitemoehybrid kimi_linear lfm2 minimax mpt
    nemotron_h olmo_hybrid qwen3_5_moe_text qwen3_5_text qwen3_next zamba2
"""
_PLAIN = "falcon_mamba jamba mamba mamba2 recurrent_gemma rwkv"

TESTED: dict[str, Mode] = {
    **dict.fromkeys(_PACKED.split(), "packed"),
    **dict.fromkeys(_KV2.split(), "kv2"),
    **dict.fromkeys(_PLAIN.split(), "plain"),
}
