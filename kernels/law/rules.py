"""Plasticity steps in integers, as every backend runs them.

A step multiplies a stored weight (below ``2**31`` in size) by a gain with 28 fractional bits and magnitude at most 8,
so no product reaches ``2**63``; in a depression step it is the distance from the base, below ``2**32``, and the gain is
at most 1.  A step is at most ``2**35`` in size, and a rate at most ``2**19``, so neither does
their product.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from brainsim.kernels.law.weights import ONE, WEIGHT_BITS, to_fixed

RATE_BITS = 28
MAX_RATE = 8.0
LARGEST_RATE = int(MAX_RATE) << WEIGHT_BITS
_HALF = 1 << (RATE_BITS - 1)
_HALF_WEIGHT = 1 << (WEIGHT_BITS - 1)
_ENTRY_BITS = 12


def multiplied(value: int, rate: int) -> int:
    """Return the product of two numbers with 16 fractional bits, rounded to nearest: ``value`` if ``rate`` is 1."""
    return (rate * value + _HALF_WEIGHT) >> WEIGHT_BITS


@dataclass(frozen=True)
class Update:
    """One plasticity step in integers, ``w <- max(lowest, min(w + rate * step(w), ceiling))``, rounded to nearest.

    ``lowest`` is the floor, or ``w`` where that lies below it: a weight is never raised to the floor in one step.

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
        If not empty, the table: a stored weight ``w`` changes by ``steps[(w - floor) >> shift]``, by the first item if
        it lies below the floor, by the last beyond the end.
    shift : int
        How many low bits of a stored weight the table ignores.
    floor : int
        Smallest stored weight, ``round(w_min * 2**16)``.
    """

    gain: int
    drift: int
    ceiling: int
    steps: tuple[int, ...] = ()
    shift: int = 0
    floor: int = 0

    @classmethod
    def affine(cls, gain: float, drift: float, ceiling: float, floor: float = 0.0) -> Update:
        """Build the integer step from real coefficients, with weights in units of 1."""
        return cls(*_affine(gain, drift), ceiling=to_fixed(ceiling), floor=to_fixed(floor))

    @classmethod
    def tabled(cls, step: Callable[[float], float], ceiling: float, floor: float = 0.0) -> Update:
        """Build a table of 2049 to 4097 items from a function of the weight, evaluated in the middle of each item."""
        steps, shift = _tabled(step, floor, ceiling)
        return cls(0, 0, to_fixed(ceiling), steps, shift, to_fixed(floor))

    def apply(self, stored: int, rate: int = ONE) -> int:
        """Return the stored weight, within the bounds, after one step at a rate with 16 fractional bits."""
        if self.steps:
            step = self.steps[min(max(0, stored - self.floor) >> self.shift, len(self.steps) - 1)]
        else:
            step = (self.gain * stored + self.drift + _HALF) >> RATE_BITS
        return max(min(self.floor, stored), min(stored + multiplied(step, rate), self.ceiling))

    @property
    def changes_weights(self) -> bool:
        """Whether a step changes any weight; if not, the fiber cannot learn (``beta = 0``)."""
        # A line is monotonic, so its extreme steps are at the ends, or just inside them, where no bound applies.  Every
        # item of a table is tried.
        items = (self.floor + (item << self.shift) for item in range(len(self.steps)))
        tried = {self.floor, self.floor + 1, self.ceiling - 1, self.ceiling, *items}
        return any(self.apply(weight) != weight for weight in tried if self.floor <= weight <= self.ceiling)


@dataclass(frozen=True)
class Depression:
    """The second step of a rule, which weakens stored synapses from neurons that fired to neurons that did not win.

    Potentiation changes synapses onto winners only, so no synapse is changed twice in a round and the order of the two
    does not matter.  All rounding goes towards the base weight, so a decaying weight reaches it.  No entry is
    created: a synapse that is not stored has the base weight.

    Attributes
    ----------
    gain, drift : int
        The step is ``gain * (w - base) + drift``, with as many fractional bits as in `Update`, so that a decay towards
        the base is exactly 0 there; ``|gain|`` is at most 1.
    ceiling, steps, shift, floor : int, tuple of int, int, int
        As in `Update`.  A weight that is below ``floor`` already stays there, unless a reversed step raises it.
    base : int
        The weight towards which steps are rounded.
    losers : bool
        Which neurons did not win: all, or only those that fired the round before and have just lost.
    """

    gain: int
    drift: int
    ceiling: int
    steps: tuple[int, ...] = ()
    shift: int = 0
    floor: int = 0
    base: int = ONE
    losers: bool = False

    @classmethod
    def affine(
        cls, gain: float, drift: float, ceiling: float, floor: float = 1.0, base: float = 1.0, *, losers: bool = False
    ) -> Depression:
        """Build the integer step from the real coefficients of ``gain * w + drift``, with weights in units of 1."""
        line = _affine(gain, drift + gain * base)
        return cls(*line, to_fixed(ceiling), (), 0, to_fixed(floor), to_fixed(base), losers)

    @classmethod
    def tabled(
        cls,
        step: Callable[[float], float],
        ceiling: float,
        floor: float = 1.0,
        base: float = 1.0,
        *,
        losers: bool = False,
    ) -> Depression:
        """Build a table as `Update.tabled` does."""
        steps, shift = _tabled(step, floor, ceiling)
        return cls(0, 0, to_fixed(ceiling), steps, shift, to_fixed(floor), to_fixed(base), losers)

    def apply(self, stored: int, rate: int = ONE) -> int:
        """Return the stored weight, at most ``ceiling``, after one step at a rate with 16 fractional bits."""
        if self.steps:
            step = self.steps[min(max(0, stored - self.floor) >> self.shift, len(self.steps) - 1)]
        else:
            step = self._towards_base(stored, self.gain * (stored - self.base) + self.drift, RATE_BITS)
        step = self._towards_base(stored, rate * step, WEIGHT_BITS)
        return max(min(self.floor, stored), min(stored + step, self.ceiling))

    def _towards_base(self, stored: int, value: int, bits: int) -> int:
        """Return ``value / 2**bits``, rounded towards the base."""
        return value >> bits if stored >= self.base else -(-value >> bits)


def _affine(gain: float, drift: float) -> tuple[int, int]:
    return round(gain * (1 << RATE_BITS)), round(drift * (1 << (RATE_BITS + WEIGHT_BITS)))


def _tabled(step: Callable[[float], float], floor: float, ceiling: float) -> tuple[tuple[int, ...], int]:
    """Return the table of a function of the weight between two bounds, and the shift that finds its items."""
    low, span = to_fixed(floor), to_fixed(ceiling) - to_fixed(floor)
    shift = max(0, (span - 1).bit_length() - _ENTRY_BITS)
    middles = [low + ((2 * item + 1) << shift) / 2 for item in range((span >> shift) + 1)]
    most = ceiling - floor
    return tuple(to_fixed(max(-most, min(step(middle / ONE), most))) for middle in middles), shift
