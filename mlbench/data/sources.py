"""Where do raw rows come from: the hub, a local mirror of it, the library babel, or a table?

One code path for hub and mirror: `datasets.load_dataset`. With MLBENCH_DATA=<dir> the data set
<org>/<name> is read from <dir>/<org>/<name>, laid out as its hub repository is. The library
`datasets` is imported only when rows are really read.
"""

import hashlib
import logging
import os
import re
import tempfile
import textwrap
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from mlbench import files
from mlbench.data import cldr, tables
from mlbench.data.mirror import is_lfs_pointer, lay_out
from mlbench.errors import DataError, NoData
from mlbench.names import local_path
from mlbench.records import (
    CldrSource,
    FileSource,
    HubSource,
    Language,
    Rows,
    Source,
    TaskSource,
)

__all__ = ["find_cache", "fingerprint", "is_lfs_pointer", "load_tables", "read_rows", "revision"]

logger = logging.getLogger(__name__)

DATA_VARIABLE = "MLBENCH_DATA"
CACHE_VARIABLE = "MLBENCH_CACHE"
_COMMIT = re.compile(r"[0-9a-f]{7,64}")
# `datasets` lists a hundred file extensions behind the name of a file that it misses.
LONGEST_REASON = 240


def find_cache() -> Path:
    """Return the folder for prepared docs: $MLBENCH_CACHE, else the user's cache folder."""
    chosen = os.environ.get(CACHE_VARIABLE)
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return local_path(chosen, CACHE_VARIABLE) if chosen else Path(base) / "mlbench"


def read_rows(source: Source, language: Language) -> Rows:
    """Return the raw rows of one language by split, and those of the language beside it.

    Raises NoData with the reason where the source does not cover the language, DataError where it
    should and cannot be read.
    """
    if isinstance(source, CldrSource):
        return cldr.read_rows(language)
    if isinstance(source, FileSource):
        return tables.read_tables(source, language)
    assert isinstance(source, HubSource), "harness.docs reads tasks of lm-eval"
    rows = _read_hub_rows(source, _dataset_code(source, language))
    if source.beside is None:
        return rows
    beside = _read_beside(source, state_of(source))
    return {**rows, **{f"{source.beside}/{split}": table for split, table in beside.items()}}


def fingerprint(source: Source, language: Language) -> str:
    """Return a text that changes whenever `read_rows` could return something else."""
    if isinstance(source, CldrSource):
        return f"babel-{cldr.babel_version()}-{language.codes.get(source.code_key)}"
    if isinstance(source, FileSource):
        return tables.fingerprint_of(source, language)
    assert isinstance(source, HubSource), "harness.docs reads tasks of lm-eval"
    code = _dataset_code(source, language)
    codes = code if source.beside is None else f"{code}-{source.beside}"
    return f"{source.hub_id}-{codes}-{state_of(source)}"


def state_of(source: HubSource) -> str:
    """Return a text that changes whenever a data set does."""
    mirror = _find_mirror(source)
    return _mirror_state(mirror) if mirror else revision(source)


@cache
def revision(source: Source) -> str:
    """Return the commit of a hub data set, `local` for files here, babel's version for CLDR."""
    if isinstance(source, CldrSource):
        return cldr.babel_version()
    assert not isinstance(source, TaskSource), "harness.docs reads tasks of lm-eval"
    if isinstance(source, FileSource) or _find_mirror(source):
        return "local"
    return _hub_commit(source)


def _dataset_code(source: HubSource, language: Language) -> str:
    code = language.code(source.code_key)
    if code is None:
        raise NoData(f"{source.hub_id} does not cover {language.name}")
    return code


def _find_mirror(source: HubSource) -> Path | None:
    """Return the data set's folder under $MLBENCH_DATA, None where the variable is not set."""
    root = os.environ.get(DATA_VARIABLE)
    if not root:
        return None
    folder = local_path(root, DATA_VARIABLE).expanduser() / source.hub_id
    if not folder.is_dir():
        raise DataError(
            f"{DATA_VARIABLE}={root!r} has no folder {source.hub_id}. Put a copy of the hub's "
            f"data set there, or unset {DATA_VARIABLE} to read the hub"
        )
    return folder.resolve()


