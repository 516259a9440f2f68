"""Fixed-point weights and the one-step plasticity update, in integers.

Weights are summed by many threads in any order, so they are integers: a weight ``w`` is stored as ``round(w * 2**16)``.
Integer sums do not depend on their order, which is what makes every backend agree bit for bit.

Ranges, stated once:

* a stored weight lies in ``[0, 2**31)``, that is 0 to 32 767.99998 in units of the base weight;
* a drive is a 64-bit sum of stored weights; `brainsim.kernels.spec.check_capacity` refuses a brain whose drives could
  reach ``2**63``;
* an update multiplies a weight by a 28-bit-fraction gain of magnitude at most 8, so no product reaches ``2**63``.
"""

from __future__ import annotations

from dataclasses import dataclass

WEIGHT_BITS = 16
ONE = 1 << WEIGHT_BITS
MAX_WEIGHT = 32_767.0
RATE_BITS = 28
MAX_RATE = 8.0
_HALF = 1 << (RATE_BITS - 1)


def to_fixed(weight: float) -> int:
    """Return the stored integer nearest to ``weight`` (in units of the base weight)."""
    return round(weight * ONE)


def to_float(stored: int) -> float:
    """Return the weight that a stored integer stands for."""
    return stored / ONE


@dataclass(frozen=True)
class Update:
    """One strengthening step, ``w <- max(0, min(w + gain * w + drift, ceiling))``, rounded to nearest in integers.

    Both rules of the calculus have this form: `Hebbian` with ``gain = beta`` and ``drift = 0``, `SaturatingHebbian`
    with ``gain = -beta / w_max`` and ``drift = beta``.

    Attributes
    ----------
    gain : int
        Factor on the weight, ``round(x * 2**28)`` with ``|x| <= 8``.
    drift : int
        Constant increment, ``round(x * 2**44)``.
    ceiling : int
        Largest stored weight, ``round(w_max * 2**16)``.
    """

    gain: int
    drift: int
    ceiling: int

    @classmethod
    def affine(cls, gain: float, drift: float, ceiling: float) -> Update:
        """Build the integer step from real coefficients (weights in units of the base weight)."""
        return cls(
            gain=round(gain * (1 << RATE_BITS)),
            drift=round(drift * (1 << (RATE_BITS + WEIGHT_BITS))),
            ceiling=to_fixed(ceiling),
        )

    def apply(self, stored: int) -> int:
        """Return the stored weight after one step."""
        step = (self.gain * stored + self.drift + _HALF) >> RATE_BITS
        return max(0, min(stored + step, self.ceiling))

    @property
    def changes_base_weight(self) -> bool:
        """Whether a step moves a fresh synapse at all; if not, the fiber cannot learn (``beta = 0``)."""
        return self.apply(ONE) != ONE
