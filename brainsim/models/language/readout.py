"""Reading a parsed sentence from the firing of a brain: which word depends on which."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from brainsim.declare.area import Area
from brainsim.declare.assembly import Assembly
from brainsim.models.language.gate import LEX
from brainsim.models.language.grammar import Grammar
from brainsim.models.language.parsed import Dependency
from brainsim.operations import evoke, read_out
from brainsim.simulate.simulator import Simulator

CLAUSE = "CLAUSE"
"""The label with which the root of a clause depends on the word that the clause says something about."""


class Node(NamedTuple):
    """An assembly, and the word that it makes fire."""

    area: Area
    assembly: Assembly
    word: str


class Reader:
    """Walks from an assembly to those that it is linked to, and names their words.

    An assembly fires at an area, what it makes fire there fires back, and if that restores a part of the first one,
    the two are linked.  Nothing else tells what was linked.

    Parameters
    ----------
    sim : Simulator
        Of the brain of a parser.
    grammar : Grammar
        Whose parts say where to look.
    at_least : float
        Share of an assembly that must fire back.
    """

    def __init__(self, sim: Simulator, grammar: Grammar, at_least: float = 0.25) -> None:
        self._sim = sim
        self._grammar = grammar
        self._at_least = at_least
        self._lex = sim.brain.area(LEX)

    def word(self, assembly: Assembly) -> str:
        """Return the word that an assembly makes fire: "unknown" if that is none."""
        fired = evoke(self._sim, assembly, self._sim.brain.area(assembly.area) >> self._lex)
        return read_out(fired, self._lex.patterns).label or "unknown"

    def node(self, assembly: Assembly) -> Node:
        """Return an assembly with its area and word."""
        return Node(self._sim.brain.area(assembly.area), assembly, self.word(assembly))

    def linked(self, assembly: Assembly, target: str) -> Assembly | None:
        """Return what an assembly is linked to in another area, if anything."""
        area, other = self._sim.brain.area(assembly.area), self._sim.brain.area(target)
        found = evoke(self._sim, assembly, area >> other)
        if not len(found):
            return None
        back = evoke(self._sim, found, other >> area)
        return found if assembly.overlap(back) >= self._at_least else None

    def dependencies(self, root: Node) -> tuple[Dependency, ...]:
        """Return all dependencies below the root of a sentence, each once."""
        return tuple(dict.fromkeys(self._below(root, {(root.area.name, root.word)})))

    def _below(self, head: Node, seen: set[tuple[str, str]]) -> Iterator[Dependency]:
        for label, part in self._parts(head):
            yield Dependency(head.word, label, part.word)
            if (part.area.name, part.word) not in seen:
                seen.add((part.area.name, part.word))
                yield from self._below(part, seen)

    def _parts(self, head: Node) -> Iterator[tuple[str, Node]]:
        """Yield what depends on a word: words of its parts, and the roots of clauses."""
        for name in self._grammar.parts.get(head.area.name, ()):
            part = self.linked(head.assembly, name)
            if part is not None:
                yield name, self.node(part)
        embedding = self._grammar.embedding
        if embedding is not None and head.area.name in embedding.heads:
            for name in embedding.stack:
                kept = self.linked(head.assembly, name)
                clause = None if kept is None else self.linked(kept, self._grammar.root)
                if clause is not None:
                    yield CLAUSE, self.node(clause)
