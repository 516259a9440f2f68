"""Random graphs whose connection probability falls with distance, as a pure function of (seed, fiber, pre, post).

Neurons are on a line: neuron ``i`` of ``n`` at ``i / n``.  A synapse of the random graph of
`brainsim.kernels.law.graph` is kept with probability ``exp(-d**2 / (2 * width**2))``, where ``d`` is the distance of
the two relative positions.  A hash of the pair decides, so all draws are independent, and a pair is connected with
probability ``p`` times that factor.

Positions have 32 bits.  The factor is a table of 4096 items over distances from 0 to 1, computed in decimal arithmetic
so that it is the same on all machines.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal, localcontext
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from brainsim.kernels.law.graph import GOLDEN, Graph, mix64
from brainsim.kernels.law.selection import hashes

TAPER_STREAM = 0x5851F42D4C957F2D  # so that these hashes differ from those that draw synapses and break ties
TAPER_BITS = 12
POSITION_BITS = 32
_MASK = (1 << 64) - 1
_DIGITS = 40

Neurons = npt.NDArray[np.int64]


@lru_cache(maxsize=8)
def taper(width: float) -> tuple[int, ...]:
    """Return, for each 4096th of the distance, the probability that a synapse is kept times ``2**32``, below ``2**32``.

    The distance is taken in the middle of the item.
    """
    with localcontext() as context:
        context.prec = _DIGITS
        items = range(1 << TAPER_BITS)
        scaled = [Decimal(2 * item + 1) / (2 << TAPER_BITS) / Decimal(width) for item in items]
        kept = [int((1 << 32) * (-x * x / 2).exp()) for x in scaled]
    return tuple(min(each, (1 << 32) - 1) for each in kept)


def position_scale(n: int) -> int:
    """Return the factor that makes relative positions: neuron ``i`` of ``n`` is at ``(i * factor) >> 31``.

    The product stays below ``2**63``, and the position below ``2**32``.
    """
    return (1 << 63) // n


@dataclass(frozen=True)
class Tapered(Graph):
    """The implicit graph of one topographic fiber.

    Attributes
    ----------
    width : float
        Standard deviation of the factor, in relative positions.
    source_scale, target_scale : int
        From `position_scale`.
    taper_key : int
        Key of the hashes that decide.
    """

    width: float = 1.0
    source_scale: int = field(init=False)
    target_scale: int = field(init=False)
    taper_key: int = field(init=False, repr=False, compare=False)
    table: npt.NDArray[np.uint32] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "source_scale", position_scale(self.n_source))
        object.__setattr__(self, "target_scale", position_scale(self.n_target))
        object.__setattr__(self, "taper_key", mix64(self.key ^ TAPER_STREAM))
        object.__setattr__(self, "table", np.array(taper(self.width), np.uint32))

    def keeps(self, pre: int, post: int) -> bool:
        """Return whether a synapse of the random graph is kept."""
        distance = abs(((pre * self.source_scale) >> 31) - ((post * self.target_scale) >> 31))
        row = mix64((self.taper_key + (pre + 1) * GOLDEN) & _MASK)
        decides = mix64((row + (post + 1) * GOLDEN) & _MASK) >> 32
        return decides < int(self.table[distance >> (POSITION_BITS - TAPER_BITS)])

    def holds(self, pre: int, post: int) -> bool:
        return super().holds(pre, post) and self.keeps(pre, post)

    def thinned(self, pre: int, posts: Neurons) -> Neurons:
        """Return those of some targets of the random graph to which the synapse is kept."""
        kept: Neurons = posts[self.kept(np.array([pre]), posts)]
        return kept

    def kept(self, pre: Neurons, post: Neurons) -> npt.NDArray[np.bool_]:
        """Return which synapses of the random graph are kept."""
        distance = np.abs(_relative(pre, self.source_scale) - _relative(post, self.target_scale))
        decides = hashes(hashes(self.taper_key, pre), post) >> np.uint64(32)
        return np.asarray(decides < self.table[distance >> (POSITION_BITS - TAPER_BITS)])


def _relative(neurons: Neurons, scale: int) -> Neurons:
    """Return relative positions of 32 bits."""
    return ((neurons.astype(np.uint64) * np.uint64(scale)) >> np.uint64(31)).astype(np.int64)
