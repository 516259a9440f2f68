"""Warnings when nothing fires, usually because no stimulus was presented."""

from __future__ import annotations

import sys
import warnings

from brainsim.errors import SilentWarning


def warn_of_silence() -> None:
    """Warn that a run ended with no neuron firing in the whole brain."""
    _warn(
        "Simulator.run: no neuron of the brain fires; present a pattern first, as in sim.present(area['dog']), "
        "or set thresholds below 0"
    )


def warn_of_area(name: str) -> None:
    """Warn that an area whose assembly is asked for has never fired."""
    _warn(
        f"Simulator.assembly: area {name!r} has never fired, so its assembly is empty; present a pattern, and open a "
        "fiber into the area (sim.fires(area) asks without this warning)"
    )


def _warn(message: str) -> None:
    warnings.warn(message, SilentWarning, stacklevel=callers_outside())


def callers_outside() -> int:
    """Return the stack level, relative to the caller, of the first frame outside brainsim."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == "brainsim":
        level, frame = level + 1, frame.f_back
    return level
