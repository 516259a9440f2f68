"""The declaration of word order: syntactic positions that drive each other in the order in which a language has them.

Both mechanisms choose the next position as the one that is driven most among those that are due.  What drives it:

- ``"syntax"``: the position that fired before (at first Start), and Mood.  No fiber from words or roles ends in a
  position, so that order is a chain of three assemblies for each frame, whatever the words are.
- ``"role"``, as published: the position that fired before (at first Start) drives the assembly of the present word in
  its role area, and the role drives its position.  So order is learned word by word.

Gates of fibers hold what is still due, and whose turn it is (see `brainsim.areas.Syntax`).  `sentences` runs them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from brainsim.areas import Mood, Role, Start, Syntax
from brainsim.declare.area import Area
from brainsim.declare.brain import Brain
from brainsim.declare.fiber import FiberSet
from brainsim.declare.plasticity import Plasticity
from brainsim.models.language.scenes import FRAMES, ROLES

Mechanism = Literal["syntax", "role"]


@dataclass(frozen=True)
class Slot:
    """A role, its position, the areas that gate them, and the lexical area of the words that fill them."""

    role: str
    filler: Area
    position: Area
    due: Area
    turn: Area
    lex: Area


class Order:
    """The areas and fibers of word order, declared on a brain; `Sentences` lets a simulator learn and use it.

    Parameters
    ----------
    brain : Brain
        To which roles, positions, Start and Mood are added.
    nouns, verbs : Area
        Its lexical areas.
    mechanism : "syntax" or "role"
        Where order is learned.
    frames : bool
        Whether each frame has patterns of its own in Start and Mood.
    n, k, p : numbers
        Neurons and winners of the areas, and connection probability of their fibers.
    rule : Plasticity
        Of the fibers that hold order.
    forward, back : Plasticity
        Of the fibers from words to roles, and back.
    """

    def __init__(
        self,
        brain: Brain,
        nouns: Area,
        verbs: Area,
        *,
        mechanism: Mechanism,
        frames: bool,
        n: int,
        k: int,
        p: float,
        rule: Plasticity,
        forward: Plasticity,
        back: Plasticity,
    ) -> None:
        self.mechanism, self.frames, self._brain = mechanism, frames, brain
        self.role, self.syntax = brain.add(Role(n=n, k=k), Syntax(n=n, k=k))
        patterns = tuple(FRAMES) if frames else ("any",)
        self.start, self.mood = brain.add(Start(patterns, k), Mood(patterns, k))
        fillers = (self.role.agent, self.role.action, self.role.patient)
        lexical = (nouns, verbs, nouns)
        parts = zip(ROLES, fillers, self.syntax.positions, self.syntax.due, self.syntax.turn, lexical, strict=True)
        self.slots = tuple(Slot(*each) for each in parts)
        for slot in self.slots:
            self._connect_words(slot, p, forward, back)
            self._connect_order(slot, p, rule)

    def _connect_words(self, slot: Slot, p: float, forward: Plasticity, back: Plasticity) -> None:
        # With the mechanism "role", words compete with order for a role before its position has fired.
        first = slot.turn if self.mechanism == "syntax" else slot.due
        self._brain.connect(slot.lex, slot.filler, p, forward, gate=first["on"])
        self._brain.connect(slot.filler, slot.lex, p, back, gate=slot.turn["on"])

    def _connect_order(self, slot: Slot, p: float, rule: Plasticity) -> None:
        others = [other.position for other in self.slots if other is not slot]
        if self.mechanism == "syntax":
            pairs = [(source, slot.position) for source in (self.start, self.mood, *others)]
        else:
            pairs = [(source, slot.filler) for source in (self.start, *others)]
            pairs += [(source, slot.position) for source in (slot.filler, self.mood)]
        for source, target in pairs:
            self._brain.connect(source, target, p, rule, gate=slot.due["on"])
        self._brain.connect(slot.position, slot.position, p, rule)

    @property
    def fibers(self) -> FiberSet:
        """The fibers that hold order, and those of positions to themselves."""
        ends = [slot.position for slot in self.slots] + [slot.filler for slot in self.slots]
        lexical = {slot.lex.name for slot in self.slots}
        return FiberSet(f for f in self._brain.fibers if f.target in ends and f.source.name not in lexical)

    def into(self, area: Area) -> FiberSet:
        """Return those of the fibers that hold order which drive a position, or a role, from other areas."""
        return FiberSet(fiber for fiber in self.fibers if fiber.target is area is not fiber.source)
