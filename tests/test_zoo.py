"""A checkpoint or tokenizer with one thing changed: equal scores, or refused with the cause."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from conftest import SENTENCES
from engine_toys import instances
from gate_toys import change_json, change_tensors, copy, load, put_around
from huggingface_hub.constants import HF_HUB_CACHE
from transformers import AutoModelForCausalLM, Gemma3TextConfig, XLMRobertaConfig

from mlbench.errors import MlbenchError

TEXTS = [text for sentences in SENTENCES.values() for text in sentences[:1]]
PAIRS = [(text[:9], choice) for text in TEXTS for choice in (text[9:12], text[9:20])]
NORM, LAYER = "model.norm.weight", "model.layers.1."
EMBEDDING, PROJECTION = "model.embed_tokens.weight", "model.layers.0.mlp.gate_proj.weight"
SMALL = {
    "vocab_size": 600,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
}
POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 7300000\n"
Change = Callable[[Path], None]


def tensors(change) -> Change:
    return lambda folder: change_tensors(folder, change)


def filled(name: str, value: float) -> Change:
    def change(found):
        found[name].view(-1)[3] = value
        return found

    return tensors(change)


def shape(name: str, change) -> Change:
    return tensors(lambda found: found | {name: change(found[name]).contiguous()})


def with_tensor(name: str, *sizes: int) -> Change:
    return tensors(lambda found: found | {name: torch.ones(sizes)})


def without(part: str) -> Change:
    return tensors(lambda found: {name: t for name, t in found.items() if part not in name})


def prefixed(prefix: str) -> Change:
    return tensors(lambda found: {prefix + name: tensor for name, tensor in found.items()})


def written(name: str, content: str) -> Change:
    return lambda folder: (folder / name).write_text(content, encoding="utf-8") and None


def cut(name: str) -> Change:
    def change(folder):
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[: len(content) // 2])

    return change


def config(**values) -> Change:
    return lambda folder: change_json(folder / "config.json", **values)


def saved(**options) -> Change:
    def change(folder):
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
        (folder / "model.safetensors").unlink()
        model.save_pretrained(folder, **options)

    return change


def lost_shard(folder):
    saved(max_shard_size="30KB")(folder)
    sorted(folder.glob("model-*.safetensors"))[1].unlink()


def as_bin(folder):
    from safetensors.torch import load_file

    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()


def small_vocabulary(folder):
    shape(EMBEDDING, lambda tensor: tensor[:500])(folder)
    change_json(folder / "config.json", vocab_size=500)


def adapter_only(folder):
    (folder / "model.safetensors").rename(folder / "adapter_model.safetensors")
    written("adapter_config.json", "{}")(folder)


def other_model(model_config) -> Change:
    def change(folder):
        torch.manual_seed(0)
        AutoModelForCausalLM.from_config(model_config).save_pretrained(folder)
        # Qwen's class belongs to the config that is gone.
        change_json(folder / "tokenizer_config.json", tokenizer_class="PreTrainedTokenizerFast")

    return change


def more_special_tokens(folder):
    content = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    token = dict(content["added_tokens"][0], id=600, content="<image>")
    change_json(folder / "tokenizer.json", added_tokens=[*content["added_tokens"], token])


def unused_token(folder):
    content = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    token = dict(content["added_tokens"][0], id=600, content="seldom", special=False)
    change_json(folder / "tokenizer.json", added_tokens=[*content["added_tokens"], token])


def around(before: int, after: int) -> Change:
    return lambda folder: put_around(folder, before, after)


SOUND: dict[str, Change] = {
    "a tower": with_tensor("vision_tower.layers.0.weight", 4, 4),
    "a head of training": with_tensor("v_head.weight", 1, 32),
    "rotary buffers": with_tensor("model.layers.0.self_attn.rotary_emb.inv_freq", 8),
    "the tied head": tensors(lambda found: found | {"lm_head.weight": found[EMBEDDING].clone()}),
    "in shards": saved(max_shard_size="30KB"),
    "as .bin": as_bin,
    "a special token without a row": more_special_tokens,
    "EOS after": around(0, 1),
    "two tokens after": around(0, 2),
}
NOT_IN, BROKEN = "tensors of the model are not in the checkpoint", "are NaN or infinite in float32"
REFUSED: dict[str, tuple[Change, str]] = {
    "a norm dropped": (without(NORM), f"1 of 26 {NOT_IN} .first: model.norm.weight."),
    "a layer dropped": (without(LAYER), f"12 of 26 {NOT_IN}"),
    "the embedding dropped": (without("embed_tokens"), f"1 of 26 {NOT_IN}"),
    "all dropped": (without("model"), f"26 of 26 {NOT_IN}"),
    "a bias dropped": (without("1.self_attn.q_proj.bias"), f"1 of 26 {NOT_IN}"),
    "compiled": (prefixed("_orig_mod."), "26 of 26 .* has _orig_mod.model.* adds '_orig_mod.'"),
    "in parallel": (prefixed("module."), "26 of 26 .* has module.model"),
    "one renamed": (
        tensors(lambda f: {k.replace("0.mlp.gate", "0.mlp.gait"): v for k, v in f.items()}),
        f"1 of 26 {NOT_IN} .*has model.layers.0.mlp.gait_proj.weight instead",
    ),
    "fewer rows": (shape(EMBEDDING, lambda t: t[:500]), "another shape .*500 x 32.*600 x 32"),
    "transposed": (shape(PROJECTION, lambda t: t.T), "another shape .*32 x 64.*64 x 32"),
    "a norm in a row": (shape(NORM, lambda t: t[None]), "another shape .*1 x 32"),
    "NaN in a norm": (filled(NORM, torch.nan), f"1 of 32 numbers in {NORM} {BROKEN}"),
    "NaN in a row": (filled(EMBEDDING, torch.nan), f"1 of 19,200 .*{BROKEN}"),
    "infinity": (filled(PROJECTION, torch.inf), BROKEN),
    "minus infinity": (filled(PROJECTION, -torch.inf), BROKEN),
    "more layers in the file": (
        with_tensor("model.layers.2.input_layernorm.weight", 32),
        "config.json has no place",
    ),
    "fewer layers in the config": (
        config(num_hidden_layers=1, layer_types=None),
        "12 tensors for which config.json",
    ),
    "more layers in the config": (config(num_hidden_layers=3, layer_types=None), NOT_IN),
    "a million layers": (config(num_hidden_layers=10**6), "1,000,000 layers"),
    "a bias of no use": (with_tensor("model.layers.0.mlp.up_proj.bias", 64), "has no place"),
    "a head that is not tied": (config(tie_word_embeddings=False), "first: lm_head.weight"),
    "a small vocabulary": (small_vocabulary, "ids up to 599, the model has 500 rows"),
    "a token without a row": (unused_token, "ids up to 600, the model has 600 rows"),
    "a lost shard": (lost_shard, "model-0000"),
    "half the weights": (cut("model.safetensors"), "model.safetensors is cut off: .* bytes"),
    "half a tokenizer": (cut("tokenizer.json"), "tokenizer.json is cut off or no JSON"),
    "a pointer for weights": (
        written("model.safetensors", POINTER),
        "model.safetensors is a Git LFS pointer .*git lfs pull",
    ),
    "a pointer for a tokenizer": (written("tokenizer.json", POINTER), "tokenizer.json is a Git"),
    "text for weights": (
        written("model.safetensors", "not weights"),
        "model.safetensors .11 bytes",
    ),
    "a page for .bin": (
        lambda f: (f / "model.safetensors").rename(f / "pytorch_model.bin") and None,
        "cannot load model",
    ),
    "an adapter": (adapter_only, "holds an adapter"),
    "an encoder": (
        other_model(XLMRobertaConfig(**SMALL, pad_token_id=1, max_position_embeddings=514)),
        "attention is not causal: the model sees the token it predicts",
    ),
    "a prefix model": (
        other_model(Gemma3TextConfig(**SMALL, head_dim=8, use_bidirectional_attention=True)),
        "attention is not causal",
    ),
}


def scores(folder: Path, engine: str) -> list[float]:
    model = load(folder, engine)
    found = model.lm.loglikelihood(instances(PAIRS), disable_tqdm=True)
    texts = instances([(text,) for text in TEXTS], "loglikelihood_rolling")
    return [value for value, _ in found] + list(model.lm.loglikelihood_rolling(texts, True))


@pytest.fixture(scope="module", params=["packed", "hf"])
def sound(request, checkpoint):
    return request.param, scores(checkpoint, request.param)


@pytest.mark.parametrize("name", SOUND)
def test_what_does_no_harm_leaves_scores_as_they_are(checkpoint, sound, tmp_path, name):
    engine, expected = sound
    folder = copy(checkpoint, tmp_path / "changed")
    SOUND[name](folder)
    assert scores(folder, engine) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("engine", ["packed", "hf"])
@pytest.mark.parametrize("name", REFUSED)
def test_what_would_be_another_score_is_refused_with_its_cause(checkpoint, tmp_path, name, engine):
    folder = copy(checkpoint, tmp_path / "changed")
    change, sentence = REFUSED[name]
    change(folder)
    with pytest.raises(MlbenchError, match=sentence) as error:
        scores(folder, engine)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("half the weights", "model.safetensors is cut off"),
        ("half a tokenizer", "tokenizer.json is cut off"),
        ("a pointer for weights", "model.safetensors is a Git LFS pointer"),
        ("a pointer for a tokenizer", "tokenizer.json is a Git LFS pointer"),
    ],
)
def test_a_broken_file_in_the_cache_of_the_hub_is_named(checkpoint, tmp_path, name, sentence):
    commit = hashlib.sha1(name.encode()).hexdigest()
    cached = Path(HF_HUB_CACHE) / f"models--toy--{name.replace(' ', '-')}"
    blobs, folder = copy(checkpoint, cached / "blobs"), cached / "snapshots" / commit
    REFUSED[name][0](blobs)
    folder.mkdir(parents=True)
    for blob in blobs.iterdir():
        (folder / blob.name).symlink_to(blob)
    (cached / "refs").mkdir()
    (cached / "refs" / "main").write_text(commit)
    with pytest.raises(MlbenchError, match=rf"{sentence}.* Delete .*/blobs/.* and run again"):
        load(f"toy/{name.replace(' ', '-')}")
