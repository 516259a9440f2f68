"""Operations that form assemblies: project, reciprocal_project, associate, merge.

The protocols are those of Papadimitriou, Vempala, Mitropolsky, Collins & Maass, PNAS 2020, as in their simulations
(github.com/dmitropolsky/assemblies, `simulations.py`): the stimulus fires in every round, it alone drives the first
round, and the recurrent fibers of the target are open from the second round on.
"""

from __future__ import annotations

from brainsim._arguments import checked
from brainsim.declare.area import Area
from brainsim.declare.assembly import Assembly
from brainsim.declare.fiber import FiberSet
from brainsim.operations._checks import fibers, firing, rounds_of, stimulus_of
from brainsim.operations._firing import held, presented
from brainsim.operations.trace import Trace, traced
from brainsim.simulate.index import AreaLike
from brainsim.simulate.simulator import Simulator


@checked("stimulus", "trace")
def project(
    sim: Simulator, stimulus: Assembly, target: AreaLike, rounds: int = 10, *, trace: Trace | None = None
) -> Assembly:
    """Project a stimulus into an area until an assembly has formed there.

    The stimulus fires in every round.  The first round opens its fibers to the target; the following rounds also open
    those of the target to itself.  Afterwards the stimulus is released and silent; the target keeps firing.

    Parameters
    ----------
    sim : Simulator
        Of a brain that has these areas.
    stimulus : Assembly
        A pattern, or any assembly of another area.
    target : Area or str
        Where the assembly forms.
    rounds : int
        How many rounds in all.
    trace : Trace, optional
        Is filled with the winners of every round.

    Returns
    -------
    Assembly
        The winners of the last round, under the label of the stimulus.

    Raises
    ------
    DeclarationError
        If no fiber leads from the stimulus to the target, or the stimulus is empty or of another brain.
    """
    source = stimulus_of("project", sim, stimulus)
    with presented(sim, stimulus):
        return _into("project", sim, [source], target, rounds, trace, label=stimulus.label)


@checked("trace")
def reciprocal_project(
    sim: Simulator, source: AreaLike, target: AreaLike, rounds: int = 10, *, trace: Trace | None = None
) -> Assembly:
    """Copy the assembly that fires in one area into another, and link the copy back to it.

    The source's assembly is held.  The first round opens the fibers to the target; the following ones also those of the
    target to itself and back to the source, whose synapses from the copy strengthen, so that the copy can restore it.

    Parameters
    ----------
    sim : Simulator
        Of a brain that has these areas.
    source, target : Area or str
        The source must be firing.
    rounds : int
        How many rounds in all.
    trace : Trace, optional
        Is filled with the winners of the target in every round.

    Returns
    -------
    Assembly
        The copy.

    Raises
    ------
    SimulationError
        If nothing fires in the source.
    DeclarationError
        If no fiber leads to the target or back.
    """
    firing("reciprocal_project", sim, source)
    back = fibers("reciprocal_project", sim, target, source)
    with held(sim, source):
        return _into("reciprocal_project", sim, [source], target, rounds, trace, back)


@checked("trace")
def associate(
    sim: Simulator,
    source_a: AreaLike,
    source_b: AreaLike,
    target: AreaLike,
    rounds: int = 10,
    *,
    trace: Trace | None = None,
) -> Assembly:
    """Link the assemblies that two areas project into a third, by letting both sources fire together.

    Both sources must be firing, and are held.  If they have not been projected into the target before, do so first
    (`project` or `reciprocal_project`): association increases the overlap of two existing assemblies.

    Parameters
    ----------
    sim : Simulator
        Of a brain that has these areas.
    source_a, source_b, target : Area or str
        Different areas.
    rounds : int
        Joint rounds.
    trace : Trace, optional
        Is filled with the winners of the target in every round.

    Returns
    -------
    Assembly
        What both sources together drive in the target.

    Raises
    ------
    SimulationError
        If nothing fires in a source.
    DeclarationError
        If no fiber leads from a source to the target.
    """
    for source in (source_a, source_b):
        firing("associate", sim, source)
    with held(sim, source_a, source_b):
        return _into("associate", sim, [source_a, source_b], target, rounds, trace)


@checked("trace")
def merge(
    sim: Simulator,
    source_a: AreaLike,
    source_b: AreaLike,
    target: AreaLike,
    rounds: int = 10,
    *,
    trace: Trace | None = None,
) -> Assembly:
    """Form an assembly for two others at once, linked to both in both directions: the tree-building operation.

    Both sources must be firing, and are held.  The first round opens their fibers to the target; the following ones
    also those of the target to itself and back to both.

    Parameters
    ----------
    sim : Simulator
        Of a brain that has these areas.
    source_a, source_b, target : Area or str
        Different areas.
    rounds : int
        How many rounds in all.
    trace : Trace, optional
        Is filled with the winners of the target in every round.

    Returns
    -------
    Assembly
        The merged assembly.

    Raises
    ------
    SimulationError
        If nothing fires in a source.
    DeclarationError
        If a fiber to the target or back is missing.
    """
    back = FiberSet()
    for source in (source_a, source_b):
        firing("merge", sim, source)
        back = back | fibers("merge", sim, target, source)
    with held(sim, source_a, source_b):
        return _into("merge", sim, [source_a, source_b], target, rounds, trace, back)


_NONE = FiberSet()


def _into(
    operation: str,
    sim: Simulator,
    sources: list[AreaLike] | list[Area],
    target: AreaLike,
    rounds: int,
    trace: Trace | None,
    back: FiberSet = _NONE,
    label: str | None = None,
) -> Assembly:
    """Run the rounds that all these operations share; the sources fire and are held."""
    rounds = rounds_of(operation, rounds)
    area, forward = sim.brain.area(target), FiberSet()
    for source in sources:
        forward = forward | fibers(operation, sim, source, area)
    later = forward | fibers(operation, sim, area, area, needed=False) | back
    with traced(trace, sim, area):
        sim.run(forward)
        if rounds > 1:
            sim.run(later, rounds - 1)
    return sim.assembly(area, label)
