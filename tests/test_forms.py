"""Weights in other forms than a folder of transformers: GGUF files, adapters, 8 and 4 bits."""

import importlib.util
import json
import sys
from types import ModuleType, SimpleNamespace

import pytest
from conftest import SENTENCES
from engine_toys import instances
from gate_toys import change_json, copy, load
from test_cli import refused

from mlbench.errors import ModelError
from mlbench.harness import forms
from mlbench.harness.backend import load_model
from mlbench.models import Model, find_model, fingerprint
from mlbench.settings import Settings

CPU = Settings(device="cpu")
PAIRS = [(text[:9], text[9:14]) for texts in SENTENCES.values() for text in texts[:1]]
NEEDS_PEFT = pytest.mark.skipif(not importlib.util.find_spec("peft"), reason="needs peft")


def adapter(checkpoint, folder, **changes):
    folder.mkdir()
    config = {"base_model_name_or_path": str(checkpoint), "peft_type": "LORA", "r": 2}
    (folder / "adapter_config.json").write_text(json.dumps(config | changes), encoding="utf-8")
    return folder


def test_a_gguf_file_is_a_model_and_only_its_own_bytes_are_its_weights(tmp_path):
    for name in ("a.gguf", "b.gguf"):
        (tmp_path / name).write_bytes(b"GGUF" + name.encode())
    model = find_model(str(tmp_path / "a.gguf"))
    assert (model.backend, model.path) == ("hf", str(tmp_path))
    assert model.name == str(tmp_path / "a.gguf") and model.identity == "gguf_file=a.gguf"
    before = fingerprint(model)
    (tmp_path / "b.gguf").write_bytes(b"other")
    assert fingerprint(model) == before != fingerprint(find_model(str(tmp_path / "b.gguf")))
    same = find_model(f"m=hf:pretrained={tmp_path},gguf_file=a.gguf")
    assert (same.name, same.path, fingerprint(same)) == ("m", model.path, before)


def test_a_folder_of_gguf_files_says_which_file_to_name(tmp_path, capsys):
    (tmp_path / "a.gguf").write_bytes(b"GGUF")
    message = refused(capsys, "run", "--models", str(tmp_path))
    assert "has no config.json" in message and f"--models {tmp_path / 'a.gguf'}" in message
    message = refused(capsys, "run", "--models", str(tmp_path / "none.gguf"))
    assert "See: mlbench list models. A hub id (org/name), a local folder, a GGUF file" in message


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ("gguf_file=a.gguf", "a GGUF file needs the package gguf, .* Type: pip install gguf"),
        ("peft=x", "an adapter needs the package peft, .* Type: pip install peft"),
        ("load_in_4bit=True", "4-bit weights needs the package bitsandbytes"),
    ],
)
def test_a_package_that_is_lacking_is_named(monkeypatch, arguments, says):
    monkeypatch.setattr(forms, "find_spec", lambda name: None)
    with pytest.raises(ModelError, match=says):
        forms.refuse_lacking_package(Model("m", "hf", "org/m", arguments=arguments))
    forms.refuse_lacking_package(Model("m", "hf", "org/m", arguments="load_in_4bit=False"))


def test_8_and_4_bits_are_asked_for_as_transformers_takes_them(monkeypatch):
    monkeypatch.setattr("importlib.metadata.version", lambda name: "99")
    given = {"load_in_4bit": True, "bnb_4bit_quant_type": "nf4", "max_length": 9}
    found = forms.with_quantization(given)
    assert found["quantization_config"].load_in_4bit and found["max_length"] == 9
    assert found["quantization_config"].bnb_4bit_quant_type == "nf4" and len(found) == 2
    assert forms.with_quantization({"load_in_8bit": False, "a": 1}) == {"a": 1}


class Reader:
    """What the package gguf reads of a file, as far as it is asked for."""

    tokens = ("<s>", "\u2581\u2581", "a")

    def __init__(self, path):
        self.fields = {"tokenizer.ggml.tokens": SimpleNamespace(contents=lambda: list(self.tokens))}
        kinds = (("Q4_K", 64, 36), ("Q4_K", 64, 36), ("F32", 32, 128))
        self.tensors = [
            SimpleNamespace(tensor_type=SimpleNamespace(name=name), n_elements=n, n_bytes=size)
            for name, n, size in kinds
        ]


