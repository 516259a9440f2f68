"""The sparse drive: what learned weights add to the drives of an area, for the few neurons that they reach.

The drive of a neuron has two parts: its count (how many firing neurons synapse on it) times the base weight, and the
sum of the differences between the weights of its stored synapses and the base weight.  The first part is dense and
cached (see `brainsim.kernels.cpu.counts`); the second part is summed here in each round, over the stored synapses of
the firing neurons.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from brainsim.kernels.cpu.addresses import integers, short_integers
from brainsim.kernels.cpu.arena import Records
from brainsim.kernels.cpu.compiling import compiled, inlined, inner
from brainsim.kernels.cpu.records import AreaRecord, CountsRecord, FiberRecord, Tables, firing_at, int_array
from brainsim.kernels.law.weights import ONE
from brainsim.kernels.state import Neurons, Thresholds

LISTED, SUSPECT = 1, 2
ZERO: Any = np.int64(0)  # typed: for a literal 0 the function that takes it would be compiled a second time
_NO_LIMIT: Any = np.int64(2**63 - 1)
Indices = npt.NDArray[np.int64]


class SparseArrays(NamedTuple):
    """A sparse drive as kernels see it.

    Invariant: ``extra`` and ``marked`` have an item for each neuron of the area, and are zero except at the neurons in
    ``neurons[:size[0]]``, each of which is listed once.

    Attributes
    ----------
    extra : int64 array
        What is to be added to the count of each neuron, in fixed point.
    marked : uint8 array
        `LISTED` or `SUSPECT` for the neurons that are listed.
    neurons : int64 array
        The listed neurons, in no order.
    size : int64 array, shape (1,)
        How many are listed.
    """

    extra: npt.NDArray[np.int64]
    marked: npt.NDArray[np.uint8]
    neurons: Neurons
    size: npt.NDArray[np.int64]


@compiled
def clear(sparse: SparseArrays) -> None:
    """Set all drives to zero; this takes time in proportion to the listed neurons."""
    extra, marked, neurons = sparse.extra, sparse.marked, sparse.neurons
    for at in range(sparse.size[0]):
        extra[neurons[at]] = 0
        marked[neurons[at]] = 0
    sparse.size[0] = 0


@inlined
def _stored(fiber: FiberRecord, source: AreaRecord) -> int:
    """Return how many stored synapses the firing neurons of a fiber have."""
    rank, length, stored = short_integers(source.rank), integers(fiber.length), 0
    for neuron in firing_at(fiber, source):
        row = rank[neuron] - 1
        if 0 <= row < len(length):
            stored += length[row]
    return stored


@inner
def _gather_fiber(fiber: FiberRecord, source: AreaRecord, n: int, sparse: SparseArrays, size: Any) -> Any:
    """Add one fiber's stored synapses; return how many neurons are listed, -1 if there may not be room."""
    rank, start, length = short_integers(source.rank), integers(fiber.start), integers(fiber.length)
    post, weight = short_integers(fiber.post), short_integers(fiber.weight)
    extra, marked, neurons, base = sparse.extra, sparse.marked, sparse.neurons, fiber.base
    # The loop writes one item beyond the last neuron that it lists.  A list of n + 1 items always has room for it,
    # because no neuron is listed twice; a shorter list must have room for all synapses of a row.
    room = len(neurons) - 1 if len(neurons) <= n else _NO_LIMIT
    for neuron in firing_at(fiber, source):
        row = rank[neuron] - 1
        if not 0 <= row < len(length):
            continue
        if size + length[row] > room:
            sparse.size[0] = size
            return -1
        for at in range(start[row], start[row] + length[row]):
            # Every target is written to the list, but the list grows only by those that are new.  A branch would be
            # mispredicted for about half of the synapses.
            j = post[at]
            neurons[size] = j
            size += np.int64(marked[j] == 0)
            marked[j] = LISTED
            extra[j] += weight[at] - base
    return size


