"""Sequences of assemblies: memorized by presenting their stimuli one after the other, recalled from the first.

The protocols are those of Dabagia, Papadimitriou & Vempala, Computation with sequences of assemblies in a model of the
brain, Neural Computation 2025 (arXiv 2306.03812), and of their code (github.com/mdabagia/nemo): one round for each
stimulus, with the recurrent fibers of the area open, so that each assembly is linked to the next.  A scaffold is a
second area without stimuli, linked to the first in both directions.
"""

from __future__ import annotations

from collections.abc import Sequence

from brainsim._arguments import checked
from brainsim.declare.area import Area
from brainsim.declare.assembly import Assembly
from brainsim.declare.fiber import FiberSet
from brainsim.errors import DeclarationError, SimulationError
from brainsim.operations._checks import fibers, may_learn, rounds_of, stimulus_of
from brainsim.operations._firing import presented
from brainsim.operations.trace import Trace, traced
from brainsim.simulate.index import AreaLike
from brainsim.simulate.simulator import Simulator


@checked("stimuli", "trace")
def memorize_sequence(
    sim: Simulator,
    stimuli: Sequence[Assembly],
    target: AreaLike,
    presentations: int = 1,
    *,
    scaffold: AreaLike | None = None,
    trace: Trace | None = None,
) -> tuple[Assembly, ...]:
    """Present a sequence of stimuli, one round each, so that the target learns to repeat it by itself.

    Before each presentation the target (and the scaffold) is silenced.  Afterwards the stimuli are silent, and the
    target fires the last assembly.

    Parameters
    ----------
    sim : Simulator
        Of a brain with fibers from the stimuli to the target and from the target to itself.
    stimuli : sequence of Assembly
        At least two, in order.
    target : Area or str
        Where the sequence forms.
    presentations : int
        How often the whole sequence is presented.
    scaffold : Area or str, optional
        An area linked to the target in both directions and to itself; fewer presentations are needed with it.
    trace : Trace, optional
        Is filled with the winners of the target in every round.

    Returns
    -------
    tuple of Assembly
        The assembly of each stimulus, under its label, as of the last presentation.

    Raises
    ------
    DeclarationError
        If there are fewer than two stimuli, one is empty, of another brain or of the target itself, or a fiber is
        missing.
    SimulationError
        Inside `Simulator.frozen`, where nothing is learned.
    """
    operation = "memorize_sequence"
    may_learn(operation, sim)
    several = isinstance(stimuli, Sequence) and not isinstance(stimuli, str)
    if not several or len(stimuli) < 2:
        given = len(stimuli) if several else repr(stimuli)
        raise DeclarationError(f"{operation}.stimuli: must be at least two (got {given}); give a list of assemblies")
    area = sim.brain.area(target)
    opened = _running(operation, sim, area, scaffold) | _forward(operation, sim, stimuli, area)
    presentations = rounds_of(operation, presentations, "presentations")
    with traced(trace, sim, area):
        for _ in range(presentations):
            _silence(sim, area, scaffold)
            formed = [_hear(sim, stimulus, area, opened) for stimulus in stimuli]
    return tuple(formed)


@checked("cue", "trace")
def recall_sequence(
    sim: Simulator,
    cue: Assembly,
    target: AreaLike,
    length: int,
    *,
    scaffold: AreaLike | None = None,
    trace: Trace | None = None,
) -> tuple[Assembly, ...]:
    """Fire the first stimulus of a memorized sequence, and let the target continue by itself.

    A probe: nothing is learned and nothing else changes (see `Simulator.frozen`).

    Parameters
    ----------
    sim : Simulator
        As for `memorize_sequence`.
    cue : Assembly
        A stimulus, for one round; or an assembly of the target itself, from which recall continues.
    target : Area or str
        Where the sequence was memorized.
    length : int
        How many assemblies to recall, the first included.
    scaffold : Area or str, optional
        As it was memorized.
    trace : Trace, optional
        Is filled with the winners of the target in every round.

    Returns
    -------
    tuple of Assembly
        What fired in the target, in order.

    Raises
    ------
    DeclarationError
        If the cue is empty, larger than the target's ``k`` or of another brain, or a fiber is missing.
    SimulationError
        If the target has never fired.
    """
    operation = "recall_sequence"
    source, area = stimulus_of(operation, sim, cue), sim.brain.area(target)
    length, inner = rounds_of(operation, length, "length"), _running(operation, sim, area, scaffold)
    if source is area and len(cue) > area.k:
        raise DeclarationError(
            f"{operation}: the cue has {len(cue)} neurons, more than the k = {area.k} that area {area.name!r} fires; "
            "give it an assembly of the sequence"
        )
    if not sim.has_fired(area):
        raise SimulationError(f"{operation}: area {area.name!r} has never fired; memorize a sequence in it first")
    with sim.frozen():
        sim.silence()
        with traced(trace, sim, area):
            if source is area:
                sim.present(cue)
                sim.release(area)
                recalled = [sim.assembly(area)]
            else:
                recalled = [_hear(sim, cue, area, fibers(operation, sim, source, area) | inner)]
            while len(recalled) < length:
                sim.run(inner)
                recalled.append(sim.assembly(area))
    return tuple(recalled)


def _forward(operation: str, sim: Simulator, stimuli: Sequence[Assembly], area: Area) -> FiberSet:
    """Return the fibers from the areas of some stimuli to the target, which must be another area."""
    forward = FiberSet()
    for source in dict.fromkeys(stimulus_of(operation, sim, stimulus) for stimulus in stimuli):
        if source is area:
            raise DeclarationError(
                f"{operation}.stimuli: must be of other areas than the target {area.name!r}; present them in one with "
                "a fiber to it"
            )
        forward = forward | fibers(operation, sim, source, area)
    return forward


def _running(operation: str, sim: Simulator, area: Area, scaffold: AreaLike | None) -> FiberSet:
    """Return the fibers that keep a sequence going."""
    inner = fibers(operation, sim, area, area)
    if scaffold is not None:
        for ends in ((area, scaffold), (scaffold, area), (scaffold, scaffold)):
            inner = inner | fibers(operation, sim, *ends)
    return inner


def _silence(sim: Simulator, area: Area, scaffold: AreaLike | None) -> None:
    sim.silence(area, *(() if scaffold is None else (scaffold,)))


def _hear(sim: Simulator, stimulus: Assembly, area: Area, opened: FiberSet) -> Assembly:
    """Run one round with a stimulus, and return what fires in the target."""
    with presented(sim, stimulus):
        sim.run(opened)
    return sim.assembly(area, stimulus.label)
