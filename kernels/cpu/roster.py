"""The order in which neurons of an area were first needed: neuron to row number."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from brainsim.kernels.interrupts import uninterrupted
from brainsim.kernels.state import Neurons


class Roster:
    """Row numbers of the neurons of an area, shared by its fibers.

    Untouched pages of the index cost no memory.
    """

    def __init__(self, n: int) -> None:
        self.rank = np.zeros(n, np.int32)  # row number + 1; 0: no row yet
        self.size = 0

    def rows(self, neurons: Neurons) -> npt.NDArray[np.int64]:
        """Return the row of each neuron, -1 for those that have none."""
        return self.rank[neurons].astype(np.int64) - 1

    def enrol(self, neurons: Neurons) -> npt.NDArray[np.int64]:
        """Return the row of each neuron, giving new rows to those that have none."""
        rows = self.rows(neurons)
        new = neurons[rows < 0]
        if not len(new):
            return rows
        with uninterrupted():  # or a number could be given twice
            self.rank[new] = np.arange(self.size + 1, self.size + 1 + len(new))
            self.size += len(new)
        return self.rows(neurons)

    def neurons(self) -> Neurons:
        """Return the neuron of each row."""
        neurons = np.flatnonzero(self.rank)
        ordered = np.empty(self.size, np.int64)
        ordered[self.rank[neurons] - 1] = neurons
        return ordered

    @property
    def nbytes(self) -> int:
        """Bytes allocated."""
        return self.rank.nbytes
