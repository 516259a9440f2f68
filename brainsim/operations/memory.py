"""Episodic memory: store an episode in one presentation, recall it from a part, and judge whether it is known.

The operations run the phases that a region declares: `brainsim.areas.Hippocampus`, or your own region with the parts of
`EpisodicMemory`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from brainsim._arguments import checked
from brainsim._validation import real
from brainsim.declare.area import Area
from brainsim.declare.assembly import Assembly
from brainsim.declare.cycle import Cycle
from brainsim.declare.region import Region
from brainsim.errors import DeclarationError, SimulationError
from brainsim.operations._checks import may_learn, stimulus_of
from brainsim.simulate.simulator import Simulator


@runtime_checkable
class EpisodicMemory(Protocol):
    """The parts of a region that the operations need.

    Attributes
    ----------
    entry : Area
        Where episodes and cues are presented.
    attractor : Area
        Which completes patterns.
    exit : Area
        Where answers appear, with as many neurons as ``entry``.
    encoding, retrieval, replaying : Cycle
        Phases that store an episode; that lead from a cue to an answer, the first of which drives the attractor; and
        that lead from random neurons of the attractor to an answer.
    """

    entry: Area
    attractor: Area
    exit: Area
    encoding: Cycle
    retrieval: Cycle
    replaying: Cycle


@dataclass(frozen=True)
class Recall:
    """The answer of a memory to a cue, and its confidence.

    Attributes
    ----------
    answer : Assembly
        What fires at the exit in the end.
    first : Assembly
        What the cue fires in the attractor, before completion.
    completed : Assembly
        What fires in the attractor in the end.
    read_back : float
        The share of the cue that is part of the answer, 0 to 1: the confidence.
    drive : float
        Mean drive of the first neurons, for each neuron of the cue.
    known : bool
        Whether the confidence is high enough.  If not, the answer means "I do not know".
    """

    answer: Assembly
    first: Assembly
    completed: Assembly
    read_back: float
    drive: float
    known: bool


@checked("memory")
def store(sim: Simulator, memory: EpisodicMemory, episode: Assembly) -> Assembly:
    """Store an episode in one presentation, and return the assembly that stands for it in the attractor.

    The episode fires at the entry and, with the same neurons, at the exit, and the phases of ``memory.encoding`` run
    once.  The region is silent afterwards.

    Parameters
    ----------
    sim : Simulator
        Of the brain of the memory.
    memory : EpisodicMemory
        Such as `brainsim.areas.Hippocampus`.
    episode : Assembly
        Of the area ``memory.entry``.

    Raises
    ------
    DeclarationError
        If the episode is empty or of another area, or the memory is no such region or of another brain.
    SimulationError
        Inside `Simulator.frozen`, where nothing is learned; or if nothing fires in the attractor, since inhibited
        fibers do not transmit.

    Examples
    --------
    >>> from brainsim.areas import Hippocampus
    >>> from brainsim.operations import store
    >>> brain = Brain()
    >>> memory = brain.add(Hippocampus(n_ec=500, n_dg=2000, n_ca3=1000, n_ca1=1000, patterns={"kitchen": range(50)}))
    >>> with Simulator(brain, seed=1) as sim:
    ...     len(store(sim, memory, memory["EC"]["kitchen"]))
    100
    """
    region = _checked("store", sim, memory, episode)
    may_learn("store", sim)
    sim.silence(region)  # otherwise a recurrent fiber would link earlier winners to this episode
    sim.present(episode, Assembly(memory.exit.name, episode.neurons))
    sim.run(memory.encoding)
    if not sim.fires(memory.attractor):
        raise SimulationError(
            f"store: area {memory.attractor.name!r} does not fire; disinhibit the fibers of region {region.name!r}"
        )
    stored = sim.assembly(memory.attractor, episode.label)
    sim.silence(region)
    return stored


@checked("memory")
def recall(sim: Simulator, memory: EpisodicMemory, cue: Assembly, *, at_least: float = 0.5) -> Recall:
    """Recall an episode from a cue: some of its neurons, or an episode like it.

    A probe: nothing is learned.  The cue is known if the answer contains a part ``at_least`` of it.  This read-back
    separates stored cues from new ones at all loads below the capacity; the drive before completion does so as well,
    but its level depends on the load and on the size of the cue.  Completeness and stability of the pattern do not
    help: a new cue also ends in some pattern.

    Parameters
    ----------
    sim : Simulator
        Of the brain of the memory.
    memory : EpisodicMemory
        Such as `brainsim.areas.Hippocampus`.
    cue : Assembly
        Of the area ``memory.entry``.
    at_least : float
        Least confidence at which a cue counts as known, 0 to 1.

    Raises
    ------
    DeclarationError
        If the cue is empty or of another area, the memory is no such region or of another brain, or ``at_least`` is out
        of range.

    Examples
    --------
    >>> from brainsim.areas import Hippocampus
    >>> from brainsim.operations import cue_of, recall, store
    >>> episodes = {"kitchen": range(50), "garden": range(25, 75)}
    >>> brain = Brain()
    >>> memory = brain.add(Hippocampus(n_ec=500, n_dg=2000, n_ca3=1000, n_ca1=1000, patterns=episodes))
    >>> with Simulator(brain, seed=1) as sim:
    ...     for episode in episodes:
    ...         _ = store(sim, memory, memory["EC"][episode])
    ...     old = recall(sim, memory, cue_of(memory["EC"]["garden"], 0.5))
    ...     new = recall(sim, memory, Assembly("Hippocampus.EC", range(400, 425)))
    >>> old.known, old.answer.overlap(memory["ECout"]["garden"])
    (True, 1.0)
    >>> new.known, new.read_back
    (False, 0.0)
    """
    region = _checked("recall", sim, memory, cue)
    least = real("recall.at_least", at_least, 0.0, 1.0)
    cued, *others = memory.retrieval.phases.values()
    with sim.frozen():
        sim.silence(region)
        sim.present(cue)
        sim.run(cued.open, cued.rounds)
        first = sim.assembly(memory.attractor)
        drive = float(sim.drive(memory.attractor).sum()) / (memory.attractor.k * len(cue))
        for phase in others:
            sim.run(phase.open, phase.rounds)
        answer, completed = sim.assembly(memory.exit, cue.label), sim.assembly(memory.attractor, cue.label)
    read_back = float(np.isin(cue.neurons, answer.neurons).mean())
    return Recall(answer, first, completed, read_back, drive, read_back >= least)


@checked("memory")
def familiar(sim: Simulator, memory: EpisodicMemory, cue: Assembly, *, at_least: float = 0.5) -> bool:
    """Return whether a memory knows a cue: ``recall(sim, memory, cue, at_least=at_least).known``.

    Examples
    --------
    >>> from brainsim.areas import Hippocampus
    >>> from brainsim.operations import familiar, store
    >>> episodes = {"kitchen": range(50), "garden": range(50, 100)}
    >>> brain = Brain()
    >>> memory = brain.add(Hippocampus(n_ec=500, n_dg=2000, n_ca3=1000, n_ca1=1000, patterns=episodes))
    >>> with Simulator(brain, seed=1) as sim:
    ...     _ = store(sim, memory, memory["EC"]["kitchen"])
    ...     familiar(sim, memory, memory["EC"]["kitchen"]), familiar(sim, memory, memory["EC"]["garden"])
    (True, False)
    """
    return recall(sim, memory, cue, at_least=at_least).known


def region_of(operation: str, sim: Simulator, memory: EpisodicMemory) -> Region:
    """Return a memory as the region of this brain that it must be."""
    if not isinstance(memory, EpisodicMemory) or not isinstance(memory, Region):
        allowed = "a region that has the parts of EpisodicMemory"
        cure = "see brainsim.areas.Hippocampus"
        raise DeclarationError(where=f"{operation}.memory", value=memory, allowed=allowed, cure=cure)
    sim.brain.area(memory.entry)
    return memory


def _checked(operation: str, sim: Simulator, memory: EpisodicMemory, stimulus: Assembly) -> Region:
    region = region_of(operation, sim, memory)
    area = stimulus_of(operation, sim, stimulus)
    if area is not memory.entry:
        raise DeclarationError(
            f"{operation}: must be given an assembly of area {memory.entry.name!r}, the entry of region "
            f"{region.name!r} (got one of {area.name!r})"
        )
    return region
