"""Probabilistic choice: noise decides between assemblies, by weights that have recorded how often each came.

After Dabagia, Mitropolsky, Papadimitriou & Vempala, Coin-flipping in the brain: statistical learning with neuronal
assemblies (arXiv 2406.07715, 2024).  An assembly that fires drives several others; each neuron's drive is disturbed by
noise of its own, so that now one, now another of them gets more of the first winners, and recurrent synapses complete
it.  Who leads follows about the softmax of the weights, and `StatisticalHebbian` learns weights whose softmax is the
frequency.
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

    ``sqrt(k) * k * p / steepness``: noise of deviation ``s`` in each of ``k`` drives lets the number of first winners
    swing by ``sqrt(k)``, which a difference of ``s / sqrt(k)`` in drive makes up for; and a weight that is larger by 1
    means ``k * p`` more drive.  That the constant is 1 was found in simulations with k = 50 and 100, p = .5 and .8.

    Raises
    ------
    DeclarationError
        If ``k`` is not positive, ``p`` not in [0, 1], or ``steepness`` not positive.
    """
    if k < 1 or not 0.0 <= p <= 1.0 or not steepness > 0.0:
        raise DeclarationError(
            f"choice_noise: k must be positive, p between 0 and 1, and steepness positive (got {k}, {p}, {steepness})"
        )
    k = count("choice_noise: k", k, 1)  # one that NumPy can take the root of
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
    """Flip a fair coin: fire ``k`` random neurons, and let the area's recurrent fibers settle on one of its assemblies.

    A probe: nothing is learned.  The assemblies must have strong synapses among themselves (`imprint`).

    Parameters
    ----------
    sim : Simulator
        Of a brain in which the area has fibers to itself.
    area : Area or str
        Where the coin is.
    sides : mapping of str to Assembly
        Two or more.
    rounds : int
        Recurrent rounds.
    rng : int or numpy.random.Generator
        Decides which neurons fire at first; a generator goes on from flip to flip.
    trace : Trace, optional
        Is filled with the winners of every round.

    Returns
    -------
    ReadOut
        The side, or "unknown" where it settled on none.
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
    """Let chance choose between the assemblies of an area that a context drives, in proportion to what it has learned.

    A probe: nothing is learned.  In the first round the context drives the target, and the threshold of every neuron
    is disturbed by noise; in the following ones the context is silent, and the target settles by itself.

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
        The outcome, or "unknown" where it settled on none.
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
    """Do inside a probe what `choose` does: fire the context once, with noise, and let the target settle.

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
