"""What does a model's tokenizer cost in each language? Counted on parallel text; no model is run.

The premium is that of mlbench.tokens.premium, and the tokens are those that `mlbench run` counts,
so the numbers are those of the report's section on tokens. A tokenizer that cannot write all of a
text looks cheap where it is blind: unknown tokens and texts that do not come back are counted too.
"""

import json
import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mlbench import models
from mlbench.data.languages import REFERENCE
from mlbench.data.prepare import Prepared
from mlbench.errors import ModelError, SelectionError
from mlbench.families import read_families
from mlbench.models import Model
from mlbench.records import Family, Language, TextDoc
from mlbench.tokens.premium import DocKey, Size, bytes_per_token, premiums_of, tokens_per_doc

FAMILY = "sib200_lm"
"""The family whose docs are whole sentences, translations of one another."""

N_WORST = 5
BROKEN = "\N{REPLACEMENT CHARACTER}"
"""What a token is written as that holds some bytes of a character, and not all."""

NO_LIMIT = 10**9
"""Tokenizers that know no window say a number far beyond this."""


@dataclass(frozen=True, slots=True)
class LanguageCost:
    """What the sentences of one language take; nan is unknown.

    `premium` is a ratio, 1 for English; characters are code points, bytes are UTF-8; `n_docs` are
    those with any token; `n_unknown` counts the tokens that stand for text the tokenizer does not
    know, `n_lost` the docs that it cannot write (harness/round_trip.py), nan where that is unknown.
    `byte_share` is the share of tokens that hold no whole character, only bytes of one.
    """

    premium: float
    tokens_per_doc: float
    bytes_per_token: float
    chars_per_token: float
    n_docs: int
    n_unknown: int
    n_lost: float
    byte_share: float


class Fewer(NamedTuple):
    """In how many languages one tokenizer needs fewer tokens than another, and the other way."""

    n_ours: int
    n_theirs: int
    n_languages: int


@dataclass(frozen=True, slots=True)
class ModelCost:
    """One tokenizer: its number of tokens, those it adds to every text, and costs by tag.

    `window` is the tokens of a context at most, where it is known.
    """

    model: str
    vocabulary: int
    special_tokens: int
    languages: Mapping[str, LanguageCost]
    window: int | None = None

    def fits(self, tag: str) -> float:
        """Return how many sentences of a language fit the window; nan is unknown."""
        size = self.languages[tag].tokens_per_doc
        room = (self.window or math.nan) - self.special_tokens
        return math.floor(room / size) if room > 0 and size > 0 else math.nan

    @property
    def median_premium(self) -> float:
        """Return the median over languages other than English; nan where there are none."""
        others = [self.languages[tag].premium for tag in self._others()]
        return median(others) if others else math.nan

    @property
    def mean_premium(self) -> float:
        """Return the mean over languages other than English; nan where there are none."""
        others = [self.languages[tag].premium for tag in self._others()]
        return fmean(others) if others else math.nan

    def against(self, other: "ModelCost") -> "Fewer":
        """Count the languages but English in which this one or the other needs fewer tokens."""
        pairs = [
            (self.languages[tag].tokens_per_doc, other.languages[tag].tokens_per_doc)
            for tag in self._others()
            if tag in other.languages
        ]
        known = [(a, b) for a, b in pairs if not math.isnan(a) and not math.isnan(b)]
        return Fewer(sum(a < b for a, b in known), sum(b < a for a, b in known), len(known))

    @property
    def worst(self) -> list[str]:
        """Return the tags of the most expensive languages, at most N_WORST."""
        return self._others()[:N_WORST]

    def by_premium(self) -> list[str]:
        """Return all tags, the most expensive first, those without a premium last."""
        premium = {tag: cost.premium for tag, cost in self.languages.items()}
        return sorted(premium, key=lambda tag: (math.isnan(premium[tag]), -premium[tag], tag))

    def _others(self) -> list[str]:
        known = (t for t in self.by_premium() if not math.isnan(self.languages[t].premium))
        return [tag for tag in known if tag != REFERENCE]


class _Counted(NamedTuple):
    """A doc with its tokens, how many of them are unknown, and how many are part of a character."""

    doc: TextDoc
    ids: list[int]
    n_unknown: int
    n_parts: int

    @property
    def n_tokens(self) -> int:
        """Count the tokens."""
        return len(self.ids)


def find_models(names: Sequence[str]) -> list[Model]:
    """Return the models that names mean, once each.

    Raises ModelError for an unknown name, and for a backend that keeps its tokenizer to itself.
    """
    found = models.find_models(names, needs_weights=False)
    for model in found:
        if not model.path:
            raise ModelError(
                f"model {model.name!r}: the tokenizer of backend {model.backend!r} is not known "
                f"here. Give what it loads instead: a preset, a hub id (org/name) or a local "
                f"folder. See: mlbench list models"
            )
    return found


def find_family() -> Family:
    """Return the family whose sentences are counted."""
    return read_families()[FAMILY]


def with_english(chosen: Sequence[Language], known: Mapping[str, Language]) -> list[Language]:
    """Return the languages with English among them, in the order of the file.

    Raises SelectionError if the file has no English.
    """
    if REFERENCE not in known:
        raise SelectionError(
            f"the languages file has no {REFERENCE!r}: a premium is against English, add its block"
        )
    tags = {language.tag for language in chosen} | {REFERENCE}
    return [language for tag, language in known.items() if tag in tags]


