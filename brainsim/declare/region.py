"""Regions: named groups of areas and the fibers among them, added to a brain as a unit."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar, overload

from brainsim._validation import name as checked_name
from brainsim.declare.area import Area, join_region
from brainsim.declare.between import both_ways, one_way
from brainsim.declare.connecting import fiber_of
from brainsim.declare.fiber import Fiber, FiberSet
from brainsim.declare.plasticity import Plasticity
from brainsim.declare.relax import Relax
from brainsim.errors import DeclarationError, UnknownNameError, unknown

if TYPE_CHECKING:
    from brainsim.declare.brain import Brain

    A1 = TypeVar("A1", bound=Area)
    A2 = TypeVar("A2", bound=Area)
    A3 = TypeVar("A3", bound=Area)
    A4 = TypeVar("A4", bound=Area)


class Region:
    """A named group of areas and of the fibers among them.

    Its areas take the name of the region before their own: area ``"CA3"`` of region ``"Hippocampus"`` becomes
    ``"Hippocampus.CA3"``.  `Brain.add` adds the region with all its parts.  Where a method of `Simulator` takes several
    areas (`inhibit`, `silence`, `hold`, `release`, `record` …), a region stands for all of its own.

    To write a region, derive a class whose ``__init__`` calls this one, and then `add` and `connect`.

    Parameters
    ----------
    name : str
        Unique in the brain, without a dot.  Part of the identity of its fibers, so renaming a region redraws them.

    Raises
    ------
    DeclarationError
        If the name cannot be used.

    Examples
    --------
    >>> class Hippocampus(Region):
    ...     def __init__(self, name="Hippocampus", n=1000):
    ...         super().__init__(name)
    ...         ec, ca3 = self.add(Area("EC", n, k=20, patterns={"cue": range(20)}), Area("CA3", n, k=20))
    ...         self.encode = self.connect(ec, ca3, p=0.2, plasticity=Hebbian(8, w_max=9))
    ...         self.recall = self.connect(ca3, ca3, p=0.2, plasticity=Hebbian(8, w_max=9))
    >>> brain = Brain()
    >>> memory = brain.add(Hippocampus())
    >>> memory
    Hippocampus 'Hippocampus': 2 areas, 2 fibers
      Area('Hippocampus.EC', n=1_000, k=20, 1 patterns)
      Area('Hippocampus.CA3', n=1_000, k=20)
      <Fiber Hippocampus.EC->Hippocampus.CA3 p=0.2 Hebbian(beta=8.0, w_max=9.0)>
      <Fiber Hippocampus.CA3->Hippocampus.CA3 p=0.2 Hebbian(beta=8.0, w_max=9.0)>
    >>> memory["CA3"] is brain["Hippocampus.CA3"]
    True
    >>> with Simulator(brain, backend="reference") as sim:
    ...     sim.present(memory["EC"]["cue"])
    ...     sim.run(memory.encode)
    ...     sim.hold(memory)
    ...     sim.run(memory.encode | memory.recall)
    ...     sim.silence(memory)
    Outcome(rounds=1, stable=False)
    Outcome(rounds=1, stable=True)
    """

    def __init__(self, name: str) -> None:
        self._name = checked_name("Region.name", name)
        if "." in name:
            allowed = "a name without '.', which stands between the names of a region and its area"
            raise DeclarationError(where="Region.name", value=name, allowed=allowed, cure="use '_' instead")
        self._areas: dict[str, Area] = {}
        self._fibers: list[Fiber] = []
        self._brain: Brain | None = None

    @property
    def name(self) -> str:
        """Name of the region, with which the names of its areas begin."""
        return self._name

    @property
    def brain(self) -> Brain | None:
        """The brain that the region was added to."""
        return self._brain

    @overload
    def add(self, area: A1, /) -> A1: ...
    @overload
    def add(self, area1: A1, area2: A2, /) -> tuple[A1, A2]: ...
    @overload
    def add(self, area1: A1, area2: A2, area3: A3, /) -> tuple[A1, A2, A3]: ...
    @overload
    def add(self, area1: A1, area2: A2, area3: A3, area4: A4, /) -> tuple[A1, A2, A3, A4]: ...
    @overload
    def add(self, *areas: Area) -> tuple[Area, ...]: ...

    def add(self, *areas: Area) -> Area | tuple[Area, ...]:
        """Make areas parts of the region, and return them: one area as itself, several as a tuple.

        Each is renamed to ``"<region>.<area>"``, and so are the assemblies that are its patterns.

        Raises
        ------
        DeclarationError
            If a name is taken, an area belongs to a brain or a region already, or the region to a brain; then none is
            added.
        """
        if self._brain is not None:
            raise DeclarationError(f"{self._where}: has been added to its brain; add areas to a region before that")
        if not areas:
            raise DeclarationError(f"{self._where}.add: needs at least one area")
        names = set(self._areas)
        for area in areas:
            self._check_free(area)
            if area.name in names:
                raise DeclarationError(f"{self._where}: has two areas {area.name!r}; rename one")
            names.add(area.name)
        for area in areas:
            self._areas[area.name] = area
            join_region(area, self, f"{self.name}.{area.name}")
        return areas[0] if len(areas) == 1 else areas

    def _check_free(self, area: Area) -> None:
        if isinstance(area, Region):
            cure = "regions do not nest: add both to the brain"
            raise DeclarationError(f"{self._where}.add: must be given Area objects (got region {area.name!r}); {cure}")
        if not isinstance(area, Area):
            raise DeclarationError(f"{self._where}.add: must be given Area objects (got {area!r})")
        if area.brain is not None or area.region is not None:
            owner = "a brain" if area.region is None else f"region {area.region.name!r}"
            raise DeclarationError(f"Area {area.name!r} already belongs to {owner}; declare a new one")

    def connect(
        self,
        source: Area | str,
        target: Area | str,
        p: float | None = None,
        plasticity: Plasticity | Relax | None = None,
        **keywords: Any,
    ) -> Fiber:
        """Declare a fiber between two areas of the region and return it.

        Parameters
        ----------
        source, target : Area or str
            Areas of this region, or their names in it; the same one for a recurrent fiber.
        p, plasticity, **keywords
            As for `Brain.connect`.

        Raises
        ------
        DeclarationError
            If an area is not of this region, or for the reasons of `Brain.connect`.
        """
        ends = self._part(source), self._part(target)
        if self._brain is not None:
            return self._brain.connect(*ends, p, plasticity, **keywords)
        fiber = fiber_of(*ends, p, plasticity, **keywords)
        if any(other.name == fiber.name for other in self._fibers):
            raise DeclarationError(f"Fiber {fiber.name!r} exists already; give the second one a label")
        self._fibers.append(fiber)
        return fiber

    def _part(self, area: Area | str) -> Area:
        if isinstance(area, str):
            return self[area]
        if not isinstance(area, Area):
            raise DeclarationError(f"{self._where}: must be given an Area or its name (got {area!r})")
        if area.region is not self:
            cure = "add it to the region, or connect it with brain.connect once the region has been added"
            raise DeclarationError(f"Area {area.name!r} is not an area of region {self.name!r}; {cure}")
        return area

    @property
    def areas(self) -> Mapping[str, Area]:
        """The areas by their names in the region, in the order of declaration."""
        return MappingProxyType(self._areas)

    @property
    def fibers(self) -> FiberSet:
        """The fibers from areas of the region to areas of the region, declared here or on the brain."""
        return FiberSet(fiber for fiber in self._known if fiber.source.region is self is fiber.target.region)

    @property
    def inputs(self) -> FiberSet:
        """The fibers from elsewhere in the brain to areas of the region."""
        return FiberSet(fiber for fiber in self._known if fiber.source.region is not self is fiber.target.region)

    @property
    def outputs(self) -> FiberSet:
        """The fibers from areas of the region to elsewhere in the brain."""
        return FiberSet(fiber for fiber in self._known if fiber.source.region is self is not fiber.target.region)

    @property
    def _known(self) -> FiberSet:
        return FiberSet(self._fibers) if self._brain is None else self._brain.fibers

    def __getitem__(self, name: str) -> Area:
        """Return the area called ``name`` in the region; `UnknownNameError` (a KeyError) if there is none."""
        try:
            return self._areas[name]
        except KeyError:
            message = f"{self._where}: {unknown('area', name, self._areas)}"
            raise UnknownNameError(message, where=self._where, value=name) from None

    __iter__ = None  # without this, Python would iterate over region[0], region[1], …

    def fibers_between(self, source: Area | str, target: Area | str) -> FiberSet:
        """Return the fibers from one area of the region to another, at least one; raises as `Brain.fibers_between`."""
        return one_way(self._where, tuple(self._known), self._part(source), self._part(target))

    def fibers_both_ways(self, a: Area | str, b: Area | str) -> FiberSet:
        """Return the fibers between two areas of the region, at least one each way."""
        return both_ways(self._where, tuple(self._known), self._part(a), self._part(b))

    @property
    def _where(self) -> str:
        return f"Region {self.name!r}"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Region):
            return NotImplemented
        return type(self) is type(other) and self._compared() == other._compared()

    def _compared(self) -> tuple[str, dict[str, Area], list[Fiber]]:
        return self.name, self._areas, sorted(self.fibers, key=lambda fiber: fiber.name)

    def __hash__(self) -> int:
        return hash(self.name)  # areas and fibers can still be added

    def __repr__(self) -> str:
        areas, fibers = len(self._areas), len(self.fibers)
        counts = f"{areas} {'area' if areas == 1 else 'areas'}, {fibers} {'fiber' if fibers == 1 else 'fibers'}"
        lines = [f"{type(self).__name__} {self.name!r}: {counts}"]
        return "\n".join([*lines, *(f"  {part!r}" for part in (*self._areas.values(), *self.fibers))])
