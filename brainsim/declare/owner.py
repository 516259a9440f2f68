"""Ownership: a brain marks the areas, modulators and regions that are added to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from brainsim.declare.region import Region


class Owner(Protocol):
    """The interface that a part needs of its brain or region."""

    def fibers_between(self, source: Any, target: Any) -> Any:
        """Return the fibers from one area to another."""

    def fibers_both_ways(self, a: Any, b: Any) -> Any:
        """Return the fibers between two areas, in both directions."""


class Part:
    """A named part of a brain: an area or a modulator."""

    name: str

    @property
    def brain(self) -> Owner | None:
        """The brain that the part was added to."""
        return getattr(self, "_brain", None)


def join_brain(part: Part | Region, brain: Owner) -> None:
    """Record that ``part`` now belongs to ``brain`` (for `Brain.add`)."""
    object.__setattr__(part, "_brain", brain)
