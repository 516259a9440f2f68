"""What a simulator remembers between rounds, besides winners and weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from brainsim.declare.brain import Brain
from brainsim.errors import DumpError
from brainsim.kernels.backend import Backend
from brainsim.kernels.interrupts import uninterrupted
from brainsim.kernels.law.weights import THRESHOLD_LIMIT
from brainsim.kernels.program import FiberSpec
from brainsim.kernels.state import NO_SYNAPSES, NO_THRESHOLDS, Synapses, Thresholds


@dataclass
class State:
    """Held areas, gates and the clock, and what has been used so far; areas and fibers by number."""

    held: set[int] = field(default_factory=set)
    inhibited_areas: set[int] = field(default_factory=set)
    inhibited_fibers: set[int] = field(default_factory=set)
    rounds: int = 0
    opened: set[int] = field(default_factory=set)
    fired: set[int] = field(default_factory=set)

    def copy(self) -> State:
        """Return an independent copy."""
        return replace(
            self,
            held=set(self.held),
            inhibited_areas=set(self.inhibited_areas),
            inhibited_fibers=set(self.inhibited_fibers),
        )

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
    opened: tuple[str, ...]
    fired: tuple[str, ...]
    winners: Mapping[str, npt.NDArray[np.int64]]
    learned: Mapping[str, Synapses]
    thresholds: Mapping[str, Thresholds]


def declaration(brain: Brain) -> str:
    """Return the declaration as text that does not depend on its order."""
    areas = sorted(
        f"{area.name!r} n={area.n} k={area.k}" + (f" refraction={area.refraction!r}" if area.refraction else "")
        for area in brain.areas.values()
    )
    fibers = sorted(f"{fiber.name} p={fiber.p!r} {fiber.plasticity!r}" for fiber in brain.fibers)
    return "\n".join([*areas, *fibers])


def take_snapshot(brain: Brain, seed: int, backend: Backend, state: State, note: str) -> Snapshot:
    """Return the whole state of a simulation."""
    areas, fibers = backend.program.areas, backend.program.fibers
    return Snapshot(
        declaration=declaration(brain),
        note=note,
        seed=seed,
        rounds=state.rounds,
        held=tuple(areas[a].name for a in sorted(state.held)),
        inhibited=tuple(areas[a].name for a in sorted(state.inhibited_areas)),
        inhibited_fibers=tuple(fibers[f].name for f in sorted(state.inhibited_fibers)),
        opened=tuple(fibers[f].name for f in sorted(state.opened)),
        fired=tuple(areas[a].name for a in sorted(state.fired)),
        winners={area.name: backend.winners(a) for a, area in enumerate(areas)},
        learned={fiber.name: backend.learned(f) for f, fiber in enumerate(fibers) if fiber.stores},
        thresholds={
            area.name: thresholds for a, area in enumerate(areas) if len((thresholds := backend.thresholds(a)).neurons)
        },
    )


def restore_snapshot(path: str | Path, snapshot: Snapshot, backend: Backend) -> State:
    """Put a backend of the same declaration into the state of a snapshot, and return the rest of that state.

    Raises
    ------
    DumpError
        If the snapshot names areas, fibers or neurons that do not exist; then nothing has changed.
    """
    _check(path, snapshot, backend)
    area = {spec.name: a for a, spec in enumerate(backend.program.areas)}
    fiber = {spec.name: f for f, spec in enumerate(backend.program.fibers)}
    with uninterrupted():
        backend.broken = True  # until all of it is there
        for name, neurons in snapshot.winners.items():
            backend.set_winners(area[name], neurons)
        for f, spec in enumerate(backend.program.fibers):
            if spec.stores:
                backend.set_learned(f, snapshot.learned.get(spec.name, NO_SYNAPSES))
        for name, number in area.items():
            backend.set_thresholds(number, snapshot.thresholds.get(name, NO_THRESHOLDS))
        backend.broken = False
    return State(
        held={area[name] for name in snapshot.held},
        inhibited_areas={area[name] for name in snapshot.inhibited},
        inhibited_fibers={fiber[name] for name in snapshot.inhibited_fibers},
        rounds=snapshot.rounds,
        opened={fiber[name] for name in snapshot.opened},
        fired={area[name] for name in snapshot.fired},
    )


def _check(path: str | Path, snapshot: Snapshot, backend: Backend) -> None:
    areas = {area.name: area for area in backend.program.areas}
    storing = {fiber.name: fiber for fiber in backend.program.fibers if fiber.stores}
    fibers = {fiber.name for fiber in backend.program.fibers}
    needed = {name for name, fiber in storing.items() if fiber.learns}
    whole = set(snapshot.winners) == set(areas) and needed <= set(snapshot.learned) <= set(storing)
    whole = whole and fibers >= {*snapshot.inhibited_fibers, *snapshot.opened}
    whole = whole and set(areas) >= {*snapshot.held, *snapshot.inhibited, *snapshot.fired, *snapshot.thresholds}
    if whole:
        pairs = [(neurons, areas[name].n) for name, neurons in snapshot.winners.items()]
        pairs += [(thresholds.neurons, areas[name].n) for name, thresholds in snapshot.thresholds.items()]
        for name, synapses in snapshot.learned.items():
            graph = storing[name].graph
            pairs += [(synapses.pre, graph.n_source), (synapses.post, graph.n_target)]
        whole = all(not len(ids) or (np.min(ids) >= 0 and np.max(ids) < n) for ids, n in pairs)
        whole = whole and all(_sound(thresholds) for thresholds in snapshot.thresholds.values())
    if not whole:
        raise DumpError(f"{path}: is damaged: it names areas, fibers or neurons that the brain does not have")


def _sound(thresholds: Thresholds) -> bool:
    """Return whether thresholds are those of distinct neurons in order, and within bounds."""
    neurons, amount = thresholds
    most = THRESHOLD_LIMIT - 1
    return len(neurons) == len(amount) and bool(
        (np.diff(neurons) > 0).all() and (np.clip(amount, -most, most) == amount).all()
    )
