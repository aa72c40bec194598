"""How does a table of somebody's own become a family? By the names of its columns.

Each cell of a row is checked where it is read, so that a message has row and column. Texts are kept
as they are, whatever is in them, in NFC and without blanks at their ends; only what no text file
can hold is refused.
"""

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict, Unpack

from mlbench.data.tables import EXAMPLES, SCORED, place_of, unknown_column
from mlbench.errors import DataError, SelectionError
from mlbench.families._prompts import LETTERS, QUERY, Cloze, Lettered
from mlbench.records import (
    ChoiceDoc,
    Family,
    FamilyDocs,
    FileSource,
    HubSource,
    Language,
    Origin,
    OutputType,
    Rows,
    TextDoc,
)

MAX_SHOTS = 5
UNKNOWN = "not stated"
_LESS_PRIOR = "acc_pmi"
"""The measure for which each choice is asked once more, after the cue alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Which column of a table holds what.

    A choice family has `query`, `choices` (a column each, or one that holds a list) and `target`: a
    letter, the text of the right choice, or a number, which `first_target` says is counted from 0
    or from 1. A family of texts to be predicted has `text` alone. `language` is the language of a
    row by any code or name; without `doc_id` a row is known by its place among those of its
    language; docs that are not independent share `cluster`.
    """

    query: str = ""
    choices: str | tuple[str, ...] = ()
    target: str = ""
    text: str = ""
    language: str | None = None
    doc_id: str | None = None
    cluster: str | None = None
    first_target: int | None = None


class Facts(TypedDict, total=False):
    """What else may be said of a family; each has a default.

    `template` holds {query}; `letters` lists the choices and asks for a letter. `split` and
    `examples` are splits of a hub data set; for a file, `examples` is another file. `chance` has to
    be said where choices are a list. `is_parallel`: the same doc_id is the same doc in every
    language.
    """

    title: str
    question: str
    licence: str
    citation: str
    version: int
    template: str
    letters: bool
    metrics: tuple[str, ...]
    chance: float
    is_parallel: bool
    split: str
    examples: str
    max_shots: int
    doc_set: str
    origin: Origin
    caveats: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TableDocs:
    """Make docs of rows: what `Family.docs` is for a table."""

    columns: Columns
    split: str = SCORED
    examples: str | None = None
    max_shots: int = 0

    def __call__(self, rows: Rows, language: Language) -> FamilyDocs:
        """Return the docs of one language.

        Raises DataError with row and column.
        """
        scored = [
            self._doc(row, self.split, i) for i, row in enumerate(self._rows(rows, self.split))
        ]
        if self.examples is None:
            return FamilyDocs(tuple(scored))
        shown = self._rows(rows, self.examples)[: self.max_shots]
        examples = [self._doc(row, self.examples, i) for i, row in enumerate(shown)]
        if len(examples) < self.max_shots:
            raise DataError(
                f"{language.name} has {len(examples)} examples, and max_shots is {self.max_shots}. "
                f"Add examples, or say max_shots={len(examples)}"
            )
        return FamilyDocs(tuple(scored), tuple(d for d in examples if isinstance(d, ChoiceDoc)))

    def _rows(self, rows: Rows, split: str) -> list[Mapping[str, Any]]:
        if split not in rows:
            raise DataError(f"there is no split {split!r}. Splits: {', '.join(rows)}")
        return list(rows[split])

    def _doc(self, row: Mapping[str, Any], split: str, index: int) -> ChoiceDoc | TextDoc:
        columns, place = self.columns, place_of(row, split, index)
        own_id = f"{index + 1}" if split == self.split else f"{split}-{index + 1}"
        doc_id = _text(row, columns.doc_id, place) if columns.doc_id else own_id
        cluster = _text(row, columns.cluster, place) if columns.cluster else doc_id
        if columns.text:
            return TextDoc(doc_id, cluster, _text(row, columns.text, place))
        choices = _choices(row, columns, place)
        query = _text(row, columns.query, place)
        return ChoiceDoc(doc_id, cluster, query, choices, _target(row, columns, choices, place))


def family_from_table(
    table: str | Path | HubSource, columns: Columns, *, name: str, **facts: Unpack[Facts]
) -> Family:
    """Return a family of a table: a file beside the family file, or a data set of the hub.

    Raises SelectionError for facts and columns that do not go together.
    """
    _check_facts(columns, facts)
    is_text, is_lettered = bool(columns.text), facts.get("letters", False)
    template = facts.get("template", QUERY)
    prompt = Lettered(template) if is_lettered else Cloze(template)
    metrics = facts.get("metrics") or _metrics(is_text=is_text, is_lettered=is_lettered)
    source, make = _source_and_docs(table, columns, facts)
    return Family(
        name=name,
        version=facts.get("version", 1),
        title=facts.get("title", name),
        question=facts.get("question", f"What does {source.name} ask?"),
        suite="extension",
        output_type=OutputType.TEXT if is_text else OutputType.CHOICES,
        source=source,
        licence=facts.get("licence", UNKNOWN),
        citation=facts.get("citation", UNKNOWN),
        chance=None if is_text else facts.get("chance", 1 / max(len(columns.choices), 1)),
        metrics=metrics,
        docs=make,
        prompt=None if is_text else prompt,
        calibration_context=prompt.cue if _LESS_PRIOR in metrics else None,
        is_parallel=facts.get("is_parallel", False),
        max_shots=make.max_shots,
        doc_set=facts.get("doc_set"),
        origin=facts.get("origin", ""),
        caveats=facts.get("caveats", ()),
    )


