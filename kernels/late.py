"""Drives that are put in order when they are looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property

import numpy as np
import numpy.typing as npt

from brainsim.kernels.state import Neurons


class LateDrives:
    """A value of the kind `brainsim.kernels.state.DRIVES` whose amounts are made when they are first looked at.

    Most are not: a probe keeps the drives of every area, and usually finds that they need not be put back, or that
    other neurons fire.
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
