"""brainsim: an exact, reproducible simulator of brains made of areas and assemblies."""

from __future__ import annotations

from importlib import import_module
from typing import cast

from brainsim import _layout as _layout
from brainsim._version import __version__
from brainsim.declare.area import Area
from brainsim.declare.assembly import Assembly
from brainsim.declare.brain import Brain
from brainsim.declare.drawing import Artist, set_artist
from brainsim.declare.fiber import Fiber, FiberSet
from brainsim.declare.plasticity import AffinePlasticity, Hebbian, Plasticity, SaturatingHebbian, StatisticalHebbian
from brainsim.errors import BrainsimError, UnusedWarning
from brainsim.simulate.recording import Recording
from brainsim.simulate.simulator import Simulator
from brainsim.studies.experiment import experiment


def _plots() -> Artist:
    return cast("Artist", import_module("brainsim.plots"))


set_artist(_plots)

__all__ = [
    "AffinePlasticity",
    "Area",
    "Assembly",
    "Brain",
    "BrainsimError",
    "Fiber",
    "FiberSet",
    "Hebbian",
    "Plasticity",
    "Recording",
    "SaturatingHebbian",
    "Simulator",
    "StatisticalHebbian",
    "UnusedWarning",
    "__version__",
    "experiment",
]
