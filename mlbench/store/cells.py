"""Where do finished cells live, and can they be trusted? One Parquet file a cell, or a pack.

runs/<run>/<model-slug>/<family>/<shots>/<tag>.parquet holds one row a doc, which begins with the
cell it is of, so that one glob reads a run as one table. Cell, signature, scores, counts and timing
are in the file's metadata. Each file is sealed (files.py): one that changed since, or that stands
at the place of another cell, is damaged. A cell without a file may be in a pack (packs.py). A
failed cell is <tag>.failed.json. Missing, failed and zero stay three states.
"""

import io
import json
import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any, NamedTuple

from mlbench import __version__
from mlbench.errors import NewerStoreError, StoreError
from mlbench.files import UNSEALED, is_whole, read_seal, seal
from mlbench.measures import Sample
from mlbench.names import folder_name
from mlbench.records import Cell, Score, row_of
from mlbench.store.folder import PACK, remove, write, write_bytes
from mlbench.store.packs import Place, find_pack, pack_of, packed_paths
from mlbench.store.samples import SampleColumns, lay_on_shelves
from mlbench.store.shelf import STATISTICS, Stored
from mlbench.store.signature import Signature, read_signature

FORMAT = 3
"""Of a cell's files. Those of earlier versions are read: format 1 has no seal, and before format 3
there were no columns that say which cell a row is of."""

_FAILED = ".failed.json"
_META_KEY, _SEAL_KEY = b"mlbench", b"mlbench_seal"
_META_MARK = b"\x18\x07mlbench\x18"
"""The key and the kind of its value, a string, as they stand in the footer of a file."""
_LONGEST_VARINT = 35


@dataclass(frozen=True, slots=True)
class CellResult:
    """A finished cell. `signature` says what was scored; `usage` what it took.

    usage: n_requests, n_tokens (context and continuation), n_truncated, seconds, device, mode (of
    the packed engine), model_bytes (weights in memory), peak_bytes (runner/peak.py; later cells).
    """

    cell: Cell
    signature: Signature
    scores: Mapping[str, Score]
    usage: Mapping[str, float | int | str | None]
    samples: Sequence[Sample]


class FailedCell(NamedTuple):
    """A cell that ran and broke."""

    cell: Cell
    reason: str
    traceback: str
    signature: Signature


def cell_path(folder: Path, slug: str, cell: Cell) -> Path:
    """Return where a cell's file is, or will be."""
    family = folder_name(cell.family)
    return folder / slug / family / str(cell.shots) / f"{cell.language}.parquet"


def put(path: Path, result: CellResult) -> None:
    """Write a finished cell, whole or not at all, and forget an earlier failure of it."""
    write(path, partial(fill_cell, result))
    forget_failure(path)


def forget_failure(path: Path) -> None:
    """Delete the record of a cell's failure, if there is one."""
    remove(failed_path(path))


def fill_cell(result: CellResult, file: IO[bytes]) -> None:
    """Write the content of a finished cell's file."""
    samples = result.samples
    if isinstance(samples, SampleColumns):
        table = samples.stored.read()
    else:
        table = _table_from_samples(samples)
    meta = meta_of(result) | {"n_rows": len(table), "columns": table.column_names}
    text = json.dumps(meta, sort_keys=True, ensure_ascii=False)
    table = name_cell(table, result.cell)
    file.write(sealed_parquet(table, {_META_KEY: text.encode()}))


def meta_of(result: CellResult) -> dict[str, Any]:
    """Return what stands in the file of a finished cell beside its samples."""
    return {
        "format": FORMAT,
        "cell": result.cell._asdict(),
        "signature": dict(result.signature),
        "scores": {name: _null_nan(score) for name, score in result.scores.items()},
        "usage": result.usage,
    }


def name_cell(table: Any, cell: Cell) -> Any:
    """Return a table with the cell in each row, for programs that read many files as one table."""
    import pyarrow as pa

    for place, (name, value) in enumerate(cell._asdict().items()):
        kind = pa.int32() if name == "shots" else pa.string()
        table = table.add_column(place, name, pa.repeat(pa.scalar(value, kind), len(table)))
    return table


def sealed_parquet(
    table: Any, metadata: Mapping[bytes, bytes], compression: str = "snappy"
) -> bytes:
    """Return the bytes of a sealed Parquet file; the seal stands behind the metadata."""
    import pyarrow.parquet as pq

    table = table.replace_schema_metadata({**metadata, _SEAL_KEY: UNSEALED.encode()})
    content = io.BytesIO()
    pq.write_table(table, content, compression=compression, write_page_checksum=True)
    return seal(content.getvalue())


