"""A stand-in for the few parts of CuPy that the gpu backend uses, over the emulator: `CupyDevice` runs on it as it is."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from types import ModuleType, SimpleNamespace
from typing import Any, Self

import numpy as np

from emulator.device import emulate, kernels


class Stream:
    current: Stream | None = None

    def __init__(self, *, non_blocking: bool) -> None:
        self.non_blocking = non_blocking

    def __enter__(self) -> Self:
        Stream.current = self
        return self

    def __exit__(self, *_: object) -> None:
        Stream.current = None

    def synchronize(self) -> None: ...


class MemoryPointer:
    def __init__(self, bytes_: Any, offset: int = 0) -> None:
        self._bytes = bytes_
        self._offset = offset

    @property
    def ptr(self) -> int:
        return int(self._bytes.ctypes.data) + self._offset

    def __add__(self, offset: int) -> MemoryPointer:
        return MemoryPointer(self._bytes, self._offset + offset)

    def _move(self, target: int, source: int, size: int, stream: Stream) -> None:
        assert isinstance(stream, Stream)
        ctypes.memmove(target, source, size)

    def copy_from_host_async(self, mem: int, size: int, stream: Stream) -> None:
        self._move(self.ptr, mem, size, stream)

    def copy_to_host_async(self, mem: int, size: int, stream: Stream) -> None:
        self._move(mem, self.ptr, size, stream)

    def copy_from_device_async(self, src: MemoryPointer, size: int, stream: Stream) -> None:
        self._move(self.ptr, src.ptr, size, stream)

    def memset_async(self, value: int, size: int, stream: Stream) -> None:
        assert isinstance(stream, Stream)
        ctypes.memset(self.ptr, value, size)


class MemoryPool:
    def malloc(self, size: int) -> MemoryPointer:
        assert Stream.current is not None
        return MemoryPointer(np.full(size, 0xA5, np.uint8))

    def free_all_blocks(self) -> None: ...


class Event:
    def record(self, stream: Stream) -> None:
        assert isinstance(stream, Stream)
        self.moment = perf_counter()


class RawKernel:
    def __init__(self, name: str) -> None:
        self._name = name

    def __call__(self, grid: tuple[int], block: tuple[int], args: tuple[np.generic, ...], *, shared_mem: int) -> None:
        assert Stream.current is not None
        emulate(kernels(), self._name, *grid, args, threads=block[0], shared=shared_mem)


class RawModule:
    def __init__(self, *, code: str, options: Sequence[str], backend: str) -> None:
        assert backend == "nvrtc"
        assert any(option.startswith("-I") and (Path(option[2:]) / "types.cuh").exists() for option in options)
        self._code = code

    def get_function(self, name: str) -> RawKernel:
        assert f"{name}(" in self._code
        return RawKernel(name)


class CUDARuntimeError(RuntimeError): ...


def module(*, devices: int = 1, capability: str = "90", failure: str | None = None) -> ModuleType:
    """Return a module to put in place of ``cupy``, with so many devices, or one where CUDA fails."""

    def count() -> int:
        if failure:
            raise CUDARuntimeError(failure)
        return devices

    properties = {"name": b"Fake H100", "multiProcessorCount": 132, "totalGlobalMem": 80 << 30, "major": 9, "minor": 0}
    runtime = SimpleNamespace(
        CUDARuntimeError=CUDARuntimeError,
        getDeviceCount=count,
        getDeviceProperties=lambda number: properties,
        driverGetVersion=lambda: 13000,
        runtimeGetVersion=lambda: 12090,
    )
    fake: Any = ModuleType("cupy")
    fake.__version__ = "14.2.0"
    fake.RawModule = RawModule
    fake.cuda = SimpleNamespace(
        runtime=runtime,
        Device=lambda: SimpleNamespace(id=0, compute_capability=capability),
        Stream=Stream,
        MemoryPool=MemoryPool,
        Event=Event,
        get_elapsed_time=lambda begin, end: 1000 * (end.moment - begin.moment),
    )
    return fake
