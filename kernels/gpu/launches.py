"""The launches that make a round, in their order, with the scratch memory that they share."""

from __future__ import annotations

from typing import Any

import numpy as np

from brainsim.kernels.gpu.device import Argument, Array, Device
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
        self._hits = device.zeros(0, np.uint32, "learning")
        self._first_pages = device.empty(0, np.uint64, "learning")

    def prepare(self, plan: Plan) -> None:
        """Make room for what a plan needs; raises `DeviceMemoryError` if the device has not got it."""
        jobs = len(plan.selecting)
        self._histograms = self._wider(self._histograms, jobs * plan.passes * DIGITS, "selection")
        self._choices = self._wider(self._choices, jobs * (plan.passes + 1), "selection")
        self._first_pages = self._wider(self._first_pages, plan.items, "learning")
        if plan.hits > self._hits.size:
            self._hits = self._device.zeros(plan.hits, np.uint32, "learning")

    def _wider(self, array: Array, size: int, purpose: str) -> Array:
        return array if size <= array.size else self._device.empty(size, array.dtype, purpose)

    def clear_hits(self) -> None:
        """Forget the synapses drawn in a round that stalled; one that happens leaves none."""
        self._device.clear(self._hits)

    def memory(self) -> dict[str, int]:
        """Return the bytes of scratch memory, by purpose."""
        return {
            "selection": self._histograms.nbytes + self._choices.nbytes,
            "learning": self._hits.nbytes + self._first_pages.nbytes,
        }

    def round(self, plan: Plan) -> list[Any]:
        """Launch a round; return the moments at which its phases begin, and that at which it ends."""
        moments = [self._device.mark()]
        if plan.selecting:
            self._project(plan)
        moments.append(self._device.mark())
        if plan.selecting:
            self._select(plan)
        moments.append(self._device.mark())
        if plan.lesson_count:
            self._learn(plan)
        self._commit(plan)
        moments.append(self._device.mark())
        return moments

    def _jobs(self, plan: Plan) -> list[Argument]:
        return [self._state.status, plan.jobs, np.int64(len(plan.selecting))]

    def _project(self, plan: Plan) -> None:
        state, fibers = self._state, self._fibers
        self._device.launch(
            "project",
            plan.blocks,
            [
                *self._jobs(plan),
                plan.opened,
                fibers.items,
                state.areas,
                state.winners_pool,
                state.sizes,
                fibers.guide,
                fibers.heads,
                fibers.thresholds,
                state.drive,
                state.peaks,
                self._histograms,
                np.int64(plan.passes),
                self._tile_bits,
            ],
            shared=_COUNT_BYTES << int(self._tile_bits),
        )
        overlay = self._overlay
        self._device.launch(
            "gather",
            _blocks(plan.warps, WARPS),
            [
                state.status,
                plan.gatherings,
                np.int64(plan.gathering_count),
                np.int64(plan.warps),
                fibers.items,
                state.areas,
                state.winners_pool,
                state.sizes,
                overlay.ranks,
                overlay.rows,
                overlay.posts,
                overlay.weights,
                overlay.following,
                state.drive,
                state.peaks,
                self._tile_bits,
            ],
        )

    def _select(self, plan: Plan) -> None:
        state, passes = self._state, np.int64(plan.passes)
        drives: list[Argument] = [*self._jobs(plan), state.areas, state.drive]
        for number in range(plan.passes):
            tail: list[Argument] = [
                state.peaks,
                self._histograms,
                self._choices,
                np.int64(number),
                passes,
                self._tile_bits,
            ]
            self._device.launch("count_digits", plan.blocks, [*drives, *tail])
        counts: list[Argument] = [state.greater, state.equal]
        before = [*drives, state.peaks, self._histograms, self._choices]
        self._device.launch("count_winners", plan.blocks, [*before, *counts, passes, self._tile_bits])
        won: list[Argument] = [state.next_winners, state.next_sizes]
        self._device.launch(
            "list_winners", plan.blocks, [*drives, self._choices, *counts, *won, passes, self._tile_bits]
        )

    def _learn(self, plan: Plan) -> None:
        state, fibers, overlay = self._state, self._fibers, self._overlay
        lessons: list[Argument] = [state.status, plan.lessons, np.int64(plan.lesson_count)]
        firing: list[Argument] = [state.winners_pool, state.sizes]
        ends: list[Argument] = [fibers.items, state.areas, *firing, state.next_winners, state.next_sizes]
        items = np.int64(plan.items)
        sources: list[Argument] = [plan.sources, np.int64(plan.source_count), state.areas]
        capacity = np.int64(overlay.rows.size)
        self._device.launch("enrol", 1, [state.status, *sources, *firing, overlay.ranks, capacity])
        graph: list[Argument] = [fibers.guide, fibers.heads, fibers.thresholds]
        pairs = [*lessons, np.int64(plan.pairs), *ends, *graph, self._hits]
        self._device.launch("draw_pairs", _blocks(plan.pairs, THREADS), pairs)
        head: list[Argument] = [*lessons, items, *ends, overlay.ranks, overlay.rows, overlay.posts]
        warps = _blocks(plan.items, WARPS)
        self._device.launch("cross_out", warps, [*head, overlay.following, self._hits, self._first_pages])
        pages = np.int64(overlay.following.size)
        self._device.launch("reserve", 1, [state.status, self._first_pages, items, pages])
        tail: list[Argument] = [overlay.weights, overlay.following, self._hits, self._first_pages]
        self._device.launch("strengthen", warps, [*head, *tail])

    def _commit(self, plan: Plan) -> None:
        state = self._state
        won: list[Argument] = [state.next_winners, state.next_sizes, state.changed, state.fired]
        arguments = [*self._jobs(plan), state.areas, state.winners_pool, state.sizes, *won]
        self._device.launch("commit", max(1, len(plan.selecting)), arguments)

    def record(self, ring: Ring, slot: int) -> None:
        """Copy the winners of a ring's areas into a slot, if the round before has happened."""
        state = self._state
        arguments = [state.status, ring.channels, state.areas, state.winners_pool, state.sizes, ring.items]
        self._device.launch("record", len(ring.areas), [*arguments, np.int64(slot)])
