"""The CPU backend: Numba kernels over implicit synapses, parallel over targets."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import ClassVar

import numba
import numpy as np
import numpy.typing as npt

from brainsim.kernels.backend import Backend, Memory, Neurons, Synapses
from brainsim.kernels.connectome import MAX_BLOCK_BITS
from brainsim.kernels.cpu.connectome import GraphArrays, graph_arrays, row_targets
from brainsim.kernels.cpu.counts import CountCache, Counted
from brainsim.kernels.cpu.drive import add_drive, add_touched, best, select, set_drive
from brainsim.kernels.cpu.overlay import Overlay, Roster, Touched
from brainsim.kernels.errors import BackendUnavailableError
from brainsim.kernels.fixed_point import WEIGHT_BITS
from brainsim.kernels.spec import BrainSpec, Options

_MIB = 1 << 20


class CpuBackend(Backend):
    """Numba kernels; targets are generated directly, never tested pair by pair.

    Raises
    ------
    BackendUnavailableError
        If more threads are asked for than Numba was started with, or if the tile is not a multiple of 16 384.
    """

    name: ClassVar[str] = "cpu"

    def __init__(self, spec: BrainSpec, options: Options) -> None:
        super().__init__(spec, options)
        _check(options)
        # More threads than tiles would only wait for each other.
        tiles = max(-(-area.n // options.tile) for area in spec.areas)
        self._threads = min(options.threads, tiles)
        self._graphs: list[GraphArrays] = [graph_arrays(fiber.graph) for fiber in spec.fibers]
        self._cache = CountCache(int(options.cache_mb * _MIB), options.tile)
        self._round_counts: dict[int, Counted] = {}
        self._round_rows: dict[int, npt.NDArray[np.int64]] = {}
        learning = [fiber for fiber in spec.fibers if fiber.learns]
        self._rosters = {a: Roster(spec.areas[a].n) for a in sorted({f.source for f in learning})}
        self._marks = {a: np.zeros(spec.areas[a].n, np.int32) for a in sorted({f.target for f in learning})}
        self._overlays = {
            index: Overlay(self._rosters[fiber.source], self._graphs[index], fiber.update)
            for index, fiber in enumerate(spec.fibers)
            if fiber.learns and fiber.update is not None
        }
        reached = {fiber.target for fiber in spec.fibers}
        # These serve all areas in turn: a drive is read before the next is summed.  Pages never used cost nothing.
        largest = max((spec.areas[a].n for a in reached), default=0)
        self._buffer = np.empty(largest, np.int64)
        self._extra = np.zeros(largest, np.int64)
        self._touched_index = np.zeros(largest, np.uint8)
        self._scratch_clean = True
        self._chosen: Neurons | None = None

    def round(self, open_fibers: Sequence[int], fixed: Collection[int], *, learn: bool) -> bool:
        numba.set_num_threads(self._threads)
        return super().round(open_fibers, fixed, learn=learn)

    def _counts(self, fiber: int) -> Counted:
        """Return how many firing neurons reach each target; shared by the phases of one round."""
        if fiber not in self._round_counts:
            self._round_counts[fiber] = self._cache.get(fiber, self._graphs[fiber], self._firing(fiber))
        return self._round_counts[fiber]

    def _drive(self, area: int) -> npt.NDArray[np.int64]:
        return self._buffer[: self.spec.areas[area].n]

    def _project(self, area: int, fibers: Sequence[int]) -> None:
        """Sum the drive; of the neurons with learned synapses alone, if they are enough to tell who wins.

        No other neuron can have more than the sum of the largest counts.  If ``k`` neurons with learned synapses have
        more than that, the winners are among them, and the drives of all others need not be looked at.
        """
        firing = [f for f in fibers if len(self._firing(f))]
        counted = [self._counts(f) for f in firing]
        self._scratch_clean = False
        touched = self._gather_learned(firing)
        drive = self._extra[touched]
        for counts, _ in counted:
            add_touched(drive, touched, counts)
        bound = sum(peak for _, peak in counted) << WEIGHT_BITS
        self._chosen = best(touched, drive, bound, self.spec.areas[area].k)
        if self._chosen is None:
            self._project_all(self._drive(area), counted, touched)
        self._extra[touched] = 0
        self._touched_index[touched] = 0
        self._scratch_clean = True

    def _gather_learned(self, fibers: Sequence[int]) -> Neurons:
        """Put what learning adds to the drive into ``_extra`` and return the neurons that it reaches."""
        parts = [(f, *self._overlays[f].rows_of(self._firing(f))) for f in fibers if f in self._overlays]
        touched = Touched(self._touched_index, np.empty(sum(size for _, _, size in parts), np.int64))
        known = 0
        for f, rows, size in parts:
            if size:
                known = self._overlays[f].gather(rows, self._extra, touched, known)
        return touched.neurons[:known]

    def _project_all(self, drive: npt.NDArray[np.int64], counted: Sequence[Counted], touched: Neurons) -> None:
        if not counted:
            drive[:] = 0
        for at, (counts, _) in enumerate(counted):
            (add_drive if at else set_drive)(drive, counts)
        drive[touched] += self._extra[touched]

    def _firing(self, fiber: int) -> Neurons:
        return self._winners[self.spec.fibers[fiber].source]

    def _select(self, area: int) -> Neurons:
        if self._chosen is not None:
            return self._chosen
        return select(self._drive(area), self.spec.areas[area].k, self._threads)

    def _strengthen(self, fiber: int, pre: Neurons, post: Neurons) -> None:
        spec = self.spec.fibers[fiber]
        if spec.source not in self._round_rows:
            self._round_rows[spec.source] = self._rosters[spec.source].enrol(pre)
        existing = self._counts(fiber).counts[post].astype(np.int64)
        self._overlays[fiber].strengthen(pre, self._round_rows[spec.source], post, existing, self._marks[spec.target])

    def _end_round(self) -> None:
        self._round_counts.clear()
        self._round_rows.clear()
        if not self._scratch_clean:  # the round was interrupted, and which neurons it had reached is not known
            self._extra[:] = 0
            self._touched_index[:] = 0
            self._scratch_clean = True

    def row(self, fiber: int, pre: int) -> Neurons:
        return np.asarray(row_targets(self._graphs[fiber], pre), np.int64)

    def learned(self, fiber: int) -> Synapses:
        if fiber in self._overlays:
            return self._overlays[fiber].synapses()
        return Synapses(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.int64))

    def set_learned(self, fiber: int, synapses: Synapses) -> None:
        if fiber in self._overlays:
            self._overlays[fiber].replace(synapses)

    def memory(self) -> Memory:
        fibers, areas = {}, {}
        for index, fiber in enumerate(self.spec.fibers):
            learned = self._overlays[index].nbytes if index in self._overlays else 0
            fibers[fiber.name] = {"cache": self._cache.nbytes(index), "learned": learned}
        for index, area in enumerate(self.spec.areas):
            roster = self._rosters[index].nbytes if index in self._rosters else 0
            marks = self._marks[index].nbytes if index in self._marks else 0
            areas[area.name] = {"index": roster + marks, "winners": self._winners[index].nbytes}
        learned = self._extra.nbytes + self._touched_index.nbytes
        return {
            "fibers": fibers,
            "areas": areas,
            "shared": {"buffers": {"drive": self._buffer.nbytes, "learned": learned}},
        }

    def close(self) -> None:
        self._cache.clear()
        self._overlays.clear()
        self._rosters.clear()
        self._marks.clear()
        self._buffer = self._extra = np.empty(0, np.int64)
        self._touched_index = np.empty(0, np.uint8)


def _check(options: Options) -> None:
    most = numba.config.NUMBA_NUM_THREADS  # type: ignore[attr-defined]
    if not 1 <= options.threads <= most:
        raise BackendUnavailableError(
            f"threads: the cpu backend can use 1 to {most} here (got {options.threads}); "
            f"set the environment variable NUMBA_NUM_THREADS before starting Python to allow more"
        )
    if options.tile < 1 or options.tile % (1 << MAX_BLOCK_BITS):
        raise BackendUnavailableError(f"tile: must be a multiple of {1 << MAX_BLOCK_BITS} (got {options.tile})")
