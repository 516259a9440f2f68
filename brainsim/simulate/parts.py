"""The parts of a simulator, connected with each other."""

from __future__ import annotations

from brainsim.declare.brain import Brain
from brainsim.simulate.engine import Engine
from brainsim.simulate.excitability import Excitability
from brainsim.simulate.gates import Gates
from brainsim.simulate.guard import Guard
from brainsim.simulate.index import Index
from brainsim.simulate.looks import Looks
from brainsim.simulate.modulators import Modulators
from brainsim.simulate.planning import Planning
from brainsim.simulate.probes import Probes
from brainsim.simulate.recorder import Recorder
from brainsim.simulate.reinforcement import Reinforcement
from brainsim.simulate.rounds import Rounds
from brainsim.simulate.saving import Saving
from brainsim.simulate.scheduling import Scheduling
from brainsim.simulate.state import BrainState, StateTable
from brainsim.simulate.stimuli import Stimuli
from brainsim.simulate.vectors import Vectors
from brainsim.simulate.weights import Weights


class Parts:
    """The parts of a `Simulator`; each does one thing."""

    def __init__(self, brain: Brain, seed: int, engine: Engine, guard: Guard) -> None:
        program, self.company = engine.program, engine.company
        self.index = Index(brain)
        self.state = BrainState()
        self.modulators = Modulators(brain, self.state)
        table = StateTable(engine, self.state, self.modulators.names)
        self.recorder = Recorder(self.index)
        self.probes = Probes(table, self.recorder)
        self.gates = Gates(program, self.index, self.state)
        self.planning = Planning(program, self.index, self.state, self.gates, self.probes, self.modulators)
        self.rounds = Rounds(engine, guard, self.state, self.planning, self.modulators, self.recorder)
        self.scheduling = Scheduling(engine, self.state, self.planning, self.modulators, self.recorder)
        self.stimuli = Stimuli(engine, self.index, self.state)
        self.excitability = Excitability(engine)
        self.vectors = Vectors(engine)
        self.weights = Weights(engine, guard, self.index, self.state, self.probes)
        self.reinforcement = Reinforcement(engine, self.modulators, self.probes)
        self.looks = Looks(engine, self.state)
        self.saving = Saving(brain, seed, engine, table, self.probes)
