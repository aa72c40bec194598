"""Trackio: a project `mlbench` on this machine; `trackio show --project mlbench` draws it."""

import contextlib
import sys
from pathlib import Path

import trackio

from mlbench.loggers import Logged


class _Log:
    def __init__(self, folder: Path) -> None:
        with contextlib.redirect_stdout(sys.stderr):  # stdout may be read by a program
            trackio.init(project="mlbench", name=folder.name, resume="allow")

    def log(self, logged: Logged) -> None:
        """Send scores and progress."""
        own = {f"{logged.cell.model}/{name}": v for name, v in logged.named_scores().items()}
        trackio.log({**own, **{f"progress/{n}": v for n, v in logged.progress.items()}})

    def close(self) -> None:
        """End the run."""
        with contextlib.redirect_stdout(sys.stderr):
            trackio.finish()


open_log = _Log
