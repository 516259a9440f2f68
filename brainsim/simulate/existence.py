"""Whether synapses that are to be put in place exist in the graph of their fiber."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from brainsim.build import first_weights
from brainsim.declare.fiber import Fiber
from brainsim.kernels.parts import Explicit
from brainsim.kernels.state import WEIGHTS, Synapses, same_column
from brainsim.simulate.engine import Engine


def missing(engine: Engine, fiber: int, declared: Fiber, synapses: Synapses) -> str | None:
    """Return what is wrong with synapses, in order and within their areas, ``None`` if the graph has them.

    A random graph has those that its law draws; a given one has all that were given, and no others.
    """
    if isinstance(engine.program.fibers[fiber].graph, Explicit):
        given = first_weights(declared)
        whole = same_column(given.pre, synapses.pre) and same_column(given.post, synapses.post)
        return None if whole else "its synapses must be those of its graph, all of them and no others"
    wrong = np.flatnonzero(~engine.existing(fiber, synapses.pre, synapses.post))
    if not len(wrong):
        return None
    pre, post = int(synapses.pre[wrong[0]]), int(synapses.post[wrong[0]])
    others = f", nor do {len(wrong) - 1} others" if len(wrong) > 1 else ""
    return f"synapse {pre} -> {post} does not exist in the random graph{others}"


def missing_somewhere(engine: Engine, fibers: Mapping[str, Fiber], values: Mapping[str, Any]) -> str | None:
    """Return which stored synapses of all fibers, by name, do not exist, ``None`` if all do."""
    index = WEIGHTS.named(engine.program)
    for name, synapses in values.items():
        fault = missing(engine, index[name], fibers[name], synapses)
        if fault:
            return f"{WEIGHTS.name} of fiber {name!r}: {fault}"
    return None
