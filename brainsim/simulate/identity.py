"""The identity of a saved state: the numbers of a program as structured data, independent of order."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from brainsim.declare.activation import TOP_K
from brainsim.declare.brain import Brain
from brainsim.declare.fiber import Fiber
from brainsim.declare.graph import Random
from brainsim.declare.requirements import shown
from brainsim.kernels.law.graph import Graph
from brainsim.kernels.program import FiberSpec, Program
from brainsim.kernels.vectors.parts import Message

_LONGEST = 16


def identity(program: Program, brain: Brain) -> dict[str, Any]:
    """Return a program, and what modulates it, as JSON data: areas, fibers and modulators by name.

    A part that files of format 3 do not have is left out at its default value, so that such files still fit brains that
    do not use it.
    """
    areas, fibers, modulators = program.areas, {fiber.name: fiber for fiber in brain.fibers}, brain.modulators
    found: dict[str, Any] = {
        "areas": {
            area.name: {
                "n": area.n,
                "k": area.k,
                "refraction": area.refraction,
                "activation": _part(area.activation),
                **_present({"vectors": _part(area.vectors)}),
            }
            for area in areas
        },
        "fibers": {
            spec.name: {
                "source": areas[spec.source].name,
                "target": areas[spec.target].name,
                "graph": _part(spec.graph),
                "rule": _part(spec.update),
                "base": spec.base,
                **_present(_added(spec, program), _modulation(fibers[spec.name])),
            }
            for spec in program.fibers
        },
    }
    return {**found, "modulators": {each.name: _part(each) for each in modulators.values()}} if modulators else found


def _added(spec: FiberSpec, program: Program) -> dict[str, Any]:
    gate = spec.gate
    named = None if gate is None else {**_part(gate), "area": program.areas[gate.area].name}
    return {
        "depression": _part(spec.depression),
        "gate": named,
        "trace": _part(spec.trace),
        "message": _message(spec.message),
    }


def _message(message: Message | None) -> dict[str, Any] | None:
    """Return a message with all its channels, which define the number of weights of an edge."""
    if message is None:
        return None
    return {**_part(message), "channels": list(message.channels), "mix": list(message.mix)}


def _modulation(fiber: Fiber) -> dict[str, Any]:
    return {
        "modulated_by": sorted(each.name for each in fiber.modulated_by),
        **{
            attribute: None if window is None else [window.oscillator.name, window.start, window.end]
            for attribute, window in (("transmits_when", fiber.transmits_when), ("learns_when", fiber.learns_when))
        },
    }


def _present(*parts: dict[str, Any]) -> dict[str, Any]:
    return {name: value for part in parts for name, value in part.items() if value}


def _part(part: Any) -> Any:
    """Return a part of a program as JSON data: its type and the fields that it is compared by."""
    if is_dataclass(part):
        named = {each.name: getattr(part, each.name) for each in fields(part) if each.compare}
        if isinstance(part, Graph):
            del named["key"]  # follows from names and the seed, which a file holds beside
        return {"type": type(part).__name__, **{name: _part(value) for name, value in named.items()}}
    if isinstance(part, tuple) and len(part) > _LONGEST:
        return hashlib.blake2b(repr(part).encode(), digest_size=16).hexdigest()
    return list(part) if isinstance(part, tuple) else part


def read_identity(text: str, version: int) -> dict[str, Any]:
    """Return what `identity` returned, from JSON in a file of a format from 3 on.

    Raises
    ------
    TypeError, ValueError
        If the text is anything else.
    """
    found = json.loads(text)
    parts = [found["areas"], found["fibers"], found.get("modulators", {})] if isinstance(found, dict) else [found]
    if not all(isinstance(part, dict) and all(isinstance(each, dict) for each in part.values()) for part in parts):
        raise TypeError("identity must hold areas, fibers and modulators by name")
    if version < 4:
        for fiber in found["fibers"].values():
            _complete(fiber)
    return dict(found)


def _complete(fiber: dict[str, Any]) -> None:
    """Add the parts that files of format 3 do not have, at the values that were then fixed."""
    if isinstance(fiber.get("rule"), dict):
        fiber["rule"].setdefault("floor", 0)


def difference(saved: Mapping[str, Any], here: Mapping[str, Any]) -> str | None:
    """Return one place where two identities differ, ``None`` if they are equal."""
    for kind in ("areas", "fibers", "modulators"):
        ours, theirs = here.get(kind, {}), saved.get(kind, {})
        for name in (*theirs, *ours):
            if name not in ours or name not in theirs:
                return f"{kind[:-1]} {name!r} is only in {'the file' if name in theirs else 'this brain'}"
            for attribute in (*ours[name], *theirs[name]):
                value, here_value = (each[name].get(attribute, "none") for each in (theirs, ours))
                if value != here_value:
                    return f"{attribute} of {kind[:-1]} {name!r} is {value!r}, here {here_value!r}"
    return None


def _graph(fiber: Fiber) -> list[str]:
    return [] if isinstance(fiber.connectivity, Random) else [str(fiber.connectivity)]


def declaration(brain: Brain) -> str:
    """Return a brain as text, as in files of formats 1 and 2; parts that these do not have make the text differ."""
    areas = sorted(
        f"{area.name!r} n={area.n} k={area.k}"
        + (f" refraction={area.refraction!r}" if area.refraction else "")
        + ("" if area.activation == TOP_K else f" activation={area.activation!r}")
        for area in brain.areas.values()
    )
    fibers = sorted(
        " ".join([f"{fiber.name} p={fiber.p!r} {fiber.plasticity!r}", *_graph(fiber), *shown(fiber)])
        for fiber in brain.fibers
    )
    return "\n".join([*areas, *fibers])
