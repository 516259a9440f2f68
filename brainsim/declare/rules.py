"""The plasticity rules of the assembly calculus and its descendants."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from brainsim._validation import real
from brainsim.declare.plasticity import Plasticity
from brainsim.declare.steps import check_bounds, check_rate
from brainsim.errors import DeclarationError
from brainsim.kernels.law.weights import MAX_WEIGHT, ONE

_SMALLEST = 1 / ONE


@dataclass(frozen=True, repr=False)
class Hebbian(Plasticity):
    """The rule of the assembly calculus with a bound: ``w <- min(w * (1 + beta), w_max)``.

    A negative weight becomes more negative, down to ``w_min``: ``Hebbian(beta, w_max=0, w_min=-20)`` is a rule for
    inhibitory fibers.

    Parameters
    ----------
    beta : float
        Plasticity, 0 to 8; 0 means no learning.
    w_max : float
        Saturation weight, -32 767 to 32 767.  The papers have none.  The default is the largest weight that can be
        stored; at ``beta = 0.05`` a synapse of weight 1 reaches it after 214 co-firings.
    w_min : float, keyword
        Smallest weight, below ``w_max``.

    References
    ----------
    Papadimitriou, Vempala, Mitropolsky, Collins, Maass. Brain computation by assemblies of neurons. PNAS 2020, §2.
    """

    beta: float
    w_max: float = MAX_WEIGHT
    w_min: float = field(default=0.0, kw_only=True)

    def __post_init__(self) -> None:
        check_rate(self, "beta")
        check_bounds(self, -MAX_WEIGHT)
        super().__post_init__()

    def step(self, w: float) -> float:
        """Return ``beta * w``."""
        return self.beta * w


@dataclass(frozen=True, repr=False)
class SaturatingHebbian(Plasticity):
    """The additive, saturating rule: ``w <- w + beta * (1 - w / w_max)``.

    The weight approaches ``w_max`` geometrically and never exceeds it.

    Parameters
    ----------
    beta : float
        Plasticity, 0 to 8; 0 means no learning.
    w_max : float
        Saturation weight, above 0 and at most 32 767.
    w_min : float, keyword
        Smallest weight, below ``w_max``.

    References
    ----------
    The saturating variant used with NEMO (Mitropolsky & Papadimitriou 2023, 2025).
    """

    beta: float
    w_max: float = 10.0
    w_min: float = field(default=0.0, kw_only=True)

    def __post_init__(self) -> None:
        check_rate(self, "beta")
        check_bounds(self, _SMALLEST)
        super().__post_init__()

    def step(self, w: float) -> float:
        """Return ``beta * (1 - w / w_max)``."""
        # In this order of operations the coefficients are exactly beta and -beta / w_max, on which results depend.
        return self.beta - self.beta / self.w_max * w


@dataclass(frozen=True)
class StatisticalHebbian(Plasticity):
    """A rule that records frequencies: ``w <- w + beta * exp(-steepness * (w - 1))``, cut to [0, w_max].

    After ``c`` co-firings the weight is about ``1 + log(1 + steepness * beta * c) / steepness``.  If choices follow the
    softmax of the weights with the same steepness, as noise makes them do (`brainsim.operations.choose`), their
    probabilities are proportional to ``1 + steepness * beta * c``, and thus nearly to the observed frequencies.

    Parameters
    ----------
    beta : float
        First step, 0 to ``1 / steepness``; a larger one would overshoot.
    w_max : float
        Saturation weight, above 0 and at most ``200 / steepness``.  The step is tabulated: some 2000 to
        4000 values from 0 to ``w_max``.
    steepness : float
        How fast learning slows down, above 0 and at most 100.

    References
    ----------
    Dabagia, Mitropolsky, Papadimitriou, Vempala. Coin-flipping in the brain: statistical learning with neuronal
    assemblies. arXiv 2406.07715, 2024: Hebbian plasticity that inverts the softmax.  This form of the rule is ours.
    """

    beta: float
    w_max: float = 16.0
    steepness: float = 1.0

    def __post_init__(self) -> None:
        check_rate(self, "beta")
        check_bounds(self, _SMALLEST)
        object.__setattr__(self, "steepness", real("StatisticalHebbian.steepness", self.steepness, 0.0, 100.0))
        if not self.steepness:
            raise DeclarationError(
                where="StatisticalHebbian.steepness", value=0.0, allowed="above 0", cure="a rule without it is Hebbian"
            )
        if self.w_max * self.steepness > 200.0:
            raise DeclarationError(
                where="StatisticalHebbian.w_max",
                value=self.w_max,
                allowed=f"at most 200 / steepness = {200 / self.steepness:g}, or the table of steps is too coarse",
                cure="lower w_max",
            )
        if self.beta * self.steepness > 1.0:
            raise DeclarationError(
                where="StatisticalHebbian.beta",
                value=self.beta,
                allowed=f"at most 1 / steepness = {1 / self.steepness:g}, or the first step overshoots",
            )
        super().__post_init__()

    def step(self, w: float) -> float:
        """Return ``beta * exp(-steepness * (w - 1))``."""
        return self.beta * math.exp(-self.steepness * (w - 1.0))


@dataclass(frozen=True)
class SoftBoundHebbian(Plasticity):
    """The rule with a soft bound: ``w <- w + beta * (1 - w / w_max) ** mu``, cut to [0, w_max].

    ``mu`` sets how potentiation depends on the weight: not at all for 0 (additive, with a hard bound at ``w_max``),
    linearly for 1 (as `SaturatingHebbian`).

    Parameters
    ----------
    beta : float
        Plasticity, 0 to 8; 0 means no learning.
    w_max : float
        Saturation weight, above 0 and at most 32 767.  The step is tabulated: some 2000 to 4000 values from 0 to
        ``w_max``.
    mu : float
        Exponent, 0 to 10.

    References
    ----------
    Gütig, Aharonov, Rotter, Sompolinsky. Learning input correlations through nonlinear temporally asymmetric Hebbian
    plasticity. Journal of Neuroscience 23, 3697-3714, 2003; potentiation.
    """

    beta: float
    w_max: float = 10.0
    mu: float = 0.5

    def __post_init__(self) -> None:
        check_rate(self, "beta")
        check_bounds(self, _SMALLEST)
        object.__setattr__(self, "mu", real("SoftBoundHebbian.mu", self.mu, 0.0, 10.0))
        super().__post_init__()

    def step(self, w: float) -> float:
        """Return ``beta * (1 - w / w_max) ** mu``."""
        return float(self.beta * max(0.0, 1.0 - w / self.w_max) ** self.mu)
