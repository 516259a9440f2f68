"""Show the brain of each simulator to viewers before it is built: `brainsim graph` stops there, runs note it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from brainsim.declare.brain import Brain

Viewer = Callable[[Brain], None]

_viewers: ContextVar[tuple[Viewer, ...]] = ContextVar("brainsim_viewers", default=())


@contextmanager
def shown_to(viewer: Viewer) -> Iterator[None]:
    """Call ``viewer`` with the brain of each simulator that a block builds, before anything is allocated for it.

    Viewers of enclosing blocks also see the brain, the outermost first.
    """
    token = _viewers.set((*_viewers.get(), viewer))
    try:
        yield
    finally:
        _viewers.reset(token)


def show(brain: Brain) -> None:
    """Show a brain to the viewers, if there are any."""
    for viewer in _viewers.get():
        viewer(brain)
