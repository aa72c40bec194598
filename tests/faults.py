"""A disk that fails: the n-th write, fsync, rename or link of this process does, at will.

What is wrapped is what Python itself calls (open, os.fsync, os.replace, os.rename, os.link), so no
writer is spared. A write that fails leaves half of what it was given.
"""

import builtins
import errno
import io
import os
from collections.abc import Callable
from contextlib import ExitStack, contextmanager
from unittest.mock import patch


class Faults:
    """Calls `at_step` before each step; `names` are the steps that were begun so far."""

    def __init__(self, at_step: Callable[[int, str], None]) -> None:
        self.names: list[str] = []
        self._at_step = at_step

    def step(self, name: str) -> None:
        self.names.append(name)
        self._at_step(len(self.names), name)


class _File:
    """An open file each write of which is a step."""

    def __init__(self, file, faults: Faults) -> None:
        self._file, self._faults = file, faults

    def write(self, content):
        try:
            self._faults.step("write")
        except OSError:
            self._file.write(content[: len(content) // 2])
            raise
        return self._file.write(content)

    def __getattr__(self, name):
        return getattr(self._file, name)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._file.close()


@contextmanager
def watched(at_step: Callable[[int, str], None]):
    """Make every step of this process call `at_step` with its number and name first."""
    faults, plain_open = Faults(at_step), io.open

    def open_watched(file, mode="r", *arguments, **options):
        opened = plain_open(file, mode, *arguments, **options)
        is_ours = not isinstance(file, int) and set(mode) & set("wxa+")
        return _File(opened, faults) if is_ours else opened

    def wrap(name):
        function = getattr(os, name)

        def watched_call(*arguments, **options):
            faults.step(name)
            # No test cuts the power, so what is brought to the disk for that is not waited for.
            return None if name == "fsync" else function(*arguments, **options)

        return patch.object(os, name, watched_call)

    with ExitStack() as stack:
        stack.enter_context(patch.object(io, "open", open_watched))
        stack.enter_context(patch.object(builtins, "open", open_watched))
        for name in ("fsync", "replace", "rename", "link"):
            stack.enter_context(wrap(name))
        yield faults


@contextmanager
def failing(number: int):
    """Make step `number`, from 1, fail as on a full disk."""

    def fail(n: int, name: str) -> None:
        if n == number:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with watched(fail) as faults:
        yield faults


def killed_at(number: int, work: Callable[[], object]) -> bool:
    """Do some work in a child that is gone at step `number`; return whether it came so far."""

    def kill(n: int, name: str) -> None:
        if n == number:
            os._exit(9)

    child = os.fork()
    if child == 0:
        try:
            with watched(kill):
                work()
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
