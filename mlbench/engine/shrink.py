"""A tiny model of the same architecture, to try a scoring mode on.

A probe must run in float32, where an error of 0.03 nats (jamba) stands out, and in a moment, so it
runs on a copy of the model's own config with every size reduced. Windows are reduced too: they must
be shorter than the probe's texts, or nothing is learnt about them.
"""

import copy
from typing import Any

import torch

# Sizes by their names in transformers' configs. Together they satisfy what the models check:
# heads x head size = width, recurrent heads x head size = expansion x width, and so on.
_TINY_BY_NAME: dict[int, str] = {
    1: "topk_group num_kv_shared_layers first_k_dense_replace num_dense_layers moe_layer_freq "
    "max_window_layers n_shared_experts num_shared_experts num_nextn_predict_layers "
    "num_mem_blocks mamba_n_groups mamba_ngroups attn_layer_offset",
    2: "num_experts_per_tok num_experts_per_token moe_topk n_group num_expert_group n_groups "
    "zero_expert_num num_query_groups o_groups linear_num_key_heads attn_layer_period",
    4: "num_attention_heads n_head n_heads attention_heads linear_num_heads time_step_rank "
    "linear_num_value_heads altup_num_inputs mamba_dt_rank",
    8: "num_experts num_local_experts n_routed_experts mamba_n_heads mamba_num_heads num_heads "
    "n_mamba_heads rotary_dim qk_rope_head_dim laurel_rank adapter_rank conv_kernel "
    "kda_lora_rank",
    16: "head_dim qk_nope_head_dim v_head_dim mamba_d_head mamba_head_dim mamba_headdim "
    "linear_head_dim linear_key_head_dim linear_value_head_dim mamba_d_state ssm_state_size "
    "state_size kv_lora_rank q_lora_rank o_lora_rank index_topk chunk_size mamba_chunk_size "
    "block_size hidden_size_per_layer_input kv_channels attention_head_dim swa_head_dim "
    "swa_v_head_dim",
    24: "sliding_window attention_chunk_size attention_window_size qk_head_dim",
    32: "moe_intermediate_size expert_ffn_hidden_size shared_expert_intermediate_size "
    "shared_intermediate_size moe_shared_expert_intermediate_size index_head_dim "
    "index_n_heads lru_width",
    64: "hidden_size d_model n_embd embedding_dim word_embed_proj_dim intermediate_size ffn_dim "
    "ffn_hidden_size intermediate_size_mlp",
    128: "mamba_d_ssm",
    400: "vocab_size vocab_size_per_layer_input",
}
TINY = {name: size for size, names in _TINY_BY_NAME.items() for name in names.split()}
KEY_VALUE_HEADS = ("num_key_value_heads", "num_kv_heads", "swa_num_key_value_heads")
# Lists of the layers of one kind, by number.
LAYER_NUMBERS = ("attn_layer_indices", "full_attn_idxs")
LAYER_COUNTS = ("num_hidden_layers", "n_layer", "n_layers", "num_layers", "num_blocks")
# A model that is too intricate for the above keeps its widths; these alone make it small.
DEPTH_ONLY = {
    name: TINY[name]
    for name in (
        *("vocab_size", "vocab_size_per_layer_input", "num_experts", "num_local_experts"),
        *("n_routed_experts", "sliding_window", "attention_chunk_size", "attention_window_size"),
    )
}
N_LAYERS = 4
WEIGHT_SCALE = 0.15
# Parameters of a copy, 4 bytes each, that may be built without asking.
LARGEST_COPY = 400_000_000


def tiny_model(model: Any, *, keeps_widths: bool = False) -> Any:
    """Build the small random float32 copy on the CPU, with weights that every token acts on."""
    config = tiny_config(model.config, DEPTH_ONLY if keeps_widths else TINY)
    with torch.device("meta"):
        n_parameters = type(model)._from_config(config).num_parameters()
    if n_parameters > LARGEST_COPY:
        raise MemoryError(f"the smallest copy has {n_parameters} parameters")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        tiny = type(model)._from_config(config, dtype=torch.float32).eval()
        with torch.no_grad():
            for parameter in tiny.parameters():
                if parameter.ndim > 1:
                    parameter.normal_(0, WEIGHT_SCALE)
    return tiny


def tiny_config(config: Any, tiny: dict[str, int]) -> Any:
    """Copy a config with small sizes and few layers, at least one of each kind."""
    values = copy.deepcopy(config.to_dict())
    for name in ("quantization_config", "dtype", "hybrid_layer_ids"):  # the last is derived
        values.pop(name, None)
    for name, size in tiny.items():
        if isinstance(values.get(name), int):
            values[name] = min(values[name], size)
    if tiny is not DEPTH_ONLY:
        _shrink_heads(values, config)
        _shrink_products(values, config)
    _cut_layers(values, config)
    for name in ("bos_token_id", "eos_token_id", "pad_token_id"):
        if name in values:
            values[name] = None if values[name] is None else 0
    copied = type(config).from_dict(values)
    is_portable = config._attn_implementation in (None, "sdpa", "eager")
    copied._attn_implementation = config._attn_implementation if is_portable else "eager"
    return copied


def _shrink_heads(values: dict[str, Any], config: Any) -> None:
    """Keep whether keys are shared by all heads, by some, or by none."""
    for name in KEY_VALUE_HEADS:
        n_heads = getattr(config, "num_attention_heads", None)
        if isinstance(values.get(name), int):
            n = values[name]
            values[name] = TINY["num_attention_heads"] if n == n_heads else min(n, 2)


def _shrink_products(values: dict[str, Any], config: Any) -> None:
    """Restore the sizes that are products or copies of others."""
    if "attention_hidden_size" in values:
        ratio = max(1, config.attention_hidden_size // config.hidden_size)
        values["attention_hidden_size"] = width = ratio * values["hidden_size"]
        if "attention_head_dim" in values:
            values["attention_head_dim"] = width // values["num_attention_heads"]
    if values.get("qk_nope_head_dim") and values.get("head_dim"):
        values["head_dim"] = values["qk_rope_head_dim"]
        values["qk_head_dim"] = values["qk_rope_head_dim"] + values["qk_nope_head_dim"]
    if isinstance(values.get("mamba_d_ssm"), int):
        values["mamba_d_ssm"] = values["mamba_n_heads"] * values["mamba_d_head"]


def _cut_layers(values: dict[str, Any], config: Any) -> None:
    """Keep the first layers and the first of each further kind, in all lists by layer."""
    for name in LAYER_COUNTS:
        n_layers = values.get(name)
        if isinstance(n_layers, int) and n_layers > N_LAYERS:
            kept = _kept_layers(values, n_layers)
            for key, value in values.items():
                if isinstance(value, list) and len(value) == n_layers:
                    values[key] = [value[i] for i in kept]
                if key in LAYER_NUMBERS and value:
                    values[key] = [1]
                if key == "per_layer_config" and value:
                    by_layer = {int(layer): settings for layer, settings in value.items()}
                    values[key] = {n: by_layer[i] for n, i in enumerate(kept) if i in by_layer}
            values[name] = len(kept)


def _kept_layers(values: dict[str, Any], n_layers: int) -> list[int]:
    kinds = list(values.get("layer_types") or values.get("layers_block_type") or [])
    kept = set(range(N_LAYERS))
    if len(kinds) == n_layers:
        kept |= {kinds.index(kind) for kind in kinds} | {n_layers - 1}
    return sorted(kept)
