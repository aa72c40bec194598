"""What have the demo models read? CLDR text of many languages, without one scored doc in it.

Lessons are of the kinds the embedded families ask for, with other codes, numbers and starts;
running text carries the rest of the vocabulary. `check_disjoint` compares texts, not only ids: no
line of training holds a scored doc with its target. The facts they ask for are taught in other
words: a table of codes, a week without commas.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from itertools import product
from typing import NamedTuple

import numpy as np

from mlbench.data import cldr
from mlbench.demo_models import prose
from mlbench.errors import DataError, NoData
from mlbench.families import (
    _cldr_choices,
    cldr_calendar,
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
SHARES = {"terms": 0.25, "calendar": 0.2, "timespan": 0.12, "plural": 0.25, "prose": 0.18}
N_SPARE_CODES = 60
# Many joints, so that a model learns the order of names and not what follows one joint.
JOINTS = (" ", "; ", " - ", " / ", "\n", " > ", ". ")
CHAIN = 4


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
    """Return every scored doc of a language as a model would read it solved."""
    for family in FAMILIES:
        docs = _docs(family, rows, language)
        for doc in docs.scored:
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
    """Teach every code in a plain table, and as it is asked for where it is not scored."""
    scored = {outline.target for outline in cldr_terms.scored_outlines()}
    shown = {outline.target for outline in cldr_terms.shot_outlines()}
    for kind, table in cldr_terms.TABLES.items():
        names = cldr.own_names(rows, table)
        pairs = [(code, name) for code, name in names.items() if len(code) == 2]
        taught = [p for p in pairs if f"{kind}:{p[0]}" in scored | shown]
        others = [p for p in pairs if p not in taught]
        spare = sorted(others, key=lambda pair: _cldr_choices.rank(pair[0]))[:N_SPARE_CODES]
        for code, name in spare + [p for p in taught if f"{kind}:{p[0]}" in shown]:
            yield f"{cldr_terms.STANDARDS[kind]} {code} = {name}"
        table_lines = [f"- {code} {name}" for code, name in taught + spare]
        for start in range(len(table_lines)):
            # Neighbours at growing distances, so that no line order is learned for the names.
            places = [start, (start * 7 + 3) % len(pairs), (start * 11 + 5) % len(pairs)]
            yield "\n".join(table_lines[p % len(table_lines)] for p in places)


def _calendar(rows: Rows) -> Iterator[str]:
    """Teach every sequence with other joints than commas, and with commas where not scored."""
    for kind, table in cldr_calendar.TABLES.items():
        names = cldr.own_names(rows, table)
        if len(names) < len(cldr_calendar.NAMES[kind]):
            continue
        for step, end in product(cldr_calendar.STEPS, range(len(names))):
            run = cldr_calendar.NameSequence(kind, step, CHAIN - 1, end)
            places = range(1 - CHAIN, 1)
            chain = [names[run.name(step * back).partition(":")[2]] for back in places]
            for joint in JOINTS:
                yield joint.join(chain)
            if not cldr_calendar.is_scored(step, end):
                yield ", ".join(chain[-1 - min(cldr_calendar.LENGTHS) :])


def _timespans(rows: Rows) -> Iterator[str]:
    """Teach the spans of every number that is not asked with this unit and direction."""
    patterns, categories = cldr.own_names(rows, "spans"), cldr.own_names(rows, "counts")
    held_out = {outline.target for outline in cldr_timespan.scored_outlines()}
    numbers = range(1, MAX_NUMBER + 1)
    for direction, unit, number in product(cldr_timespan.SIGNS, cldr.SPAN_UNITS, numbers):
        # "-P3D = 3 days ago" has "P3D = 3 days" in it, which cldr_plural may ask for.
        is_plural_asked = f"duration-{unit}:{number}:{number}" in _asked_plurals()
        if is_plural_asked or f"{direction}:{number}:{unit}" in held_out:
            continue
        category = categories.get(str(number), "other")
        key = f"{unit}:{direction}"
        phrase = _cldr_choices.fill(patterns, key, number=number, category=category)
        if phrase:
            yield f"{cldr_timespan.duration(direction, number, unit)} = {phrase}"


def _plurals(rows: Rows) -> Iterator[str]:
    """Teach the units with every number that is not asked with them."""
    patterns, categories = cldr.own_names(rows, "units"), cldr.own_names(rows, "counts")
    for unit, number in product(cldr_plural.CUES, range(1, MAX_NUMBER + 1)):
        category = categories.get(str(number), "other")
        phrase = _cldr_choices.fill(patterns, unit, number=number, category=category)
        if phrase and f"{unit}:{number}:{number}" not in _asked_plurals():
            yield f"{cldr_plural.cue(unit, number)} = {phrase}"


@cache
def _asked_plurals() -> frozenset[str]:
    return frozenset(outline.target for outline in cldr_plural.scored_outlines())
