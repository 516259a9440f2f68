"""The program of a saved state, reconstructed from its file, to check the state without the brain."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from brainsim.declare.trace import MAX_ROUNDS
from brainsim.kernels.law.graph import Graph
from brainsim.kernels.law.rules import Depression, Update
from brainsim.kernels.law.selection import area_key
from brainsim.kernels.parts import TOP_K, Channels, TopK, Traced
from brainsim.kernels.program import AreaSpec, FiberSpec, Program
from brainsim.kernels.vectors.parts import EdgeTable, Message, Relaxing, SumMessage, UnitVectors

_UPDATE = ("gain", "drift", "ceiling", "shift", "floor")


def skeleton(identity: Mapping[str, Any], seed: int) -> Program:
    """Return the program of an identity: sizes, bounds of weights, and which parts have a state.

    Whatever an identity names by a digest is left open, so the program cannot be run: the steps of rules (their bounds
    are kept), the synapses of graphs, gates, and the rates of a long trace.

    Raises
    ------
    LookupError, TypeError, ValueError
        If the identity lacks something.
    """
    index = {name: at for at, name in enumerate(identity["areas"])}
    return Program(
        areas=tuple(_area(name, part, seed) for name, part in identity["areas"].items()),
        fibers=tuple(_fiber(name, part, index, identity) for name, part in identity["fibers"].items()),
    )


def _area(name: str, part: Mapping[str, Any], seed: int) -> AreaSpec:
    activation = part["activation"]
    selects: TopK | Channels = Channels(activation["size"]) if activation["type"] == "Channels" else TOP_K
    held = part.get("vectors")
    vectors = None if held is None else UnitVectors(held["dim"])
    return AreaSpec(name, part["n"], part["k"], part["refraction"], area_key(seed, name), selects, vectors)


def _fiber(name: str, part: Mapping[str, Any], index: Mapping[str, int], identity: Mapping[str, Any]) -> FiberSpec:
    source, target = part["source"], part["target"]
    n_source, n_target = (identity["areas"][area]["n"] for area in (source, target))
    rule, depression, trace = part["rule"], part.get("depression"), part.get("trace")
    return FiberSpec(
        name=name,
        source=index[source],
        target=index[target],
        graph=Graph(0, n_source, n_target, 0.0, recurrent=source == target),
        update=None if rule is None else Update(**{each: rule[each] for each in _UPDATE}),
        base=part["base"],
        depression=None if depression is None else Depression(**{each: depression[each] for each in _UPDATE}),
        trace=None if trace is None else Traced(_rates(trace["rates"])),
        message=_message(part.get("message")),
    )


def _message(part: Mapping[str, Any] | None) -> Message | None:
    """Return a message without its edges, of which the number is known, and without the rates of its rule."""
    if part is None:
        return None
    none, ids = np.zeros(0, np.int64), np.zeros(0, np.int32)
    edges = EdgeTable(none, ids, ids, part["edges"]["count"], part["edges"]["symmetric"], part["edges"]["digest"])
    rule = part["relaxing"]
    return SumMessage(
        edges,
        tuple(part["channels"]),
        tuple(part["mix"]),
        part["keep"],
        part["anchor"],
        part["by_row"],
        part["active_only"],
        None if rule is None else Relaxing((), rule["goal"], rule["low"], rule["high"]),
    )


def _rates(rates: list[int] | str) -> tuple[int, ...]:
    """Return the rates of a trace; of a long one, of which there is a digest, as many as a trace can have."""
    return (0,) * MAX_ROUNDS if isinstance(rates, str) else tuple(rates)
