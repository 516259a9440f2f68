"""The declaration of a brain: areas, fibers between them, and modulators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar, overload

from brainsim.declare.adding import check_new
from brainsim.declare.area import Area
from brainsim.declare.assembly import Assembly
from brainsim.declare.between import both_ways, one_way
from brainsim.declare.connecting import fiber_of
from brainsim.declare.drawing import artist
from brainsim.declare.fiber import Fiber, FiberSet
from brainsim.declare.graph import Connectivity
from brainsim.declare.message import Message
from brainsim.declare.modulator import Modulator, Window
from brainsim.declare.owner import join_brain
from brainsim.declare.plasticity import Plasticity
from brainsim.declare.region import Region
from brainsim.declare.relax import Relax
from brainsim.declare.requirements import check_owned
from brainsim.declare.trace import Trace
from brainsim.errors import DeclarationError, FrozenBrainError, UnknownNameError, unknown

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    P1 = TypeVar("P1", bound=Area | Modulator | Region)
    P2 = TypeVar("P2", bound=Area | Modulator | Region)
    P3 = TypeVar("P3", bound=Area | Modulator | Region)


class Brain:
    """A graph of areas and fibers, which regions may group, with modulators.  It holds no state; a `Simulator` runs it.

    Once a simulator has been built, the declaration cannot change; declare a new brain instead.

    Examples
    --------
    >>> brain = Brain()
    >>> a, b = brain.add(Area("A", n=1000, k=50), Area("B", n=1000, k=50))
    >>> brain.connect(a, b, p=0.1)
    <Fiber A->B p=0.1 fixed>
    """

    def __init__(self) -> None:
        self._areas: dict[str, Area] = {}
        self._modulators: dict[str, Modulator] = {}
        self._fibers: list[Fiber] = []
        self._regions: dict[str, Region] = {}
        self._frozen = False

    @overload
    def add(self, part: P1, /) -> P1: ...
    @overload
    def add(self, part1: P1, part2: P2, /) -> tuple[P1, P2]: ...
    @overload
    def add(self, part1: P1, part2: P2, part3: P3, /) -> tuple[P1, P2, P3]: ...
    @overload
    def add(self, *areas: Area) -> tuple[Area, ...]: ...
    @overload
    def add(self, *parts: Area | Modulator | Region) -> tuple[Area | Modulator | Region, ...]: ...

    def add(
        self, *parts: Area | Modulator | Region
    ) -> Area | Modulator | Region | tuple[Area | Modulator | Region, ...]:
        """Add areas, modulators and regions, and return them: one as itself, several as a tuple.

        A region is added with its areas and fibers.

        Raises
        ------
        DeclarationError
            If a name is taken, a part already belongs to a brain, or a fiber of a region names a part of another brain;
            then none is added.
        FrozenBrainError
            If a simulator has been built from this brain.
        """
        self._check_open("add a part")
        if not parts:
            raise DeclarationError("Brain.add: needs at least one area, modulator or region")
        check_new(parts, self)
        for part in parts:
            self._join(part)
        return parts[0] if len(parts) == 1 else parts

    def _join(self, part: Area | Modulator | Region) -> None:
        if isinstance(part, Region):
            self._regions[part.name] = part
            self._fibers += part.fibers
            for area in part.areas.values():
                self._join(area)
        elif isinstance(part, Modulator):
            self._modulators[part.name] = part
        else:
            self._areas[part.name] = part
        join_brain(part, self)

    def connect(
        self,
        source: Area,
        target: Area,
        p: float | None = None,
        plasticity: Plasticity | Relax | None = None,
        *,
        graph: Connectivity | None = None,
        label: str = "",
        weight: float = 1.0,
        modulated_by: Modulator | Sequence[Modulator] = (),
        trace: Trace | None = None,
        gate: Area | Assembly | None = None,
        transmits_when: Window | None = None,
        learns_when: Window | None = None,
        message: Message | None = None,
        channels: Mapping[str, float] | None = None,
    ) -> Fiber:
        """Declare a fiber from ``source`` to ``target`` and return it.

        Parameters
        ----------
        source, target : Area
            Areas of this brain; the same one for a recurrent fiber.
        p : float
            Connection probability in [0, 1]; short for ``graph=Random(p)``.
        plasticity : Plasticity, optional
            Learning rule; ``None`` for weights that never change.
        graph : Connectivity, optional
            Which synapses there are, instead of ``p``.
        label : str
            Distinguishes several fibers between the same two areas.
        weight : float
            Weight of its synapses before they learn, from -32 767 to 32 767 but not 0: 30 to 100 for a detonator, such
            as a mossy fiber, negative for an inhibitory fiber.  It lies within the bounds of the rule.  Weights that a
            graph gives are multiplied by it.
        modulated_by : Modulator or sequence of Modulator
            The product of their values scales each step of the rule.
        trace : Trace, optional
            The fiber remembers its last rounds, to which `Simulator.reinforce` applies a modulator later.
        gate : Area or Assembly, optional
            What lets the source neurons transmit and learn.  An area: neuron ``i`` passes if its channel fired in that
            area in the round before.  The source is divided into as many channels as the area has: those of its
            `Channels`, or else its neurons.  An assembly: all neurons pass while at least half of it fires.
        transmits_when, learns_when : Window, optional
            Phases of an oscillator in which the fiber transmits, and in which it learns.
        message : Cosine or Sum, optional
            What the fiber carries between two vector areas, whose nodes it does not drive.  Its graph is stored, its
            rule is `Relax`, and its weight may be 0.
        channels : mapping of str to float, optional
            For a fiber with a message, the weights that each edge has, by name, and how much each counts, 0 to 1e6;
            one called ``"weight"`` that counts 1 by default.  All begin with the weight of the fiber.

        Raises
        ------
        DeclarationError
            If a part is not of this brain, a value is out of range, both or neither of ``p`` and ``graph`` are given,
            the fiber exists already, or it cannot carry one of these parts, such as a trace without a rule.
        FrozenBrainError
            If a simulator has been built from this brain.
        """
        self._check_open("connect areas")
        fiber = fiber_of(
            self.area(source),
            self.area(target),
            p,
            plasticity,
            graph=graph,
            label=label,
            weight=weight,
            modulated_by=modulated_by,
            trace=trace,
            gate=gate,
            transmits_when=transmits_when,
            learns_when=learns_when,
            message=message,
            channels=channels,
        )
        check_owned(self, fiber)
        if any(other.name == fiber.name for other in self._fibers):
            raise DeclarationError(f"Fiber {fiber.name!r} exists already; give the second one a label")
        self._fibers.append(fiber)
        return fiber

    @property
    def areas(self) -> Mapping[str, Area]:
        """All areas by name, in the order of declaration."""
        return MappingProxyType(self._areas)

    @property
    def modulators(self) -> Mapping[str, Modulator]:
        """All modulators by name, in the order of declaration."""
        return MappingProxyType(self._modulators)

    @property
    def fibers(self) -> FiberSet:
        """All fibers, in the order of declaration."""
        return FiberSet(self._fibers)

    @property
    def regions(self) -> Mapping[str, Region]:
        """All regions by name, in the order of declaration."""
        return MappingProxyType(self._regions)

    @property
    def frozen(self) -> bool:
        """Whether a simulator has been built, so that the declaration can no longer change."""
        return self._frozen

    def __getitem__(self, name: str) -> Area:
        """Return the area called ``name``; `UnknownNameError` (a KeyError) if there is none."""
        try:
            return self._areas[name]
        except KeyError:
            message = f"Brain: {unknown('area', name, self._areas)}"
            if name in self._regions:
                message = f"Brain: {name!r} is a region, not an area; brain.regions[{name!r}] returns it"
            raise UnknownNameError(message, where="Brain", value=name) from None

    def area(self, area: Area | str) -> Area:
        """Return an area of this brain, given as itself or by name.

        Raises
        ------
        UnknownNameError
            If there is no area of that name.
        DeclarationError
            If the area is of another brain, or of none.
        """
        if isinstance(area, str):
            return self[area]
        if isinstance(area, Region):
            raise DeclarationError(f"Brain: must be given one area (got region {area.name!r}); name one of its areas")
        if not isinstance(area, Area):
            raise DeclarationError(f"Brain: must be given an Area or its name (got {area!r})")
        if area.brain is None:
            missing = (
                "it with brain.add(area)" if area.region is None else f"region {area.region.name!r} with brain.add"
            )
            raise DeclarationError(f"Area {area.name!r} belongs to no brain yet; add {missing}")
        if area.brain is not self:
            raise DeclarationError(f"Area {area.name!r} belongs to another brain; use an area of this one")
        return area

    def fibers_between(self, source: Area | str, target: Area | str) -> FiberSet:
        """Return the fibers from ``source`` to ``target``, at least one.

        Raises
        ------
        UnknownNameError
            If no such fiber was declared; the message lists the fibers that leave ``source``.
        """
        return one_way("Brain", self._fibers, self.area(source), self.area(target))

    def fibers_both_ways(self, a: Area | str, b: Area | str) -> FiberSet:
        """Return the fibers from ``a`` to ``b`` and back, at least one each way; ``a & b`` does the same.

        Raises
        ------
        UnknownNameError
            If none was declared one way; the message lists those that were.
        """
        return both_ways("Brain", self._fibers, self.area(a), self.area(b))

    def freeze(self) -> None:
        """Refuse changes of the declaration from now on (`Simulator` calls this)."""
        self._frozen = True

    def _check_open(self, action: str) -> None:
        if self._frozen:
            raise FrozenBrainError(f"Brain: cannot {action} once a simulator has been built; declare everything before")

    def draw(self, *, ax: Axes | None = None) -> Axes:
        """Draw areas and fibers; see `brainsim.plots.draw_brain`."""
        return artist().draw_brain(self, ax=ax)

    def _repr_svg_(self) -> str:
        return artist().brain_svg(self)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Brain):
            return NotImplemented
        return (
            self._areas == other._areas
            and self._modulators == other._modulators
            and self._regions == other._regions
            and sorted(self._fibers, key=_by_name) == sorted(other._fibers, key=_by_name)
        )

    __hash__ = None  # type: ignore[assignment]  # a brain can still change
    __iter__ = None  # without this, Python would iterate over brain[0], brain[1], …

    def __repr__(self) -> str:
        counts = [_counted(len(self._areas), "area"), _counted(len(self._fibers), "fiber")]
        counts += [_counted(len(self._modulators), "modulator")] if self._modulators else []
        counts += [_counted(len(self._regions), "region")] if self._regions else []
        lines = [f"Brain: {', '.join(counts)}"]
        lines += [f"  {part!r}" for part in (*self._areas.values(), *self._modulators.values())]
        lines += [f"  {fiber!r}" for fiber in self._fibers]
        return "\n".join(lines)


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _by_name(fiber: Fiber) -> str:
    return fiber.name
