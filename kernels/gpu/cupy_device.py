"""A CUDA device through CuPy.  The only module that imports it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from brainsim.kernels.gpu.device import Array, Description, Device
from brainsim.kernels.gpu.layout import THREADS
from brainsim.kernels.gpu.source import ARCHITECTURES, OPTIONS, UNITS, signatures, source_of

_OLDEST = min(ARCHITECTURES)


@cache
def why_not() -> str | None:
    """Return why there is no device to run on, or ``None`` if there is one."""
    try:
        import cupy
    except ImportError as error:
        return f"CuPy cannot be imported ({error}); pip install brainsim[cuda12] or brainsim[cuda13]"
    try:
        count = cupy.cuda.runtime.getDeviceCount()
    except cupy.cuda.runtime.CUDARuntimeError as error:
        return f"CUDA finds no device ({error}); is there an NVIDIA GPU with a driver for CUDA 12 or newer?"
    if not count:
        return "CUDA finds no device"
    capability = int(cupy.cuda.Device().compute_capability)
    if capability < _OLDEST:
        return f"the GPU has compute capability {capability / 10}; {_OLDEST / 10} is the oldest that is supported"
    return None


def versions() -> dict[str, str]:
    """Return what CUDA software and device there is, as text; only where `why_not` returns ``None``."""
    import cupy

    runtime, properties = cupy.cuda.runtime, cupy.cuda.runtime.getDeviceProperties(cupy.cuda.Device().id)
    return {
        "device": properties["name"].decode(),
        "compute capability": f"{properties['major']}.{properties['minor']}",
        "memory": f"{properties['totalGlobalMem'] / 2**30:.1f} GiB",
        "driver": _dotted(runtime.driverGetVersion()),
        "cuda": _dotted(runtime.runtimeGetVersion()),
        "cupy": cupy.__version__,
    }


def _dotted(version: int) -> str:
    return f"{version // 1000}.{version % 1000 // 10}"


class CupyDevice(Device):
    """The current CUDA device; all work goes to one stream, in order."""

    def __init__(self) -> None:
        import cupy

        self._cupy = cupy
        self._stream = cupy.cuda.Stream(non_blocking=True)
        self._pool = cupy.cuda.MemoryPool()
        properties = cupy.cuda.runtime.getDeviceProperties(cupy.cuda.Device().id)
        self.description = Description(
            properties["name"].decode(), properties["multiProcessorCount"], properties["totalGlobalMem"]
        )
        modules = {unit: cupy.RawModule(code=source_of(unit), options=OPTIONS, backend="nvrtc") for unit in UNITS}
        self._kernels = {name: modules[found.unit].get_function(name) for name, found in signatures().items()}

    def _launch(self, kernel: str, blocks: int, shared: int, arguments: Sequence[np.generic]) -> None:
        with self._stream:
            self._kernels[kernel]((blocks,), (THREADS,), tuple(arguments), shared_mem=shared)

    def _allocate(self, size: int) -> tuple[int, Any]:
        with self._stream:  # what is freed may be given out again at once, since all work is in one order
            memory = self._pool.malloc(size)
        return memory.ptr, memory

    def _write(self, array: Array, offset: int, values: npt.NDArray[Any]) -> None:
        # From pageable memory: the driver has taken the values into its own before it returns.
        (array.memory + offset).copy_from_host_async(values.ctypes.data, values.nbytes, self._stream)

    def _read(self, array: Array, offset: int, values: npt.NDArray[Any]) -> None:
        (array.memory + offset).copy_to_host_async(values.ctypes.data, values.nbytes, self._stream)
        self._stream.synchronize()

    def copy(self, target: Array, source: Array) -> None:
        target.memory.copy_from_device_async(source.memory, source.nbytes, self._stream)

    def clear(self, array: Array) -> None:
        array.memory.memset_async(0, array.nbytes, self._stream)

    def mark(self) -> Any:
        event = self._cupy.cuda.Event()
        event.record(self._stream)
        return event

    def seconds(self, begin: Any, end: Any) -> float:
        return float(self._cupy.cuda.get_elapsed_time(begin, end)) / 1000

    def close(self) -> None:
        self._stream.synchronize()
        self._kernels.clear()
        self._pool.free_all_blocks()
