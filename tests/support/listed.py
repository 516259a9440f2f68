"""The backends that share tests, and a function that skips a test on a backend without the needed parts."""

from __future__ import annotations

from typing import Any

import pytest

from brainsim.kernels.backend import Backend
from brainsim.kernels.cpu.backend import CpuBackend
from brainsim.kernels.errors import BackendUnavailableError
from brainsim.kernels.gpu.backend import GpuBackend
from brainsim.kernels.program import Options, Program, check_parts
from brainsim.kernels.reference import ReferenceBackend
from dense import DenseBackend
from devices import NEEDS_GPU
from driving import Driven
from emulator.device import EmulatedBackend

BUILT_IN = [ReferenceBackend, CpuBackend, EmulatedBackend, pytest.param(GpuBackend, marks=NEEDS_GPU)]
BACKENDS: list[Any] = [*BUILT_IN, DenseBackend]

OPTIONS = [
    Options(threads=1),
    Options(threads=2),
    Options(threads=4, tile=4096),
    Options(threads=2, tile=65_536, cache_mb=0),
    Options(threads=1, cache_mb=0.02),
]


def started(backend_class: type[Backend], program: Program, options: Options | None = None) -> Driven:
    """Return a running backend; skip the test on one that refuses a part of the program."""
    try:
        check_parts(program, backend_class.name, backend_class.parts)
    except BackendUnavailableError as refusal:
        pytest.skip(str(refusal))
    return Driven(backend_class(program, options or Options()))
