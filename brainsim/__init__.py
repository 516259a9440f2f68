"""brainsim: an exact, reproducible simulator of brains made of areas and assemblies.

Declare a `Brain` of `Area` objects, connect them with plastic fibers, and run rounds with a `Simulator`.  The modules
``areas``, ``bench``, ``cascade``, ``dumps``, ``export``, ``language``, ``models``, ``nemo``, ``operations``,
``patterns``, ``plots``, ``statistics`` and ``studies`` load when they are first used.

Examples
--------
>>> import brainsim
>>> brain = brainsim.Brain()
>>> stimulus, area = brain.add(brainsim.Area("S", 100, 10, {"dog": range(10)}), brainsim.Area("A", 1000, 10))
>>> _ = brain.connect(stimulus, area, p=0.1, plasticity=brainsim.Hebbian(beta=0.1))
>>> _ = brain.connect(area, area, p=0.1, plasticity=brainsim.Hebbian(beta=0.1))
>>> with brainsim.Simulator(brain, seed=1, backend="reference") as sim:
...     dog = brainsim.operations.project(sim, stimulus["dog"], area)
>>> len(dog)
10
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from brainsim import _layout as _layout
from brainsim._version import __version__
from brainsim.declare.activation import Activation, Channels, Threshold, TopK
from brainsim.declare.area import Area
from brainsim.declare.assembly import Assembly
from brainsim.declare.brain import Brain
from brainsim.declare.cycle import Cycle, Phase
from brainsim.declare.depressing import STDP, Heterosynaptic
from brainsim.declare.drawing import Artist, set_artist
from brainsim.declare.fiber import Fiber, FiberSet
from brainsim.declare.graph import Connectivity, Explicit, Random
from brainsim.declare.message import Cosine, Sum
from brainsim.declare.modulator import Modulator, Oscillator, Window
from brainsim.declare.plasticity import AffinePlasticity, Plasticity
from brainsim.declare.region import Region
from brainsim.declare.relax import Relax
from brainsim.declare.rules import Hebbian, SaturatingHebbian, SoftBoundHebbian, StatisticalHebbian
from brainsim.declare.trace import Trace
from brainsim.declare.vector_area import VectorArea
from brainsim.declare.wiring import OneToOne, SmallWorld, Topographic
from brainsim.errors import BrainsimError, SilentWarning, UnusedWarning
from brainsim.simulate.recordings.recording import Recording
from brainsim.simulate.simulator import Simulator
from brainsim.studies.experiment import experiment

if TYPE_CHECKING:
    from brainsim import areas, bench, models, operations, plots, studies
    from brainsim.declare import patterns
    from brainsim.models import cascade, language, nemo
    from brainsim.simulate import dumps, export
    from brainsim.simulate.recordings.history import History
    from brainsim.studies import statistics
    from brainsim.studies.batch import Batch
    from brainsim.studies.run import Run

_MODULES = {
    "areas": "brainsim.areas",
    "bench": "brainsim.bench",
    "cascade": "brainsim.models.cascade",
    "dumps": "brainsim.simulate.dumps",
    "export": "brainsim.simulate.export",
    "language": "brainsim.models.language",
    "models": "brainsim.models",
    "nemo": "brainsim.models.nemo",
    "operations": "brainsim.operations",
    "patterns": "brainsim.declare.patterns",
    "plots": "brainsim.plots",
    "statistics": "brainsim.studies.statistics",
    "studies": "brainsim.studies",
}
_OBJECTS = {
    "Batch": "brainsim.studies.batch",
    "History": "brainsim.simulate.recordings.history",
    "Run": "brainsim.studies.run",
}


def __getattr__(name: str) -> Any:
    """Import what is not needed to run a brain when it is first used, so that ``import brainsim`` stays quick."""
    if name in _MODULES:
        found: Any = import_module(_MODULES[name])
    elif name in _OBJECTS:
        found = getattr(import_module(_OBJECTS[name]), name)
    else:
        raise AttributeError(f"module 'brainsim' has no attribute {name!r}")
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULES, *_OBJECTS})


def _plots() -> Artist:
    return cast("Artist", import_module("brainsim.plots"))


set_artist(_plots)

__all__ = [
    "STDP",
    "Activation",
    "AffinePlasticity",
    "Area",
    "Assembly",
    "Batch",
    "Brain",
    "BrainsimError",
    "Channels",
    "Connectivity",
    "Cosine",
    "Cycle",
    "Explicit",
    "Fiber",
    "FiberSet",
    "Hebbian",
    "Heterosynaptic",
    "History",
    "Modulator",
    "OneToOne",
    "Oscillator",
    "Phase",
    "Plasticity",
    "Random",
    "Recording",
    "Region",
    "Relax",
    "Run",
    "SaturatingHebbian",
    "SilentWarning",
    "Simulator",
    "SmallWorld",
    "SoftBoundHebbian",
    "StatisticalHebbian",
    "Sum",
    "Threshold",
    "TopK",
    "Topographic",
    "Trace",
    "UnusedWarning",
    "VectorArea",
    "Window",
    "__version__",
    "areas",
    "bench",
    "cascade",
    "dumps",
    "experiment",
    "export",
    "language",
    "models",
    "nemo",
    "operations",
    "patterns",
    "plots",
    "statistics",
    "studies",
]
