"""Traces: the neurons that fired and won in the last rounds, for each fiber that remembers them.

A trace of ``D`` rounds holds ``D`` pairs of sets.  To apply a step to every pair of a presynaptic and a postsynaptic
neuron of an age, at the rate of that age, gives the weights that a trace at every synapse would give (Izhikevich,
Cerebral Cortex 2007), cut at ``D`` rounds, in memory of ``D`` times the winners.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping

import numpy as np

from brainsim.kernels.program import Program
from brainsim.kernels.state import NO_FIRING, Events, Neurons

_NONE = NO_FIRING.neurons
Pair = tuple[Neurons, Neurons]


class TraceStore:
    """The traces of a program's fibers, the last round first; rounds in which nothing happened have empty sets."""

    def __init__(self, program: Program) -> None:
        lengths = {f: len(fiber.trace.rates) for f, fiber in enumerate(program.fibers) if fiber.trace}
        self._rounds = {f: deque([(_NONE, _NONE)] * size, maxlen=size) for f, size in lengths.items()}

    def note(self, aging: Iterable[int], events: Mapping[int, Pair]) -> None:
        """Let traces age by a round, and remember the neurons that fired and won, by fiber; nothing of other fibers."""
        for fiber in aging:
            fired, won = events.get(fiber, (_NONE, _NONE))
            self._rounds[fiber].appendleft((fired, won) if len(fired) and len(won) else (_NONE, _NONE))

    def oldest_first(self, fiber: int) -> Iterable[Pair]:
        """Return the pairs of sets of a fiber."""
        return reversed(self._rounds[fiber])

    def read(self, fiber: int, end: int) -> Events:
        """Return the neurons of one end of a fiber: 0 for those that fired, 1 for those that won."""
        sets = [pair[end] for pair in self._rounds[fiber]]
        return Events(np.repeat(np.arange(len(sets)), list(map(len, sets))), np.concatenate([_NONE, *sets]))

    def write(self, fiber: int, end: int, events: Events) -> None:
        """Replace the neurons of one end of a fiber."""
        rounds = self._rounds[fiber]
        for age, pair in enumerate(list(rounds)):
            mine = np.array(events.neuron[events.age == age], np.int64)
            rounds[age] = (pair[0], mine) if end else (mine, pair[1])

    def nbytes(self, fiber: int) -> int:
        """Return the bytes of a fiber's trace."""
        return sum(fired.nbytes + won.nbytes for fired, won in self._rounds.get(fiber, ()))