def put_failed(path: Path, failed: FailedCell) -> None:
    """Record that a cell broke, with its traceback; it hides an older result of the cell."""
    content = {**failed._asdict(), "signature": dict(failed.signature), "format": FORMAT}
    ordered = {name: content[name] for name in sorted(content)} | {"seal": UNSEALED}
    text = json.dumps(ordered, ensure_ascii=False, indent=1) + "\n"
    write_bytes(failed_path(path), seal(text.encode("utf-8", errors="replace")))


def get(path: Path, cell: Cell | None = None) -> CellResult | FailedCell | None:
    """Return what is stored of a cell, None where nothing is.

    `put` removes the record of a failure, so one that is there is newer than a result beside it.
    Raises StoreError for a file that is damaged or, where `cell` is given, of another cell;
    NewerStoreError for one of a newer mlbench.
    """
    found: CellResult | FailedCell | None
    place = failed_path(path)
    if place.is_file():
        found = _read_failed(place)
    elif (place := path).is_file():
        found = _read_result(path)
    else:
        place = pack_of(path)
        found = _read_packed(place, Place(path.parent.name, path.stem))
    return found if cell is None else _of_cell(found, cell, place)


def _read_packed(pack: Path, place: Place) -> CellResult | None:
    try:
        packed = find_pack(pack).get(place)
        return None if packed is None else result_from(packed.meta, packed.stored)
    except NewerStoreError as error:
        raise NewerStoreError(f"{pack}: {error}") from error
    except _WRONG as error:
        raise _damaged(pack, _first_line(error)) from error


Outcome = CellResult | FailedCell | StoreError | None
"""What is stored of a cell, why that cannot be read, or None where nothing is."""


def get_all(parent: Path, cells: Iterable[Cell]) -> Iterator[Outcome]:
    """Yield of each cell of a model, family and number of examples what `get` returns or raises.

    One look at their folder stands for two looks a cell. Raises NewerStoreError.
    """
    found = list(_each(parent, cells))
    done = [one for one in found if isinstance(one, CellResult)]
    stored = [(one.samples, one.scores) for one in done if isinstance(one.samples, SampleColumns)]
    lay_on_shelves(stored)
    yield from found


def _each(parent: Path, cells: Iterable[Cell]) -> Iterator[Outcome]:
    names = frozenset(os.listdir(parent)) if parent.is_dir() else frozenset()
    pack = parent.parent / PACK
    for cell in cells:
        own = f"{cell.language}.parquet"
        try:
            if f"{cell.language}{_FAILED}" in names:
                yield get(parent / own, cell)
            elif own in names:
                yield _of_cell(_read_result(parent / own), cell, parent / own)
            else:
                yield _of_cell(_read_packed(pack, Place(parent.name, cell.language)), cell, pack)
        except StoreError as error:
            yield error


def _of_cell(
    found: CellResult | FailedCell | None, cell: Cell, place: Path
) -> CellResult | FailedCell | None:
    """Refuse what stands at the place of another cell. Raises StoreError."""
    if found is not None and found.cell != cell:
        raise _damaged(place, f"it is the file of {_words(found.cell)}")
    return found


def find_finished(folder: Path) -> CellResult | None:
    """Return a finished cell of the model whose cells are in a folder; None where none is whole."""
    own = sorted(folder.glob("*/*/*.parquet"))
    for path in (*own, *(path for pack in folder.glob(f"*/{PACK}") for path in packed_paths(pack))):
        with suppress(StoreError):  # a damaged one says nothing; the next may
            found = get(path)
            if isinstance(found, CellResult):
                return found
    return None


def _words(cell: Cell) -> str:
    return f"{cell.model!r}, {cell.family!r} in {cell.language!r}, {cell.shots}-shot"


def _damaged(path: Path, why: str) -> StoreError:
    return StoreError(f"{path} is damaged ({why}). The same `mlbench run` or import makes it again")


def _read_failed(path: Path) -> FailedCell:
    try:
        content = path.read_bytes()
        whole = is_whole(content)
        meta = json.loads(content)
        _check_whole(whole, meta)
        signature = read_signature(meta["signature"])
        return FailedCell(Cell(*meta["cell"]), meta["reason"], meta["traceback"], signature)
    except NewerStoreError as error:
        raise NewerStoreError(f"{path}: {error}") from error
    except _WRONG as error:
        raise _damaged(path, _first_line(error)) from error


def failed_path(path: Path) -> Path:
    """Return where the record of a cell's failure is, or will be."""
    return path.with_suffix(_FAILED)


_WRONG = (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError)
"""What reading a file raises that is not as `put` writes it, before its seal was known."""


def _read_result(path: Path) -> CellResult:
    try:
        content = path.read_bytes()
        whole = is_whole(content)
        _check_whole(whole, {})
        meta = _find_meta(content) if whole else None
        meta = meta or _meta_from_parquet(content, is_sealed=bool(whole))
        _check_whole(whole, meta)
        n_rows, columns = meta["n_rows"], tuple(meta["columns"])
        stored = Stored(n_rows, columns, partial(_read_table, path, read_seal(content), columns))
        return result_from(meta, stored)
    except NewerStoreError as error:
        raise NewerStoreError(f"{path}: {error}") from error
    except _WRONG as error:
        raise _damaged(path, _first_line(error)) from error


