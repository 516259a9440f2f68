"""The share of a brain that one of several ranks runs: a range of the neurons of every area, as targets.

A rank runs a program of its own, with each area twice.  As a source an area is whole, since any of its neurons may
fire.  As a target it is the rank's own part: a range of whole blocks of all random graphs into the area, and of whole
channels.  So each rank draws its own synapses, at no more cost than its share.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import lcm

import numpy as np

from brainsim.kernels.errors import BackendUnavailableError
from brainsim.kernels.law.graph import Graph
from brainsim.kernels.law.share import share_of
from brainsim.kernels.parts import Channels, Explicit
from brainsim.kernels.program import AreaSpec, FiberSpec, Program
from brainsim.kernels.state import Neurons, Synapses, Thresholds

_SMALLEST_UNIT = 64


@dataclass(frozen=True)
class Range:
    """The neurons from ``first`` to before ``end`` of an area."""

    first: int
    end: int

    def __len__(self) -> int:
        return self.end - self.first

    def own(self, neurons: Neurons) -> Neurons:
        """Return those of some ascending neurons that are in the range, counted from its first."""
        low, high = np.searchsorted(neurons, (self.first, self.end))
        return neurons[low:high] - self.first

    def thresholds(self, thresholds: Thresholds) -> Thresholds:
        """Return the thresholds of the neurons in the range."""
        low, high = np.searchsorted(thresholds.neurons, (self.first, self.end))
        return Thresholds(thresholds.neurons[low:high] - self.first, thresholds.amount[low:high])

    def synapses(self, synapses: Synapses) -> Synapses:
        """Return the synapses that end in the range."""
        inside = (synapses.post >= self.first) & (synapses.post < self.end)
        return Synapses(synapses.pre[inside], synapses.post[inside] - self.first, synapses.weight[inside])


def unit_of(program: Program, area: int) -> int:
    """Return of how many neurons the ranges of an area are multiples: of whole blocks, and of whole channels."""
    graphs = [program.fibers[f].graph for f in program.into(area)]
    blocks = [1 << graph.bits for graph in graphs if graph.p > 0]
    return lcm(max(blocks, default=_SMALLEST_UNIT), program.areas[area].channel)


def ranges(program: Program, rank: int, ranks: int) -> list[Range]:
    """Return the range of each area that a rank owns; that of a small area may be empty.

    Areas begin with different ranks, so that areas of a single block do not all belong to one rank.

    Raises
    ------
    BackendUnavailableError
        If there are more ranks than blocks, so that some would own nothing.
    """
    every = [ranges_of(program, a, ranks) for a in range(len(program.areas))]
    targets = sorted({fiber.target for fiber in program.fibers if fiber.message is None})
    idle = [r for r in range(ranks) if not any(len(every[a][r]) for a in targets)]
    if idle and targets:
        units = {a: unit_of(program, a) for a in targets}
        counts = {a: -(-program.areas[a].n // units[a]) for a in targets}
        most = max(counts, key=counts.__getitem__)
        blocks = counts[most]
        raise BackendUnavailableError(
            f"ranks: {ranks} are more than the brain has blocks of targets to share: rank {idle[0]} would own none (of "
            f"its areas, {program.areas[most].name!r} has most, {blocks} of {units[most]:_} neurons); use fewer ranks"
        )
    return [each[rank] for each in every]


def ranges_of(program: Program, area: int, ranks: int) -> list[Range]:
    """Return the range of one area that each of some ranks owns."""
    n, unit = program.areas[area].n, unit_of(program, area)
    return [_range(n, unit, (rank + area) % ranks, ranks) for rank in range(ranks)]


def _range(n: int, unit: int, rank: int, ranks: int) -> Range:
    blocks = -(-n // unit)
    return Range(*(min(n, blocks * r // ranks * unit) for r in (rank, rank + 1)))


def share(program: Program, owned: Sequence[Range]) -> Program:
    """Return the program of a rank: areas as sources, then the rank's parts of them as targets; the same fibers.

    Gates, traces and messages are not in it.  A part that is empty has one neuron, which is never used.
    """
    count = len(program.areas)
    sources = [replace(area, name=as_source(area), vectors=None) for area in program.areas]
    targets = [_part(area, own) for area, own in zip(program.areas, owned, strict=True)]
    fibers = [_fiber(fiber, count + fiber.target, owned[fiber.target]) for fiber in program.fibers]
    return Program((*sources, *targets), tuple(fibers))


def as_source(area: AreaSpec) -> str:
    """Return the name of an area as a source in the program of a rank."""
    return f"{area.name} (as a source)"


def _part(area: AreaSpec, own: Range) -> AreaSpec:
    n = max(len(own), area.channel)
    activation = area.activation
    k = area.k if isinstance(activation, Channels) else min(area.k, n)
    return replace(area, n=n, k=min(k, n), vectors=None, first=own.first)


def _fiber(fiber: FiberSpec, target: int, own: Range) -> FiberSpec:
    graph = fiber.graph
    if len(own) and graph.p > 0:
        graph = share_of(graph, own.first, len(own))
    elif isinstance(graph, Explicit):
        graph = replace(graph, n_target=max(1, len(own)))
    else:
        graph = Graph(graph.key, graph.n_source, max(1, len(own)), graph.p, recurrent=False)
    return replace(fiber, target=target, graph=graph, gate=None, trace=None, message=None)
