"""Stored synapses on their way between a file, which the first rank reads and writes, and the ranks that hold them.

The first rank holds one piece of them at a time, beside its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from brainsim.build import first_weights
from brainsim.declare.fiber import Fiber
from brainsim.kernels.parts import Explicit
from brainsim.kernels.shares import Range, ranges_of
from brainsim.kernels.state import NO_SYNAPSES, WEIGHTS, Synapses, merged
from brainsim.simulate.company import Ask
from brainsim.simulate.engine import Engine
from brainsim.simulate.existence import not_drawn, not_given
from brainsim.simulate.synapses_file import PIECE, Stored


class Asked(NamedTuple):
    """A question to all ranks: the next synapses of a fiber, from sources before ``end``."""

    fiber: int
    end: int


class Offer(NamedTuple):
    """What a rank answers.

    Attributes
    ----------
    synapses : Synapses
        Those that were asked for.
    left : int
        How many of the fiber come after them.
    reach : int
        The ``end`` to ask for next, if the other ranks have as many as this one.
    """

    synapses: Synapses
    left: int
    reach: int


class Giving:
    """The stored synapses that a rank holds, fiber after fiber and source after source."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._most = max(1, PIECE // engine.company.size)
        self._fiber: int | None = None
        self._rest = NO_SYNAPSES

    def offer(self, asked: Asked) -> Offer:
        """Answer a question."""
        if asked.fiber != self._fiber:
            self._rest = NO_SYNAPSES  # those of the last fiber are freed before others are read
            self._fiber, self._rest = asked.fiber, self._engine.read_own(WEIGHTS, asked.fiber)
        size = int(np.searchsorted(self._rest.pre, asked.end))
        given = _part(self._rest, slice(size))
        self._rest = _part(self._rest, slice(size, None))
        return Offer(given, len(self._rest.pre), self._reach())

    def _reach(self) -> int:
        """Return before which source a piece ends: a rank gives all synapses of a source together, or none."""
        pre = self._rest.pre
        if len(pre) <= self._most:
            return int(pre[-1]) + 1 if len(pre) else np.iinfo(np.int64).max
        return max(int(pre[self._most]), int(pre[0]) + 1)


def gathered(ask: Ask, ranks: int, fiber: int) -> Stored:
    """Return the stored synapses of a fiber from all ranks, whose `Giving` answers."""
    offers: list[Offer] = ask([Asked(fiber, 0)] * ranks)
    return Stored(sum(offer.left for offer in offers), _pieces(ask, fiber, offers))


def _pieces(ask: Ask, fiber: int, offers: Sequence[Offer]) -> Iterator[Synapses]:
    while any(offer.left for offer in offers):
        offers = ask([Asked(fiber, min(offer.reach for offer in offers))] * len(offers))
        yield merged([offer.synapses for offer in offers])


class Given(NamedTuple):
    """Some stored synapses of a fiber for one rank, and whether the law of a random graph has to draw them."""

    fiber: int
    synapses: Synapses
    drawn: bool


class Taking:
    """Collect the stored synapses that a rank is given, aside from its state."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._taken = {f: Synapses(*(np.empty(0, np.int64) for _ in range(3))) for f in WEIGHTS.owners(engine.program)}

    def take(self, given: Given) -> str | None:
        """Keep synapses, and return which of them do not exist, ``None`` if all do."""
        for column, items in zip(self._taken[given.fiber], given.synapses, strict=True):
            first = len(column)
            # In place, so that there are never two copies.  Only this method refers to the memory of a column.
            column.resize(first + len(items), refcheck=False)
            column[first:] = items
        return not_drawn(self._engine, given.fiber, given.synapses) if given.drawn else None

    def taken(self) -> dict[str, Synapses]:
        """Return all synapses by the names of their fibers."""
        return {self._engine.program.fibers[f].name: synapses for f, synapses in self._taken.items()}


def spread(ask: Ask, engine: Engine, fiber: int, declared: Fiber, pieces: Iterable[Synapses]) -> str | None:
    """Give the ranks, whose `Taking` answers, the synapses of a fiber; return what is wrong, ``None`` if nothing is."""
    program = engine.program
    owned = ranges_of(program, program.fibers[fiber].target, engine.company.size)
    declares = isinstance(program.fibers[fiber].graph, Explicit)
    first, before, wanted = 0, NO_SYNAPSES, first_weights(declared) if declares else NO_SYNAPSES
    for piece in pieces:
        end = first + len(piece.pre)
        fault = WEIGHTS.fault(program, fiber, piece) or WEIGHTS.fault(program, fiber, _border(before, piece))
        if declares:
            fault = fault or not_given(_part(wanted, slice(first, end)), piece)
        if fault is None:
            faults = ask([Given(fiber, mine, not declares) for mine in _split(piece, owned)])
            fault = next(filter(None, faults), None)
        if fault is not None:
            return fault
        first, before = end, piece
    return not_given(_part(wanted, slice(first, None)), NO_SYNAPSES)


def _split(synapses: Synapses, owned: Sequence[Range]) -> list[Synapses]:
    """Return those of some synapses that end in each range; a rank that is alone owns all."""
    if len(owned) == 1:
        return [synapses]
    inside = [(own.first <= synapses.post) & (synapses.post < own.end) for own in owned]
    return [_part(synapses, mine) for mine in inside]


def _border(before: Synapses, after: Synapses) -> Synapses:
    """Return the last synapse of a piece and the first of the next."""
    return Synapses(*(np.concatenate([last[-1:], first[:1]]) for last, first in zip(before, after, strict=True)))


def _part(synapses: Synapses, chosen: slice | npt.NDArray[np.bool_]) -> Synapses:
    return Synapses(*(column[chosen] for column in synapses))
