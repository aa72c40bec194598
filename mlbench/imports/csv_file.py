"""Which lines has a table? Read as CSV in UTF-8, or refused with what the file is instead.

Spreadsheets and data frames write what they call CSV in many forms; each has its own advice.
"""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from mlbench.errors import DataError
from mlbench.spreadsheet import plain

_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_OTHER_FILES = {
    b"PK\x03\x04": "a spreadsheet or a zip file",
    b"\xd0\xcf\x11\xe0": "an Excel file",
    b"PAR1": "a Parquet file",
    b"\x1f\x8b": "compressed with gzip",
}
_SEPARATORS = {";": "';'", "\t": "a tab", "|": "'|'"}
_AS_UTF_8 = 'Save it as CSV in UTF-8 (a spreadsheet calls that "CSV UTF-8")'


class Line(NamedTuple):
    """The fields of a line by column, and the place of the line in words."""

    where: str
    fields: dict[str, str]


def read_lines(path: Path, required: Sequence[str], optional: Sequence[str]) -> Iterator[Line]:
    """Yield the lines after the header.

    Raises DataError for a file that is no CSV in UTF-8, a header that lacks a required column, and
    a line with more or fewer fields than the header.
    """
    line = 0
    try:
        _check_kind(path)
        # utf-8-sig: spreadsheets write a byte order mark.
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            names = list(reader.fieldnames or ())
            _check_header(path, names, required, optional)
            for fields in reader:
                line = reader.line_num
                where = f"{path}:{line}"
                if None in fields or None in fields.values():
                    raise DataError(f"{where}: expected {len(names)} fields")
                yield Line(where, {name: plain(value) for name, value in fields.items()})
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        byte = f"0x{error.object[error.start]:02x}"
        raise DataError(
            f"{path} is not a CSV file in UTF-8: it has the byte {byte}, as in Windows-1252 or "
            f"Latin-1. {_AS_UTF_8}"
        ) from error
    except csv.Error as error:
        raise DataError(
            f"{path} is not a CSV file in UTF-8: after line {line or 1}: {error}. Does a quote not "
            f"close?"
        ) from error


def _check_kind(path: Path) -> None:
    """Look at the first bytes, by which other kinds of files can be told."""
    with path.open("rb") as file:
        head = file.read(400)
    if head.startswith(_UTF_16) or head.count(b"\0") > len(head) / 4:
        raise DataError(f"{path} is in UTF-16; UTF-8 is needed. {_AS_UTF_8}")
    for magic, kind in _OTHER_FILES.items():
        if head.startswith(magic):
            raise DataError(f"{path} is {kind}; a CSV file is needed. {_AS_UTF_8}")


def _check_header(
    path: Path, names: Sequence[str], required: Sequence[str], optional: Sequence[str]
) -> None:
    missing = [name for name in required if name not in names]
    if missing:
        _check_separator(path, names, required)
        raise DataError(
            f"{path}:1: the header has no column {missing[0]!r}, only "
            f"{', '.join(map(repr, names)) or 'nothing'}. Needed: {', '.join(required)}; "
            f"allowed: {', '.join(optional)}"
        )
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise DataError(f"{path}:1: the column {twice!r} is there twice")


def _check_separator(path: Path, names: Sequence[str], required: Sequence[str]) -> None:
    """Raise for a header whose columns are separated by something else than a comma."""
    header = ",".join(names)
    for separator, shown in _SEPARATORS.items():
        if len({*required} & {*header.split(separator)}) > 1:
            raise DataError(
                f"{path}:1: the file is separated by {shown}, a comma is needed. Save it as CSV "
                f"with commas, and numbers with a decimal point"
            )
