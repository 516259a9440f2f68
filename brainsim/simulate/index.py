"""Translate areas, names, fibers and sets of fibers to the indices that backends use."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from brainsim.declare.area import Area
from brainsim.declare.brain import Brain
from brainsim.declare.fiber import Fiber, FiberSet
from brainsim.declare.region import Region
from brainsim.errors import DeclarationError, UnknownNameError

AreaLike = Area | str
AreasLike = AreaLike | Region  # a region or its name represents all of its areas
Openable = Fiber | FiberSet | Iterable[Fiber]


class Index:
    """The numbering of a brain's areas and fibers: their order of declaration."""

    def __init__(self, brain: Brain) -> None:
        self.brain = brain
        self.area_names = tuple(brain.areas)
        self._areas = {name: i for i, name in enumerate(brain.areas)}
        self._fibers = {id(fiber): i for i, fiber in enumerate(brain.fibers)}

    def area(self, area: AreaLike) -> int:
        """Return the number of an area of this brain."""
        return self._areas[self.brain.area(area).name]

    def areas(self, areas: Iterable[AreasLike]) -> list[int]:
        """Return the numbers of some areas, among them those of regions, each once."""
        return list(dict.fromkeys(index for area in areas for index in self._in(area)))

    def _in(self, area: AreasLike) -> Iterator[int]:
        region = self.brain.regions.get(area) if isinstance(area, str) else area
        if not isinstance(region, Region):
            yield self.area(area)  # type: ignore[arg-type]  # whatever is not an area gets an error
            return
        if region.brain is not self.brain:
            owner = "no brain yet" if region.brain is None else "another brain"
            raise DeclarationError(f"Region {region.name!r} belongs to {owner}; use a region of this one")
        yield from (self._areas[part.name] for part in region.areas.values())

    def some(self, areas: tuple[AreasLike, ...]) -> list[int]:
        """Return the numbers of some areas; of all if none is named."""
        return self.areas(areas) if areas else list(range(len(self.area_names)))

    def fibers(self, fibers: Openable) -> list[int]:
        """Return the numbers of fibers of this brain, each once."""
        chosen: list[int] = []
        if not isinstance(fibers, Iterable | Fiber) or isinstance(fibers, str | Mapping):
            raise _no_fibers(fibers)
        for fiber in (fibers,) if isinstance(fibers, Fiber) else fibers:
            if not isinstance(fiber, Fiber):
                raise _no_fibers(fiber)
            if id(fiber) not in self._fibers:
                raise DeclarationError(f"Fiber {fiber.name!r} belongs to another brain; use a fiber of this one")
            chosen.append(self._fibers[id(fiber)])
        return list(dict.fromkeys(chosen))

    def fibers_of_mapping(self, mapping: Mapping[AreaLike, Iterable[AreaLike] | AreaLike]) -> FiberSet:
        """Return the fibers from each key of a mapping to the area or areas that it maps to."""
        if not isinstance(mapping, Mapping):
            raise DeclarationError(
                f'Simulator.project: must be given a mapping such as {{"A": ["B"]}} (got {mapping!r})'
            )
        fibers = FiberSet()
        for source, targets in mapping.items():
            if not isinstance(targets, Iterable | Area):
                raise DeclarationError(f"Simulator.project: {source!r} must map to areas (got {targets!r})")
            for target in (targets,) if isinstance(targets, Area | str) else targets:
                fibers = fibers | self.brain.fibers_between(source, target)
        return fibers

    def gates(self, targets: Iterable[AreasLike | Fiber | FiberSet]) -> tuple[set[int], set[int]]:
        """Return the numbers of the areas and of the fibers among ``targets``."""
        areas: set[int] = set()
        fibers: set[int] = set()
        for target in targets:
            if isinstance(target, Fiber | FiberSet):
                fibers.update(self.fibers(target))
            else:
                areas.update(self._closable(target))
        return areas, fibers

    def _closable(self, area: AreasLike) -> list[int]:
        try:
            return self.areas([area])
        except UnknownNameError as error:
            cure = f"if it is the name of a lock, give it as lock={area!r}"
            raise UnknownNameError(f"{error}; {cure}", where=error.where, value=area, cure=cure) from None


def _no_fibers(given: object) -> DeclarationError:
    """Return the error for an argument that should be fibers."""
    cure, shown = "", repr(given)
    if isinstance(given, Region):
        cure, shown = "; region.fibers are those within a region", f"region {given.name!r}"
    elif isinstance(given, Area):
        cure = "; a >> a are the fibers of area a to itself"
    elif isinstance(given, str | Mapping):
        cure = "; Simulator.project takes names of areas"
    elif isinstance(given, bool):
        cure = "; learn=() lets none learn"
    message = f"Simulator: must be given fibers, as in a >> b | b >> c (got {shown}){cure}"
    return DeclarationError(message, where="Simulator", value=given, allowed="fibers", cure=cure[2:])
