"""The exchange of a round between ranks: candidates of each go to all, and all pick the same winners from them.

With ``R`` ranks, a rank usually holds about ``k / R`` of the ``k`` winners of an area, so it offers its best
``2 k / R`` candidates and a few more, and keeps back the others, which come after all that it offers.  If one of its
offers does not win, nothing that it keeps back would; if all of them win, all candidates are exchanged.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import perf_counter

import numpy as np
import numpy.typing as npt

from brainsim.kernels.comm import NO_TRAFFIC, Comm, Traffic
from brainsim.kernels.law.selection import tie_order
from brainsim.kernels.outcomes import Won
from brainsim.kernels.program import AreaSpec, Program
from brainsim.kernels.shares import Range
from brainsim.kernels.state import Neurons

Integers = npt.NDArray[np.int64]
TagOf = Callable[[int], int]
_SPARE = 32


class Exchange:
    """Agrees with the other ranks on the winners of a round.

    Parameters
    ----------
    program : Program
        The whole brain.
    comm : Comm
        The ranks.
    owned : sequence of Range
        What this rank owns of each area.

    Attributes
    ----------
    traffic : Traffic
        What this rank has sent so far.
    """

    def __init__(self, program: Program, comm: Comm, owned: Sequence[Range]) -> None:
        self._areas = program.areas
        self._comm = comm
        self._owned = owned
        self.traffic = NO_TRAFFIC

    def winners(self, offers: dict[int, Won], tag_of: TagOf) -> dict[int, Won]:
        """Return the winners of areas.

        Parameters
        ----------
        offers : dict of int to Won
            By area, in the same order on all ranks, the candidates of this one, counted from the first of its range.
        tag_of : callable
            Returns the tag of an area's input, by which ties are broken.
        """
        won: dict[int, Won] = {}
        rooms = {area: self._room(self._areas[area]) for area in offers}
        while offers:  # at most twice: with room for k, nothing is kept back
            for area, (rows, room) in self._gathered(offers, rooms, tag_of).items():
                found = _picked(self._areas[area], rows, room, tag_of, area)
                if found is not None:
                    won[area] = found
            offers = {area: offer for area, offer in offers.items() if area not in won}
            rooms = {area: self._areas[area].k for area in offers}
        self.traffic = self.traffic._replace(rounds=self.traffic.rounds + 1)
        return won

    def _room(self, spec: AreaSpec) -> int:
        """Return how many candidates each rank offers at first; of channels all, since their sums decide."""
        return spec.k if spec.channel > 1 else min(spec.k, 2 * spec.k // self._comm.size + _SPARE)

    def _gathered(
        self, offers: dict[int, Won], rooms: dict[int, int], tag_of: TagOf
    ) -> dict[int, tuple[Integers, int]]:
        """Return what all ranks offer for each area, a row each: the number of candidates, neurons, then drives."""
        row = np.zeros(sum(1 + 2 * room for room in rooms.values()), np.int64)
        at, starts = 0, {}
        for area, offer in offers.items():
            room, starts[area] = rooms[area], at
            self._offer(area, offer, tag_of, row[at : at + 1 + 2 * room], room)
            at += 1 + 2 * room
        every = np.empty((self._comm.size, len(row)), np.int64)
        begun = perf_counter()
        self._comm.Allgather(row, every)
        rounds, nbytes, seconds = self.traffic
        self.traffic = Traffic(rounds, nbytes + row.nbytes, seconds + perf_counter() - begun)
        return {area: (every[:, at : at + 1 + 2 * rooms[area]], rooms[area]) for area, at in starts.items()}

    def _offer(self, area: int, offer: Won, tag_of: TagOf, row: Integers, room: int) -> None:
        """Write the best candidates of this rank."""
        size = len(offer.winners)
        neurons, drives = offer.neurons[:size] + self._owned[area].first, offer.drives[:size]
        if size > room:
            kept = best(self._areas[area], tag_of(area), neurons, drives, room)
            neurons, drives = neurons[kept], drives[kept]
        row[0] = size
        row[1 : 1 + len(neurons)] = neurons
        row[1 + room : 1 + room + len(neurons)] = drives


def _picked(spec: AreaSpec, rows: Integers, room: int, tag_of: TagOf, area: int) -> Won | None:
    """Return the winners among the offers of all ranks, ``None`` if what a rank keeps back could be among them."""
    offered = np.minimum(rows[:, 0], room)
    real = np.arange(room) < offered[:, None]
    neurons, drives = rows[:, 1 : 1 + room][real], rows[:, 1 + room :][real]
    chosen: Integers = np.arange(len(neurons))
    if spec.channel > 1:
        chosen = best_channels(spec, tag_of(area), neurons, drives)
    elif len(neurons) > spec.k:
        chosen = best(spec, tag_of(area), neurons, drives, spec.k)
    winning = np.bincount(np.repeat(np.arange(len(rows)), offered)[chosen], minlength=len(rows))
    if np.any((rows[:, 0] > room) & (winning == offered)):
        return None
    chosen = chosen[np.argsort(neurons[chosen])]
    winners = neurons[chosen]
    return Won(winners, winners, drives[chosen])


def best(spec: AreaSpec, tag: int, neurons: Neurons, drives: Integers, count: int) -> Integers:
    """Return the places of the ``count`` best of more candidates, in no order, without sorting them all."""
    bar = np.partition(drives, len(drives) - count)[len(drives) - count]
    above, tied = np.flatnonzero(drives > bar), np.flatnonzero(drives == bar)
    wanted = count - len(above)
    if wanted < len(tied):
        tied = tied[np.argpartition(tie_order(spec.key, tag, neurons[tied]), wanted - 1)[:wanted]]
    return np.concatenate([above, tied])


def best_channels(spec: AreaSpec, tag: int, neurons: Neurons, drives: Integers) -> Integers:
    """Return the places of the candidates in the best channels.

    A rank offers all driven neurons of its best channels, so their drives sum to what a channel wins by.
    """
    channels, of = np.unique(neurons // spec.channel, return_inverse=True)
    sums = np.zeros(len(channels), np.int64)
    np.add.at(sums, of, drives)
    winning = np.lexsort((tie_order(spec.key, tag, channels), -sums))[: spec.k // spec.channel]
    return np.flatnonzero(np.isin(of, winning))
