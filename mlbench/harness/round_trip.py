"""Can a tokenizer write a text at all? What it gives back is held against what it was given.

A vocabulary without bytes writes what it does not know as one unknown token, and some tokenizers
drop or fold characters first. The model then predicts less than the text, so that its bits and
tokens look cheap, the more so the stranger the script.
"""

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

import transformers

PLAIN = "the same thing and all that"
"""What any tokenizer writes, if it writes at all: some of them come without their decoder."""


def find_lost(
    tokenizer: Any, docs: Sequence[Sequence[str]], known: Mapping[str, list[int]] | None = None
) -> list[int] | None:
    """Return the places of docs with a text that does not come back, each doc being some texts.

    `known` holds the ids of texts that were encoded already, without special tokens.

    Spaces do not count, nor other forms of the same character (NFKC), which tokenizers may choose.
    Of a tokenizer that writes nothing back, only unknown tokens are looked for. None where it
    cannot be told: the tokenizer is not at hand, or has neither.
    """
    if not isinstance(tokenizer, transformers.PreTrainedTokenizerBase):
        return None
    can_write = _bare(write_back(tokenizer, [PLAIN])[0]) == _bare(PLAIN)
    unknown = tokenizer.unk_token_id
    if not can_write and unknown is None:
        return None
    texts = list(dict.fromkeys(text for doc in docs for text in doc))
    each = [known[text] for text in texts] if known is not None else _encode(tokenizer, texts)
    backs = decode(tokenizer, each) if can_write else texts
    lost = {
        text
        for text, ids, back in zip(texts, each, backs, strict=True)
        if unknown in ids or (text != back and _bare(text) != _bare(back))
    }
    return [place for place, doc in enumerate(docs) if not lost.isdisjoint(doc)]


def write_back(tokenizer: Any, texts: list[str]) -> list[str]:
    """Return what texts are after they went through the tokenizer and back."""
    return decode(tokenizer, _encode(tokenizer, texts))


def _encode(tokenizer: Any, texts: list[str]) -> list[list[int]]:
    given = tokenizer(texts, add_special_tokens=False, return_attention_mask=False)
    ids: list[list[int]] = given["input_ids"]
    return ids


def decode(tokenizer: Any, each: list[list[int]]) -> list[str]:
    """Write texts back; all at once where the tokenizer leaves that to its library."""
    if getattr(type(tokenizer), "_decode", None) is transformers.PreTrainedTokenizerFast._decode:
        backend = tokenizer.backend_tokenizer
        texts: list[str] = backend.decode_batch(each, skip_special_tokens=True)
        return texts
    options = {"skip_special_tokens": True, "clean_up_tokenization_spaces": False}
    return [tokenizer.decode(ids, **options) for ids in each]


def _bare(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).split())
