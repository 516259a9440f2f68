"""New synapses of a learning step: those between the neurons that fired and the winners that are not stored yet.

A pair of neurons is rarely searched twice.  If the area was the target of a projection, the counts of the round say how
many synapses each winner has.  Once that many are stored, the winner is complete.  For the other winners, visited pairs
are skipped.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from brainsim.kernels.cpu.compiling import compiled, inlined
from brainsim.kernels.cpu.graph import GraphArrays, scan_row
from brainsim.kernels.cpu.lookup import MOST_PAIRS, gathered, row_posts
from brainsim.kernels.cpu.rows import KeptRows
from brainsim.kernels.cpu.search import search_kept
from brainsim.kernels.cpu.sets import Flags, members
from brainsim.kernels.cpu.taper import thin
from brainsim.kernels.cpu.threads import in_parts
from brainsim.kernels.cpu.visited import Bits, VisitedPairs
from brainsim.kernels.state import Neurons

_DRAWN_PER_LOOK_UP = 48  # synapses drawn in the time that one is looked up
_U0, _U1 = np.uint64(0), np.uint64(1)
Places = npt.NDArray[np.int64]


class Wanted(NamedTuple):
    """The winners of a learning step, ascending, and those of them onto which new synapses are searched.

    Attributes
    ----------
    winners : int64 array
        All winners.
    bits : uint64 array
        The remembered steps in which each took part; see `VisitedPairs.bits`.
    pending : int64 array
        Places of the winners that are not complete.
    new : int64 array
        Places of the pending winners that took no part in the last visit.
    bitset : uint64 array
        The pending winners, as a bit for each neuron of the area.
    """

    winners: Neurons
    bits: Bits
    pending: Places
    new: Places
    bitset: npt.NDArray[np.uint64]


@inlined
def _list_unvisited(chosen: Places, own: Bits, wanted: Places, bits: Bits) -> Any:
    """List the wanted winners that share no remembered step with a neuron; return their number."""
    size = np.uint64(0)
    first, second, third, fourth = own[0], own[1], own[2], own[3]
    for w in range(np.uint64(len(wanted))):
        m = np.uint64(wanted[w])
        common = (first & bits[m, 0]) | (second & bits[m, 1]) | (third & bits[m, 2]) | (fourth & bits[m, 3])
        chosen[size] = m
        size += np.uint64(common == 0)
    return np.int64(size)


@compiled
def _draw_existing(
    first: int,
    end: int,
    pre: Neurons,
    bits: Bits,
    seen: Flags,
    wanted: Wanted,
    graph: GraphArrays,
    found: npt.NDArray[np.int32],
    sizes: npt.NDArray[np.int64],
) -> None:
    """Write the existing synapses of some neurons onto wanted winners; most visited pairs are left out.

    A few winners are looked up one by one; for many, the whole row is drawn.
    """
    buffer, chosen = np.empty(_U1 << graph.bits, np.uint16), np.empty(len(wanted.pending) + 1, np.int64)
    for a in range(first, end):
        places = wanted.new if seen[a] else wanted.pending
        if len(places) * _DRAWN_PER_LOOK_UP <= graph.mean:
            size = _list_unvisited(chosen, bits[a], places, wanted.bits)
            sizes[a] = row_posts(pre[a], chosen, size, wanted.winners, graph, buffer, found[a])
        else:
            sizes[a] = scan_row(found[a], wanted.bitset, pre[a], graph)
        if graph.tapered:
            sizes[a] = thin(found[a], _U0, np.uint64(sizes[a]), _U0, pre[a], graph.taper)


@compiled
def _set_bits(bitset: npt.NDArray[np.uint64], neurons: Neurons) -> None:
    for neuron in neurons:
        bitset[neuron >> 6] |= _U1 << np.uint64(neuron & 63)


def _bitset(neurons: Neurons, n: int) -> npt.NDArray[np.uint64]:
    bitset = np.zeros((n + 63) // 64, np.uint64)
    _set_bits(bitset, neurons)
    return bitset


def find_new(
    pre: Neurons,
    post: Neurons,
    complete: Flags,
    visited: VisitedPairs,
    kept: KeptRows,
    graph: GraphArrays,
    threads: int,
) -> tuple[Neurons, Neurons]:
    """Return all existing synapses from ``pre`` to ``post`` that are not stored, and note the pairs as visited.

    Stored synapses may be among them; `Overlay.add` leaves these out.

    Parameters
    ----------
    pre, post : int64 array
        Neurons that fired and winners, ascending.
    complete : bool array
        For each winner, whether all synapses onto it from ``pre`` are stored.
    visited : VisitedPairs
        Of the fiber.  All existing synapses of its visited pairs are stored.
    kept : KeptRows
        Of the fiber.
    graph : GraphArrays
        Of the fiber.
    threads : int
        How many to use.

    Returns
    -------
    pre, post : int64 array
        One item for each synapse; equal neurons of ``pre`` come together.
    """
    # The last visit is compared as whole sets: if both neurons took part in it, the pair has been visited.
    seen, pending = members(pre, visited.last[0]), ~complete
    search = _Search(post, pending, pending & ~members(post, visited.last[1]), visited, kept, graph, threads)
    step = max(1, MOST_PAIRS // len(post))
    found = [(pre[:0], post[:0])]
    for low in range(0, len(pre), step):
        found += _existing(pre[low : low + step], seen[low : low + step], search)
    visited.visit(pre, post)
    new_pre, new_post = map(np.concatenate, zip(*found, strict=True))
    return new_pre, new_post


class _Search(NamedTuple):
    """A search for new synapses.

    ``pending`` marks the winners that are not complete, and ``new`` those of them that took no part in the last visit.
    """

    winners: Neurons
    pending: Flags
    new: Flags
    visited: VisitedPairs
    kept: KeptRows
    graph: GraphArrays
    threads: int


def _existing(pre: Neurons, seen: Flags, search: _Search) -> Iterator[tuple[Neurons, Neurons]]:
    """Yield existing synapses onto pending winners, or onto new ones from neurons ``seen`` in the last visit.

    Kept rows are searched; the others are drawn.
    """
    places, graph = search.kept.find(pre), search.graph
    are_kept = places.batch != 0
    if are_kept.any():
        winners = search.winners[search.pending], search.winners[search.new]
        rows = pre[are_kept], places.take(are_kept), seen[are_kept]
        yield search_kept(*rows, *winners, graph.blocks, graph.bits, search.threads)
    if not are_kept.all():
        yield _drawn(pre[~are_kept], seen[~are_kept], search)


def _drawn(pre: Neurons, seen: Flags, search: _Search) -> tuple[Neurons, Neurons]:
    """Return existing synapses from ``pre`` onto pending winners, row by row."""
    winners, graph, pending = search.winners, search.graph, np.flatnonzero(search.pending)
    source_bits, target_bits = search.visited.bits(pre, winners)
    bitset = _bitset(winners[search.pending], graph.n_target)
    wanted = Wanted(winners, target_bits, pending, np.flatnonzero(search.new), bitset)
    found, sizes = np.empty((len(pre), len(pending)), np.int32), np.empty(len(pre), np.int64)
    in_parts(_draw_existing, len(pre), search.threads, pre, source_bits, seen, wanted, graph, found, sizes)
    return np.repeat(pre, sizes), gathered(found, sizes)
