"""A parser made of areas, fibers and locks, for languages whose rules are data.

After Mitropolsky, Collins & Papadimitriou, A biologically plausible parser, TACL 2021, and Mitropolsky et al.,
Center-embedding and constituency in the brain and a new characterization of context-free languages, NALOMA 2022, with
two changes.  The assembly of a word forms from the word alone, before it is linked to others.  And an area keeps the
word that a clause is about, so that no words are read a second time.
"""

from __future__ import annotations

import warnings
from types import TracebackType
from typing import Any, Self

from brainsim._arguments import checked
from brainsim._validation import count
from brainsim.declare.assembly import Assembly
from brainsim.declare.fiber import FiberSet
from brainsim.errors import DeclarationError, UnusedWarning
from brainsim.models.language.clauses import Clauses
from brainsim.models.language.gate import LEX
from brainsim.models.language.gating import Gates
from brainsim.models.language.grammar import Grammar, Rule
from brainsim.models.language.linking import Linking
from brainsim.models.language.parsed import Parsed
from brainsim.models.language.parser_brain import parser_brain
from brainsim.models.language.readout import Reader
from brainsim.simulate.recordings.recording import Recording
from brainsim.simulate.simulator import Simulator


class Parser:
    """A brain that parses sentences, one after the other.

    It has an area LEX, with a pattern for each word, and those that the grammar names.  A word fires in LEX.  Locks
    decide which one area it can reach; there its assembly forms, which is then linked to what fires in areas to which
    open fibers lead.  Then gates open and close as the rule of the word says.  What depends on what is read from the
    firing of the root's assembly alone.

    Python does four things: it looks up the rule of a word, counts the areas of the stack that are in use, keeps the
    locks of the outer sentence during a clause, and keeps the assembly of the root.

    Parameters
    ----------
    grammar : Grammar
        Of the language; see `english`, `russian` and `read_grammar`.
    n, k : int
        Neurons and winners of each area but LEX.
    p : float
        Connection probability of all fibers.
    lex_k : int
        Neurons of a word's pattern.
    alone : int
        Rounds in which a word's assembly forms before it is linked; 0 for the published protocol, in which all fibers
        are open from the first round on.
    rounds : int
        Rounds a word, more than ``alone``.
    beta : float
        How fast fibers between LEX and areas learn; those between areas learn half as fast, and those within an area a
        twentieth as fast.
    forget : bool
        Whether links between words are forgotten when a sentence begins.  If not, links of earlier sentences stay, and
        soon most are wrong.
    **simulator
        Passed on to `Simulator`: ``seed``, ``backend``, ``threads``, ``cache_mb``.

    Examples
    --------
    >>> from brainsim.models.language import Grammar, Parser, Rule
    >>> rules = (Rule("noun", "SUBJ", closes=("LEX~SUBJ",)), Rule("verb", "VERB", ("SUBJ",), closes=("LEX~VERB",)))
    >>> grammar = Grammar({"dogs": "noun", "run": "verb"}, rules, root="VERB", parts={"VERB": ("SUBJ",)})
    >>> with Parser(grammar, n=1000, k=50, backend="reference", seed=1) as parser:
    ...     parser.parse("dogs run").dependencies
    (Dependency(head='run', label='SUBJ', word='dogs'),)

    References
    ----------
    Mitropolsky, Collins, Papadimitriou. A biologically plausible parser. TACL 2021.
    Mitropolsky, Ejaz, Shi, Yannakakis, Papadimitriou. Center-embedding and constituency in the brain and a new
    characterization of context-free languages. NALOMA 2022.
    """

    @checked()
    def __init__(
        self,
        grammar: Grammar,
        *,
        n: int = 10_000,
        k: int = 100,
        p: float = 0.1,
        lex_k: int = 20,
        alone: int = 5,
        rounds: int = 20,
        beta: float = 1.0,
        forget: bool = True,
        **simulator: Any,
    ) -> None:
        self.grammar = grammar
        alone = count("Parser.alone", alone, 0)
        rounds = count("Parser.rounds", rounds, alone + 1, cure="or lower alone")
        self.brain = parser_brain(grammar, n, k, p, lex_k, beta)
        self.lex = self.brain.area(LEX)
        self.sim = Simulator(self.brain, **simulator)
        self._forgets = _links(self.brain.fibers) if forget else FiberSet()
        self._gates = Gates(self.sim, grammar)
        self._reader = Reader(self.sim, grammar)
        self._linking = Linking(self.sim, self._gates, alone, rounds)
        self._clauses = Clauses(self.sim, grammar, self._gates, self._linking)

    @checked()
    def parse(self, sentence: str, *, recording: Recording | None = None) -> Parsed:
        """Parse a sentence, after forgetting which words were linked in those before.

        Parameters
        ----------
        sentence : str
            Words and commas.
        recording : Recording, optional
            One of this parser's simulator: gets a mark for each word.

        Returns
        -------
        Parsed
            What depends on what.

        Raises
        ------
        DeclarationError
            If a word is not in the grammar, finds no area that is open for it (as the second verb of a sentence),
            begins a clause where none can be, or if no word is one on which the sentence could depend.
        """
        words = tuple(sentence.replace(",", " , ").split())
        self._check(words)
        self.sim.forget(self._forgets)
        self.sim.silence()
        self._gates.reset()
        self._clauses.begin()
        formed = []
        for number, word in enumerate(words):
            if recording is not None:
                recording.mark(word)
            formed += self._take(word, " ".join(words[:number]))
        if recording is not None:
            recording.mark("(read)")
        return self._read(words, tuple(formed))

    def close(self) -> None:
        """Free the memory of the simulation."""
        self.__exit__(None, None, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UnusedWarning)  # few sentences use every area of a grammar
            self.sim.__exit__(kind, error, trace)

    def _check(self, words: tuple[str, ...]) -> None:
        """Refuse words that the grammar does not have, before anything is learned."""
        if not words:
            raise DeclarationError(where="Parser.parse.sentence", value="", allowed="at least one word")
        for word in words:
            if not self._clauses.is_sign(word):
                self.grammar.rules_for(word)

    def _take(self, word: str, before: str) -> list[Assembly]:
        """Let the brain hear one word, and return its assembly, if it has one."""
        if self._clauses.is_sign(word):
            self._clauses.take(word)
            return []
        rule = self._rule(word, before)
        area = self.brain.area(rule.area)
        links = [self.brain.area(each) for each in rule.links] + self._clauses.links_of(rule)
        formed = self._linking.form(self.lex[word], area, links)
        self._gates.after(rule)
        self._clauses.formed(area, formed)
        return [Assembly(area.name, formed.neurons, word)]

    def _rule(self, word: str, before: str) -> Rule:
        """Return the rule for a word whose area is open."""
        rules = {self.brain.area(rule.area): rule for rule in self.grammar.rules_for(word)}
        with self._gates.during((self.lex, area) for area in rules):
            opened = self._gates.open_from(self.lex, rules)
        if len(opened) != 1:
            found = "each of " + ", ".join(area.name for area in opened) if opened else "no area"
            raise DeclarationError(
                f"Parser.parse: after {before!r}, {found} is open for {word!r} ({self.grammar.words[word]}), which "
                f"could go to {', '.join(area.name for area in rules)}; one must be",
                where="Parser.parse.sentence",
                value=word,
            )
        return rules[opened[0]]

    def _read(self, words: tuple[str, ...], formed: tuple[Assembly, ...]) -> Parsed:
        root = self._clauses.root
        if root is None:
            allowed = f"a sentence with a word for {self.grammar.root}, outside of clauses"
            raise DeclarationError(where="Parser.parse.sentence", value=" ".join(words), allowed=allowed)
        with self.sim.frozen():
            self.sim.disinhibit()
            node = self._reader.node(root)
            found = self._reader.dependencies(node)
        reached = {node.word, *(dependency.word for dependency in found)}
        unread = tuple(word for word in words if word not in reached and not self._clauses.is_sign(word))
        return Parsed(words, node.word, found, unread, formed)


def _links(fibers: FiberSet) -> FiberSet:
    """Return the fibers that hold a sentence: all but those of LEX, which hold the assemblies of words.

    Those of areas to themselves are among them: they grow with each hearing of a word, until others complete to it.
    """
    return FiberSet(fiber for fiber in fibers if LEX not in (fiber.source.name, fiber.target.name))
