"""How do the scores of a run get into other programs? As a long table, or as lm-eval's own files.

Only finished cells are written; a cell that failed or is missing has no scores.
"""

from pathlib import Path
from typing import Literal

from mlbench import store
from mlbench.errors import SelectionError
from mlbench.exports.lm_eval import lm_eval_files
from mlbench.exports.table import fill_csv, fill_parquet
from mlbench.store.read import Run

Format = Literal["csv", "parquet", "lm-eval"]


def export_run(found: Run, kind: Format, out: Path | None = None) -> str:
    """Write the finished cells of a run in a format; return a line about what was written.

    Raises SelectionError if there are none, or if the place cannot be used.
    """
    if not found.done:
        raise SelectionError(
            f"{found.name} has no finished cell. See: mlbench list cells {found.typed}"
        )
    folder = Path("exports") / found.name
    if kind == "lm-eval":
        place = out or folder / "lm-eval"
        if place.is_file():
            raise SelectionError(f"--out {str(place)!r} is a file; name a folder")
        store.write_out(place, lm_eval_files(found, place))
    else:
        place = out or folder / f"scores.{kind}"
        if place.is_dir():
            raise SelectionError(f"--out {str(place)!r} is a folder; name a file in it")
        fill = fill_csv if kind == "csv" else fill_parquet
        store.write_out(place.parent, {place: lambda file: fill(file, found)})
    n_docs = sum(len(result.samples) for result in found.done.values())
    rest = "" if found.is_complete else f"; of {found.counts_line}"
    return f"{place}: {len(found.done)} cells, {n_docs:,} docs{rest}"
