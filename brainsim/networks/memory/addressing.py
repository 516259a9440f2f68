"""The interface of keys: the areas and fibers that they declare, and how they make the code area fire."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from brainsim.declare.area import Area
from brainsim.declare.region import Region
from brainsim.errors import DeclarationError
from brainsim.networks.memory.language import Read, TokenArray
from brainsim.simulate.simulator import Simulator


class Addressing(Protocol):
    """A key in one brain."""

    def fit(self, background: Sequence[TokenArray], reads: Callable[[TokenArray], Read]) -> None:
        """Learn the statistics of background text; ``reads`` runs the language model on a piece of it."""

    def fire(self, sim: Simulator, read: Read, at: int) -> bool:
        """Make the code area fire for the tokens up to and including ``at``; return False if there is no key.

        Learns nothing.
        """

    def state(self) -> dict[str, Any]:
        """Return what `fit` has learned, as JSON data."""

    def restore(self, state: Mapping[str, Any]) -> None:
        """Restore what `state` returned; raise `KeyError`, `TypeError` or `ValueError` if ``state`` is not valid."""


class Key(Protocol):
    """How facts are addressed: `SurfaceKey` or `ContentKey`."""

    def declare(self, region: Region, code: Area, width: int, seed: int) -> Addressing:
        """Add areas, and fibers into the code area, to a region, and return what makes them fire."""


def check_key(where: str, key: object) -> None:
    """Refuse anything that is not a key; None stands for the default."""
    if key is not None and not hasattr(key, "declare"):
        raise DeclarationError(where=where, value=key, allowed="a SurfaceKey or a ContentKey")


def check_settings(found: object, here: Mapping[str, Any]) -> None:
    """Raise a `ValueError` if a file was written with other settings of the key."""
    if found != here:
        raise ValueError(f"its key has {found}, here {here}")
