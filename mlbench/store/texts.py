"""What did each doc ask? Kept once a family and language in the run, for whoever reads the items.

runs/<run>/.docs/<family>/<tag>-<digest>.texts holds doc ids and texts, as Parquet. Its name does
not say so: who reads all Parquet files of a run as one table wants scores. The digest is that of
the docs in the signature of a cell, so that a cell never meets the texts of other data. A run can
thus be read on a machine that has neither the data set nor a connection.
"""

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlbench import store
from mlbench.data.prepare import Prepared
from mlbench.errors import StoreError
from mlbench.files import is_whole
from mlbench.names import folder_name
from mlbench.records import TextDoc
from mlbench.store.cells import sealed_parquet
from mlbench.store.folder import remove

FOLDER = ".docs"
"""Begins with a dot, which no folder of a model does."""
_ABOUT_KEY = b"mlbench_docs"


def keep_texts(run: Path, prepared: Prepared) -> None:
    """Write the texts of a family in a language, unless the run holds them and they are whole.

    Raises StoreError if they cannot be written.
    """
    import pyarrow as pa

    family, tag = prepared.family.name, prepared.language.tag
    path = _path(run, family, tag, prepared.sha256)
    with contextlib.suppress(StoreError):  # damaged: written again below
        if _read(_where_it_is(path), _about(family, tag, prepared.sha256)) is not None:
            return
    texts = _render(prepared)
    table = pa.table({"doc_id": list(texts), "text": list(texts.values())})
    about = {_ABOUT_KEY: _about(family, tag, prepared.sha256)}
    store.write_bytes(path, sealed_parquet(table, about, compression="zstd"))
    remove(_former_path(path))


def read_texts(run: Path, result: store.CellResult) -> Mapping[str, str]:
    """Return the text of each doc of a cell by its id; empty where the run does not hold them.

    A text is the question as it was put, without examples before it; of a text family it is the
    text itself. Raises StoreError for a damaged file.
    """
    digest = str(result.signature.get("data_sha256") or "")
    family, tag = result.cell.family, result.cell.language
    if not digest:
        return {}
    path = _where_it_is(_path(run, family, tag, digest))
    return _read(path, _about(family, tag, digest)) or {}


def _read(path: Path, about: bytes) -> dict[str, str] | None:
    """Return the texts of a file; None where there is none.

    Files of earlier versions have no seal and do not say what they are about: they are read as
    they are.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not path.is_file():
        return None
    try:
        content = path.read_bytes()
        whole = is_whole(content)
        if whole is False:
            raise ValueError("it is not what was written")
        table = pq.read_table(pa.BufferReader(content), page_checksum_verification=True)
        stated = (table.schema.metadata or {}).get(_ABOUT_KEY)
        if stated is not None and not whole:
            raise ValueError("its seal is gone")
        if stated not in (None, about):
            raise ValueError(f"it is the file of {stated.decode(errors='replace')}")
        columns: dict[str, list[Any]] = table.to_pydict()
        return dict(zip(columns["doc_id"], columns["text"], strict=True))
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise StoreError(
            f"{path} is damaged ({first}). The same `mlbench run` command writes it again"
        ) from error


def _about(family: str, tag: str, digest: str) -> bytes:
    return f"{family} in {tag}, docs {digest[:16]}".encode()


def _path(run: Path, family: str, tag: str, digest: str) -> Path:
    return run / FOLDER / folder_name(family) / f"{tag}-{digest[:16]}.texts"


def _former_path(path: Path) -> Path:
    """Return where runs of earlier versions have the same file."""
    return path.with_suffix(".parquet")


def _where_it_is(path: Path) -> Path:
    former = _former_path(path)
    return former if former.is_file() and not path.is_file() else path


def _render(prepared: Prepared) -> dict[str, str]:
    prompt = prepared.family.prompt
    return {
        doc.doc_id: doc.text
        if isinstance(doc, TextDoc)
        else (prompt(doc).context if prompt else doc.query)
        for doc in prepared.docs.scored
    }
