"""The seam between the backend and a device: arrays, launches and clocks.  Nothing else knows what the device is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from brainsim.kernels.errors import CapacityError, DeviceMemoryError
from brainsim.kernels.gpu.arrays import Array, Record
from brainsim.kernels.gpu.layout import I64
from brainsim.kernels.gpu.source import KERNELS

_MIB = 1 << 20
_ALIGNED = 16
_MOST_BLOCKS = 2**31 - 1
_CURE = "lower n, or k, or the number of plastic fibers"
_CURES = {
    "winners": "present fewer neurons, or lower n",
    "recordings": "record fewer areas",
    "traces": "let traces remember fewer rounds, or present fewer neurons",
    "transmissions": "lower n of the areas that fibers begin at, or open fewer fibers",
    "thresholds": "let fewer areas have thresholds or refract, or lower their n",
}


def _opaque(value: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the same bytes without their fields.

    CuPy asks each argument for its array interface at every launch, for which NumPy describes field by field in Python:
    40 us a launch, five times what the launch itself takes.
    """
    return value.view(f"V{value.itemsize}")


def _mebibytes(size: int) -> str:
    return f"{size / _MIB:,.1f} MiB"


class Description(NamedTuple):
    """What a device is: ``multiprocessors`` say how many thread blocks keep it busy.

    ``memory`` are its bytes, and ``shared`` those of shared memory that a thread block may have.
    """

    name: str
    multiprocessors: int
    memory: int
    shared: int


class Launch(NamedTuple):
    """A kernel with its arguments, checked; ``records`` keep the arrays that it reads or writes alive.

    Each argument is an array of one item, and is passed by value.
    """

    kernel: str
    blocks: int
    shared: int
    arguments: tuple[npt.NDArray[Any], ...]
    records: tuple[Record, ...]


