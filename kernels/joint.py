"""Several brains of one declaration, whose rounds a backend carries out together.

The backend runs them as one program, in which they lie side by side; what they share is a launch of each kernel.

Each brain is driven from a thread of its own, through a `JointView`.  A round begins once all brains that take part
have asked for one.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from brainsim.kernels.backend import Backend, Drained, Memory
from brainsim.kernels.errors import KernelError
from brainsim.kernels.program import Options, Program
from brainsim.kernels.round_plan import RoundPlan
from brainsim.kernels.side_by_side import joined, name_of, united
from brainsim.kernels.state import WINNERS, Floats, Neurons
from brainsim.kernels.state_kind import StateKind

_MOST_KEPT = 1024


class Changing(Protocol):
    """A backend that says which areas the last round changed."""

    def changed(self) -> frozenset[int]:
        """Return the areas whose winners the last round changed."""


class _Asked(NamedTuple):
    """A round that a brain has asked for."""

    plan: RoundPlan
    record: tuple[int, ...]
    drives: frozenset[int]


class Joint:
    """The backend of several brains, and the meeting of their threads.

    Parameters
    ----------
    programs : sequence of Program
        Of the brains: alike except for their seeds.
    options : Options
        Of the backend.
    make : callable
        Builds the backend for the joined program.
    """

    def __init__(self, programs: Sequence[Program], options: Options, make: Callable[[Program, Options], Any]) -> None:
        self.areas, self.fibers = len(programs[0].areas), len(programs[0].fibers)
        self.backend: Any = make(joined(programs), options)
        self.views = [JointView(self, b, program, options) for b, program in enumerate(programs)]
        self.meeting = threading.Condition(threading.RLock())
        self._taking_part: set[int] = set()
        self._asked: dict[int, _Asked] = {}
        self._rounds = 0
        self._last: frozenset[int] = frozenset()
        self._recorders: deque[tuple[int, ...]] = deque()
        self._plans: dict[tuple[tuple[int, RoundPlan], ...], RoundPlan] = {}
        self._failure: BaseException | None = None
        self._open = len(programs)

    @contextmanager
    def together(self, brains: Collection[int]) -> Iterator[None]:
        """Let these brains take part in all rounds inside the block, each until it leaves."""
        with self.meeting:
            self._taking_part, self._asked = set(brains), {}
        try:
            yield
        except BaseException as error:
            self.fail(KernelError(f"the rounds of the other brains were given up ({error!r})"))
            raise
        finally:
            with self.meeting:
                self._taking_part = set()

    def leave(self, brain: int) -> None:
        """Let the others go on without a brain."""
        with self.meeting:
            self._taking_part.discard(brain)
            self._go_if_all_have_asked()

    def fail(self, error: BaseException) -> None:
        """Let all brains that wait, and all further rounds, fail."""
        with self.meeting:
            self._failure = self._failure or error
            self.meeting.notify_all()

    def run(self, brain: int, asked: _Asked) -> None:
        """Carry out a round of a brain, together with those of the others."""
        with self.meeting:
            self._check()
            begun = self._rounds
            self._asked[brain] = asked
            self._go_if_all_have_asked()
            while self._rounds == begun and self._failure is None:
                self.meeting.wait()
            self._check()

    def _check(self) -> None:
        if self._failure is not None:
            raise KernelError(f"a round of the batch failed ({self._failure}); build a new one") from self._failure

    def _go_if_all_have_asked(self) -> None:
        if not self._asked or self._failure is not None or not self._asked.keys() >= self._taking_part:
            return
        asked, self._asked = dict(sorted(self._asked.items())), {}
        try:
            self._carry_out(asked)
        except BaseException as error:  # whatever it is, the brain that asked last and those that wait hear of it
            self.fail(error)
        self._rounds += 1
        self.meeting.notify_all()

    def _carry_out(self, asked: dict[int, _Asked]) -> None:
        record = [self.areas * b + area for b, each in asked.items() for area in each.record]
        drives = {self.areas * b + area for b, each in asked.items() for area in each.drives}
        self.backend.run(self._plan(tuple((b, each.plan) for b, each in asked.items())), record, drives)
        if record:
            self._recorders.append(tuple(b for b, each in asked.items() if each.record))
        self._last = frozenset(asked)
        for b, each in asked.items():
            self.views[b].happened += 1
            self.views[b].stepped |= len(each.plan.stepping) > 0

    def _plan(self, plans: tuple[tuple[int, RoundPlan], ...]) -> RoundPlan:
        """Return the plan of several brains: the same object for the same plans, as a `Planner` gives."""
        if plans not in self._plans:
            if len(self._plans) >= _MOST_KEPT:
                self._plans.clear()
            self._plans[plans] = united(plans, self.areas, self.fibers)
        return self._plans[plans]

    def collect(self) -> None:
        """Hand the events since the last call to the brains that they concern."""
        drained = self.backend.drain()
        changed = {area // self.areas for area in self.backend.changed()}
        for b in self._last:
            self.views[b].stable = b not in changed
        for area in drained.fired:
            self.views[area // self.areas].fired.add(area % self.areas)
        for winners, drives in zip(drained.recorded, drained.recorded_drives, strict=True):
            for b in self._recorders.popleft():
                self.views[b].recorded.append(self._own(b, winners))
                self.views[b].recorded_drives.append(self._own(b, drives))

    def _own(self, brain: int, values: dict[int, Any]) -> dict[int, Any]:
        return {area % self.areas: value for area, value in values.items() if area // self.areas == brain}

    def close(self) -> None:
        """Free the backend once all brains are closed."""
        with self.meeting:
            self._open -= 1
            if not self._open:
                self.backend.close()


class JointView(Backend):
    """One of the brains, as a backend of its own."""

    forks = False

    def __init__(self, joint: Joint, brain: int, program: Program, options: Options) -> None:
        super().__init__(program, options)
        self.name = joint.backend.name  # type: ignore[misc]  # that of the backend that it is a part of
        self.parts = joint.backend.parts  # type: ignore[misc]
        self._joint, self._brain = joint, brain
        self.happened, self.stable, self.stepped = 0, True, False
        self.fired: set[int] = set()
        self.recorded: list[dict[int, Neurons]] = []
        self.recorded_drives: list[dict[int, npt.NDArray[np.int64]]] = []

    def _owner(self, kind: StateKind, owner: int) -> int:
        return self._area(owner) if kind.owner == "area" else self._fiber(owner)

    def _area(self, area: int) -> int:
        return self._brain * self._joint.areas + area

    def _fiber(self, fiber: int) -> int:
        return self._brain * self._joint.fibers + fiber

    def run(self, plan: RoundPlan, record: Sequence[int] = (), drives: Collection[int] = ()) -> None:
        self._joint.run(self._brain, _Asked(plan, tuple(record), frozenset(drives)))

    def drain(self) -> Drained:
        with self._joint.meeting:
            self._joint.collect()
            areas = range(len(self.program.areas))
            silent = not self.stepped and not any(len(self.read(WINNERS, area).neurons) for area in areas)
            recorded = self.recorded, self.recorded_drives
            drained = Drained(self.happened, self.stable, silent, frozenset(self.fired), *recorded)
            self.happened, self.stepped = 0, False
            self.fired, self.recorded, self.recorded_drives = set(), [], []
        return drained

    def reinforce(self, fiber: int, rate: int) -> None:
        with self._joint.meeting:
            self._joint.backend.reinforce(self._fiber(fiber), rate)

    def transmissions(self, fiber: int) -> npt.NDArray[np.int64]:
        with self._joint.meeting:
            return np.asarray(self._joint.backend.transmissions(self._fiber(fiber)))

    def sent(self, fiber: int) -> tuple[Floats, Neurons]:
        with self._joint.meeting:
            sums, edges = self._joint.backend.sent(self._fiber(fiber))
            return np.asarray(sums), np.asarray(edges)

    def read(self, kind: StateKind, owner: int) -> Any:
        with self._joint.meeting:
            return self._joint.backend.read(kind, self._owner(kind, owner))

    def write(self, kind: StateKind, owner: int, value: Any) -> None:
        with self._joint.meeting:
            self._joint.backend.write(kind, self._owner(kind, owner), value)

    @property
    def seconds(self) -> dict[str, float]:
        """How long each phase took, in rounds of all brains together."""
        with self._joint.meeting:
            return dict(self._joint.backend.seconds)

    def row(self, fiber: int, pre: int) -> Neurons:
        with self._joint.meeting:
            return np.asarray(self._joint.backend.row(self._fiber(fiber), pre))

    def memory(self) -> Memory:
        with self._joint.meeting:
            found: Memory = self._joint.backend.memory()
        own = {
            "fibers": {each.name: found["fibers"][name_of(each.name, self._brain)] for each in self.program.fibers},
            "areas": {each.name: found["areas"][name_of(each.name, self._brain)] for each in self.program.areas},
        }
        return {**own, "shared": found["shared"]}

    def close(self) -> None:
        self._joint.close()
