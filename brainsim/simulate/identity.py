"""What a saved state belongs to: the numbers of a program as structured data, in no particular order."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from brainsim.declare.brain import Brain
from brainsim.kernels.law.graph import Graph
from brainsim.kernels.program import Program

_LONGEST = 16
_SEEDED = ("key",)  # of graphs: follows from names and the seed, which a file holds beside


def identity(program: Program) -> dict[str, Any]:
    """Return a program as JSON data: areas and fibers by name."""
    areas = program.areas
    return {
        "areas": {
            area.name: {
                "n": area.n,
                "k": area.k,
                "refraction": area.refraction,
                "activation": _part(area.activation),
            }
            for area in areas
        },
        "fibers": {
            fiber.name: {
                "source": areas[fiber.source].name,
                "target": areas[fiber.target].name,
                "graph": _part(fiber.graph),
                "rule": _part(fiber.update),
                "base": fiber.base,
            }
            for fiber in program.fibers
        },
    }


def _part(part: Any) -> Any:
    """Return a part of a program as JSON data: its type and the fields that it is compared by."""
    if is_dataclass(part):
        named = {each.name: getattr(part, each.name) for each in fields(part) if each.compare}
        seeded = _SEEDED if isinstance(part, Graph) else ()
        described = {name: _part(value) for name, value in named.items() if name not in seeded}
        return {"type": type(part).__name__, **described}
    if isinstance(part, tuple) and len(part) > _LONGEST:
        return hashlib.blake2b(repr(part).encode(), digest_size=16).hexdigest()
    return list(part) if isinstance(part, tuple) else part


def read_identity(text: str, version: int) -> dict[str, Any]:
    """Return what `identity` returned, from JSON in a file of a format from 3 on.

    Raises
    ------
    TypeError, ValueError
        If the text is something else.
    """
    found = json.loads(text)
    parts = [found[kind] for kind in ("areas", "fibers")] if isinstance(found, dict) else [found]
    if not all(isinstance(part, dict) and all(isinstance(each, dict) for each in part.values()) for part in parts):
        raise TypeError("identity must hold areas and fibers by name")
    if version < 4:
        for fiber in found["fibers"].values():
            _complete(fiber)
    return dict(found)


def _complete(fiber: dict[str, Any]) -> None:
    """Add what files of format 3 do not know: it is as it was when there was no choice."""
    if isinstance(fiber.get("rule"), dict):
        fiber["rule"].setdefault("floor", 0)


def difference(saved: Mapping[str, Any], here: Mapping[str, Any]) -> str | None:
    """Return one place where two identities differ, ``None`` if they are equal."""
    for kind in ("areas", "fibers"):
        ours, theirs = here[kind], saved[kind]
        for name in (*theirs, *ours):
            if name not in ours or name not in theirs:
                return f"{kind[:-1]} {name!r} is only in {'the file' if name in theirs else 'this brain'}"
            for attribute in (*ours[name], *theirs[name]):
                value, here_value = (each[name].get(attribute, "unknown") for each in (theirs, ours))
                if value != here_value:
                    return f"{attribute} of {kind[:-1]} {name!r} is {value!r}, here {here_value!r}"
    return None


def declaration(brain: Brain) -> str:
    """Return a brain as text, as files of format 1 and 2 hold it."""
    areas = sorted(
        f"{area.name!r} n={area.n} k={area.k}" + (f" refraction={area.refraction!r}" if area.refraction else "")
        for area in brain.areas.values()
    )
    fibers = sorted(f"{fiber.name} p={fiber.p!r} {fiber.plasticity!r}" for fiber in brain.fibers)
    return "\n".join([*areas, *fibers])
