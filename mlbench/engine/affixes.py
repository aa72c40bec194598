"""What does a tokenizer put before and after every text?

A tokenizer file may say that a text begins with BOS (Llama, Gemma) or ends with EOS. What comes
before a text is what a model was trained to begin with: it is fed and never scored. What comes
after it stands between a context and its continuation, and is left out.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mlbench.errors import ModelError

TokenIds = NDArray[np.int32]

# Texts that begin and end unlike each other, in scripts that tokenizers treat unlike each other.
TEXTS = ("a", "The cat sat.", "42", "Кот", "แมว", "x\ny")


class Affixes(NamedTuple):
    """Token ids that a tokenizer puts around every text; both may be empty."""

    before: tuple[int, ...] = ()
    after: tuple[int, ...] = ()

    def without_after(self, ids: TokenIds) -> TokenIds:
        """Leave out the closing tokens of a text that was encoded with special tokens."""
        return ids[: len(ids) - len(self.after)]


NO_AFFIXES = Affixes()
"""Of a tokenizer that puts nothing around a text, or where that is not looked at."""


def find_affixes(tokenizer: Any, *, add_bos: bool | None = None) -> Affixes:
    """Find what is put around a text, where special tokens are left to the tokenizer (None).

    Raises ModelError for a tokenizer that encodes a text itself otherwise with them, or puts other
    tokens around one text than around another: nobody could tell which tokens are the text's.
    """
    if add_bos is False:
        return NO_AFFIXES
    found = {text: _around(tokenizer, text, add_bos) for text in TEXTS}
    (first, affixes), *others = found.items()
    for text, other in others:
        if other != affixes:
            raise ModelError(
                f"the tokenizer puts {_words(tokenizer, affixes)} around {first!r} and "
                f"{_words(tokenizer, other)} around {text!r}: what it adds to a text must be the "
                f"same for all texts. Look at post_processor in its tokenizer.json"
            )
    return affixes


def put_bos(tokenizer: Any) -> None:
    """Make a tokenizer put its BOS before every text, where it does not yet.

    Raises ModelError for one that has no such token, or cannot be made to.
    """
    if tokenizer.bos_token_id is None:
        raise ModelError(
            "--bos yes: the tokenizer names no BOS token. Leave --bos out, or name one as "
            "bos_token in tokenizer_config.json"
        )
    if not begins_with_bos(tokenizer, find_affixes(tokenizer)):
        tokenizer.add_bos_token = True
    if not begins_with_bos(tokenizer, find_affixes(tokenizer)):
        raise ModelError(
            "--bos yes: the tokenizer cannot be made to begin a text with its BOS token. Change "
            "post_processor in its tokenizer.json"
        )


def begins_with_bos(tokenizer: Any, affixes: Affixes) -> bool:
    """Return whether a text begins with the BOS token."""
    return tokenizer.bos_token_id in affixes.before


def beginnings(tokenizer: Any, prefix_token: int | None, affixes: Affixes) -> tuple[str, ...]:
    """Return what a text may begin with that has its special tokens already, as a chat has.

    They are not put before it once more.
    """
    ids = [[prefix_token] if prefix_token is not None else [], list(affixes.before)]
    return tuple(dict.fromkeys(str(tokenizer.decode(each)) for each in ids if each))


def _around(tokenizer: Any, text: str, add_bos: bool | None) -> Affixes:
    alone = encode_batch(tokenizer, [text], False)[0].tolist()
    whole = encode_batch(tokenizer, [text], add_bos)[0].tolist()
    for start in range(len(whole) - len(alone) + 1):
        stop = start + len(alone)
        if whole[start:stop] == alone:
            return Affixes(tuple(whole[:start]), tuple(whole[stop:]))
    raise ModelError(
        f"the tokenizer encodes {text!r} as {whole} with special tokens and as {alone} without: "
        f"which tokens are the text's cannot be told. Look at its tokenizer.json"
    )


def _words(tokenizer: Any, affixes: Affixes) -> str:
    parts = [show_tokens(tokenizer, part) or "nothing" for part in affixes]
    return " and ".join(parts)


def show_tokens(tokenizer: Any, ids: Sequence[int]) -> str:
    """Return token ids as the words of the tokenizer."""
    return " ".join(map(str, tokenizer.convert_ids_to_tokens(list(ids))))


def encode_batch(tokenizer: Any, texts: list[str], special: bool | None) -> list[TokenIds]:
    """Encode texts in one call; a fast tokenizer then uses all cores."""
    if not texts:
        return []
    options = {} if special is None else {"add_special_tokens": special}
    encoded = tokenizer(texts, return_attention_mask=False, **options)["input_ids"]
    return [np.asarray(ids, np.int32) for ids in encoded]
