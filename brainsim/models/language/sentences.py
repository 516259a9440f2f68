"""Sentences heard, said and understood: which rounds run, and which position is next.

Gates and locks of the brain decide what can fire: a position only while it is due, a role's words only at its turn; and
the way into positions of the other class is locked while a word is heard.  What is left in Python: the sequence of
rounds, the choice of the most driven area (inhibition between areas, by a probe), which role of the scene a word drives
most, and to begin again with the next frame where a role stayed empty.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from brainsim._arguments import checked
from brainsim.declare.area import Area
from brainsim.declare.assembly import Assembly
from brainsim.declare.fiber import FiberSet
from brainsim.errors import DeclarationError
from brainsim.models.language.order import Order, Slot
from brainsim.models.language.scenes import FRAMES, UNKNOWN, Scene
from brainsim.models.language.words import Words
from brainsim.operations import input_to, most_driven
from brainsim.simulate.recordings.recording import Recording
from brainsim.simulate.simulator import Simulator

CLASS = "class"
"""The lock on the positions and roles that a word of another class cannot fill."""


@dataclass(frozen=True)
class Understood:
    """What a listener takes a sentence to say, by firing alone.

    Attributes
    ----------
    fillers : mapping of str to str
        The word of each role: ``"unknown"`` where what fires in the role is no word.  Empty if a word of the sentence
        has no class.
    frame : str
        The frame in which every role was filled, or "unknown".
    """

    fillers: Mapping[str, str]
    frame: str

    @checked()
    def is_scene(self, scene: Scene) -> bool:
        """Return whether every role is that of a scene."""
        return dict(self.fillers) == scene.fillers


class Sentences:
    """Hears, says and understands sentences with the word order that a brain has learned.

    Parameters
    ----------
    sim : Simulator
        Of the brain.
    order : Order
        Its areas and fibers of word order.
    words : Words
        How words reach them.
    """

    def __init__(self, sim: Simulator, order: Order, words: Words) -> None:
        self._sim, self._order, self._words, self._slots = sim, order, words, order.slots
        self._into = {slot.role: order.into(slot.position) for slot in self._slots}
        self._into_roles = {slot.role: order.into(slot.filler) for slot in self._slots}
        self._inner = {slot.role: slot.position >> slot.position for slot in self._slots}
        self._to_role: dict[str, FiberSet] = {slot.role: slot.lex >> slot.filler for slot in self._slots}
        self._to_words = {slot.role: slot.filler >> slot.lex for slot in self._slots}

    def hear(self, words: Sequence[str], scene: Scene) -> bool:
        """Learn order from a sentence heard while its scene is seen; return whether each word fitted a role.

        A word that has no class, or that of no role that is due, ends the sentence.
        """
        fillers, sim = scene.fillers, self._sim
        if sorted(words) != sorted(fillers.values()):
            wanted, given = ", ".join(fillers.values()), " ".join(words)
            raise DeclarationError(where="hear.words", value=given, allowed=f"the words of the scene ({wanted})")
        self._see(scene)
        self._begin(scene.frame, tuple(fillers))
        self._open(slot.turn for slot in self._slots)
        previous: Area = self._order.start
        for word in words:
            slot = self._meant(word)
            if slot is None:
                break
            self._learn(slot)
            previous = self._advance(slot, previous)
        followed = not any(sim.fires(slot.due) for slot in self._slots)
        sim.silence()
        return followed

    def say(self, scene: Scene) -> tuple[str, ...]:
        """Return the words of a scene in the order in which its positions fire; a probe."""
        with self._sim.frozen():
            return tuple(word for _, word in self._saying(scene))

    def record(self, scene: Scene, areas: Sequence[Area]) -> Recording:
        """Say a scene, and return what fires in some areas meanwhile, with a mark where each role has its turn."""
        with self._sim.frozen() as sim:
            recording = sim.record(*areas)
            recording.mark("scene")
            for _ in self._saying(scene, recording):
                pass
        return recording

    def _saying(self, scene: Scene, recording: Recording | None = None) -> Iterator[tuple[Slot, str]]:
        """Let a scene be said, and yield each position with the word that is heard."""
        self._see(scene)
        self._begin(scene.frame, tuple(scene.fillers))
        previous: Area = self._order.start
        while (slot := self._next()) is not None:
            if recording is not None:
                recording.mark(slot.role)
            self._run_into(slot)
            previous = self._advance(slot, previous)
            self._sim.run(self._to_words[slot.role])
            yield slot, self._words.spoken(slot)

    def understand(self, words: Sequence[str], frame: str | None = None) -> Understood:
        """Return who does what to whom; a probe.

        Frames are tried in turn, that with most roles first, until the words fill every role; or only ``frame``.
        """
        if not words:
            raise DeclarationError(where="understand.words", value=tuple(words), allowed="at least one word")
        if frame not in (None, *FRAMES):
            allowed = f"one of {', '.join(map(repr, FRAMES))}, or None"
            raise DeclarationError(where="understand.frame", value=frame, allowed=allowed)
        for each in FRAMES if frame is None else (frame,):
            with self._sim.frozen():
                found = self._understood(words, each)
            if found is not None:
                return found
        raise DeclarationError(
            where="understand.words",
            value=" ".join(words),
            allowed="a verb and one or two nouns, as many as a frame has roles",
            cure="leave out what is there twice, and add what is missing",
        )

    def fillers(self, scene: Scene) -> dict[str, Assembly]:
        """Return what fires in each role when a scene is seen, by role; a probe."""
        with self._sim.frozen():
            self._see(scene)
            return {s.role: self._sim.assembly(s.filler) for s in self._slots if s.role in scene.fillers}

    def meanings(self, fillers: Mapping[str, Assembly]) -> dict[str, str]:
        """Return the word of what fires in each role, or "unknown"; a probe."""
        found = {}
        for slot in self._slots:
            if slot.role in fillers:
                with self._sim.frozen() as sim:
                    sim.silence()
                    sim.present(fillers[slot.role])
                    found[slot.role] = self._named(slot)
        return found

    def _understood(self, words: Sequence[str], frame: str) -> Understood | None:
        """Return what words say in a frame; ``None`` if they do not fit it."""
        sim = self._sim
        sim.silence()
        self._begin(frame, FRAMES[frame])
        previous: Area = self._order.start
        filled = []
        for word in words:
            lex = self._words.hear(word)
            if lex is None:
                return Understood({}, UNKNOWN)
            slot = self._heard(lex)
            if slot is None:
                return None
            previous = self._advance(slot, previous)
            if self._order.mechanism == "syntax":
                sim.run(self._to_role[slot.role])
            sim.hold(slot.filler)
            sim.silence(lex)
            filled.append(slot)
        if any(sim.fires(slot.due) for slot in self._slots):
            return None
        return Understood(self.meanings({slot.role: sim.assembly(slot.filler) for slot in filled}), frame)

    def _heard(self, lex: Area) -> Slot | None:
        """Let the position, and with the mechanism "role" the role, of a word fire that fires its lexical area."""
        # Only fibers into the positions of the other class are closed: what fires there still drives the next position.
        for slot in self._slots:
            if slot.lex is not lex:
                self._sim.inhibit(self._into[slot.role] | self._role_fibers(slot), lock=CLASS)
        chosen = self._next(with_words=True)
        if chosen is not None:
            if self._order.mechanism == "role":
                self._sim.run(self._role_fibers(chosen))
            self._run_into(chosen)
        self._sim.disinhibit(lock=CLASS)
        return chosen

    def _begin(self, frame: str, due: Sequence[str]) -> None:
        """Let Start and Mood fire, and the areas of the positions that are due."""
        sim, order = self._sim, self._order
        pattern = frame if order.frames else "any"
        sim.silence(*order.syntax.areas.values())
        sim.present(order.start[pattern], order.mood[pattern])
        self._open(slot.due for slot in self._slots if slot.role in due)
        sim.release(*order.syntax.due)

    def _open(self, areas: Iterable[Area]) -> None:
        self._sim.present(*(area["on"] for area in areas))

    def _see(self, scene: Scene) -> None:
        """Hold the fillers of a scene in their roles."""
        self._sim.silence()
        for slot in self._slots:
            if slot.role in scene.fillers:
                self._open((slot.turn, slot.due))
                self._words.show(slot, scene.fillers[slot.role])
                self._sim.hold(slot.filler)

    def _next(self, *, with_words: bool = False) -> Slot | None:
        """Return the slot that is driven most among those that are due."""
        by_role = self._order.mechanism == "role"
        if by_role and not with_words:
            return self._most()
        fibers = [f for slot in self._slots for f in (self._role_fibers(slot) if by_role else self._into[slot.role])]
        area = most_driven(self._sim, [slot.filler if by_role else slot.position for slot in self._slots], fibers)
        return next((slot for slot in self._slots if area in (slot.filler, slot.position)), None)

    def _role_fibers(self, slot: Slot) -> FiberSet:
        """Return the fibers from words, and with the mechanism "role" from order, into a role."""
        return self._to_role[slot.role] | self._into_roles[slot.role]

    def _most(self) -> Slot | None:
        """Return the slot whose filler in the scene has the largest input from the position that fires."""
        sim = self._sim
        there = [slot for slot in self._slots if sim.fires(slot.filler)]
        inputs = [input_to(sim, sim.assembly(slot.filler), self._into_roles[slot.role]) for slot in there]
        return there[inputs.index(max(inputs))] if inputs and max(inputs) > 0 else None

    def _meant(self, word: str) -> Slot | None:
        """Return the slot whose filler in the scene a word drives most, of those that are due."""
        sim, lex = self._sim, self._words.hear(word)
        found = [slot for slot in self._slots if slot.lex is lex and sim.fires(slot.due)]
        inputs = [input_to(sim, sim.assembly(slot.filler), self._to_role[slot.role]) for slot in found]
        sim.silence(*(slot.lex for slot in self._slots))
        return found[inputs.index(max(inputs))] if inputs else None

    def _learn(self, slot: Slot) -> None:
        """Learn that a position follows: one round, and one more in which the position also drives itself."""
        opened = self._into[slot.role]
        if self._order.mechanism == "role":
            opened = opened | self._into_roles[slot.role]
        self._sim.run(opened)
        self._sim.run(opened | self._inner[slot.role])

    def _run_into(self, slot: Slot) -> None:
        self._sim.run(self._into[slot.role])

    def _advance(self, slot: Slot, previous: Area) -> Area:
        """Hold a position that has fired, so that it is no longer due and has its turn."""
        self._sim.silence(previous)
        self._sim.hold(slot.position)
        self._sim.run(self._order.syntax.keeping)
        return slot.position

    def _named(self, slot: Slot) -> str:
        """Return the word of what fires in a role."""
        self._open((slot.turn,))
        self._sim.run(self._to_words[slot.role])
        return self._words.meant(slot)
