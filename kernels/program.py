"""The program of a brain: plain numbers that backends run, made from a declaration and a seed by `brainsim.build`."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from inspect import isabstract

from brainsim.kernels.errors import BackendUnavailableError, CapacityError
from brainsim.kernels.law.graph import Graph
from brainsim.kernels.law.rules import Depression, Update
from brainsim.kernels.law.weights import ONE, THRESHOLD_LIMIT
from brainsim.kernels.parts import TOP_K, AmongTopK, AssemblyGate, ChannelGate, Channels, TopK, Traced
from brainsim.kernels.vectors.parts import Message, UnitVectors

MAX_NEURONS = 2**31 - 1
_DRIVE_LIMIT = THRESHOLD_LIMIT
_REFRACTION_LIMIT = 2**63 - 2**15  # half a unit is added before the product is shifted
_COUNT_LIMIT = 2**32
_MIB = 1 << 20


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
    activation : TopK, Channels or AmongTopK
        How neurons are selected to fire; a backend runs the types that it lists in `Backend.parts`.
    vectors : UnitVectors or None
        The vectors of its nodes.
    first : int
        Of a part of an area, as which `brainsim.kernels.ranks` runs it: which neuron of the area is neuron 0 of the
        part, a multiple of ``channel``.
    """

    name: str
    n: int
    k: int
    refraction: int = 0
    key: int = 0
    activation: TopK | Channels | AmongTopK = TOP_K
    vectors: UnitVectors | None = None
    first: int = 0

    @property
    def channel(self) -> int:
        """Neurons of a channel: 1 if neurons are selected individually."""
        return self.activation.size if isinstance(self.activation, Channels) else 1

    @property
    def first_channel(self) -> int:
        """Of a part of an area, the number of its first channel in the area."""
        return self.first // self.channel


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
        Weight, in fixed point, of a synapse of the graph that is not stored.
    depression : Depression or None
        The second step of its rule.
    gate : ChannelGate, AssemblyGate or None
        Which of the firing neurons of the source transmit and learn: all if ``None``.  A fiber of which none passes
        acts like one whose source is silent.
    trace : Traced or None
        Which rounds it remembers.
    message : Message or None
        What it carries between areas that hold vectors.  Then its ``graph`` is empty and it drives no neuron.
    """

    name: str
    source: int
    target: int
    graph: Graph
    update: Update | None
    base: int = ONE
    depression: Depression | None = None
    gate: ChannelGate | AssemblyGate | None = None
    trace: Traced | None = None
    message: Message | None = None

    @cached_property
    def learns(self) -> bool:
        """Whether an open round can change a weight: there is a rule and it moves some."""
        if self.message is not None:
            return self.message.learns
        return self.update is not None and (self.update.changes_weights or self.depression is not None)

    @property
    def stores(self) -> bool:
        """Whether its synapses can have weights other than the base: it has a rule, even if that changes nothing."""
        return self.update is not None

    @property
    def largest_weight(self) -> int:
        """The largest weight, in fixed point, that a synapse of this fiber can ever have."""
        return max(self.base, self.update.ceiling) if self.update else self.base

    @property
    def smallest_weight(self) -> int:
        """The smallest weight, in fixed point, that a synapse of this fiber can ever have."""
        rules = (self.update, self.depression)
        return min([self.base, *(rule.floor for rule in rules if rule is not None)])

    @property
    def strongest(self) -> int:
        """Upper bound of the size of a weight."""
        return max(abs(self.largest_weight), abs(self.smallest_weight))


@dataclass(frozen=True)
class Program:
    """All areas and fibers, in the order of declaration; fibers name areas by index."""

    areas: tuple[AreaSpec, ...]
    fibers: tuple[FiberSpec, ...]

    def into(self, area: int) -> tuple[int, ...]:
        """Return the indices of the fibers that end in ``area``."""
        return tuple(index for index, fiber in enumerate(self.fibers) if fiber.target == area)

    @cached_property
    def holds_vectors(self) -> bool:
        """Whether the nodes of any area hold vectors."""
        return any(area.vectors is not None for area in self.areas)


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


def _runs(part: object, parts: Collection[type]) -> bool:
    """Return whether a part is one of some types.

    Only an abstract type includes its derived types: a part derived from a concrete type may have another law.
    """
    return type(part) in parts or isinstance(part, tuple(each for each in parts if isabstract(each)))


def check_parts(program: Program, backend: str, parts: Collection[type]) -> None:
    """Refuse a program with a part (activation, graph, rule or message) that a backend does not run.

    Raises
    ------
    BackendUnavailableError
        Naming the area or fiber, the part and the backend.
    """
    used: list[tuple[str, str, object]] = [(f"Area {a.name!r}", "activation", a.activation) for a in program.areas]
    used += [(f"Area {a.name!r}", "part", a.vectors) for a in program.areas]
    for fiber in program.fibers:
        parts_of = (("graph", fiber.graph), ("rule", fiber.update), ("depression", fiber.depression))
        others = (("gate", fiber.gate), ("trace", fiber.trace), ("message", fiber.message))
        used += [(f"Fiber {fiber.name!r}", kind, part) for kind, part in (*parts_of, *others)]
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
        If, in some area, the sum over incoming fibers of (neurons that can fire at once x size of the strongest weight)
        reaches ``2**62`` in fixed point, in an area with channels for all neurons of one together; or if the sum
        reaches ``2**63`` once it is multiplied by the area's rate of refraction and rounded; or if the neurons that can
        fire at the area at once are ``2**32`` or more.
    """
    for index, area in enumerate(program.areas):
        largest = sum(program.areas[f.source].n * f.strongest for f in program.fibers if f.target == index)
        if largest * area.channel >= _DRIVE_LIMIT:
            summed = "drives" if area.channel == 1 else f"summed drives of the {area.channel} neurons of a channel"
            raise CapacityError(
                f"Area {area.name!r}: {summed} could reach {largest * area.channel / ONE:.3g}, above the limit "
                f"{_DRIVE_LIMIT // ONE:.3g}; lower w_max of its incoming fibers"
            )
        if largest * area.refraction >= _REFRACTION_LIMIT:
            raise CapacityError(
                f"Area {area.name!r}: refraction could raise a threshold by {largest * area.refraction / ONE**2:.3g} "
                f"in a round, above the limit {_REFRACTION_LIMIT // ONE**2:.3g}; lower w_max of its incoming fibers, "
                "or its refraction"
            )
        firing = sum(program.areas[f.source].n for f in program.fibers if f.target == index and f.message is None)
        if firing >= _COUNT_LIMIT:
            raise CapacityError(
                f"Area {area.name!r}: {firing:_} neurons could fire at it at once, above the limit "
                f"{_COUNT_LIMIT - 1:_}; lower n of the areas that project to it, or connect fewer"
            )
