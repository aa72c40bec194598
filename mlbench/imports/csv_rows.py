"""What does a table of scores hold, as cells of a run? Long form, one line per doc.

Header: model, family, language, doc_id, score, and as far as known cluster_id, chance, shots,
is_parallel; for texts scored in bits also loglikelihood, n_bytes, n_tokens. Other columns are
passed over. The same doc_id in two languages means the same doc in both.
"""

import csv
import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from mlbench.data.languages import REFERENCE
from mlbench.errors import DataError, SelectionError, unknown
from mlbench.imports.imported import Imported, ImportedCell
from mlbench.measures import BITS, BITS_PER_BYTE, SCORE, Sample, ScoreSample, TextSample
from mlbench.models import Model
from mlbench.names import fault_of_name
from mlbench.records import Cell, Language, OutputType
from mlbench.spreadsheet import plain
from mlbench.store.signature import Signature

REQUIRED = ("model", "family", "language", "doc_id", "score")
OPTIONAL = ("cluster_id", "chance", "shots", "is_parallel", "loglikelihood", "n_bytes", "n_tokens")
_BOOLS = {"true": True, "false": False, "": None}


class _Row(NamedTuple):
    """A checked line."""

    cell: Cell
    sample: Sample
    chance: float | None
    is_parallel: bool | None
    where: str


def read_csv(
    path: Path, languages: Mapping[str, Language], map_path: Path | None = None
) -> Imported:
    """Return what a table holds.

    Raises DataError with file and line for the first line that is wrong, SelectionError for a map.
    """
    if map_path:
        raise SelectionError("--map is for lm-eval; a table names its families itself")
    rows_by_cell: dict[Cell, list[_Row]] = defaultdict(list)
    line_by_doc: dict[tuple[Cell, str], str] = {}
    rows_by_family: dict[str, list[_Row]] = defaultdict(list)
    for row in _read_rows(path, languages):
        key = (row.cell, row.sample.doc_id)
        if key in line_by_doc:
            raise DataError(
                f"{row.where}: doc {row.sample.doc_id!r} of this model, family, language and shots "
                f"is there already, {line_by_doc[key]}; keep one"
            )
        line_by_doc[key] = row.where
        rows_by_cell[row.cell].append(row)
        rows_by_family[row.cell.family].append(row)
    if not rows_by_cell:
        raise DataError(f"{path} has a header and no scores")
    families = {name: _facts(name, rows) for name, rows in sorted(rows_by_family.items())}
    names = sorted({cell.model for cell in rows_by_cell})
    note = "imported from a table"
    models = {name: {"slug": Model(name, "imported").slug, "note": note} for name in names}
    cells = [_make_cell(cell, rows) for cell, rows in sorted(rows_by_cell.items())]
    return Imported(models, families, tuple(cells))


def _make_cell(cell: Cell, rows: Iterable[_Row]) -> ImportedCell:
    """Sign a cell by its own lines, so that a table that grew elsewhere leaves it as it was."""
    samples = tuple(row.sample for row in rows)
    digest = hashlib.sha256("\n".join(map(repr, samples)).encode()).hexdigest()
    signature = Signature(**cell._asdict(), arguments="", source="csv", source_sha256=digest)
    return ImportedCell(cell, signature, samples)


def _read_rows(path: Path, languages: Mapping[str, Language]) -> Iterator[_Row]:
    try:
        # utf-8-sig: spreadsheets write a byte order mark.
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            _check_header(path, reader.fieldnames or ())
            for fields in reader:
                where = f"{path}:{reader.line_num}"
                if None in fields or None in fields.values():
                    raise DataError(f"{where}: expected {len(reader.fieldnames or ())} fields")
                texts = {name: plain(value) for name, value in fields.items()}
                yield _read_row(texts, where, languages)
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise DataError(f"{path} is not a CSV file in UTF-8: {error}") from error


def _check_header(path: Path, names: Iterable[str]) -> None:
    missing = [name for name in REQUIRED if name not in names]
    if missing:
        raise DataError(
            f"{path}:1: the header has no column {missing[0]!r}, only "
            f"{', '.join(map(repr, names)) or 'nothing'}. Needed: {', '.join(REQUIRED)}; "
            f"allowed: {', '.join(OPTIONAL)}"
        )
    twice = next((name for name, n in Counter(names).items() if n > 1), None)
    if twice is not None:
        raise DataError(f"{path}:1: the column {twice!r} is there twice")


