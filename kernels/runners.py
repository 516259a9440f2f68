"""Choice of what runs the share of a rank."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from brainsim.kernels.backend import Backend
from brainsim.kernels.host_runner import HostRunner
from brainsim.kernels.phase_backend import PhaseBackend
from brainsim.kernels.program import Options, Program
from brainsim.kernels.share_runner import ShareRunner
from brainsim.kernels.shares import Range

MakeRunner = Callable[[Program, list[Range], Options], ShareRunner]
"""Makes what runs a share, from the whole brain and the ranges of a rank."""


def runner_of(backend: type[Backend], place: int = 0) -> MakeRunner:
    """Return what makes the runners of shares on a backend.

    Parameters
    ----------
    backend : type of Backend
        Runs the shares.
    place : int
        Of a rank among those on its machine: ranks take its devices in turn.
    """
    if issubclass(backend, PhaseBackend):
        return partial(HostRunner, backend)
    from brainsim.kernels.gpu.backend import GpuBackend
    from brainsim.kernels.gpu.share_runner import GpuRunner

    assert issubclass(backend, GpuBackend), f"nothing runs a share of a brain on {backend.name}"
    return partial(GpuRunner, backend, place)