def test_what_a_gguf_file_lost_is_said_and_its_tokens_are_held_against_the_tokenizer(
    tmp_path, monkeypatch
):
    module = ModuleType("gguf")
    module.GGUFReader = Reader
    monkeypatch.setitem(sys.modules, "gguf", module)
    (tmp_path / "a.gguf").write_bytes(b"GGUF")
    model = find_model(str(tmp_path / "a.gguf"))
    sound = SimpleNamespace(convert_ids_to_tokens=lambda ids: ["<s>", "  ", "a"])
    said = forms.look_at_gguf(model, sound)
    assert "10.0 bits per weight (tensors: Q4_K (2), F32 (1))" in said and "rounded" in said
    other = SimpleNamespace(convert_ids_to_tokens=lambda ids: ["<s>", "  ", "b"])
    with pytest.raises(ModelError, match="1 of 3 tokens other .*id 2 is 'a' in the file, 'b' in"):
        forms.look_at_gguf(model, other)
    assert forms.look_at_gguf(find_model("org/name"), other) is None


def test_an_adapter_is_put_on_the_model_that_it_names(checkpoint, tmp_path):
    model = find_model(str(adapter(checkpoint, tmp_path / "lora")))
    assert model.path == str(checkpoint) and model.facts["base"] == str(checkpoint)
    assert model.name == str(tmp_path / "lora")
    assert fingerprint(model).startswith(fingerprint(find_model(str(checkpoint))) + "+")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"base_model_name_or_path": None}, "does not say of which model"),
        ({"base_model_name_or_path": "/gone/base"}, "of '/gone/base', which is not here"),
    ],
)
def test_an_adapter_without_its_model_is_refused(checkpoint, tmp_path, changes, says):
    folder = adapter(checkpoint, tmp_path / "lora", **changes)
    with pytest.raises(ModelError, match=says) as error:
        find_model(str(folder))
    assert f"--models hf:pretrained=BASE,peft={folder}" in str(error.value)


@NEEDS_PEFT
@pytest.mark.filterwarnings("ignore::FutureWarning")  # peft calls transformers by former names
def test_scores_with_an_adapter_are_those_of_the_merged_model(checkpoint, tmp_path):
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    base = AutoModelForCausalLM.from_pretrained(checkpoint, dtype=torch.float32)
    torch.manual_seed(0)
    config = LoraConfig(r=2, target_modules=["q_proj", "v_proj"], init_lora_weights=False)
    tuned = get_peft_model(base, config)
    tuned.save_pretrained(tmp_path / "lora")
    merged = copy(checkpoint, tmp_path / "merged")
    tuned.merge_and_unload().save_pretrained(merged)
    found = {}
    for folder in (checkpoint, merged, tmp_path / "lora"):
        for engine in ("packed", "hf"):
            scores = load(folder, engine).lm.loglikelihood(instances(PAIRS), disable_tqdm=True)
            found[folder.name, engine] = [value for value, _ in scores]
    assert found["lora", "packed"] == pytest.approx(found["merged", "packed"], abs=1e-4)
    assert found["lora", "hf"] == pytest.approx(found["merged", "hf"], abs=1e-4)
    assert found["lora", "packed"] != pytest.approx(found[checkpoint.name, "packed"], abs=1e-2)


def test_a_model_that_is_spread_over_devices_has_the_same_scores(checkpoint):
    plain = load(checkpoint).lm.loglikelihood(instances(PAIRS), disable_tqdm=True)
    spread = find_model(f"hf:pretrained={checkpoint},device_map=cpu")
    assert spread.identity == ""
    found = load_model(spread, CPU).lm.loglikelihood(instances(PAIRS), disable_tqdm=True)
    assert [v for v, _ in found] == pytest.approx([v for v, _ in plain], abs=1e-5)


def test_a_checkpoint_of_another_quantizer_is_told_in_one_sentence(checkpoint, tmp_path):
    folder = copy(checkpoint, tmp_path / "awq")
    change_json(folder / "config.json", quantization_config={"quant_method": "awq", "bits": 4})
    with pytest.raises(ModelError) as error:
        load(folder)
    assert "\n" not in str(error.value)
