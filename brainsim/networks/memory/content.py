"""The content key: a fact is addressed by what it is about, a name and a relation, whatever the words around them."""

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
from brainsim.declare.wiring import OneToOne
from brainsim.networks.memory.addressing import check_settings
from brainsim.networks.memory.coding import Neurons, symbol_code
from brainsim.networks.memory.language import Read
from brainsim.simulate.simulator import Simulator

FORM_N, FORM_K = 10_000, 50
DISINHIBITS = 10_000.0  # above any drive that the assembly of a name can give
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")
_SENTENCE_END = re.compile(r"[.!?;\n]")
_RECENT = 64  # tokens that are looked at for the sentence


@dataclass(frozen=True)
class Parsed:
    """The content of a sentence as far as it goes: a word that background text does not have, and its rarest other."""

    name: str
    relation: str


@dataclass(frozen=True)
class ContentKey:
    """Addresses facts by a name and a relation, so that other wordings find the same fact.

    The *name* is the first word of the sentence that the background text does not have, the *relation* the rarest word
    that it has.  Each fires its assembly of the area ``"Lexicon"`` through a random fiber from its word form.  The
    relation and the last token choose which neurons of the code area are disinhibited (a share ``gate`` of them, area
    ``"Gate"``); among these, the name chooses the winners.  A sentence without a name or a relation has no key: the
    memory keeps silent.

    Parameters
    ----------
    decode : callable
        Returns the text of some tokens (a sequence of int).
    gate : float
        Share of the code area that is disinhibited, above 0 and at most 1.
    p : float
        Connection probability of the fibers.

    Raises
    ------
    DeclarationError
        If a value is out of range.

    Examples
    --------
    >>> from brainsim.networks.memory import ContentKey
    >>> ContentKey(decode=lambda tokens: bytes(tokens).decode(), gate=0.1).gate
    0.1
    """

    decode: Callable[[Sequence[int]], str]
    gate: float = 0.05
    p: float = 0.1

    def __post_init__(self) -> None:
        check_record(self)
        object.__setattr__(self, "gate", real("ContentKey.gate", self.gate, 1e-6, 1.0))
        object.__setattr__(self, "p", real("ContentKey.p", self.p, 0.0, 1.0))

    def declare(self, region: Region, code: Area, width: int, seed: int) -> ContentAddressing:
        """Add areas ``"Form"``, ``"Lexicon"``, ``"Last"`` and ``"Gate"``, and fibers from them to the code area."""
        del width
        form, lexicon, last = region.add(
            Area("Form", FORM_N, FORM_K), Area("Lexicon", FORM_N, FORM_K), Area("Last", FORM_N, FORM_K)
        )
        gate = region.add(Area("Gate", code.n, max(code.k, round(self.gate * code.n))))
        fibers = _Fibers(
            hears=region.connect(form, lexicon, self.p),
            opens=(region.connect(lexicon, gate, self.p), region.connect(last, gate, self.p)),
            names=region.connect(lexicon, code, self.p),
            disinhibits=region.connect(gate, code, graph=OneToOne(), weight=DISINHIBITS),
        )
        return ContentAddressing(self, fibers, seed)


@dataclass(frozen=True)
class _Fibers:
    hears: Fiber
    opens: tuple[Fiber, Fiber]
    names: Fiber
    disinhibits: Fiber


class ContentAddressing:
    """A `ContentKey` in a brain."""

    def __init__(self, key: ContentKey, fibers: _Fibers, seed: int) -> None:
        self._key, self._fibers, self._seed = key, fibers, seed
        self._known: Counter[str] = Counter()

    def fit(self, background: Sequence[Read]) -> None:
        """Count the words of background text."""
        self._known = Counter(word for each in background for word in words(self._decoded(each.tokens)))

    def parsed(self, sentence: str) -> Parsed | None:
        """Return the name and the relation of the last sentence of a text, ``None`` if it has not both."""
        found = words(_SENTENCE_END.split(sentence)[-1])
        name = next((word for word in found if word not in self._known), None)
        known = sorted((self._known[word], word) for word in found if word in self._known)
        return Parsed(name, known[0][1]) if name and known else None

    def fire(self, sim: Simulator, read: Read, at: int) -> bool:
        """Let the relation and the last token disinhibit a part of the code area, and the name fire in it."""
        content = self.parsed(self._decoded(read.tokens[max(0, at + 1 - _RECENT) : at + 1]))
        if content is None:
            return False
        fibers = self._fibers
        last = fibers.opens[1].source
        self._hear(sim, content.relation)
        sim.present(self._assembly(last, f"token {read.tokens[at]}"))
        sim.run(fibers.opens, learn=())
        self._hear(sim, content.name)
        sim.run((fibers.names, fibers.disinhibits), learn=())
        return True

    def _hear(self, sim: Simulator, word: str) -> None:
        sim.present(self._assembly(self._fibers.hears.source, word))
        sim.run(self._fibers.hears, learn=())

    def _assembly(self, area: Area, symbol: str) -> Assembly:
        return Assembly(area.name, symbol_code(symbol, FORM_N, FORM_K, self._seed))

    def _decoded(self, tokens: Neurons) -> str:
        return self._key.decode([int(token) for token in tokens])

    def state(self) -> dict[str, Any]:
        """Return how often background text has each word, and the settings of the key."""
        return {"settings": self._settings(), "known": dict(self._known)}

    def _settings(self) -> dict[str, float]:
        return {"gate": self._key.gate, "p": self._key.p}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take the counts of words; the key must have the same settings."""
        check_settings(state["settings"], self._settings())
        self._known = Counter({str(word): int(times) for word, times in state["known"].items()})


def words(text: str) -> list[str]:
    """Return the words of a text in lower case."""
    return [word.lower() for word in _WORD.findall(text)]
