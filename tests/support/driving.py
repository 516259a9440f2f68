"""A backend with short names for what tests ask of it; equal rounds share a plan, as in a simulator."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from brainsim.kernels.backend import Backend
from brainsim.kernels.round_plan import Planner
from brainsim.kernels.state import THRESHOLDS, WEIGHTS, WINNERS, Firing, Synapses, Thresholds


class Driven:
    """Runs rounds by open fibers and held areas; everything else goes to the backend."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self._planner = Planner(backend.program)
        self._fired: set[int] = set()
        self._recorded: list[dict[int, Any]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.backend, name)

    def round(self, opened: Sequence[int], held: Collection[int], *, learn: bool, record: Sequence[int] = ()) -> None:
        self.backend.run(self._planner.plan(opened, held, learn=learn), record)

    def winners(self, area: int) -> Any:
        return self.backend.read(WINNERS, area).neurons

    def set_winners(self, area: int, neurons: npt.ArrayLike) -> None:
        self.backend.write(WINNERS, area, Firing(np.asarray(neurons, np.int64)))

    def learned(self, fiber: int) -> Synapses:
        if not self.backend.program.fibers[fiber].stores:
            return WEIGHTS.empty
        return self.backend.read(WEIGHTS, fiber)

    def set_learned(self, fiber: int, synapses: Synapses) -> None:
        self.backend.write(WEIGHTS, fiber, synapses)

    def thresholds(self, area: int) -> Thresholds:
        return self.backend.read(THRESHOLDS, area)

    def set_thresholds(self, area: int, thresholds: Thresholds) -> None:
        self.backend.write(THRESHOLDS, area, thresholds)

    def stable(self) -> bool:
        drained = self.backend.drain()
        self._fired |= drained.fired
        self._recorded += drained.recorded
        return drained.stable

    def fired(self) -> set[int]:
        self.stable()
        fired, self._fired = self._fired, set()
        return fired

    def recorded(self) -> list[dict[int, Any]]:
        self.stable()
        recorded, self._recorded = self._recorded, []
        return recorded
