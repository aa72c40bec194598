"""What does torch leave unused of a CPU?

A faster product on some processors, and pages that glibc gives away too early. The figures are in
docs/benchmarks.md; neither changes a score by more than float32 rounding.
"""

import contextlib
import ctypes
import functools
import platform
from collections.abc import Iterator
from pathlib import Path

import torch
from torch.nn import functional

# With fewer rows a product waits for its weights, and oneDNN's set-up is seen.
FEWEST_ROWS = 32
DENSE = (torch.Tensor, torch.nn.Parameter)
# Numbers of mallopt(3), and a size that no activation reaches.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
KEPT_BYTES = 2**30


@contextlib.contextmanager
def fastest_linear(device: torch.device) -> Iterator[None]:
    """Let torch.nn.functional.linear, and so torch.nn.Linear, take the faster product inside.

    torch multiplies float32 matrices with MKL, which uses AVX-512 on Intel's processors only.
    oneDNN, in the same torch, uses it on any, and adds in float32 too. With AVX2 MKL
    was the faster one, on AMD's too.
    """
    if device.type != "cpu" or not prefers_onednn():
        yield
        return
    stock = functional.linear

    def linear(
        input: torch.Tensor,  # torch's own name, which callers may use
        weight: torch.Tensor,
        bias: torch.Tensor | None = None,
    ) -> torch.Tensor:
        if not _is_plain(input, weight, bias):
            return stock(input, weight, bias)
        product: torch.Tensor = torch.ops.mkldnn._linear_pointwise(
            input, weight, bias, "none", [], ""
        )
        return product

    functional.linear = linear
    try:
        yield
    finally:
        functional.linear = stock


@functools.cache
def prefers_onednn() -> bool:
    """Return whether this is a processor with AVX-512 that MKL does not use, by another maker.

    By the maker and not by a stop-watch, so that a machine gives the same scores to the last bit.
    """
    has_operator = hasattr(torch.ops.mkldnn, "_linear_pointwise")
    is_wide = torch.backends.cpu.get_cpu_capability() == "AVX512"
    return has_operator and is_wide and "GenuineIntel" not in processor()


def processor() -> str:
    """Describe the processor with its maker, as Linux or else Python names it."""
    try:
        return Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:  # not Linux
        return platform.processor()


def keep_freed_memory() -> None:
    """Have glibc reuse large blocks instead of giving them back to the system after each layer.

    Each would come back as new pages, which the system fills with zeros one by one. Other
    allocators have no such switch, and are left alone.
    """
    _call_glibc("mallopt", M_MMAP_THRESHOLD, KEPT_BYTES)
    _call_glibc("mallopt", M_TRIM_THRESHOLD, KEPT_BYTES)


def give_back_freed_memory() -> None:
    """Have glibc give the system all that is free, such as the weights of a model that is gone."""
    _call_glibc("malloc_trim", 0)


def _call_glibc(name: str, *arguments: int) -> None:
    try:
        function = getattr(ctypes.CDLL(None), name)
    except (AttributeError, OSError, TypeError):
        return  # no glibc: musl, macOS, Windows
    function(*arguments)


def _is_plain(states: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> bool:
    """Accept dense float32 only: what quantises or shards a weight brings a product of its own."""
    if type(states) is not torch.Tensor or type(weight) not in DENSE:
        return False
    parts = [part for part in (states, weight, bias) if part is not None]
    return (
        all(part.dtype == torch.float32 and part.device.type == "cpu" for part in parts)
        and weight.layout == torch.strided
        and weight.is_contiguous()
        and states.numel() >= FEWEST_ROWS * weight.shape[-1]
        and not torch.is_grad_enabled()
    )