class Device(ABC):
    """A device that runs kernels in the order in which they are launched, without making the host wait."""

    description: Description

    def prepare(
        self, kernel: str, blocks: int, records: Iterable[Record], *, number: int | None = None, shared: int = 0
    ) -> Launch:
        """Check a launch, so that it may be made many times.

        Parameters
        ----------
        kernel : str
            Its name.
        blocks : int
            Thread blocks of `THREADS` threads each; with none, a launch does nothing.
        records : iterable of Record
            Of these, the kernel takes those that it has parameters for.
        number : int, optional
            What follows them, for kernels that take a number.
        shared : int
            Bytes of dynamic shared memory for each block.

        Raises
        ------
        TypeError
            If a structure, or the number, is missing.
        CapacityError
            If there are more blocks than CUDA can number.
        """
        wanted, given = KERNELS[kernel], {each.structure: each for each in records}
        missing = [structure.name for structure in wanted.structures if structure not in given]
        if missing or wanted.numbered != (number is not None):
            names = ", ".join(missing) or ("a number" if wanted.numbered else "no number")
            raise TypeError(f"kernel {kernel}: takes {names}")
        if blocks > _MOST_BLOCKS:
            raise CapacityError(
                f"kernel {kernel}: {blocks:_} thread blocks, above CUDA's limit {_MOST_BLOCKS:_}; lower n or k"
            )
        taken = tuple(given[structure] for structure in wanted.structures)
        numbers = () if number is None else (np.array([number], I64),)
        return Launch(kernel, blocks, shared, (*(_opaque(each.value) for each in taken), *numbers), taken)

    def launch(self, launch: Launch) -> None:
        """Run a kernel once all launches before have run, without waiting for it."""
        if launch.blocks:
            self._launch(launch.kernel, launch.blocks, launch.shared, launch.arguments)

    def empty(self, size: int, dtype: npt.DTypeLike, purpose: str) -> Array:
        """Return an uninitialised array on the device; of at least one item, so that it has an address.

        Raises
        ------
        DeviceMemoryError
            If there is not room for it.
        """
        size, kind = max(size, 1), np.dtype(dtype)
        try:
            address, memory = self._allocate(size * kind.itemsize)
        except MemoryError as error:
            raise DeviceMemoryError(
                f"{self.description.name} has no room for {_mebibytes(size * kind.itemsize)} of {purpose}: this "
                f"brain holds {_mebibytes(self.held)} of its {_mebibytes(self.description.memory)} already; "
                f"{_CURES.get(purpose, _CURE)}"
            ) from error
        return Array(kind, size, address, memory)

    def zeros(self, size: int, dtype: npt.DTypeLike, purpose: str) -> Array:
        """Return an array of zeros on the device; raises as `empty`."""
        array = self.empty(size, dtype, purpose)
        self.clear(array)
        return array

    def upload(self, values: npt.NDArray[Any], purpose: str) -> Array:
        """Return a copy of a host array on the device; raises as `empty`."""
        array = self.empty(len(values), values.dtype, purpose)
        self.write(array, 0, values)
        return array

    def upload_all(self, tables: Sequence[npt.NDArray[Any]], purpose: str) -> list[Array]:
        """Return copies of some host arrays, side by side in one piece of memory; raises as `empty`."""
        sizes = [-(-max(table.nbytes, 1) // _ALIGNED) * _ALIGNED for table in tables]
        whole = np.zeros(sum(sizes), np.uint8)
        starts = [sum(sizes[:number]) for number in range(len(tables))]
        for start, table in zip(starts, tables, strict=True):
            whole[start : start + table.nbytes] = np.ascontiguousarray(table).view(np.uint8)
        there = self.upload(whole, purpose)
        return [there.part(start, max(len(t), 1), t.dtype) for start, t in zip(starts, tables, strict=True)]

    def write(self, array: Array, start: int, values: npt.NDArray[Any]) -> None:
        """Copy host values into an array from item ``start`` on; they may change as soon as it returns."""
        assert values.dtype == array.dtype, "bytes of another type would be copied"
        assert start + len(values) <= array.size, "would write past the end"
        if len(values):
            self._write(array, array.offset + start * array.dtype.itemsize, np.ascontiguousarray(values))

    def read(self, array: Array, start: int = 0, stop: int | None = None) -> npt.NDArray[Any]:
        """Wait for all launches, and return a host copy of items ``start`` to ``stop`` of an array."""
        stop = array.size if stop is None else stop
        values = np.empty(max(stop - start, 0), array.dtype)
        if len(values):
            self._read(array, array.offset + start * array.dtype.itemsize, values)
        return values

    @property
    @abstractmethod
    def held(self) -> int:
        """Bytes in use."""

    @abstractmethod
    def trim(self) -> None:
        """Give memory that is no longer in use back to the device."""

    @abstractmethod
    def _launch(self, kernel: str, blocks: int, shared: int, arguments: Sequence[npt.NDArray[Any]]) -> None:
        """Launch a kernel with arguments of one item each, which are passed by value."""

    @abstractmethod
    def _allocate(self, size: int) -> tuple[int, Any]:
        """Return the address and the handle of so many bytes, or raise `MemoryError`."""

    @abstractmethod
    def _write(self, array: Array, offset: int, values: npt.NDArray[Any]) -> None: ...

    @abstractmethod
    def _read(self, array: Array, offset: int, values: npt.NDArray[Any]) -> None: ...

    @abstractmethod
    def copy(self, target: Array, source: Array) -> None:
        """Copy an array into the beginning of another one that is no shorter."""

    @abstractmethod
    def clear(self, array: Array) -> None:
        """Set all bytes of an array to zero."""

    @abstractmethod
    def mark(self) -> Any:
        """Return a moment in the order of launches, for `seconds`."""

    @abstractmethod
    def seconds(self, begin: Any, end: Any) -> float:
        """Return the time on the device between two moments that have passed."""

    @abstractmethod
    def close(self) -> None:
        """Give all memory back to the device."""
