"""Queries: what fires, which drives made it fire, and what was transmitted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from brainsim.declare.assembly import Assembly
from brainsim.kernels.law.weights import ONE
from brainsim.kernels.parts import Explicit
from brainsim.kernels.state import DRIVES, WEIGHTS, WINNERS, amounts_at
from brainsim.simulate.engine import Engine
from brainsim.simulate.silence import warn_of_area
from brainsim.simulate.state import BrainState


class Looks:
    """Read what backends keep about past rounds."""

    def __init__(self, engine: Engine, state: BrainState) -> None:
        self._engine = engine
        self._state = state
        self._program = engine.program
        # Number of synapses of each source neuron of a random fiber, -1 if not counted yet.  The graph never changes,
        # so a count stays valid; it costs as much as drawing the row of the neuron.
        self._synapses: dict[int, npt.NDArray[np.int64]] = {}

    def assembly(self, area: int, label: str | None) -> Assembly:
        """Return the present winners of an area; warn if it has never fired."""
        assembly = Assembly(self._program.areas[area].name, self._engine.read(WINNERS, area).neurons, label)
        if not len(assembly) and area not in self._state.fired:
            warn_of_area(assembly.area)
        return assembly

    def drive(self, area: int) -> npt.NDArray[np.float64]:
        """Return the drives with which the present winners of an area won; 0 for presented neurons."""
        won: npt.NDArray[np.int64] = amounts_at(
            self._engine.read(DRIVES, area), self._engine.read(WINNERS, area).neurons
        )
        return won / ONE

    def events(self, fibers: Sequence[int]) -> dict[str, int]:
        """Return the number of synaptic transmissions so far, by fiber."""
        return {self._program.fibers[f].name: self._events(f) for f in fibers}

    def _events(self, f: int) -> int:
        times = self._engine.transmissions(f)
        if not times.any():
            return 0
        if isinstance(self._program.fibers[f].graph, Explicit):
            pre = self._engine.read(WEIGHTS, f).pre
            return int(times[pre].sum())
        if f not in self._synapses:
            self._synapses[f] = np.full(len(times), -1, np.int64)
        synapses = self._synapses[f]
        fired = np.flatnonzero(times)
        for i in fired[synapses[fired] < 0].tolist():
            synapses[i] = len(self._engine.row(f, i))
        return int(times[fired] @ synapses[fired])

    def unused(self) -> tuple[str, ...]:
        """Return a line for each area that never fired, each fiber never opened, and each gate never driven."""
        fired, opened, areas = self._state.fired, self._state.opened, self._program.areas
        messages = [self._program.fibers[f] for f in opened if self._program.fibers[f].message is not None]
        carried = {end for fiber in messages for end in (fiber.source, fiber.target)}
        lines = [f"area {area.name!r} never fired" for a, area in enumerate(areas) if a not in fired | carried]
        for f, fiber in enumerate(self._program.fibers):
            if f not in opened:
                lines.append(f"fiber {fiber.name!r} was never opened")
            if fiber.gate is not None and fiber.gate.area not in fired:
                lines.append(f"gate of fiber {fiber.name!r}: area {areas[fiber.gate.area].name!r} never fired")
        return tuple(lines)
