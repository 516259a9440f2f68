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
    """One strengthening step, ``w <- max(0, min(w + step(w), ceiling))``, rounded to nearest in integers.

    The step is ``gain * w + drift``, or else it is looked up in a table.  Both rules of the calculus have the first
    form: `Hebbian` with ``gain = beta`` and ``drift = 0``, `SaturatingHebbian` with ``gain = -beta / w_max`` and
    ``drift = beta``.

    Attributes
    ----------
    gain : int
        Factor on the weight, ``round(x * 2**28)`` with ``|x| <= 8``.
    drift : int
        Constant increment, ``round(x * 2**44)``.
    ceiling : int
        Largest stored weight, ``round(w_max * 2**16)``.
    steps : tuple of int
        If not empty, what is added to a stored weight ``w`` is ``steps[w >> shift]``, the last item from there on.
    shift : int
        Low bits of a stored weight that make no difference to its step.
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
        """Build a table of some 4096 items from a function of the weight, which is asked in the middle of each."""
        top = to_fixed(ceiling)
        shift = max(0, (top - 1).bit_length() - _ENTRY_BITS)
        middles = [((2 * item + 1) << shift) / 2 for item in range((top >> shift) + 1)]
        return cls(0, 0, top, tuple(to_fixed(min(step(middle / ONE), ceiling)) for middle in middles), shift)

    def apply(self, stored: int) -> int:
        """Return the stored weight after one step."""
        if self.steps:
            step = self.steps[min(stored >> self.shift, len(self.steps) - 1)]
        else:
            step = (self.gain * stored + self.drift + _HALF) >> RATE_BITS
        return max(0, min(stored + step, self.ceiling))

    @property
    def changes_weights(self) -> bool:
        """Whether a step moves any weight at all; if not, the fiber cannot learn (``beta = 0``)."""
        # A line that is 0 at both ends is 0 everywhere, and a table is asked for each of its items.
        asked = {0, ONE, self.ceiling, *(item << self.shift for item in range(len(self.steps)))}
        return any(self.apply(weight) != weight for weight in asked if weight <= self.ceiling)
