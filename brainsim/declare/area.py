"""Areas: populations of neurons of which the ``k`` most driven fire."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NoReturn

import numpy.typing as npt

from brainsim._validation import integer, name, real
from brainsim.declare.activation import TOP_K, Activation
from brainsim.declare.assembly import Assembly
from brainsim.declare.neurons import neuron_indices
from brainsim.declare.owner import Owner, Part
from brainsim.errors import DeclarationError, UnknownNameError, unknown
from brainsim.kernels.law.rules import MAX_RATE
from brainsim.kernels.law.weights import to_fixed
from brainsim.kernels.program import MAX_NEURONS

if TYPE_CHECKING:
    from brainsim.declare.region import Region


@dataclass(frozen=True, repr=False)
class Area(Part):
    """A brain area: ``n`` neurons, of which at most ``k`` fire in a round.

    Parameters
    ----------
    name : str
        Unique within the brain; part of the identity of its fibers, so renaming an area redraws them.
    n : int
        Neurons, 1 to 2**31 - 1.
    k : int
        Winners, 1 to ``n``.  May be left out if the activation defines the number, as `Channels` does.
    patterns : mapping of str to array_like of int or bool, optional
        Named stimulus assemblies: neuron indices in ``[0, n)``, or a mask of ``n`` truth values.  ``area["dog"]``
        returns one.
    refraction : float
        Refractoriness, 0 to 8.  Each time a neuron wins while learning, its threshold rises by this fraction of its
        drive.  With ``refraction`` equal to the plasticity ``beta`` of its fibers, the potentiation of its synapses
        from the present input and the rise of its threshold cancel, while other inputs drive it less than before:
        different inputs recruit different neurons (Dabagia, Papadimitriou & Vempala, Neural Computation 2025).
    activation : Activation, optional
        How the neurons that fire are selected; `TopK`, k-winners-take-all, by default.

    Raises
    ------
    DeclarationError
        If a value is out of range, or a pattern is empty, repeats a neuron or leaves the area.

    Examples
    --------
    >>> Area("Visual", n=1000, k=100, patterns={"dog": range(100)})["dog"]
    <Assembly 'dog' of Visual: 100 neurons [0, 1, 2, 3, 4, 5, …]>
    """

    name: str
    n: int
    k: int
    patterns: Mapping[str, Assembly] = field(default_factory=dict, hash=False)
    refraction: float = 0.0
    activation: Activation = TOP_K

    def __init__(
        self,
        name: str,
        n: int,
        k: int | None = None,
        patterns: Mapping[str, npt.ArrayLike] | None = None,
        *,
        refraction: float = 0.0,
        activation: Activation | None = None,
    ) -> None:
        _set(self, "name", _checked_name(name))
        where = f"Area {name!r}"
        _set(self, "n", integer(f"{where}.n", n, 1, MAX_NEURONS))
        _set(self, "refraction", real(f"{where}.refraction", refraction, 0.0, MAX_RATE))
        if self.refraction and not to_fixed(self.refraction):
            allowed = "0 or at least 1e-5, since it has 16 fractional bits"
            raise DeclarationError(where=f"{where}.refraction", value=self.refraction, allowed=allowed)
        if not isinstance(activation, Activation | None):
            allowed = "an Activation, such as TopK()"
            raise DeclarationError(where=f"{where}.activation", value=activation, allowed=allowed)
        _set(self, "activation", TOP_K if activation is None else activation)
        self.activation.check(f"{where}.activation", self.n)
        _set(self, "k", self._winners(k))
        if not isinstance(patterns, Mapping | None):
            raise DeclarationError(
                f"{where}.patterns: must map labels to neurons (got {patterns!r})",
                where=f"{where}.patterns",
                value=patterns,
            )
        named = {label: self._pattern(label, neurons) for label, neurons in (patterns or {}).items()}
        _set(self, "patterns", MappingProxyType(named))

    def _winners(self, k: int | None) -> int:
        where, winners = f"Area {self.name!r}.k", self.activation.winners
        if k is None and winners is not None:
            return winners
        allowed, cure = f"between 1 and n = {self.n}", "lower k or raise n"
        k = integer(where, k, 1, self.n, allowed=allowed, cure="give the number of winners" if k is None else cure)
        if winners not in (None, k):
            allowed = f"{winners} as in {self.activation!r}"
            raise DeclarationError(where=where, value=k, allowed=allowed, cure="leave k out")
        return k

    def _pattern(self, label: str, neurons: npt.ArrayLike) -> Assembly:
        where = f"Area {self.name!r}.patterns[{label!r}]"
        pattern = neuron_indices(where, neurons, self.n)
        if not len(pattern):
            raise DeclarationError(f"{where}: must name at least one neuron (got none)", where=where, value=neurons)
        if pattern[-1] >= self.n:
            raise DeclarationError(
                f"{where}: neurons must be below n = {self.n} (got {pattern[-1]}); raise n",
                where=where,
                value=int(pattern[-1]),
                allowed=f"below n = {self.n}",
                cure="raise n",
            )
        return Assembly(self.name, pattern, label)

    @property
    def region(self) -> Region | None:
        """The region that the area is part of."""
        return getattr(self, "_region", None)

    def __getitem__(self, label: str) -> Assembly:
        """Return the pattern called ``label``; `UnknownNameError` (a KeyError) if there is none."""
        try:
            return self.patterns[label]
        except KeyError:
            raise UnknownNameError(
                f"Area {self.name!r}: {unknown('pattern', label, self.patterns)}",
                where=f"Area {self.name!r}",
                value=label,
            ) from None

    __iter__ = None  # without this, Python would iterate over area[0], area[1], …

    def __getstate__(self) -> dict[str, object]:
        return {**vars(self), "patterns": dict(self.patterns)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        for attribute, value in {**state, "patterns": MappingProxyType(state["patterns"])}.items():
            _set(self, attribute, value)

    def __rshift__(self, target: Area) -> Any:
        """Return the fibers declared from this area to ``target``."""
        if not isinstance(target, Area):
            return NotImplemented
        return self._owner().fibers_between(self, target)

    def __and__(self, other: Area) -> Any:
        """Return the fibers declared from this area to ``other`` and back; an error if there is none one way.

        >>> sim.inhibit(brain["State"] & brain["Arc"], lock="closed")
        >>> sim.locks
        {'State->Arc': ('closed',), 'Arc->State': ('closed',)}
        """
        if not isinstance(other, Area):
            return NotImplemented
        return self._owner().fibers_both_ways(self, other)

    def _owner(self) -> Owner:
        owner = self.region if self.brain is None else self.brain
        if owner is None:
            raise DeclarationError(f"Area {self.name!r} belongs to no brain yet; add it with brain.add(area)")
        return owner

    def __add__(self, other: object) -> NoReturn:
        raise DeclarationError(f"Area {self.name!r}: areas cannot be added; join fibers with |, as in a >> b | b >> c")

    def __repr__(self) -> str:
        patterns = f", {len(self.patterns)} patterns" if self.patterns else ""
        refraction = f", refraction={self.refraction:g}" if self.refraction else ""
        activation = "" if self.activation == TOP_K else f", activation={self.activation!r}"
        return f"{type(self).__name__}({self.name!r}, n={self.n:_}, k={self.k}{patterns}{refraction}{activation})"


def _set(area: Area, attribute: str, value: object) -> None:
    object.__setattr__(area, attribute, value)


def _checked_name(given: str) -> str:
    return name("Area.name", given)


def join_region(area: Area, region: Region, name: str) -> None:
    """Record that ``area`` is now part of ``region``, and rename it and its patterns (for `Region.add`)."""
    patterns = {label: Assembly(name, pattern.neurons, label) for label, pattern in area.patterns.items()}
    _set(area, "_region", region)
    _set(area, "name", name)
    _set(area, "patterns", MappingProxyType(patterns))
