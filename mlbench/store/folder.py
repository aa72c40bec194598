"""Where is a run, who may write to it, and how? One command at a time, each file whole."""

import contextlib
import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from filelock import FileLock, Timeout

from mlbench import files
from mlbench.data.sources import find_cache
from mlbench.errors import SelectionError, StoreError
from mlbench.files import Fill
from mlbench.names import local_path, typed

RUNS = Path("runs")
MANIFEST = "run.json"
BACKUP = "run.json.bak"
LOCK = ".lock"
PACK = "packed.parquet"
"""In the folder of a family: the cells of a model in one file (packs.py)."""
WAIT_SECONDS = 600
"""For another report or export to the same folder: the longest seen took two minutes."""


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
        return folder
    known = sorted(p.parent.name for p in RUNS.glob(f"*/{MANIFEST}"))
    here = Path(run) / MANIFEST
    beside = f"{here} is a path: type ./{run}. " if here.is_file() else ""
    if holds_results(folder):
        beside = f"Its cells are: type mlbench repair {run}. "
    raise StoreError(
        f"no run {str(run)!r} ({folder / MANIFEST} is not there). {beside}"
        f"Runs here: {', '.join(known) or 'none'}. "
        f"Make one: mlbench run --run {run_name(folder)}"
    )


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


def holds_results(folder: Path) -> bool:
    """Return whether a folder holds cells or a manifest's backup."""
    patterns = ("[!.]*/*/*/*.parquet", f"[!.]*/*/{PACK}")
    return (folder / BACKUP).is_file() or any(any(folder.glob(each)) for each in patterns)


@contextlib.contextmanager
def lock_run(folder: Path) -> Iterator[Callable[[], None]]:
    """Keep a second command from writing to the same run at the same time.

    Gives a function that raises StoreError once the folder has gone or is another one. Who holds
    the lock writes alone, so what a killed command left half written goes here.
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
        files.sweep(folder.rglob(f"*{files.PART}"))
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


def write(path: Path, fill: Fill) -> None:
    """Write a file of a run whole or not at all; `fill` is given the open file.

    Raises StoreError, also for a folder that cannot be made.
    """
    with _as_store_error(path):
        files.write(path, fill)


def write_together(folder: Path, contents: Mapping[Path, Fill]) -> None:
    """Write several files of a run: all of them, or where that fails none."""
    with _as_store_error(folder):
        files.write_all(contents)


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file of this content as `write` does."""
    write(path, lambda file: file.write(content))


def remove(path: Path) -> None:
    """Delete a file of a run, if it is there. Raises StoreError."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(f"cannot delete {path}: {error.strerror or error}") from error


def write_out(folder: Path, contents: Mapping[Path, Fill], gone: Sequence[Path] = ()) -> None:
    """Write what a command makes of a run: all files or none; `gone` are those of one before it.

    Commands that write to one folder wait for each other. Raises StoreError, and then what was in
    the folder is as it was.
    """
    named = next(iter(contents)) if len(contents) == 1 else folder
    with _as_store_error(named), _lock_out(folder):
        ours = {*contents, *gone}
        for parent in {path.parent for path in ours}:
            files.sweep(p for p in parent.glob(f"*{files.PART}") if _written(p) in ours)
        files.write_all(contents, gone)


def _written(temporary: Path) -> Path:
    """Return the place of a temporary file, which has two more suffixes."""
    return temporary.with_suffix("").with_suffix("")


@contextlib.contextmanager
def _lock_out(folder: Path) -> Iterator[None]:
    """Wait for others who write there. The lock is not in the folder, which people mail as it is.

    Where the cache cannot be written there is none: each file is whole even then.
    """
    name = hashlib.sha256(str(folder.resolve()).encode(errors="replace")).hexdigest()[:16]
    lock = FileLock(find_cache() / "locks" / name)
    with contextlib.ExitStack() as held:
        try:
            Path(lock.lock_file).parent.mkdir(parents=True, exist_ok=True)
            held.enter_context(lock.acquire(timeout=WAIT_SECONDS))
        except Timeout as error:
            raise StoreError(
                f"another mlbench is writing to {folder}. Wait for it, or choose another --out"
            ) from error
        except OSError:
            pass  # no cache to lock in: each file is whole even then
        yield


@contextlib.contextmanager
def _as_store_error(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"cannot write {path}: {error.strerror or error}. Finished cells are kept; make room "
            f"or choose another folder, then repeat the command"
        ) from error
