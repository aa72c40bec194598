"""How many tokens does the same meaning take? Counts of one model on texts that are translations.

The token premium of a language is its tokens over those of English for the same sentences
(Petrov et al. 2023, "Language Model Tokenizers Introduce Unfairness Between Languages", section 3;
Ahia et al. 2023, "Do All Languages Cost the Same?"). Here it is a ratio of sums over the docs that
both languages have, so that long sentences weigh as they are paid.
"""

import math
from collections.abc import Mapping
from typing import NamedTuple

from mlbench.data.languages import REFERENCE

DocKey = tuple[str, int, str]
"""Family, shots and doc id: docs with one key are translations of one another."""


class Size(NamedTuple):
    """Tokens and UTF-8 bytes of a text."""

    tokens: int
    n_bytes: int


def premiums_of(sizes: Mapping[str, Mapping[DocKey, Size]]) -> dict[str, float]:
    """Return the token premium by tag, English apart: tokens[l] / tokens[en] on shared docs.

    A language that shares no doc with English has none; without English nobody has.
    """
    english = sizes.get(REFERENCE, {})
    found = {}
    for tag, own in sizes.items():
        shared = own.keys() & english.keys()
        if shared and tag != REFERENCE:
            own_tokens = sum(own[key].tokens for key in shared)
            found[tag] = own_tokens / sum(english[key].tokens for key in shared)
    return found


def bytes_per_token(sizes: Mapping[DocKey, Size]) -> float:
    """Return UTF-8 bytes over tokens of the texts of one language; nan where there are none."""
    tokens = sum(size.tokens for size in sizes.values())
    return sum(size.n_bytes for size in sizes.values()) / tokens if tokens else math.nan


def tokens_per_doc(sizes: Mapping[DocKey, Size]) -> float:
    """Return the mean tokens of a text; nan where there are none."""
    return sum(size.tokens for size in sizes.values()) / len(sizes) if sizes else math.nan
