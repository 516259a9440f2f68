"""A device for the gpu backend that runs its kernels on the CPU."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from threading import Lock
from time import perf_counter
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from brainsim.kernels.gpu.arrays import Array
from brainsim.kernels.gpu.backend import GpuBackend
from brainsim.kernels.gpu.device import Description, Device
from brainsim.kernels.gpu.layout import THREADS
from emulator.build import build, kernels_source

_one_at_a_time = Lock()  # ranks may be threads, and the emulator has one set of variables


class EmulatorError(AssertionError):
    """A kernel has behaviour that is undefined on a GPU."""


@cache
def kernels(*, sanitize: bool = False, races: bool = False) -> ctypes.CDLL:
    """Return the library of all kernels of the backend."""
    return load(build(kernels_source(), sanitize=sanitize, races=races))


def load(path: Path) -> ctypes.CDLL:
    """Return a library that `build` has made."""
    library = ctypes.CDLL(str(path))
    library.emulate.restype = ctypes.c_char_p
    library.emulate.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint, ctypes.c_uint, ctypes.c_size_t]
    library.emulate.argtypes += [ctypes.c_int, ctypes.c_int64]
    return library


def emulate(
    library: ctypes.CDLL,
    kernel: str,
    blocks: int,
    arguments: Sequence[npt.NDArray[Any]],
    *,
    threads: int = THREADS,
    shared: int = 0,
    poison: int = 0xA5,
    seed: int = -1,
) -> None:
    """Run a kernel on arguments of one item each; ``seed`` orders blocks, warps and lanes at random unless it is negative."""
    sizes = [argument.nbytes for argument in arguments]
    pointers = (ctypes.c_void_p * len(sizes))(*(argument.ctypes.data for argument in arguments))
    function = ctypes.cast(getattr(library, f"emulated_{kernel}"), ctypes.c_void_p)
    with _one_at_a_time:
        assert sizes == _sizes(library, kernel), f"{kernel}: arguments of other sizes than its parameters"
        failure = library.emulate(function, pointers, blocks, threads, shared, poison, seed)
    if failure is not None:
        raise EmulatorError(f"{kernel}: {failure.decode()}")


def _sizes(library: ctypes.CDLL, kernel: str) -> list[int]:
    """Return the sizes in bytes of the parameters of a compiled kernel."""
    sizes = (ctypes.c_size_t * 32)()
    return sizes[: getattr(library, f"emulated_sizes_{kernel}")(sizes)]


class EmulatedDevice(Device):
    """Runs each launch at once.  New memory is poisoned, so that reads of unwritten memory change results.

    Attributes
    ----------
    place : int or None
        Of the process that it was opened for.
    launches : list of str
        The kernels that were launched.
    reads, writes : int
        Copies from and to the device.
    before : dict of str to callable
        Functions that are called once, before the next launch of a kernel, or before the next ``"write"``.
    room : int
        Bytes that are free.
    closed : bool
        Whether the backend has closed it.
    """

    def __init__(
        self,
        place: int | None = None,
        *,
        multiprocessors: int = 1,
        memory: int = 1 << 32,
        poison: int = 0xA5,
        seed: int = -1,
        sanitize: bool = False,
        races: bool = False,
    ) -> None:
        self.place = place
        self.description = Description("emulated device", multiprocessors, memory, 227 << 10)
        self.launches: list[str] = []
        self.reads = self.writes = 0
        self.before: dict[str, Callable[[], None]] = {}
        self.closed = False
        self._library = kernels(sanitize=sanitize, races=races)
        self._poison = poison
        self._seed = seed
        self.room = memory

    def _launch(self, kernel: str, blocks: int, shared: int, arguments: Sequence[npt.NDArray[Any]]) -> None:
        assert blocks < 2**31, "CUDA's grids are no larger"
        self._happens(kernel)
        self.launches.append(kernel)
        seed = self._seed if self._seed < 0 else self._seed + len(self.launches)
        emulate(self._library, kernel, blocks, arguments, shared=shared, poison=self._poison, seed=seed)

    def _happens(self, event: str) -> None:
        self.before.pop(event, lambda: None)()

    def _allocate(self, size: int) -> tuple[int, Any]:
        if size > self.room:
            raise MemoryError
        self.room -= size
        memory = _Memory(size, self._poison, self.give_back)
        return memory.bytes.ctypes.data, memory

    def give_back(self, size: int) -> None:
        self.room += size

    def _write(self, array: Array, offset: int, values: npt.NDArray[Any]) -> None:
        self._happens("write")
        self.writes += 1
        array.memory.bytes[offset : offset + values.nbytes] = values.view(np.uint8)

    def _read(self, array: Array, offset: int, values: npt.NDArray[Any]) -> None:
        self.reads += 1
        values.view(np.uint8)[:] = array.memory.bytes[offset : offset + values.nbytes]

    @property
    def held(self) -> int:
        return self.description.memory - self.room

    def trim(self) -> None: ...

    def copy(self, target: Array, source: Array) -> None:
        bytes_of(target)[: source.nbytes] = bytes_of(source)

    def clear(self, array: Array) -> None:
        bytes_of(array)[:] = 0

    def mark(self) -> float:
        return perf_counter()

    def seconds(self, begin: float, end: float) -> float:
        return end - begin

    def close(self) -> None:
        self.closed = True


def bytes_of(array: Array) -> npt.NDArray[np.uint8]:
    """Return the bytes of an array, to be read or written."""
    return array.memory.bytes[array.offset : array.offset + array.nbytes]


class _Memory:
    """Poisoned bytes that report when they are freed."""

    def __init__(self, size: int, poison: int, give_back: Callable[[int], None]) -> None:
        self.bytes = np.full(size, poison, np.uint8)
        self._give_back = give_back

    def __del__(self) -> None:
        self._give_back(self.bytes.nbytes)


class EmulatedBackend(GpuBackend):
    """The gpu backend on an emulated device, blocks and threads in turn."""

    device: ClassVar[Callable[[int | None], Device]] = EmulatedDevice


def emulated(**options: Any) -> type[GpuBackend]:
    """Return the gpu backend on emulated devices of a certain kind."""
    return type(
        "EmulatedBackend", (GpuBackend,), {"device": staticmethod(lambda place: EmulatedDevice(place, **options))}
    )
