"""What does a run hold? Its cells, their samples and texts, and its manifest: one owner."""

from mlbench.store.cells import (
    CellResult,
    FailedCell,
    cell_path,
    fill_cell,
    find_finished,
    forget_failure,
    get,
    put,
    put_failed,
)
from mlbench.store.folder import (
    LOCK,
    MANIFEST,
    RUNS,
    find_run,
    lock_run,
    refuse_vanished,
    run_name,
    write,
    write_bytes,
    write_out,
    write_together,
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
    "fill_cell",
    "find_finished",
    "find_run",
    "forget_failure",
    "get",
    "lock_run",
    "put",
    "put_failed",
    "refuse_vanished",
    "run_name",
    "write",
    "write_bytes",
    "write_out",
    "write_together",
]
