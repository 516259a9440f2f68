"""What is asked of areas and regions before they are added to a brain."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from brainsim.declare.area import Area
from brainsim.declare.region import Region
from brainsim.errors import DeclarationError


def check_new(
    parts: Sequence[Area | Region], brain: object, areas: Mapping[str, Area], regions: Mapping[str, Region]
) -> None:
    """Refuse parts that cannot be added to a brain which has these areas and regions."""
    names = {*areas, *regions}
    for part in parts:
        _check_free(part, brain)
        for each in _with_areas(part):
            if each.name in names:
                kind = "Region" if isinstance(each, Region) else "Area"
                raise DeclarationError(
                    f"{kind}.name: must be unique in the brain (got {each.name!r} twice); rename one"
                )
            names.add(each.name)
    every = [*areas.values(), *regions.values(), *parts]
    _check_dots([each for each in every if isinstance(each, Area)], {r.name for r in every if isinstance(r, Region)})


def _with_areas(part: Area | Region) -> Iterator[Area | Region]:
    yield part
    if isinstance(part, Region):
        yield from part.areas.values()


def _check_free(part: Area | Region, brain: object) -> None:
    if not isinstance(part, Area | Region):
        raise DeclarationError(f"Brain.add: must be given Area objects or regions (got {part!r})")
    kind = "Region" if isinstance(part, Region) else "Area"
    if part.brain is not None:
        owner = "this" if part.brain is brain else "another"
        raise DeclarationError(f"{kind} {part.name!r} already belongs to {owner} brain; declare a new one")
    if isinstance(part, Area) and part.region is not None:
        raise DeclarationError(f"Area {part.name!r} is part of region {part.region.name!r}; add the region instead")
    if isinstance(part, Region) and not part.areas:
        cure = "region.add adds one"
        raise DeclarationError(
            f"Region {part.name!r}: must have an area before it is added to a brain (got none); {cure}"
        )


def _check_dots(areas: Sequence[Area], regions: set[str]) -> None:
    """Refuse an area of a name with a dot that looks like that of a part of a region, and is none."""
    for area in areas:
        start = area.name.partition(".")[0]
        if area.region is None and start != area.name and start in regions:
            raise DeclarationError(
                f"Area.name: must not begin like the areas of region {start!r} (got {area.name!r}); add it to the "
                "region with region.add, or rename it"
            )
