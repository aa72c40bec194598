"""What have the demo models read? CLDR text of many languages, without one scored doc in it.

Lessons are of the kinds the embedded families ask for, with other codes, numbers and starts;
running text carries the rest of the vocabulary. `check_disjoint` compares texts, not only ids: no
line of training holds a scored or few-shot doc with its target.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from itertools import product
from typing import NamedTuple

import numpy as np

from mlbench import cldr
from mlbench.demo_models import prose
from mlbench.errors import DataError, NoData
from mlbench.families import (
    cldr_calendar,
    cldr_choices,
    cldr_plural,
    cldr_terms,
    cldr_timespan,
)
from mlbench.records import ChoiceDoc, Family, FamilyDocs, Language, Rows

FAMILIES = (
    cldr_calendar.FAMILY,
    cldr_plural.FAMILY,
    cldr_terms.FAMILY,
    cldr_timespan.FAMILY,
)
MAX_NUMBER = 40
# How often a line of each kind is read, where the language has the kind.
SHARES = {"terms": 0.2, "calendar": 0.2, "timespan": 0.2, "plural": 0.2, "prose": 0.2}


class Reader(NamedTuple):
    """All a model can read in one language: finite lessons by kind, and words for prose."""

    language: Language
    lessons: Mapping[str, list[str]]
    words: prose.Words

    def read(self, kind: str, rng: np.random.Generator) -> str:
        """Return one line of a kind."""
        if kind == "prose":
            return prose.write_line(self.words, rng)
        return self.lessons[kind][rng.integers(len(self.lessons[kind]))]


def open_reader(language: Language) -> Reader | None:
    """Return the reader of a language, None where CLDR has no data of its own."""
    try:
        rows = cldr.read_rows(language)
    except NoData:
        return None
    held_out = list(scored_texts(rows, language))
    kinds = {"terms": _terms, "calendar": _calendar, "timespan": _timespans, "plural": _plurals}
    lessons = {kind: sorted(set(make(rows)) - set(held_out)) for kind, make in kinds.items()}
    reader = Reader(
        language,
        {kind: lines for kind, lines in lessons.items() if lines},
        prose.collect_words(language),
    )
    check_disjoint(reader, held_out)
    return reader


def scored_texts(rows: Rows, language: Language) -> Iterator[str]:
    """Return every scored and few-shot doc of a language as a model would read it solved."""
    for family in FAMILIES:
        docs = _docs(family, rows, language)
        for doc in (*docs.scored, *docs.fewshot):
            assert isinstance(doc, ChoiceDoc) and family.prompt is not None
            prompt = family.prompt(doc)
            yield f"{prompt.context} {prompt.choices[doc.target]}"


def check_disjoint(reader: Reader, held_out: list[str]) -> None:
    """Raise where a text to be scored stands in a line of training."""
    read = "\n".join(line for lines in reader.lessons.values() for line in lines)
    found = [text for text in held_out if text in read]
    if found:
        raise DataError(f"{reader.language.tag}: {len(found)} scored docs are read: {found[:3]}")


def _docs(family: Family, rows: Rows, language: Language) -> FamilyDocs:
    try:
        return family.docs(rows, language)
    except NoData:
        return FamilyDocs(scored=())


def _terms(rows: Rows) -> Iterator[str]:
    """Teach codes of two letters from the names, and back where that is not scored."""
    asked = (*cldr_terms.scored_items(), *cldr_terms.shot_items())
    held_out = {item.target for item in asked}
    for kind, table in cldr_terms.TABLES.items():
        for code, name in cldr.own_names(rows, table).items():
            if len(code) > 2:
                continue
            cue = f"{cldr_terms.STANDARDS[kind]} {code}"
            yield f"{name} = {cue}"
            if f"{kind}:{code}" not in held_out:
                yield f"{cue} = {name}"


def _calendar(rows: Rows) -> Iterator[str]:
    """Teach each step between two names, and the three names that end where none is asked."""
    for kind, table in cldr_calendar.TABLES.items():
        names = cldr.own_names(rows, table)
        asked = {*cldr_calendar.SCORED[kind], *cldr_calendar.SHOWN[kind]}
        places = range(len(cldr_calendar.NAMES[kind]))
        for step, end in product(cldr_calendar.STEPS, places):
            for length in (1, 2) if end not in asked else (1,):
                item = cldr_calendar.Run(kind, step, length, end).item()
                ids = [key.partition(":")[2] for key in (*item.query, item.target)]
                if all(i in names for i in ids):
                    yield ", ".join(names[i] for i in ids)


def _timespans(rows: Rows) -> Iterator[str]:
    """Teach the spans of every number that is not asked with this unit and direction."""
    patterns, categories = cldr.own_names(rows, "spans"), cldr.own_names(rows, "counts")
    asked = (*cldr_timespan.scored_items(), *cldr_timespan.shot_items())
    held_out = {item.target for item in asked}
    numbers = range(1, MAX_NUMBER + 1)
    for direction, unit, number in product(cldr_timespan.SIGNS, cldr.SPAN_UNITS, numbers):
        # "-P3D = 3 days ago" has "P3D = 3 days" in it, which cldr_plural may ask for.
        is_plural_asked = f"duration-{unit}:{number}:{number}" in _asked_plurals()
        if is_plural_asked or f"{direction}:{number}:{unit}" in held_out:
            continue
        category = categories.get(str(number), "other")
        key = f"{unit}:{direction}"
        phrase = cldr_choices.fill(patterns, key, number=number, category=category)
        if phrase:
            yield f"{cldr_timespan.duration(direction, number, unit)} = {phrase}"


def _plurals(rows: Rows) -> Iterator[str]:
    """Teach the units with every number that is not asked with them."""
    patterns, categories = cldr.own_names(rows, "units"), cldr.own_names(rows, "counts")
    for unit, number in product(cldr_plural.CUES, range(1, MAX_NUMBER + 1)):
        category = categories.get(str(number), "other")
        phrase = cldr_choices.fill(patterns, unit, number=number, category=category)
        if phrase and f"{unit}:{number}:{number}" not in _asked_plurals():
            yield f"{cldr_plural.cue(unit, number)} = {phrase}"


@cache
def _asked_plurals() -> frozenset[str]:
    asked = (*cldr_plural.scored_items(), *cldr_plural.shot_items())
    return frozenset(item.target for item in asked)
