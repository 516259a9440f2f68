"""Records for kernels, together with the arrays that they point to."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from brainsim.kernels.cpu.addresses import SPAN, address_of

Records = npt.NDArray[np.void]
_NO_ARRAY = (0, 0)


class Arena:
    """Records with named numbers and spans (`SPAN`), and the arrays that the spans point to.

    Invariant: each span is empty, or has the address and the length of an array that the arena holds.  Only `hold` and
    `share` write an address, so no address can be written whose array is not kept alive.  To replace an array, hold the
    new one; the old one is freed after the span has changed.

    Attributes
    ----------
    records : structured array
        For kernels, which read them; only an arena writes to its records.
    """

    def __init__(self, dtype: np.dtype[np.void], count: int) -> None:
        self._records: Records = np.zeros(count, dtype)
        self._spans = {name: self._records[name] for name in dtype.names or () if dtype[name] == SPAN}
        self._held: dict[tuple[int, str], tuple[npt.NDArray[Any], ...]] = {}
        self.records: Records = self._records.view()
        self.records.flags.writeable = False

    def set(self, index: int, **numbers: int) -> None:
        """Set numbers of a record."""
        for name, number in numbers.items():
            assert name not in self._spans, f"{name} is a span: hold its array"
            self._records[name][index] = number

    def hold(self, index: int, name: str, array: npt.NDArray[Any]) -> None:
        """Point a span of a record to a contiguous array, and keep the array until it is replaced."""
        span, key, held = self._spans[name], (index, name), self._held
        # Both the old and the new array are held while the span changes, so an interruption does no harm.
        held[key] = (array, *held.get(key, ()))
        span[index] = (address_of(array), array.size)
        held[key] = (array,)

    def share(self, index: int, name: str, other: str) -> None:
        """Point a span of a record to the array that another span of the record points to."""
        span, key, held = self._spans[name], (index, name), self._held
        (array,) = held[index, other]
        held[key] = (array, *held.get(key, ()))
        span[index] = self._spans[other][index]
        held[key] = (array,)

    def drop(self, index: int, name: str) -> None:
        """Empty a span, and release its array if there is one."""
        self._spans[name][index] = _NO_ARRAY
        self._held.pop((index, name), None)

    def held(self, index: int, name: str) -> npt.NDArray[Any] | None:
        """Return the array that a span points to, ``None`` if it is empty."""
        return self._held.get((index, name), (None,))[0]

    def drop_all(self) -> None:
        """Empty all spans, and release all arrays."""
        for span in self._spans.values():
            span[:] = _NO_ARRAY
        self._held.clear()

    @property
    def nbytes(self) -> int:
        """Bytes of the records; the owners of the arrays account for the arrays."""
        return self._records.nbytes
