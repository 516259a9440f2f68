"""The cosine of a fraction of a circle in integers, the same on all machines."""

from __future__ import annotations

from decimal import Decimal, localcontext
from functools import lru_cache

from brainsim.kernels.law.weights import ONE

_PI = Decimal("3.14159265358979323846264338327950288419716939937511")
_DIGITS = 40
_SMALLEST_TERM = Decimal("1e-35")


@lru_cache(maxsize=4096)
def cosine(phase: int, period: int) -> int:
    """Return ``cos(2 pi phase / period)`` with 16 fractional bits, rounded to nearest.

    The value is computed to 35 decimal digits.  No tie is ever rounded: of the cosines of rational parts of a circle,
    only 0, 1/2 and 1 are rational (Niven's theorem), and these are whole numbers of units.

    Parameters
    ----------
    phase, period : int
        ``0 <= phase < period``.
    """
    # The angle in units of a quarter circle is 4 * phase / period; by symmetry it is brought into the first quarter.
    quarters = 4 * min(phase, period - phase)
    if quarters > period:
        return -_first_quarter(2 * period - quarters, period)
    return _first_quarter(quarters, period)


def _first_quarter(numerator: int, period: int) -> int:
    """Return the rounded cosine of ``pi / 2 * numerator / period``, an angle of at most a quarter circle."""
    if numerator == period:
        return 0
    with localcontext() as context:
        context.prec = _DIGITS
        square = (_PI * numerator / (2 * period)) ** 2
        total = term = Decimal(1)
        step = 0
        while abs(term) > _SMALLEST_TERM:
            step += 2
            term = -term * square / (step * (step - 1))
            total += term
        return int((total * ONE + Decimal("0.5")).to_integral_value(rounding="ROUND_FLOOR"))
