"""The cpu backend: Numba kernels over implicit synapses.

See README.md in this folder for the ideas, and `project`, `select` and `learn` for the phases of a round.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from brainsim.kernels.backend import Memory
from brainsim.kernels.cpu.counts import CHUNK
from brainsim.kernels.cpu.graph import row_targets
from brainsim.kernels.cpu.learn import learn
from brainsim.kernels.cpu.lookup import existing
from brainsim.kernels.cpu.project import Drive, project
from brainsim.kernels.cpu.resources import Resources
from brainsim.kernels.cpu.select import select
from brainsim.kernels.cpu.threads import MOST_THREADS
from brainsim.kernels.errors import BackendUnavailableError
from brainsim.kernels.interrupts import uninterrupted
from brainsim.kernels.law.graph import Graph
from brainsim.kernels.law.rules import Depression, Update
from brainsim.kernels.law.taper import Tapered
from brainsim.kernels.outcomes import Event, Won
from brainsim.kernels.parts import AmongTopK, AssemblyGate, ChannelGate, Channels, Explicit, Threshold, TopK, Traced
from brainsim.kernels.phase_backend import PhaseBackend
from brainsim.kernels.program import Options, Program
from brainsim.kernels.round_plan import RoundPlan
from brainsim.kernels.state import Neurons, Synapses, Thresholds
from brainsim.kernels.vectors.engine import VectorEngine
from brainsim.kernels.vectors.parts import CosineMessage, SelfMessage, SumMessage, UnitVectors


class CpuBackend(PhaseBackend[Drive]):
    """Numba kernels; targets are generated directly, never tested pair by pair.

    Raises
    ------
    BackendUnavailableError
        If more than 1024 threads are asked for, or the tile is not a power of two of at least 4096.
    """

    name: ClassVar[str] = "cpu"
    parts: ClassVar[frozenset[type]] = frozenset(
        {
            *(TopK, Threshold, Channels, AmongTopK),
            *(Graph, Tapered, Explicit),
            *(Update, Depression),
            *(ChannelGate, AssemblyGate),
            Traced,
            *(UnitVectors, SumMessage, CosineMessage, SelfMessage),
        }
    )

    def __init__(self, program: Program, options: Options) -> None:
        super().__init__(program, options)
        _check(options)
        self._resources = Resources(program, options)

    def run(self, plan: RoundPlan, record: Sequence[int] = (), drives: Collection[int] = ()) -> None:
        self._hold_firing()
        super().run(plan, record, drives)

    def hear(self, winners: Sequence[Neurons], passing: Mapping[int, Neurons]) -> None:
        super().hear(winners, passing)
        self._hold_firing()
        for fiber, passed in passing.items():
            self._resources.tables.hold_fired(fiber, passed)

    def _hold_firing(self) -> None:
        """Let kernels see the neurons that fired in the previous round."""
        self._resources.tables.share_fired()
        for area, neurons in enumerate(self._winners):
            self._resources.tables.hold_firing(area, neurons)

    @classmethod
    def vector_engine(cls, program: Program, options: Options) -> VectorEngine:
        from brainsim.kernels.cpu.vectors.engine import CpuVectors  # compiled where a brain holds vectors only

        return CpuVectors(program, options)

    def _passed(self, fiber: int) -> Neurons:
        passed = super()._passed(fiber)
        self._resources.tables.hold_fired(fiber, passed)
        return passed

    def _project(self, area: int, fibers: Sequence[int], thresholds: Thresholds) -> Drive:
        return project(self._resources, area, fibers, thresholds)

    def _select(self, area: int, drive: Drive) -> Won:
        return select(self._resources, area, drive)

    def _learn(self, events: Sequence[Event], drives: Mapping[int, Drive]) -> None:
        learn(self._resources, events, drives)

    def transmissions(self, fiber: int) -> npt.NDArray[np.int64]:
        return self._resources.transmitted[fiber].of_all()

    def row(self, fiber: int, pre: int) -> Neurons:
        return row_targets(self._resources.graphs[fiber], pre)

    def existing(self, fiber: int, pre: Neurons, post: Neurons) -> npt.NDArray[np.bool_]:
        return existing(pre, post, self._resources.graphs[fiber], self._resources.options.threads)

    def _read_weights(self, fiber: int) -> Synapses:
        return self._resources.plastic[fiber].synapses()

    def _write_weights(self, fiber: int, synapses: Synapses) -> None:
        self._resources.plastic[fiber].replace(synapses)

    def memory(self) -> Memory:
        resources, areas = self._resources, enumerate(self.program.areas)
        return {
            "fibers": {
                fiber.name: {
                    **resources.fiber_bytes(f),
                    "trace": self._traces.nbytes(f),
                    **self._message_bytes(f),
                }
                for f, fiber in enumerate(self.program.fibers)
            },
            "areas": {area.name: {"index": resources.index_bytes(a), **self._state_bytes(a)} for a, area in areas},
            "shared": {"buffers": resources.shared_bytes()},
        }

    def close(self) -> None:
        with uninterrupted():
            self._winners = [np.empty(0, np.int64) for _ in self._winners]
            self._resources.close()
            if self._vectors is not None:
                self._vectors.close()


def _check(options: Options) -> None:
    if not 1 <= options.threads <= MOST_THREADS:
        raise BackendUnavailableError(
            f"threads: the cpu backend can use 1 to {MOST_THREADS} (got {options.threads}); "
            "more than the machine has cores do not make it faster"
        )
    if options.tile < CHUNK or options.tile & (options.tile - 1):
        raise BackendUnavailableError(f"tile: must be a power of two of at least {CHUNK} (got {options.tile})")
