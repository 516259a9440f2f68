"""The axis of a recording: what is recorded, and the labels on its rounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from brainsim.declare.area import Area
from brainsim.errors import SimulationError, UnknownNameError, unknown


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
        self.areas = tuple(areas)
        self.has_drives = drives
        self.seed = seed
        self.marks: list[Mark] = []

    def name(self, area: Area | str) -> str:
        """Return the name of a recorded area, or raise an `UnknownNameError`."""
        name = area if isinstance(area, str) else area.name
        known = [own.name for own in self.areas]
        if name not in known:
            raise UnknownNameError(f"Recording: {unknown('area', name, known)}")
        return name

    def with_drives(self, area: Area | str) -> str:
        """Return the name of an area whose drives are recorded, or raise a `SimulationError`."""
        name = self.name(area)
        if not self.has_drives:
            raise SimulationError("Recording: has no drives; start it with sim.record(area, drives=True)")
        return name


def span(length: int, start: int, stop: int | None) -> tuple[int, int]:
    """Return the first round and the one after the last of ``rounds[start:stop]``, where there are ``length``."""
    first, end, _ = slice(start, stop).indices(length)
    return first, max(first, end)
