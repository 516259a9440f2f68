"""The interface that every backend implements."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

from brainsim.kernels.program import Options, Program
from brainsim.kernels.round_plan import RoundPlan
from brainsim.kernels.state import Neurons, StateKind

Memory = dict[str, dict[str, dict[str, int]]]

PHASES = ("project", "select", "learn")


class Drained(NamedTuple):
    """What happened since a backend was last drained.

    Attributes
    ----------
    rounds : int
        Rounds that happened.
    stable : bool
        Whether the last round changed no winner of any area.
    silent : bool
        Whether no neuron of any area fires.
    fired : frozenset of int
        Areas that selected winners, and had any, in some round.
    recorded : list of dict
        For each round that recorded, the winners by area, ascending.
    """

    rounds: int
    stable: bool
    silent: bool
    fired: frozenset[int]
    recorded: list[dict[int, Neurons]]


class Backend(ABC):
    """A simulated brain: runs rounds and keeps the state that `brainsim.kernels.state.KINDS` lists.

    Areas and fibers are named by their index in the `Program`.  The program and the calls determine everything that a
    backend computes; the options change speed and memory only.

    A backend may run rounds later than they are asked for; every other call waits for them.  If a round or a `write`
    fails half-way (memory), ``broken`` is set: the state is inconsistent until all of it has been written again.
    """

    name: ClassVar[str]
    parts: ClassVar[frozenset[type]]
    """The kinds of activation, graph and rule that this backend can run; a program with another one is refused."""

    def __init__(self, program: Program, options: Options) -> None:
        self.program = program
        self.options = options
        self.broken = False

    @abstractmethod
    def run(self, plan: RoundPlan, record: Sequence[int] = ()) -> None:
        """Run one round, whole or not at all; an interruption waits until the round is whole.

        The drive of a neuron is the sum of the weights from the neurons that fired, less its threshold.  In each
        selecting area the winners are those that `brainsim.kernels.law.selection.winners` names.  Learning fibers
        strengthen existing synapses from neurons that fired to neurons that have won; where thresholds rise,
        `brainsim.kernels.law.weights.raised` says how.  Then all areas move to their new winners together.

        Parameters
        ----------
        plan : RoundPlan
            What happens, from `brainsim.kernels.round_plan`.
        record : sequence of int
            Areas whose winners are noted after the round, for `drain`.
        """

    @abstractmethod
    def drain(self) -> Drained:
        """Return what happened since the last call."""

    @abstractmethod
    def read(self, kind: StateKind, owner: int) -> Any:
        """Return the value of a kind that an area or fiber has, as a ``kind.record`` of arrays not to be written to."""

    @abstractmethod
    def write(self, kind: StateKind, owner: int, value: Any) -> None:
        """Replace a value; ``kind.fault`` must find nothing wrong with it."""

    @property
    @abstractmethod
    def seconds(self) -> dict[str, float]:
        """How long each of the `PHASES` took, over all rounds so far."""

    @abstractmethod
    def row(self, fiber: int, pre: int) -> Neurons:
        """Return the targets of neuron ``pre`` in the fiber's graph, ascending."""

    @abstractmethod
    def memory(self) -> Memory:
        """Return bytes allocated between rounds: ``{"fibers" | "areas" | "shared": {name: {purpose: bytes}}}``."""

    @abstractmethod
    def close(self) -> None:
        """Free what the backend holds; it cannot be used afterwards."""
