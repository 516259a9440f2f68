"""The content key: a name and a relation address a fact, whatever the words around them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from brainsim._arguments import check_record
from brainsim._validation import real
from brainsim.declare.area import Area
from brainsim.declare.assembly import Assembly
from brainsim.declare.fiber import Fiber
from brainsim.declare.region import Region
from brainsim.networks.memory.addressing import check_settings
from brainsim.networks.memory.coding import symbol_code
from brainsim.networks.memory.language import Read, TokenArray
from brainsim.simulate.simulator import Simulator

FORM_N, FORM_K = 10_000, 50
NAME = 2.0  # weight of the name, relative to the relation: many facts have the same relation, few the same name
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")
_SENTENCE_END = re.compile(r"[.!?;\n]")
_RECENT = 64  # tokens that are searched for the sentence


@dataclass(frozen=True)
class Parsed:
    """The content of a sentence so far: a word that background text does not have, and its rarest other word."""

    name: str
    relation: str


@dataclass(frozen=True)
class ContentKey:
    """Addresses facts by a name and a relation, so that other wordings find the same fact.

    The *name* is the first word of the sentence that the background text does not have, the *relation* the rarest word
    that it has.  Word forms fire assemblies of the area ``"Lexicon"`` through a random fiber.  From there the two words
    go to areas of their roles, ``"Name"`` and ``"Relation"``.  The relation and the last token (area ``"Last"``) fire
    an assembly of ``"Asked"`` together, so that the tokens of a value, which follow different last tokens, have
    different codes.  Name and Asked drive the code area.  A sentence without a name or a relation has no key, and the
    memory does not answer.  A value in which a token occurs twice is not stored well, because the key is the same after
    both.

    Parameters
    ----------
    decode : callable
        Returns the text of some tokens (a sequence of int).
    p : float
        Connection probability of the fibers.

    Raises
    ------
    DeclarationError
        If a value is out of range.

    Examples
    --------
    >>> from brainsim.networks.memory import ContentKey
    >>> ContentKey(decode=lambda tokens: bytes(tokens).decode(), p=0.2).p
    0.2
    """

    decode: Callable[[Sequence[int]], str]
    p: float = 0.1

    def __post_init__(self) -> None:
        check_record(self)
        object.__setattr__(self, "p", real("ContentKey.p", self.p, 0.0, 1.0))

    def declare(self, region: Region, code: Area, width: int, seed: int) -> ContentAddressing:
        """Add areas ``"Form"``, ``"Lexicon"``, ``"Name"``, ``"Relation"``, ``"Last"`` and ``"Asked"``, and fibers."""
        del width
        names = ("Form", "Lexicon", "Name", "Relation", "Last", "Asked")
        form, lexicon, name, relation, last, asked = (region.add(Area(each, FORM_N, FORM_K)) for each in names)
        fibers = _Fibers(
            hears=region.connect(form, lexicon, self.p),
            assigns={
                "Name": region.connect(lexicon, name, self.p),
                "Relation": region.connect(lexicon, relation, self.p),
            },
            asks=(region.connect(relation, asked, self.p), region.connect(last, asked, self.p)),
            drives=(region.connect(name, code, self.p, weight=NAME), region.connect(asked, code, self.p)),
        )
        return ContentAddressing(self, fibers, last, seed)


@dataclass(frozen=True)
class _Fibers:
    hears: Fiber
    assigns: Mapping[str, Fiber]
    asks: tuple[Fiber, Fiber]
    drives: tuple[Fiber, Fiber]


class ContentAddressing:
    """A `ContentKey` in a brain."""

    def __init__(self, key: ContentKey, fibers: _Fibers, last: Area, seed: int) -> None:
        self._key, self._fibers, self._last, self._seed = key, fibers, last, seed
        self._known: Counter[str] = Counter()

    def fit(self, background: Sequence[TokenArray], reads: Callable[[TokenArray], Read]) -> None:
        """Count the words of background text."""
        del reads
        self._known = Counter(word for piece in background for word in words(self._decoded(piece)))

    def parsed(self, sentence: str) -> Parsed | None:
        """Return the name and the relation of the last sentence of a text, ``None`` if it does not have both."""
        found = words(_SENTENCE_END.split(sentence)[-1])
        name = next((word for word in found if word not in self._known), None)
        known = sorted((self._known[word], word) for word in found if word in self._known)
        return Parsed(name, known[0][1]) if name and known else None

    def fire(self, sim: Simulator, read: Read, at: int) -> bool:
        """Let the relation and the last token drive ``"Asked"``, and this area and the name drive the code area."""
        content = self.parsed(self._decoded(read.tokens[max(0, at + 1 - _RECENT) : at + 1]))
        if content is None:
            return False
        self._assign(sim, "Name", content.name)
        self._assign(sim, "Relation", content.relation)
        sim.present(self._assembly(self._last, f"token {read.tokens[at]}"))
        sim.run(self._fibers.asks, learn=())
        sim.run(self._fibers.drives, learn=())
        return True

    def _assign(self, sim: Simulator, role: str, word: str) -> None:
        """Let a word fire its assembly of the lexicon, and the lexicon an assembly of the area of the role."""
        sim.present(self._assembly(self._fibers.hears.source, word))
        sim.run(self._fibers.hears, learn=())
        sim.run(self._fibers.assigns[role], learn=())

    def _assembly(self, area: Area, symbol: str) -> Assembly:
        return Assembly(area.name, symbol_code(symbol, FORM_N, FORM_K, self._seed))

    def _decoded(self, tokens: TokenArray) -> str:
        return self._key.decode([int(token) for token in tokens])

    def state(self) -> dict[str, Any]:
        """Return how often background text has each word, and the settings of the key."""
        return {"settings": self._settings(), "known": dict(self._known)}

    def _settings(self) -> dict[str, float]:
        return {"p": self._key.p}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Restore the counts of words; the key must have the same settings."""
        check_settings(state["settings"], self._settings())
        self._known = Counter({str(word): int(times) for word, times in state["known"].items()})


def words(text: str) -> list[str]:
    """Return the words of a text in lower case, without the ending of a possessive.

    >>> from brainsim.networks.memory.content import words
    >>> words("Zobatun's colour isn't blue")
    ['zobatun', 'colour', "isn't", 'blue']
    """
    return [word.lower().removesuffix("'s") for word in _WORD.findall(text)]
