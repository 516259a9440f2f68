"""Compile a brain and a seed to a `Program`: the plain numbers that backends run, and their initial state."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from typing import Any

import numpy as np

from brainsim._validation import real
from brainsim.declare.area import Area
from brainsim.declare.brain import Brain
from brainsim.declare.carrying import message_part
from brainsim.declare.edges import EdgeGraph
from brainsim.declare.fiber import Fiber
from brainsim.declare.sparse import Stored
from brainsim.declare.vector_area import VectorArea
from brainsim.errors import DeclarationError
from brainsim.kernels.law.rules import Update
from brainsim.kernels.law.selection import area_key
from brainsim.kernels.law.weights import ONE, THRESHOLD_LIMIT, to_fixed, to_float
from brainsim.kernels.parts import AssemblyGate, ChannelGate, Explicit, Traced
from brainsim.kernels.program import AreaSpec, FiberSpec, Program
from brainsim.kernels.state import (
    ANCHORS,
    CHANNEL_WEIGHTS,
    NO_SYNAPSES,
    THRESHOLDS,
    VECTORS,
    WEIGHTS,
    Synapses,
    Table,
    Thresholds,
)
from brainsim.kernels.state_kind import StateKind
from brainsim.kernels.vectors.first import directions
from brainsim.kernels.vectors.parts import UnitVectors


def build(brain: Brain, seed: int) -> Program:
    """Return the program of a brain: its areas and fibers in the order of declaration."""
    index = {name: i for i, name in enumerate(brain.areas)}
    return Program(
        areas=tuple(_area(area, seed) for area in brain.areas.values()),
        fibers=tuple(_fiber(fiber, seed, index) for fiber in brain.fibers),
    )


def _area(area: Area, seed: int) -> AreaSpec:
    return AreaSpec(
        name=area.name,
        n=area.n,
        k=area.k,
        refraction=to_fixed(area.refraction),
        key=area_key(seed, area.name),
        activation=area.activation.part(),
        vectors=UnitVectors(area.dim) if isinstance(area, VectorArea) else None,
    )


def _fiber(fiber: Fiber, seed: int, index: dict[str, int]) -> FiberSpec:
    stored, graph = fiber.connectivity.stored(), fiber.graph(seed)
    update, depression = fiber.steps()
    if stored is not None:
        digest = blake2b(b"".join(column.tobytes() for column in stored), digest_size=16).hexdigest()
        graph = Explicit(graph.key, graph.n_source, graph.n_target, graph.p, graph.recurrent, digest=digest)
    return FiberSpec(
        name=fiber.name,
        source=index[fiber.source.name],
        target=index[fiber.target.name],
        graph=graph,
        update=update if stored is None else update or _unchanging(stored),
        base=to_fixed(fiber.weight) if stored is None and fiber.message is None else 0,
        depression=depression,
        gate=_gate(fiber, index),
        trace=None if fiber.trace is None else Traced(fiber.trace.rates()),
        message=message_part(fiber),
    )


def _unchanging(stored: Stored) -> Update:
    """Return the rule of a fiber that stores weights and changes none."""
    weights = stored.weight
    return Update(gain=0, drift=0, ceiling=int(weights.max(initial=ONE)), floor=int(weights.min(initial=0)))


def _gate(fiber: Fiber, index: dict[str, int]) -> ChannelGate | AssemblyGate | None:
    gate = fiber.gate
    if isinstance(gate, Area):
        size = gate.activation.channel
        return ChannelGate(index[gate.name], size, width=fiber.source.n // (gate.n // size))
    if gate is not None:
        return AssemblyGate(index[gate.area], tuple(gate.neurons.tolist()))
    return None


def first_state(brain: Brain, program: Program) -> Iterator[tuple[StateKind, int, Any]]:
    """Yield the initial state of a simulation, except empty values: kind, owner, value.

    Raises
    ------
    DeclarationError
        If the synapses that a graph stores are not in order or out of range, or the threshold of an activation is.
    """
    for a, area in enumerate(brain.areas.values()):
        limit = to_float(THRESHOLD_LIMIT) / 2
        where = f"Area {area.name!r}.activation: threshold"
        lowest = -limit / program.areas[a].channel  # drives of a channel are summed
        threshold = to_fixed(real(where, area.activation.threshold, lowest, limit))
        if threshold:
            yield THRESHOLDS, a, Thresholds(np.arange(area.n), np.full(area.n, threshold))
    for f, fiber in enumerate(brain.fibers):
        weights = first_weights(fiber)
        if weights is not NO_SYNAPSES:
            fault = WEIGHTS.fault(program, f, weights)
            if fault:
                raise DeclarationError(f"Fiber {fiber.name!r}.graph: stored synapses: {fault}")
            yield WEIGHTS, f, weights
    yield from _first_tables(brain, program)


def _first_tables(brain: Brain, program: Program) -> Iterator[tuple[StateKind, int, Table]]:
    """Yield the initial vectors and message weights of a simulation."""
    anchored = ANCHORS.owners(program)
    for a in VECTORS.owners(program):
        rows = Table(directions(program.areas[a].key, *VECTORS.shape_of(program, a)))
        yield VECTORS, a, rows
        if a in anchored:
            yield ANCHORS, a, rows
    every = list(brain.fibers)
    for f in CHANNEL_WEIGHTS.owners(program):
        yield CHANNEL_WEIGHTS, f, first_channel_weights(every[f])


def first_weights(fiber: Fiber) -> Synapses:
    """Return the synapses that a fiber stores initially: none if its graph is random."""
    stored = fiber.connectivity.stored()
    return NO_SYNAPSES if stored is None else Synapses(*stored)


def first_channel_weights(fiber: Fiber) -> Table:
    """Return the initial weights of a fiber with a message, shape (edges, channels)."""
    graph = fiber.connectivity
    assert isinstance(graph, EdgeGraph), "a fiber with a message has edges"
    first = graph.values * np.float32(fiber.weight)
    return Table(np.repeat(first[:, None], len(fiber.channels), axis=1))
