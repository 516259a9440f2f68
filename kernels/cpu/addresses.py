"""Arrays by address, for kernels that take as many arrays as a brain has fibers.

Numba compiles a function anew for every number of array arguments.  A table of addresses has one type for any number.
Whoever hands over an address keeps the array alive until the kernel returns.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import carray, types  # type: ignore[attr-defined]
from numba.extending import intrinsic

from brainsim.kernels.cpu.compiling import inlined


def address_of(array: npt.NDArray[Any]) -> int:
    """Return the address of an array's first item; the array must be contiguous."""
    assert array.flags.c_contiguous, "a kernel would read the wrong items"
    return int(array.__array_interface__["data"][0])


def _pointer_to(item: Any) -> Any:
    @intrinsic
    def pointer(_context, _address):  # type: ignore[no-untyped-def]
        def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
            return builder.inttoptr(arguments[0], context.get_value_type(signature.return_type))

        return types.CPointer(item)(types.int64), generate

    return pointer


_pointer_8 = _pointer_to(types.uint8)
_pointer_16 = _pointer_to(types.uint16)
_pointer_32 = _pointer_to(types.uint32)
_pointer_64 = _pointer_to(types.uint64)
_pointer_to_int32 = _pointer_to(types.int32)
_pointer_to_int64 = _pointer_to(types.int64)


@inlined
def array_8(address, size):  # type: ignore[no-untyped-def]
    """Return the uint8 array of ``size`` items at an address."""
    return carray(_pointer_8(np.int64(address)), (size,))


@inlined
def array_16(address, size):  # type: ignore[no-untyped-def]
    """Return the uint16 array of ``size`` items at an address."""
    return carray(_pointer_16(np.int64(address)), (size,))


@inlined
def array_32(address, size):  # type: ignore[no-untyped-def]
    """Return the uint32 array of ``size`` items at an address."""
    return carray(_pointer_32(np.int64(address)), (size,))


@inlined
def array_64(address, size):  # type: ignore[no-untyped-def]
    """Return the uint64 array of ``size`` items at an address."""
    return carray(_pointer_64(np.int64(address)), (size,))


@inlined
def signed_32(address, size):  # type: ignore[no-untyped-def]
    """Return the int32 array of ``size`` items at an address."""
    return carray(_pointer_to_int32(np.int64(address)), (size,))


@inlined
def signed_64(address, size):  # type: ignore[no-untyped-def]
    """Return the int64 array of ``size`` items at an address."""
    return carray(_pointer_to_int64(np.int64(address)), (size,))
