"""What models.yaml and licences.yaml say: true where a library knows better, in form elsewhere."""

import json
import re

import pytest
import transformers
from test_cli import refused, run_cli

from mlbench.errors import SelectionError
from mlbench.models import find_model, read_pairs, read_presets
from mlbench.models.presets import TERMS, facts_of, find_pair, memory_gb, read_licences

ALLOWED = set(
    "hub folder organisation series kind licence parameters active window released architecture "
    "tokenizer base gated note source claimed_languages".split()
)
NEEDED = {"organisation", "kind", "licence", "parameters"}
VENDORS = "Alibaba Meta Google DeepSeek OpenAI NVIDIA MiniMax Cohere".split()
NEAR = 1.35
"""No member of a pair is larger than the other by more: sizes are what the makers chose."""


@pytest.mark.parametrize("name", read_presets())
def test_the_facts_of_a_preset_are_of_known_kinds(name):
    facts = read_presets()[name]
    assert NEEDED <= set(facts) <= ALLOWED
    assert ("hub" in facts) != ("folder" in facts)
    assert facts["kind"] in ("base", "instruct")
    assert facts["licence"] in read_licences()
    assert re.fullmatch(r"20\d\d-(0[1-9]|1[0-2])", facts.get("released", "2025-01"))
    assert facts.get("active", 0) < facts["parameters"]
    assert facts.get("base", name) in read_presets() or "/" in facts["base"]


@pytest.mark.parametrize("name", [n for n, facts in read_presets().items() if "hub" in facts])
def test_the_architecture_of_a_preset_is_a_class_of_transformers(name):
    assert hasattr(transformers, read_presets()[name]["architecture"])


def test_size_in_the_name_of_a_preset_is_its_size():
    for name, facts in read_presets().items():
        if found := re.search(r"-(\d+(?:\.\d+)?)(m|b)\b", name):
            size = float(found[1]) / (1000 if found[2] == "m" else 1)
            assert facts["parameters"] == pytest.approx(size, rel=0.25, abs=0.7), name


def test_models_of_one_base_share_its_tokenizer_and_architecture():
    for name, facts in read_presets().items():
        base = read_presets().get(facts.get("base", ""), {})
        for fact in ("tokenizer", "architecture") if base else ():
            assert facts[fact] == base[fact], name


def test_every_licence_is_of_a_model_and_has_a_link():
    used = {facts["licence"] for facts in read_presets().values()}
    assert used == set(read_licences())
    for licence in read_licences().values():
        assert set(licence) <= set(TERMS) and licence["link"].startswith("https://")


def test_every_vendor_of_the_claim_has_a_base_model():
    of_base = {f["organisation"] for f in read_presets().values() if f["kind"] == "base"}
    assert set(VENDORS) - {"OpenAI", "MiniMax", "Cohere"} <= of_base
    assert set(VENDORS) <= {facts["organisation"] for facts in read_presets().values()}


def test_pairs_are_of_near_size_and_of_one_kind():
    for name, pair in read_pairs().items():
        sizes = [read_presets()[model]["parameters"] for model in pair]
        assert max(sizes) <= NEAR * min(sizes), name
        assert len({read_presets()[model]["kind"] for model in pair}) == 1, name


def test_a_pair_is_found_by_its_name_or_by_its_models():
    assert find_pair("claim-instruct") == ("qwen2.5-7b-instruct", "llama-3.1-8b-instruct")
    assert find_pair("qwen3-8b/gemma-3-12b") == ("qwen3-8b", "gemma-3-12b")
    assert find_pair("org/one/org/two") == ("org/one", "org/two")


@pytest.mark.parametrize("text", ["clam", "a/", "a/b/c", "a/a", "/"])
def test_what_is_no_pair_is_refused_with_what_is_one(text):
    with pytest.raises(SelectionError, match=r"no pair .* --pair qwen3-8b/llama-3.1-8b"):
        find_pair(text)


def test_memory_is_two_bytes_a_parameter():
    assert memory_gb(8.03) == 16.1
    assert facts_of("qwen3-4b")["memory_gb"] == 8


def test_facts_reach_the_run(checkpoint):
    assert find_model("qwen2.5-7b-instruct").facts["base"] == "qwen2.5-7b"


def test_models_fit_a_terminal_of_80_columns(capsys):
    code, out, _ = run_cli(capsys, "list", "models")
    assert code == 0
    assert max(map(len, out.splitlines())) <= 80 and "…" not in out
    rows = {line.split()[0]: line for line in out.splitlines() if line}
    assert set(read_presets()) <= set(rows)
    assert rows["aya-expanse-8b"].endswith("no") and "30.5 (3.3)" in rows["qwen3-30b-a3b"]
    assert rows["sea-lion-v3-9b"].split()[-2:] == ["?", "yes"]


def test_one_model_is_shown_with_its_terms_and_what_is_unknown(capsys):
    _, out, _ = run_cli(capsys, "list", "models", "minimax-text-01")
    found = dict(re.split(r"  +", line, maxsplit=1) for line in out.splitlines())
    assert found["commercial use"] == found["context window"] == "unknown"
    assert found["parameters"] == "456 billion, 45.9 billion active"
    assert found["source"] == "https://huggingface.co/MiniMaxAI/MiniMax-Text-01-hf"
    _, out, _ = run_cli(capsys, "list", "models", "llama-3.1-8b", "--json")
    row = json.loads(out)
    assert row["terms"]["attribution"] == 'show "Built with Llama"' and row["active"] is None


def test_pairs_are_listed_with_their_sizes(capsys):
    _, out, _ = run_cli(capsys, "list", "pairs")
    assert "qwen2.5-7b" in out and "8.03" in out
    _, out, _ = run_cli(capsys, "list", "pairs", "--json")
    assert {"pair": "claim", "a": "qwen2.5-7b", "b": "llama-3.1-8b"} in json.loads(out)


def test_a_wrong_name_is_told_with_the_nearest(capsys):
    message = refused(capsys, "list", "models", "qwen2.5-7")
    assert "no preset 'qwen2.5-7'" in message and "qwen2.5-7b" in message
