"""Where do finished cells live, and can they be trusted? One Parquet file a cell.

runs/<run>/<model-slug>/<family>/<shots>/<tag>.parquet holds one row a doc; the signature, the
scores, counts and timing are in the file's metadata. A file is written beside its place and
renamed, so it is whole or absent. A failed cell is <tag>.failed.json. Missing, failed and zero stay
three states.
"""

import contextlib
import json
import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

from filelock import FileLock, Timeout

from mlbench.errors import NewerStoreError, SelectionError, StoreError
from mlbench.measures import Sample
from mlbench.names import folder_name, local_path, typed
from mlbench.records import Cell, Score
from mlbench.store.samples import STATISTICS, SampleColumns
from mlbench.store.signature import Signature, read_signature

RUNS = Path("runs")
MANIFEST = "run.json"
LOCK = ".lock"
_META_KEY = b"mlbench"


@dataclass(frozen=True, slots=True)
class CellResult:
    """A finished cell. `signature` says what was scored; `usage` what it took.

    usage: n_requests, n_tokens (context and continuation), n_truncated, seconds, device, mode (of
    the packed engine), model_bytes (weights in memory).
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


def find_run(run: str | Path, *, must_exist: bool = True) -> Path:
    """Return the folder of a run: a bare name is always under runs/, a path has a separator.

    Raises SelectionError for what cannot be a run's folder, StoreError if it must exist and does
    not.
    """
    place = local_path(run, "run name")
    # A Path is one, also where it lost the ./ that a person typed.
    folder = place if isinstance(run, Path) or _is_path(run) else RUNS / place
    if (folder / MANIFEST).is_file():
        return folder
    if not must_exist:
        _refuse_shared_folder(folder, str(run))
    else:
        known = sorted(p.parent.name for p in RUNS.glob(f"*/{MANIFEST}"))
        here = Path(run) / MANIFEST
        beside = f"{here} is a path: type ./{run}. " if here.is_file() else ""
        raise StoreError(
            f"no run {str(run)!r} ({folder / MANIFEST} is not there). {beside}"
            f"Runs here: {', '.join(known) or 'none'}. "
            f"Make one: mlbench run --run {typed(folder, RUNS)}"
        )
    return folder


def run_name(folder: Path) -> str:
    """Return what to type for a run: its name, or the path of one that is not under runs/."""
    return typed(folder, RUNS)


def _refuse_shared_folder(folder: Path, run: str) -> None:
    """Refuse a place that holds other things than a run: all runs, or the folder of the user."""
    here = Path.cwd()
    if folder.resolve() in (here, *here.parents, RUNS.resolve()):
        raise SelectionError(
            f"--run {run!r} is no folder for a run: it holds other things. Give a name, such as "
            f"--run bench, or a path of its own"
        )


def _is_path(run: str) -> bool:
    return run in (os.curdir, os.pardir) or any(s in run for s in (os.sep, os.altsep) if s)


def cell_path(folder: Path, slug: str, cell: Cell) -> Path:
    """Return where a cell's file is, or will be."""
    family = folder_name(cell.family)
    return folder / slug / family / str(cell.shots) / f"{cell.language}.parquet"


def put(path: Path, result: CellResult) -> None:
    """Write a finished cell, whole or not at all, and forget an earlier failure of it."""
    import pyarrow.parquet as pq

    meta = {
        "cell": result.cell._asdict(),
        "signature": dict(result.signature),
        "scores": {name: _null_nan(score) for name, score in result.scores.items()},
        "usage": result.usage,
    }
    table = _table_from_samples(result.samples)
    text = json.dumps(meta, sort_keys=True, ensure_ascii=False)
    table = table.replace_schema_metadata({_META_KEY: text.encode()})
    write(path, lambda file: pq.write_table(table, file, write_page_checksum=True))
    _failed_path(path).unlink(missing_ok=True)


