"""The synapses of one fiber in a running simulator: its graph and its learned weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from brainsim._validation import integer, real
from brainsim.declare.fiber import Fiber
from brainsim.declare.sparse import stored_csr, to_csr
from brainsim.errors import DeclarationError
from brainsim.kernels.law.weights import MAX_WEIGHT, ONE, to_float
from brainsim.kernels.state import NO_SYNAPSES, WEIGHTS, Synapses
from brainsim.simulate.engine import Engine
from brainsim.simulate.existence import missing
from brainsim.simulate.guard import Guard, changes, looks

if TYPE_CHECKING:
    from scipy.sparse import csr_array


_MOST_NORMALIZED = 2 * 10**7


class Connectome:
    """Synapses and present weights of one fiber, as `Simulator.connectome` returns them.

    ``may_write`` raises an error where weights must not be changed.
    """

    def __init__(
        self, engine: Engine, guard: Guard, fiber: int, declared: Fiber, may_write: Callable[[], None]
    ) -> None:
        self._engine = engine
        self._guard = guard
        self._declared = declared
        self._may_write = may_write
        self._fiber = fiber
        self._spec = engine.program.fibers[fiber]
        self._graph = self._spec.graph

    def _stored(self) -> Synapses:
        return self._engine.read(WEIGHTS, self._fiber) if self._spec.stores else NO_SYNAPSES

    @property
    def _explicit(self) -> bool:
        """Whether all synapses of the fiber are stored, and none is random."""
        return not self._spec.base

    @looks
    def row(self, i: int) -> npt.NDArray[np.int64]:
        """Return the targets of source neuron ``i``, ascending."""
        i = self._check("source", i, self._graph.n_source)
        if self._explicit:
            pre, post, _ = self._stored()
            return np.asarray(post[pre == i])
        return self._engine.row(self._fiber, i)

    @looks
    def contains(self, i: int, j: int) -> bool:
        """Return whether source neuron ``i`` synapses on target neuron ``j``."""
        pre, post = self._check("source", i, self._graph.n_source), self._check("target", j, self._graph.n_target)
        return post in self.row(pre) if self._explicit else self._graph.contains(pre, post)

    @looks
    def weight(self, i: int, j: int) -> float:
        """Return the present weight of the synapse ``i -> j``, 0.0 if there is none.

        Every call reads all learned synapses of the fiber; use `learned` for many.
        """
        if not self.contains(i, j):
            return 0.0
        pre, post, weight = self._stored()
        at = np.flatnonzero((pre == i) & (post == j))
        return to_float(int(weight[at[0]]) if len(at) else self._spec.base)

    @looks
    def learned(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        """Return all stored synapses: ``(pre, post, weight)``, sorted by ``(pre, post)``.

        For a random graph, these are the synapses that have learned; for a stored graph, all.
        """
        pre, post, weight = self._stored()
        return pre, post, weight / ONE

    @looks
    def to_scipy(self) -> csr_array[np.float64]:
        """Return the present weights as a sparse matrix, shape ``(source.n, target.n)``.

        Raises
        ------
        DeclarationError
            If more than 10**8 synapses are expected; look at single rows instead.
        """
        pre, post, weight = self.learned()
        if self._explicit:
            return stored_csr(self._stored(), (self._graph.n_source, self._graph.n_target))
        matrix = to_csr(self._spec.name, self._graph, lambda i: self._engine.row(self._fiber, i), self._spec.base)
        width = self._graph.n_target
        sources = np.repeat(np.arange(self._graph.n_source), np.diff(matrix.indptr))
        matrix.data[np.searchsorted(sources * width + matrix.indices, pre * width + post)] = weight
        return matrix

    @looks
    def normalized(self, total: float) -> Synapses:
        """Return all synapses, with the weights into every target neuron scaled so that they sum to ``total``.

        Weights are in fixed point; `replace` puts them in place.  See `brainsim.operations.normalize`.
        """
        name, graph, update = self._spec.name, self._graph, self._spec.update
        total = real(f"Fiber {name!r}: total", total, 1 / ONE, graph.n_source * MAX_WEIGHT)
        if update is None:
            raise DeclarationError(
                f"Fiber {name!r}: has no plasticity, so that all its weights are 1; to normalize them, declare it with "
                "one, for example Hebbian(beta=0)"
            )
        expected = graph.n_source * graph.n_target * graph.p
        if expected > _MOST_NORMALIZED:
            raise DeclarationError(
                f"Fiber {name!r}: to normalize it, each of its synapses has to be stored, and must be at most "
                f"{_MOST_NORMALIZED:_} (expects {expected:.3g}); lower n or p, or do without"
            )
        weights = self.to_scipy()
        # Weights are multiples of 2**-16, and their sums stay below 2**37: double precision adds them up exactly.
        incoming = np.bincount(weights.indices, weights.data, graph.n_target)[weights.indices]
        scaled = np.divide(weights.data * total, incoming, out=weights.data.copy(), where=incoming > 0)
        stored = np.rint(scaled * ONE)
        if stored.max(initial=0.0) > update.ceiling:
            raise DeclarationError(
                f"Fiber {name!r}: normalized to {total:g}, a weight would be {stored.max() / ONE:g}, above its w_max = "
                f"{to_float(update.ceiling):g}; lower total or raise w_max"
            )
        pre = np.repeat(np.arange(graph.n_source), np.diff(weights.indptr))
        return Synapses(pre, weights.indices.astype(np.int64), stored.astype(np.int64))

    @changes
    def replace(self, synapses: Synapses) -> None:
        """Replace all learned synapses of the fiber by these.

        Parameters
        ----------
        synapses : Synapses, or three array_like of int
            Source neurons, target neurons and weights with 16 fractional bits, sorted by source and target.

        Raises
        ------
        SimulationError
            Inside `Simulator.frozen`.
        DeclarationError
            If the fiber has no plasticity, or the synapses are not sorted integers within its areas and its ``w_max``,
            or do not exist in its graph; a stored graph keeps all its synapses.
        """
        self._may_write()
        if not self._spec.stores:
            raise DeclarationError(f"Fiber {self._spec.name!r}: has no plasticity, so that its weights cannot change")
        synapses = self._columns(synapses)
        fault = WEIGHTS.fault(self._engine.program, self._fiber, synapses)
        fault = fault or missing(self._engine, self._fiber, self._declared, synapses)
        if fault:
            raise DeclarationError(f"Fiber {self._spec.name!r}: synapses cannot be replaced: {fault}")
        self._engine.write(WEIGHTS, self._fiber, synapses)

    def _columns(self, given: object) -> Synapses:
        """Return given columns as arrays; integers of any size become those that are stored."""
        try:
            columns = [np.asarray(column) for column in given]  # type: ignore[attr-defined]
            whole = [column.astype(np.int64) if column.dtype.kind == "i" else column for column in columns]
            return Synapses(*whole)
        except (TypeError, ValueError):
            where, allowed = f"Fiber {self._spec.name!r}: synapses", "three arrays: pre, post, weight"
            raise DeclarationError(where=where, value=given, allowed=allowed) from None

    def __repr__(self) -> str:
        graph = self._graph
        kind = "explicit" if self._explicit else f"p={graph.p:g}"
        return f"<Connectome of {self._spec.name}: {graph.n_source:_} x {graph.n_target:_} neurons, {kind}>"

    def _check(self, side: str, neuron: int, n: int) -> int:
        return integer(f"Fiber {self._spec.name!r}: {side} neuron", neuron, 0, n - 1)
