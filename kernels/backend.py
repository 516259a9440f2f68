"""The interface that every backend implements, and the order of a round, which is the same for all of them."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # conversions to enums in `signal` take longer than a small kernel
import signal
import threading
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from time import perf_counter
from types import FrameType
from typing import ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from brainsim.kernels.spec import BrainSpec, Options

Neurons = npt.NDArray[np.int64]


Memory = dict[str, dict[str, dict[str, int]]]

_SIGINT = int(signal.SIGINT)

PHASES = ("project", "select", "learn")


class Synapses(NamedTuple):
    """Learned synapses of one fiber, sorted by ``(pre, post)``; ``weight`` is in fixed point."""

    pre: npt.NDArray[np.int64]
    post: npt.NDArray[np.int64]
    weight: npt.NDArray[np.int64]


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Let Ctrl-C wait until the block is over (in the main thread, the only one that it reaches)."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    pending: list[tuple[int, FrameType | None]] = []
    before = _signal.getsignal(_SIGINT)
    if before is None:  # set by another language, and could not be put back
        yield
        return
    _signal.signal(_SIGINT, lambda number, frame: pending.append((number, frame)))
    try:
        yield
    finally:
        _signal.signal(_SIGINT, before)
        if pending and callable(before):
            before(*pending[0])
        elif pending and before == signal.SIG_DFL:
            signal.raise_signal(_SIGINT)


def _same(ours: Neurons, theirs: Neurons) -> bool:
    return ours is theirs or ours.tobytes() == theirs.tobytes()  # ten times faster than comparing arrays


class Backend(ABC):
    """A simulated brain: the winners of every area and the learned weights of every fiber.

    Areas and fibers are named by their index in the `BrainSpec`.  Winners are ascending neuron indices.  Everything a
    backend computes is determined by the spec and the calls made; the options change speed and memory only.
    ``seconds`` says how long each phase of all rounds so far took.
    """

    name: ClassVar[str]

    def __init__(self, spec: BrainSpec, options: Options) -> None:
        self.spec = spec
        self.options = options
        self.broken = False
        self.seconds = dict.fromkeys(PHASES, 0.0)
        self._winners: list[Neurons] = [np.empty(0, np.int64) for _ in spec.areas]

    def winners(self, area: int) -> Neurons:
        """Return the neurons of ``area`` that fired last, ascending (a copy)."""
        return self._winners[area].copy()

    def firing(self, area: int) -> int:
        """Return how many neurons of ``area`` fire."""
        return len(self._winners[area])

    def set_winners(self, area: int, neurons: npt.ArrayLike) -> None:
        """Make ``neurons`` (ascending, distinct, in range) the firing neurons of ``area``."""
        self._winners[area] = np.array(neurons, dtype=np.int64)

    def round(self, open_fibers: Sequence[int], fixed: Collection[int], *, learn: bool) -> bool:
        """Run one round: project, select, learn; then all areas move to their new winners together.

        A round happens whole or not at all: once learning has begun, an interruption waits.  If learning fails for
        another reason (memory), ``broken`` is set, and the weights are those of no moment until they are all set anew.

        Parameters
        ----------
        open_fibers : sequence of int
            Fibers that transmit in this round.
        fixed : collection of int
            Areas whose winners stay (held stimuli), although open fibers may reach them.
        learn : bool
            Whether open plastic fibers are strengthened.

        Returns
        -------
        bool
            Whether no area changed its winners.
        """
        self._end_round()  # an interruption may have come in the way of the last one's
        try:
            after = self._fire(open_fibers, fixed)
            with uninterrupted():
                self.broken = True
                if learn:
                    begun = perf_counter()
                    self._strengthen([f for f in open_fibers if self._learns(f, after)], after)
                    self.seconds["learn"] += perf_counter() - begun
                stable = all(map(_same, self._winners, after))
                self._winners = after
                self.broken = False
        finally:
            self._end_round()
        return stable

    def _fire(self, open_fibers: Sequence[int], fixed: Collection[int]) -> list[Neurons]:
        """Return the winners of every area after the round; changes no state."""
        after = list(self._winners)
        for area in dict.fromkeys(self.spec.fibers[f].target for f in open_fibers):
            if area not in fixed:
                begun = perf_counter()
                self._project(area, [f for f in open_fibers if self.spec.fibers[f].target == area])
                projected = perf_counter()
                after[area] = self._select(area)
                self.seconds["project"] += projected - begun
                self.seconds["select"] += perf_counter() - projected
        return after

    def _learns(self, f: int, after: Sequence[Neurons]) -> bool:
        """Return whether a fiber has a rule, neurons that fired and winners."""
        fiber = self.spec.fibers[f]
        return fiber.learns and len(self._winners[fiber.source]) > 0 and len(after[fiber.target]) > 0

    @abstractmethod
    def _project(self, area: int, fibers: Sequence[int]) -> None:
        """Sum the weights from the firing neurons of the fibers' sources into the drive of ``area``."""

    @abstractmethod
    def _select(self, area: int) -> Neurons:
        """Return the ``k`` most driven neurons of ``area``: ties to the lowest index, none with zero drive."""

    @abstractmethod
    def _strengthen(self, fibers: Sequence[int], after: Sequence[Neurons]) -> None:
        """Apply the updates of some fibers to every existing synapse from a neuron that fired to one that has won.

        ``after`` has the winners of every area; none of the fibers' sources was silent, and none of their targets is.
        """

    def _end_round(self) -> None:  # noqa: B027 - most backends keep nothing
        """Drop what was kept only for the round."""

    @abstractmethod
    def row(self, fiber: int, pre: int) -> Neurons:
        """Return the targets of neuron ``pre``, ascending."""

    @abstractmethod
    def learned(self, fiber: int) -> Synapses:
        """Return the learned synapses of a fiber."""

    @abstractmethod
    def set_learned(self, fiber: int, synapses: Synapses) -> None:
        """Replace the learned synapses of a fiber; ``synapses`` is sorted by ``(pre, post)``."""

    @abstractmethod
    def memory(self) -> Memory:
        """Return bytes allocated between rounds: ``{"fibers" | "areas" | "shared": {name: {purpose: bytes}}}``."""

    @abstractmethod
    def close(self) -> None:
        """Free what the backend holds; it cannot be used afterwards."""
