"""Steps of plasticity rules: functions of the weight, written by users, checked and turned into integers."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from brainsim._validation import real
from brainsim.declare.line import Line, as_line
from brainsim.errors import DeclarationError
from brainsim.kernels.law.rules import MAX_RATE, Depression, Update
from brainsim.kernels.law.weights import MAX_WEIGHT, ONE, to_fixed, to_float

_LARGEST_ERROR = 0.1
_SMALLEST_STEP = 5 / ONE
_TRIED = 9


@dataclass(frozen=True)
class Step:
    """One method of a rule.

    Attributes
    ----------
    where : str
        Its name in messages, such as ``Hebbian.step``.
    function : callable
        What is added to a weight.
    """

    where: str
    function: Callable[[float], float]

    def __call__(self, weight: float) -> float:
        """Return the step at a weight, a finite number."""
        where = f"{self.where}({weight:g})"
        try:
            step = float(self.function(weight))
        except Exception as error:
            raise DeclarationError(f"{where}: failed ({type(error).__name__}: {error})", where=where) from error
        if not math.isfinite(step):
            raise DeclarationError(where=where, value=step, allowed="a finite number")
        return step

    @cached_property
    def line(self) -> Line | None:
        """The step as a straight line, ``None`` if it is not one."""
        return as_line(self.function)

    @property
    def is_zero(self) -> bool:
        """Whether the step is 0 at every weight."""
        return self.line is not None and not self.line.gain and not self.line.drift

    def update(self, w_min: float, w_max: float) -> Update:
        """Return the potentiation with this step."""
        line = self.line
        if line is None:
            return Update.tabled(self, w_max, w_min)
        self._check_line(line, abs(line.gain) <= MAX_RATE and abs(line.drift) <= MAX_RATE, f"within ±{MAX_RATE:g}")
        return Update.affine(line.gain, line.drift, w_max, w_min)

    def depression(self, floor: float, w_max: float, base: float, *, losers: bool) -> Depression:
        """Return the depression with this step."""
        line = self.line
        if line is not None:
            at_base = line.gain * base + line.drift
            allowed = f"within ±1 for w, and its value at weight {base:g} within ±{MAX_RATE:g}"
            self._check_line(line, abs(line.gain) <= 1.0 and abs(at_base) <= MAX_RATE, allowed)
        self._check_size(floor, w_max)
        if line is None:
            return Depression.tabled(self, w_max, floor, base, losers=losers)
        return Depression.affine(line.gain, line.drift, w_max, floor, base, losers=losers)

    def _check_line(self, line: Line, fits: bool, allowed: str) -> None:
        if not fits:
            raise DeclarationError(
                f"{self.where}: the coefficients of {line.gain:g} * w + {line.drift:g} must lie {allowed}; "
                "lower its parameters"
            )

    def _check_size(self, floor: float, w_max: float) -> None:
        """Refuse a depression that strengthens, or that is so small that rounding determines it."""
        tried = [floor + (w_max - floor) * part / (_TRIED - 1) for part in range(_TRIED)]
        for weight in tried:
            if self(weight) > 0:
                raise DeclarationError(where=f"{self.where}({weight:g})", value=self(weight), allowed="at most 0")
        largest = max(abs(self(weight)) for weight in tried)
        if largest < _SMALLEST_STEP:
            raise DeclarationError(
                f"{self.where}: must somewhere be at least about 1e-4, since weights have 16 fractional bits "
                f"(got {largest:g} at most); raise the rate"
            )


def check_rounding(name: str, update: Update, at: float, wanted: float) -> None:
    """Refuse a potentiation that rounding changes by more than 10 % at a weight.

    Parameters
    ----------
    name : str
        Of the rule.
    update : Update
        The potentiation in integers.
    at, wanted : float
        The weight, a multiple of ``2**-16``, and the change that the rule wants there.
    """
    stored = to_fixed(at)
    made = to_float(update.apply(stored) - stored)
    scale = abs(wanted) or to_float(max(map(abs, update.steps), default=0))
    if abs(made - wanted) <= _LARGEST_ERROR * scale:
        return
    if update.steps:
        raise DeclarationError(
            f"{name}.w_max: must be lower, since the table of steps from {to_float(update.floor):g} to w_max has "
            f"{len(update.steps)} items, which make the step at weight {at:g} {made:g} instead of {wanted:g} "
            f"(got {to_float(update.ceiling):g})"
        )
    raise DeclarationError(
        f"{name}.step: at weight {at:g} must be 0 or at least about 1e-4, since weights have 16 fractional bits "
        f"(got {wanted:g}); raise the rate"
    )


def check_rate(rule: object, parameter: str) -> None:
    """Put a rate of a rule, a parameter from 0 to 8, into its range as a float."""
    rate = real(f"{type(rule).__name__}.{parameter}", getattr(rule, parameter), 0.0, MAX_RATE)
    object.__setattr__(rule, parameter, rate)


def check_bounds(rule: object, lowest: float) -> None:
    """Put ``w_max`` of a rule, from ``lowest`` to 32 767, into its range as a float, and ``w_min`` if it has one."""
    for parameter, low in (("w_max", lowest), ("w_min", -MAX_WEIGHT)):
        value = real(f"{type(rule).__name__}.{parameter}", getattr(rule, parameter), low, MAX_WEIGHT)
        object.__setattr__(rule, parameter, value)
