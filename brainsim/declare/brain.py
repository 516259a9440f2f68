"""The declaration of a brain: areas, and fibers between them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar, overload

from brainsim.declare.adding import check_new
from brainsim.declare.area import Area, join_brain
from brainsim.declare.between import both_ways, one_way
from brainsim.declare.drawing import artist
from brainsim.declare.fiber import Fiber, FiberSet, fiber_of
from brainsim.declare.graph import Connectivity
from brainsim.declare.plasticity import Plasticity
from brainsim.declare.region import Region
from brainsim.errors import DeclarationError, FrozenBrainError, UnknownNameError, unknown

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    P1 = TypeVar("P1", bound=Area | Region)
    P2 = TypeVar("P2", bound=Area | Region)
    P3 = TypeVar("P3", bound=Area | Region)


class Brain:
    """A graph of areas and fibers, which regions may group.  It holds no state; a `Simulator` runs it.

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
    def add(self, *parts: Area | Region) -> tuple[Area | Region, ...]: ...

    def add(self, *parts: Area | Region) -> Area | Region | tuple[Area | Region, ...]:
        """Add areas and regions, and return them: one as itself, several as a tuple.

        A region is added with its areas and fibers.

        Raises
        ------
        DeclarationError
            If a name is taken, or a part already belongs to a brain; then none is added.
        FrozenBrainError
            If a simulator has been built from this brain.
        """
        self._check_open("add an area")
        if not parts:
            raise DeclarationError("Brain.add: needs at least one area")
        check_new(parts, self, self._areas, self._regions)
        for part in parts:
            self._join(part)
        return parts[0] if len(parts) == 1 else parts

    def _join(self, part: Area | Region) -> None:
        if isinstance(part, Region):
            self._regions[part.name] = part
            self._fibers += part.fibers
            for area in part.areas.values():
                self._join(area)
        else:
            self._areas[part.name] = part
        join_brain(part, self)

    def connect(
        self,
        source: Area,
        target: Area,
        p: float | None = None,
        plasticity: Plasticity | None = None,
        *,
        graph: Connectivity | None = None,
        label: str = "",
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

        Raises
        ------
        DeclarationError
            If an area is not of this brain, ``p`` is out of range, both or neither of ``p`` and ``graph`` are given, or
            the fiber exists already.
        FrozenBrainError
            If a simulator has been built from this brain.
        """
        self._check_open("connect areas")
        fiber = fiber_of(self.area(source), self.area(target), p, plasticity, graph=graph, label=label)
        if any(other.name == fiber.name for other in self._fibers):
            raise DeclarationError(f"Fiber {fiber.name!r} exists already; give the second one a label")
        self._fibers.append(fiber)
        return fiber

    @property
    def areas(self) -> Mapping[str, Area]:
        """All areas by name, in the order of declaration."""
        return MappingProxyType(self._areas)

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
            raise DeclarationError(f"Area {area.name!r} belongs to no brain yet; add it with brain.add(area)")
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
        fibers = sorted(self._fibers, key=_by_name), sorted(other._fibers, key=_by_name)
        return self._areas == other._areas and fibers[0] == fibers[1] and self._regions == other._regions

    __hash__ = None  # type: ignore[assignment]  # a brain can still change
    __iter__ = None  # without this, Python would iterate over brain[0], brain[1], …

    def __repr__(self) -> str:
        grouped = f", {_counted(len(self._regions), 'region')}" if self._regions else ""
        lines = [f"Brain: {_counted(len(self._areas), 'area')}, {_counted(len(self._fibers), 'fiber')}{grouped}"]
        lines += [f"  {area!r}" for area in self._areas.values()]
        lines += [f"  {fiber!r}" for fiber in self._fibers]
        return "\n".join(lines)


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _by_name(fiber: Fiber) -> str:
    return fiber.name
