"""Replay: stored episodes are re-activated spontaneously, and teach other areas."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from brainsim._arguments import checked
from brainsim._validation import count
from brainsim.declare.assembly import Assembly
from brainsim.declare.cycle import Cycle
from brainsim.errors import DeclarationError
from brainsim.operations._checks import generator, may_learn
from brainsim.operations.memory import EpisodicMemory, region_of
from brainsim.simulate.simulator import Simulator


@dataclass(frozen=True)
class Replay:
    """A pattern that is re-activated spontaneously.

    Attributes
    ----------
    answer : Assembly
        What fires at the exit in the end.
    completed : Assembly
        What fires in the attractor in the end.
    """

    answer: Assembly
    completed: Assembly


@checked("memory")
def replay(sim: Simulator, memory: EpisodicMemory, *, rng: int | np.random.Generator) -> Replay:
    """Re-activate a stored episode: random neurons of the attractor fire, and settle in one of its patterns.

    A probe: nothing is learned.

    Parameters
    ----------
    sim : Simulator
        Of the brain of the memory.
    memory : EpisodicMemory
        Such as `brainsim.areas.Hippocampus`.
    rng : int or numpy.random.Generator
        Draws the neurons; a generator goes on from replay to replay.

    Raises
    ------
    DeclarationError
        If the memory is no such region or of another brain.

    Examples
    --------
    >>> from brainsim.areas import Hippocampus
    >>> from brainsim.operations import replay, store
    >>> brain = Brain()
    >>> memory = brain.add(Hippocampus(n_ec=500, n_dg=2000, n_ca3=1000, n_ca1=1000, patterns={"kitchen": range(50)}))
    >>> with Simulator(brain, seed=1) as sim:
    ...     _ = store(sim, memory, memory["EC"]["kitchen"])
    ...     replay(sim, memory, rng=1).answer.overlap(memory["ECout"]["kitchen"])
    1.0
    """
    region, random = region_of("replay", sim, memory), generator("replay", rng)
    attractor = memory.attractor
    with sim.frozen():
        sim.silence(region)
        sim.present(Assembly(attractor.name, random.choice(attractor.n, attractor.k, replace=False)))
        sim.release(attractor)
        for phase in memory.replaying.phases.values():
            sim.run(phase.open, phase.rounds)
        return Replay(sim.assembly(memory.exit), sim.assembly(attractor))


@checked("memory", "cycle")
def consolidate(
    sim: Simulator, memory: EpisodicMemory, cycle: Cycle, replays: int, *, rng: int | np.random.Generator
) -> tuple[Replay, ...]:
    """Let a memory teach other areas what it replays.

    Each replayed pattern fires at the exit while the phases of ``cycle`` run once.  They lead from there into cortex,
    and name the fibers of cortex that learn.

    Parameters
    ----------
    sim : Simulator
        Of the brain of the memory.
    memory : EpisodicMemory
        Such as `brainsim.areas.Hippocampus`.
    cycle : Cycle
        For example ``Cycle(teach=Phase(2, memory.exit >> cortex, learn=cortex >> cortex))``.
    replays : int
        How many.
    rng : int or numpy.random.Generator
        Draws the neurons from which replays start.

    Returns
    -------
    tuple of Replay
        What was replayed, in its order.

    Raises
    ------
    DeclarationError
        If the memory is no such region or of another brain, or ``replays`` is below 1.
    SimulationError
        Inside `Simulator.frozen`.

    References
    ----------
    McClelland, McNaughton, O'Reilly. Why there are complementary learning systems in the hippocampus and neocortex.
    Psychological Review 1995.

    Examples
    --------
    >>> from brainsim import OneToOne
    >>> from brainsim.areas import Hippocampus
    >>> from brainsim.operations import complete, consolidate, cue_of, store
    >>> brain = Brain()
    >>> memory = brain.add(Hippocampus(n_ec=500, n_dg=2000, n_ca3=1000, n_ca1=1000, patterns={"kitchen": range(50)}))
    >>> cortex = brain.add(Area("Cortex", 500, 50, {"kitchen": range(50)}))
    >>> inner = brain.connect(cortex, cortex, 0.5, SaturatingHebbian(0.5, w_max=9))
    >>> teaches = brain.connect(memory["ECout"], cortex, graph=OneToOne())
    >>> with Simulator(brain, seed=1) as sim:
    ...     _ = store(sim, memory, memory["EC"]["kitchen"])
    ...     _ = consolidate(sim, memory, Cycle(teach=Phase(2, teaches, learn=inner)), replays=10, rng=1)
    ...     complete(sim, cue_of(cortex["kitchen"], 0.5)).overlap(cortex["kitchen"])
    1.0
    """
    may_learn("consolidate", sim)
    if not isinstance(cycle, Cycle):
        raise DeclarationError(where="consolidate.cycle", value=cycle, allowed="a Cycle, whose phases lead to cortex")
    random, seen = generator("consolidate", rng), []
    for _ in range(count("consolidate.replays", replays, 1)):
        seen.append(replay(sim, memory, rng=random))
        sim.silence()
        sim.present(seen[-1].answer)
        sim.run(cycle)
    sim.silence()
    return tuple(seen)