def _source_and_docs(
    table: str | Path | HubSource, columns: Columns, facts: Facts
) -> tuple[HubSource | FileSource, TableDocs]:
    examples = facts.get("examples")
    max_shots = facts.get("max_shots", MAX_SHOTS) if examples else 0
    if isinstance(table, HubSource):
        return table, TableDocs(columns, facts.get("split", SCORED), examples, max_shots)
    make = TableDocs(columns, SCORED, EXAMPLES if examples else None, max_shots)
    return FileSource(Path(table), Path(examples) if examples else None, columns.language), make


def _metrics(*, is_text: bool, is_lettered: bool) -> tuple[str, ...]:
    if is_text:
        return ("bits", "bits_per_byte")
    return ("acc",) if is_lettered else ("acc_bytes", "acc")


def _check_facts(columns: Columns, facts: Facts) -> None:
    """Refuse what would be found in every row, or not at all."""
    for fact in facts:
        if fact not in Facts.__annotations__:
            known = ", ".join(Facts.__annotations__)
            raise SelectionError(f"family_from_table takes no {fact!r}. Allowed: {known}")
    parts = (columns.query, columns.choices, columns.target)
    if columns.text and any(parts) or not columns.text and not all(parts):
        raise SelectionError(
            f"{columns} is neither a choice family nor one of texts. Name query, choices and "
            f"target, or text alone"
        )
    if columns.text and facts.get("examples"):
        raise SelectionError("texts have no examples. Leave `examples` out")
    if isinstance(columns.choices, str) and columns.choices and "chance" not in facts:
        raise SelectionError(
            f"column {columns.choices!r} holds lists of choices, so say what guessing gives: "
            f"chance=1/4 where there are four"
        )
    if columns.first_target not in (None, 0, 1):
        raise SelectionError(f"first_target {columns.first_target!r}: allowed are 0 and 1")
    if QUERY not in facts.get("template", QUERY):
        raise SelectionError(f"template {facts['template']!r} has no {QUERY}")


def _text(row: Mapping[str, Any], column: str, place: str) -> str:
    """Return the text of a cell. Raises DataError with its place."""
    if column not in row:
        raise DataError(f"{place}: {unknown_column(column, row)}")
    return _checked(row[column], f"{place}, column {column!r}")


def _checked(value: Any, where: str) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if value is None or isinstance(value, str) and not value.strip():
        raise DataError(f"{where}: empty")
    if not isinstance(value, str):
        raise DataError(f"{where}: {value!r:.40} is not a text")
    if "\0" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
        raise DataError(f"{where}: a NUL or half a character is in {ascii(value):.60}")
    return unicodedata.normalize("NFC", value.strip())


def _choices(row: Mapping[str, Any], columns: Columns, place: str) -> tuple[str, ...]:
    if not isinstance(columns.choices, str):
        return tuple(_text(row, column, place) for column in columns.choices)
    column = columns.choices
    if column not in row:
        raise DataError(f"{place}: {unknown_column(column, row)}")
    listed, where = row[column], f"{place}, column {column!r}"
    if not isinstance(listed, Iterable) or isinstance(listed, str | Mapping):
        raise DataError(f"{where}: {listed!r:.40} is not a list of choices")
    choices = tuple(_checked(value, where) for value in listed)
    if len(choices) not in range(2, len(LETTERS) + 1):
        raise DataError(f"{where}: {len(choices)} choices; allowed are 2 to {len(LETTERS)}")
    return choices


def _target(row: Mapping[str, Any], columns: Columns, choices: tuple[str, ...], place: str) -> int:
    """Return the place of the right choice. Raises DataError for what names none, or two."""
    text, where = _text(row, columns.target, place), f"{place}, column {columns.target!r}"
    letters = LETTERS[: len(choices)]
    first = columns.first_target
    named = {i for i, choice in enumerate(choices) if choice == text}
    if first is not None:
        named = {int(text) - first} if text.isdecimal() else set()
    elif len(text) == 1 and text.upper() in letters:
        named |= {letters.index(text.upper())}
    elif text.isdecimal() and not named:
        raise DataError(
            f"{where}: is {text} counted from 0 or from 1? Say first_target=0 or first_target=1"
        )
    if len(named) == 1 and (target := named.pop()) in range(len(choices)):
        return target
    numbers = f"{first} to {first + len(choices) - 1}" if first is not None else ""
    allowed = numbers or f"{letters[0]} to {letters[-1]}, or the text of one choice"
    raise DataError(f"{where}: {text!r:.60} is not one answer. Allowed: {allowed}")
