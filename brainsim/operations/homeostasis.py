"""Homeostasis: scale the incoming weights of every neuron to a common sum."""

from __future__ import annotations

from brainsim._arguments import checked
from brainsim.declare.fiber import Fiber
from brainsim.errors import DeclarationError
from brainsim.operations._checks import may_learn
from brainsim.simulate.index import Openable
from brainsim.simulate.simulator import Simulator


@checked()
def normalize(sim: Simulator, fibers: Openable, total: float = 1000.0) -> None:
    """Scale the weights of each fiber so that those into every neuron sum to the same ``total``.

    At the start this compensates for unequal numbers of synapses; after learning it is homeostasis.  The papers use a
    sum of 1.  Only ratios decide which neurons win, so any total gives the same winners if all fibers into an area are
    normalized to it; but weights here have 16 fractional bits, and a total of 1 would use few of them.

    Either all fibers are normalized, or none, if one is refused.

    The result is exact up to the rounding of each weight to 2**-16, and the same on every backend.  Afterwards every
    synapse of the fiber is stored, at 8 bytes each (`cpu`).  Normalizing takes about 100 bytes and a microsecond per
    synapse, so it is refused above 2 * 10**7 synapses (n = 14 000 at p = .1).

    Parameters
    ----------
    sim : Simulator
        Outside of `Simulator.frozen`.
    fibers : Fiber, FiberSet or iterable of Fiber
        Each on its own; all with a plasticity rule, which may be ``Hebbian(beta=0)``.
    total : float
        The sum of the weights into each neuron, in the unit of weights.  Neurons without synapses keep none.

    Raises
    ------
    DeclarationError
        If there is no fiber, one has no plasticity or too many synapses, or a weight would exceed its ``w_max``.
    SimulationError
        If this is a probe.

    References
    ----------
    Dabagia, Papadimitriou, Vempala. Assemblies of neurons learn to classify well-separated distributions. COLT 2022.
    """
    may_learn("normalize", sim)
    chosen = [sim.connectome(fiber) for fiber in ((fibers,) if isinstance(fibers, Fiber) else tuple(fibers))]
    if not chosen:
        raise DeclarationError("normalize.fibers: must be at least one (got none)")
    scaled = [connectome.normalized(total) for connectome in chosen]
    for connectome, synapses in zip(chosen, scaled, strict=True):
        connectome.replace(synapses)
