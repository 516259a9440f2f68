"""Probabilistic choice: noise decides between assemblies, by weights that record their frequencies.

After Dabagia, Mitropolsky, Papadimitriou & Vempala, Coin-flipping in the brain: statistical learning with neuronal
assemblies (arXiv 2406.07715, 2024).  An assembly that fires drives several others, and independent noise is added to
the drive of each neuron.  So the first winners belong mostly to one assembly or to another, and recurrent synapses
complete it.  Which one leads follows about the softmax of the weights, and `StatisticalHebbian` learns weights whose
softmax is the frequency.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from brainsim._arguments import checked
from brainsim._validation import count, real
from brainsim.declare.assembly import Assembly
from brainsim.errors import DeclarationError
from brainsim.operations._checks import fibers, generator, may_learn, outcomes_of, rounds_of, stimulus_of
from brainsim.operations._firing import presented
from brainsim.operations.reading import ReadOut, read_out
from brainsim.operations.trace import Trace, traced
from brainsim.simulate.index import AreaLike
from brainsim.simulate.simulator import Simulator

Random = int | np.random.Generator


@checked()
def choice_noise(k: int, p: float, steepness: float) -> float:
    """Return the standard deviation of noise at which choice follows the softmax of the weights with a steepness.

    ``sqrt(k) * k * p / steepness``: noise of deviation ``s`` in each of ``k`` drives changes the number of first
    winners by ``sqrt(k)``, as a difference of ``s / sqrt(k)`` in drive does; and a weight that is larger by 1 adds ``k
    * p`` to the drive.  The constant 1 was found in simulations with k = 50 and 100, p = .5 and .8.

    Raises
    ------
    DeclarationError
        If ``k`` is not positive, ``p`` not in [0, 1], or ``steepness`` not positive.
    """
    if k < 1 or not 0.0 <= p <= 1.0 or not steepness > 0.0:
        raise DeclarationError(
            f"choice_noise: k must be positive, p between 0 and 1, and steepness positive (got {k}, {p}, {steepness})"
        )
    k = count("choice_noise: k", k, 1)  # no larger than what NumPy can take the root of
    return float(np.sqrt(k) * k * p / steepness)


@checked("sides", "trace")
def flip_coin(
    sim: Simulator,
    area: AreaLike,
    sides: Mapping[str, Assembly],
    rounds: int = 10,
    *,
    rng: Random,
    trace: Trace | None = None,
) -> ReadOut:
    """Flip a fair coin: fire ``k`` random neurons, until the recurrent fibers settle on one of the assemblies.

    A probe: nothing is learned.  The assemblies must have strong synapses among themselves (`imprint`).

    Parameters
    ----------
    sim : Simulator
        Of a brain in which the area has fibers to itself.
    area : Area or str
        The area with the assemblies.
    sides : mapping of str to Assembly
        Two or more.
    rounds : int
        Recurrent rounds.
    rng : int or numpy.random.Generator
        Draws the neurons that fire first; a generator continues from flip to flip.
    trace : Trace, optional
        Is filled with the winners of every round.

    Returns
    -------
    ReadOut
        The side, or "unknown" if the area settled on none.
    """
    where, rounds = sim.brain.area(area), rounds_of("flip_coin", rounds)
    outcomes_of("flip_coin", "sides", where, sides)
    inner = fibers("flip_coin", sim, where, where)
    start = generator("flip_coin", rng).choice(where.n, where.k, replace=False)
    with sim.frozen():
        sim.silence()
        sim.present(Assembly(where.name, start))
        sim.release(where)
        with traced(trace, sim, where):
            sim.run(inner, rounds)
        return read_out(sim.assembly(where), sides)


@checked("context", "outcomes", "trace")
def choose(
    sim: Simulator,
    context: Assembly,
    target: AreaLike,
    outcomes: Mapping[str, Assembly],
    noise: float,
    rounds: int = 5,
    *,
    rng: Random,
    trace: Trace | None = None,
) -> ReadOut:
    """Choose at random between the assemblies that a context drives, with the learned probabilities.

    A probe: nothing is learned.  In the first round the context drives the target, with noise on the threshold of every
    neuron.  In the following rounds the context is silent, and the target settles by itself.

    Parameters
    ----------
    sim : Simulator
        Of a brain with fibers from the context's area to the target, and from the target to itself.
    context : Assembly
        What fires at first.
    target : Area or str
        Where the outcomes are; its assemblies must have strong synapses among themselves (`imprint`).
    outcomes : mapping of str to Assembly
        Two or more.
    noise : float
        Standard deviation of the normal noise, in the unit of weights; `choice_noise` gives the one that fits.
    rounds : int
        Recurrent rounds.
    rng : int or numpy.random.Generator
        Draws the noise; a generator goes on from choice to choice.
    trace : Trace, optional
        Is filled with the winners of every round.

    Returns
    -------
    ReadOut
        The outcome, or "unknown" if the area settled on none.
    """
    outcomes_of("choose", "outcomes", sim.brain.area(target), outcomes)
    random = generator("choose", rng)
    with sim.frozen():
        settle("choose", sim, context, target, noise, rounds, random, trace)
        return read_out(sim.assembly(target), outcomes)


def settle(
    operation: str,
    sim: Simulator,
    context: Assembly,
    target: AreaLike,
    noise: float,
    rounds: int,
    rng: np.random.Generator,
    trace: Trace | None = None,
) -> None:
    """Do what `choose` does, inside a probe: fire the context once, with noise, and let the target settle.

    Takes the arguments of `choose`, and the name of the operation for errors.
    """
    source, area = stimulus_of(operation, sim, context), sim.brain.area(target)
    if source is area:
        raise DeclarationError(f"{operation}: the context must be of another area than the target {area.name!r}")
    forward, inner = fibers(operation, sim, source, area), fibers(operation, sim, area, area)
    noise, rounds = real(f"{operation}.noise", noise, 0.0, 1e9), rounds_of(operation, rounds)
    disturbed = sim.thresholds(area) + noise * rng.standard_normal(area.n)
    sim.silence()
    with traced(trace, sim, area):
        with sim.temporary_thresholds(area, disturbed), presented(sim, context):
            sim.run(forward)
        sim.run(inner, rounds)


@checked("source", "target")
def imprint(sim: Simulator, source: Assembly, target: Assembly, rounds: int = 1) -> None:
    """Link one assembly to another, or to itself, by holding both while the fibers between them are open.

    Afterwards both areas are silent.

    Raises
    ------
    SimulationError
        Inside `Simulator.frozen`, where nothing is learned.
    DeclarationError
        If no fiber leads from the one area to the other, or an assembly is empty or of another brain; or if the two
        are different assemblies of one area, which cannot both be held.
    """
    may_learn("imprint", sim)
    ends = stimulus_of("imprint", sim, source), stimulus_of("imprint", sim, target)
    if ends[0] is ends[1] and source != target:
        raise DeclarationError(
            f"imprint: two assemblies of area {ends[0].name!r} cannot be held at once; see memorize_sequence"
        )
    opened, rounds = fibers("imprint", sim, *ends), rounds_of("imprint", rounds)
    with presented(sim, *dict.fromkeys((source, target))):
        sim.run(opened, rounds)
