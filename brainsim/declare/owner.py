"""Belonging: areas and modulators are parts of one brain, which records itself with them when they are added."""

from __future__ import annotations

from typing import Any, Protocol


class Owner(Protocol):
    """What a part needs of the brain that it belongs to."""

    def fibers_between(self, source: Any, target: Any) -> Any:
        """Return the fibers from one area to another."""


class Part:
    """A part of a brain with a name of its own."""

    name: str

    @property
    def brain(self) -> Owner | None:
        """The brain that the part was added to."""
        return getattr(self, "_brain", None)


def join_brain(part: Part, brain: Owner) -> None:
    """Record that ``part`` now belongs to ``brain`` (for `Brain.add`)."""
    object.__setattr__(part, "_brain", brain)
