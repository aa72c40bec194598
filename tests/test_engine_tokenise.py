"""Token ids are lm-eval's, although lines and contexts are encoded once and in batches."""

import logging

import numpy as np
import pytest
from engine_toys import WORDS, toy_tokenizer
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import (
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)
from transformers import PreTrainedTokenizerFast

from mlbench.engine import tokenise
from mlbench.engine.lines import CHECKED_TEXTS, LINE_ENDS
from mlbench.engine.tokenise import Encoder, encode_batch, encoder_for

QWEN_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
OVER_LINES = r"\S\n\S|\S|\s"


def trained(pre_tokenizer, *changes) -> PreTrainedTokenizerFast:
    """Train a tokenizer; its normalizer is a sequence, an empty one as that of DeepSeek-V3."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.Sequence(list(changes))
    tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=500,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=["<s>", "</s>"],
        show_progress=False,
    )
    tokenizer.train_from_iterator(["\n".join(WORDS), " ".join(WORDS), "a\na.\ns"] * 3, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", 0)]
    )
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>")


def split_then_bytes(pattern: str):
    return pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(pattern), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )


TOKENIZERS = {
    "gpt2": trained(pre_tokenizers.ByteLevel(add_prefix_space=False)),
    "qwen": trained(split_then_bytes(QWEN_SPLIT)),
    "deepseek": trained(split_then_bytes(QWEN_SPLIT)),
    "nfc": trained(split_then_bytes(QWEN_SPLIT), normalizers.NFC()),
    "lower case": trained(split_then_bytes(QWEN_SPLIT), normalizers.NFC(), normalizers.Lowercase()),
    "over lines": trained(split_then_bytes(OVER_LINES)),
    "prefix space": trained(pre_tokenizers.ByteLevel(add_prefix_space=True)),
}
lines = st.lists(st.sampled_from([*WORDS, "\n", "\n\n", " \n", ".\n", "/", "7", "\r\n"])).map(
    "".join
)


@pytest.mark.parametrize("name", TOKENIZERS)
@settings(max_examples=60, deadline=None)
@given(texts=st.lists(lines | st.text(max_size=20), min_size=1, max_size=5))
def test_texts_have_the_ids_of_the_tokenizer(name, texts):
    tokenizer = TOKENIZERS[name]
    encoder = encoder_for(tokenizer, prefix_token=0, add_bos=None)
    for text, ids in zip(texts, encoder.texts(texts), strict=True):
        has_bos = text.startswith("<s>")
        assert ids.tolist() == tokenizer.encode(text, add_special_tokens=not has_bos)


def test_lines_are_cut_only_where_the_tokenizer_cuts_them():
    found = {n: Encoder(t, prefix_token=0, add_bos=None).border for n, t in TOKENIZERS.items()}
    after, before = LINE_ENDS
    without = dict.fromkeys(("lower case", "over lines", "prefix space"))
    assert found == {"gpt2": before, "qwen": after, "deepseek": after, "nfc": after, **without}


def test_a_tokenizer_found_out_during_a_call_is_encoded_whole(caplog):
    encoder = Encoder(TOKENIZERS["over lines"], prefix_token=0, add_bos=None)
    encoder.border = LINE_ENDS[0]
    with caplog.at_level(logging.WARNING):
        (ids,) = encoder.texts(["a\na"])
    assert ids.tolist() == TOKENIZERS["over lines"].encode("a\na")
    assert "line breaks" in caplog.text


def test_each_distinct_line_is_encoded_once(monkeypatch):
    encoder = Encoder(toy_tokenizer(), prefix_token=0, add_bos=None)
    seen: list[str] = []

    def encode(tokenizer, texts, special):
        seen.extend(texts)
        return encode_batch(tokenizer, texts, special)

    monkeypatch.setattr("mlbench.engine.tokenise.encode_batch", encode)
    shots = "the cat\nA: yes\n\nthe mat\nA: no\n\n"
    contexts = [f"{shots}cat {i}\nA:" for i in range(40)]
    encoder.pairs([(context, answer) for context in contexts for answer in (" yes", " no")])
    n_checked = 2 * CHECKED_TEXTS + 2
    assert len(seen) < len(contexts) + 8 + n_checked


def test_a_border_that_melts_is_split_before_the_continuation():
    encoder = Encoder(TOKENIZERS["gpt2"], prefix_token=0, add_bos=None)
    (pair,) = encoder.pairs([("e", "\u0301")])
    assert len(pair.context) and len(pair.continuation)
    assert pair.context.dtype == np.int32


def test_pairs_are_right_when_no_more_can_be_kept(monkeypatch):
    monkeypatch.setattr(tokenise, "KEPT_TOKENS", 30)
    monkeypatch.setattr(tokenise, "BLOCK_REQUESTS", 3)
    encoder = Encoder(toy_tokenizer(), prefix_token=0, add_bos=None)
    requests = [(f"the cat {i}", " sat") for i in range(8)]
    for n in (2, 5, 8, 1, 8):
        pairs = encoder.pairs(requests[:n])
        assert [encoder.tokenizer.decode(np.concatenate(p)) for p in pairs] == [
            context + continuation for context, continuation in requests[:n]
        ]
