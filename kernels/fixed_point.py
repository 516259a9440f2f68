"""Fixed-point weights, and the steps of plasticity and refraction, in integers.

Weights are summed by many threads in any order, so they are integers: a weight ``w`` is stored as ``round(w * 2**16)``.
Integer sums do not depend on their order, which is what makes every backend agree bit for bit.

Ranges, stated once:

* a stored weight lies in ``[0, 2**31)``, that is 0 to 32 767.99998 in units of the base weight;
* a drive is a 64-bit sum of stored weights; `brainsim.kernels.spec.check_capacity` refuses a brain whose drives could
  reach ``2**62``, so that a threshold of less than ``2**62`` can be subtracted;
* an update multiplies a weight by a 28-bit-fraction gain of magnitude at most 8, so no product reaches ``2**63``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

WEIGHT_BITS = 16
ONE = 1 << WEIGHT_BITS
MAX_WEIGHT = 32_767.0
RATE_BITS = 28
MAX_RATE = 8.0
THRESHOLD_LIMIT = 2**62
_HALF = 1 << (RATE_BITS - 1)
_ENTRY_BITS = 12


def to_fixed(weight: float) -> int:
    """Return the stored integer nearest to ``weight`` (in units of the base weight)."""
    return round(weight * ONE)


def to_float(stored: int) -> float:
    """Return the weight that a stored integer stands for."""
    return stored / ONE


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


def raised(thresholds: npt.NDArray[np.int64], drives: npt.NDArray[np.int64], rate: int) -> npt.NDArray[np.int64]:
    """Return the thresholds of winners after they fired: ``threshold + rate * drive``, rounded to nearest.

    ``drives`` are the sums of weights, nothing subtracted; ``rate`` has 16 fractional bits.
    """
    steps = (drives * rate + (1 << (WEIGHT_BITS - 1))) >> WEIGHT_BITS
    return np.minimum(thresholds + steps, THRESHOLD_LIMIT - 1)
