"""Arrays by address, for kernels that read as many arrays as a brain has fibers.

Numba compiles a kernel for each number and kind of its array arguments.  A record of addresses has one type for any
number of arrays, and passing it takes as long as passing one array.  An array must live until the kernel that reads its
address returns: `brainsim.kernels.cpu.arena.Arena` keeps all arrays that outlive a round.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import carray, types  # type: ignore[attr-defined]
from numba.extending import intrinsic

from brainsim.kernels.cpu.compiling import compiled, inlined

SPAN = np.dtype([("address", np.int64), ("size", np.int64)])
"""Where an array is: the address of its first item, and how many items it has.  No array: size 0."""


_INT64 = np.dtype(np.int64)


@compiled
def _address_of(neurons: npt.NDArray[np.int64]) -> int:
    return neurons.ctypes.data


def address_of(array: npt.NDArray[Any]) -> int:
    """Return the address of an array's first item; the array must be contiguous."""
    assert array.flags.c_contiguous, "a kernel would read the wrong items"
    if array.dtype is _INT64 and array.ndim == 1:  # called often: ten times faster than `ndarray.ctypes`
        return _address_of(array)
    return int(array.__array_interface__["data"][0])


def _pointer_to(item: Any) -> Any:
    """Return a function for kernels that makes a pointer to items of a type from an address."""

    @intrinsic
    def pointer(_context: Any, _address: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return builder.inttoptr(arguments[0], context.get_value_type(signature.return_type))

        return types.CPointer(item)(types.int64), generate

    return pointer


_uint8 = _pointer_to(types.uint8)
_uint16 = _pointer_to(types.uint16)
_uint32 = _pointer_to(types.uint32)
_uint64 = _pointer_to(types.uint64)
_int32 = _pointer_to(types.int32)
_int64 = _pointer_to(types.int64)


@inlined
def array_8(address: Any, size: Any) -> npt.NDArray[np.uint8]:
    """Return the uint8 array of ``size`` items at an address."""
    return carray(_uint8(np.int64(address)), (size,))


@inlined
def array_16(address: Any, size: Any) -> npt.NDArray[np.uint16]:
    """Return the uint16 array of ``size`` items at an address."""
    return carray(_uint16(np.int64(address)), (size,))


@inlined
def array_32(address: Any, size: Any) -> npt.NDArray[np.uint32]:
    """Return the uint32 array of ``size`` items at an address."""
    return carray(_uint32(np.int64(address)), (size,))


@inlined
def words(span: Any) -> npt.NDArray[np.uint64]:
    """Return the uint64 array of a span."""
    return carray(_uint64(span.address), (span.size,))


@inlined
def short_integers(span: Any) -> npt.NDArray[np.int32]:
    """Return the int32 array of a span."""
    return carray(_int32(span.address), (span.size,))


@inlined
def integers(span: Any) -> npt.NDArray[np.int64]:
    """Return the int64 array of a span."""
    return carray(_int64(span.address), (span.size,))
