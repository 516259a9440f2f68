"""Arrays on a device, and structures that hold their addresses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from brainsim.kernels.gpu.layout import Structure


@dataclass(frozen=True, eq=False)
class Array:
    """A one-dimensional array on a device: ``offset`` bytes into ``memory``, the device's own handle."""

    dtype: np.dtype[Any]
    size: int
    address: int
    memory: Any
    offset: int = 0

    @property
    def nbytes(self) -> int:
        """Bytes allocated."""
        return self.size * self.dtype.itemsize

    def part(self, offset: int, size: int, dtype: npt.DTypeLike) -> Array:
        """Return some bytes of this array as one of another type."""
        return Array(np.dtype(dtype), size, self.address + offset, self.memory, self.offset + offset)


@dataclass(frozen=True, eq=False)
class Record:
    """A structure for kernels, ``value`` (an array of one item), and the arrays whose addresses it holds.

    The record keeps its arrays alive, so that no address in it is stale.
    """

    structure: Structure
    value: npt.NDArray[Any]
    arrays: Mapping[str, Array]

    @property
    def nbytes(self) -> int:
        """Bytes allocated for the arrays."""
        return sum(array.nbytes for array in self.arrays.values())


def record(structure: Structure, **fields: Array | int) -> Record:
    """Return a structure with these fields.

    Raises
    ------
    TypeError
        If a field is missing or unknown, or an array has not the very items that the structure points to.
    """
    if fields.keys() != structure.fields.keys():
        differ = ", ".join(sorted(fields.keys() ^ structure.fields.keys()))
        raise TypeError(f"structure {structure.name}: fields that are missing or unknown: {differ}")
    value = np.zeros(1, structure.dtype)
    for name, items in structure.fields.items():
        given = fields[name]
        if items is not None and not (isinstance(given, Array) and given.dtype == items):
            kind = f"{type(given).__name__} {getattr(given, 'dtype', '')}"
            raise TypeError(f"structure {structure.name}, field {name!r}: must be an array of {items} (got {kind})")
        value[name] = given.address if isinstance(given, Array) else given
    return Record(structure, value, {name: given for name, given in fields.items() if isinstance(given, Array)})