def put_failed(path: Path, failed: FailedCell) -> None:
    """Record that a cell broke, with its traceback; it hides an older result of the cell."""
    content = {**failed._asdict(), "signature": dict(failed.signature)}
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, indent=1) + "\n"
    write(_failed_path(path), lambda file: Path(file).write_text(text, encoding="utf-8"))


def get(path: Path) -> CellResult | FailedCell | None:
    """Return what is stored of a cell, None where nothing is.

    `put` removes the record of a failure, so one that is there is newer than a result beside it.
    Raises StoreError for a file that is damaged, NewerStoreError for one of a newer mlbench.
    """
    failed = _failed_path(path)
    if failed.is_file():
        return _read_failed(failed)
    return _read_result(path) if path.is_file() else None


def _read_failed(path: Path) -> FailedCell:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        signature = read_signature(content["signature"])
        return FailedCell(
            Cell(*content["cell"]), content["reason"], content["traceback"], signature
        )
    except NewerStoreError as error:
        raise NewerStoreError(f"{path}: {error}") from error
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise StoreError(f"{path} is damaged: {error}. Delete it and run again") from error


def _failed_path(path: Path) -> Path:
    return path.with_suffix(".failed.json")


def _read_result(path: Path) -> CellResult:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        # One small file in one thread: pq.read_table takes five times as long to set out.
        content = pa.BufferReader(path.read_bytes())
        with pq.ParquetFile(content, page_checksum_verification=True) as file:
            table = file.read(use_threads=False)
        meta = json.loads(table.schema.metadata[_META_KEY])
        scores = {name: Score(**_restore_nan(score)) for name, score in meta["scores"].items()}
        cell = Cell(**meta["cell"])
        samples = SampleColumns(table.replace_schema_metadata())
        signature = read_signature(meta["signature"])
        return CellResult(cell, signature, scores, meta["usage"], samples)
    except NewerStoreError as error:
        raise NewerStoreError(f"{path}: {error}") from error
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise StoreError(
            f"{path} is damaged ({first}). The same `mlbench run` command runs it again"
        ) from error


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
    row = asdict(sample)
    stored = row.pop("statistics", {})
    return row | {f"{STATISTICS}{name}": list(numbers) for name, numbers in stored.items()}


def _column(pa: Any, name: str, values: list[Any]) -> Any:
    types = {
        "target": pa.int32(),
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


@contextlib.contextmanager
def lock_run(folder: Path) -> Iterator[Callable[[], None]]:
    """Keep a second command from writing to the same run at the same time.

    Gives a function that raises StoreError once the folder has gone or is another one.
    """
    lock = FileLock(folder / LOCK)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout as error:
        raise StoreError(
            f"another mlbench is writing to {folder}. Wait for it, or choose another --run"
        ) from error
    except OSError as error:
        raise StoreError(f"cannot write to run folder {folder}: {error.strerror}") from error
    ours = _identity(folder / LOCK)

    def refuse_another() -> None:
        if _identity(folder / LOCK) != ours:
            raise _vanished(folder)

    try:
        yield refuse_another
    finally:
        lock.release()


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_dev, stat.st_ino


def refuse_vanished(folder: Path) -> None:
    """Raise StoreError if a run's folder has gone, before a cell in it would bring back a part."""
    if not (folder / MANIFEST).is_file():
        raise _vanished(folder)


def _vanished(folder: Path) -> StoreError:
    return StoreError(
        f"the run folder {folder} was deleted, moved or replaced while this command wrote to it. "
        f"Put it back, or repeat the command to score its cells again"
    )


def write(path: Path, fill: Callable[[str], object]) -> None:
    """Write to a temporary file in the same folder, then rename it over the path.

    The temporary name is fixed, so what a killed run left behind is overwritten by the next.
    """
    temporary = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fill(str(temporary))
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise StoreError(
            f"cannot write {path}: {error.strerror or error}. Finished cells are kept; make room "
            f"or choose another folder, then repeat the command"
        ) from error
