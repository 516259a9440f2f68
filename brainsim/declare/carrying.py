"""Requirements of a fiber that carries messages for its areas and its other parts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from brainsim._validation import name, real
from brainsim.declare.edges import EdgeGraph, edge_graph
from brainsim.declare.message import Message
from brainsim.declare.relax import Relax
from brainsim.declare.vector_area import VectorArea
from brainsim.errors import DeclarationError
from brainsim.kernels.vectors import parts

if TYPE_CHECKING:
    from brainsim.declare.fiber import Fiber

Channels = tuple[tuple[str, float], ...]

THE_CHANNEL: Channels = (("weight", 1.0),)
"""The channels of a fiber for which none are named."""
_LARGEST_MIX = 1e6
_MOST_CHANNELS = 1024


def check_spiking(where: str, fiber: Fiber) -> None:
    """Refuse parts that only fibers with a message can have."""
    if not isinstance(fiber.channels, tuple) or fiber.channels:
        allowed, cure = "left out, since the fiber carries no message", "give message=Cosine(keep=0.8), or leave it out"
        raise DeclarationError(where=f"{where}.channels", value=fiber.channels, allowed=allowed, cure=cure)
    if isinstance(fiber.plasticity, Relax):
        cure = "give message= and channels=, or a rule of spiking synapses, such as Hebbian(beta=0.05)"
        raise DeclarationError(
            where=f"{where}.plasticity", value=fiber.plasticity, allowed="a rule of spiking synapses", cure=cure
        )


def as_pairs(given: Mapping[str, float] | None) -> Channels:
    """Return channels as pairs of a name and a share; `channels_of` refuses what is not a mapping."""
    if given is None:
        return ()
    return tuple(given.items()) if isinstance(given, Mapping) else given


def channels_of(where: str, given: Channels) -> Channels:
    """Return the channels of a fiber as pairs of a name and how much it counts, checked.

    Raises
    ------
    DeclarationError
        If they are something else, too many, or one is named twice.
    """
    where = f"{where}.channels"
    pairs = isinstance(given, tuple) and all(isinstance(each, tuple) and len(each) == 2 for each in given)
    if not pairs or len(given) > _MOST_CHANNELS:
        allowed = f'a mapping of at most {_MOST_CHANNELS} names to shares, such as {{"joy": 0.3}}'
        raise DeclarationError(where=where, value=given, allowed=allowed)
    checked = tuple((name(where, each), real(f"{where}[{each!r}]", share, 0.0, _LARGEST_MIX)) for each, share in given)
    if len(dict(checked)) < len(checked):
        raise DeclarationError(where=where, value=given, allowed="names that differ")
    return checked


def carried_graph(where: str, fiber: Fiber) -> EdgeGraph:
    """Check a fiber with a message, and return its graph with the edges.

    Raises
    ------
    DeclarationError
        If an end is no vector area, their vectors differ in size, the fiber has a part that it cannot carry, or its
        graph stores no edges or does not fit.
    """
    _check_ends(where, fiber)
    _check_rule(where, fiber)
    for attribute in ("trace", "gate"):
        if getattr(fiber, attribute) is not None:
            cure = f"leave {attribute} out"
            raise DeclarationError(
                f"{where}.{attribute}: belongs to spiking fibers, and this one carries a message; {cure}",
                where=f"{where}.{attribute}",
                value=getattr(fiber, attribute),
                cure=cure,
            )
    graph = edge_graph(where, fiber.connectivity, fiber.source, fiber.target)
    _check_weights(where, fiber, graph)
    return graph


def _check_ends(where: str, fiber: Fiber) -> None:
    for area in (fiber.source, fiber.target):
        if not isinstance(area, VectorArea):
            cure = f"declare {area.name!r} as a VectorArea, or leave message out"
            raise DeclarationError(where=f"{where}.message", value=area, allowed="between two vector areas", cure=cure)
    dims = [area.dim for area in (fiber.source, fiber.target) if isinstance(area, VectorArea)]
    if dims[0] != dims[1]:
        raise DeclarationError(where=f"{where}.message", value=tuple(dims), allowed="between areas of equal dim")


def _check_rule(where: str, fiber: Fiber) -> None:
    rule = fiber.plasticity
    if rule is None:
        return
    where = f"{where}.plasticity"
    if not isinstance(rule, Relax):
        allowed = "a Relax rule or None, since the fiber carries a message"
        raise DeclarationError(where=where, value=rule, allowed=allowed, cure='for example Relax({"joy": 0.07})')
    if fiber.channels is THE_CHANNEL:
        cure = 'give channels={"joy": 1.0}'
        raise DeclarationError(where=where, value=rule, allowed="on a fiber with named channels", cure=cure)
    if rule.target == "input" and fiber.source is not fiber.target:
        allowed = 'on a fiber from an area to itself, since its target is "input"'
        raise DeclarationError(where=where, value=rule, allowed=allowed, cure='take target="cosine"')


def _check_weights(where: str, fiber: Fiber, graph: EdgeGraph) -> None:
    """Refuse first weights outside the bounds of the rule."""
    rule = fiber.plasticity
    low, high = (rule.w_min, rule.w_max) if isinstance(rule, Relax) else (-parts.LARGEST_WEIGHT, parts.LARGEST_WEIGHT)
    values = graph.values if graph.values.strides != (0,) else graph.values[:1]
    for extreme in (values.min(), values.max()) if len(values) else ():
        weight = float(extreme) * fiber.weight
        if not low <= weight <= high:
            allowed, cure = bounds_text(low, high), "widen the bounds of Relax, or lower the weight"
            raise DeclarationError(where=f"{where}.weight", value=weight, allowed=allowed, cure=cure)


def bounds_text(low: float, high: float) -> str:
    """Return the weights that a rule allows, in words."""
    return f"between w_min = {low:g} and w_max = {high:g} of its rule"


def message_part(fiber: Fiber) -> parts.Message | None:
    """Return what backends run for the message of a fiber, ``None`` if it carries none."""
    message, rule, graph = fiber.message, fiber.plasticity, fiber.connectivity
    if message is None:
        return None
    assert isinstance(graph, EdgeGraph), "a fiber with a message has edges"
    names = tuple(channel for channel, _ in fiber.channels)
    relaxing = rule.part(f"Fiber {fiber.name!r}", names) if isinstance(rule, Relax) else None
    shares: Any = tuple(share for _, share in fiber.channels)
    by_row = message.norm == "row"
    return message.kind(graph.table, names, shares, message.keep, message.anchor, by_row, message.active, relaxing)


def weight_of(where: str, value: object) -> float:
    """Return the first weight of a fiber with a message, which may be 0."""
    return real(f"{where}.weight", value, -parts.LARGEST_WEIGHT, parts.LARGEST_WEIGHT)


def check_message(where: str, message: object) -> None:
    """Refuse anything but a message."""
    if not isinstance(message, Message):
        raise DeclarationError(where=f"{where}.message", value=message, allowed="a message, such as Cosine(keep=0.8)")
