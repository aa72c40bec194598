"""What did each doc ask? Kept once a family and language in the run, for whoever reads the items.

runs/<run>/.docs/<family>/<tag>-<digest>.parquet holds doc ids and texts. The digest is that of the
docs in the signature of a cell, so that a cell never meets the texts of other data. A run can thus
be read on a machine that has neither the data set nor a connection.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlbench import store
from mlbench.data.prepare import Prepared
from mlbench.errors import StoreError
from mlbench.names import folder_name
from mlbench.records import ChoiceDoc

FOLDER = ".docs"
"""Begins with a dot, which no folder of a model does."""


def keep_texts(run: Path, prepared: Prepared) -> None:
    """Write the texts of a family in a language, unless the run holds them.

    Raises StoreError if they cannot be written.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = _path(run, prepared.family.name, prepared.language.tag, prepared.sha256)
    if path.is_file():
        return
    texts = _render(prepared)
    table = pa.table({"doc_id": list(texts), "text": list(texts.values())})
    store.write(path, lambda file: pq.write_table(table, file, compression="zstd"))


def read_texts(run: Path, result: store.CellResult) -> Mapping[str, str]:
    """Return the text of each doc of a cell by its id; empty where the run does not hold them.

    A text is the question as it was put, without examples before it; of a text family it is the
    text itself. Raises StoreError for a damaged file.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    digest = str(result.signature.get("data_sha256") or "")
    path = _path(run, result.cell.family, result.cell.language, digest)
    if not digest or not path.is_file():
        return {}
    try:
        columns: dict[str, list[Any]] = pq.read_table(path).to_pydict()
        return dict(zip(columns["doc_id"], columns["text"], strict=True))
    except (pa.ArrowException, OSError, KeyError) as error:
        raise StoreError(
            f"{path} is damaged. Delete it; the same `mlbench run` command writes it again"
        ) from error


def _path(run: Path, family: str, tag: str, digest: str) -> Path:
    return run / FOLDER / folder_name(family) / f"{tag}-{digest[:16]}.parquet"


def _render(prepared: Prepared) -> dict[str, str]:
    prompt = prepared.family.prompt
    return {
        doc.doc_id: (prompt(doc).context if prompt else doc.query)
        if isinstance(doc, ChoiceDoc)
        else doc.text
        for doc in prepared.docs.scored
    }
