"""The random graph: which synapses exist, as a pure function of (seed, fiber, pre, post).

This module is the law; every backend reproduces it bit for bit.

A fiber's targets are cut into blocks of ``B = 2**b`` neurons, where ``b`` depends on ``p`` alone (`block_bits`), never
on the hardware.  For a presynaptic neuron ``i`` and a block, a counter-based hash gives a stream of 64-bit numbers.
Read against the cumulative geometric distribution (`gap_thresholds`), each number says how many targets are skipped
before the next synapse.  The gaps between successes of Bernoulli(p) trials are geometric and have no memory, so a new
stream may start in each block.  The only approximation is the rounding of the table to 64 bits.  Synapses come in
ascending order, two for each hash.  The last block may reach past the area; positions beyond it are dropped, which
makes the graph of a small area a corner of the graph of a larger one.

The hash is the finaliser "Mix13" of D. Stafford, as in SplitMix64 (Steele, Lea & Flood, OOPSLA 2014).
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import numpy.typing as npt

GRAPH_VERSION = 2
MIN_BLOCK_BITS = 6
MAX_BLOCK_BITS = 16
MIX1 = 0xBF58476D1CE4E5B9
MIX2 = 0x94D049BB133111EB
GOLDEN = 0x9E3779B97F4A7C15
BLOCK_STEP = 0xD1342543DE82EF95
FINE = (0xA0761D6478BD642F, 0xE7037ED1A0B428DB)
_MASK = (1 << 64) - 1
_LOW = (1 << 32) - 1
_WANTED_PER_BLOCK = 64
_FRACTION = 192


def mix64(x: int) -> int:
    """Return the 64-bit finaliser Mix13 of ``x``: a bijection in which every input bit moves half the output bits."""
    x = ((x ^ (x >> 30)) * MIX1) & _MASK
    x = ((x ^ (x >> 27)) * MIX2) & _MASK
    return x ^ (x >> 31)


def hashed(purpose: bytes, *parts: str) -> int:
    """Return a 64-bit BLAKE2b hash of some texts, different for each purpose (at most 16 bytes).

    Each text is preceded by its length, so that no two lists of texts give the same bytes.
    """
    digest = hashlib.blake2b(digest_size=8, person=purpose)
    for part in parts:
        encoded = part.encode()
        digest.update(len(encoded).to_bytes(8, "little") + encoded)
    return int.from_bytes(digest.digest(), "little")


def fiber_key(seed: int, source: str, target: str, label: str) -> int:
    """Return the 64-bit key of a fiber: the hash of the brain's seed and the fiber's identity."""
    return hashed(b"brainsim-graph%d" % GRAPH_VERSION, str(seed), source, target, label)


def block_bits(p: float) -> int:
    """Return ``b``: the block is the smallest power of two, 64 to 65 536, that expects at least 64 synapses."""
    bits = MIN_BLOCK_BITS
    while bits < MAX_BLOCK_BITS and p * (1 << bits) < _WANTED_PER_BLOCK:
        bits += 1
    return bits


@lru_cache(maxsize=8)
def gap_thresholds(p: float) -> tuple[int, ...]:
    """Return the geometric(p) distribution as 64-bit integers: ``P(gap <= g) = thresholds[g] / 2**64``, rounded down.

    A uniform 64-bit ``u`` maps to the gap ``#{g : thresholds[g] <= u}``, the targets skipped before the next
    synapse.  The table ends where the remaining probability is below ``2**-64``, or after a block, which no gap within
    one can exceed.  ``p`` is taken as the exact value of the double; the powers of ``1 - p`` are kept to 192 bits.
    """
    whole = 1 << _FRACTION
    numerator, denominator = p.as_integer_ratio()
    absent = whole - (numerator << _FRACTION) // denominator
    remaining, thresholds = whole, []
    for _ in range(1 << block_bits(p)):
        remaining = (remaining * absent) >> _FRACTION
        if remaining >> (_FRACTION - 64) == 0:
            break
        thresholds.append((whole - remaining) >> (_FRACTION - 64))
    return tuple(thresholds)


@dataclass(frozen=True)
class Graph:
    """The implicit random graph of one fiber.

    Attributes
    ----------
    key : int
        64-bit identity from `fiber_key`.
    n_source, n_target : int
        Neurons in the two areas.
    p : float
        Connection probability in [0, 1].
    recurrent : bool
        Whether source and target are one area; then no neuron synapses on itself.
    """

    key: int
    n_source: int
    n_target: int
    p: float
    recurrent: bool
    bits: int = field(init=False)
    thresholds: tuple[int, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "bits", block_bits(self.p))
        object.__setattr__(self, "thresholds", gap_thresholds(self.p))

    def block(self, pre: int, index: int) -> list[int]:
        """Return the targets of ``pre`` in block ``index``, ascending; may include positions past the area's end."""
        row_key = mix64((self.key + (pre + 1) * GOLDEN) & _MASK)
        state = mix64(row_key ^ ((index + 1) * BLOCK_STEP & _MASK))
        position, found = -1, []
        for uniform in _uniforms(state):
            position += 1 + bisect_right(self.thresholds, uniform)
            if position >> self.bits:
                break
            found.append((index << self.bits) + position)
        return found

    def row(self, pre: int) -> npt.NDArray[np.int64]:
        """Return all targets of ``pre``: ascending neuron indices below ``n_target``."""
        blocks = range(-(-self.n_target >> self.bits))
        found = [post for index in blocks for post in self.block(pre, index)]
        return np.array([j for j in found if self.holds(pre, j)], dtype=np.int64)

    def contains(self, pre: int, post: int) -> bool:
        """Return whether ``pre`` synapses on ``post``; re-draws one block."""
        return self.holds(pre, post) and post in self.block(pre, post >> self.bits)

    def thinned(self, pre: int, posts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return those of some targets of ``pre`` in the random graph that are targets in this one: here, all."""
        del pre
        return posts

    def kept(self, pre: npt.NDArray[np.int64], post: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """Return which synapses of the random graph are in this one: here, all."""
        return np.ones(np.broadcast(pre, post).shape, np.bool_)

    def holds(self, pre: int, post: int) -> bool:
        """Return whether a synapse that a block lists is one of the graph."""
        return post < self.n_target and not (self.recurrent and pre == post)


def _uniforms(state: int) -> Iterator[int]:
    """Yield 64-bit uniforms: 32 bits from half a hash, then 32 bits from another hash, which almost never matter."""
    while True:
        state = (state + GOLDEN) & _MASK
        word = mix64(state)
        for lane, fine in zip((word & _LOW, word >> 32), FINE, strict=True):
            yield (lane << 32) | (mix64(word ^ fine) & _LOW)
