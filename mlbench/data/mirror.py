"""Which files of a mirror hold one language, and are they whole?

A mirror is a folder laid out as a data set's hub repository. People copy the languages that they
need, clone without Git LFS, and edit files by hand; `datasets` reads all of that wrongly or stops
at a language that nobody asked for. So the files of one are looked at before it reads them.
"""

import csv
import os
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from mlbench.errors import DataError, NoData

_LFS_HEAD = b"version https://git-lfs.github.com/spec/"
_LONGEST_POINTER = 1024
_SEPARATORS = {".tsv": "\t", ".csv": ","}
_README = "README.md"


class _File(NamedTuple):
    """A file of one configuration."""

    split: str
    path: Path
    separator: str | None


def is_lfs_pointer(path: Path) -> bool:
    """Return whether a file is what `git clone` without Git LFS leaves in a large file's place."""
    if not path.is_file() or path.stat().st_size > _LONGEST_POINTER:
        return False
    with path.open("rb") as file:
        return file.read(len(_LFS_HEAD)) == _LFS_HEAD


def lay_out(mirror: Path, code: str | None, folder: Path, *, is_by_letter: bool = True) -> Path:
    """Return a folder with one configuration of a mirror, made of links to its files.

    `datasets` looks for the files of every configuration that README.md names, so one language that
    is not there would keep all others from being read. Unless `is_by_letter`, tables are not read
    as strict CSV first. Raises NoData where the mirror lacks the configuration or a file of it,
    DataError for a file that is not what it should be.
    """
    header = _read_header(mirror / _README)
    configs = header.get("configs")
    if not isinstance(configs, list) or code is None:
        return mirror
    chosen = [c for c in configs if isinstance(c, Mapping) and c.get("config_name") == code]
    if not chosen:
        raise NoData(f"{mirror / _README} names no configuration {code!r}")
    for file in _files_of(mirror, chosen[0]):
        _check_file(mirror, code, file if is_by_letter else file._replace(separator=None))
    for path in mirror.iterdir():
        if path.name != _README:
            (folder / path.name).symlink_to(path)
    text = yaml.safe_dump({**header, "configs": chosen}, allow_unicode=True)
    (folder / _README).write_text(f"---\n{text}---\n", encoding="utf-8")
    return folder


def _read_header(path: Path) -> Mapping[str, Any]:
    """Return the head of a README, read once: it names every language of a mirror."""
    try:
        state = path.stat()
    except OSError:
        return {}
    return _header_of(path, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=8)
def _header_of(path: Path, changed: int, size: int) -> Mapping[str, Any]:
    try:
        _, text, *_ = path.read_text(encoding="utf-8").split("---\n", 2)
        header = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (OSError, ValueError, yaml.YAMLError):
        return {}
    return header if isinstance(header, Mapping) else {}


def _files_of(mirror: Path, config: Mapping[str, Any]) -> Iterator[_File]:
    """Yield the files that a configuration names one by one; patterns are left to `datasets`."""
    given = config.get("data_files")
    for entry in given if isinstance(given, list) else ():
        named = entry.get("path") if isinstance(entry, Mapping) else None
        for name in [named] if isinstance(named, str) else named or ():
            if isinstance(name, str) and not any(sign in name for sign in "*?["):
                default = _SEPARATORS.get(os.path.splitext(name)[1])
                separator = config.get("sep", default) if default else None
                yield _File(str(entry.get("split")), mirror / name, separator)


def _check_file(mirror: Path, code: str, file: _File) -> None:
    path = file.path
    if not path.is_file():
        raise NoData(f"the mirror {mirror} has no {path.relative_to(mirror)}")
    if is_lfs_pointer(path):
        size = path.stat().st_size
        raise DataError(f"{path} is a Git LFS pointer ({size} bytes): git lfs pull")
    if file.separator:
        try:
            _check_table(file, f"{code}, split {file.split}", file.separator)
        except UnicodeDecodeError as error:
            raise DataError(f"{path} is not in UTF-8: {error}") from error
        except OSError as error:
            raise DataError(f"cannot read {path}: {error.strerror}") from error


def _check_table(file: _File, where: str, separator: str) -> None:
    """Raise DataError for quotes that do not close, and for rows with other fields than the header.

    Read as CSV by the letter: what `datasets` would mend in silence is refused.
    """
    with file.path.open(encoding="utf-8-sig", newline="") as content:
        reader = csv.reader(content, delimiter=separator, strict=True)
        names, row = next(reader, []), 0
        line = reader.line_num
        try:
            for row, fields in enumerate(reader, start=1):
                first, line = line + 1, reader.line_num
                place = f"{where}, row {row} ({file.path}:{first})"
                if any("\n" in field or separator in field for field in fields):
                    raise DataError(
                        f"{place}: a field holds a line break or the separator; quotes in the file "
                        f"are not balanced"
                    )
                if fields and len(fields) != len(names):
                    raise DataError(f"{place}: {len(fields)} fields, the header has {len(names)}")
        except csv.Error as error:
            raise DataError(
                f"{where}, row {row + 1} ({file.path}:{line + 1}): {error}; quotes in the file are "
                f"not balanced"
            ) from error
