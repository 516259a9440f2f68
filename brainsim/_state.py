"""What a simulator remembers between rounds, besides winners and weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from brainsim.kernels.backend import Synapses
from brainsim.kernels.spec import FiberSpec


@dataclass
class State:
    """Held areas, gates and the clock; areas and fibers by number."""

    held: set[int] = field(default_factory=set)
    inhibited_areas: set[int] = field(default_factory=set)
    inhibited_fibers: set[int] = field(default_factory=set)
    rounds: int = 0

    def copy(self) -> State:
        """Return an independent copy."""
        return State(set(self.held), set(self.inhibited_areas), set(self.inhibited_fibers), self.rounds)

    def closed(self, number: int, fiber: FiberSpec) -> bool:
        """Return whether inhibition closes a fiber: its own, or that of an area it starts or ends in."""
        return number in self.inhibited_fibers or not self.inhibited_areas.isdisjoint((fiber.source, fiber.target))


@dataclass(frozen=True)
class Snapshot:
    """The whole state of a simulation, by name, so that it fits any backend and any order of declaration."""

    declaration: str
    note: str
    seed: int
    rounds: int
    held: tuple[str, ...]
    inhibited: tuple[str, ...]
    inhibited_fibers: tuple[str, ...]
    winners: Mapping[str, npt.NDArray[np.int64]]
    learned: Mapping[str, Synapses]
