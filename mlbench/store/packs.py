"""How are many finished cells held in one file? A pack: a Parquet file of a model and a family.

runs/<run>/<model-slug>/<family>/packed.parquet holds the rows of its cells one after the other; its
metadata names them and has what stands in a cell's own file. It is sealed as a whole. A cell that
has a file of its own besides is newer there. packing.py makes packs, cells.py reads either.
"""

import json
from collections.abc import Mapping
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, NamedTuple

from mlbench.errors import NewerStoreError, StoreError
from mlbench.files import is_whole, read_seal
from mlbench.store.folder import PACK
from mlbench.store.shelf import Stored

FORMAT = 1
"""Of a pack."""

META_KEY = b"mlbench_pack"
_KEPT_TABLES = 16
_KEPT_PACKS = 32


class Place(NamedTuple):
    """Which cell of a pack: the names that its own file would have."""

    shots: str
    language: str


class Packed(NamedTuple):
    """A cell of a pack: what stands beside its samples, and its samples, not read yet."""

    meta: Mapping[str, Any]
    stored: Stored


def pack_of(path: Path) -> Path:
    """Return the pack that may hold the cell of a file."""
    return path.parent.parent / PACK


def find_pack(pack: Path) -> Mapping[Place, Packed]:
    """Return the cells of a pack in their order, none where there is no pack; no sample is read.

    Raises ValueError for a pack that is damaged, OSError for one that cannot be read,
    NewerStoreError for one of a newer mlbench.
    """
    try:
        state = _state_of(pack)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    return _read_pack(pack, state)


def packed_paths(pack: Path) -> list[Path]:
    """Return where the own files of a pack's cells would be; none for a pack that is damaged."""
    try:
        places = find_pack(pack)
    except (OSError, ValueError, NewerStoreError):
        return []
    return [pack.parent / place.shots / f"{place.language}.parquet" for place in places]


def _state_of(pack: Path) -> tuple[int, ...]:
    stat = pack.stat()
    return stat.st_mtime_ns, stat.st_size, stat.st_ino


@lru_cache(maxsize=_KEPT_PACKS)
def _read_pack(path: Path, _state: tuple[int, ...]) -> Mapping[Place, Packed]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    content = _read_whole(path)
    try:
        with pq.ParquetFile(pa.BufferReader(content)) as file:
            meta = json.loads(file.schema_arrow.metadata[META_KEY])
    except (pa.ArrowException, KeyError, TypeError) as error:
        raise ValueError(f"it is no pack: {error}") from error
    if meta["format"] > FORMAT:
        raise NewerStoreError(
            f"its format is {meta['format']}, and this mlbench knows packs up to {FORMAT}. "
            f"Type: pip install --upgrade mlbench"
        )
    found, start, seal = {}, 0, read_seal(content)
    for entry in meta["cells"]:
        n_rows, columns = entry["n_rows"], tuple(entry["columns"])
        read = partial(_read_rows, path, seal, (start, n_rows, columns))
        found[Place(*entry["place"])] = Packed(entry["meta"], Stored(n_rows, columns, read))
        start += n_rows
    return found


def _read_rows(path: Path, seal: str, rows: tuple[int, int, tuple[str, ...]]) -> Any:
    start, n_rows, columns = rows
    return _read_table(path, seal).slice(start, n_rows).select(columns)


@lru_cache(maxsize=_KEPT_TABLES)
def _read_table(path: Path, seal: str) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    content = _read_whole(path)
    if read_seal(content) != seal:
        raise StoreError(f"{path} was written anew while it was read. Repeat the command")
    with pq.ParquetFile(pa.BufferReader(content), page_checksum_verification=True) as file:
        return file.read(use_threads=False).replace_schema_metadata().combine_chunks()


def _read_whole(path: Path) -> bytes:
    content = path.read_bytes()
    if not is_whole(content):
        raise ValueError("it is not what was written")
    return content
