"""Vectors of areas: read and replace them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from brainsim.declare.neurons import neuron_indices
from brainsim.errors import DeclarationError
from brainsim.kernels.state import ANCHORS, VECTORS, Floats, Neurons, Table
from brainsim.simulate.engine import Engine


class Vectors:
    """Read and replace the vectors of areas."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._program = engine.program
        self._anchored = set(ANCHORS.owners(engine.program))

    def read(self, area: int, nodes: npt.ArrayLike | None) -> Floats:
        """Return the vectors of an area, read-only, or a copy of some."""
        n, _ = self._shape(area)
        rows: Floats = self._engine.read(VECTORS, area).rows
        return rows if nodes is None else rows[self._nodes(area, nodes, n)]

    def write(self, area: int, vectors: npt.ArrayLike, nodes: npt.ArrayLike | None) -> None:
        """Replace all vectors of an area, which also become those that anchors pull towards, or some of them."""
        n, dim = self._shape(area)
        where = f"Area {self._program.areas[area].name!r}: vectors"
        if nodes is None:
            value = Table(unit_rows(where, vectors, (n, dim)))
            self._engine.write(VECTORS, area, value)
            if area in self._anchored:
                self._engine.write(ANCHORS, area, value)
        else:
            chosen = self._nodes(area, nodes, n)
            rows = self._engine.read(VECTORS, area).rows.copy()
            rows[chosen] = unit_rows(where, vectors, (len(chosen), dim))
            self._engine.write(VECTORS, area, Table(rows))

    def _shape(self, area: int) -> tuple[int, int]:
        spec = self._program.areas[area]
        if spec.vectors is None:
            raise DeclarationError(
                f"Area {spec.name!r}: holds no vectors; declare it as a VectorArea",
                where=f"Area {spec.name!r}",
                cure="declare it as a VectorArea",
            )
        return VECTORS.shape_of(self._program, area)

    def _nodes(self, area: int, nodes: npt.ArrayLike, n: int) -> Neurons:
        return chosen_nodes(f"Area {self._program.areas[area].name!r}: nodes", nodes, n)


def chosen_nodes(where: str, nodes: npt.ArrayLike, n: int) -> Neurons:
    """Return the numbers of some nodes in the order in which they are given, each once and below ``n``.

    Raises
    ------
    DeclarationError
        If one is not a node, or is given twice.
    """
    given = np.asarray(nodes)
    ascending = neuron_indices(where, nodes, n)
    if len(ascending) and ascending[-1] >= n:
        raise DeclarationError(where=where, value=int(ascending[-1]), allowed=f"below n = {n}")
    return ascending if given.dtype.kind == "b" else np.asarray(given, np.int64).ravel()


def numbers(where: str, given: npt.ArrayLike, shape: tuple[int, int], most: float) -> npt.NDArray[np.float64]:
    """Return a table of finite numbers of a shape, none larger in size than ``most``.

    Raises
    ------
    DeclarationError
        If it is something else.
    """
    try:
        rows = np.asarray(given)
        with np.errstate(over="ignore"):  # what does not fit becomes infinite, and is refused below
            rows = rows.astype(np.float64) if rows.dtype.kind in "iuf" else np.asarray(None)
    except (TypeError, ValueError, OverflowError):
        rows = np.asarray(None)
    if rows.dtype != np.float64:
        raise DeclarationError(where=where, value=given, allowed=f"real numbers of shape {shape}")
    if rows.shape != shape:
        raise DeclarationError(where=where, value=rows.shape, allowed=f"an array of shape {shape}")
    right = np.abs(rows) <= most
    if not right.all():
        row, wrong = int(np.argmin(right.all(axis=1))), float(rows.flat[np.argmin(right)])
        allowed, cure = f"numbers of size at most {most:g}", f"correct row {row}"
        raise DeclarationError(where=where, value=wrong, allowed=allowed, cure=cure)
    return rows


_LARGEST = 1e30


def unit_rows(where: str, given: npt.ArrayLike, shape: tuple[int, int]) -> Floats:
    """Return the directions of some vectors as unit vectors.

    Raises
    ------
    DeclarationError
        If they are not finite numbers of this shape, or one has no direction.
    """
    rows = numbers(where, given, shape, _LARGEST)
    largest = np.abs(rows).max(axis=1, initial=0.0)
    if not largest.all():
        wrong = int(np.argmin(largest))
        cure = f"row {wrong} is 0 and has no direction"
        raise DeclarationError(where=where, value=0.0, allowed="vectors that are not 0", cure=cure)
    rows = rows / largest[:, None]  # so that squares neither overflow nor vanish
    return np.asarray(rows / np.linalg.norm(rows, axis=1)[:, None], np.float32)
