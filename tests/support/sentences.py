"""Example arguments for trees and parsers of `brainsim.models.language`; see `nonsense`."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import count
from typing import Any

from brainsim import Area, Assembly, Brain
from brainsim.models.language import Dependency, Embedding, Grammar, Parsed, Parser, Rule

Example = Callable[[Any], Any]
RULES = (Rule("noun", "SUBJ", closes=("LEX~SUBJ",)), Rule("verb", "VERB", ("SUBJ",), closes=("LEX~VERB",)))
WORDS = {"dog": "noun", "run": "verb"}
PARTS = {"VERB": ("SUBJ",)}
_numbers = count()


def grammar() -> Grammar:
    return Grammar(WORDS, RULES, "VERB", PARTS)


@cache
def _parser() -> Parser:
    return Parser(grammar(), n=30, k=5, p=0.5, lex_k=4, backend="reference")


@cache
def _brain() -> Brain:
    brain = Brain()
    brain.add(Area("A", 10, 2), Area("B", 10, 2))
    return brain


def _file(given: Any) -> Any:
    path = given.folder / "grammar.toml"
    path.write_text('root = "S"\nwords = {n = "dog"}\n[[rules]]\nword = "n"\narea = "S"\n')
    return path


BY_ANNOTATION: dict[str, Example] = {
    "Embedding": lambda w: Embedding(heads=("SUBJ",), missing="SUBJ"),
    "Grammar": lambda w: grammar(),
    "Mapping[str, tuple[str, ...]]": lambda w: PARTS,
    "Tree": lambda w: ("Arc", w.phon["dog"], w.lex["dog"]),
    "tuple[Rule, ...]": lambda w: RULES,
}
BY_NAME: dict[str, Example] = {
    "language.Grammar.words": lambda w: WORDS,
    "language.Grammar.root": lambda w: "VERB",
    "language.Grammar.closed": lambda w: ("SUBJ",),
    "language.Parser.k": lambda w: 5,
    "language.Parser.n": lambda w: 30,
    "language.Parser.parse.recording": lambda w: _parser().sim.record(),
    "language.Parser.parse.sentence": lambda w: "dog run",
    "language.Rule.closes": lambda w: ("SUBJ",),
    "language.Rule.gates.kind": lambda w: "opens",
    "language.Rule.opens": lambda w: ("SUBJ",),
    "language.add_phrase.brain": lambda w: _brain(),
    "language.add_phrase.name": lambda w: f"VP{next(_numbers)}",
    "language.add_phrase.n": lambda w: 60,
    "language.add_phrase.other": lambda w: _brain()["B"],
    "language.add_phrase.part": lambda w: _brain()["A"],
    "language.english.words": lambda w: {"dog": "noun"},
    "language.read_grammar.path": _file,
    "language.read_tree.root": lambda w: Assembly("Arc", range(10)),
    "language.read_tree.shape": lambda w: ("Arc", "Phon", "Lex"),
    "language.russian.words": lambda w: {"dom": "nominative"},
}
ALWAYS = ("language.Grammar.parts", "language.Parser.n", "language.Parser.k", "language.add_phrase.n")
SELVES: dict[type | str, Example] = {
    Grammar: lambda w: grammar(),
    Parsed: lambda w: Parsed(("dogs",), "run", (Dependency("run", "SUBJ", "dogs"),)),
    Parser: lambda w: _parser(),
    Rule: lambda w: RULES[0],
}
