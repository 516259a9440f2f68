"""Row numbers: the order in which the neurons of an area were first needed."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from brainsim.kernels.interrupts import uninterrupted
from brainsim.kernels.state import Neurons

Rows = npt.NDArray[np.int64]


class RowIndex:
    """Row numbers of the neurons of an area, shared by the tables of all its fibers.

    Few neurons of a large area ever fire.  Tables with a row for each of these stay small and close together.  Pages of
    the index that are never touched cost no memory.

    Attributes
    ----------
    rank : int32 array, shape (n,)
        Row number + 1 of each neuron, 0 for those that have none.
    size : int
        How many rows there are.
    """

    def __init__(self, n: int) -> None:
        self.rank = np.zeros(n, np.int32)
        self.size = 0

    def rows(self, neurons: Neurons) -> Rows:
        """Return the row of each neuron, -1 for those that have none."""
        return self.rank[neurons].astype(np.int64) - 1

    def assign_rows(self, neurons: Neurons) -> Rows:
        """Return the row of each neuron, assigning rows to those that have none."""
        rows = self.rows(neurons)
        new = neurons[rows < 0]
        if not len(new):
            return rows
        with uninterrupted():  # between the two statements, a row could be assigned twice
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
