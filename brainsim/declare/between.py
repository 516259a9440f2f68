"""Which fibers lead from one area to another: the meaning of ``a >> b`` and ``a & b``."""

from __future__ import annotations

from collections.abc import Sequence

from brainsim.declare.area import Area
from brainsim.declare.fiber import Fiber, FiberSet
from brainsim.errors import UnknownNameError, unknown

_CURE = "brain.connect declares one"


def one_way(where: str, fibers: Sequence[Fiber], source: Area, target: Area) -> FiberSet:
    """Return the fibers from ``source`` to ``target``, at least one; ``where`` begins the message of an error."""
    found = _leading(fibers, source, target)
    if not len(found):
        wanted, leaving = f"{source.name}->{target.name}", [fiber.name for fiber in fibers if fiber.source is source]
        message = f"{where}: {unknown('fiber', wanted, leaving)} ({_CURE})"
        raise UnknownNameError(message, where=where, value=wanted, cure=_CURE)
    return found


def both_ways(where: str, fibers: Sequence[Fiber], a: Area, b: Area) -> FiberSet:
    """Return the fibers from ``a`` to ``b`` and back, at least one each way; ``where`` begins an error."""
    there, back = _leading(fibers, a, b), _leading(fibers, b, a)
    missing = [f"{s.name}->{t.name}" for s, t, found in ((a, b, there), (b, a, back)) if not len(found)]
    if missing:
        absent = " and no fiber ".join(map(repr, dict.fromkeys(missing)))
        declared = ", ".join(repr(fiber.name) for fiber in there | back) or "none"
        message = (
            f"{where}: {a.name} & {b.name} are the fibers both ways, but there is no fiber {absent}; between them are "
            f"declared: {declared} ({_CURE})"
        )
        raise UnknownNameError(message, where=where, value=missing[0], cure=_CURE)
    return there | back


def _leading(fibers: Sequence[Fiber], source: Area, target: Area) -> FiberSet:
    return FiberSet(fiber for fiber in fibers if fiber.source is source and fiber.target is target)
