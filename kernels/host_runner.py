"""The share of a rank on a backend that runs on the host."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from time import perf_counter
from typing import Any

import numpy as np
import numpy.typing as npt

from brainsim.kernels.backend import Memory
from brainsim.kernels.outcomes import Event
from brainsim.kernels.phase_backend import PhaseBackend
from brainsim.kernels.program import Options, Program
from brainsim.kernels.round_plan import Selection
from brainsim.kernels.share_runner import Heard, Offers, ShareRunner
from brainsim.kernels.shares import Range, as_source, share
from brainsim.kernels.state import NO_FIRING, Neurons, Synapses
from brainsim.kernels.vectors.engine import VectorEngine


class HostRunner(ShareRunner):
    """Carries out the phases of a backend, area by area.

    Parameters
    ----------
    backend : type of PhaseBackend
        Runs the share.
    program : Program
        The whole brain.
    owned : sequence of Range
        What the rank owns of each area.
    options : Options
        Of the backend.
    """

    def __init__(
        self, backend: type[PhaseBackend[Any]], program: Program, owned: Sequence[Range], options: Options
    ) -> None:
        self.name, self.parts, self.forks = backend.name, backend.parts, backend.forks
        self._program = program
        self._inner = backend(share(program, owned), options)
        self._count = len(program.areas)
        self._not_sources = [NO_FIRING.neurons] * self._count
        self._seconds = {"project": 0.0, "select": 0.0}

    @property
    def seconds(self) -> dict[str, float]:
        return self._seconds

    @property
    def broken(self) -> bool:
        return False

    def begin_again(self) -> None:
        raise AssertionError("a share on the host is never broken")

    def fire(self, selections: Sequence[Selection], heard: Heard) -> Offers:
        self._inner.hear([*heard.winners, *self._not_sources], heard.passing)
        offers = Offers({}, {})
        for area, inputs in selections:
            part, begun = self._count + area, perf_counter()
            drive = offers.drives[area] = self._inner._project(part, inputs, heard.thresholds[area])
            projected = perf_counter()
            offers.won[area] = self._inner._select(part, drive)
            self._seconds["project"] += projected - begun
            self._seconds["select"] += perf_counter() - projected
        return offers

    def learn(self, events: Sequence[Event], drives: Mapping[int, Any]) -> None:
        self._inner._learn(events, drives)

    def transmissions(self, fiber: int) -> npt.NDArray[np.int64]:
        return self._inner.transmissions(fiber)

    def existing(self, fiber: int, pre: Neurons, post: Neurons) -> npt.NDArray[np.bool_]:
        return self._inner.existing(fiber, pre, post)

    def read_weights(self, fiber: int) -> Synapses:
        return self._inner._read_weights(fiber)

    def write_weights(self, fiber: int, synapses: Synapses) -> None:
        self._inner._write_weights(fiber, synapses)

    def vector_engine(self, program: Program, options: Options) -> VectorEngine:
        return type(self._inner).vector_engine(program, options)

    def memory(self) -> Memory:
        found = self._inner.memory()
        index = {name: sizes.get("index", 0) for name, sizes in found["areas"].items()}
        areas = {area.name: {"index": index[area.name] + index[as_source(area)]} for area in self._program.areas}
        return {**found, "areas": areas}

    def close(self) -> None:
        self._inner.close()
