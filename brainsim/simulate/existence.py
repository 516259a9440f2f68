"""Whether synapses that are to be put in place exist in the graph of their fiber."""

from __future__ import annotations

import numpy as np

from brainsim.build import first_weights
from brainsim.declare.fiber import Fiber
from brainsim.kernels.parts import Explicit
from brainsim.kernels.state import Synapses, same_column
from brainsim.simulate.engine import Engine


def missing(engine: Engine, fiber: int, declared: Fiber, synapses: Synapses) -> str | None:
    """Return what is wrong with synapses, in order and within their areas, ``None`` if the graph has them.

    A random graph has those that its law draws; a given one has all that were given, and no others.
    """
    if isinstance(engine.program.fibers[fiber].graph, Explicit):
        return not_given(first_weights(declared), synapses)
    return not_drawn(engine, fiber, synapses)


def not_given(given: Synapses, synapses: Synapses) -> str | None:
    """Return a line if synapses are not those that were given."""
    whole = same_column(given.pre, synapses.pre) and same_column(given.post, synapses.post)
    return None if whole else "its synapses must be those of its graph, all of them and no others"


def not_drawn(engine: Engine, fiber: int, synapses: Synapses) -> str | None:
    """Return which synapses the law of a random graph does not draw, ``None`` if it draws all."""
    wrong = np.flatnonzero(~engine.existing(fiber, synapses.pre, synapses.post))
    if not len(wrong):
        return None
    pre, post = int(synapses.pre[wrong[0]]), int(synapses.post[wrong[0]])
    others = f", nor do {len(wrong) - 1} others" if len(wrong) > 1 else ""
    return f"synapse {pre} -> {post} does not exist in the random graph{others}"
