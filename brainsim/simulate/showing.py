"""Lets a program see the brain of each simulator before the simulator is built: `brainsim graph` stops there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from brainsim.declare.brain import Brain

Viewer = Callable[[Brain], None]

_viewer: ContextVar[Viewer | None] = ContextVar("brainsim_viewer", default=None)


@contextmanager
def shown_to(viewer: Viewer) -> Iterator[None]:
    """Call ``viewer`` with the brain of each simulator that a block builds, before anything is allocated for it."""
    token = _viewer.set(viewer)
    try:
        yield
    finally:
        _viewer.reset(token)


def show(brain: Brain) -> None:
    """Show a brain to the viewer, if there is one."""
    viewer = _viewer.get()
    if viewer is not None:
        viewer(brain)
