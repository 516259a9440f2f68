"""Find straight lines: call a function of the weight with an unknown weight."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real
from typing import Any, NoReturn


@dataclass(frozen=True, eq=False)
class Line:
    """``gain * w + drift`` for an unknown ``w``.

    It can be added to and subtracted from numbers and lines, and multiplied and divided by numbers.  Everything else
    (a comparison, a power, ``math.exp``) raises TypeError, because the result would not be a line.
    """

    gain: float = 1.0
    drift: float = 0.0

    # NumPy scalars then leave arithmetic to the methods below.
    __array_ufunc__ = None

    def __add__(self, other: object) -> Line:
        if isinstance(other, Line):
            return Line(self.gain + other.gain, self.drift + other.drift)
        return Line(self.gain, self.drift + _number(other))

    __radd__ = __add__

    def __neg__(self) -> Line:
        return Line(-self.gain, -self.drift)

    def __sub__(self, other: object) -> Line:
        return self + (-other if isinstance(other, Line) else -_number(other))

    def __rsub__(self, other: object) -> Line:
        return -self + other

    def __mul__(self, factor: object) -> Line:
        return Line(self.gain * _number(factor), self.drift * _number(factor))

    __rmul__ = __mul__

    def __truediv__(self, divisor: object) -> Line:
        return Line(self.gain / _number(divisor), self.drift / _number(divisor))

    def _unknown(self, *_: object) -> NoReturn:
        raise TypeError("the weight is not known yet")

    # Without these, Python would compare identities, and treat every object as true.
    __eq__ = __ne__ = _unknown
    __bool__ = _unknown
    __hash__ = None  # type: ignore[assignment]


def _number(value: object) -> float:
    if not isinstance(value, Real):
        raise TypeError(f"{value!r} is no number")
    return float(value)


def as_line(function: Callable[[Any], Any]) -> Line | None:
    """Return a function of the weight as a straight line with exact coefficients, ``None`` if it is not one."""
    try:
        found = function(Line())
    except Exception:  # not a line, or a mistake, which appears again when the function gets a number
        return None
    if isinstance(found, Line):
        return found
    return Line(0.0, float(found)) if isinstance(found, Real) else None
