"""How does a file come to be on disk whole, and how is it known to be what was written?

What is kept is written beside its place under a name that no other writer has, brought to the disk
and renamed, so that it is whole or absent, after a kill and after a power cut. A sealed file holds
the digest of all its other bytes: one that changed since is found, whatever byte it was.
"""

import errno
import hashlib
import os
import secrets
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import IO

Fill = Callable[[IO[bytes]], object]
"""Writes the content of a file to where it is told."""

PART = ".part"
"""The end of a temporary name. One that is left over is of a command that was killed."""

_SEAL = b"mlbench-sha256:"
_DIGITS = 64
UNSEALED = (_SEAL + b"0" * _DIGITS).decode()
"""What stands in a file, after everything that others wrote, where `seal` puts its digest."""

# Of file systems that cannot bring a folder to the disk, and of Windows, which opens none.
_NO_FOLDERS = {errno.EINVAL, errno.ENOTSUP, errno.EACCES, errno.EPERM, errno.EISDIR, errno.EBADF}


def write(path: Path, fill: Fill) -> None:
    """Write a file, whole or not at all; its folder is made. Raises OSError."""
    write_all({path: fill})


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file of this content, whole or not at all. Raises OSError."""
    write(path, lambda file: file.write(content))


def write_all(files: Mapping[Path, Fill], gone: Iterable[Path] = ()) -> None:
    """Write several files and delete those `gone`: all, or where that fails nothing is changed.

    A kill between two renames leaves some of them new; each file is whole even then.
    Raises OSError.
    """
    ready: dict[Path, Path] = {}
    with ExitStack() as undo, ExitStack() as tidy:
        for path, fill in files.items():
            for made in _make_folder(path.parent):
                undo.callback(_remove_folder, made)
            ready[path] = temporary = _temporary(path)
            tidy.callback(_remove, temporary)
            with temporary.open("xb") as file:
                fill(file)
                file.flush()
                os.fsync(file.fileno())
        _place(ready, [path for path in gone if path not in files and path.is_file()])
        undo.pop_all()
    for folder in {path.parent for path in files}:
        sync_folder(folder)


def _place(ready: Mapping[Path, Path], gone: Sequence[Path]) -> None:
    """Rename each file over its place and delete others; where that fails, all are put back."""
    with ExitStack() as tidy, ExitStack() as undo:
        if len(ready) + len(gone) > 1:
            for path in (*ready, *gone):
                aside = _keep_aside(path)
                if aside is None:
                    undo.callback(_remove, path)
                else:
                    tidy.callback(_remove, aside)
                    undo.callback(os.replace, aside, path)
        for path, temporary in ready.items():
            os.replace(temporary, path)
        for path in gone:
            path.unlink()
        undo.pop_all()


def _keep_aside(path: Path) -> Path | None:
    """Give what stands at a place a second name; None where nothing does."""
    if not path.is_file():
        return None
    aside = _temporary(path)
    try:
        os.link(path, aside)
    except OSError:  # not every file system has second names
        shutil.copy2(path, aside)
    return aside


def _temporary(path: Path) -> Path:
    return path.with_name(f"{path.name}.{secrets.token_hex(4)}{PART}")


def _remove(path: Path) -> None:
    with suppress(OSError):  # what is left over is swept by the next that writes there
        path.unlink(missing_ok=True)


def _remove_folder(folder: Path) -> None:
    with suppress(OSError):  # it holds something that is not ours
        folder.rmdir()


def _make_folder(folder: Path) -> list[Path]:
    """Make a folder and those above it; return those that were not there, the outermost first."""
    missing = [f for f in (folder, *folder.parents) if not f.exists()][::-1]
    folder.mkdir(parents=True, exist_ok=True)
    for made in missing:
        sync_folder(made.parent)
    return missing


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk, so that a power cut takes no file away again."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError as error:
        if error.errno in _NO_FOLDERS:
            return
        raise
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NO_FOLDERS:
            raise
    finally:
        os.close(descriptor)


def sweep(paths: Iterable[Path]) -> None:
    """Delete the temporary files among some. The caller knows that nobody writes them now."""
    for path in paths:
        if path.name.endswith(PART) and path.is_file():
            _remove(path)


def seal(content: bytes) -> bytes:
    """Put the digest of a content into it, at the last place that waits for one."""
    start = content.rindex(UNSEALED.encode()) + len(_SEAL)
    digest = hashlib.sha256(content).hexdigest().encode()
    return content[:start] + digest + content[start + _DIGITS :]


def is_whole(content: bytes) -> bool | None:
    """Return whether a content is what was sealed; None for one that has no seal.

    >>> sealed = seal(f"text {UNSEALED}".encode())
    >>> is_whole(sealed), is_whole(sealed.replace(b"t", b"s")), is_whole(b"text")
    (True, False, None)
    """
    start = content.rfind(_SEAL) + len(_SEAL)
    if start < len(_SEAL):
        return None
    digest = hashlib.sha256(memoryview(content)[:start])
    digest.update(b"0" * _DIGITS)
    digest.update(memoryview(content)[start + _DIGITS :])
    return digest.hexdigest() == read_seal(content)


def read_seal(content: bytes) -> str:
    """Return the digest that stands in a content that was sealed, whole or not; else nothing."""
    _, seal, rest = content.rpartition(_SEAL)
    return rest[:_DIGITS].decode("ascii", errors="replace") if seal else ""
