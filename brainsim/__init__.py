"""brainsim: an exact, reproducible simulator of brains made of areas and assemblies."""

from __future__ import annotations

from brainsim._version import __version__
from brainsim.area import Area
from brainsim.assembly import Assembly
from brainsim.brain import Brain
from brainsim.errors import BrainsimError, UnusedWarning
from brainsim.experiments import experiment
from brainsim.fiber import Fiber, FiberSet
from brainsim.plasticity import AffinePlasticity, Hebbian, Plasticity, SaturatingHebbian, StatisticalHebbian
from brainsim.recording import Recording
from brainsim.simulator import Simulator

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
