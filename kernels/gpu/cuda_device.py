"""A CUDA device through CuPy.  The only module that imports it."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy.typing as npt

from brainsim.kernels.errors import BackendUnavailableError
from brainsim.kernels.gpu.arrays import Array
from brainsim.kernels.gpu.device import Description, Device
from brainsim.kernels.gpu.layout import THREADS
from brainsim.kernels.gpu.source import ARCHITECTURES, KERNELS, MORE_SHARED, OPTIONS, UNITS, source_of

_OLDEST = min(ARCHITECTURES)
_LARGE = 1 << 20


_asked = False
_lost = False


def _note_fork() -> None:
    """CUDA does not work in a process that was forked after it was asked for devices."""
    global _lost
    _lost = _asked


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_note_fork)


@cache
def why_not() -> str | None:
    """Return why there is no device to run on, or ``None`` if there is one."""
    global _asked
    try:
        import cupy
    except ImportError as error:
        return f"CuPy cannot be imported ({error}); pip install brainsim[cuda12] or brainsim[cuda13]"
    _asked = True
    try:
        count = cupy.cuda.runtime.getDeviceCount()
    except cupy.cuda.runtime.CUDARuntimeError as error:
        return f"CUDA finds no device ({error}); is there an NVIDIA GPU with a driver for CUDA 12 or newer?"
    if not count:
        return "CUDA finds no device"
    capability = int(cupy.cuda.Device().compute_capability)
    if capability < _OLDEST:
        return f"the GPU has compute capability {capability / 10}; {_OLDEST / 10} is the oldest that is supported"
    try:
        cupy.cuda.nvrtc.getVersion()
    except RuntimeError as error:
        return f"CuPy finds no compiler ({error}); pip install brainsim[cuda12] or brainsim[cuda13] brings one"
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
    """A CUDA device; all work goes to one stream, in order.

    Parameters
    ----------
    place : int, optional
        Of this process among those that share the machine: they take its devices in turn.  By default the device is
        the one that is current.
    """

    def __init__(self, place: int | None = None) -> None:
        import cupy

        if _lost:
            raise BackendUnavailableError(
                "gpu: this process was forked from one that had looked for a GPU, after which CUDA does not work; "
                "start it by multiprocessing.get_context('spawn')"
            )
        self._cupy = cupy
        runtime = cupy.cuda.runtime
        self._gpu = cupy.cuda.Device() if place is None else cupy.cuda.Device(place % runtime.getDeviceCount())
        with self._gpu:
            self._begin()

    def _begin(self) -> None:
        """Make a stream and compile the kernels, on the device, which is current."""
        cupy = self._cupy
        properties = cupy.cuda.runtime.getDeviceProperties(self._gpu.id)
        self.description = Description(
            properties["name"].decode(),
            properties["multiProcessorCount"],
            properties["totalGlobalMem"],
            properties["sharedMemPerBlockOptin"],
        )
        self._stream = cupy.cuda.Stream(non_blocking=True)
        # Apart, since a small piece cut from a large block would keep it from being given back.
        self._small, self._large = cupy.cuda.MemoryPool(), cupy.cuda.MemoryPool()
        self._sent: list[Any] = []
        modules = {unit: cupy.RawModule(code=source_of(unit), options=OPTIONS, backend="nvrtc") for unit in UNITS}
        try:
            self._kernels = {name: self._function(modules[kernel.unit], name) for name, kernel in KERNELS.items()}
        except cupy.cuda.compiler.CompileException as error:
            raise BackendUnavailableError(f"the CUDA kernels do not compile here: {error}") from error

    def _function(self, module: Any, name: str) -> Any:
        """Compile a kernel, and return the function to launch: it takes a stream, which a `cupy.RawKernel` looks up."""
        kernel = module.get_function(name)
        if name in MORE_SHARED:
            kernel.max_dynamic_shared_size_bytes = self.description.shared - kernel.shared_size_bytes
        return kernel.kernel

    @property
    def held(self) -> int:
        with self._gpu:
            return int(self._small.used_bytes() + self._large.used_bytes())

    def trim(self) -> None:
        with self._gpu:
            self._large.free_all_blocks()

    def _launch(self, kernel: str, blocks: int, shared: int, arguments: Sequence[npt.NDArray[Any]]) -> None:
        with self._gpu:  # CuPy passes NumPy arrays of size one by value, as many bytes as the kernel's parameter has
            self._kernels[kernel]((blocks, 1, 1), (THREADS, 1, 1), arguments, shared, self._stream)

    def _allocate(self, size: int) -> tuple[int, Any]:
        with self._gpu, self._stream:  # what is freed may be given out again at once, since all work is in one order
            memory = (self._large if size >= _LARGE else self._small).malloc(size)
        return memory.ptr, memory

    def _write(self, array: Array, offset: int, values: npt.NDArray[Any]) -> None:
        # Page-locked, or the host would wait; and kept until the copy has been made.
        with self._gpu:
            pinned = self._cupy.cuda.alloc_pinned_memory(values.nbytes)
            ctypes.memmove(pinned.ptr, values.ctypes.data, values.nbytes)
            self._sent.append(pinned)
            (array.memory + offset).copy_from_host_async(pinned.ptr, values.nbytes, self._stream)

    def _read(self, array: Array, offset: int, values: npt.NDArray[Any]) -> None:
        with self._gpu:
            (array.memory + offset).copy_to_host_async(values.ctypes.data, values.nbytes, self._stream)
            self._stream.synchronize()
        self._sent.clear()

    def copy(self, target: Array, source: Array) -> None:
        with self._gpu:
            there, here = target.memory + target.offset, source.memory + source.offset
            there.copy_from_device_async(here, source.nbytes, self._stream)

    def clear(self, array: Array) -> None:
        with self._gpu:
            (array.memory + array.offset).memset_async(0, array.nbytes, self._stream)

    def mark(self) -> Any:
        with self._gpu:
            event = self._cupy.cuda.Event()
            event.record(self._stream)
        return event

    def seconds(self, begin: Any, end: Any) -> float:
        with self._gpu:
            return float(self._cupy.cuda.get_elapsed_time(begin, end)) / 1000

    def close(self) -> None:
        try:
            self._stream.synchronize()
        finally:
            self._kernels.clear()
            self._sent.clear()
            with self._gpu:
                self._small.free_all_blocks()
                self._large.free_all_blocks()
