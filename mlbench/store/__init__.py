"""What does a run hold? Its cells, their samples and texts, and its manifest: one owner."""

from mlbench.store.cells import (
    LOCK,
    MANIFEST,
    RUNS,
    CellResult,
    FailedCell,
    cell_path,
    find_run,
    get,
    lock_run,
    put,
    put_failed,
    refuse_vanished,
    run_name,
    write,
)
from mlbench.store.signature import Signature

__all__ = [
    "LOCK",
    "MANIFEST",
    "RUNS",
    "CellResult",
    "FailedCell",
    "Signature",
    "cell_path",
    "find_run",
    "get",
    "lock_run",
    "put",
    "put_failed",
    "refuse_vanished",
    "run_name",
    "write",
]
