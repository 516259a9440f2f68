"""How a declaration draws itself without importing the plots: the package sets the artist when it is imported."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class Artist(Protocol):
    """What draws a brain; `brainsim.plots` is one."""

    def draw_brain(self, brain: Any, *, ax: Axes | None = None) -> Axes:
        """Draw areas and fibers."""

    def brain_svg(self, brain: Any) -> str:
        """Return the drawing as SVG."""


_loaders: list[Callable[[], Artist]] = []


def set_artist(load: Callable[[], Artist]) -> None:
    """Use what ``load`` returns, from the first drawing on."""
    _loaders[:] = [load]


def artist() -> Artist:
    """Return the artist."""
    return _loaders[0]()
