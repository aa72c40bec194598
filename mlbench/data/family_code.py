"""Whose code makes the docs of a family, when did it change, and what if it breaks?

A family of somebody's own is a function of theirs. Its faults are told in one line with the place
in their file, while a fault of a family of this package keeps its traceback.
"""

import hashlib
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import is_dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from mlbench.errors import DataError

PACKAGE = Path(__file__).parent.parent
# What code raises at data or arguments that it did not expect.
FAULTS = (ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError)


def digest_maker(make: Callable[..., Any]) -> str:
    """Digest what makes docs: the file of a function, its code in a notebook, a record's fields."""
    if is_dataclass(make):
        return repr(make)
    code = getattr(make, "__code__", None)
    if code is None:  # such as a partial: never the same twice, so nothing is found in a cache
        return repr(make)
    path = Path(code.co_filename)
    if path.is_file():
        return _digest_file(path, path.stat().st_mtime_ns)
    return hashlib.sha256(code.co_code + repr(code.co_consts).encode()).hexdigest()


@contextmanager
def told_in_one_line(make: Callable[..., Any], where: str) -> Iterator[None]:
    """Turn what breaks in somebody's own function into a DataError with file and line."""
    file = getattr(getattr(make, "__code__", None), "co_filename", "")
    if not file or PACKAGE in Path(file).parents:
        yield
        return
    try:
        yield
    except FAULTS as error:
        raise DataError(f"{where}: {describe_fault(error, file)}") from error


def describe_fault(error: BaseException, file: str) -> str:
    """Return what broke, and at which line of a file.

    >>> describe_fault(KeyError("x"), "mine.py")
    "KeyError: 'x'"
    """
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == file]
    place = f"{Path(file).name}:{frames[-1].lineno}: " if frames else ""
    first = next(iter(str(error).strip().splitlines()), "")
    return f"{place}{type(error).__name__}: {first}".removesuffix(": ")


@lru_cache(maxsize=64)
def _digest_file(path: Path, _mtime_ns: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
