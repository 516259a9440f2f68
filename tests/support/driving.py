"""A backend with short methods for tests; equal rounds share a plan, as in a simulator."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from brainsim.kernels.backend import Backend
from brainsim.kernels.round_plan import Planner
from brainsim.kernels.state import DRIVES, THRESHOLDS, WEIGHTS, WINNERS, Drives, Firing, Synapses, Thresholds


class Driven:
    """Runs rounds by open fibers and held areas; everything else goes to the backend."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self._planner = Planner(backend.program)
        self._fired: set[int] = set()
        self._recorded: list[dict[int, Any]] = []
        self._recorded_drives: list[dict[int, Any]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.backend, name)

    def round(
        self,
        opened: Sequence[int],
        held: Collection[int],
        *,
        learn: bool,
        learning: Mapping[int, int] | None = None,
        record: Sequence[int] = (),
        drives: Collection[int] = (),
    ) -> None:
        self.backend.run(self._planner.plan(opened, held, learn=learn, learning=learning), record, drives)

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

    def drives(self, area: int) -> Drives:
        return self.backend.read(DRIVES, area)

    def stable(self) -> bool:
        drained = self.backend.drain()
        self._fired |= drained.fired
        self._recorded += drained.recorded
        self._recorded_drives += drained.recorded_drives
        return drained.stable

    def fired(self) -> set[int]:
        self.stable()
        fired, self._fired = self._fired, set()
        return fired

    def recorded(self) -> list[dict[int, Any]]:
        self.stable()
        recorded, self._recorded = self._recorded, []
        return recorded

    def recorded_drives(self) -> list[dict[int, Any]]:
        self.stable()
        recorded, self._recorded_drives = self._recorded_drives, []
        return recorded
