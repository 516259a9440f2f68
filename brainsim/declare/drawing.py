"""Drawing of a declaration without importing the plots: `brainsim` sets the artist when it is imported."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class Artist(Protocol):
    """Draws brains, as `brainsim.plots` does."""

    def draw_brain(self, brain: Any, *, ax: Axes | None = None) -> Axes:
        """Draw areas and fibers."""

    def brain_svg(self, brain: Any) -> str:
        """Return the drawing as SVG."""


_loaders: list[Callable[[], Artist]] = []


def set_artist(load: Callable[[], Artist]) -> None:
    """Set the function that returns the artist; it is called when a brain is first drawn."""
    _loaders[:] = [load]


def artist() -> Artist:
    """Return the artist."""
    return _loaders[0]()