def measure_tokenizer(
    model: str, tokenizer: Any, prepared: Sequence[Prepared], limit: int | None
) -> ModelCost:
    """Count a tokenizer on at most `limit` docs of each language that has any."""
    # Imported late: a wrong name is told at once, transformers takes seconds.
    from mlbench.harness.tokenizer import encode

    n_added = len(encode(tokenizer, ["a"])[0]) - len(encode(tokenizer, ["a"], special=False)[0])
    parts = _Parts(tokenizer)
    counted: dict[str, list[_Counted]] = {}
    for one in prepared:
        docs = [doc for doc in one.docs.scored[:limit] if isinstance(doc, TextDoc)]
        if docs:
            ids = encode(tokenizer, [doc.text for doc in docs], special=False)
            counted[one.language.tag] = _count(docs, ids, parts)
    sizes = {tag: _sizes(its) for tag, its in counted.items()}
    premiums = premiums_of(sizes) | ({REFERENCE: 1.0} if sizes.get(REFERENCE) else {})
    costs = {
        tag: _cost(its, sizes[tag], premiums.get(tag, math.nan), _count_lost(tokenizer, its))
        for tag, its in counted.items()
    }
    return ModelCost(model, len(tokenizer), n_added, costs, window_of(model, tokenizer))


class _Parts:
    """Which tokens hold only a part of a character; state: those that were looked at so far."""

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer
        self.seen = np.zeros(len(tokenizer), dtype=bool)
        self.is_part = np.zeros(len(tokenizer), dtype=bool)

    def look_at(self, tokens: NDArray[np.int64]) -> None:
        """Write back the tokens that are new."""
        from mlbench.harness.round_trip import decode

        new = np.unique(tokens)
        beyond = (0, max(0, int(new[-1]) + 1 - len(self.seen)))  # ids may leave gaps
        self.seen, self.is_part = (np.pad(known, beyond) for known in (self.seen, self.is_part))
        new = new[~self.seen[new]]
        self.seen[new] = True
        texts = decode(self.tokenizer, [[token] for token in new.tolist()])
        self.is_part[new] = [BROKEN in text for text in texts]


def _count(docs: Sequence[TextDoc], each: list[list[int]], parts: _Parts) -> list[_Counted]:
    """Count the docs that have any token."""
    known = [(doc, ids) for doc, ids in zip(docs, each, strict=True) if ids]
    if not known:
        return []
    tokens = np.concatenate([np.asarray(ids, np.int64) for _, ids in known])
    parts.look_at(tokens)
    starts = np.cumsum([0, *(len(ids) for _, ids in known[:-1])])
    unknown = parts.tokenizer.unk_token_id
    is_unknown = tokens == (-1 if unknown is None else unknown)
    counts = (
        np.add.reduceat(x.astype(np.int64), starts) for x in (is_unknown, parts.is_part[tokens])
    )
    return [
        _Counted(doc, ids, int(n_unknown), int(n_parts))
        for (doc, ids), n_unknown, n_parts in zip(known, *counts, strict=True)
    ]


def window_of(model: str, tokenizer: Any) -> int | None:
    """Return the tokens of a context: of the preset, else as the tokenizer or config.json says."""
    presets = models.read_presets()
    if window := presets.get(model, {}).get("window"):
        return int(window)
    config = Path(model) / "config.json"
    if config.is_file():
        with suppress(OSError, ValueError):  # it is said when the model is loaded
            given = json.loads(config.read_text(encoding="utf-8")).get("max_position_embeddings")
            if isinstance(given, int):
                return given
    limit = getattr(tokenizer, "model_max_length", None)
    return limit if isinstance(limit, int) and 0 < limit < NO_LIMIT else None


def _sizes(texts: Sequence[_Counted]) -> dict[DocKey, Size]:
    return {
        (FAMILY, 0, text.doc.doc_id): Size(text.n_tokens, len(text.doc.text.encode()))
        for text in texts
    }


def _cost(
    texts: Sequence[_Counted], sizes: Mapping[DocKey, Size], premium: float, n_lost: float
) -> LanguageCost:
    n_tokens = sum(text.n_tokens for text in texts)
    n_chars = sum(len(text.doc.text) for text in texts)
    return LanguageCost(
        premium=premium,
        tokens_per_doc=tokens_per_doc(sizes),
        bytes_per_token=bytes_per_token(sizes),
        chars_per_token=n_chars / n_tokens if n_tokens else math.nan,
        n_docs=len(texts),
        n_unknown=sum(text.n_unknown for text in texts),
        n_lost=n_lost,
        byte_share=sum(text.n_parts for text in texts) / n_tokens if n_tokens else math.nan,
    )


def _count_lost(tokenizer: Any, texts: Sequence[_Counted]) -> float:
    from mlbench.harness.round_trip import find_lost

    known = {text.doc.text: text.ids for text in texts}
    lost = find_lost(tokenizer, [(text.doc.text,) for text in texts], known)
    return math.nan if lost is None else len(lost)
