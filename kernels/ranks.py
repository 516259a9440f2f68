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
from brainsim.kernels.shares import as_source, ranges, share
from brainsim.kernels.state import NO_FIRING, WEIGHTS, Neurons, Synapses, Thresholds, merged
from brainsim.kernels.state_kind import StateKind
from brainsim.kernels.vectors.engine import VectorEngine

Integers = npt.NDArray[np.int64]
_NONE = NO_FIRING.neurons
_NO_OFFER = Won(_NONE, _NONE, _NONE)


class RankBackend(HostBackend[Any]):
    """The backend of one rank, around a host backend for its share.

    All ranks make the same calls in the same order.  `read` of stored weights, and `transmissions`, gather from all
    ranks as a round does.

    Parameters
    ----------
    program, options : Program, Options
        Of the whole brain.
    comm : Comm
        The ranks.
    inner : type of HostBackend
        What runs the share of this rank.

    Raises
    ------
    BackendUnavailableError
        If there are more ranks than blocks.
    """

    def __init__(self, program: Program, options: Options, comm: Comm, inner: type[HostBackend[Any]]) -> None:
        self._inner_class = inner
        super().__init__(program, options)
        self.name = inner.name  # type: ignore[misc]  # that of what it wraps
        self.parts = inner.parts  # type: ignore[misc]
        self._comm = comm
        self._owned = ranges(program, comm.rank, comm.size)
        self._inner = inner(share(program, self._owned), options)
        self._exchange = Exchange(program, comm, self._owned)
        self._count = len(program.areas)
        self._not_sources = [_NONE] * self._count
        self._seconds["communicate"] = 0.0

    @property
    def traffic(self) -> Traffic:
        """What this rank has sent in rounds so far."""
        return self._exchange.traffic

    def vector_engine(self, program: Program, options: Options) -> VectorEngine:  # type: ignore[override]
        return self._inner_class.vector_engine(program, options)

    def _fire(self, plan: RoundPlan) -> tuple[dict[int, Won], dict[int, Any]]:
        self._inner.hear([*self._winners, *self._not_sources], self._passing)
        drives, offers = {}, {}
        selections = sorted(plan.selections)  # the order of the exchange must not depend on that of sets in a process
        for area, inputs in selections:
            if not len(self._owned[area]):
                offers[area] = _NO_OFFER
                continue
            begun = perf_counter()
            drives[area] = drive = self._project(area, inputs, self._thresholds[area])
            projected = perf_counter()
            offers[area] = self._select(area, drive)
            self._seconds["project"] += projected - begun
            self._seconds["select"] += perf_counter() - projected
        return self._agreed(selections, offers) if selections else {}, drives

    def _project(self, area: int, fibers: Sequence[int], thresholds: Thresholds) -> Any:
        return self._inner._project(self._count + area, fibers, self._owned[area].thresholds(thresholds))

    def _select(self, area: int, drive: Any) -> Won:
        """Return the candidates of this rank, counted from the first neuron of its range."""
        return self._inner._select(self._count + area, drive)

    def _agreed(self, selections: Sequence[Selection], offers: dict[int, Won]) -> dict[int, Won]:
        """Return the winners of areas, from the candidates of all ranks."""
        inputs, fibers = dict(selections), self.program.fibers
        begun, apart = perf_counter(), self._exchange.traffic.seconds
        won = self._exchange.winners(
            offers, lambda area: input_tag((fibers[f].graph.key, self._fired(f)) for f in inputs[area])
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
            self._inner._learn(mine, drives)

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
        return np.asarray(np.maximum.reduce(self._comm.allgather(self._inner.transmissions(fiber))))

    def row(self, fiber: int, pre: int) -> Neurons:
        return row_targets(self.program.fibers[fiber].graph, pre)

    def _read_weights(self, fiber: int) -> Synapses:
        return merged(self._comm.allgather(self._own_synapses(fiber)))

    def read_own(self, kind: StateKind, owner: int) -> Any:
        return self._own_synapses(owner) if kind is WEIGHTS else self.read(kind, owner)

    def existing(self, fiber: int, pre: Neurons, post: Neurons) -> npt.NDArray[np.bool_]:
        own = self._owned[self.program.fibers[fiber].target]
        if len(post) and own.first <= post.min() and post.max() < own.end:  # its share draws them, maybe faster
            return self._inner.existing(fiber, pre, post - own.first)
        return super().existing(fiber, pre, post)

    def _own_synapses(self, fiber: int) -> Synapses:
        """Return the stored synapses that end in the range of this rank, with the numbers of their neurons."""
        mine, own = self._inner._read_weights(fiber), self._owned[self.program.fibers[fiber].target]
        return Synapses(mine.pre, mine.post + own.first, mine.weight)

    def _write_weights(self, fiber: int, synapses: Synapses) -> None:
        own = self._owned[self.program.fibers[fiber].target]
        self._inner._write_weights(fiber, own.synapses(Synapses(*(np.asarray(column) for column in synapses))))

    def memory(self) -> Memory:
        """Return the bytes of this rank."""
        found = self._inner.memory()
        fibers = {
            fiber.name: {**found["fibers"][fiber.name], "trace": self._traces.nbytes(f), **self._message_bytes(f)}
            for f, fiber in enumerate(self.program.fibers)
        }
        index = {name: sizes.get("index", 0) for name, sizes in found["areas"].items()}
        areas = {
            area.name: {"index": index[area.name] + index[as_source(area)], **self._state_bytes(a)}
            for a, area in enumerate(self.program.areas)
        }
        return {"fibers": fibers, "areas": areas, "shared": found["shared"]}

    def close(self) -> None:
        self._inner.close()
        if self._vectors is not None:
            self._vectors.close()