@compiled
def _gather(areas: Records, fibers: Records, chosen: Indices, n: int, sparse: SparseArrays) -> int:
    """Set the drive to the sums over the stored synapses of the firing neurons of some fibers.

    Returns
    -------
    int
        0; or, if the list has too little room, the room that is needed, and no neuron is listed.
    """
    clear(sparse)
    size = ZERO
    for f in chosen:
        if fibers[f].length.size:
            size = _gather_fiber(fibers[f], areas[fibers[f].source], n, sparse, size)
            if size < 0:
                break
    if size >= 0:
        sparse.size[0] = size
        return 0
    clear(sparse)
    room = 0
    for f in chosen:
        if fibers[f].length.size:
            room += _stored(fibers[f], areas[fibers[f].source])
    return min(room, n) + 1


@compiled
def _subtract(sparse: SparseArrays, neurons: Neurons, amounts: npt.NDArray[np.int64]) -> None:
    """Subtract an amount from the drive of each of some neurons, and list them; there is room for them."""
    for at in range(len(neurons)):
        if not sparse.marked[neurons[at]]:
            sparse.marked[neurons[at]] = LISTED
            sparse.neurons[sparse.size[0]] = neurons[at]
            sparse.size[0] += 1
        sparse.extra[neurons[at]] -= amounts[at]


@inlined
def _add_where_marked(sparse: SparseArrays, targets: Neurons, mark: int, step: int) -> None:
    for neuron in targets:
        if sparse.marked[neuron] == mark:
            sparse.extra[neuron] += step


@compiled
def _correct(sparse: SparseArrays, counts: Records, mark: int) -> None:
    """Correct the drives of neurons with one mark: add missing synapses, subtract surplus ones."""
    for f in range(len(counts)):
        record: CountsRecord = counts[f]
        _add_where_marked(sparse, integers(record.gains), mark, ONE)
        _add_where_marked(sparse, integers(record.losses), mark, -ONE)


@compiled
def _add_suspects(sparse: SparseArrays, neurons: Neurons) -> None:
    """List neurons, none of which is listed, as suspects; there is room for them."""
    for neuron in neurons:
        sparse.marked[neuron] = SUSPECT
        sparse.neurons[sparse.size[0]] = neuron
        sparse.size[0] += 1


class SparseDrive:
    """The sparse drive of one area at a time, for areas of up to ``n`` neurons.

    The arrays are allocated once: setting them to zero for each round would take longer than summing few synapses.
    """

    def __init__(self, n: int) -> None:
        # Zeroed pages that are never written to cost no memory.
        self.arrays = SparseArrays(
            np.zeros(n, np.int64), np.zeros(n, np.uint8), np.empty(0, np.int64), np.zeros(1, np.int64)
        )

    @property
    def size(self) -> int:
        """How many neurons are listed."""
        return int(self.arrays.size[0])

    def listed(self) -> Neurons:
        """Return the neurons that are listed, ascending."""
        return np.sort(self.arrays.neurons[: self.size])

    def gather(self, tables: Tables, fibers: Sequence[int], n: int) -> None:
        """Set the drive of an area of ``n`` neurons to what the stored synapses of the firing neurons add."""
        chosen = int_array(tuple(fibers))
        while room := _gather(tables.areas.records, tables.fibers.records, chosen, n, self.arrays):
            self._make_room(room)

    def subtract(self, thresholds: Thresholds) -> None:
        """Subtract thresholds, and list the neurons that have one."""
        self._make_room(self.size + len(thresholds.neurons))
        _subtract(self.arrays, *thresholds)

    def add_suspects(self, neurons: Neurons) -> None:
        """List further neurons, so that they are looked at one by one."""
        self._make_room(self.size + len(neurons))
        _add_suspects(self.arrays, neurons)

    def correct(self, counts: Records, mark: int) -> None:
        """Correct the drives of neurons marked `LISTED` or `SUSPECT` for what patched counts miss or count in excess.

        Each neuron must be corrected once: listed neurons at the beginning, suspects when they are listed.
        """
        _correct(self.arrays, counts, mark)

    def clear(self) -> None:
        """Make all drives zero."""
        clear(self.arrays)

    def _make_room(self, room: int) -> None:
        """Make room for a number of listed neurons."""
        listed = self.arrays.neurons
        if room > len(listed):
            neurons = np.empty(max(room, 2 * len(listed)), np.int64)
            neurons[: self.size] = listed[: self.size]
            self.arrays = self.arrays._replace(neurons=neurons)

    @property
    def nbytes(self) -> int:
        """Bytes allocated."""
        return sum(array.nbytes for array in self.arrays)
