"""Token ids of requests, split into context and continuation as lm-eval splits them.

lm-eval encodes each request alone, its whole few-shot context again for every choice. Here each
distinct string is encoded once, in batches, and kept for the next model with the same tokenizer:
at 119 languages that is minutes per model and family.
"""

import hashlib
import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from mlbench.engine.affixes import NO_AFFIXES, Affixes, TokenIds, beginnings, encode_batch
from mlbench.engine.lines import agrees, encode_lines, find_border
from mlbench.errors import CellRefused, ModelError

logger = logging.getLogger(__name__)

# Token ids kept per tokenizer: 64 Mi of 4 bytes each.
KEPT_TOKENS = 64 * 2**20
# Requests whose whole texts are held at once while they are encoded.
BLOCK_REQUESTS = 20_000


class TokenPair(NamedTuple):
    """A request in token ids; both parts have at least one."""

    context: TokenIds
    continuation: TokenIds


NO_PREFIX = (
    "the tokenizer has neither BOS nor EOS: a continuation without a context cannot be scored. "
    "Name a token as bos_token in tokenizer_config.json"
)


class Encoder:
    """A tokenizer with what it has encoded so far. Made by `encoder_for`.

    The closing tokens of `affixes` are left out: they would stand between a context and what
    follows it. `prefix_token` is None where the tokenizer has neither BOS nor EOS.
    """

    def __init__(
        self,
        tokenizer: Any,
        *,
        prefix_token: int | None,
        add_bos: bool | None,
        affixes: Affixes = NO_AFFIXES,
    ) -> None:
        self.tokenizer, self.prefix_token, self.add_bos = tokenizer, prefix_token, add_bos
        self.affixes = affixes
        self.beginnings = beginnings(tokenizer, prefix_token, affixes)
        self.border = find_border(tokenizer, self._encode_whole)
        self._pairs: dict[tuple[str, str], TokenPair] = {}
        self._n_kept = 0

    def texts(self, texts: Sequence[str]) -> list[TokenIds]:
        """Encode whole texts, with the special tokens that the tokenizer adds."""
        ids = self._encode({(text, True) for text in texts})
        return [ids[text, True] for text in texts]

    def pairs(self, requests: Sequence[tuple[str, str]]) -> list[TokenPair]:
        """Encode (context, continuation) requests; identical ones share their arrays."""
        new = [r for r in dict.fromkeys(requests) if r not in self._pairs]
        found: dict[tuple[str, str], TokenPair] = {}
        for at in range(0, len(new), BLOCK_REQUESTS):
            block = new[at : at + BLOCK_REQUESTS]
            ids = self._encode({part for request in block for part in _parts(request)})
            found |= {request: self._split(request, ids) for request in block}
        pairs = [found[r] if r in found else self._pairs[r] for r in requests]
        self._keep(found)
        return pairs

    def _split(self, request: tuple[str, str], ids: dict[tuple[str, bool], TokenIds]) -> TokenPair:
        if not request[1]:
            raise ModelError(f"empty continuation after {request[0][-40:]!r}: nothing to score")
        if request[0] == "":
            return self._split_without_context(ids[request[1], False])
        (context, _), (whole, _), *_ = _parts(request)
        head = ids[context, True]
        continuation = ids[whole, True][len(head) :].copy()  # a view would keep the whole text
        if not len(head):  # a context of spaces only; lm-eval stops here, and below, by assertion
            return self._split_without_context(continuation)
        if len(continuation):
            return TokenPair(head, continuation)
        # The border melted into one token.
        alone = self._encode({(whole[len(context) :], False)})
        return TokenPair(head, next(iter(alone.values())))

    def _split_without_context(self, continuation: TokenIds) -> TokenPair:
        if len(continuation) > 1 and continuation[0] == self.prefix_token:
            return TokenPair(continuation[:1], continuation[1:])
        if self.prefix_token is None:
            raise CellRefused(NO_PREFIX)
        return TokenPair(np.array([self.prefix_token], np.int32), continuation)

    def _encode(self, wanted: Iterable[tuple[str, bool]]) -> dict[tuple[str, bool], TokenIds]:
        """Encode strings, each with or without special tokens, as lm-eval's HFLM would."""
        by_setting: dict[bool | None, list[tuple[str, bool]]] = {}
        for text, is_special in sorted(wanted):
            by_setting.setdefault(self._special(text, is_special=is_special), []).append(
                (text, is_special)
            )
        ids: dict[tuple[str, bool], TokenIds] = {}
        for special, keys in by_setting.items():
            encoded = self._encode_texts([text for text, _ in keys], special)
            ids.update(zip(keys, encoded, strict=True))
        return ids

    def _encode_texts(self, texts: list[str], special: bool | None) -> list[TokenIds]:
        if self.border is not None:
            found = encode_lines(texts, special, self._encode_whole, self.border)
            if agrees(texts, found, special, self._encode_whole):
                return found
            logger.warning("this tokenizer reaches over line breaks: encoding whole texts, slower")
            self.border = None
        return self._encode_whole(texts, special)

    def _encode_whole(self, texts: list[str], special: bool | None) -> list[TokenIds]:
        found = encode_batch(self.tokenizer, texts, special)
        return found if special is False else [self.affixes.without_after(ids) for ids in found]

    def _special(self, text: str, *, is_special: bool) -> bool | None:
        """Choose add_special_tokens; None leaves it to the tokenizer."""
        if not is_special:
            return False
        if text.startswith(self.beginnings):
            return False
        return self.add_bos

    def _keep(self, found: dict[tuple[str, str], TokenPair]) -> None:
        contexts = {id(pair.context): len(pair.context) for pair in found.values()}
        n_tokens = sum(contexts.values()) + sum(len(p.continuation) for p in found.values())
        if self._n_kept + n_tokens > KEPT_TOKENS:
            self._pairs.clear()
            self._n_kept = 0
        if n_tokens <= KEPT_TOKENS:
            self._pairs.update(found)
            self._n_kept += n_tokens


def _parts(request: tuple[str, str]) -> list[tuple[str, bool]]:
    """List the strings to encode. Trailing space goes to the continuation, as in lm-eval."""
    context, continuation = request
    if context == "":
        return [(continuation, False)]
    stripped = context.rstrip()
    return [(stripped, True), (context + continuation, True)]


_encoders: dict[str, Encoder] = {}


def encoder_for(
    tokenizer: Any,
    *,
    prefix_token: int | None,
    add_bos: bool | None,
    affixes: Affixes = NO_AFFIXES,
) -> Encoder:
    """Return the encoder of a tokenizer: the same one for models that share it."""
    key = fingerprint(tokenizer, f"{prefix_token}/{add_bos}/{affixes.after}")
    if key not in _encoders:
        _encoders[key] = Encoder(
            tokenizer, prefix_token=prefix_token, add_bos=add_bos, affixes=affixes
        )
    return _encoders[key]


def fingerprint(tokenizer: Any, settings: str) -> str:
    """Hash all that decides a tokenizer's output; one without a description is like no other."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    description: Callable[[], str] = getattr(backend, "to_str", lambda: f"object {id(tokenizer)}")
    text = f"{type(tokenizer).__name__}/{settings}/{description()}"
    return hashlib.sha256(text.encode()).hexdigest()
