"""Make a fiber from the arguments of `Brain.connect` and `Region.connect`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from brainsim.declare import requirements
from brainsim.declare.area import Area
from brainsim.declare.assembly import Assembly
from brainsim.declare.carrying import as_pairs
from brainsim.declare.fiber import Fiber
from brainsim.declare.graph import Connectivity, Random
from brainsim.declare.message import Message
from brainsim.declare.modulator import Modulator, Window
from brainsim.declare.plasticity import Plasticity
from brainsim.declare.relax import Relax
from brainsim.declare.trace import Trace
from brainsim.errors import DeclarationError


def fiber_of(
    source: Area,
    target: Area,
    p: float | None = None,
    plasticity: Plasticity | Relax | None = None,
    *,
    graph: Connectivity | None = None,
    label: str = "",
    weight: float = 1.0,
    modulated_by: Modulator | Sequence[Modulator] = (),
    trace: Trace | None = None,
    gate: Area | Assembly | None = None,
    transmits_when: Window | None = None,
    learns_when: Window | None = None,
    message: Message | None = None,
    channels: Mapping[str, float] | None = None,
) -> Fiber:
    """Return the fiber that `Brain.connect` and `Region.connect` declare with these arguments."""
    if isinstance(p, Connectivity | Plasticity | Relax):
        keyword = "graph" if isinstance(p, Connectivity) else "plasticity"
        cure = f"give it as {keyword}={p!r}"
        raise DeclarationError(where="Brain.connect.p", value=p, allowed="a connection probability", cure=cure)
    if p is not None and graph is None:
        graph = Random(p)
    elif p is not None or graph is None:
        raise DeclarationError(f"Brain.connect: give either p or graph (got p={p!r} and graph={graph!r})")
    modulators = requirements.modulators(modulated_by)
    windows = transmits_when, learns_when
    carried = message, as_pairs(channels)
    return Fiber(source, target, graph, plasticity, label, weight, modulators, trace, gate, *windows, *carried)
