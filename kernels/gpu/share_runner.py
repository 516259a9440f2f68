"""The share of a rank on a device.

In a round the host, which knows the winners of all ranks, says who fires.  One sequence of launches projects to all
areas that select, and selects their candidates.  Once the ranks have agreed on the winners, the host hands these over,
and another sequence learns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from brainsim.kernels.backend import Memory
from brainsim.kernels.gpu.backend import GpuBackend
from brainsim.kernels.outcomes import Event, Won
from brainsim.kernels.program import Options, Program
from brainsim.kernels.round_plan import Planner, Selection
from brainsim.kernels.share_runner import Heard, Offers, ShareRunner
from brainsim.kernels.shares import Range, as_source, share
from brainsim.kernels.state import (
    DRIVES,
    NO_FIRING,
    THRESHOLDS,
    WEIGHTS,
    WINNERS,
    Neurons,
    Synapses,
    Thresholds,
    same_column,
)
from brainsim.kernels.vectors.engine import VectorEngine


class GpuRunner(ShareRunner):
    """Runs the share with the kernels of the gpu backend.

    Parameters
    ----------
    backend : type of GpuBackend
        Runs the share.
    place : int
        Of the rank among those on its machine, which take its devices in turn.
    program : Program
        The whole brain.
    owned : sequence of Range
        What the rank owns of each area.
    options : Options
        Of the backend.
    """

    def __init__(
        self, backend: type[GpuBackend], place: int, program: Program, owned: Sequence[Range], options: Options
    ) -> None:
        self.name, self.parts, self.forks = backend.name, backend.parts, backend.forks
        self._program = program
        gated = [f for f, fiber in enumerate(program.fibers) if fiber.gate]
        self._count = len(program.areas)
        self._share = _with_passing(share(program, owned), gated)
        self._passing = {f: 2 * self._count + number for number, f in enumerate(gated)}
        self._inner = backend(self._share, options, place)
        self._planner = Planner(self._share)
        self._heard: dict[int, Neurons] = {}
        self._thresholds: dict[int, Thresholds] = {}

    @property
    def seconds(self) -> dict[str, float]:
        spent = self._inner.seconds
        return {phase: spent[phase] for phase in ("project", "select")}  # who asks for learning has timed it

    @property
    def broken(self) -> bool:
        return self._inner.broken

    def begin_again(self) -> None:
        self._inner.write(WINNERS, 0, NO_FIRING)  # the first that is written makes the backend forget the rest
        self._heard.clear()
        self._thresholds.clear()

    def fire(self, selections: Sequence[Selection], heard: Heard) -> Offers:
        if not selections:
            return Offers({}, {})
        opened = [f for _, inputs in selections for f in inputs]
        for f in opened:
            source = self._program.fibers[f].source
            if f in self._passing:
                self._hear(self._passing[f], heard.passing[f])
            else:
                self._hear(source, heard.winners[source])
        for area, _ in selections:
            self._set_thresholds(self._count + area, heard.thresholds[area])
            self._heard.pop(self._count + area, None)  # its candidates will fire
        self._inner.run(self._planner.plan(opened, (), learn=False))
        return Offers({area: self._offer(self._count + area) for area, _ in selections}, {})

    def _hear(self, area: int, neurons: Neurons) -> None:
        """Let some neurons of an area fire, unless they do already."""
        if area not in self._heard or not same_column(self._heard[area], neurons):
            self._heard.pop(area, None)
            self._inner.hear(area, neurons)
            self._heard[area] = neurons

    def _set_thresholds(self, part: int, thresholds: Thresholds) -> None:
        """Let a part have some thresholds, unless it does already; there may be one for each neuron."""
        if self._thresholds.get(part) is not thresholds:
            self._thresholds.pop(part, None)
            self._inner.write(THRESHOLDS, part, thresholds)
            self._thresholds[part] = thresholds

    def _offer(self, part: int) -> Won:
        neurons, drives = self._inner.read(DRIVES, part)
        return Won(neurons, neurons, drives)

    def learn(self, events: Sequence[Event], drives: Mapping[int, Any]) -> None:
        del drives
        won = {}
        for event in events:
            fiber = self._share.fibers[event.fiber]
            self._hear(fiber.source, event.fired)
            won[fiber.target] = event.won
            if event.depresses:
                self._hear(fiber.target, event.lost)
        rates = {event.fiber: event.rate for event in events}
        depressing = frozenset(event.fiber for event in events if event.depresses)
        self._inner.learn(self._planner.plan((), (), learn=True, learning=rates), won, depressing)

    def transmissions(self, fiber: int) -> npt.NDArray[np.int64]:
        return self._inner.transmissions(fiber)

    def existing(self, fiber: int, pre: Neurons, post: Neurons) -> npt.NDArray[np.bool_]:
        return self._inner.existing(fiber, pre, post)

    def read_weights(self, fiber: int) -> Synapses:
        synapses: Synapses = self._inner.read(WEIGHTS, fiber)
        return synapses

    def write_weights(self, fiber: int, synapses: Synapses) -> None:
        self._inner.write(WEIGHTS, fiber, synapses)

    def vector_engine(self, program: Program, options: Options) -> VectorEngine:
        del options
        return self._inner.vector_engine(program)

    def memory(self) -> Memory:
        found = self._inner.memory()
        areas = {area.name: self._bytes_of(found, a) for a, area in enumerate(self._program.areas)}
        return {**found, "areas": areas}

    def _bytes_of(self, found: Memory, area: int) -> dict[str, int]:
        """Return what an area takes as a source and as a target, and the lists of what passes gates from it."""
        fibers, name = self._program.fibers, self._program.areas[area].name
        passing = [self._share.areas[a].name for f, a in self._passing.items() if fibers[f].source == area]
        mine = [found["areas"][each] for each in (name, as_source(self._program.areas[area]), *passing)]
        return {purpose: sum(sizes[purpose] for sizes in mine) for purpose in mine[0]}

    def close(self) -> None:
        self._inner.close()


def _with_passing(shared: Program, gated: Sequence[int]) -> Program:
    """Return the program of a rank with one more area for each fiber with a gate: in it fires what passes the gate."""
    areas, fibers = list(shared.areas), list(shared.fibers)
    for f in gated:
        source = areas[fibers[f].source]
        fibers[f] = replace(fibers[f], source=len(areas))
        areas.append(replace(source, name=f"{source.name}, passing the gate of {fibers[f].name}"))
    return Program(tuple(areas), tuple(fibers))
