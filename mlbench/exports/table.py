"""A run as one long table: one line per doc with the primary metric of its family.

Its columns are those that `mlbench import csv` reads, so that a table gives the same verdict again.
In CSV a text that a spreadsheet would run is guarded (spreadsheet.py); the import takes that away.
"""

import csv
import io
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING, Any

from mlbench.judge.chance import pooled_chance
from mlbench.measures import TextSample, measure_of
from mlbench.records import Cell
from mlbench.spreadsheet import guarded
from mlbench.store.read import Run
from mlbench.store.samples import scores_of

if TYPE_CHECKING:
    import pyarrow as pa

COLUMNS = (
    "model",
    "family",
    "language",
    "shots",
    "doc_id",
    "cluster_id",
    "metric",
    "score",
    "chance",
    "is_parallel",
    "loglikelihood",
    "n_bytes",
    "n_tokens",
)


def table_rows(run: Run) -> Iterator[list[dict[str, Any]]]:
    """Yield the lines of each finished cell, one per doc; what is unknown is None.

    A table has no targets, so its chance is the one that scores are adjusted by (judge/chance.py).
    """
    cells: dict[tuple[str, int], list[Cell]] = {}
    for cell in run.done:
        cells.setdefault((cell.family, cell.shots), []).append(cell)
    chance = {
        key: pooled_chance((run.done[c].samples for c in mine), run.families[key[0]]["chance"])
        for key, mine in cells.items()
    }
    for cell in run.done:
        yield list(_cell_rows(run, cell, chance[cell.family, cell.shots]))


def _cell_rows(run: Run, cell: Cell, chance: float | None) -> Iterator[dict[str, Any]]:
    facts, samples = run.families[cell.family], run.done[cell].samples
    metric = facts["metrics"][0]
    has_docs = measure_of(metric).has_doc_scores
    scores = scores_of(samples, metric).tolist() if has_docs else [None] * len(samples)
    for sample, score in zip(samples, scores, strict=True):
        text = sample if isinstance(sample, TextSample) else None
        yield {
            **cell._asdict(),
            "doc_id": sample.doc_id,
            "cluster_id": sample.cluster_id,
            "metric": metric,
            "score": score,
            "chance": chance,
            "is_parallel": facts["is_parallel"],
            "loglikelihood": text and text.loglikelihood,
            "n_bytes": text and text.n_bytes,
            "n_tokens": text and text.n_tokens,
        }


def fill_csv(file: IO[bytes], run: Run) -> None:
    """Write the table as CSV; what is unknown is an empty field."""
    for number, rows in enumerate(table_rows(run)):
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
        if not number:
            writer.writeheader()
        for row in rows:
            line = {**row, "is_parallel": str(row["is_parallel"]).lower()}
            writer.writerow({name: _field(value) for name, value in line.items()})
        file.write(text.getvalue().encode("utf-8"))


def _field(value: object) -> object:
    return guarded(value) if isinstance(value, str) else value


def docs_table(run: Run) -> "pa.Table":
    """Return the table in memory."""
    import pyarrow as pa

    schema = _schema()
    tables = [pa.Table.from_pylist(rows, schema) for rows in table_rows(run)]
    return pa.concat_tables(tables) if tables else schema.empty_table()


def fill_parquet(file: IO[bytes], run: Run) -> None:
    """Write the table as Parquet; what is unknown is null."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = _schema()
    with pq.ParquetWriter(file, schema) as writer:
        for rows in table_rows(run):
            writer.write_table(pa.Table.from_pylist(rows, schema))


def _schema() -> "pa.Schema":
    import pyarrow as pa

    types = {"shots": pa.int32(), "n_bytes": pa.int32(), "n_tokens": pa.int32()}
    types |= {name: pa.float64() for name in ("score", "chance", "loglikelihood")}
    types |= {"is_parallel": pa.bool_()}
    return pa.schema([(name, types.get(name, pa.string())) for name in COLUMNS])
