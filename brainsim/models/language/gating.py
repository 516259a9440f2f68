"""The gates of a parser's brain: locks on areas and fibers, put on and taken off as rules say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from brainsim.declare.area import Area
from brainsim.declare.fiber import FiberSet
from brainsim.models.language.gate import WORD, Gate
from brainsim.models.language.grammar import Grammar, Rule
from brainsim.simulate.simulator import Simulator

Locks = Mapping[str, tuple[str, ...]]


class Gates:
    """Opens and closes what rules name.

    All fibers between areas carry the lock ``word``.  A word takes it off the fibers that its rules name; if they, and
    the areas at their ends, carry no other lock, they transmit.
    """

    def __init__(self, sim: Simulator, grammar: Grammar) -> None:
        self._sim = sim
        self._grammar = grammar

    def reset(self) -> None:
        """Put all gates into the state in which a sentence or a clause begins."""
        sim, brain = self._sim, self._sim.brain
        sim.disinhibit()
        sim.inhibit(FiberSet(fiber for fiber in brain.fibers if fiber.source is not fiber.target), lock=WORD)
        for text in self._grammar.closed:
            self._close(Gate.read("Grammar.closed", text))

    def after(self, rule: Rule) -> None:
        """Do what a rule says after its word."""
        for gate in rule.gates("opens"):
            self._sim.disinhibit(self._target(gate.areas), lock=gate.lock)
        for gate in rule.gates("closes"):
            self._close(gate)
        if rule.silences:
            self._sim.silence(*rule.silences)

    @contextmanager
    def during(self, pairs: Iterable[tuple[Area, Area]]) -> Iterator[None]:
        """Take the lock ``word`` off the fibers between some areas for the length of a block."""
        fibers = [one & other for one, other in pairs]
        for each in fibers:
            self._sim.disinhibit(each, lock=WORD)
        try:
            yield
        finally:
            for each in fibers:
                self._sim.inhibit(each, lock=WORD)

    def open_from(self, source: Area, targets: Iterable[Area]) -> list[Area]:
        """Return the areas to which fibers from another transmit."""
        return [target for target in targets if len(self._sim.transmitting(source >> target))]

    def snapshot(self) -> Locks:
        """Return all locks, for `restore`."""
        return self._sim.locks

    def restore(self, locks: Locks) -> None:
        """Put back the locks that there were."""
        sim, named = self._sim, {fiber.name: fiber for fiber in self._sim.brain.fibers}
        sim.disinhibit()
        for owner, names in locks.items():
            for name in names:
                sim.inhibit(named.get(owner, owner), lock=name)

    def _close(self, gate: Gate) -> None:
        self._sim.inhibit(self._target(gate.areas), lock=gate.lock)

    def _target(self, areas: tuple[str, ...]) -> Area | FiberSet:
        """Return an area, or the fibers between two."""
        one, *other = (self._sim.brain.area(name) for name in areas)
        return one & other[0] if other else one
