"""The axis of a recording: its areas, and the labels on its rounds."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from brainsim._validation import integer, text, whole
from brainsim.declare.area import Area
from brainsim.errors import DeclarationError, SimulationError, UnknownNameError, unknown


@dataclass(frozen=True)
class Mark:
    """A label on the time axis: it holds from ``round`` (0 is the first recorded one) until the next mark."""

    round: int
    label: str


class Timeline:
    """The areas of a recording, whether it has their drives, its marks, and the seed of the brain.

    Attributes
    ----------
    areas : tuple of Area
        What is recorded.
    has_drives : bool
        Whether the drives of the winners are recorded, too.
    seed : int or None
        Seed of the simulator, ``None`` if it is not known.
    marks : list of Mark
        Labels, in order.
    """

    def __init__(self, areas: Sequence[Area], *, drives: bool, seed: int | None) -> None:
        if not isinstance(areas, Collection) or not all(isinstance(area, Area) for area in areas):
            raise DeclarationError(where="Recording: areas", value=areas, allowed="a sequence of Area")
        if not isinstance(drives, bool):
            raise DeclarationError(where="Recording: drives", value=drives, allowed="True or False")
        if seed is not None:
            seed = integer("Recording: seed", seed, 0, 2**64 - 1)
        self.areas = tuple(areas)
        self.has_drives = drives
        self.seed = seed
        self.marks: list[Mark] = []

    def name(self, area: Area | str) -> str:
        """Return the name of a recorded area, or raise an `UnknownNameError`."""
        if not isinstance(area, Area | str):
            raise DeclarationError(where="Recording: area", value=area, allowed="an Area, or the name of one")
        name = area if isinstance(area, str) else area.name
        known = [own.name for own in self.areas]
        if name not in known:
            raise UnknownNameError(f"Recording: {unknown('area', name, known)}")
        return name

    def of_areas(self, what: str, given: Any) -> dict[str, Any]:
        """Return what is given for each recorded area, by its name, or raise a `DeclarationError`."""
        try:
            return {area.name: given[area.name] for area in self.areas}
        except (LookupError, TypeError):
            allowed = f"a mapping that has {', '.join(repr(area.name) for area in self.areas)}"
            raise DeclarationError(where=f"Recording.append: {what}", value=given, allowed=allowed) from None

    def with_drives(self, area: Area | str) -> str:
        """Return the name of an area whose drives are recorded, or raise a `SimulationError`."""
        name = self.name(area)
        if not self.has_drives:
            raise SimulationError("Recording: has no drives; start it with sim.record(area, drives=True)")
        return name


def mark_label(label: object) -> str:
    """Return the label of a mark: any text that is not too long."""
    return text("Recording.mark: label", label)


def span(length: int, start: int, stop: int | None) -> tuple[int, int]:
    """Return the first round and the one after the last of ``rounds[start:stop]``, where there are ``length``."""
    for name, value in (("start", start), ("stop", stop)):
        if value is not None and (whole(value) is None or isinstance(value, float)):
            raise DeclarationError(where=f"Recording: {name}", value=value, allowed="an integer, as in a slice")
    first, end, _ = slice(start, stop).indices(length)
    return first, max(first, end)
