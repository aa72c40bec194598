"""How does a command end? With an exit code that a script can rely on, and never in a stack trace.

0 all done; 1 some cells failed, or --strict and not all planned cells are done; 2 the command or a
file is wrong; 70 a fault of mlbench, whose traceback is in a file; 128 + signal where it was
stopped: 130 by Ctrl-C, 143 by SIGTERM, 129 by SIGHUP.
"""

import contextlib
import errno
import io
import logging
import os
import platform
import re
import shlex
import signal
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from types import FrameType
from typing import Any

from mlbench import __version__
from mlbench.errors import BackendError, MlbenchError, Stopped
from mlbench.redaction import redact

FAULT = 70
"""EX_SOFTWARE of sysexits.h: nobody else's exit codes are near it."""

LONGEST = 300
"""Characters of what an unforeseen error says; the file has all of it."""

SIGNALS = {"SIGINT": "Ctrl-C", "SIGTERM": "SIGTERM", "SIGHUP": "SIGHUP"}
_READER_IS_GONE = (errno.EPIPE, errno.EIO)  # a pipe that `head` closed; a terminal that hung up

logger = logging.getLogger("mlbench")


def run_to_the_end(command: Callable[[], object]) -> int:
    """Run a command, say in one line what stopped it, and return the exit code of the process."""
    _outlive_readers()
    with _watched_signals():
        code = _run(command)
        return _run(sys.stdout.flush) or code


def _run(command: Callable[[], object]) -> int:
    try:
        command()
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else int(bool(stop.code))
    except Stopped as stop:
        name = signal.Signals(stop.signum).name
        return _say(f"stopped by {SIGNALS.get(name, name)}", 128 + stop.signum)
    except KeyboardInterrupt:
        return _say("stopped by Ctrl-C", 128 + signal.SIGINT)
    except MlbenchError as error:
        _show_traceback()
        kept = f" (traceback in {_keep_traceback()})" if isinstance(error, BackendError) else ""
        return _say(f"{error}{kept}", error.exit_code)
    except _OutputError as error:
        _forget(sys.stdout)
        return _say(f"cannot write the output: {error.strerror}", 2)
    except OSError as error:
        _show_traceback()
        where = f"cannot read or write {str(error.filename)!r}: " if error.filename else ""
        return _say(f"{where}{error.strerror or error}", 2)
    except Exception as error:
        _show_traceback()
        first = str(error).strip().partition("\n")[0][:LONGEST]
        what = ": ".join(filter(None, (type(error).__name__, first)))
        return _say(
            f"this is a fault of mlbench, not yours: {_hide_secrets(what)}. Finished cells are "
            f"kept. Please report it with the file {_keep_traceback()}",
            FAULT,
        )
    return 0


def _say(message: str, code: int) -> int:
    """Print a message to stderr as one line, where somebody can read it."""
    line = re.sub(r"\s*[\r\n]+\s*", " ", message.strip())
    with contextlib.suppress(OSError):  # nobody is there to read it
        print(f"mlbench: {line}", file=sys.stderr, flush=True)
    return code


def _show_traceback() -> None:
    if logger.isEnabledFor(logging.INFO):  # -v
        sys.stderr.write(_hide_secrets(traceback.format_exc()))


def _keep_traceback() -> Path | str:
    """Write what is being handled to a file of the cache, and return where it is."""
    # Imported late: it brings the CLDR, and most commands end well.
    from mlbench.data.sources import find_cache

    text = _hide_secrets(
        f"mlbench {__version__}, Python {platform.python_version()}, {platform.platform()}\n"
        f"{shlex.join(sys.argv)}\n\n{traceback.format_exc()}"
    )
    name = f"{datetime.now():%Y-%m-%dT%H-%M-%S}-{os.getpid()}.txt"
    for find in (find_cache, lambda: Path(tempfile.gettempdir()) / "mlbench"):
        with contextlib.suppress(OSError, MlbenchError):  # then the next place is tried
            path = find() / "faults" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", errors="backslashreplace")
            return path.absolute()
    return "nowhere: neither the cache nor the temporary folder can be written; see it with -v"


def _hide_secrets(text: str) -> str:
    """Return a text without keys and passwords that stand in the command's arguments."""
    for argument in sys.argv[1:]:
        for arguments in (argument, argument.partition(":")[2], argument.partition("=")[2]):
            text = redact(text, arguments)
    return text


@contextlib.contextmanager
def _watched_signals() -> Iterator[None]:
    """Let a signal end a command in an orderly way, and a second one at once.

    What whoever started the command said to ignore (nohup) stays ignored.
    """
    seen: list[int] = []

    def stop(signum: int, frame: FrameType | None) -> None:
        if seen:
            os._exit(128 + signum)  # each file is whole or absent, so nothing is lost
        seen.append(signum)
        raise Stopped(signum)

    before: dict[int, Any] = {}
    if threading.current_thread() is threading.main_thread():
        known = [getattr(signal, name) for name in SIGNALS if hasattr(signal, name)]
        before = {number: signal.getsignal(number) for number in known}
        for number, handler in before.items():
            if handler not in (signal.SIG_IGN, None):
                signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            if handler is not None:
                signal.signal(number, handler)


class _OutputError(OSError):
    """What a command prints cannot be written: a full disk, behind a redirection."""


class _Tolerant(io.FileIO):
    """A stream whose reader may go away: the command goes on and is no failure for that."""

    def write(self, data: Any, /) -> int:
        """Write, or forget all that follows once nobody reads it."""
        try:
            return super().write(data) or 0
        except OSError as error:
            if error.errno not in _READER_IS_GONE:
                raise _OutputError(error.errno, error.strerror) from error
            _forget(self)
            return len(data)


def _forget(stream: Any) -> None:
    """Send what is still written to a stream to nowhere."""
    with contextlib.suppress(OSError, ValueError):  # the output is closed already
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def _outlive_readers() -> None:
    """Make stdout and stderr tolerant, also of characters that the terminal's encoding lacks."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None or stream is not getattr(sys, f"__{name}__"):
            continue  # closed, or somebody's own (a test's)
        stream.flush()
        raw = _Tolerant(stream.fileno(), "w", closefd=False)
        made = io.TextIOWrapper(
            io.BufferedWriter(raw),
            encoding=stream.encoding,
            errors="backslashreplace",
            line_buffering=name == "stderr" or stream.isatty(),
        )
        setattr(sys, name, made)
