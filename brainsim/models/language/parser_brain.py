"""The brain of a parser, declared from a grammar."""

from __future__ import annotations

from brainsim.declare.area import Area
from brainsim.declare.brain import Brain
from brainsim.declare.patterns import disjoint
from brainsim.declare.rules import Hebbian
from brainsim.models.language.gate import LEX
from brainsim.models.language.grammar import Grammar

BETWEEN, WITHIN = 0.5, 0.05
"""How fast fibers between areas and within areas learn, beside those of LEX, as in the published parser."""


def parser_brain(grammar: Grammar, n: int, k: int, p: float, lex_k: int, beta: float) -> Brain:
    """Return a brain with an area LEX, which has a pattern for each word, and the areas and fibers of a grammar."""
    brain, patterns = Brain(), disjoint(grammar.words, lex_k)
    of_words, of_links, of_areas = Hebbian(beta), Hebbian(BETWEEN * beta), Hebbian(WITHIN * beta)
    lex = brain.add(Area(LEX, lex_k * len(patterns), lex_k, patterns))
    for name in (*grammar.areas, *grammar.stack):
        area = brain.add(Area(name, n, k))
        brain.connect(area, area, p, of_areas)
        if name not in grammar.stack:
            brain.connect(lex, area, p, of_words)
            brain.connect(area, lex, p, of_words)
    for one, other in grammar.pairs:
        brain.connect(brain.area(one), brain.area(other), p, of_links)
        brain.connect(brain.area(other), brain.area(one), p, of_links)
    return brain
