"""The CPU's faster product gives the same sums, and is used nowhere else."""

import platform

import pytest
import torch
from torch.nn import functional

from mlbench.engine import cpu

CPU = torch.device("cpu")
ROWS = cpu.FEWEST_ROWS
NEEDS_ONEDNN = pytest.mark.skipif(
    not hasattr(torch.ops.mkldnn, "_linear_pointwise"), reason="this torch was built without oneDNN"
)


@pytest.fixture
def onednn(monkeypatch):
    """Use oneDNN whatever the processor; return the shapes that it multiplied."""
    monkeypatch.setattr(cpu, "prefers_onednn", lambda: True)
    used = []
    is_plain = cpu._is_plain

    def watch(states, weight, bias):
        found = is_plain(states, weight, bias)
        if found:
            used.append((tuple(states.shape), tuple(weight.shape)))
        return found

    monkeypatch.setattr(cpu, "_is_plain", watch)
    return used


@NEEDS_ONEDNN
@pytest.mark.parametrize("has_bias", [True, False])
@pytest.mark.parametrize("shape", [(ROWS, 8), (3, ROWS, 96), (1, 500, 33)])
def test_the_product_is_that_of_torch(onednn, shape, has_bias):
    layer = torch.nn.Linear(shape[-1], 70, bias=has_bias)
    states = torch.randn(shape)
    with torch.inference_mode():
        expected = layer(states)
        with cpu.fastest_linear(CPU):
            found = layer(states)
    assert onednn == [(shape, (70, shape[-1]))]
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


@NEEDS_ONEDNN
@pytest.mark.parametrize(
    ("states", "weight"),
    [
        (torch.ones(ROWS - 1, 8), torch.ones(5, 8)),
        (torch.ones(ROWS, 8, dtype=torch.float64), torch.ones(5, 8, dtype=torch.float64)),
        (torch.ones(ROWS, 8, dtype=torch.bfloat16), torch.ones(5, 8, dtype=torch.bfloat16)),
        (torch.ones(ROWS, 8), torch.ones(8, 5).T),
        (torch.ones(0, 8), torch.ones(5, 8)),
    ],
    ids=["few rows", "float64", "bfloat16", "transposed", "no rows"],
)
def test_all_else_is_left_to_torch(onednn, states, weight):
    with torch.inference_mode(), cpu.fastest_linear(CPU):
        assert functional.linear(states, weight).shape == (len(states), 5)
    assert not onednn


@NEEDS_ONEDNN
def test_gradients_are_left_to_torch(onednn):
    weight = torch.ones(5, 8, requires_grad=True)
    with cpu.fastest_linear(CPU):
        functional.linear(torch.ones(ROWS, 8), weight).sum().backward()
    assert weight.grad is not None
    assert not onednn


def test_torch_has_its_own_product_back_after_an_error(onednn):
    stock = functional.linear
    with pytest.raises(ZeroDivisionError), cpu.fastest_linear(CPU):
        assert functional.linear is not stock
        _ = 1 / 0
    assert functional.linear is stock


def test_other_devices_keep_torchs_product(onednn):
    stock = functional.linear
    with cpu.fastest_linear(torch.device("meta")):
        assert functional.linear is stock


@NEEDS_ONEDNN
@pytest.mark.parametrize(
    ("processor", "capability", "expected"),
    [
        ("vendor_id\t: AuthenticAMD", "AVX512", True),
        ("vendor_id\t: GenuineIntel", "AVX512", False),
        ("Intel64 Family 6 Model 143 Stepping 8, GenuineIntel", "AVX512", False),
        ("vendor_id\t: AuthenticAMD", "AVX2", False),
    ],
)
def test_onednn_is_for_wide_processors_that_mkl_does_not_know(
    monkeypatch, processor, capability, expected
):
    monkeypatch.setattr(cpu, "processor", lambda: processor)
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
    cpu.prefers_onednn.cache_clear()
    try:
        assert cpu.prefers_onednn() is expected
    finally:
        cpu.prefers_onednn.cache_clear()


def test_a_system_without_glibc_is_left_alone(monkeypatch):
    asked = []

    class Musl:
        def __getattr__(self, name):
            asked.append(name)
            raise AttributeError(name)

    monkeypatch.setattr(cpu.ctypes, "CDLL", lambda name: Musl())
    cpu.keep_freed_memory()
    cpu.give_back_freed_memory()
    assert asked == ["mallopt", "mallopt", "malloc_trim"]


MEMORY = """
import torch
from psutil import Process
from mlbench.engine import cpu
cpu.keep_freed_memory()
def megabytes(): return Process().memory_info().rss / 2**20
held, above = [torch.ones(2**22) for _ in range(20)], torch.ones(1000)
print(megabytes())
del held
print(megabytes())
cpu.give_back_freed_memory()
print(megabytes())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has these switches")
def test_freed_memory_is_kept_until_it_is_given_back(warm):
    done = warm.run(code=MEMORY)
    assert done.returncode == 0, done.stderr
    held, freed, given_back = (float(line) for line in done.stdout.split())
    assert freed > held - 50
    assert given_back < held - 250
