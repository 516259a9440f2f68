"""The parts of a brain, as the file of a saved state describes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from brainsim.kernels.law.rules import RATE_BITS
from brainsim.kernels.law.weights import MAX_WEIGHT, ONE, to_float
from brainsim.kernels.state import KINDS, WEIGHTS
from brainsim.simulate.state import Snapshot


@dataclass(frozen=True)
class ShownArea:
    """One area: neurons, winners, activation, refractoriness."""

    name: str
    n: int
    k: int
    activation: str
    refraction: float


@dataclass(frozen=True)
class ShownFiber:
    """One fiber: areas, graph, rule, what else it has, and its stored synapses with the range of their weights."""

    name: str
    source: str
    target: str
    graph: str
    rule: str
    base: float
    more: str
    learned: int
    weights: tuple[float, float] | None


@dataclass(frozen=True)
class ShownKind:
    """One kind of state: the number of items of each area or fiber that has any."""

    name: str
    owner: str
    items: Mapping[str, int]


def areas_of(identity: Mapping[str, Any]) -> tuple[ShownArea, ...]:
    """Return the areas of an identity."""
    return tuple(
        ShownArea(name, part["n"], part["k"], _part(part["activation"]), to_float(part["refraction"]))
        for name, part in identity.get("areas", {}).items()
    )


def fibers_of(identity: Mapping[str, Any], snapshot: Snapshot) -> tuple[ShownFiber, ...]:
    """Return the fibers of an identity, with their stored synapses."""
    return tuple(_fiber(name, part, snapshot) for name, part in identity.get("fibers", {}).items())


def kinds_of(snapshot: Snapshot) -> tuple[ShownKind, ...]:
    """Return how many items each kind of state has, of the kinds that have any."""
    counts = {kind: {owner: len(value[0]) for owner, value in snapshot.values[kind.name].items()} for kind in KINDS}
    return tuple(
        ShownKind(kind.name, kind.owner, {owner: count for owner, count in items.items() if count})
        for kind, items in counts.items()
        if any(items.values())
    )


def _fiber(name: str, part: Mapping[str, Any], snapshot: Snapshot) -> ShownFiber:
    stored = snapshot.values[WEIGHTS.name].get(name, WEIGHTS.empty).weight
    gate, trace, message = part.get("gate"), part.get("trace"), part.get("message")
    windows = {each: part[each] for each in ("transmits_when", "learns_when") if part.get(each)}
    more = [
        *([f"modulated by {', '.join(part['modulated_by'])}"] if part.get("modulated_by") else []),
        *([f"carries {message['type']}, channels {', '.join(message['channels'])}"] if message else []),
        *([f"gated by {gate['area']}"] if gate else []),
        *([f"trace of {len(trace['rates'])} rounds" if isinstance(trace["rates"], list) else "trace"] if trace else []),
        *(f"{each.replace('_', ' ')} {window[0]} is in [{window[1]}, {window[2]})" for each, window in windows.items()),
    ]
    return ShownFiber(
        name=name,
        source=part["source"],
        target=part["target"],
        graph=_graph(part["graph"]) if message is None else f"{message['edges']['count']:,} edges",
        rule=_rule(part["rule"], part.get("depression")) if message is None else _relaxing(message),
        base=to_float(part["base"]),
        more=", ".join(more),
        learned=len(stored),
        weights=(int(stored.min()) / ONE, int(stored.max()) / ONE) if len(stored) else None,
    )


def _part(part: Mapping[str, Any]) -> str:
    """Return the part of a program as text: its type and its numbers."""
    return f"{part['type']}({', '.join(f'{name}={value}' for name, value in part.items() if name != 'type')})"


_SIZES = ("type", "n_source", "n_target", "recurrent", "bits", "p")


def _graph(part: Mapping[str, Any]) -> str:
    if part["type"] == "Explicit":
        return "stored"
    others = {name: value for name, value in part.items() if name not in _SIZES}
    return f"p={part['p']:g}" + (f" {_part({'type': part['type'], **others})}" if others else "")


def _relaxing(message: Mapping[str, Any]) -> str:
    """Return the rule of a message."""
    rule = message["relaxing"]
    if rule is None:
        return "fixed"
    return f"relaxes to {rule['goal']}, within {rule['low']:g} to {rule['high']:g}"


def _rule(update: Mapping[str, Any] | None, depression: Mapping[str, Any] | None) -> str:
    if update is None:
        return "fixed"
    return _step(update, "w") + (f"; depression {_step(depression, '(w - base)')}" if depression else "")


def _step(part: Mapping[str, Any], weight: str) -> str:
    """Return what a step adds to a weight, and its bounds."""
    gain, drift = part["gain"] / 2**RATE_BITS, to_float(part["drift"]) / 2**RATE_BITS
    terms = [f"{drift:.4g}"] * bool(drift) + [f"{gain:.4g} {weight}"] * bool(gain)
    added = "a table" if part["steps"] else " + ".join(terms) or "0"
    low, high = to_float(part["floor"]), to_float(part["ceiling"])
    return f"w += {added}" + ("" if (low, high) == (0.0, MAX_WEIGHT) else f", within {low:g} to {high:g}")
