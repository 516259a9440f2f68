"""Plasticity rules, defined by steps of the weight."""

from __future__ import annotations

from abc import ABC, abstractmethod
from copy import copy
from dataclasses import Field, fields, is_dataclass
from typing import Any, Self

from brainsim._arguments import checked
from brainsim._validation import real
from brainsim.declare.steps import Step, check_rounding
from brainsim.errors import DeclarationError
from brainsim.kernels.law.rules import Depression, Update
from brainsim.kernels.law.weights import MAX_WEIGHT, to_fixed, to_float


class Plasticity(ABC):
    """A plasticity rule: how much a synapse changes when its neurons fire one after the other.

    To write a rule, derive a frozen dataclass with the parameters of the rule and one method, ``step``.  After each
    co-firing the weight ``w`` becomes ``w + step(w)``, cut to ``[w_min, w_max]``.  A second method, ``depress``,
    weakens synapses onto neurons that have just lost.

    All backends run the same integer form of the steps.  If a step only adds numbers to ``w`` and multiplies it by
    numbers, it is a straight line, whose coefficients are stored exactly (to 28 fractional bits).  Any other function
    is tabulated at some 2000 to 4000 weights between ``w_min`` and ``w_max``; then choose them no further apart than
    necessary.

    Attributes
    ----------
    w_min, w_max : float
        Smallest and largest weight, from -32 767 to 32 767; by default 0 and 32 767.  The weight of the fiber must lie
        between them.  Class attributes, unless a rule declares them as parameters.
    floor : float or None
        Smallest weight to which ``depress`` weakens a synapse; ``None``, the default, for the weight of the fiber.
    all_losers : bool
        Whether ``depress`` acts on synapses onto all neurons that did not win.  By default it acts on those onto
        neurons that fired in the round before and have just lost.

    Raises
    ------
    DeclarationError
        If a bound is out of range, if a step fails or is not a finite number, if a coefficient of a straight line
        exceeds 8, or if rounding would change the step at the weight of the fiber by more than 10 %.  Conditions on the
        weight of the fiber are checked when the fiber is declared, and for the default weight, 1, when the rule is
        made.

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
    ...
    ...     def depress(self, w):
    ...         return -self.rate
    >>> rule = Decaying(rate=0.4)
    >>> rule.update(1.0), rule.depressed(1.3)
    (1.1, 1.0)
    """

    w_min: float = 0.0
    w_max: float = MAX_WEIGHT
    floor: float | None = None
    all_losers: bool = False

    def __post_init__(self) -> None:
        w_min, w_max = self.bounds()
        if w_min <= 1.0 < w_max:
            self.fixed_point(at=1.0)
            self.depression()
        else:
            self._step.update(w_min, w_max)

    @abstractmethod
    def step(self, w: float) -> float:
        """Return what one co-firing adds to a synapse of weight ``w``."""

    def depress(self, w: float) -> float:
        """Return what is added to a stored synapse of weight ``w`` if its source fired and its target has just lost.

        At most 0; 0 by default, so that nothing is weakened.
        """
        del w
        return 0.0

    @checked()
    def update(self, weight: float) -> float:
        """Return the weight after one co-firing: ``weight + step(weight)``, cut to ``[w_min, w_max]``."""
        w_min, w_max = self.bounds()
        return max(min(w_min, weight), min(weight + self._step(weight), w_max))

    @checked()
    def depressed(self, weight: float) -> float:
        """Return the weight after its target lost, in a fiber of weight 1 (or of the one the rule is `fitted` to)."""
        rule = self.fitted()
        return max(min(rule.lowest(), weight), min(weight + rule._depress(weight), rule.bounds()[1]))

    @checked()
    def fitted(self, base: float = 1.0) -> Self:
        """Return the rule fitted to a fiber of weight ``base``, which is also the default ``floor``."""
        if self.floor is not None:
            return self
        rule = copy(self)
        object.__setattr__(rule, "floor", base)
        return rule

    def bounds(self) -> tuple[float, float]:
        """Return ``(w_min, w_max)``, checked."""
        w_max = real(f"{self._name}.w_max", self.w_max, -MAX_WEIGHT, MAX_WEIGHT)
        w_min = real(f"{self._name}.{self._lower}", self.w_min, -MAX_WEIGHT, MAX_WEIGHT)
        if to_fixed(w_min) >= to_fixed(w_max):
            raise DeclarationError(where=f"{self._name}.{self._lower}", value=w_min, allowed=f"below w_max = {w_max:g}")
        return w_min, w_max

    def lowest(self) -> float:
        """Return the floor of a rule that is `fitted`, checked: the weight at which ``depress`` stops."""
        w_min, w_max = self.bounds()
        floor = real(f"{self._name}.floor", self.floor, w_min, w_max)
        if to_fixed(floor) == to_fixed(w_max):
            raise DeclarationError(where=f"{self._name}.floor", value=floor, allowed=f"below w_max = {w_max:g}")
        return floor

    @checked()
    def fixed_point(self, base: float = 1.0, *, at: float | None = None) -> Update:
        """Return ``step`` on integer weights, as all backends run it.

        Parameters
        ----------
        base : float
            Weight of the fiber.
        at : float, optional
            A weight within the bounds at which rounding must not change the step by more than 10 %, for fibers whose
            synapses differ; by default ``base``, which then has to lie within the bounds, with room to learn.
        """
        base = real(f"{self._name}: base", base, -MAX_WEIGHT, MAX_WEIGHT)
        at = None if at is None else real(f"{self._name}: at", at, -MAX_WEIGHT, MAX_WEIGHT)
        rule = self.fitted(base)
        update = rule._step.update(*rule.bounds())
        if at is None:
            rule._check_base(base)
        at = to_float(to_fixed(base if at is None else at))
        # The bounds are rounded, too.  With exact bounds, a step at a bound would be a rounding error.
        wanted = max(to_float(update.floor), min(at + rule._step(at), to_float(update.ceiling))) - at
        check_rounding(self._name, update, at, wanted)
        return update

    @checked()
    def depression(self, base: float = 1.0) -> Depression | None:
        """Return ``depress`` on integer weights, as all backends run it; ``None`` if nothing is weakened."""
        rule = self.fitted(real(f"{self._name}: base", base, -MAX_WEIGHT, MAX_WEIGHT))
        if rule._depress.is_zero:
            return None
        return rule._depress.depression(rule.lowest(), rule.bounds()[1], base, losers=rule.all_losers)

    @property
    def _name(self) -> str:
        return type(self).__name__

    @property
    def _lower(self) -> str:
        """Name of the parameter of the rule that bounds its weights from below."""
        return "w_min"

    @property
    def _step(self) -> Step:
        return Step(f"{self._name}.step", self.step)

    @property
    def _depress(self) -> Step:
        return Step(f"{self._name}.depress", self.depress)

    def _check_base(self, base: float) -> None:
        """Refuse a fiber whose weight is out of bounds, or at the bound in the direction of a step."""
        w_min, w_max = self.bounds()
        step = self._step(base)
        for bound, value, sign, side in (("w_max", w_max, 1, "above"), (self._lower, w_min, -1, "below")):
            where, room = f"{self._name}.{bound}", sign * (to_fixed(value) - to_fixed(base))
            if room < 0:
                allowed = f"at {'least' if sign > 0 else 'most'} {base:g}, the weight of the fiber"
                raise DeclarationError(where=where, value=value, allowed=allowed)
            if not room and sign * step > 0:
                raise DeclarationError(where=where, value=value, allowed=f"{side} {base:g}, the base weight, to learn")

    def __repr__(self) -> str:
        """Show the parameters; keyword parameters only if they differ from their defaults."""
        shown = []
        parameters: tuple[Field[Any], ...] = fields(self) if is_dataclass(self) else ()
        for each in parameters:
            value = getattr(self, each.name)
            if not each.kw_only or value != each.default:
                shown.append(f"{each.name}={value!r}")
        return f"{self._name}({', '.join(shown)})"


class AffinePlasticity(Plasticity):
    """A rule given by two coefficients instead of a step: ``w <- w + gain * w + drift``, cut to ``[w_min, w_max]``."""

    @property
    @abstractmethod
    def coefficients(self) -> tuple[float, float]:
        """``(gain, drift)`` of the step ``gain * w + drift``."""

    def step(self, w: float) -> float:
        """Return ``gain * w + drift``."""
        gain, drift = self.coefficients
        return gain * w + drift
