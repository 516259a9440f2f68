"""A stand-in for the parts of CuPy that the gpu backend uses, on the emulator; `CupyDevice` runs on it unchanged."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter
from types import ModuleType, SimpleNamespace
from typing import Any, Self

import numpy as np

from emulator.device import emulate, kernels


class Stream:
    """Runs its work only when it is synchronized, so that early reads, or early reuse of memory, give wrong results."""

    current: Stream | None = None

    def __init__(self, *, non_blocking: bool) -> None:
        assert Device.current is not None
        self.device = Device.current
        self.non_blocking = non_blocking
        self._work: list[Callable[[], object]] = []

    def __enter__(self) -> Self:
        Stream.current = self
        return self

    def __exit__(self, *_: object) -> None:
        Stream.current = None

    def enqueue(self, action: Callable[[], object]) -> None:
        self._work.append(action)

    def synchronize(self) -> None:
        for action in self._work:
            action()
        self._work.clear()


class Device:
    """One of the devices; outside of its context none is current, so that what belongs into one shows."""

    current: int | None = None
    compute_capability = "90"

    def __init__(self, number: int = 0) -> None:
        self.id = number

    def __enter__(self) -> Self:
        Device.current = self.id
        return self

    def __exit__(self, *_: object) -> None:
        Device.current = None


class PinnedMemory:
    """Memory that is overwritten when it is freed."""

    def __init__(self, size: int) -> None:
        self._bytes = (ctypes.c_char * size)()
        self.ptr = ctypes.addressof(self._bytes)

    def __del__(self) -> None:
        ctypes.memset(self.ptr, 0x5A, len(self._bytes))


class MemoryPointer:
    def __init__(self, bytes_: Any, device: int | None, offset: int = 0) -> None:
        self._bytes = bytes_
        self._device = device
        self._offset = offset

    @property
    def ptr(self) -> int:
        return int(self._bytes.ctypes.data) + self._offset

    def __add__(self, offset: int) -> MemoryPointer:
        return MemoryPointer(self._bytes, self._device, self._offset + offset)

    def _move(self, target: int, source: int, size: int, stream: Stream) -> None:
        assert Device.current == self._device == stream.device
        stream.enqueue(lambda: ctypes.memmove(target, source, size))

    def copy_from_host_async(self, mem: int, size: int, stream: Stream) -> None:
        self._move(self.ptr, mem, size, stream)

    def copy_to_host_async(self, mem: int, size: int, stream: Stream) -> None:
        self._move(mem, self.ptr, size, stream)

    def copy_from_device_async(self, src: MemoryPointer, size: int, stream: Stream) -> None:
        self._move(self.ptr, src.ptr, size, stream)

    def memset_async(self, value: int, size: int, stream: Stream) -> None:
        assert Device.current == self._device == stream.device
        pointer = self.ptr
        stream.enqueue(lambda: ctypes.memset(pointer, value, size))


class MemoryPool:
    """Never reuses memory; the real pool reuses it only for work of the same stream."""

    def __init__(self) -> None:
        self._given: list[Any] = []

    def malloc(self, size: int) -> MemoryPointer:
        assert Stream.current is not None
        assert Device.current == Stream.current.device
        self._given.append(np.full(size, 0xA5, np.uint8))
        return MemoryPointer(self._given[-1], Device.current)

    def used_bytes(self) -> int:
        return sum(given.nbytes for given in self._given)

    def free_all_blocks(self) -> None:
        assert Device.current is not None


class Event:
    def record(self, stream: Stream) -> None:
        stream.enqueue(lambda: setattr(self, "moment", perf_counter()))


class Function:
    def __init__(self, kernel: RawKernel) -> None:
        assert Device.current is not None, "a kernel is compiled for the device that is current"
        self._device = Device.current
        self._kernel = kernel

    def __call__(
        self,
        grid: tuple[int, int, int],
        block: tuple[int, int, int],
        args: tuple[Any, ...],
        shared_mem: int,
        stream: Stream,
    ) -> None:
        assert Device.current == self._device == stream.device
        assert all(isinstance(arg, np.ndarray) and arg.size == 1 for arg in args), (
            "only arrays of one item are passed by value"
        )
        assert all(arg.dtype.fields is None for arg in args), "describing fields takes longer than the launch"
        assert shared_mem <= self._kernel.max_dynamic_shared_size_bytes
        name, passed = self._kernel.name, [arg.copy() for arg in args]
        stream.enqueue(lambda: emulate(kernels(), name, grid[0], passed, threads=block[0], shared=shared_mem))


class RawKernel:
    shared_size_bytes = 80

    def __init__(self, name: str) -> None:
        self.name = name
        self.max_dynamic_shared_size_bytes = 48 << 10
        self.kernel = Function(self)


class RawModule:
    def __init__(self, *, code: str, options: Sequence[str], backend: str) -> None:
        assert backend == "nvrtc"
        assert any(option.startswith("-I") and (Path(option[2:]) / "types.cuh").exists() for option in options)
        self._code = code

    def get_function(self, name: str) -> RawKernel:
        if f"{name}(" not in self._code:
            raise CompileException(f"no {name}")
        return RawKernel(name)


class CUDARuntimeError(RuntimeError): ...


class CompileException(Exception): ...  # noqa: N818 - the name in CuPy


def module(
    *, devices: int = 1, capability: str = "90", failure: str | None = None, compiler: str | None = None
) -> ModuleType:
    """Return a module to put in place of ``cupy``, with so many devices, or one where CUDA fails."""

    def count() -> int:
        if failure:
            raise CUDARuntimeError(failure)
        return devices

    def version() -> tuple[int, int]:
        if compiler:
            raise RuntimeError(compiler)
        return 12, 9

    properties = {
        "multiProcessorCount": 132,
        "totalGlobalMem": 80 << 30,
        "sharedMemPerBlockOptin": 227 << 10,
        "major": 9,
        "minor": 0,
    }
    runtime = SimpleNamespace(
        CUDARuntimeError=CUDARuntimeError,
        getDeviceCount=count,
        getDeviceProperties=lambda number: properties | {"name": f"Fake H100 {number or ''}".strip().encode()},
        driverGetVersion=lambda: 13000,
        runtimeGetVersion=lambda: 12090,
    )
    fake: Any = ModuleType("cupy")
    fake.__version__ = "14.2.0"
    fake.RawModule = RawModule
    fake.cuda = SimpleNamespace(
        runtime=runtime,
        Device=type("Device", (Device,), {"compute_capability": capability}),
        alloc_pinned_memory=PinnedMemory,
        compiler=SimpleNamespace(CompileException=CompileException),
        nvrtc=SimpleNamespace(getVersion=version),
        Stream=Stream,
        MemoryPool=MemoryPool,
        Event=Event,
        get_elapsed_time=lambda begin, end: 1000 * (end.moment - begin.moment),
    )
    return fake
