"""One brain on several ranks: each owns a range of the targets of every area, and only winners are exchanged.

In a round each rank sums the drives of its own neurons and selects candidates among them, at most as many as win in the
whole area: a neuron that is not among the best of its range is not among the best of the area.  One gathering brings
candidates of all ranks to all ranks, and each picks the winners from them (`brainsim.kernels.exchange`).  Then each
rank changes the synapses that end in its range.  Drives are integers and the order of neurons is total, so the bits are
those of one process.

What a rank holds for its range: the synapses that it draws or stores, counts and drives.  What every rank holds: the
winners of all areas, thresholds other than 0, traces, vectors with their messages, and 4 bytes for each neuron of a
source.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from time import perf_counter
from typing import Any

import numpy as np
import numpy.typing as npt

from brainsim.kernels.backend import Memory
from brainsim.kernels.comm import Comm, Traffic
from brainsim.kernels.exchange import Exchange
from brainsim.kernels.host_backend import HostBackend
from brainsim.kernels.law.rows import row_targets
from brainsim.kernels.law.selection import input_tag
from brainsim.kernels.outcomes import Event, Won
from brainsim.kernels.program import Options, Program
from brainsim.kernels.round_plan import RoundPlan, Selection
from brainsim.kernels.runners import MakeRunner
from brainsim.kernels.share_runner import Heard, Offers
from brainsim.kernels.shares import ranges
from brainsim.kernels.state import NO_FIRING, NO_THRESHOLDS, WEIGHTS, Neurons, Synapses, Thresholds, merged
from brainsim.kernels.state_kind import StateKind
from brainsim.kernels.vectors.engine import VectorEngine

Integers = npt.NDArray[np.int64]
_NONE = NO_FIRING.neurons
_NO_OFFER = Won(_NONE, _NONE, _NONE)


class RankBackend(HostBackend[Any]):
    """The backend of one rank, around what runs its share.

    All ranks make the same calls in the same order.  `read` of stored weights, and `transmissions`, gather from all
    ranks as a round does.

    Parameters
    ----------
    program, options : Program, Options
        Of the whole brain.
    comm : Comm
        The ranks.
    runner : callable
        Makes what runs the share of this rank; see `brainsim.kernels.runners`.

    Raises
    ------
    BackendUnavailableError
        If there are more ranks than blocks.
    """

    def __init__(self, program: Program, options: Options, comm: Comm, runner: MakeRunner) -> None:
        self._comm = comm
        self._owned = ranges(program, comm.rank, comm.size)
        self._runner = runner(program, self._owned, options)
        super().__init__(program, options)
        self.name = self._runner.name  # type: ignore[misc]  # that of what it wraps
        self.parts, self.forks = self._runner.parts, self._runner.forks  # type: ignore[misc]
        self._exchange = Exchange(program, comm, self._owned)
        self._own_thresholds = dict.fromkeys(range(len(program.areas)), (NO_THRESHOLDS, NO_THRESHOLDS))
        self._seconds["communicate"] = 0.0

    @property
    def broken(self) -> bool:
        """Whether the state is inconsistent: because a change failed half-way, or a caller is replacing all of it."""
        return self._replacing or self._runner.broken

    @broken.setter
    def broken(self, broken: bool) -> None:
        self._replacing = broken

    @property
    def traffic(self) -> Traffic:
        """What this rank has sent in rounds so far."""
        return self._exchange.traffic

    @property
    def seconds(self) -> dict[str, float]:
        fired = self._runner.seconds
        return {phase: spent + fired.get(phase, 0.0) for phase, spent in self._seconds.items()}

    def vector_engine(self, program: Program, options: Options) -> VectorEngine:  # type: ignore[override]
        return self._runner.vector_engine(program, options)

    def _fire(self, plan: RoundPlan) -> tuple[dict[int, Won], dict[int, Any]]:
        selections = sorted(plan.selections)  # the order of the exchange must not depend on that of sets in a process
        mine = [each for each in selections if len(self._owned[each.area])]
        thresholds = {area: self._thresholds_of_own(area) for area, _ in mine}
        offers = self._runner.fire(mine, Heard(self._winners, self._passing, thresholds))
        return self._agreed(selections, offers) if selections else {}, offers.drives

    def _thresholds_of_own(self, area: int) -> Thresholds:
        """Return the thresholds of the neurons that this rank owns: the same object until some of the area change."""
        whole = self._thresholds[area]
        if self._own_thresholds[area][0] is not whole:
            self._own_thresholds[area] = whole, self._owned[area].thresholds(whole)
        return self._own_thresholds[area][1]

    def _agreed(self, selections: Sequence[Selection], offers: Offers) -> dict[int, Won]:
        """Return the winners of areas, from the candidates of all ranks."""
        inputs, fibers = dict(selections), self.program.fibers
        begun, apart = perf_counter(), self._exchange.traffic.seconds
        won = self._exchange.winners(
            {area: offers.won.get(area, _NO_OFFER) for area, _ in selections},
            lambda area: input_tag((fibers[f].graph.key, self._fired(f)) for f in inputs[area]),
        )
        for area in self._choosing.keys() & won.keys():
            won[area] = self._those_that_fire(area, won[area])
        spent = self._exchange.traffic.seconds - apart
        self._seconds["communicate"] += spent
        self._seconds["select"] += perf_counter() - begun - spent
        return won

    def _learn(self, events: Sequence[Event], drives: Mapping[int, Any]) -> None:
        mine = [each for each in map(self._own_event, events) if each is not None]
        if mine:
            self._runner.learn(mine, drives)

    def _own_event(self, event: Event) -> Event | None:
        """Return what of an event concerns this rank, ``None`` if nothing does."""
        fiber = self.program.fibers[event.fiber]
        own = self._owned[fiber.target]
        won, lost = own.own(event.won), own.own(event.lost)
        losers = fiber.depression is not None and fiber.depression.losers
        depresses = event.depresses and len(own) > 0 and (losers or len(lost) > 0)
        if not depresses and not len(won):
            return None
        return event._replace(won=won, lost=lost, depresses=depresses)

    def transmissions(self, fiber: int) -> Integers:
        # A rank that owns none of the target has counted nothing; all others have counted the same.
        return np.asarray(np.maximum.reduce(self._comm.allgather(self._runner.transmissions(fiber))))

    def row(self, fiber: int, pre: int) -> Neurons:
        return row_targets(self.program.fibers[fiber].graph, pre)

    def _read_weights(self, fiber: int) -> Synapses:
        return merged(self._comm.allgather(self._own_synapses(fiber)))

    def read_own(self, kind: StateKind, owner: int) -> Any:
        return self._own_synapses(owner) if kind is WEIGHTS else self.read(kind, owner)

    def existing(self, fiber: int, pre: Neurons, post: Neurons) -> npt.NDArray[np.bool_]:
        own = self._owned[self.program.fibers[fiber].target]
        if len(post) and own.first <= post.min() and post.max() < own.end:  # its share draws them, maybe faster
            return self._runner.existing(fiber, pre, post - own.first)
        return super().existing(fiber, pre, post)

    def _own_synapses(self, fiber: int) -> Synapses:
        """Return the stored synapses that end in the range of this rank, with the numbers of their neurons."""
        mine, own = self._runner.read_weights(fiber), self._owned[self.program.fibers[fiber].target]
        return Synapses(mine.pre, mine.post + own.first, mine.weight)

    def write(self, kind: StateKind, owner: int, value: Any) -> None:
        if self._runner.broken:
            self._runner.begin_again()
        super().write(kind, owner, value)

    def _write_weights(self, fiber: int, synapses: Synapses) -> None:
        own = self._owned[self.program.fibers[fiber].target]
        self._runner.write_weights(fiber, own.synapses(Synapses(*(np.asarray(column) for column in synapses))))

    def memory(self) -> Memory:
        """Return the bytes of this rank."""
        found = self._runner.memory()
        fibers = {
            fiber.name: {**found["fibers"][fiber.name], "trace": self._traces.nbytes(f), **self._message_bytes(f)}
            for f, fiber in enumerate(self.program.fibers)
        }
        areas = {
            area.name: _added(found["areas"][area.name], self._state_bytes(a))
            for a, area in enumerate(self.program.areas)
        }
        return {"fibers": fibers, "areas": areas, "shared": found["shared"]}

    def close(self) -> None:
        if self._vectors is not None:
            self._vectors.close()
        self._runner.close()


def _added(ours: Mapping[str, int], theirs: Mapping[str, int]) -> dict[str, int]:
    """Return the bytes of both by purpose, such as those of winners on a device and on the host."""
    return {purpose: ours.get(purpose, 0) + theirs.get(purpose, 0) for purpose in {**ours, **theirs}}
