"""Plasticity steps in integers, as every backend runs them.

A step multiplies a stored weight (below ``2**31``) by a gain with 28 fractional bits and magnitude at most 8, so no
product reaches ``2**63``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from brainsim.kernels.law.weights import ONE, WEIGHT_BITS, to_fixed

RATE_BITS = 28
MAX_RATE = 8.0
_HALF = 1 << (RATE_BITS - 1)
_ENTRY_BITS = 12


@dataclass(frozen=True)
class Update:
    """One plasticity step in integers, ``w <- max(0, min(w + step(w), ceiling))``, rounded to nearest.

    The step is ``gain * w + drift``, or it is looked up in a table.  `Hebbian` has the first form with ``gain = beta``
    and ``drift = 0``, `SaturatingHebbian` with ``gain = -beta / w_max`` and ``drift = beta``.

    Attributes
    ----------
    gain : int
        Factor on the weight, ``round(x * 2**28)`` with ``|x| <= 8``.
    drift : int
        Constant increment, ``round(x * 2**44)``.
    ceiling : int
        Largest stored weight, ``round(w_max * 2**16)``.
    steps : tuple of int
        If not empty, the table: a stored weight ``w`` changes by ``steps[w >> shift]``, beyond its end by the last.
    shift : int
        How many low bits of a stored weight the table ignores.
    """

    gain: int
    drift: int
    ceiling: int
    steps: tuple[int, ...] = ()
    shift: int = 0

    @classmethod
    def affine(cls, gain: float, drift: float, ceiling: float) -> Update:
        """Build the integer step from real coefficients (weights in units of the base weight)."""
        return cls(
            gain=round(gain * (1 << RATE_BITS)),
            drift=round(drift * (1 << (RATE_BITS + WEIGHT_BITS))),
            ceiling=to_fixed(ceiling),
        )

    @classmethod
    def tabled(cls, step: Callable[[float], float], ceiling: float) -> Update:
        """Build a table of 2049 to 4097 items from a function of the weight, evaluated in the middle of each item."""
        top = to_fixed(ceiling)
        shift = max(0, (top - 1).bit_length() - _ENTRY_BITS)
        middles = [((2 * item + 1) << shift) / 2 for item in range((top >> shift) + 1)]
        steps = tuple(to_fixed(max(-ceiling, min(step(middle / ONE), ceiling))) for middle in middles)
        return cls(0, 0, top, steps, shift)

    def apply(self, stored: int) -> int:
        """Return the stored weight after one step."""
        if self.steps:
            step = self.steps[min(stored >> self.shift, len(self.steps) - 1)]
        else:
            step = (self.gain * stored + self.drift + _HALF) >> RATE_BITS
        return max(0, min(stored + step, self.ceiling))

    @property
    def changes_weights(self) -> bool:
        """Whether a step changes any weight; if not, the fiber cannot learn (``beta = 0``)."""
        # A line that is 0 at both ends is 0 everywhere; of a table, every item is tried.
        tried = {0, ONE, self.ceiling, *(item << self.shift for item in range(len(self.steps)))}
        return any(self.apply(weight) != weight for weight in tried if weight <= self.ceiling)
