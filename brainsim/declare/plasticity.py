"""What a plasticity rule is: one step of the weight, from which everything else follows."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

from brainsim._validation import real
from brainsim.declare.line import Line, as_line
from brainsim.errors import DeclarationError
from brainsim.kernels.law.rules import MAX_RATE, Update
from brainsim.kernels.law.weights import MAX_WEIGHT, ONE, to_float

_LARGEST_ERROR = 0.1


class Plasticity(ABC):
    """A plasticity rule: by how much a synapse changes when its neurons fire one after the other.

    To write a rule, derive a frozen dataclass with the parameters of the rule and one method, ``step``.  After each
    co-firing the weight ``w`` becomes ``w + step(w)``, cut to ``[0, w_max]``.

    All backends run the same integer form of the step.  If ``step`` only adds numbers to ``w`` and multiplies it by
    numbers, it is a straight line, whose coefficients are stored exactly (to 28 fractional bits).  Any other function
    is tabulated at some 2000 to 4000 weights between 0 and ``w_max``; choose ``w_max`` no larger than necessary then.

    Attributes
    ----------
    w_max : float
        Largest weight in units of the base weight 1, from 1 to 32 767 (default).  A class attribute, unless a rule
        declares it as a parameter.

    Raises
    ------
    DeclarationError
        If ``w_max`` is out of range, if ``step`` fails or is not a finite number, if a coefficient of a straight line
        exceeds 8, or if rounding would change the step at weight 1 by more than 10 %.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Decaying(Plasticity):
    ...     rate: float
    ...     power: float = 2.0
    ...     w_max: float = 20.0
    ...
    ...     def step(self, w):
    ...         return self.rate / (1 + w) ** self.power
    >>> rule = Decaying(rate=0.4)
    >>> rule.update(1.0)
    1.1
    """

    w_max: float = MAX_WEIGHT

    def __post_init__(self) -> None:
        self.fixed_point()

    @abstractmethod
    def step(self, w: float) -> float:
        """Return what one co-firing adds to a synapse of weight ``w``, in units of the base weight."""

    def update(self, weight: float) -> float:
        """Return the weight after one co-firing: ``weight + step(weight)``, cut to ``[0, w_max]``."""
        return max(0.0, min(weight + self._checked_step(weight), self.w_max))

    def fixed_point(self) -> Update:
        """Return the same step on integer weights, as all backends run it."""
        w_max = real(f"{self._name}.w_max", self.w_max, 1.0, MAX_WEIGHT)
        line = as_line(self.step)
        step = Update.tabled(self._checked_step, w_max) if line is None else self._affine(line, w_max)
        self._check_rounding(step)
        return step

    @property
    def _name(self) -> str:
        return type(self).__name__

    def _affine(self, line: Line, w_max: float) -> Update:
        if not (abs(line.gain) <= MAX_RATE and abs(line.drift) <= MAX_RATE):
            raise DeclarationError(
                f"{self._name}.step: the coefficients of {line.gain:g} * w + {line.drift:g} must lie within "
                f"±{MAX_RATE:g}; lower its parameters"
            )
        return Update.affine(line.gain, line.drift, w_max)

    def _checked_step(self, weight: float) -> float:
        where = f"{self._name}.step({weight:g})"
        try:
            step = float(self.step(weight))
        except Exception as error:
            raise DeclarationError(f"{where}: failed ({type(error).__name__}: {error})", where=where) from error
        if not math.isfinite(step):
            raise DeclarationError(where=where, value=step, allowed="a finite number")
        return step

    def _check_rounding(self, step: Update) -> None:
        wanted, made = self.update(1.0) - 1.0, to_float(step.apply(ONE)) - 1.0
        scale = abs(wanted) or to_float(max(map(abs, step.steps), default=0))
        if abs(made - wanted) <= _LARGEST_ERROR * scale:
            return
        if step.steps:
            raise DeclarationError(
                f"{self._name}.w_max: must be lower, since the table of steps from 0 to w_max has {len(step.steps)} "
                f"items, which make the step at weight 1 {made:g} instead of {wanted:g} (got {self.w_max:g})"
            )
        raise DeclarationError(
            f"{self._name}.step: at weight 1 must be 0 or at least about 1e-4, since weights have 16 fractional bits "
            f"(got {wanted:g}); raise the rate"
        )


class AffinePlasticity(Plasticity):
    """A rule given by two coefficients instead of a step: ``w <- w + gain * w + drift``, cut to ``[0, w_max]``."""

    @property
    @abstractmethod
    def coefficients(self) -> tuple[float, float]:
        """``(gain, drift)`` of the step ``gain * w + drift``."""

    def step(self, w: float) -> float:
        """Return ``gain * w + drift``."""
        gain, drift = self.coefficients
        return gain * w + drift
