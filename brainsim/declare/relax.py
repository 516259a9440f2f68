"""The rule of weights between vector areas: they relax towards a target set by the vectors of their ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from brainsim._validation import real
from brainsim.declare.message import one_of
from brainsim.errors import DeclarationError, unknown
from brainsim.kernels.vectors.parts import LARGEST_WEIGHT, Goal, Relaxing

_GOALS = ("input", "cosine", "product")


@dataclass(frozen=True)
class Relax:
    """Weights of the edges among active nodes move towards a target, each channel at its own rate.

    ``w <- w + alpha r (target - w) tanh(|V_i - V_j|)``, where ``r`` is the product of the fiber's modulators (without
    any, 1), and ``V_i`` and ``V_j`` are the vectors of the two ends of an edge before the round.  An edge changes only
    if both ends were active then, so the cost of a round depends on their edges alone.  The result is cut to
    ``[w_min, w_max]``.

    Parameters
    ----------
    rates : mapping of str to float
        ``alpha`` of channels by name, 0 to 1.  Channels that are not named do not learn.
    target : {"input", "cosine", "product"}
        ``"input"``: ``e_ij^k cos(V_i, V_j)``, where ``e_ij^k = (I_i^k + I_j^k) / 2`` is the mean input of both ends in
        the channel (`Edges.set_input`); for fibers from an area to itself.  ``"cosine"``: ``cos(V_i, V_j)``, the same
        for all channels, which then only differ in speed.  ``"product"``: the literal form of the source document,
        ``w <- w + alpha r w cos(V_i, V_j) tanh(|<V_i, V_j>|)``, which has no fixed point but 0: weights grow without
        bound where vectors are alike.
    w_min, w_max : float
        Bounds of all weights, including the initial ones: -1e20 to 1e20.

    Raises
    ------
    DeclarationError
        If a value is out of range.

    Examples
    --------
    >>> Relax({"joy": 0.07}, target="cosine")
    Relax({'joy': 0.07}, target='cosine')
    """

    rates: Mapping[str, float] = field(hash=False)
    target: Goal = "input"
    w_min: float = field(default=-1.0, kw_only=True)
    w_max: float = field(default=1.0, kw_only=True)

    def __post_init__(self) -> None:
        if not isinstance(self.rates, Mapping) or not all(isinstance(name, str) for name in self.rates):
            allowed = 'a mapping of channels to rates, such as {"joy": 0.07}'
            raise DeclarationError(where="Relax.rates", value=self.rates, allowed=allowed)
        rates = {name: real(f"Relax.rates[{name!r}]", rate, 0.0, 1.0) for name, rate in self.rates.items()}
        object.__setattr__(self, "rates", MappingProxyType(rates))
        one_of("Relax.target", self.target, _GOALS)
        for bound in ("w_min", "w_max"):
            value = real(f"Relax.{bound}", getattr(self, bound), -LARGEST_WEIGHT, LARGEST_WEIGHT)
            object.__setattr__(self, bound, value)
        if self.w_min >= self.w_max:
            raise DeclarationError(where="Relax.w_min", value=self.w_min, allowed=f"below w_max = {self.w_max:g}")

    def part(self, where: str, channels: tuple[str, ...]) -> Relaxing:
        """Return what backends run, for the channels of a fiber; ``where`` begins the message of an error.

        Raises
        ------
        DeclarationError
            If a rate is given for a channel that the fiber does not have.
        """
        for name in self.rates:
            if name not in channels:
                problem = unknown("channel", name, channels)
                raise DeclarationError(f"{where}.plasticity: {problem}", where=f"{where}.plasticity", value=name)
        return Relaxing(tuple(self.rates.get(name, 0.0) for name in channels), self.target, self.w_min, self.w_max)

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "rates": dict(self.rates)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in {**state, "rates": MappingProxyType(state["rates"])}.items():
            object.__setattr__(self, name, value)

    def __repr__(self) -> str:
        bounds = {"w_min": (self.w_min, -1.0), "w_max": (self.w_max, 1.0)}
        others = "".join(f", {name}={value:g}" for name, (value, usual) in bounds.items() if value != usual)
        target = "" if self.target == "input" else f", target={self.target!r}"
        return f"Relax({dict(self.rates)}{target}{others})"
