"""How often each neuron has transmitted at a fiber."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from brainsim.kernels.cpu.arena import Arena
from brainsim.kernels.cpu.row_index import RowIndex
from brainsim.kernels.state import Neurons


class TransmissionCounts:
    """Counters of one fiber, by row of the source neuron, so that they lie close together.

    A kernel adds to them (`brainsim.kernels.cpu.ties.transmit`), once all neurons that fire have a counter.
    """

    def __init__(self, fiber: int, sources: RowIndex, arena: Arena) -> None:
        self._fiber = fiber
        self._sources = sources
        self._arena = arena
        self._hold(np.zeros(0, np.int64))

    def _hold(self, counts: npt.NDArray[np.int64]) -> None:
        self._counts = counts
        self._arena.hold(self._fiber, "transmitted", counts)

    def make_room(self, neurons: Neurons) -> None:
        """Give each of some neurons a counter."""
        self._sources.assign_rows(neurons)
        if self._sources.size > len(self._counts):
            more = max(self._sources.size, 2 * len(self._counts)) - len(self._counts)
            self._hold(np.append(self._counts, np.zeros(more, np.int64)))

    def of_all(self) -> npt.NDArray[np.int64]:
        """Return how often each neuron of the source has transmitted."""
        counts, neurons = np.zeros(len(self._sources.rank), np.int64), self._sources.neurons()[: len(self._counts)]
        counts[neurons] = self._counts[: len(neurons)]
        return counts

    @property
    def nbytes(self) -> int:
        """Bytes allocated."""
        return self._counts.nbytes
