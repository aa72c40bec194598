"""How much memory did a cell take at most? By the counter of the device that scored it.

CUDA: what torch had allocated. A CPU under Linux: the memory of the whole process (VmHWM of
proc(5), set back before the cell). Elsewhere it is unknown, and no number stands for it.
"""

import re
from pathlib import Path

import torch

_RESET, _STATUS = Path("/proc/self/clear_refs"), Path("/proc/self/status")
_RESET_PEAK = "5"


def restart_peak(device: str | None) -> bool:
    """Forget what was the most so far; return whether that can be done."""
    if device is not None and device.startswith("cuda"):
        torch.cuda.reset_peak_memory_stats(device)
        return True
    try:
        _RESET.write_text(_RESET_PEAK, encoding="ascii")
    except OSError:  # not Linux, or not allowed
        return False
    return device == "cpu"


def read_peak(device: str | None) -> int | None:
    """Return the bytes that were in use at most since then."""
    if device is not None and device.startswith("cuda"):
        return torch.cuda.max_memory_allocated(device)
    found = re.search(r"^VmHWM:\s+(\d+) kB$", _STATUS.read_text(encoding="ascii"), re.MULTILINE)
    return int(found[1]) * 1024 if found else None
