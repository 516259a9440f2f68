"""Which synapses between two sets of neurons exist and are not stored yet: the new ones of a learning step.

A pair of neurons is seldom looked at twice.  Of a projected area, the counts of the round tell how many synapses each
winner has; once as many are stored, nothing is missing.  Beyond that, each fiber remembers its learning steps: neurons
carry a bit for every remembered step that they took part in, so two neurons with a common bit have been looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from brainsim.kernels.cpu.addresses import address_of
from brainsim.kernels.cpu.compiling import compiled, inlined
from brainsim.kernels.cpu.graph import GraphArrays, scan_row
from brainsim.kernels.cpu.lookup import MOST_PAIRS, gathered, row_posts
from brainsim.kernels.cpu.roster import Roster
from brainsim.kernels.cpu.rows import KeptRows
from brainsim.kernels.cpu.search import search_kept
from brainsim.kernels.cpu.sets import members
from brainsim.kernels.cpu.tables import Record
from brainsim.kernels.cpu.threads import in_parts
from brainsim.kernels.state import Neurons

WORDS = 4  # of 64 steps each
_STEPS = 64 * WORDS
_STEPS_PER_LOOK_UP = 48  # as many synapses are drawn in the time that one is looked up
_U1 = np.uint64(1)

Masks = npt.NDArray[np.uint64]


class Sought(NamedTuple):
    """The winners of a learning step, ascending, and which of them synapses are sought onto."""

    neurons: Neurons
    masks: Masks  # steps that each took part in
    every: npt.NDArray[np.int64]  # which of them are not complete
    fresh: npt.NDArray[np.int64]  # and which of these took no part in the last step
    bits: npt.NDArray[np.uint64]  # all that are not complete, as a bitset of the area


@inlined
def _candidates(chosen, mask, wanted, masks):  # type: ignore[no-untyped-def]
    """List those wanted winners that a presynaptic neuron has not been looked at with; return their number."""
    size = np.uint64(0)
    first, second, third, fourth = mask[0], mask[1], mask[2], mask[3]
    for w in range(np.uint64(len(wanted))):
        m = np.uint64(wanted[w])
        common = (first & masks[m, 0]) | (second & masks[m, 1]) | (third & masks[m, 2]) | (fourth & masks[m, 3])
        chosen[size] = m
        size += np.uint64(common == 0)
    return np.int64(size)


@compiled
def _draw_existing(first, end, pre, masks, old, sought, graph, found, sizes):  # type: ignore[no-untyped-def]
    """Write the existing synapses of some neurons onto the winners, but those that were seen to be stored.

    Few winners are looked up in a row one by one; for many the whole row is drawn.
    """
    posts, post_masks, bits, every, fresh = sought.neurons, sought.masks, sought.bits, sought.every, sought.fresh
    buffer, chosen = np.empty(_U1 << graph.bits, np.uint16), np.empty(len(every) + 1, np.int64)
    for a in range(first, end):
        wanted = fresh if old[a] else every
        if len(wanted) * _STEPS_PER_LOOK_UP <= graph.mean:
            size = _candidates(chosen, masks[a], wanted, post_masks)
            sizes[a] = row_posts(pre[a], chosen, size, posts, graph, buffer, found[a])
        else:
            sizes[a] = scan_row(found[a], bits, pre[a], graph)


def _drawn(
    pre: Neurons, masks: Masks, old: npt.NDArray[np.bool_], sought: Sought, graph: GraphArrays, threads: int
) -> tuple[Neurons, Neurons]:
    """Return the existing synapses from ``pre`` to the winners, row by row, but those that were seen to be stored."""
    found, sizes = np.empty((len(pre), len(sought.every)), np.int32), np.empty(len(pre), np.int64)
    in_parts(_draw_existing, len(pre), threads, pre, masks, old, sought, graph, found, sizes)
    return np.repeat(pre, sizes), gathered(found, sizes)


@compiled
def _set_bits(bits, neurons):  # type: ignore[no-untyped-def]
    for neuron in neurons:
        bits[neuron >> 6] |= _U1 << np.uint64(neuron & 63)


def _bitset(neurons: Neurons, n: int) -> npt.NDArray[np.uint64]:
    bits = np.zeros((n + 63) // 64, np.uint64)
    _set_bits(bits, neurons)
    return bits


class _Party:
    """One side of a fiber (``pre`` or ``post``): for every neuron of a roster, the steps that it took part in."""

    def __init__(self, side: str, roster: Roster, record: Record) -> None:
        self._side = side
        self._roster = roster
        self._record = record
        self._set(np.zeros((64, WORDS), np.uint64))

    def _set(self, masks: Masks) -> None:
        """Replace the masks, and tell the kernels where they are."""
        self._record[f"{self._side}_rows"] = 0
        self._masks = masks
        self._record[f"{self._side}_masks"] = address_of(masks)
        self._record[f"{self._side}_rows"] = len(masks)

    def masks(self, neurons: Neurons) -> Masks:
        """Return the masks of some neurons."""
        rows = self._roster.enrol(neurons)
        if self._roster.size > len(self._masks):
            more = np.zeros((max(self._roster.size, 2 * len(self._masks)) - len(self._masks), WORDS), np.uint64)
            self._set(np.concatenate([self._masks, more]))
        return self._masks[rows]

    def mark(self, neurons: Neurons, step: int) -> None:
        """Set the bit of a step for its neurons alone."""
        word, bit = step // 64, np.uint64(1 << step % 64)
        self._masks[:, word] &= ~bit
        self.join(neurons, step)

    def join(self, neurons: Neurons, step: int) -> None:
        """Set the bit of a step for further neurons."""
        self._masks[self._roster.rows(neurons), step // 64] |= np.uint64(1 << step % 64)

    @property
    def nbytes(self) -> int:
        """Bytes allocated."""
        return self._masks.nbytes


def _digest(neurons: Neurons) -> bytes:
    return blake2b(neurons.tobytes(), digest_size=16).digest()


class Existence:
    """Finds new synapses of one fiber, and remembers where there are none."""

    def __init__(self, graph: GraphArrays, kept: KeptRows, sources: Roster, targets: Roster, record: Record) -> None:
        self._graph = graph
        self._kept = kept
        self._rosters = (sources, targets)
        self._record = record
        self.forget()

    def forget(self) -> None:
        """Forget what was looked at, because the stored synapses have been replaced."""
        sources, targets = self._rosters
        self._pre, self._post = _Party("pre", sources, self._record), _Party("post", targets, self._record)
        nobody = np.empty(0, np.int64)
        self._last = (nobody, nobody)
        self._named: dict[tuple[str, bytes], int] = {}
        self._steps = 0

    @property
    def nbytes(self) -> int:
        """Bytes of what is remembered."""
        return self._pre.nbytes + self._post.nbytes + sum(neurons.nbytes for neurons in self._last)

    def new(
        self, pre: Neurons, post: Neurons, complete: npt.NDArray[np.bool_], threads: int
    ) -> tuple[Neurons, Neurons]:
        """Return the existing synapses from ``pre`` to ``post`` that may not be stored, and note that they will be.

        Synapses onto winners that are ``complete`` are all stored.
        """
        masks, post_masks = self._pre.masks(pre), self._post.masks(post)
        old, fresh = members(pre, self._last[0]), ~(complete | members(post, self._last[1]))
        bits = _bitset(post[~complete], self._graph.n_target)
        sought = Sought(post, post_masks, np.flatnonzero(~complete), np.flatnonzero(fresh), bits)
        step = max(1, MOST_PAIRS // len(post))
        found = [(pre[:0], post[:0])]
        for low in range(0, len(pre), step):
            rows = slice(low, low + step)
            found += self._existing(pre[rows], masks[rows], old[rows], sought, threads)
        self._note(pre, post)
        new_pre, new_post = map(np.concatenate, zip(*found, strict=True))
        return new_pre, new_post

    def _existing(
        self, pre: Neurons, masks: Masks, old: npt.NDArray[np.bool_], sought: Sought, threads: int
    ) -> Iterator[tuple[Neurons, Neurons]]:
        """Give existing synapses onto the winners, those of kept rows and the others."""
        kept, graph = self._kept.find(pre), self._graph
        are_kept = kept.batch != 0
        if are_kept.any():
            winners = sought.neurons[sought.every], sought.neurons[sought.fresh]
            rows = pre[are_kept], kept.take(are_kept), old[are_kept]
            yield search_kept(*rows, *winners, graph.blocks, graph.bits, threads)
        if not are_kept.all():
            others = ~are_kept
            yield _drawn(pre[others], masks[others], old[others], sought, graph, threads)

    def _note(self, pre: Neurons, post: Neurons) -> None:
        """Remember a step, as part of an earlier one that had the same neurons on one side if there is such."""
        self._last = (pre, post)
        by_pre, by_post = ("pre", _digest(pre)), ("post", _digest(post))
        if by_pre in self._named:
            self._post.join(post, self._only(by_pre))
        elif by_post in self._named:
            self._pre.join(pre, self._only(by_post))
        else:
            self._begin(by_pre, by_post, pre, post)

    def _only(self, name: tuple[str, bytes]) -> int:
        """Return a step that will grow on its other side, so that it is no longer known by that side."""
        step = self._named[name]
        for other in [other for other, of in self._named.items() if of == step and other != name]:
            del self._named[other]
        return step

    def _begin(self, by_pre: tuple[str, bytes], by_post: tuple[str, bytes], pre: Neurons, post: Neurons) -> None:
        step = self._steps % _STEPS
        self._steps += 1
        for name in [name for name, of in self._named.items() if of == step]:
            del self._named[name]
        self._named[by_pre] = self._named[by_post] = step
        self._pre.mark(pre, step)
        self._post.mark(post, step)