@cache
def _mirror_state(folder: Path) -> str:
    """Digest names, sizes and times of a mirror's files: cheap, and changes when they change."""
    digest = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        stat = path.stat()
        line = f"{path.relative_to(folder)} {stat.st_size} {stat.st_mtime_ns}\n"
        digest.update(line.encode())
    return digest.hexdigest()[:16]


def _hub_commit(source: HubSource) -> str:
    """Ask the hub for the commit; offline, answer with the one last seen on this machine."""
    from huggingface_hub import HfApi

    seen = find_cache() / "revisions" / f"{source.hub_id.replace('/', '--')}@{source.revision}"
    try:
        api = HfApi()
        commit = api.dataset_info(source.hub_id, revision=source.revision, timeout=20).sha
    except hub_errors() as error:
        if known := _read_commit(seen):
            logger.warning("hub not reached; using %s as last seen", source.hub_id)
            return known
        raise DataError(_unreadable(source, error)) from error
    if not commit:
        raise DataError(f"the hub names no commit for {source.hub_id}@{source.revision}")
    with suppress(OSError):  # a cache that cannot be written costs time, never a run
        files.write_bytes(seen, commit.encode())
    return commit


def _read_commit(seen: Path) -> str | None:
    try:
        text = seen.read_bytes().decode("ascii", errors="replace")
    except OSError:
        return None
    return text if _COMMIT.fullmatch(text) else None


def hub_errors() -> tuple[type[Exception], ...]:
    """Return what the hub's library raises where the hub does not answer, or does not know a name.

    Errors of its HTTP library were OSErrors before version 1 and are not since.
    """
    from huggingface_hub import errors

    return (OSError, errors.HFValidationError, errors.HTTPError)  # type: ignore[attr-defined]  # untyped


def _read_hub_rows(source: HubSource, code: str) -> Rows:
    return {split: table.to_list() for split, table in load_tables(source, code).items()}


def load_tables(
    source: HubSource, code: str | None, *, is_by_letter: bool = True, **options: Any
) -> Mapping[str, Any]:
    """Return a configuration of a data set as `datasets` reads it: its tables by split.

    `is_by_letter` is for tables without line breaks in a field: quotes of a mirror's files that do
    not close are refused. `options` are those of load_dataset. Raises as read_rows does.
    """
    mirror = _find_mirror(source)
    # Imported late: `datasets` takes a second and is not needed where prepared docs are cached.
    import datasets

    datasets.disable_progress_bars()
    try:
        if not mirror:
            options["revision"] = revision(source)
            hub: Mapping[str, Any] = datasets.load_dataset(source.hub_id, code, **options)
            return hub
        # Of a folder whose files changed `datasets` returns the rows it cached before the change,
        # so a mirror gets a cache for this one call. The prepared docs are cached anyway.
        with tempfile.TemporaryDirectory() as once, tempfile.TemporaryDirectory() as folder:
            layout = lay_out(mirror, code, Path(folder), is_by_letter=is_by_letter)
            options |= {"cache_dir": once, "keep_in_memory": True}
            tables: Mapping[str, Any] = datasets.load_dataset(str(layout), code, **options)
            return tables
    except (*hub_errors(), ValueError, datasets.exceptions.DatasetsError) as error:
        raise DataError(_unreadable(source, error, code or "", mirror)) from error


@lru_cache(maxsize=1)
def _read_beside(source: HubSource, _state: str) -> Rows:
    """Return the rows that go with those of every language: read once, not once per language."""
    return _read_hub_rows(source, str(source.beside))


def _unreadable(
    source: HubSource, error: Exception, code: str = "", mirror: Path | None = None
) -> str:
    """Return one message: what could not be read, why, and the ways out."""
    what = f"{source.hub_id} {code}".strip()
    reasons = dict.fromkeys(_first_line(cause) for cause in _causes(error))
    reason = textwrap.shorten(": ".join(reasons), LONGEST_REASON, placeholder=" …")
    if mirror:
        return f"cannot read data set {what} from {mirror}: {reason}"
    return (
        f"cannot read data set {what}: {reason}. Check the connection and try: mlbench fetch; "
        f"or set {DATA_VARIABLE} to a folder that holds {source.hub_id}"
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what it was raised from: `datasets` tells the cause only there."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
