"""The random graph: which synapses exist, as a pure function of (seed, fiber, pre, post).

This module is the law; every backend reproduces it bit for bit.

A fiber's targets are cut into blocks of ``B = 2**b`` neurons, where ``b`` depends on ``p`` alone (`block_bits`), never
on the hardware.  For a presynaptic neuron ``i`` and a block, a counter-based hash gives one 64-bit number ``u``.  Read
against the cumulative binomial distribution of (B, p), ``u`` says how many synapses ``i`` makes in the block; further
hashes, cut into ``b``-bit fields, say at which positions, repetitions skipped.  A binomial number of distinct uniform
positions *is* an independent Bernoulli(p) trial per position, so nothing is approximated beyond the 64-bit rounding of
the table.  The last block may reach past the area; positions beyond it are dropped, which leaves the rest Bernoulli and
makes the graph of a small area the corner of the graph of a larger one.

The hash is the finaliser "Mix13" of D. Stafford, as in SplitMix64 (Steele, Lea & Flood, OOPSLA 2014).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Context, Decimal
from functools import lru_cache

import numpy as np
import numpy.typing as npt

GRAPH_VERSION = 1
MIN_BLOCK_BITS = 6
MAX_BLOCK_BITS = 14
GOLDEN = 0x9E3779B97F4A7C15
BLOCK_STEP = 0xD1342543DE82EF95
_MASK = (1 << 64) - 1
_WANTED_PER_BLOCK = 8
_EXACT = Context(prec=80)


def mix64(x: int) -> int:
    """Return the 64-bit finaliser Mix13 of ``x``: a bijection in which every input bit moves half the output bits."""
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & _MASK
    return x ^ (x >> 31)


def fiber_key(seed: int, source: str, target: str, label: str) -> int:
    """Return the 64-bit key of a fiber: the hash of the brain's seed and the fiber's identity.

    Each part is length-prefixed, so that no two identities spell the same bytes.
    """
    digest = hashlib.blake2b(digest_size=8, person=b"brainsim-graph%d" % GRAPH_VERSION)
    for part in (str(seed), source, target, label):
        encoded = part.encode()
        digest.update(len(encoded).to_bytes(8, "little") + encoded)
    return int.from_bytes(digest.digest(), "little")


def block_bits(p: float) -> int:
    """Return ``b``: the block is the smallest power of two, 64 to 16 384, that expects at least 8 synapses."""
    bits = MIN_BLOCK_BITS
    while bits < MAX_BLOCK_BITS and p * (1 << bits) < _WANTED_PER_BLOCK:
        bits += 1
    return bits


def _power(base: Decimal, exponent: int) -> Decimal:
    # Decimal's own power is only "almost always" correctly rounded; products are the same on every machine.
    result = Decimal(1)
    while exponent:
        if exponent & 1:
            result = _EXACT.multiply(result, base)
        base = _EXACT.multiply(base, base)
        exponent >>= 1
    return result


@lru_cache(maxsize=256)
def count_thresholds(p: float) -> tuple[int, ...]:
    """Return the binomial(2**b, p) distribution as 64-bit integers: ``P(count <= c) = thresholds[c] / 2**64``.

    A uniform 64-bit ``u`` maps to the count ``#{c : thresholds[c] <= u}``.  The table ends where the remaining
    probability is below ``2**-64``.  ``p`` is taken as the exact value of the double.
    """
    if p == 0.0:
        return ()
    size = 1 << block_bits(p)
    if p == 1.0:
        return (0,) * size
    exact = Decimal(p)
    absent = _EXACT.subtract(Decimal(1), exact)
    term = _power(absent, size)
    total, thresholds = term, []
    for count in range(size):
        scaled = int(_EXACT.multiply(total, Decimal(1 << 64)))
        if scaled > _MASK:
            break
        thresholds.append(scaled)
        odds = _EXACT.divide(_EXACT.multiply(Decimal(size - count), exact), _EXACT.multiply(Decimal(count + 1), absent))
        term = _EXACT.multiply(term, odds)
        total = _EXACT.add(total, term)
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
    thresholds: npt.NDArray[np.uint64] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "bits", block_bits(self.p))
        object.__setattr__(self, "thresholds", np.array(count_thresholds(self.p), dtype=np.uint64))

    def block(self, pre: int, index: int) -> list[int]:
        """Return the targets of ``pre`` in block ``index``, ascending; may include positions past the area's end."""
        size = 1 << self.bits
        row_key = mix64((self.key + (pre + 1) * GOLDEN) & _MASK)
        state = mix64(row_key ^ ((index + 1) * BLOCK_STEP & _MASK))
        count = int(np.searchsorted(self.thresholds, np.uint64(state), side="right"))
        # Drawing the absent ones when most are present keeps repetitions rare up to p = 1.
        drawn = _distinct_positions(state, min(count, size - count), self.bits)
        chosen = sorted(drawn) if 2 * count <= size else sorted(set(range(size)) - drawn)
        return [index * size + position for position in chosen]

    def row(self, pre: int) -> npt.NDArray[np.int64]:
        """Return all targets of ``pre``: ascending neuron indices below ``n_target``."""
        blocks = range(-(-self.n_target >> self.bits))
        found = [post for index in blocks for post in self.block(pre, index)]
        return np.array([j for j in found if self._inside(pre, j)], dtype=np.int64)

    def contains(self, pre: int, post: int) -> bool:
        """Return whether ``pre`` synapses on ``post``; re-draws one block."""
        return self._inside(pre, post) and post in self.block(pre, post >> self.bits)

    def _inside(self, pre: int, post: int) -> bool:
        return post < self.n_target and not (self.recurrent and pre == post)


def _distinct_positions(state: int, wanted: int, bits: int) -> set[int]:
    positions: set[int] = set()
    for position in _position_stream(state, bits):
        if len(positions) == wanted:
            break
        positions.add(position)
    return positions


def _position_stream(state: int, bits: int) -> Iterator[int]:
    mask = (1 << bits) - 1
    while True:
        state = (state + GOLDEN) & _MASK
        word = mix64(state)
        for _ in range(64 // bits):
            yield word & mask
            word >>= bits