def _read_row(fields: Mapping[str, str], where: str, languages: Mapping[str, Language]) -> _Row:
    for name in ("model", "family", "doc_id"):
        if not fields[name].strip():
            raise DataError(f"{where}: {name} is empty")
    if fault := fault_of_name(fields["family"]):
        raise DataError(f"{where}: family {fields['family']!r} {fault}")
    tag = fields["language"]
    if tag not in languages:
        raise DataError(f"{where}: {unknown('language', tag, languages, 'mlbench list languages')}")
    shots = _number(fields, "shots", where) or 0
    if shots < 0 or shots != int(shots):
        raise DataError(f"{where}: shots {fields['shots']!r} is not 0, 1, 2 …")
    chance = _number(fields, "chance", where)
    if chance is not None and not 0 <= chance < 1:
        raise DataError(f"{where}: chance {fields['chance']!r} is not in [0, 1)")
    parallel = fields.get("is_parallel", "").lower()
    if parallel not in _BOOLS:
        raise DataError(f"{where}: is_parallel {fields['is_parallel']!r} is not true or false")
    cell = Cell(fields["model"], fields["family"], tag, int(shots))
    return _Row(cell, _read_sample(fields, where), chance, _BOOLS[parallel], where)


def _read_sample(fields: Mapping[str, str], where: str) -> Sample:
    doc_id = fields["doc_id"]
    cluster_id = fields.get("cluster_id") or doc_id
    score = _number(fields, "score", where)
    loglikelihood = _number(fields, "loglikelihood", where)
    if loglikelihood is not None:
        n_bytes, n_tokens = (_number(fields, name, where) for name in ("n_bytes", "n_tokens"))
        if not n_bytes or n_bytes < 1:
            raise DataError(f"{where}: n_bytes is needed beside loglikelihood")
        tokens = None if n_tokens is None else int(n_tokens)
        return TextSample(doc_id, cluster_id, loglikelihood, int(n_bytes), tokens)
    if score is None:
        raise DataError(f"{where}: score is empty; leave a doc without a score out")
    if not 0 <= score <= 1:
        raise DataError(
            f"{where}: score {fields['score']!r} is not in [0, 1]. A percentage must be divided "
            f"by 100; texts scored in bits need the columns loglikelihood and n_bytes"
        )
    return ScoreSample(doc_id, cluster_id, score)


def _number(fields: Mapping[str, str], name: str, where: str) -> float | None:
    """Return a finite number, None for an empty field or no such column."""
    text = fields.get(name, "")
    if not text.strip():
        return None
    try:
        value = float(text)
    except ValueError as error:
        raise DataError(f"{where}: {name} {text!r} is not a number") from error
    if not math.isfinite(value):
        raise DataError(f"{where}: {name} {text!r} is not a finite number")
    return value


def _facts(family: str, rows: list[_Row]) -> dict[str, Any]:
    kinds = {isinstance(row.sample, TextSample) for row in rows}
    if len(kinds) > 1:
        raise DataError(f"family {family!r} has lines with and without loglikelihood; give one")
    is_text = kinds == {True}
    return {
        "title": family,
        "question": "Scores from a table",
        "suite": "imported",
        "version": "unknown",
        "output_type": str(OutputType.TEXT) if is_text else "score",
        "chance": _agreed(family, "chance", rows),
        "metrics": [BITS.name, BITS_PER_BYTE.name] if is_text else [SCORE.name],
        "is_parallel": _find_parallel(family, rows),
        "licence": "see the source",
        "citation": "see the source",
        "source": "a table",
    }


def _agreed(family: str, name: str, rows: Iterable[_Row]) -> Any:
    """Return the one value that all lines of a family have."""
    first: _Row | None = None
    for row in rows:
        first = first or row
        if getattr(row, name) != getattr(first, name):
            raise DataError(
                f"{row.where}: {name} of family {family!r} is {getattr(row, name)!r}, but "
                f"{getattr(first, name)!r} before; a family has one"
            )
    return getattr(first, name)


def _find_parallel(family: str, rows: Iterable[_Row]) -> bool:
    """Return whether docs are the same in every language: as said, else if all share some ids."""
    rows = list(rows)
    given = _agreed(family, "is_parallel", rows)
    if given is not None:
        return bool(given)
    ids_by_language: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        ids_by_language[row.cell.language].add(row.sample.doc_id)
    longest = max(ids_by_language, key=lambda tag: len(ids_by_language[tag]))
    pivot = ids_by_language[REFERENCE if REFERENCE in ids_by_language else longest]
    return all(ids & pivot for ids in ids_by_language.values())
