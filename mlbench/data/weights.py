"""For which languages is a model chosen, and how much does each of them count?

Typed as `id:5,jv:2,su:1`, or as a selection in which each language counts 1; or taken from who uses
which language in a country.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from mlbench.data.languages import select_languages
from mlbench.data.territories import Cldr, find_territory, language_name, tags_by_code, uses_of
from mlbench.errors import SelectionError
from mlbench.records import Language

SELECTORS = ("family", "branch", "script", "class")


class Weighted(NamedTuple):
    """A language and its share of all weight; `tag` is None where the languages file lacks it."""

    name: str
    tag: str | None
    share: float


@dataclass(frozen=True, slots=True)
class Audience:
    """Whom a model is for: languages with shares that sum to one, the largest first.

    `country` is the name of a country, from which the shares are; else empty.
    """

    languages: tuple[Weighted, ...]
    country: str = ""


def audience_of_languages(parts: Sequence[str], known: Mapping[str, Language]) -> Audience:
    """Return the languages that were typed with their weights.

    Raises SelectionError for an unknown language, one that is there twice, and a weight that is no
    number above zero.
    """
    typed: dict[str, str] = {}
    weights: dict[str, float] = {}
    for part in (part.strip() for text in parts for part in text.split(",") if part.strip()):
        word, weight = _split(part)
        for language in select_languages(word, known):
            if language.tag in weights:
                raise SelectionError(
                    f"language {language.tag!r} is there twice, as {typed[language.tag]!r} and as "
                    f"{part!r}: give it one weight"
                )
            typed[language.tag], weights[language.tag] = part, weight
    if not weights:
        raise SelectionError("no language is given. Type: --languages id:5,jv:2,su:1")
    return Audience(_by_share([(known[tag].name, tag, weight) for tag, weight in weights.items()]))


def _split(part: str) -> tuple[str, float]:
    word, colon, text = part.rpartition(":")
    if part.startswith(("-", "+")):
        raise SelectionError(
            f"{part!r} takes away or adds, but here each language has a weight: leave it out, or "
            f"type {part[1:] or 'id'}:2"
        )
    if not colon or (word in SELECTORS):
        return part, 1.0
    try:
        weight = float(text)
    except ValueError:
        weight = math.nan
    if not 0 < weight < math.inf:
        raise SelectionError(
            f"weight {text!r} of {word!r} is not a number above 0. Type {word}:2, or {word} alone "
            f"for a weight of 1; a language that does not count is left out"
        )
    return word, weight


def audience_of_country(text: str, known: Mapping[str, Language], cldr: Cldr) -> Audience:
    """Return the languages of a country by who uses them; raises SelectionError if it is none."""
    code = find_territory(text, cldr)
    name = cldr.territory_names.get(code, code)
    used = [use for use in uses_of(cldr, code, tags_by_code(known.values())) if use.percent > 0]
    if not used:
        raise SelectionError(f"the CLDR lists no language for {name}. Type --languages instead")
    found = [
        (known[use.tag].name if use.tag else language_name(cldr, use.code), use.tag, use.percent)
        for use in used
    ]
    return Audience(_by_share(found), name)


def _by_share(weights: Sequence[tuple[str, str | None, float]]) -> tuple[Weighted, ...]:
    total = math.fsum(weight for _, _, weight in weights)
    found = [Weighted(name, tag, weight / total) for name, tag, weight in weights]
    return tuple(sorted(found, key=lambda language: (-language.share, language.name)))
