"""Experiments: parameters, run folders, sweeps, statistics, reports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from brainsim.studies.sweeping.sweep import Sweep, sweep

__all__ = ["Sweep", "sweep"]


def __getattr__(name: str) -> Any:
    """Import the modules of sweeps on first use, so that ``import brainsim`` stays quick."""
    if name not in __all__:
        raise AttributeError(f"module 'brainsim.studies' has no attribute {name!r}")
    from brainsim.studies.sweeping import sweep as sweeps

    return getattr(sweeps, name)
