"""The areas of the memory: a code for each context, a neuron for each token, and a teacher."""

from __future__ import annotations

from dataclasses import dataclass

from brainsim._validation import integer
from brainsim.declare.area import Area
from brainsim.declare.assembly import Assembly
from brainsim.declare.depressing import STDP
from brainsim.declare.plasticity import Plasticity
from brainsim.declare.region import Region
from brainsim.declare.wiring import OneToOne
from brainsim.simulate.simulator import Simulator

ONE_SHOT = STDP(ltp=8.0, ltd=4.0, w_max=9.0)
_MOST_NEURONS = 100_000_000
_MOST_WINNERS = 1000
TEACHES = 30_000.0  # above 1000 winners times any weight up to 30; a rule with larger weights is refused


@dataclass(frozen=True)
class Recalled:
    """What a memory recalls.

    Attributes
    ----------
    token : int or None
        The token that fires; ``None`` if nothing does.
    familiarity : float
        Mean potentiation of the synapses from the code onto it, from 0 (none) to 1 (that of one presentation).
    """

    token: int | None
    familiarity: float


class Facts(Region):
    """Area ``"Code"``, whose plastic fiber to area ``"Token"`` stores which token follows, and ``"Teacher"``.

    Code and Token are connected all to all (p = 1).  The drive of a token is therefore ``k`` plus what its synapses
    have learned, and familiarity follows from the drive.
    """

    def __init__(self, name: str, vocabulary: int, n: int, k: int, plasticity: Plasticity | None) -> None:
        super().__init__(name)
        size = integer("Hippocampal.n", n, 10, _MOST_NEURONS)
        winners = integer("Hippocampal.k", k, 1, min(size, _MOST_WINNERS))
        rule = ONE_SHOT if plasticity is None else plasticity
        self.code, self.token, self.teacher = self.add(
            Area("Code", size, winners), Area("Token", vocabulary, 1), Area("Teacher", vocabulary, 1)
        )
        self.recalls = self.connect(self.code, self.token, 1.0, rule)
        self.teaches = self.connect(self.teacher, self.token, graph=OneToOne(), weight=TEACHES)
        self._gain = rule.update(1.0) - 1.0

    def recall(self, sim: Simulator) -> Recalled:
        """Let the code that fires drive the tokens, and return the one that wins."""
        sim.silence(self.token, self.teacher)
        if not sim.fires(self.code):
            return Recalled(None, 0.0)
        sim.run(self.recalls, learn=())
        drive, code = float(sim.drive(self.token)[0]), len(sim.assembly(self.code))
        familiarity = (drive / code - 1.0) / self._gain if self._gain else 0.0
        return Recalled(int(sim.assembly(self.token).neurons[0]), familiarity)

    def store(self, sim: Simulator, token: int) -> None:
        """Let the teacher make a token fire after silence, while the code fires and learns."""
        sim.silence(self.token, self.teacher)
        self._teach(sim, token)

    def correct(self, sim: Simulator, token: int) -> None:
        """Let the code recall a token, and then the teacher make the right one fire, so that a wrong one loses."""
        self.recall(sim)
        self._teach(sim, token)

    def _teach(self, sim: Simulator, token: int) -> None:
        sim.present(Assembly(self.teacher.name, [token]))
        sim.run(self.teaches, learn=self.recalls)
