"""Drives that are sorted when they are first read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property

import numpy as np
import numpy.typing as npt

from brainsim.kernels.state import Neurons


class LateDrives:
    """A value of the kind `brainsim.kernels.state.DRIVES` whose amounts are computed when they are first read.

    Most are never read: a probe keeps the drives of every area, but usually need not restore them.
    """

    def __init__(self, neurons: Neurons, make: Callable[[], npt.NDArray[np.int64]]) -> None:
        self.neurons = neurons
        self._make = make

    @cached_property
    def amount(self) -> npt.NDArray[np.int64]:
        """The drives, in fixed point, in the order of the neurons."""
        return self._make()

    def __iter__(self) -> Iterator[npt.NDArray[np.int64]]:
        """Yield the columns, as the record does."""
        yield self.neurons
        yield self.amount
