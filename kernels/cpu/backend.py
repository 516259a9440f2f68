"""The cpu backend: Numba kernels over implicit synapses.

See README.md in this folder for the ideas, and `project`, `select` and `learn` for the phases of a round.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from brainsim.kernels.backend import NO_SYNAPSES, Memory, Neurons, Synapses, uninterrupted
from brainsim.kernels.cpu.counts import CHUNK
from brainsim.kernels.cpu.graph import row_targets
from brainsim.kernels.cpu.learn import learn
from brainsim.kernels.cpu.project import Drive, project, sums_at
from brainsim.kernels.cpu.resources import Resources
from brainsim.kernels.cpu.select import select
from brainsim.kernels.cpu.threads import MOST_THREADS
from brainsim.kernels.errors import BackendUnavailableError
from brainsim.kernels.host_backend import SteppedBackend
from brainsim.kernels.program import Options, Program


class CpuBackend(SteppedBackend):
    """Numba kernels; targets are generated directly, never tested pair by pair.

    Raises
    ------
    BackendUnavailableError
        If more than 1024 threads are asked for, or the tile is not a power of two of at least 4096.
    """

    name: ClassVar[str] = "cpu"

    def __init__(self, program: Program, options: Options) -> None:
        super().__init__(program, options)
        _check(options)
        self._resources = Resources(program, options)
        self._drives_now: dict[int, Drive] = {}

    def _fire(self, open_fibers, fixed):
        for area, neurons in enumerate(self._winners):
            self._resources.tables.hold_firing(area, neurons)
        return super()._fire(open_fibers, fixed)

    def _project(self, area, fibers):
        self._drives_now[area] = project(self._resources, area, fibers, self._thresholds[area])

    def _subtract(self, thresholds):
        pass

    def _select(self, area):
        return select(self._resources, self._drives_now[area])

    def _drives(self, area, fibers, neurons):
        return sums_at(self._resources, self._drives_now[area], neurons)

    def _strengthen(self, fibers, after):
        learn(self._resources, fibers, after, self._drives_now)

    def _end_round(self):
        self._drives_now.clear()

    def row(self, fiber: int, pre: int) -> Neurons:
        return row_targets(self._resources.graphs[fiber], pre)

    def learned(self, fiber: int) -> Synapses:
        return self._resources.plastic[fiber].synapses() if fiber in self._resources.plastic else NO_SYNAPSES

    def set_learned(self, fiber: int, synapses: Synapses) -> None:
        if fiber in self._resources.plastic:
            with uninterrupted():
                self._resources.plastic[fiber].replace(synapses)

    def _state_bytes(self, a):
        return {"winners": self._winners[a].nbytes, "thresholds": self._thresholds_nbytes(a)}

    def memory(self) -> Memory:
        resources, areas = self._resources, enumerate(self.program.areas)
        return {
            "fibers": {fiber.name: resources.fiber_bytes(f) for f, fiber in enumerate(self.program.fibers)},
            "areas": {area.name: {"index": resources.index_bytes(a), **self._state_bytes(a)} for a, area in areas},
            "shared": {"buffers": resources.shared_bytes()},
        }

    def close(self) -> None:
        with uninterrupted():
            self._winners = [np.empty(0, np.int64) for _ in self._winners]
            self._resources.close()


def _check(options: Options) -> None:
    if not 1 <= options.threads <= MOST_THREADS:
        raise BackendUnavailableError(
            f"threads: the cpu backend can use 1 to {MOST_THREADS} (got {options.threads}); "
            "more than the machine has cores do not make it faster"
        )
    if options.tile < CHUNK or options.tile & (options.tile - 1):
        raise BackendUnavailableError(f"tile: must be a power of two of at least {CHUNK} (got {options.tile})")
