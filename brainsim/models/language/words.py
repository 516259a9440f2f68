"""How words enter and leave the part of a brain that knows their order: as patterns, or as sounds with a meaning."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from brainsim.areas import Motor, Visual
from brainsim.declare.area import Area
from brainsim.models.language.order import Slot
from brainsim.models.language.scenes import UNKNOWN
from brainsim.models.nemo import WordLearner
from brainsim.operations import read_out
from brainsim.simulate.simulator import Simulator

LEAST = 0.5
"""Least share of a sound or a meaning that must fire to be read."""


class Words(Protocol):
    """How words enter and leave the part of a brain that knows their order."""

    def hear(self, word: str) -> Area | None:
        """Let the sound of a word fire its lexical area, and return that; ``None`` if the word has no class."""

    def show(self, slot: Slot, word: str) -> None:
        """Let the filler of a role fire in its role area, where it is held."""

    def spoken(self, slot: Slot) -> str:
        """Say what fires in the lexical area of a slot, and return the word that is heard, or "unknown"."""

    def meant(self, slot: Slot) -> str:
        """Return the word whose meaning what fires in the lexical area of a slot is, or "unknown"."""


class Patterns:
    """Words that are patterns of their lexical areas."""

    def __init__(self, sim: Simulator, areas: Mapping[str, Area]) -> None:
        self._sim, self._areas = sim, areas

    def hear(self, word: str) -> Area | None:
        """Let a word fire, and return its lexical area."""
        self._sim.present(self._areas[word][word])
        return self._areas[word]

    def link(self, slot: Slot, word: str, rounds: int) -> None:
        """Form an assembly of a word in a role, linked both ways."""
        sim = self._sim
        sim.silence()
        sim.present(slot.turn["on"], slot.due["on"], slot.lex[word])
        sim.run(slot.lex >> slot.filler)
        if rounds > 1:
            sim.run(slot.lex >> slot.filler | slot.filler >> slot.lex, rounds - 1)

    def show(self, slot: Slot, word: str) -> None:
        """Let the assembly of a word in a role fire."""
        self._sim.present(slot.lex[word])
        self._sim.run(slot.lex >> slot.filler, learn=())
        self._sim.silence(slot.lex)

    def spoken(self, slot: Slot) -> str:
        """Return the word whose pattern fires."""
        return read_out(self._sim.assembly(slot.lex), slot.lex.patterns).label or UNKNOWN

    meant = spoken  # a pattern is sound and meaning at once


class Grounded:
    """Words that have a sound, a meaning and an assembly in a lexical area."""

    def __init__(self, learner: WordLearner) -> None:
        self._learner, self._sim = learner, learner.sim

    def grounding(self, lex: Area) -> Visual | Motor:
        """Return the area of what the words of a lexical area mean."""
        return self._learner.visual if lex is self._learner.lex1 else self._learner.motor

    def hear(self, word: str) -> Area | None:
        """Let the sound of a word fire the lexical area that fires it back, and return that; ``None`` if none does."""
        learner, sim = self._learner, self._sim
        heard = learner.listen(word)
        best = heard.areas_by("readback")
        if len(best) > 1 or heard.readback[best[0]] < LEAST:
            return None
        lex = next(area for area in (learner.lex1, learner.lex2) if area.name == best[0])
        sim.present(learner.phon[word])
        sim.run(learner.phon >> lex, learn=())
        sim.hold(lex)
        sim.silence(learner.phon)
        return lex

    def link(self, slot: Slot, word: str, rounds: int) -> None:
        """Form an assembly in a role of what a thing or an action fires in its lexical area, linked both ways."""
        sim = self._sim
        sim.silence()
        self._mean(slot, word)
        sim.present(slot.turn["on"], slot.due["on"])
        sim.run(slot.lex >> slot.filler)
        if rounds > 1:
            sim.run(slot.lex >> slot.filler | slot.filler >> slot.lex, rounds - 1)

    def show(self, slot: Slot, word: str) -> None:
        """Let a thing or an action fire its assembly in a role."""
        self._mean(slot, word)
        self._sim.run(slot.lex >> slot.filler, learn=())
        self._sim.silence(slot.lex)

    def spoken(self, slot: Slot) -> str:
        """Return the word whose sound fires."""
        return self._read(slot, self._learner.phon)

    def meant(self, slot: Slot) -> str:
        """Return the word whose meaning fires."""
        return self._read(slot, self.grounding(slot.lex))

    def _read(self, slot: Slot, area: Area) -> str:
        self._sim.run(slot.lex >> area, learn=())
        return read_out(self._sim.assembly(area), area.patterns, threshold=LEAST).label or UNKNOWN

    def _mean(self, slot: Slot, word: str) -> None:
        """Hold what a thing or an action fires in its lexical area."""
        sim, grounding = self._sim, self.grounding(slot.lex)
        sim.present(grounding[word])
        sim.run(grounding >> slot.lex, learn=())
        sim.hold(slot.lex)
        sim.silence(grounding)
