"""The program of a brain: plain numbers that backends run, made from a declaration and a seed by `brainsim.build`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from inspect import isabstract

import numpy as np
import numpy.typing as npt

from brainsim.kernels.errors import BackendUnavailableError, CapacityError
from brainsim.kernels.law.graph import Graph
from brainsim.kernels.law.rules import Update
from brainsim.kernels.law.weights import ONE, THRESHOLD_LIMIT

MAX_NEURONS = 2**31 - 1
_DRIVE_LIMIT = THRESHOLD_LIMIT
_REFRACTION_LIMIT = 2**63 - 2**15  # half a unit is added before the product is shifted
_COUNT_LIMIT = 2**32
_MIB = 1 << 20


@dataclass(frozen=True)
class TopK:
    """Activation: the ``k`` neurons with the largest positive drive fire (k-winners-take-all)."""

    def event(self, n: int, k: int) -> str:
        """Return what happens when an area with this activation selects, for a printed schedule."""
        return f"the {k} most driven of {n:_} win"


@dataclass(frozen=True)
class Threshold(TopK):
    """Activation: all neurons driven above their thresholds fire, up to a bound; thresholds begin at ``level``.

    Selection is that of `TopK`, in which a neuron that is not driven above its threshold never fires.
    """

    level: int

    def event(self, n: int, k: int) -> str:
        """Return what happens when an area with this activation selects, for a printed schedule."""
        return f"those of {n:_} above their thresholds fire, at most {k}"


@dataclass(frozen=True)
class AmongTopK(ABC):
    """Activation: of the ``k`` neurons that would fire with `TopK`, some fire, as their drives decide.

    Derive a frozen dataclass whose fields are integers.  The `gpu` backend does not run it.
    """

    @abstractmethod
    def fires(self, drives: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """Return which of the most driven neurons fire.

        Parameters
        ----------
        drives : int64 array, not empty
            Their drives, summed weights less thresholds, in fixed point: from 1 to below ``2**63``.  Decide by integer
            arithmetic, so that all machines agree.
        """

    def event(self, n: int, k: int) -> str:
        """Return what happens when an area with this activation selects, for a printed schedule."""
        return f"of the {k} most driven of {n:_} those fire that {self} names"


@dataclass(frozen=True)
class Explicit(Graph):
    """Graph of a fiber whose synapses are all stored: a random one without synapses, and a name for those stored.

    ``digest`` depends on the stored synapses and weights at the beginning of a simulation.
    """

    digest: str = ""


@dataclass(frozen=True)
class AreaSpec:
    """One area.

    Attributes
    ----------
    name : str
        For messages and files.
    n : int
        Neurons.
    k : int
        Neurons that fire, at most.
    refraction : int
        Rate at which firing raises thresholds, with 16 fractional bits; see `brainsim.kernels.law.weights.raised`.
    key : int
        Breaks ties; see `brainsim.kernels.law.selection.area_key`.
    activation : TopK or AmongTopK
        How neurons are selected to fire; a backend runs the types that it lists in `Backend.parts`.
    """

    name: str
    n: int
    k: int
    refraction: int = 0
    key: int = 0
    activation: TopK | AmongTopK = TopK()

    @cached_property
    def reads_drives(self) -> bool:
        """Whether the drives of the winners are used after selection, so that they must be complete."""
        return bool(self.refraction) or isinstance(self.activation, AmongTopK)


@dataclass(frozen=True)
class FiberSpec:
    """One fiber.

    Attributes
    ----------
    name : str
        For messages and files.
    source, target : int
        Indices of areas.
    graph : Graph
        Which synapses exist.
    update : Update or None
        The plasticity step of its rule, ``None`` if its weights never change.
    base : int
        Stored weight of a synapse of the graph that has not been learned.
    """

    name: str
    source: int
    target: int
    graph: Graph
    update: Update | None
    base: int = ONE

    @cached_property
    def learns(self) -> bool:
        """Whether an open round can change a weight: there is a rule and it moves some."""
        return self.update is not None and self.update.changes_weights

    @property
    def stores(self) -> bool:
        """Whether its synapses can have weights other than 1: it has a rule, be it one that changes nothing."""
        return self.update is not None

    @property
    def largest_weight(self) -> int:
        """The largest stored weight a synapse of this fiber can ever have."""
        return max(self.base, self.update.ceiling) if self.update else self.base


@dataclass(frozen=True)
class Program:
    """All areas and fibers, in the order of declaration; fibers name areas by index."""

    areas: tuple[AreaSpec, ...]
    fibers: tuple[FiberSpec, ...]

    def into(self, area: int) -> tuple[int, ...]:
        """Return the indices of the fibers that end in ``area``."""
        return tuple(index for index, fiber in enumerate(self.fibers) if fiber.target == area)


@dataclass(frozen=True)
class Options:
    """Settings that change speed and memory, never results.

    Attributes
    ----------
    threads : int
        CPU threads, at least 1.
    tile : int
        Targets that one thread handles at a time, a power of two of at least 4096; whole blocks of a fiber at least.
    cache_mb : float
        Bound on the memory for counts and rows that are kept, in MiB; 0 keeps none.
    """

    threads: int = 1
    tile: int = 16_384
    cache_mb: float = 256.0


def default_cache_mb(program: Program) -> float:
    """Return a size of the cache that suits a brain: 64 MiB and a byte for 64 assemblies' counts at every neuron.

    At most 1 GiB in all.  The largest area that fibers reach is what counts.
    """
    largest = max((program.areas[fiber.target].n for fiber in program.fibers), default=0)
    return min(64.0 + 64 * largest / _MIB, 1024.0)


BUILT_IN_PARTS = frozenset({TopK, Threshold, Graph, Explicit, Update})
"""The parts that each backend of brainsim runs."""


def _runs(part: object, parts: Collection[type]) -> bool:
    """Return whether a part is one of some types.

    Only an abstract type stands for those that derive from it: a part that inherits from a concrete one may have
    another law.
    """
    return type(part) in parts or isinstance(part, tuple(each for each in parts if isabstract(each)))


def check_parts(program: Program, backend: str, parts: Collection[type]) -> None:
    """Refuse a program with an activation, graph or rule that a backend does not run.

    Raises
    ------
    BackendUnavailableError
        Naming the area or fiber, the part and the backend.
    """
    used: list[tuple[str, str, object]] = [(f"Area {a.name!r}", "activation", a.activation) for a in program.areas]
    for fiber in program.fibers:
        used += [(f"Fiber {fiber.name!r}", "graph", fiber.graph), (f"Fiber {fiber.name!r}", "rule", fiber.update)]
    for owner, kind, part in used:
        if part is not None and not _runs(part, parts):
            known = ", ".join(sorted(each.__name__ for each in parts))
            raise BackendUnavailableError(
                f"{owner}: the {backend} backend cannot run the {kind} {type(part).__name__} (it runs {known}); "
                "choose another backend or part"
            )


def check_capacity(program: Program) -> None:
    """Refuse a brain in which a drive could overflow 64 bits, or the synapses at one neuron 32.

    Raises
    ------
    CapacityError
        If, in some area, the sum over incoming fibers of (neurons that can fire at once x largest weight) reaches
        ``2**62`` in fixed point, or ``2**63`` once it is multiplied by the area's rate of refraction and rounded; or
        the neurons that can fire at it at once are ``2**32`` or more.
    """
    for index, area in enumerate(program.areas):
        largest = sum(program.areas[f.source].n * f.largest_weight for f in program.fibers if f.target == index)
        if largest >= _DRIVE_LIMIT:
            raise CapacityError(
                f"Area {area.name!r}: drives could reach {largest / ONE:.3g}, above the limit "
                f"{_DRIVE_LIMIT // ONE:.3g}; lower w_max of its incoming fibers"
            )
        if largest * area.refraction >= _REFRACTION_LIMIT:
            raise CapacityError(
                f"Area {area.name!r}: refraction could raise a threshold by {largest * area.refraction / ONE**2:.3g} "
                f"in a round, above the limit {_REFRACTION_LIMIT // ONE**2:.3g}; lower w_max of its incoming fibers, "
                "or its refraction"
            )
        firing = sum(program.areas[f.source].n for f in program.fibers if f.target == index)
        if firing >= _COUNT_LIMIT:
            raise CapacityError(
                f"Area {area.name!r}: {firing:_} neurons could fire at it at once, above the limit "
                f"{_COUNT_LIMIT - 1:_}; lower n of the areas that project to it, or connect fewer"
            )
