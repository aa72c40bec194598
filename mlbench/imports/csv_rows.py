"""What does a table of scores hold, as cells of a run? Long form, one line per doc.

Header: model, family, language, doc_id, score, and as far as known cluster_id, chance, shots,
is_parallel; for texts scored in bits also loglikelihood, n_bytes, n_tokens. Other columns are
passed over. The same doc_id in two languages means the same doc in both.
"""

import hashlib
import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from mlbench.data.codes import find_tag, is_other_word
from mlbench.data.languages import REFERENCE
from mlbench.errors import DataError, SelectionError
from mlbench.imports.csv_file import Line, read_lines
from mlbench.imports.doc_ids import check_ids
from mlbench.imports.imported import Imported, ImportedCell
from mlbench.measures import BITS, BITS_PER_BYTE, SCORE, Sample, ScoreSample, TextSample
from mlbench.models import Model
from mlbench.names import fault_of_name
from mlbench.records import Cell, Language, OutputType
from mlbench.store.signature import Signature

REQUIRED = ("model", "family", "language", "doc_id", "score")
OPTIONAL = ("cluster_id", "chance", "shots", "is_parallel", "loglikelihood", "n_bytes", "n_tokens")
_BOOLS = {"true": True, "false": False, "": None}


@dataclass(frozen=True, slots=True)
class _Tags:
    """Codes of languages as they come, each looked up once."""

    languages: Mapping[str, Language]
    tag_by_code: dict[str, str] = field(default_factory=dict)

    def find(self, code: str, where: str) -> str:
        """Return the tag that a code means; raises DataError."""
        if code not in self.tag_by_code:
            try:
                self.tag_by_code[code] = find_tag(code, self.languages)
            except SelectionError as error:
                raise DataError(f"{where}: {error}") from error
        return self.tag_by_code[code]

    @property
    def notes(self) -> list[str]:
        """Return which codes are other words than the tags that were taken for them."""
        return [
            f"language {code!r} is {tag!r}"
            for code, tag in sorted(self.tag_by_code.items())
            if is_other_word(code, tag)
        ]


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
        raise SelectionError("--map is for tasks of a tool; a table names its families itself")
    rows_by_cell: dict[Cell, list[_Row]] = defaultdict(list)
    line_by_doc: dict[tuple[Cell, str], str] = {}
    rows_by_family: dict[str, list[_Row]] = defaultdict(list)
    tags = _Tags(languages)
    for line in read_lines(path, REQUIRED, OPTIONAL):
        row = _read_row(line, tags)
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
    for name, rows in sorted(rows_by_family.items()):
        check_ids(name, ((row.cell, row.sample.doc_id, row.where) for row in rows))
    families = {name: _facts(name, rows) for name, rows in sorted(rows_by_family.items())}
    names = sorted({cell.model for cell in rows_by_cell})
    note = "imported from a table"
    models = {name: {"slug": Model(name, "imported").slug, "note": note} for name in names}
    cells = [_make_cell(cell, rows) for cell, rows in sorted(rows_by_cell.items())]
    apart = [
        f"family {name!r} is not parallel: its languages share no doc_id with the reference"
        for name, facts in families.items()
        if not facts["is_parallel"] and rows_by_family[name][0].is_parallel is None
    ]
    return Imported(models, families, tuple(cells), notes=(*tags.notes, *apart))


def _make_cell(cell: Cell, rows: Iterable[_Row]) -> ImportedCell:
    """Sign a cell by its own lines, so that a table that grew elsewhere leaves it as it was."""
    samples = tuple(row.sample for row in rows)
    digest = hashlib.sha256("\n".join(map(repr, samples)).encode()).hexdigest()
    signature = Signature(**cell._asdict(), arguments="", source="csv", source_sha256=digest)
    return ImportedCell(cell, signature, samples)


def _read_row(line: Line, tags: _Tags) -> _Row:
    where, fields = line
    for name in ("model", "family", "doc_id"):
        if not fields[name].strip():
            raise DataError(f"{where}: {name} is empty")
    if fault := fault_of_name(fields["family"]):
        raise DataError(f"{where}: family {fields['family']!r} {fault}")
    if "\n" in fields["doc_id"]:
        raise DataError(f"{where}: a doc_id has a line break; does a quote not close?")
    tag = tags.find(fields["language"], where)
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
        raise DataError(f"{where}: {name} {text!r} is not a number{_advice(text)}") from error
    if not math.isfinite(value):
        raise DataError(
            f"{where}: {name} {text!r} is not a finite number; leave a doc without a score out"
        )
    return value


def _advice(text: str) -> str:
    """Return what to write for a field that a person would take for a number."""
    word = text.strip().casefold()
    if word in ("true", "false"):
        return "; write 1 for true and 0 for false"
    if word.endswith("%"):
        return "; divide percentages by 100: 66.7% is 0.667"
    if re.fullmatch(r"-?\d+,\d+", word):
        return "; numbers need a decimal point, not a comma"
    if word in ("na", "n/a", "null", "none", "-", "."):
        return "; leave a doc without a score out"
    return ""


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
