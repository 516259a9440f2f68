"""Grammars as data: where words of each class go, what they are linked to, and which gates open and close."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from brainsim._arguments import check_record, checked
from brainsim.errors import DeclarationError, unknown
from brainsim.models.language.gate import Gate
from brainsim.models.language.grammar_checks import check_names


@dataclass(frozen=True)
class Rule:
    """What happens upon a word of a class while one area is open for it.

    Attributes
    ----------
    word : str
        Class of the word.
    area : str
        Where the assembly of the word forms.
    links : tuple of str
        Areas that it is linked to, if they fire.  The fibers between them and the area are open during this word alone.
    opens, closes : tuple of str
        Gates that lose or get a lock after the word: ``"OBJ"`` for an area, ``"LEX~SUBJ"`` for the fibers between two,
        and ``"LEX~SUBJ[prep]"`` for a lock other than ``rule``, so that two reasons can keep a gate closed.
    silences : tuple of str
        Areas that fall silent after the word, so that nothing more is linked to what fired there.

    Raises
    ------
    DeclarationError
        If it names no area.

    Examples
    --------
    >>> from brainsim.models.language import Rule
    >>> Rule("noun", "OBJ", links=("DET", "VERB"), closes=("LEX~OBJ",), silences=("DET",)).area
    'OBJ'
    """

    word: str
    area: str
    links: tuple[str, ...] = ()
    opens: tuple[str, ...] = ()
    closes: tuple[str, ...] = ()
    silences: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_record(self)
        if not self.area:
            raise DeclarationError(where=f"{self.named}.area", value=self.area, allowed="the name of an area")

    @checked()
    def gates(self, kind: str) -> tuple[Gate, ...]:
        """Return the gates that it ``"opens"`` or ``"closes"``."""
        if kind not in ("opens", "closes"):
            raise DeclarationError(where="Rule.gates.kind", value=kind, allowed="'opens' or 'closes'")
        return tuple(Gate.read(f"{self.named}.{kind}", each) for each in getattr(self, kind))

    @property
    def named(self) -> str:
        """How errors call it."""
        return f"Rule {self.word!r} -> {self.area!r}"


@dataclass(frozen=True)
class Embedding:
    """Clauses within a sentence: a stack of areas, each of which keeps the word that a clause says something about.

    Attributes
    ----------
    stack : tuple of str
        Areas, as many as clauses can lie within each other.
    heads : tuple of str
        Areas whose word can have a clause, the one first in which the clause itself expects it.
    missing : str
        Area that the word fills if the clause ends and has a word of its own in the first of ``heads``, but none here.
    begins, ends : str
        Words that begin and end a clause.
    """

    stack: tuple[str, ...] = ("DEP1", "DEP2", "DEP3")
    heads: tuple[str, ...] = ("SUBJ", "OBJ")
    missing: str = "OBJ"
    begins: str = "that"
    ends: str = ","

    def __post_init__(self) -> None:
        check_record(self)
        for name in ("stack", "heads"):
            if not getattr(self, name):
                raise DeclarationError(where=f"Embedding.{name}", value=(), allowed="at least one area")


@dataclass(frozen=True)
class Grammar:
    """The words and rules of a language, all of it data.

    Attributes
    ----------
    words : mapping of str to str
        The class of each word.
    rules : tuple of Rule
        Several for a class if its words go to different areas; which one applies is decided by the locks.
    root : str
        Area of the word on which a sentence depends.
    parts : mapping of str to tuple of str
        For each area the areas of words that depend on its word.  There are fibers both ways between these, between
        ``LEX`` and every area, and from each area but ``LEX`` to itself.
    closed : tuple of str
        Gates that are closed at the beginning of a sentence and of a clause.
    embedding : Embedding, optional
        Clauses within sentences.

    Raises
    ------
    DeclarationError
        If a rule, a part or a gate names an area that no rule fills, a word has a class without a rule, or a rule links
        areas that are no parts of each other.

    Examples
    --------
    >>> from brainsim.models.language import Grammar, Rule
    >>> rules = (Rule("noun", "SUBJ", closes=("LEX~SUBJ",)), Rule("verb", "VERB", ("SUBJ",), closes=("LEX~VERB",)))
    >>> grammar = Grammar({"dogs": "noun", "run": "verb"}, rules, root="VERB", parts={"VERB": ("SUBJ",)})
    >>> grammar.areas
    ('SUBJ', 'VERB')
    """

    words: Mapping[str, str]
    rules: tuple[Rule, ...]
    root: str
    parts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    closed: tuple[str, ...] = ()
    embedding: Embedding | None = None

    def __post_init__(self) -> None:
        check_record(self)
        check_names(self)

    @property
    def areas(self) -> tuple[str, ...]:
        """The areas that rules fill, in the order of the rules."""
        return tuple(dict.fromkeys(rule.area for rule in self.rules))

    @property
    def stack(self) -> tuple[str, ...]:
        """The areas that keep words while clauses are parsed: none without an embedding."""
        return () if self.embedding is None else self.embedding.stack

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """The areas between which words are linked, the one with the head first."""
        own = [(head, part) for head, parts in self.parts.items() for part in parts]
        ends = () if self.embedding is None else (*self.embedding.heads, self.root)
        return (*own, *((end, each) for each in self.stack for end in ends))

    @checked()
    def rules_for(self, word: str) -> tuple[Rule, ...]:
        """Return the rules for a word.

        Raises
        ------
        DeclarationError
            If the grammar does not have the word.
        """
        if word not in self.words:
            cure = "add it to the words of the grammar"
            raise DeclarationError(f"{unknown('word', word, self.words)}; {cure}", where="Grammar.words", value=word)
        return tuple(rule for rule in self.rules if rule.word == self.words[word])
