"""What is in a table of somebody's own? Rows of CSV, TSV, JSON lines or Parquet, with places.

Tables come from spreadsheets and scripts. What is not to the letter of its format is refused with
file and line and never mended: a quote that does not close would join rows in silence.
"""

import csv
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from mlbench.data.codes import find_tag
from mlbench.data.languages import read_all_languages
from mlbench.data.mirror import is_lfs_pointer
from mlbench.errors import DataError, NoData, SelectionError
from mlbench.records import Family, FileSource, Language, Rows

SCORED, EXAMPLES = "test", "examples"
"""The splits of a table and of the one with its examples."""

SEPARATORS = {".csv": ",", ".tsv": "\t"}
ENDINGS = (*SEPARATORS, ".jsonl", ".parquet")
_KEY = re.compile(r"\{(\w+)\}")


class TableRow(dict[str, Any]):
    """A row that knows where it stands."""

    def __init__(self, fields: Mapping[str, Any], place: str) -> None:
        super().__init__(fields)
        self.place = place


class _State(NamedTuple):
    """What changes when a file does."""

    path: Path
    size: int
    mtime_ns: int


def place_of(row: Mapping[str, Any], split: str, index: int) -> str:
    """Return where a row stands, for a message: file and line, or split and row."""
    return row.place if isinstance(row, TableRow) else f"split {split}, row {index + 1}"


def with_tags(family: Family, languages: Mapping[str, Language]) -> Family:
    """Return a family whose table knows which language each word of its language column means.

    Raises DataError with the place of a word that means no language, or several.
    """
    if not isinstance(family.source, FileSource):
        return family
    return replace(family, source=_with_tags(family.source, languages))


def _with_tags(source: FileSource, languages: Mapping[str, Language]) -> FileSource:
    if source.language is None:
        return source
    found: dict[str, str] = {}
    for path in filter(None, (source.path, source.examples)):
        for row in _read(_state_of(path)):
            word = _word_of(row, source.language)
            if word not in found:
                found[word] = _find_tag(word, languages, row, source.language)
    return replace(source, tags=tuple(sorted(found.items())))


def read_tables(source: FileSource, language: Language) -> Rows:
    """Return the rows of a language by split.

    Raises NoData where there are none, DataError for a file that is not as its format says.
    """
    if source.language is None and not _KEY.search(str(source.path)):
        raise DataError(
            f"{source.path}: of which language are its rows? Name the column that says so, or name "
            f"the file by language, such as exam_{{tag}}.csv"
        )
    if source.language and not source.tags:
        source = _with_tags(source, read_all_languages())
    tables = {SCORED: source.path} | ({EXAMPLES: source.examples} if source.examples else {})
    rows = {split: _rows_of(source, path, language) for split, path in tables.items()}
    if not rows[SCORED]:
        raise NoData(f"{source.path.name} has no row of {language.name}")
    return rows


def fingerprint_of(source: FileSource, language: Language) -> str:
    """Digest the files of a language: what they hold, not where they are."""
    paths = [_path_of(p, language) for p in (source.path, source.examples) if p is not None]
    digests = [_digest(_state_of(path)) for path in paths]
    return f"{digests}-{source.language}-{source.tags}"


def _rows_of(source: FileSource, path: Path, language: Language) -> list[TableRow]:
    rows = _read(_state_of(_path_of(path, language)))
    if source.language is None:
        return rows
    words = {word for word, tag in source.tags if tag == language.tag}
    return [row for row in rows if _word_of(row, source.language) in words]


def _path_of(path: Path, language: Language) -> Path:
    """Put a language into a path. Raises NoData where it has no code or no file."""
    key = _KEY.search(str(path))
    if key is None:
        return path
    code = language.code(key[1])
    if code is None:
        raise NoData(f"{path.name} names files by {key[1]!r}, which {language.name} has not")
    named = Path(str(path).replace(key[0], code))
    if not named.is_file():
        raise NoData(f"there is no {named.name} beside {path.parent.name or '.'}")
    return named


def _word_of(row: TableRow, column: str) -> str:
    if column not in row:
        raise DataError(f"{row.place}: {unknown_column(column, row)}")
    word = row[column]
    if not isinstance(word, str) or not word.strip():
        raise DataError(f"{row.place}, column {column!r}: no language, but {word!r:.40}")
    return word.strip()


def unknown_column(column: str, row: Mapping[str, Any]) -> str:
    """Return the message for a column that a row has not."""
    return f"no column {column!r}. The columns are: {', '.join(map(repr, row))}"


def _find_tag(word: str, languages: Mapping[str, Language], row: TableRow, column: str) -> str:
    try:
        return find_tag(word, languages)
    except SelectionError as error:
        raise DataError(f"{row.place}, column {column!r}: {error}") from None


def _state_of(path: Path) -> _State:
    try:
        stat = path.stat()
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error
    return _State(path, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=64)
def _digest(state: _State) -> str:
    with state.path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


@lru_cache(maxsize=2)
def _read(state: _State) -> list[TableRow]:
    """Read a table once as long as it does not change: each language asks for it."""
    path = state.path
    if path.suffix not in ENDINGS:
        raise DataError(f"{path} is no table by its name. Allowed: {', '.join(ENDINGS)}")
    if is_lfs_pointer(path):
        raise DataError(f"{path} is a Git LFS pointer ({state.size} bytes): git lfs pull")
    try:
        return list(_read_parquet(path) if path.suffix == ".parquet" else _read_text(path))
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not in UTF-8: {error}") from error
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error


def _read_text(path: Path) -> Iterator[TableRow]:
    # newline="\n" leaves what is no line end of the file, such as U+2028, in the texts.
    newline = "\n" if path.suffix == ".jsonl" else ""
    with path.open(encoding="utf-8-sig", newline=newline) as lines:
        separator = SEPARATORS.get(path.suffix)
        yield from _read_csv(path, lines, separator) if separator else _read_lines(path, lines)


def _read_csv(path: Path, lines: Iterator[str], separator: str) -> Iterator[TableRow]:
    reader = csv.reader(lines, delimiter=separator, strict=True)
    line = 1
    try:
        names = [name.strip() for name in next(reader, [])]
        if len(set(names)) < len(names) or not all(names):
            raise DataError(f"{path}:1: each column needs a name of its own, got {names}")
        line = reader.line_num + 1
        for fields in reader:
            place, line = f"{path}:{line}", reader.line_num + 1
            if fields and len(fields) != len(names):
                raise DataError(
                    f"{place}: {len(fields)} fields, and the header has {len(names)}; a text with "
                    f"{separator!r} or a quote in it stands in quotes"
                )
            if fields:
                yield TableRow(dict(zip(names, fields, strict=True)), place)
    except csv.Error as error:
        raise DataError(
            f"{path}:{line}: {error}; a quote is not closed, or a text has more than "
            f"{csv.field_size_limit():,} characters"
        ) from error


def _read_lines(path: Path, lines: Iterator[str]) -> Iterator[TableRow]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        place = f"{path}:{number}"
        try:
            fields = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise DataError(f"{place}: not JSON: {error}") from error
        if not isinstance(fields, dict):
            raise DataError(f"{place}: one object a line is allowed, got {line.strip():.60}")
        yield TableRow(fields, place)


def _read_parquet(path: Path) -> Iterator[TableRow]:
    # Imported late: it is heavy, and most tables are text.
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        rows = pq.read_table(path).to_pylist()
    except pa.ArrowException as error:
        raise DataError(f"{path} is not Parquet: {str(error).splitlines()[0]}") from error
    for number, fields in enumerate(rows, start=1):
        yield TableRow(fields, f"{path}, row {number}")
