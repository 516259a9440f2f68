"""Checks of areas, modulators and regions before they are added to a brain."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from brainsim.declare.area import Area
from brainsim.declare.modulator import Modulator
from brainsim.declare.region import Region
from brainsim.declare.requirements import check_owned
from brainsim.errors import DeclarationError

if TYPE_CHECKING:
    from brainsim.declare.brain import Brain


def check_new(parts: Sequence[Area | Modulator | Region], brain: Brain) -> None:
    """Refuse parts that cannot be added to a brain."""
    names = {*brain.areas, *brain.modulators, *brain.regions}
    for part in parts:
        _check_free(part, brain)
        for each in _with_areas(part):
            if each.name in names:
                raise DeclarationError(
                    f"{_kind(each)}.name: must be unique in the brain (got {each.name!r} twice); rename one"
                )
            names.add(each.name)
    _check_dots(
        [*brain.areas.values(), *(part for part in parts if isinstance(part, Area))],
        {*brain.regions, *(part.name for part in parts if isinstance(part, Region))},
    )
    arriving = [each for part in parts for each in _with_areas(part)]
    for part in parts:
        for fiber in part.fibers if isinstance(part, Region) else ():
            check_owned(brain, fiber, arriving)


def _kind(part: Area | Modulator | Region) -> str:
    return next(kind.__name__ for kind in (Area, Modulator, Region) if isinstance(part, kind))


def _with_areas(part: Area | Modulator | Region) -> Iterator[Area | Modulator | Region]:
    yield part
    if isinstance(part, Region):
        yield from part.areas.values()


def _check_free(part: Area | Modulator | Region, brain: Brain) -> None:
    if not isinstance(part, Area | Modulator | Region):
        raise DeclarationError(f"Brain.add: must be given Area objects, modulators or regions (got {part!r})")
    if part.brain is not None:
        owner = "this" if part.brain is brain else "another"
        raise DeclarationError(f"{_kind(part)} {part.name!r} already belongs to {owner} brain; declare a new one")
    if isinstance(part, Area) and part.region is not None:
        raise DeclarationError(f"Area {part.name!r} is part of region {part.region.name!r}; add the region instead")
    if isinstance(part, Region) and not part.areas:
        cure = "region.add adds one"
        raise DeclarationError(
            f"Region {part.name!r}: must have an area before it is added to a brain (got none); {cure}"
        )


def _check_dots(areas: Sequence[Area], regions: set[str]) -> None:
    """Refuse an area whose name looks like that of a part of a region, but is not one."""
    for area in areas:
        start = area.name.partition(".")[0]
        if area.region is None and start != area.name and start in regions:
            raise DeclarationError(
                f"Area.name: must not begin like the areas of region {start!r} (got {area.name!r}); add it to the "
                "region with region.add, or rename it"
            )
