"""Requirements among the parts of a fiber, its areas and its brain, and the text of the parts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from brainsim._validation import real
from brainsim.declare.area import Area
from brainsim.declare.assembly import Assembly
from brainsim.declare.modulator import Modulator, Window
from brainsim.declare.trace import Trace
from brainsim.errors import DeclarationError, unknown
from brainsim.kernels.law.weights import MAX_WEIGHT, ONE

if TYPE_CHECKING:
    from brainsim.declare.brain import Brain
    from brainsim.declare.fiber import Fiber


def weight(where: str, value: object) -> float:
    """Return the weight of a fiber as a float that can be stored and is not 0."""
    number = real(f"{where}.weight", value, -MAX_WEIGHT, MAX_WEIGHT)
    if abs(number) < 1 / ONE:
        cure = "use inhibit(fiber) to close a fiber" if not number else "raise it"
        allowed = "at least 2**-16 in size, since weights have 16 fractional bits"
        raise DeclarationError(where=f"{where}.weight", value=number, allowed=allowed, cure=cure)
    return number


def modulators(given: object) -> tuple[Modulator, ...]:
    """Return the modulators of a fiber, given as one or several, as a tuple."""
    if isinstance(given, Modulator):
        return (given,)
    return tuple(given) if isinstance(given, list) else given  # type: ignore[return-value]  # `check` refuses the rest


def check(where: str, fiber: Fiber) -> None:
    """Refuse parts of a fiber that have the wrong type, or do not fit the fiber."""
    _check_modulators(f"{where}.modulated_by", fiber.modulated_by)
    _check_type(f"{where}.trace", fiber.trace, Trace, "a brainsim.Trace, such as Trace(rounds=5, decay=0.8)")
    windows = {"transmits_when": fiber.transmits_when, "learns_when": fiber.learns_when}
    for attribute, window in windows.items():
        _check_type(f"{where}.{attribute}", window, Window, "a Window of an oscillator, such as theta.encoding")
    _check_carried(where, fiber)
    if isinstance(fiber.gate, Area):
        _check_channels(f"{where}.gate", fiber.gate, fiber.source)
    else:
        allowed = 'an Area of the brain, such as thalamus["Relay"], or an assembly, such as area["pattern"]'
        _check_type(f"{where}.gate", fiber.gate, Assembly, allowed)


def _check_modulators(where: str, given: object) -> None:
    if not isinstance(given, tuple) or not all(isinstance(each, Modulator) for each in given):
        raise DeclarationError(where=where, value=given, allowed="a Modulator of the brain, or a tuple of them")
    named = [each.name for each in given]
    twice = next((each for each in named if named.count(each) > 1), None)
    if twice is not None:
        raise DeclarationError(f"{where}: modulator {twice!r} is named twice; name each once", where=where, value=twice)


def _check_type(where: str, part: object, kind: type, allowed: str) -> None:
    if part is not None and not isinstance(part, kind):
        raise DeclarationError(where=where, value=part, allowed=allowed)


def _check_carried(where: str, fiber: Fiber) -> None:
    """Refuse parts that need learning on a fiber that does not learn, and a trace that nothing would reinforce."""
    learning = {"modulated_by": fiber.modulated_by or None, "trace": fiber.trace, "learns_when": fiber.learns_when}
    for attribute, part in learning.items():
        if part is not None and fiber.plasticity is None:
            raise DeclarationError(
                f"{where}.{attribute}: needs a fiber that learns, but this one has no plasticity; give it a rule, such "
                f"as Hebbian(beta=0.05), or leave {attribute} out",
                where=f"{where}.{attribute}",
                value=part,
            )
    if fiber.trace is not None and not fiber.modulated_by:
        raise DeclarationError(
            f"{where}.trace: needs a modulator, since Simulator.reinforce(modulator, value) applies it; give "
            "modulated_by",
            where=f"{where}.trace",
            value=fiber.trace,
        )


def _check_channels(where: str, gate: Area, source: Area) -> None:
    """Refuse a gating area whose channels do not divide the neurons of the source."""
    channels = gate.n // gate.activation.channel
    if source.n % channels:
        raise DeclarationError(
            f"{where}: the {channels} channels of area {gate.name!r} must divide n = {source.n} of the source "
            f"{source.name!r}; change one, or gate by Channels(size, c) of another size",
            where=where,
            value=channels,
            allowed=f"a divisor of n = {source.n}",
        )


def check_owned(brain: Brain, fiber: Fiber, arriving: Sequence[object] = ()) -> None:
    """Refuse a fiber that names a modulator, an oscillator or a gate of another brain.

    Parts that are ``arriving``, which are added together with the fiber, belong to the brain already.
    """
    where = f"Fiber {fiber.name!r}"
    named: list[tuple[str, Area | Modulator]] = [("modulated_by", each) for each in fiber.modulated_by]
    windows = (("transmits_when", fiber.transmits_when), ("learns_when", fiber.learns_when))
    named += [(attribute, window.oscillator) for attribute, window in windows if window is not None]
    if isinstance(fiber.gate, Area):
        named.append(("gate", fiber.gate))
    elif fiber.gate is not None:
        areas = {**brain.areas, **{each.name: each for each in arriving if isinstance(each, Area)}}
        _check_assembly(f"{where}.gate", fiber.gate, areas)
    for attribute, part in named:
        if part.brain is not brain and not any(part is each for each in arriving):
            _refuse_stranger(f"{where}.{attribute}", part)


def _refuse_stranger(where: str, part: Area | Modulator) -> NoReturn:
    kind = "Area" if isinstance(part, Area) else type(part).__name__
    problem = "belongs to another brain; use one of this brain"
    if part.brain is None:
        problem = f"belongs to no brain yet; add it with brain.add({part.name})"
    raise DeclarationError(f"{where}: {kind} {part.name!r} {problem}", where=where, value=part)


def _check_assembly(where: str, assembly: Assembly, areas: Mapping[str, Area]) -> None:
    area = areas.get(assembly.area)
    if area is None:
        allowed = f"an assembly of an area of this brain ({unknown('area', assembly.area, areas)})"
        raise DeclarationError(where=where, value=assembly, allowed=allowed)
    if not len(assembly) or assembly.neurons[-1] >= area.n:
        allowed = f"at least one neuron, below n = {area.n} of area {area.name!r}"
        raise DeclarationError(where=where, value=assembly, allowed=allowed)


def within(where: str, error: DeclarationError) -> DeclarationError:
    """Return an error about a part of a fiber as one about the fiber."""
    return DeclarationError(
        f"{where}: {error}",
        where=f"{where}: {error.where}" if error.where else where,
        value=error.value,
        allowed=error.allowed,
        cure=error.cure,
    )


def shown(fiber: Fiber) -> Iterator[str]:
    """Yield the parts of a fiber that are not at their defaults, as text."""
    if fiber.message is not None:
        yield f"message={fiber.message!r}"
        yield f"channels={dict(fiber.channels)}"
    if fiber.weight != 1.0:
        yield f"weight={fiber.weight:g}"
    if fiber.modulated_by:
        yield "modulated_by=" + "*".join(each.name for each in fiber.modulated_by)
    if fiber.trace is not None:
        yield f"trace={fiber.trace!r}"
    if isinstance(fiber.gate, Area):
        yield f"gate={fiber.gate.name}"
    elif fiber.gate is not None:
        yield f"gate={_named(fiber.gate)}"
    windows: dict[str, Any] = {"transmits_when": fiber.transmits_when, "learns_when": fiber.learns_when}
    yield from (f"{attribute}={window!r}" for attribute, window in windows.items() if window is not None)


def _named(assembly: Assembly) -> str:
    return f"{assembly.area}[{assembly.label!r}]" if assembly.label else f"{len(assembly)} neurons of {assembly.area}"
