"""What may a name be that somebody typed or a file brought? A place on this machine, or refused.

Every path and every name of a run that mlbench is given goes through here once, before any work.
"""

import hashlib
import re
import shlex
from pathlib import Path

from mlbench.errors import SelectionError

MAX_BYTES = 255
"""Of one part of a path, in every common file system."""

SHORT_BYTES = 200
"""Of a folder's name that mlbench makes: it stands in names of files, which have endings."""

_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters, those that turn the direction of a line, and bytes that are no UTF-8."""

_REMOTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")
"""A scheme as s3:// has it, also where a Path has made one slash of the two; C:/ is none."""


def local_path(text: str | Path, what: str) -> Path:
    """Return a path that somebody gave for `what`, such as --out or MLBENCH_CACHE.

    Raises SelectionError for a place on another machine, and for what no file system takes.

    >>> local_path("s3://bucket/run", "--out")
    Traceback (most recent call last):
    mlbench.errors.SelectionError: --out 's3://bucket/run' is not on this machine: ...
    """
    given = str(text)
    refuse_remote(given, what)
    if not given.strip():
        raise SelectionError(f"{what} is empty. Give a name or a path")
    if _UNSEEN.search(given):
        raise SelectionError(
            f"{what} {given!a} has a character that cannot be printed. Leave it out"
        )
    for part in Path(given).parts:
        if len(part.encode()) > MAX_BYTES:
            n_bytes = len(part.encode())
            shown = f"{part[:40]}..."
            raise SelectionError(
                f"{what} {shown!r} has {n_bytes} bytes, and a name may have {MAX_BYTES}. Shorten it"
            )
    return Path(given)


def refuse_remote(given: str, what: str) -> None:
    """Raise SelectionError for a place on another machine, such as s3://bucket/run."""
    if _REMOTE.match(given):
        raise SelectionError(
            f"{what} {given!r} is not on this machine: mlbench reads and writes local files only. "
            f"Give a local path, and copy what it holds yourself"
        )


def fault_of_name(name: str) -> str:
    """Return what keeps a name from being one part of a path and of a printed line; "" if nothing.

    >>> fault_of_name("my exam"), fault_of_name("../up")
    ('', "is no name; '/', '\\\\' and '.' in front are not allowed")
    """
    if _UNSEEN.search(name):
        return "has a character that cannot be printed"
    if re.search(r"[/\\]", name) or name[:1] in (".", ""):
        return "is no name; '/', '\\' and '.' in front are not allowed"
    return ""


def folder_name(name: str) -> str:
    """Return a name as a folder takes it: as it is, or where that cannot be, short with a digest.

    >>> folder_name("sib200_topic"), folder_name("../up")
    ('sib200_topic', '-up-3f8ed2b3')
    """
    if not fault_of_name(name) and len(name.encode()) <= SHORT_BYTES:
        return name
    safe = re.sub(r"[^\w.-]", "-", name)[:40].strip(".")
    return f"{safe}-{hashlib.sha256(name.encode(errors='surrogatepass')).hexdigest()[:8]}"


def typed(folder: Path, home: Path) -> str:
    """Return what names a folder on a command line: its name under `home`, else its path."""
    if folder.parent == home:
        return shlex.quote(folder.name)
    path = str(folder)
    return shlex.quote(path if "/" in path or "\\" in path else f"./{path}")
