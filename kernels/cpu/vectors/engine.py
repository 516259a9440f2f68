"""Vectors on the cpu backend: Numba kernels over edges, in parallel over nodes."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from brainsim.kernels.cpu.threads import in_parts, use_threads
from brainsim.kernels.cpu.vectors.propose import message_arrays, normalize, propose
from brainsim.kernels.cpu.vectors.relax import relax, relaxing_arrays
from brainsim.kernels.cpu.vectors.sent import gather, scatter
from brainsim.kernels.program import Options, Program
from brainsim.kernels.state import Floats, Neurons
from brainsim.kernels.vectors.bounds import carrying_fibers, message_of
from brainsim.kernels.vectors.host import HostVectors


class CpuVectors(HostVectors):
    """Vectors in single precision; threads divide the nodes among them."""

    def __init__(self, program: Program, options: Options) -> None:
        super().__init__(program)
        self._threads = options.threads
        self._arrays = {f: message_arrays(message_of(program, f)) for f in carrying_fibers(program)}

    def _propose(self, fiber: int, nodes: Neurons, places: Neurons, out: Floats, *, add: bool) -> None:
        spec = self.program.fibers[fiber]
        sources, targets = self.vectors(spec.source), self.vectors(spec.target)
        read = map(_read_only, (self.weights(fiber), sources, targets, self.anchors(spec.target)))
        numbers = len(message_of(self.program, fiber).edges.ids) * out.shape[1] / len(targets)
        self._in_parts(
            propose, len(nodes), numbers, *map(_read_only, (nodes, places)), add, self._arrays[fiber], *read, out
        )

    def _normalize(self, area: int, nodes: Neurons, out: Floats) -> None:
        self._in_parts(normalize, len(nodes), out.shape[1], _read_only(nodes), _read_only(self.vectors(area)), out)

    def _relax(self, fiber: int, rate: float, sources: Neurons, targets: Neurons, weights: Floats) -> None:
        spec, message = self.program.fibers[fiber], message_of(self.program, fiber)
        assert message.relaxing is not None, "only fibers with a rule learn"
        active = _marked(sources, self.program.areas[spec.source].n)
        inputs = self.inputs(fiber)
        if inputs is None:
            inputs = np.empty((0, len(message.mix)), np.float32)
        vectors = self.vectors(spec.source), self.vectors(spec.target)
        rule, edges = relaxing_arrays(message.relaxing, rate), self._arrays[fiber]
        tables = map(_read_only, (*vectors, inputs))
        symmetric = message.edges.symmetric
        self._in_parts(relax, len(targets), 1000, _read_only(targets), active, symmetric, edges, rule, *tables, weights)

    def sent(self, fiber: int, active: Neurons) -> tuple[Floats, Neurons]:
        message, weights = message_of(self.program, fiber), _read_only(self.weights(fiber))
        n = len(message.edges.starts) - 1
        sums, edges = np.zeros((n, len(message.mix))), np.zeros(n, np.int64)
        arrays = self._arrays[fiber]
        if message.edges.symmetric:
            scatter(_read_only(active), arrays, weights, sums, edges)
        else:
            source = self.program.areas[self.program.fibers[fiber].source].n
            self._in_parts(gather, n, len(message.edges.ids) / n, _marked(active, source), arrays, weights, sums, edges)
        return sums.astype(np.float32), edges

    def _in_parts(self, kernel: Any, items: int, work: float, *arguments: Any) -> None:
        """Run a kernel over items, on as many threads as they are worth."""
        if items:
            in_parts(kernel, items, use_threads(self._threads, items * work), *arguments)


def _marked(neurons: Neurons, n: int) -> npt.NDArray[np.bool_]:
    marks = np.zeros(n, np.bool_)
    marks[neurons] = True
    return marks


def _read_only(array: Any) -> Any:
    """Return a read-only view of an array, so that Numba compiles each kernel for one kind of array only."""
    view = array.view()
    view.flags.writeable = False
    return view
