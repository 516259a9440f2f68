"""The CUDA C kernels: compiled by NVIDIA's compiler for every architecture."""

from __future__ import annotations

import pytest

import nvrtc
from brainsim.kernels.gpu.source import ARCHITECTURES, KERNELS, MORE_SHARED, UNITS
from brainsim.kernels.gpu.tables import STATIC_SHARED

needs_nvrtc = pytest.mark.skipif(not nvrtc.available(), reason="there is no wheel of NVRTC for this platform")


@needs_nvrtc
@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("unit", UNITS)
def test_kernels_compile_without_warnings_or_spilled_registers(unit: str, architecture: int) -> None:
    found, log = nvrtc.usage(unit, architecture)
    assert "warning" not in log, log
    assert {each.kernel for each in found} == {name for name, kernel in KERNELS.items() if kernel.unit == unit}
    assert all(each.spilled == each.stack == 0 for each in found), found
    assert all(each.registers <= 64 for each in found), found  # four blocks of 256 threads on a multiprocessor
    assert all(each.shared + (2 << 14) * (each.kernel == "project") <= 48 * 1024 for each in found), found
    assert all(each.shared <= STATIC_SHARED for each in found if each.kernel in MORE_SHARED), found


@needs_nvrtc
@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ("int unused = 3; a[0] = 1u;", "warning #177"),
        ("a[0] = nothing;", "undefined"),
        ("atomicAdd(&a[0], a);", "no instance of overloaded function"),
    ],
)
def test_warnings_and_errors_of_the_compiler_are_reported(body: str, complaint: str) -> None:
    text = f'#include "types.cuh"\nextern "C" __global__ void planted(u32* a) {{ {body} }}'
    assert complaint in nvrtc.compile_text(text, "planted", 90)[1]
