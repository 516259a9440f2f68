"""Plasticity rules: how a synapse strengthens when its two neurons fire one after the other.

A rule is a small object with one update, `Plasticity.update`, and the same step in integers, `Plasticity.fixed_point`,
which every backend runs.  A new rule of the form ``w <- min(w + gain * w + drift, w_max)`` is an `AffinePlasticity`:
one class with one property.  Any other function of the weight is a table: see `StatisticalHebbian`.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

from brainsim._validation import real
from brainsim.errors import DeclarationError
from brainsim.kernels.law.rules import MAX_RATE, Update
from brainsim.kernels.law.weights import MAX_WEIGHT, ONE, to_fixed, to_float

_LARGEST_ERROR = 0.1


@dataclass(frozen=True)
class Plasticity(ABC):
    """A plasticity rule with rate ``beta`` and saturation weight ``w_max`` (in units of the base weight 1).

    Parameters
    ----------
    beta : float
        Plasticity, 0 to 8; 0 means no learning.
    w_max : float
        Largest weight, 1 to 32 767.

    Raises
    ------
    DeclarationError
        If a value is out of range, or ``beta`` is so small that the 16 fractional bits of a weight would round the
        first step by more than 10 %.
    """

    beta: float
    w_max: float

    def __post_init__(self) -> None:
        where = type(self).__name__
        object.__setattr__(self, "beta", real(f"{where}.beta", self.beta, 0.0, MAX_RATE))
        object.__setattr__(self, "w_max", real(f"{where}.w_max", self.w_max, 1.0, MAX_WEIGHT))
        self._check()
        if self.beta and to_fixed(self.w_max) == ONE:
            raise DeclarationError(f"{where}.w_max: must be above 1, the base weight, to learn (got {self.w_max:g})")
        wanted, made = self.update(1.0) - 1.0, to_float(self.fixed_point().apply(ONE)) - 1.0
        if abs(made - wanted) > _LARGEST_ERROR * abs(wanted):
            raise DeclarationError(
                f"{where}.beta: must be 0 or at least about 1e-4, since weights have 16 fractional bits "
                f"(got {self.beta:g}); raise beta"
            )

    @abstractmethod
    def _check(self) -> None:
        """Refuse values of a rule's own parameters, or of all together; ``beta`` and ``w_max`` are in their ranges."""

    @abstractmethod
    def update(self, weight: float) -> float:
        """Return the weight after one co-firing, in [0, w_max]."""

    @abstractmethod
    def fixed_point(self) -> Update:
        """Return the same step on integer weights, as all backends run it."""


@dataclass(frozen=True)
class AffinePlasticity(Plasticity):
    """A rule whose step is ``w <- w + gain * w + drift``, cut to [0, w_max]; see `Plasticity` for its parameters."""

    def _check(self) -> None:
        if max(map(abs, self.coefficients)) > MAX_RATE:
            raise DeclarationError(
                f"{type(self).__name__}.coefficients: must lie within ±{MAX_RATE:g} (got {self.coefficients})"
            )

    @property
    @abstractmethod
    def coefficients(self) -> tuple[float, float]:
        """``(gain, drift)`` of one step ``w + gain * w + drift``."""

    def update(self, weight: float) -> float:
        """Return the weight after one co-firing: ``w + gain * w + drift``, cut to [0, w_max]."""
        gain, drift = self.coefficients
        return max(0.0, min(weight + gain * weight + drift, self.w_max))

    def fixed_point(self) -> Update:
        """Return the same step on integer weights, as all backends run it."""
        gain, drift = self.coefficients
        return Update.affine(gain, drift, self.w_max)


@dataclass(frozen=True)
class Hebbian(AffinePlasticity):
    """The calculus' own rule with a cap: ``w <- min(w * (1 + beta), w_max)``.

    The papers leave the weight unbounded; ``w_max`` is the saturation that any real synapse has.  The default, 32 767,
    is the largest weight there is here and is reached only after 214 co-firings at ``beta = .05``.

    References
    ----------
    Papadimitriou, Vempala, Mitropolsky, Collins, Maass. Brain computation by assemblies of neurons. PNAS 2020, §2.
    """

    w_max: float = MAX_WEIGHT

    @property
    def coefficients(self) -> tuple[float, float]:
        """``(beta, 0)``."""
        return self.beta, 0.0


@dataclass(frozen=True)
class SaturatingHebbian(AffinePlasticity):
    """The additive, saturating rule: ``w <- w + beta * (1 - w / w_max)``.

    A weight approaches ``w_max`` geometrically and never passes it.

    References
    ----------
    The saturating variant used with NEMO (Mitropolsky & Papadimitriou 2023, 2025).
    """

    w_max: float = 10.0

    @property
    def coefficients(self) -> tuple[float, float]:
        """``(-beta / w_max, beta)``."""
        return -self.beta / self.w_max, self.beta


@dataclass(frozen=True)
class StatisticalHebbian(Plasticity):
    """The rule that records frequencies: ``w <- w + beta * exp(-steepness * (w - 1))``, cut to [0, w_max].

    After ``c`` co-firings a weight is about ``1 + log(1 + steepness * beta * c) / steepness``.  A choice that follows
    the softmax of the weights with that steepness, as one driven by noise does (`brainsim.operations.choose`), then has
    probabilities in proportion to ``1 + steepness * beta * c``: nearly those with which things followed one another.

    Parameters
    ----------
    beta : float
        First step, 0 to 8.  Small, so that the rule does not overshoot: at most ``1 / steepness``.
    w_max : float
        Largest weight, 1 to 32 767; the step comes from a table of some 4096 items from 0 to ``w_max``.
    steepness : float
        How fast learning slows down, above 0 and at most 100.

    References
    ----------
    Dabagia, Mitropolsky, Papadimitriou, Vempala. Coin-flipping in the brain: statistical learning with neuronal
    assemblies. arXiv 2406.07715, 2024: Hebbian plasticity that inverts the softmax.  This form of it is ours.
    """

    w_max: float = 16.0
    steepness: float = 1.0

    def _check(self) -> None:
        object.__setattr__(self, "steepness", real("StatisticalHebbian.steepness", self.steepness, 0.0, 100.0))
        if not self.steepness:
            raise DeclarationError(
                "StatisticalHebbian.steepness: must be above 0 (got 0); a rule without it is Hebbian"
            )
        if self.w_max * self.steepness > 200.0:
            raise DeclarationError(
                f"StatisticalHebbian.w_max: must be at most 200 / steepness = {200 / self.steepness:g}, or the table "
                f"of steps is too coarse (got {self.w_max:g}); lower w_max"
            )
        if self.beta * self.steepness > 1.0:
            raise DeclarationError(
                f"StatisticalHebbian.beta: must be at most 1 / steepness = {1 / self.steepness:g}, or the first step "
                f"overshoots (got {self.beta:g})"
            )

    def _step(self, weight: float) -> float:
        return self.beta * math.exp(-self.steepness * (weight - 1.0))

    def update(self, weight: float) -> float:
        """Return the weight after one co-firing: ``w + beta * exp(-steepness * (w - 1))``, cut to [0, w_max]."""
        return max(0.0, min(weight + self._step(weight), self.w_max))

    def fixed_point(self) -> Update:
        """Return the same step on integer weights, as all backends run it, with the exponential in a table."""
        return Update.tabled(self._step, self.w_max)
