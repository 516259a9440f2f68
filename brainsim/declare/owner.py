"""Belonging: areas, modulators and regions are parts of one brain, which marks them when they are added."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from brainsim.declare.region import Region


class Owner(Protocol):
    """What a part needs of the brain or the region that it belongs to."""

    def fibers_between(self, source: Any, target: Any) -> Any:
        """Return the fibers from one area to another."""

    def fibers_both_ways(self, a: Any, b: Any) -> Any:
        """Return the fibers between two areas, in both directions."""


class Part:
    """An area or a modulator: a part of a brain with a name of its own."""

    name: str

    @property
    def brain(self) -> Owner | None:
        """The brain that the part was added to."""
        return getattr(self, "_brain", None)


def join_brain(part: Part | Region, brain: Owner) -> None:
    """Record that ``part`` now belongs to ``brain`` (for `Brain.add`)."""
    object.__setattr__(part, "_brain", brain)
