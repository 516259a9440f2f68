"""Checks that a grammar has what its rules, parts and gates name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from brainsim.errors import DeclarationError, unknown
from brainsim.models.language.gate import LEX, WORD, Gate

if TYPE_CHECKING:
    from brainsim.models.language.grammar import Grammar, Rule


def check_names(grammar: Grammar) -> None:
    """Refuse what a grammar names and does not have."""
    if not grammar.rules:
        raise DeclarationError(where="Grammar.rules", value=(), allowed="at least one rule")
    areas = grammar.areas
    _known("Grammar.root", [grammar.root], areas)
    _known("Grammar.parts", [*grammar.parts, *(each for parts in grammar.parts.values() for each in parts)], areas)
    if grammar.embedding is not None:
        _known("Embedding.heads", grammar.embedding.heads, areas)
        _known("Embedding.missing", [grammar.embedding.missing], areas)
        _new("Embedding.stack", grammar.embedding.stack, (*areas, LEX))
    _gates("Grammar.closed", grammar, grammar.closed)
    for rule in grammar.rules:
        _check_rule(rule, grammar)
    classes = {rule.word for rule in grammar.rules}
    for word, kind in grammar.words.items():
        if kind not in classes:
            allowed = f"one of {', '.join(sorted(classes))}, for which there are rules"
            raise DeclarationError(where=f"Grammar.words[{word!r}]", value=kind, allowed=allowed)
    _new("Grammar: area", areas, (LEX,))
    seen = [(rule.word, rule.area) for rule in grammar.rules]
    for pair in seen:
        if seen.count(pair) > 1:
            raise DeclarationError(where="Grammar.rules", value=pair, allowed="one rule for a class and an area")


def _check_rule(rule: Rule, grammar: Grammar) -> None:
    _known(f"{rule.named}.silences", rule.silences, grammar.areas)
    _known(f"{rule.named}.links", rule.links, grammar.areas)
    for other in rule.links:
        if not {(rule.area, other), (other, rule.area)} & set(grammar.pairs):
            cure = "add the pair to Grammar.parts, the area of the head first"
            allowed = f"areas whose words depend on that of {rule.area!r}, or on which that depends"
            raise DeclarationError(where=f"{rule.named}.links", value=other, allowed=allowed, cure=cure)
    for kind in ("opens", "closes"):
        _gates(f"{rule.named}.{kind}", grammar, getattr(rule, kind))


def _gates(where: str, grammar: Grammar, texts: Iterable[str]) -> None:
    """Refuse gates of areas, or of fibers, that there are not."""
    there = {*grammar.pairs, *((LEX, area) for area in (*grammar.areas, *grammar.stack))}
    for text in texts:
        gate = Gate.read(where, text)
        _known(where, gate.areas, (LEX, *grammar.areas, *grammar.stack))
        if len(gate.areas) == 2 and gate.areas not in there and gate.areas[::-1] not in there:
            cure = "add the pair to Grammar.parts, the area of the head first"
            raise DeclarationError(where=where, value=text, allowed="fibers that the grammar has", cure=cure)
        if gate.lock == WORD:
            raise DeclarationError(
                where=where, value=text, allowed=f"a lock other than {WORD!r}, which the parser uses"
            )


def _known(where: str, names: Iterable[str], areas: tuple[str, ...]) -> None:
    for name in names:
        if name not in areas:
            cure = f"{unknown('area', name, areas)}; areas are those that rules fill"
            raise DeclarationError(where=where, value=name, allowed="an area of the grammar", cure=cure)


def _new(where: str, names: Iterable[str], taken: tuple[str, ...]) -> None:
    for name in names:
        if name in taken:
            raise DeclarationError(where=where, value=name, allowed=f"a name other than {', '.join(taken)}")
