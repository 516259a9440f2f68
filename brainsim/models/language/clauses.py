"""Clauses within a sentence, such as relative clauses: a stack of areas that keep the words which clauses are about."""

from __future__ import annotations

from dataclasses import dataclass, field

from brainsim.declare.area import Area
from brainsim.declare.assembly import Assembly
from brainsim.errors import DeclarationError
from brainsim.models.language.gate import LEX
from brainsim.models.language.gating import Gates, Locks
from brainsim.models.language.grammar import Embedding, Grammar, Rule
from brainsim.models.language.linking import Linking
from brainsim.operations import evoke
from brainsim.simulate.simulator import Simulator


@dataclass
class Clause:
    """A sentence or a clause that is being parsed.

    Attributes
    ----------
    kept : Area or None
        Where the word is kept that the clause is about; ``None`` for the sentence itself.
    head : Area or None
        Where that word was.
    locks : mapping
        Those of the sentence around it, as it began.
    filled : set of Area
        Where words of the clause went.
    """

    kept: Area | None = None
    head: Area | None = None
    locks: Locks = field(default_factory=dict)
    filled: set[Area] = field(default_factory=set)


class Clauses:
    """The clauses that are open, the innermost last, and the root of the sentence."""

    def __init__(self, sim: Simulator, grammar: Grammar, gates: Gates, linking: Linking) -> None:
        self._sim, self._brain, self._grammar = sim, sim.brain, grammar
        self._gates, self._linking = gates, linking
        self._stack = [self._brain.area(name) for name in grammar.stack]
        self._lex, self._root_area = self._brain.area(LEX), self._brain.area(grammar.root)
        self.begin()

    def begin(self) -> None:
        """Begin a sentence."""
        self._open = [Clause()]
        self.root: Assembly | None = None

    def is_sign(self, word: str) -> bool:
        """Return whether a word begins or ends a clause."""
        embedding = self._grammar.embedding
        return embedding is not None and word in (embedding.begins, embedding.ends)

    def take(self, sign: str) -> None:
        """Begin or end a clause."""
        embedding = self._grammar.embedding
        assert embedding is not None, "a sign is one of an embedding"
        if sign == embedding.begins:
            self._push(embedding)
        else:
            self._pop(embedding)

    def links_of(self, rule: Rule) -> list[Area]:
        """Return what the root of a clause is linked to besides: the area that keeps the word which it is about."""
        kept = self._open[-1].kept
        return [kept] if kept is not None and rule.area == self._grammar.root else []

    def formed(self, area: Area, assembly: Assembly) -> None:
        """Note where a word went."""
        self._open[-1].filled.add(area)
        if area is self._root_area and len(self._open) == 1:
            self.root = assembly

    def _push(self, embedding: Embedding) -> None:
        """Keep a word in the next area of the stack, and begin a clause about it, in which it fires at first."""
        sim, depth = self._sim, len(self._open) - 1
        if depth == len(self._stack):
            raise _refused(
                embedding.begins,
                f"at most {depth} clauses within each other, one for each of {', '.join(embedding.stack)}",
            )
        head, kept = self._head(embedding), self._stack[depth]
        assembly = sim.assembly(head)
        self._linking.form(assembly, kept, ())
        self._open.append(Clause(kept, head, self._gates.snapshot()))
        sim.silence(*(area for area in self._brain.areas.values() if area not in self._stack))
        sim.hold(kept)
        self._gates.reset()
        self._expect(assembly, self._brain.area(embedding.heads[0]))

    def _head(self, embedding: Embedding) -> Area:
        """Return the area of the word that a clause is about: of those that can have one, the one that fires."""
        firing = [self._brain.area(name) for name in embedding.heads if self._sim.fires(name)]
        if len(firing) != 1:
            found = ", ".join(area.name for area in firing) or "none"
            raise _refused(
                embedding.begins, f"a clause where one of {', '.join(embedding.heads)} fires (there is {found})"
            )
        return firing[0]

    def _expect(self, head: Assembly, area: Area) -> None:
        """Let a word fire where its clause expects it: as it is, or copied by way of LEX."""
        if head.area != area.name:
            self._copy(head, area, ())
            return
        self._sim.present(head)
        self._sim.release(area)

    def _copy(self, source: Assembly, area: Area, links: tuple[Area, ...]) -> None:
        """Let the word of an assembly fire in another area, too."""
        with self._sim.frozen():
            self._sim.disinhibit()
            word = evoke(self._sim, source, self._brain.area(source.area) >> self._lex)
        self._linking.form(word, area, links)

    def _pop(self, embedding: Embedding) -> None:
        """End a clause: the word that it is about fires again where it was, and the sentence around it goes on."""
        sim, clause = self._sim, self._open[-1]
        if clause.kept is None or clause.head is None:
            raise _refused(embedding.ends, f"the end of a clause that {embedding.begins!r} begins (there is none)")
        if self._root_area not in clause.filled:
            raise _refused(embedding.ends, f"the end of a clause with a word for {self._root_area.name} (it has none)")
        with sim.frozen():
            sim.disinhibit()
            head = evoke(sim, sim.assembly(clause.kept), clause.kept >> clause.head)
        self._fill_gap(embedding, clause, head)
        self._open.pop()
        sim.silence(clause.kept, *(area for area in self._brain.areas.values() if area not in self._stack))
        self._gates.restore(clause.locks)
        sim.present(head)
        sim.release(clause.head)

    def _fill_gap(self, embedding: Embedding, clause: Clause, head: Assembly) -> None:
        """Let the word that a clause is about fill the place that no word of the clause has."""
        missing, first = self._brain.area(embedding.missing), self._brain.area(embedding.heads[0])
        if missing in clause.filled or first not in clause.filled:
            return
        with self._gates.during([(self._lex, missing)]):
            expected = self._gates.open_from(self._lex, [missing])
        if expected:
            self._copy(head, missing, (self._root_area,))


def _refused(sign: str, allowed: str) -> DeclarationError:
    return DeclarationError(where=f"Parser.parse.sentence: {sign!r}", value=sign, allowed=allowed)
