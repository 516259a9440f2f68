"""The effect of a cascade layer on a node whose neighbours keep their vectors, as a matrix."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from brainsim.models.cascade.design import Cascade


def cascade_maps(
    cascade: Cascade, edges: Any, vectors: npt.NDArray[np.float32], nodes: npt.NDArray[np.int64]
) -> npt.NDArray[np.float32]:
    """Return the matrices ``M_i`` such that nodes receive ``M_i V_i`` from their neighbours: (nodes, dim, dim).

    The message ``sum_k lambda_k sum_j What_ij^k <V_i, V_j> V_j`` is linear in ``V_i`` if the ``V_j`` do not change:
    ``M_i = sum_j c_j V_j V_j^T`` with ``c_j = sum_k lambda_k What_ij^k``.
    """
    mix, weights = np.array(cascade.mix), edges.weights
    found = np.empty((len(nodes), cascade.dim, cascade.dim), np.float32)
    for place, node in enumerate(nodes.tolist()):
        neighbours, ids = edges.row(node)
        own = weights[ids].astype(np.float64)
        mixed = own @ mix
        if cascade.norm == "row":
            total = float((np.abs(own) @ mix).sum())
            mixed = mixed / total if total else np.zeros_like(mixed)
        near = vectors[neighbours]
        found[place] = near.T @ (near * mixed[:, None].astype(np.float32))
    return found
