"""Material for studies of memory: made-up facts about made-up names, and simple text that a small model can learn."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from brainsim._arguments import checked
from brainsim._validation import integer
from brainsim.errors import DeclarationError

VALUES = {
    "colour": ("crimson", "blue", "green", "white", "black", "yellow", "purple", "scarlet", "golden", "grey"),
    "home": ("Padua", "Rome", "Athens", "Venice", "Paris", "Naples", "Egypt", "Troy", "Wales", "London"),
    "trade": ("baker", "smith", "tailor", "weaver", "sailor", "soldier", "butcher", "painter", "carpenter", "mason"),
    "beast": ("horse", "wolf", "lion", "bear", "hound", "falcon", "raven", "serpent", "ox", "cat"),
}
"""Relations, and the values that each can have."""

WORDINGS = {
    "same": "The {relation} of {name} is",
    "lead": "And now tell me: the {relation} of {name} is",
    "clause": "{name} hath a {relation}, and it is",
    "possessive": "{name}'s {relation} is",
}
"""Prompts for a fact: in the words in which it was presented, and in three other wordings."""

_MOST = 10_000_000
_CONSONANTS, _VOWELS, _ENDS = "bdfgklmnprstvz", "aeiou", ("n", "r", "l", "x", "th", "")


@dataclass(frozen=True)
class Fact:
    """A value of a relation of a name: the colour of Zobatun is crimson."""

    name: str
    relation: str
    value: str

    def prompt(self, wording: str = "same") -> str:
        """Return a prompt that the value answers; see `WORDINGS`."""
        return WORDINGS[wording].format(name=self.name, relation=self.relation)

    @property
    def sentence(self) -> str:
        """The sentence that presents the fact."""
        return f"{self.prompt()} {self.value}."


@dataclass(frozen=True)
class Facts:
    """Facts to present, and facts that must stay unknown.

    Attributes
    ----------
    stored : tuple of Fact
        Two relations of each name.
    withheld : tuple of Fact
        The other two relations of the same names, never presented.
    new : tuple of Fact
        Facts about names that are never presented.
    """

    stored: tuple[Fact, ...]
    withheld: tuple[Fact, ...]
    new: tuple[Fact, ...]


@checked()
def made_up_facts(count: int, seed: int, *, new: int = 200, avoid: Collection[str] = ()) -> Facts:
    """Draw facts: ``count`` to be stored, as many that are withheld, and ``new`` ones of other names.

    Parameters
    ----------
    count : int
        Even; each name has two facts.
    seed : int
        Seed of the names and values.
    new : int
        Names that are never presented.
    avoid : collection of str
        Words in lower case that must not become names.

    Raises
    ------
    DeclarationError
        If a number is out of range.

    Examples
    --------
    >>> from brainsim.networks.memory.made_up import made_up_facts
    >>> made_up_facts(2, seed=1, new=1).stored[0].sentence
    'The home of Mumalaguth is Naples.'
    """
    size = integer("made_up_facts.count", count, 2, 100_000)
    if size % 2:
        raise DeclarationError(where="made_up_facts.count", value=count, allowed="even: each name has two facts")
    others = integer("made_up_facts.new", new, 0, 100_000)
    rng = np.random.default_rng([integer("made_up_facts.seed", seed, 0, None), 2])
    names = _names(size // 2 + others, rng, avoid)
    stored, withheld = [], []
    for name in names[: size // 2]:
        relations = rng.permutation(list(VALUES))
        facts = [_fact(name, str(relation), rng) for relation in relations]
        stored += facts[:2]
        withheld += facts[2:]
    return Facts(
        tuple(stored),
        tuple(withheld),
        tuple(_fact(name, str(rng.choice(list(VALUES))), rng) for name in names[size // 2 :]),
    )


def _fact(name: str, relation: str, rng: np.random.Generator) -> Fact:
    return Fact(name, relation, str(rng.choice(VALUES[relation])))


def _names(count: int, rng: np.random.Generator, avoid: Collection[str]) -> list[str]:
    """Return names of three or four syllables, all different."""
    found: dict[str, None] = {}
    while len(found) < count:
        syllables = [rng.choice(list(_CONSONANTS)) + rng.choice(list(_VOWELS)) for _ in range(int(rng.integers(3, 5)))]
        name = "".join(syllables) + str(rng.choice(_ENDS))
        if name not in avoid:
            found[name.capitalize()] = None
    return list(found)


_NOUNS = ("king", "queen", "house", "river", "garden", "city", "lord", "child", "friend", "sword", "letter", "road")
_PLACES = ("river", "garden", "city", "road", "house", "market", "forest", "sea")
_ADJECTIVES = ("old", "young", "good", "poor", "noble", "sweet", "strange", "long", "great", "gentle")
_VERBS = ("goes", "comes", "walks", "runs", "sings", "weeps", "sleeps", "speaks")
_PATTERNS = (
    "The {adjective} {noun} {verb} to the {place}.",
    "And now tell me, what is the {relation} of the {noun}?",
    "A {noun} hath a {adjective} {other}, and it is {value}.",
    "The {relation} of the {adjective} {noun} is {value}.",
    "The {noun}'s {other} is {adjective}, and now the {value} {verb} in the {place}.",
    "What says the {noun}? It is {adjective} and {adjective2}, tell me: the {other} of the {place} is {adjective}.",
    "I have a {noun}, and the {noun} {verb}.",
    "It is the {other} of the {noun}, and it is not the {value}.",
)


@checked()
def made_up_text(sentences: int, seed: int) -> str:
    """Return text of a small grammar, in which all words of the relations, values and wordings occur.

    Parameters
    ----------
    sentences : int
        How many.
    seed : int
        Seed of the text.

    Examples
    --------
    >>> from brainsim.networks.memory.made_up import made_up_text
    >>> made_up_text(2, seed=1)
    'The great friend speaks to the sea. I have a lord, and the lord walks.'
    """
    rng = np.random.default_rng([integer("made_up_text.seed", seed, 0, None), 3])
    return " ".join(_sentence(rng) for _ in range(integer("made_up_text.sentences", sentences, 1, _MOST)))


def _sentence(rng: np.random.Generator) -> str:
    relation = str(rng.choice(list(VALUES)))
    return str(rng.choice(_PATTERNS)).format(
        adjective=rng.choice(_ADJECTIVES),
        adjective2=rng.choice(_ADJECTIVES),
        noun=rng.choice(_NOUNS),
        other=rng.choice(_NOUNS),
        place=rng.choice(_PLACES),
        verb=rng.choice(_VERBS),
        relation=relation,
        value=rng.choice(VALUES[relation]),
    )


def words_of(text: str) -> frozenset[str]:
    """Return the words of a text in lower case."""
    return frozenset(re.findall(r"[^\W\d_]+", text.lower()))
