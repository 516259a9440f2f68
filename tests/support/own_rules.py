"""Plasticity rules as users write them."""

from __future__ import annotations

from dataclasses import dataclass

from brainsim import Plasticity


@dataclass(frozen=True)
class Affine(Plasticity):
    """A linear rule of a user: the weight can fall below the base weight, and to 0."""

    gain: float
    drift: float
    w_max: float = 10.0

    def step(self, w: float) -> float:
        return self.gain * w + self.drift


@dataclass(frozen=True)
class Curved(Plasticity):
    """A nonlinear rule of a user: weights approach ``target``, and small weights change faster."""

    rate: float
    target: float
    power: float
    w_max: float = 10.0

    def step(self, w: float) -> float:
        return self.rate * (self.target - w) / (1 + w) ** self.power


@dataclass(frozen=True)
class Weakening(Plasticity):
    """A rule of a user with nonlinear depression, for neurons that have just lost or for all losers."""

    rate: float
    all_losers: bool = False
    w_min: float = -3.0
    w_max: float = 10.0

    def step(self, w: float) -> float:
        return self.rate * (1.0 + w / 20.0)

    def depress(self, w: float) -> float:
        return -self.rate * w * w / 10.0
