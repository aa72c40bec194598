"""Running text out of CLDR: lists of names and dates, written as the language writes them.

It gives the demo models letters, words and joints of a language beyond the lessons, so that real
sentences cost a model fewer bits in a language it has read.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from mlbench.data import cldr
from mlbench.records import Language

TABLES = (
    "territories",
    "languages",
    "scripts",
    "variants",
    "currency_names",
    "currency_names_plural",
    "unit_display_names",
    "meta_zones",
    "eras",
    "quarters",
    "day_periods",
    "measurement_systems",
    "compact_decimal_formats",
    "unit_patterns",
    "date_fields",
)
MIN_LETTERS = 3
DATE_SHARE = 0.2


class Words(NamedTuple):
    """The vocabulary of prose: names, joints of lists, months and days as dates have them."""

    names: tuple[str, ...]
    comma: str
    final: str
    months: tuple[str, ...]
    days: tuple[str, ...]
    date: str


def collect_words(language: Language) -> Words:
    """Return the language's own words of CLDR for prose."""
    tree = cldr.read_locale(cldr.locale_of(language))
    texts = {cldr.tidy(t) for table in TABLES for t in _texts(tree.get(table, {}))}
    cities = {zone["city"] for zone in tree.get("time_zones", {}).values() if "city" in zone}
    names = sorted(t for t in texts | cities if sum(map(str.isalpha, t)) >= MIN_LETTERS)
    joints: Mapping[str, str] = tree.get("list_patterns", {}).get("standard", {})
    long = tree.get("date_formats", {}).get("full")
    return Words(
        names=tuple(names),
        comma=joints.get("middle", "{0}, {1}"),
        final=joints.get("end", "{0}, {1}"),
        months=_format_names(tree, "months"),
        days=_format_names(tree, "days"),
        date=long.pattern if long else "",
    )


def write_line(words: Words, rng: np.random.Generator) -> str:
    """Return one date or one list of names."""
    if words.date and words.months and words.days and rng.random() < DATE_SHARE:
        return _write_date(words, rng)
    count = int(rng.integers(1, 7))
    chosen: list[str] = [words.names[i] for i in rng.integers(len(words.names), size=count)]
    # A pattern's place for a number gets one, so that units and phrases stand in real use.
    filled = [name.replace("{0}", str(rng.integers(1, 1000))) for name in chosen]
    line: str = filled[0]
    for i, name in enumerate(filled[1:], start=1):
        joint = words.final if i == count - 1 else words.comma
        line = joint.replace("{0}", line, 1).replace("{1}", name)
    return line


def _write_date(words: Words, rng: np.random.Generator) -> str:
    parts = {
        "EEEE": words.days[rng.integers(len(words.days))],
        "cccc": words.days[rng.integers(len(words.days))],
        "MMMM": words.months[rng.integers(len(words.months))],
        "LLLL": words.months[rng.integers(len(words.months))],
        "M": str(rng.integers(1, 13)),
        "G": "",
        "y": str(rng.integers(1900, 2030)),
        "d": str(rng.integers(1, 29)),
    }
    return "".join(_date_parts(words.date, parts))


def _date_parts(pattern: str, parts: Mapping[str, str]) -> Iterator[str]:
    """Fill a CLDR date pattern; text in quotes is the language's own."""
    for i, quoted in enumerate(pattern.split("'")):
        rest = quoted
        while rest:
            field = next((f for f in parts if i % 2 == 0 and rest.startswith(f)), None)
            yield parts[field] if field else rest[0]
            rest = rest[len(field) if field else 1 :]


def _texts(tree: Any) -> Iterator[str]:
    if isinstance(tree, str):
        yield tree
    elif isinstance(tree, Mapping):
        for value in tree.values():
            yield from _texts(value)


def _format_names(tree: Mapping[str, Any], table: str) -> tuple[str, ...]:
    names = tree.get(table, {}).get("format", {}).get("wide", {})
    return tuple(names[key] for key in sorted(names)) if isinstance(names, Mapping) else ()
