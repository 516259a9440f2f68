"""The interface that every backend implements."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from brainsim.kernels.comm import NO_TRAFFIC, Traffic
from brainsim.kernels.law.rows import existing
from brainsim.kernels.program import Options, Program
from brainsim.kernels.round_plan import RoundPlan
from brainsim.kernels.state import Floats, Neurons
from brainsim.kernels.state_kind import StateKind

Memory = dict[str, dict[str, dict[str, int]]]

PHASES = ("project", "select", "learn")


class Drained(NamedTuple):
    """The events since a backend was last drained.

    Attributes
    ----------
    rounds : int
        Rounds that happened.
    stable : bool
        Whether the last round changed no winner of any area.
    silent : bool
        Whether no neuron of any area fires, and no vectors have stepped.
    fired : frozenset of int
        Areas that selected winners, and had any, in some round.
    recorded : list of dict
        For each round that recorded, the winners by area, ascending.
    recorded_drives : list of dict
        For each of these rounds, by requested area, the drives of the winners (int64, in fixed point, less thresholds);
        0 for neurons that have not won, such as presented ones.
    """

    rounds: int
    stable: bool
    silent: bool
    fired: frozenset[int]
    recorded: list[dict[int, Neurons]]
    recorded_drives: list[dict[int, npt.NDArray[np.int64]]]


class Backend(ABC):
    """A simulated brain: runs rounds and keeps the state that `brainsim.kernels.state.KINDS` lists.

    Areas and fibers are named by their index in the `Program`.  The program and the calls determine everything that a
    backend computes; the options change speed and memory only.

    A backend may run rounds later than requested; every other call waits for them.  If a round or a `write`
    fails half-way (memory), ``broken`` is set: the state is inconsistent until all of it has been written again.
    """

    name: ClassVar[str]
    parts: ClassVar[frozenset[type]]
    """The kinds of activation, graph and rule that this backend can run; a program with another one is refused."""
    forks: ClassVar[bool] = True
    """Whether a forked process can use what was built before."""

    def __init__(self, program: Program, options: Options) -> None:
        self.program = program
        self.options = options
        self.broken = False

    @abstractmethod
    def run(self, plan: RoundPlan, record: Sequence[int] = (), drives: Collection[int] = ()) -> None:
        """Run one round, completely or not at all; an interruption waits for its end.

        The gates of the fibers decide which of the neurons that fired in the previous round fire at each fiber.  The
        drive of a neuron is the sum of the weights from those that fire at it, less its threshold.  In each selecting
        area the winners are those that `brainsim.kernels.law.selection` names for its activation.  Learning fibers
        change synapses from neurons that fired: existing ones to neurons that have won by the steps of
        `brainsim.kernels.law.rules.Update`, stored ones to neurons that have not by those of
        `brainsim.kernels.law.rules.Depression`.  A step that leaves the base weight as it is stores nothing.  Traces
        remember the round; where thresholds rise, `brainsim.kernels.law.weights.raised` says how.  Vectors step and the
        weights of messages learn as in `brainsim.kernels.vectors.reference`, from the vectors and winners of before.
        Then all areas move to their new winners together.

        Parameters
        ----------
        plan : RoundPlan
            What happens, from `brainsim.kernels.round_plan`.
        record : sequence of int
            Areas whose winners are noted after the round, for `drain`.
        drives : collection of int
            Those of them whose winners' drives are noted, too.
        """

    @abstractmethod
    def reinforce(self, fiber: int, rate: int) -> None:
        """Apply the step of the rule of a fiber to the events of its trace, the oldest first, completely or not at all.

        The event of a round with the trace's rate ``r`` is applied at rate ``multiplied(r, rate)``, to all existing
        synapses from the neurons that fired to those that won; where that is 0, nothing changes.  There is no
        depression.
        """

    @abstractmethod
    def transmissions(self, fiber: int) -> npt.NDArray[np.int64]:
        """Return how often each source neuron of a fiber has transmitted, shape ``(n,)``.

        Rounds without learning count as well.  This is not part of the state: it begins at 0 with the backend.
        """

    @abstractmethod
    def sent(self, fiber: int) -> tuple[Floats, Neurons]:
        """Return the signal of the active nodes of a fiber with messages, by channel.

        See `brainsim.kernels.vectors.engine.VectorEngine.sent`.
        """

    @abstractmethod
    def drain(self) -> Drained:
        """Return the events since the last call."""

    @abstractmethod
    def read(self, kind: StateKind, owner: int) -> Any:
        """Return the value of a kind that an area or fiber has, as a ``kind.record`` of arrays not to be written to."""

    def read_own(self, kind: StateKind, owner: int) -> Any:
        """Return what `read` does, of stored synapses those that end in the range of this rank of the brain."""
        return self.read(kind, owner)

    @abstractmethod
    def write(self, kind: StateKind, owner: int, value: Any) -> None:
        """Replace a value; ``kind.fault`` must find nothing wrong with it."""

    @property
    def traffic(self) -> Traffic:
        """What was sent to other ranks of the brain in rounds so far."""
        return NO_TRAFFIC

    @property
    @abstractmethod
    def seconds(self) -> dict[str, float]:
        """How long each of the `PHASES` took, over all rounds so far."""

    @abstractmethod
    def row(self, fiber: int, pre: int) -> Neurons:
        """Return the targets of neuron ``pre`` in the fiber's graph, ascending."""

    def existing(self, fiber: int, pre: Neurons, post: Neurons) -> npt.NDArray[np.bool_]:
        """Return which of some synapses, sorted by ``(pre, post)``, are in the fiber's random graph."""
        return existing(self.program.fibers[fiber].graph, pre, post)

    @abstractmethod
    def memory(self) -> Memory:
        """Return bytes allocated between rounds: ``{"fibers" | "areas" | "shared": {name: {purpose: bytes}}}``."""

    @abstractmethod
    def close(self) -> None:
        """Free what the backend holds; it cannot be used afterwards."""
