"""Byte-pair encoding on bytes: a tokenizer that learns which pieces of words are frequent (Sennrich et al. 2016)."""

from __future__ import annotations

import heapq
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any

from brainsim._arguments import checked
from brainsim._validation import integer
from brainsim.errors import DeclarationError
from brainsim.networks.text import _known, _utf8

BYTES = 256
MOST_TOKENS = 1_000_000
Pair = tuple[int, int]

_PIECES = re.compile(r" ?[^\W\d_]+| ?\d+| ?(?:[^\s\w]|_)+|\s+(?!\S)|\s+")
"""Words with the preceding blank, numbers, marks, and blanks: no token spans two of these."""


class BpeTokenizer:
    """Tokens are bytes, and pairs of earlier tokens.

    Parameters
    ----------
    merges : sequence of pair of int
        Token ``256 + i`` stands for the two tokens of pair ``i``.

    Raises
    ------
    DeclarationError
        If a pair names a token that does not exist before it, or occurs twice.

    Examples
    --------
    >>> from brainsim.networks.bpe import BpeTokenizer
    >>> tokenizer = BpeTokenizer.learn("low lower lowest", vocabulary=259)
    >>> tokenizer.encode("low"), tokenizer.decode([257, 101])
    ([257], 'lowe')
    """

    def __init__(self, merges: Sequence[Pair]) -> None:
        self.merges = tuple((int(first), int(second)) for first, second in merges)
        self._ranks = {pair: rank for rank, pair in enumerate(self.merges)}
        for rank, pair in enumerate(self.merges):
            if not all(0 <= each < BYTES + rank for each in pair) or self._ranks[pair] != rank:
                allowed = f"two tokens below {BYTES + rank}, in no earlier pair"
                raise DeclarationError(where=f"BpeTokenizer.merges[{rank}]", value=pair, allowed=allowed)
        self._bytes = [bytes([each]) for each in range(BYTES)]
        for first, second in self.merges:
            self._bytes.append(self._bytes[first] + self._bytes[second])
        self._piece = lru_cache(maxsize=100_000)(self._encoded)

    @classmethod
    @checked()
    def learn(cls, text: str, vocabulary: int) -> BpeTokenizer:
        """Return a tokenizer, made by repeatedly merging the most frequent pair of a text.

        Parameters
        ----------
        text : str
            The text from which pairs are learned.
        vocabulary : int
            Number of tokens, of which 256 are the bytes; fewer if no remaining pair occurs twice.

        Notes
        -----
        Among equally frequent pairs, the one with the lower numbers is merged first.
        """
        vocabulary = integer("BpeTokenizer.learn.vocabulary", vocabulary, BYTES, MOST_TOKENS)
        return cls(_Learner(text).merges(vocabulary - BYTES))

    @property
    def vocabulary(self) -> int:
        """How many tokens there are."""
        return BYTES + len(self.merges)

    def encode(self, text: str) -> list[int]:
        """Return the tokens of a text: in each piece, the earliest pair that can be merged is merged first."""
        _utf8(text)
        return [token for piece in _PIECES.findall(text) for token in self._piece(piece)]

    def decode(self, tokens: Iterable[int]) -> str:
        """Return the text of some tokens; bytes that are not valid UTF-8 become U+FFFD."""
        found = _known(tokens, self.vocabulary)
        return b"".join(self._bytes[each] for each in found).decode("utf-8", errors="replace")

    def to_json(self) -> dict[str, Any]:
        """Return the pairs."""
        return {"kind": "bpe", "merges": [list(pair) for pair in self.merges]}

    def _encoded(self, piece: str) -> tuple[int, ...]:
        tokens = list(piece.encode())
        while len(tokens) > 1:
            rank, pair = min((self._ranks.get(pair, len(self.merges)), pair) for pair in _pairs(tokens))
            if rank == len(self.merges):
                break
            tokens = _merged(tokens, pair, BYTES + rank)
        return tuple(tokens)


def _pairs(tokens: Sequence[int]) -> Iterable[Pair]:
    return pairwise(tokens)


def _merged(tokens: Sequence[int], pair: Pair, new: int) -> list[int]:
    """Return tokens with each occurrence of a pair replaced, from left to right."""
    out: list[int] = []
    at = 0
    while at < len(tokens):
        if tuple(tokens[at : at + 2]) == pair:
            out.append(new)
            at += 2
        else:
            out.append(tokens[at])
            at += 1
    return out


class _Learner:
    """Counts of pairs over the distinct pieces of a text, updated after each merge."""

    def __init__(self, text: str) -> None:
        counted = Counter(_PIECES.findall(text))
        self.pieces = [list(_utf8(piece)) for piece in counted]
        self.counts = list(counted.values())
        self.pairs: Counter[Pair] = Counter()
        self.places: defaultdict[Pair, set[int]] = defaultdict(set)
        for at in range(len(self.pieces)):
            self._count(at, 1)
        # If the count of an entry is out of date, the entry is put back with the present count.
        self.heap = [(-count, pair) for pair, count in self.pairs.items()]
        heapq.heapify(self.heap)

    def merges(self, wanted: int) -> list[Pair]:
        """Return the pairs to merge, in order."""
        found: list[Pair] = []
        while len(found) < wanted and (pair := self._most_frequent()) is not None:
            self._merge(pair, BYTES + len(found))
            found.append(pair)
        return found

    def _most_frequent(self) -> Pair | None:
        while self.heap:
            count, pair = heapq.heappop(self.heap)
            present = self.pairs[pair]
            if present == -count:
                return pair if present > 1 else None
            if present:
                heapq.heappush(self.heap, (-present, pair))
        return None

    def _merge(self, pair: Pair, new: int) -> None:
        touched: set[Pair] = set()
        for at in sorted(self.places.pop(pair)):
            self._count(at, -1)
            self.pieces[at] = _merged(self.pieces[at], pair, new)
            touched |= self._count(at, 1)
        del self.pairs[pair]
        for each in touched:
            heapq.heappush(self.heap, (-self.pairs[each], each))

    def _count(self, at: int, sign: int) -> set[Pair]:
        """Add the pairs of a piece to the counts, or subtract them; return the pairs."""
        pairs = set()
        for pair in _pairs(self.pieces[at]):
            self.pairs[pair] += sign * self.counts[at]
            pairs.add(pair)
        if sign > 0:
            for pair in pairs:
                self.places[pair].add(at)
        return pairs
