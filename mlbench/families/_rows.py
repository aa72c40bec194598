"""Are the rows of a data set as its family expects? Fields there, not empty, of known values."""

import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from mlbench.errors import DataError
from mlbench.records import Rows


class Field(NamedTuple):
    """A field of a row, and the values that it may have; none: any text."""

    name: str
    allowed: tuple[str, ...] = ()


def read_fields(
    rows: Rows, split: str, fields: tuple[Field, ...], where: str
) -> Iterator[dict[str, str]]:
    """Yield the fields of each row as texts, in NFC and without blanks at their ends.

    Raises DataError with split, row, field, value and what is allowed.
    """
    if split not in rows:
        raise DataError(f"{where} has no split {split!r}, but {', '.join(map(repr, rows))}")
    for number, row in enumerate(rows[split], start=1):
        place = f"{where}, split {split}, row {number}"
        yield {field.name: _text(row, field, place) for field in fields}


def _text(row: Mapping[str, Any], field: Field, place: str) -> str:
    if field.name not in row:
        raise DataError(f"{place}: no field {field.name!r}; it has {', '.join(map(repr, row))}")
    value = row[field.name]
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not value.strip():
        raise DataError(f"{place}: {field.name} is empty: {value!r:.60}")
    text = unicodedata.normalize("NFC", value.strip())
    if field.allowed and text not in field.allowed:
        allowed = ", ".join(field.allowed)
        raise DataError(f"{place}: {field.name} {text!r:.60}; allowed are {allowed}")
    return text
