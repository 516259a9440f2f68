"""The launches that make a round, in their order, with the scratch memory that they share."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from brainsim.kernels.gpu.device import Argument, Array, Device, Launch
from brainsim.kernels.gpu.layout import CHOICE, DIGITS, THREADS, WARPS
from brainsim.kernels.gpu.overlay import Overlay
from brainsim.kernels.gpu.plan import Plan
from brainsim.kernels.gpu.ring import Ring
from brainsim.kernels.gpu.state import State
from brainsim.kernels.gpu.tables import FiberTable

_COUNT_BYTES = 2  # of shared memory for each target of a tile


def _blocks(count: int, each: int) -> int:
    return -(-count // each)


class Launches:
    """Launches kernels for plans; the arrays that it reads from its parts may have been replaced by larger ones."""

    def __init__(self, device: Device, fibers: FiberTable, state: State, overlay: Overlay, tile_bits: int) -> None:
        self._device = device
        self._fibers = fibers
        self._state = state
        self._overlay = overlay
        self._tile_bits = np.int64(tile_bits)
        self._histograms = device.empty(0, np.uint32, "selection")
        self._choices = device.empty(0, CHOICE, "selection")
        self._tie_keys = device.empty(0, np.uint64, "selection")
        self._hits = device.zeros(0, np.uint32, "learning")
        self._starts = device.empty(0, np.uint32, "learning")
        self._first_pages = device.empty(0, np.uint64, "learning")
        self._arrays: tuple[Array, ...] = ()
        self._sequences: WeakKeyDictionary[Plan, tuple[list[Launch], ...]] = WeakKeyDictionary()

    def prepare(self, plan: Plan) -> None:
        """Make room for what a plan needs; raises `DeviceMemoryError` if the device has not got it."""
        jobs = len(plan.selecting)
        self._histograms = self._wider(self._histograms, jobs * plan.passes * DIGITS, "selection")
        self._choices = self._wider(self._choices, jobs * (plan.passes + 1), "selection")
        self._tie_keys = self._wider(self._tie_keys, jobs, "selection")
        self._starts = self._wider(self._starts, plan.starts, "learning")
        self._first_pages = self._wider(self._first_pages, plan.items, "learning")
        if plan.hits > self._hits.size:
            self._hits = self._device.zeros(plan.hits, np.uint32, "learning")

    def _wider(self, array: Array, size: int, purpose: str) -> Array:
        return array if size <= array.size else self._device.empty(size, array.dtype, purpose)

    def forget(self) -> None:
        """Forget what a round drew that stalled (one that happens leaves nothing), and arrays that will be replaced."""
        self._device.clear(self._hits)
        self._sequences.clear()
        self._arrays = ()

    def memory(self) -> dict[str, int]:
        """Return the bytes of scratch memory, by purpose."""
        return {
            "selection": self._histograms.nbytes + self._choices.nbytes + self._tie_keys.nbytes,
            "learning": self._hits.nbytes + self._first_pages.nbytes + self._starts.nbytes,
        }

    def round(self, plan: Plan) -> list[Any]:
        """Launch a round; return the moments at which its phases begin, and that at which it ends."""
        moments = [self._device.mark()]
        for phase in self._sequence(plan):
            for launch in phase:
                self._device.launch(launch)
            moments.append(self._device.mark())
        return moments

    def _sequence(self, plan: Plan) -> tuple[list[Launch], ...]:
        """Return the launches of each phase, made anew when an array has been replaced."""
        state, overlay = self._state, self._overlay
        scratch = (self._histograms, self._choices, self._tie_keys, self._hits, self._starts, self._first_pages)
        pools = state.winners_pool, state.next_winners, state.thresholds.amounts
        arrays = (*scratch, *pools, overlay.rows, overlay.posts, overlay.following)
        if arrays != self._arrays:
            self._sequences.clear()
            self._arrays = arrays
        if plan not in self._sequences:
            selecting = bool(plan.selecting)
            project, select = (self._project(plan), self._select(plan)) if selecting else ([], [])
            learn = self._learn(plan) if plan.lesson_count else []
            self._sequences[plan] = project, select, [*learn, self._commit(plan)]
        return self._sequences[plan]

    def _jobs(self, plan: Plan) -> list[Argument]:
        return [self._state.status, plan.jobs, np.int64(len(plan.selecting))]

    def _project(self, plan: Plan) -> list[Launch]:
        state, fibers, overlay = self._state, self._fibers, self._overlay
        firing: list[Argument] = [fibers.items, state.areas, state.winners_pool, state.sizes]
        graph: list[Argument] = [fibers.guide, fibers.heads, fibers.thresholds]
        drives: list[Argument] = [state.drive, state.peaks]
        tail: list[Argument] = [*graph, state.thresholds.amounts, *drives, self._histograms, self._tie_keys]
        tail += [np.int64(plan.passes), self._tile_bits]
        shared = _COUNT_BYTES << int(self._tile_bits)
        arguments = [*self._jobs(plan), plan.opened, *firing, *tail]
        project = self._device.prepare("project", plan.blocks, arguments, shared=shared)
        head: list[Argument] = [state.status, plan.gatherings, np.int64(plan.gathering_count), np.int64(plan.warps)]
        learned: list[Argument] = [overlay.ranks, overlay.rows, overlay.posts, overlay.weights, overlay.following]
        arguments = [*head, *firing, *learned, *drives, self._tile_bits]
        return [project, self._device.prepare("gather", _blocks(plan.warps, WARPS), arguments)]

    def _select(self, plan: Plan) -> list[Launch]:
        state, passes, prepare = self._state, np.int64(plan.passes), self._device.prepare
        drives: list[Argument] = [*self._jobs(plan), state.areas, state.drive]
        seek = [*drives, state.peaks, self._tie_keys, self._histograms, self._choices]
        found: list[Argument] = [self._tie_keys, self._choices, state.won, state.next_winners, state.next_sizes]
        count = [
            prepare("count_digits", plan.blocks, [*seek, np.int64(number), passes, self._tile_bits])
            for number in range(plan.passes)
        ]
        return [
            *count,
            prepare("count_winners", plan.blocks, [*seek, state.won, passes, self._tile_bits]),
            prepare("list_winners", plan.blocks, [*drives, *found, passes, self._tile_bits]),
        ]

    def _learn(self, plan: Plan) -> list[Launch]:
        state, fibers, overlay, prepare = self._state, self._fibers, self._overlay, self._device.prepare
        firing: list[Argument] = [state.winners_pool, state.sizes]
        ends: list[Argument] = [fibers.items, state.areas, *firing, state.next_winners, state.next_sizes]
        graph: list[Argument] = [fibers.guide, fibers.heads, fibers.thresholds]
        sources: list[Argument] = [plan.sources, np.int64(plan.source_count), state.areas]
        lessons: list[Argument] = [state.status, plan.lessons, np.int64(plan.lesson_count)]
        pairs = [*lessons, np.int64(plan.pairs), *ends, *graph, self._starts, self._hits]
        items = np.int64(plan.items)
        stored = [*lessons, items, *ends, overlay.ranks, overlay.rows, overlay.posts]
        places: list[Argument] = [overlay.following, self._hits, self._first_pages]
        rows, pages = np.int64(overlay.rows.size), np.int64(overlay.following.size)
        warps = _blocks(plan.items, WARPS)
        return [
            prepare("enrol", 1, [state.status, *sources, *firing, overlay.ranks, rows]),
            prepare("list_starts", plan.lesson_count, [state.status, plan.lessons, *ends, self._starts]),
            prepare("draw_pairs", _blocks(plan.pairs, THREADS), pairs),
            prepare("cross_out", warps, [*stored, *places]),
            prepare("reserve", 1, [state.status, self._first_pages, items, pages]),
            prepare("strengthen", warps, [*stored, overlay.weights, *places, fibers.steps]),
        ]

    def _commit(self, plan: Plan) -> Launch:
        state = self._state
        won: list[Argument] = [state.next_winners, state.next_sizes, state.changed, state.fired]
        tiring: list[Argument] = [state.drive, state.thresholds.amounts, np.int64(plan.learn)]
        arguments = [*self._jobs(plan), state.areas, state.winners_pool, state.sizes, *won, *tiring]
        return self._device.prepare("commit", max(1, len(plan.selecting)), arguments)

    def record(self, ring: Ring, slot: int) -> None:
        """Copy the winners of a ring's areas into a slot, if the round before has happened."""
        state = self._state
        head = [state.status, ring.channels, state.areas, state.winners_pool, state.sizes, ring.items]
        self._device.launch(self._device.prepare("record", len(ring.areas), [*head, np.int64(slot)]))