def _find_meta(content: bytes) -> dict[str, Any] | None:
    """Return the metadata of a sealed file, None of one that does not tell its columns there.

    To open it as Parquet takes three times as long, which counts where thousands are looked at. In
    the footer, key and value stand behind their lengths (Thrift's compact protocol).
    """
    start = content.rfind(_META_MARK)
    if start < 0:
        return None
    at, size = start + len(_META_MARK), 0
    for shift in range(0, _LONGEST_VARINT, 7):
        byte, at = content[at], at + 1
        size |= (byte & 0x7F) << shift
        if byte < 0x80:
            break
    meta: dict[str, Any] = json.loads(content[at : at + size])
    return meta if "columns" in meta else None


def _meta_from_parquet(content: bytes, *, is_sealed: bool) -> dict[str, Any]:
    """Return the metadata of a cell's file, with its rows and columns. Raises ValueError."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        source = pa.BufferReader(content)
        with pq.ParquetFile(source, page_checksum_verification=True) as file:
            n_rows, schema = file.metadata.num_rows, file.schema_arrow
            if not is_sealed:
                file.read(use_threads=False)  # nothing else tells whether it is whole
        meta: dict[str, Any] = json.loads(schema.metadata[_META_KEY])
    except pa.ArrowException as error:
        raise ValueError(_first_line(error)) from error
    # Without those of format 3 that name the cell, as metadata and place have done already.
    columns = [name for name in schema.names if name not in Cell._fields]
    return meta | {"n_rows": n_rows, "columns": columns}


def result_from(meta: Mapping[str, Any], stored: Stored) -> CellResult:
    """Return a finished cell from what stands in its file beside the samples."""
    scores = {name: Score(**_restore_nan(score)) for name, score in meta["scores"].items()}
    signature, usage = read_signature(meta["signature"]), meta["usage"]
    return CellResult(Cell(**meta["cell"]), signature, scores, usage, SampleColumns(stored))


def _read_table(path: Path, sealed: str, columns: Sequence[str]) -> Any:
    """Return the table of a cell's file, if it is still the one that was found before.

    Read in one thread: pq.read_table takes five times as long.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    content = path.read_bytes()
    if read_seal(content) != sealed or is_whole(content) is False:
        raise StoreError(f"{path} was written anew while it was read. Repeat the command")
    source = pa.BufferReader(content)
    with pq.ParquetFile(source, page_checksum_verification=True) as file:
        return file.read(columns=list(columns), use_threads=False).replace_schema_metadata()


def _check_whole(whole: bool | None, meta: Mapping[str, Any]) -> None:
    """Refuse a file that changed since it was written, or that a newer mlbench wrote."""
    written = meta.get("format", 1)
    if whole is False or (whole is None and written != 1):
        raise ValueError("it is not what was written")
    if written > FORMAT:
        raise NewerStoreError(
            f"it has format {written}, and mlbench {__version__} knows formats up to {FORMAT}: a "
            f"newer mlbench wrote it. Type: pip install --upgrade mlbench"
        )


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _null_nan(score: Score) -> dict[str, Any]:
    return {**score._asdict(), "stderr": None if math.isnan(score.stderr) else score.stderr}


def _restore_nan(score: dict[str, Any]) -> dict[str, Any]:
    return {**score, "stderr": math.nan if score["stderr"] is None else score["stderr"]}


def _table_from_samples(samples: Sequence[Sample]) -> Any:
    import pyarrow as pa

    rows = [_row(sample) for sample in samples]
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    return pa.table({name: _column(pa, name, values) for name, values in columns.items()})


def _row(sample: Sample) -> dict[str, Any]:
    """Give one row of a cell's file; each stored statistic has a column of its own."""
    row = row_of(sample)
    stored = row.pop("statistics", {})
    return row | {f"{STATISTICS}{name}": list(numbers) for name, numbers in stored.items()}


def _column(pa: Any, name: str, values: list[Any]) -> Any:
    types = {
        "target": pa.string() if isinstance(values[0], str) else pa.int32(),
        "is_greedy": pa.bool_(),
        "n_bytes": pa.int32(),
        "n_tokens": pa.list_(pa.int32()) if isinstance(values[0], tuple) else pa.int32(),
        "loglikelihood": pa.float64(),
        "score": pa.float64(),
        "loglikelihoods": pa.list_(pa.float64()),
        "calibration": pa.list_(pa.float64()),
        "label_means": pa.list_(pa.float64()),
        "choices": pa.list_(pa.string()),
    }
    if name.startswith(STATISTICS):
        return pa.array(values, pa.list_(pa.float64()))
    return pa.array(values, types.get(name, pa.string()))
