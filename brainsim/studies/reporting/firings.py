"""The data of a raster: which neurons fired in which rounds, as many as a page can hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from brainsim.declare.assembly import Assembly
from brainsim.simulate.recordings.recording import Recorded
from brainsim.simulate.recordings.timeline import Mark

Numbers = npt.NDArray[np.int64]

MOST_READ = 4_000_000
"""Largest number of firings that are read from a recording: those of its last rounds."""


@dataclass(frozen=True)
class AreaFirings:
    """The firings of one area: ``neurons[i]`` fired in round ``rounds[i]``, in ascending order of rounds."""

    name: str
    n: int
    k: int
    rounds: Numbers
    neurons: Numbers


@dataclass(frozen=True)
class Firings:
    """The firings of a recording.

    Attributes
    ----------
    file, name : str
        The file, and the name of the recording in it.
    seed : int or None
        Seed of the simulator.
    length : int
        Rounds of the recording.
    first : int
        The first round that was read: 0, except for very long recordings.
    areas : tuple of AreaFirings
        In the order of the recording.
    marks : tuple of Mark
        Labels on the time axis, from the one that holds in round ``first``.
    """

    file: str
    name: str
    seed: int | None
    length: int
    first: int
    areas: tuple[AreaFirings, ...]
    marks: tuple[Mark, ...]

    @property
    def count(self) -> int:
        """How many firings were read."""
        return sum(len(area.rounds) for area in self.areas)


def read(file: str, name: str, recorded: Recorded, most: int = MOST_READ) -> Firings:
    """Return the firings of a recording: all, or those of its last rounds if they may be more than ``most``.

    Raises
    ------
    DumpError
        If what is read is damaged.
    """
    length = len(recorded)
    first = max(0, length - max(1, most // max(1, sum(area.k for area in recorded.areas))))
    areas = tuple(
        AreaFirings(area.name, area.n, area.k, *_firings(recorded.winners(area, first, length), first))
        for area in recorded.areas
    )
    marks = recorded.marks
    before = [mark for mark in marks if mark.round <= first][-1:]
    return Firings(file, name, recorded.seed, length, first, areas, (*before, *(m for m in marks if m.round > first)))


def _firings(winners: Sequence[Numbers], first: int) -> tuple[Numbers, Numbers]:
    sizes = [len(each) for each in winners]
    rounds = np.repeat(np.arange(first, first + len(sizes), dtype=np.int64), sizes)
    return rounds, np.concatenate([np.empty(0, np.int64), *winners])


@dataclass(frozen=True)
class Band:
    """The firings of one area as a raster draws them.

    Attributes
    ----------
    area : AreaFirings
        The area.
    height : ndarray of float, shape (firings,)
        Position of each firing in the band, from 0 to below 1.  Neurons are sorted by the first assembly that contains
        them; those in no assembly follow, by the round in which they first fired.
    group : ndarray of int, shape (firings,)
        The number of the assembly, -1 for none.
    rank : ndarray of int, shape (firings,)
        The place of the neuron in that order.
    support : int
        Number of different neurons that fired.
    """

    area: AreaFirings
    height: npt.NDArray[np.float64]
    group: Numbers
    rank: Numbers
    support: int


def band(area: AreaFirings, assemblies: Sequence[Assembly]) -> Band:
    """Return the firings of an area, sorted by assemblies of it.

    Examples
    --------
    >>> from brainsim.studies.reporting.firings import AreaFirings, band
    >>> area = AreaFirings("Lex", 10, 2, np.array([0, 0, 1, 1]), np.array([3, 7, 2, 3]))
    >>> found = band(area, [Assembly("Lex", [2, 3], "dog")])
    >>> found.group, found.rank, found.support
    (array([ 0, -1,  0,  0]), array([1, 2, 0, 1]), 3)
    """
    unique, first, place = np.unique(area.neurons, return_index=True, return_inverse=True)
    group = np.full(len(unique), -1, np.int64)
    for number in reversed(range(len(assemblies))):
        group[np.isin(unique, assemblies[number].neurons)] = number
    grouped = np.where(group < 0, len(assemblies), group)
    order = np.lexsort((np.where(group < 0, first, unique), grouped))
    rank = np.empty(len(unique), np.int64)
    rank[order] = np.arange(len(unique))
    ranks = rank[place]
    return Band(area, ranks / max(len(unique), 1), group[place], ranks, len(unique))
