"""The declaration of a brain: areas, and fibers between them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar, overload

from brainsim.declare.area import Area, join_brain
from brainsim.declare.drawing import artist
from brainsim.declare.fiber import Fiber, FiberSet
from brainsim.declare.graph import Connectivity, Random
from brainsim.declare.plasticity import Plasticity
from brainsim.errors import DeclarationError, FrozenBrainError, UnknownNameError, unknown

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    A1 = TypeVar("A1", bound=Area)
    A2 = TypeVar("A2", bound=Area)
    A3 = TypeVar("A3", bound=Area)


class Brain:
    """A graph of areas and fibers.  It holds no state; a `Simulator` runs it.

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
        self._frozen = False

    @overload
    def add(self, area: A1, /) -> A1: ...
    @overload
    def add(self, area1: A1, area2: A2, /) -> tuple[A1, A2]: ...
    @overload
    def add(self, area1: A1, area2: A2, area3: A3, /) -> tuple[A1, A2, A3]: ...
    @overload
    def add(self, *areas: Area) -> tuple[Area, ...]: ...

    def add(self, *areas: Area) -> Area | tuple[Area, ...]:
        """Add areas and return them: one area as itself, several as a tuple.

        Raises
        ------
        DeclarationError
            If a name is taken, or an area already belongs to a brain; then none is added.
        FrozenBrainError
            If a simulator has been built from this brain.
        """
        self._check_open("add an area")
        if not areas:
            raise DeclarationError("Brain.add: needs at least one area")
        names = set(self._areas)
        for area in areas:
            if not isinstance(area, Area):
                raise DeclarationError(f"Brain.add: must be given Area objects (got {area!r})")
            if area.brain is not None:
                owner = "this" if area.brain is self else "another"
                raise DeclarationError(f"Area {area.name!r} already belongs to {owner} brain; declare a new one")
            if area.name in names:
                raise DeclarationError(f"Area.name: must be unique in the brain (got {area.name!r} twice); rename one")
            names.add(area.name)
        for area in areas:
            join_brain(area, self)
            self._areas[area.name] = area
        return areas[0] if len(areas) == 1 else areas

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
        if p is not None and graph is None:
            graph = Random(p)
        elif p is not None or graph is None:
            raise DeclarationError(f"Brain.connect: give either p or graph (got p={p!r} and graph={graph!r})")
        fiber = Fiber(self.area(source), self.area(target), graph, plasticity, label)
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
    def frozen(self) -> bool:
        """Whether a simulator has been built, so that the declaration can no longer change."""
        return self._frozen

    def __getitem__(self, name: str) -> Area:
        """Return the area called ``name``; `UnknownNameError` (a KeyError) if there is none."""
        try:
            return self._areas[name]
        except KeyError:
            message = f"Brain: {unknown('area', name, self._areas)}"
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
        start, end = self.area(source), self.area(target)
        found = FiberSet(f for f in self._fibers if f.source is start and f.target is end)
        if not len(found):
            leaving = [f.name for f in self._fibers if f.source is start]
            wanted = f"{start.name}->{end.name}"
            raise UnknownNameError(
                f"Brain: {unknown('fiber', wanted, leaving)} (brain.connect declares one)",
                where="Brain",
                value=wanted,
                cure="brain.connect declares one",
            )
        return found

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
        return self._areas == other._areas and sorted(self._fibers, key=_by_name) == sorted(other._fibers, key=_by_name)

    __hash__ = None  # type: ignore[assignment]  # a brain can still change
    __iter__ = None  # without this, Python would iterate over brain[0], brain[1], …

    def __repr__(self) -> str:
        lines = [f"Brain: {_counted(len(self._areas), 'area')}, {_counted(len(self._fibers), 'fiber')}"]
        lines += [f"  {area!r}" for area in self._areas.values()]
        lines += [f"  {fiber!r}" for fiber in self._fibers]
        return "\n".join(lines)


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _by_name(fiber: Fiber) -> str:
    return fiber.name
