"""What a tokenizer cannot write is not scored as if it could."""

import pytest
from conftest import SENTENCES
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from mlbench.data.languages import read_languages
from mlbench.data.prepare import prepare
from mlbench.errors import TextLost
from mlbench.families import read_families
from mlbench.harness.backend import CountingModel
from mlbench.harness.evaluate import evaluate
from mlbench.harness.round_trip import find_lost

TEXTS = [text for texts in SENTENCES.values() for text in texts]
DOCS = [(text,) for text in TEXTS]
ENGLISH = SENTENCES["eng_Latn"]
PLAIN = "the same thing and all that"


def byte_level(normalizer=None) -> PreTrainedTokenizerFast:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=300, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(ENGLISH, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer)


def of_characters(texts, *, decodes: bool = True) -> PreTrainedTokenizerFast:
    """Make a vocabulary of the characters of texts; all others are one unknown token."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    if decodes:
        tokenizer.decoder = decoders.Metaspace()
    trainer = trainers.BpeTrainer(
        vocab_size=200, special_tokens=["<unk>", "<s>", "</s>"], show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="<unk>", bos_token="<s>", eos_token="</s>"
    )


def test_bytes_write_every_script():
    assert find_lost(byte_level(), DOCS) == []


@pytest.mark.parametrize("decodes", [True, False])
def test_unknown_tokens_are_found_with_or_without_a_decoder(decodes):
    tokenizer = of_characters([PLAIN, *ENGLISH, '"0123456789".'], decodes=decodes)
    lost = find_lost(tokenizer, DOCS)
    assert [TEXTS[place] for place in lost] == [t for t in TEXTS if t not in ENGLISH]


@pytest.mark.parametrize(
    ("normalizer", "text", "is_lost"),
    [
        (normalizers.Lowercase(), "A Capital", True),
        (normalizers.StripAccents(), "e\u0301cole", True),
        (normalizers.Replace("\u200c", ""), "می\u200cرود", True),
        (normalizers.Replace("ی", "ي"), "یک", True),
        (normalizers.NFKC(), "ﻻ ｆｕｌｌ ½", False),
        (normalizers.NFD(), "école", False),
        (normalizers.Replace(" ", ""), "two words", False),
    ],
)
def test_characters_dropped_or_changed_are_found(normalizer, text, is_lost):
    assert find_lost(byte_level(normalizer), [(text,), (PLAIN,)]) == [0] * is_lost


def test_a_special_token_in_a_text_is_lost():
    tokenizer = byte_level()
    tokenizer.add_special_tokens({"eos_token": "<end>"})
    assert find_lost(tokenizer, [("a <end> of it",), ("none",)]) == [0]


def test_a_doc_is_lost_by_any_of_its_texts():
    tokenizer = of_characters([PLAIN, *ENGLISH, '"0123456789".'])
    assert find_lost(tokenizer, [(PLAIN, ENGLISH[0]), (PLAIN, "ไทย"), ("ไทย", "ไทย")]) == [1, 2]


def test_what_cannot_be_told_is_not_known():
    assert find_lost(None, DOCS) is None
    tokenizer = of_characters([PLAIN], decodes=False)
    tokenizer.unk_token = None
    assert find_lost(tokenizer, DOCS) is None


class LengthLM:
    """Answers by the length of what is asked; its tokenizer is all that counts here."""

    def __init__(self, tokenizer):
        self.tokenizer = tokenizer

    def loglikelihood(self, requests, disable_tqdm):
        return [
            (-float(len(context + text)), False) for context, text in (r.args for r in requests)
        ]

    def loglikelihood_rolling(self, requests, disable_tqdm):
        return [-float(len(request.args[0])) for request in requests]

    def generate_until(self, requests, disable_tqdm):
        return [request.args[0] for request in requests]


def test_texts_that_are_lost_have_no_bits_and_choices_are_counted(sib200):
    model = CountingModel(LengthLM(of_characters([PLAIN, *ENGLISH, '"0123456789".'])), "refuse")
    families, languages = read_families(), read_languages()
    texts = {tag: prepare(families["sib200_lm"], languages[tag]) for tag in ("en", "th")}
    samples, usage = evaluate(model, texts["en"], shots=0, limit=None)
    assert len(samples) == 9 and usage.n_lost == 0
    with pytest.raises(TextLost, match="cannot write 9 of 9 texts: unknown tokens, or") as refusal:
        evaluate(model, texts["th"], shots=0, limit=None)
    assert "becomes ' \"" in str(refusal.value)
    topics = prepare(families["sib200_topic"], languages["th"])
    samples, usage = evaluate(model, topics, shots=0, limit=None)
    assert (len(samples), usage.n_lost) == (9, 9)


def test_where_no_tokenizer_is_at_hand_nothing_is_claimed(sib200):
    prepared = prepare(read_families()["sib200_lm"], read_languages()["th"])
    _, usage = evaluate(CountingModel(LengthLM(None), "refuse"), prepared, shots=0, limit=None)
    assert usage.n_lost is None
