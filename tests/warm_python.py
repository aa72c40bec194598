"""A Python that has the libraries loaded, and forks a process for whoever asks.

torch and transformers take five seconds to import; a forked child is as much a process of its own
as a started one: it has its own signals, streams, folder, environment and exit code. mlbench is
not loaded here, so a child imports the one that its own PYTHONPATH names.

    python warm_python.py serve SOCKET         fork for those who connect, until stdin ends
    python warm_python.py call SOCKET WORDS    be `mlbench WORDS`, where a script types that
"""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, NoReturn

LIBRARIES = (
    "torch",
    "transformers.masking_utils",
    "transformers.modeling_utils",
    "datasets",
    "lm_eval.evaluator",
    "lm_eval.tasks",
    "lm_eval.models.huggingface",
    "matplotlib.backends.backend_agg",
    "matplotlib.backends.backend_pdf",
    "matplotlib.backends.backend_svg",
    "pyarrow.parquet",
    "typer",
)
MOST_BYTES = 1 << 17


def serve(place: str) -> None:
    """Fork a watcher for each that connects, until whoever started this is gone."""
    import gc
    import importlib
    import select

    for name in LIBRARIES:
        importlib.import_module(name)
    sys.path.remove(str(Path(__file__).parent))
    gc.freeze()
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(place)
    listener.listen()
    print("ready", flush=True)
    while sys.stdin not in select.select([listener, sys.stdin], [], [])[0]:
        connection, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            watch(connection)
        connection.close()
        with suppress(ChildProcessError):  # no watcher has ended yet
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


def watch(connection: socket.socket) -> NoReturn:
    """Fork what is asked for; tell its process id, and how it ended."""
    message, streams, _, _ = socket.recv_fds(connection, MOST_BYTES, 3)
    child = os.fork()
    if child == 0:
        connection.close()
        become(streams, **json.loads(message))
    for stream in streams:
        os.close(stream)
    connection.send(str(child).encode())
    _, status = os.waitpid(child, 0)
    with suppress(OSError):  # nobody waits for it
        connection.send(str(os.waitstatus_to_exitcode(status)).encode())
    os._exit(0)


def become(
    streams: list[int], words: list[str], code: str, state: dict[str, Any], ignored: list[int]
) -> NoReturn:
    """Run `code`, or mlbench where there is none, and end as an interpreter does."""
    import atexit
    import runpy
    import traceback

    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(state["folder"])
    os.environ.clear()
    os.environ.update(state["environment"])
    sys.path[:0] = [p for p in os.environ.get("PYTHONPATH", "").split(os.pathsep) if p]
    sys.stdin = sys.__stdin__ = open(0, closefd=False)
    sys.stdout = sys.__stdout__ = open(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = sys.__stderr__ = open(2, "w", 1, encoding="utf-8", closefd=False)
    # A shell that starts the tests in the background has them ignore Ctrl-C, nohup the hangup.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    for number in ignored:
        signal.signal(number, signal.SIG_IGN)
    sys.argv = ["mlbench", *words]
    ended: object = None
    try:
        if code:
            exec(code, {"__name__": "__main__"})
        else:
            runpy.run_module("mlbench", run_name="__main__", alter_sys=True)
        sys.stdout.flush()
    except SystemExit as stop:
        ended = stop.code
    except BaseException:  # an interpreter prints whatever ends it, and exits with 1
        traceback.print_exc()
        ended = 1
    atexit._run_exitfuncs()
    with suppress(OSError):  # whoever read the streams is gone
        sys.stderr.flush()
        sys.stdout.flush()
    os._exit(ended if isinstance(ended, int) else int(bool(ended)))


class Process:
    """A process that was forked, with what the tests need of subprocess.Popen."""

    def __init__(self, place: str, request: dict[str, Any], streams: Sequence[int]) -> None:
        self._connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._connection.connect(place)
        socket.send_fds(self._connection, [json.dumps(request).encode()], streams)
        self.pid = int(self._connection.recv(32))
        self._output: tuple[IO[str], ...] = ()

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit code; negative is the signal that ended it."""
        with self._connection:
            self._connection.settimeout(timeout)
            self.returncode = int(self._connection.recv(32))
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        self.wait(timeout)
        texts = []
        for file in self._output:
            with file:
                file.seek(0)
                texts.append(file.read())
        return texts[0], texts[1]


class WarmPython:
    """The Python that forks, for as long as the tests run."""

    def __init__(self, folder: Path) -> None:
        self.place = str(folder / "socket")
        command = [sys.executable, __file__, "serve", self.place]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._process.stdout and self._process.stdout.readline() == b"ready\n"

    def start(
        self, *words: str, code: str = "", stdout: int | None = None, ignored: Sequence[int] = ()
    ) -> Process:
        """Fork mlbench, or some code, with these words; its streams are kept, stdout at will."""
        out, err = (tempfile.TemporaryFile("w+", encoding="utf-8") for _ in range(2))
        with open(os.devnull) as nothing:
            streams = (nothing.fileno(), out.fileno() if stdout is None else stdout, err.fileno())
            process = Process(self.place, request(words, code, ignored), streams)
        process._output = (out, err)
        return process

    def run(self, *words: str, code: str = "") -> subprocess.CompletedProcess[str]:
        process = self.start(*words, code=code)
        out, err = process.communicate()
        return subprocess.CompletedProcess(words, process.returncode, out, err)

    def put_mlbench(self, folder: Path) -> None:
        """Write a program `mlbench` that is forked, for a script whose PATH names the folder."""
        program = folder / "mlbench"
        line = f'exec "{sys.executable}" -S -E "{__file__}" call "{self.place}" "$@"'
        program.write_text(f"#!/bin/sh\n{line}\n", encoding="utf-8")
        program.chmod(0o755)

    def end(self) -> None:
        self._process.communicate()


def request(words: Sequence[str], code: str = "", ignored: Sequence[int] = ()) -> dict[str, Any]:
    state = {"folder": os.getcwd(), "environment": dict(os.environ)}
    return {"words": list(words), "code": code, "state": state, "ignored": list(ignored)}


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(sys.argv[2])
    else:
        sys.exit(Process(sys.argv[2], request(sys.argv[3:]), (0, 1, 2)).wait())
