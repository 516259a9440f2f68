"""The interface that every backend implements."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # conversions to enums in `signal` take longer than a small kernel
import signal
import threading
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from brainsim.kernels.program import Options, Program

Neurons = npt.NDArray[np.int64]


Memory = dict[str, dict[str, dict[str, int]]]

_SIGINT = int(signal.SIGINT)

PHASES = ("project", "select", "learn")


class Synapses(NamedTuple):
    """Learned synapses of one fiber, sorted by ``(pre, post)``; ``weight`` is in fixed point."""

    pre: npt.NDArray[np.int64]
    post: npt.NDArray[np.int64]
    weight: npt.NDArray[np.int64]


class Thresholds(NamedTuple):
    """What is subtracted from the drives of some neurons of an area, ascending; ``amount`` is in fixed point.

    Of the others nothing is subtracted, and from nobody ``2**62`` or more.
    """

    neurons: npt.NDArray[np.int64]
    amount: npt.NDArray[np.int64]


NO_SYNAPSES = Synapses(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.int64))
NO_THRESHOLDS = Thresholds(np.empty(0, np.int64), np.empty(0, np.int64))


def without_zeros(thresholds: Thresholds) -> Thresholds:
    """Return the thresholds that are not 0, as every backend keeps them: the very same, if all are."""
    if thresholds.amount.all():
        return thresholds
    kept = thresholds.amount != 0
    return Thresholds(thresholds.neurons[kept], thresholds.amount[kept])


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


class Backend(ABC):
    """A simulated brain: the winners of every area and the learned weights of every fiber.

    Areas and fibers are named by their index in the `Program`.  Winners are ascending neuron indices.  Everything a
    backend computes is determined by the program and the calls made; the options change speed and memory only.

    Rounds may be run later than they are asked for; whoever looks waits for them.  If one fails half-way (memory),
    ``broken`` is set, and the state is that of no moment until it is all set anew.
    """

    name: ClassVar[str]

    def __init__(self, program: Program, options: Options) -> None:
        self.program = program
        self.options = options
        self.broken = False

    @abstractmethod
    def winners(self, area: int) -> Neurons:
        """Return the neurons of ``area`` that fired last, ascending (a copy)."""

    @abstractmethod
    def set_winners(self, area: int, neurons: npt.ArrayLike) -> None:
        """Make ``neurons`` (ascending, distinct, in range) the firing neurons of ``area``."""

    @abstractmethod
    def round(self, open_fibers: Sequence[int], fixed: Collection[int], *, learn: bool) -> None:
        """Run one round: project, select, learn; then all areas move to their new winners together.

        The ``k`` neurons of an area win whose summed weights exceed their thresholds by most, if by anything.  Where
        the area refracts, learning also raises the thresholds of those that have won (`fixed_point.raised`).

        A round happens whole or not at all; an interruption waits until it is whole.

        Parameters
        ----------
        open_fibers : sequence of int
            Fibers that transmit in this round.
        fixed : collection of int
            Areas whose winners stay (held stimuli), although open fibers may reach them.
        learn : bool
            Whether open plastic fibers are strengthened.
        """

    @abstractmethod
    def stable(self) -> bool:
        """Return whether the last round changed no winner of any area."""

    @abstractmethod
    def fired(self) -> set[int]:
        """Return the areas that selected winners, and had any, in some round since this was last asked."""

    @abstractmethod
    def record(self, areas: Sequence[int]) -> None:
        """Note the winners that these areas have now."""

    @abstractmethod
    def recorded(self) -> list[dict[int, Neurons]]:
        """Return the winners by area of every `record` since this was last asked, which are then forgotten."""

    @property
    @abstractmethod
    def seconds(self) -> dict[str, float]:
        """How long each of the `PHASES` took, over all rounds so far."""

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
    def thresholds(self, area: int) -> Thresholds:
        """Return the thresholds of an area that are not 0."""

    @abstractmethod
    def set_thresholds(self, area: int, thresholds: Thresholds) -> None:
        """Replace the thresholds of an area; amounts of 0 are none."""

    @abstractmethod
    def memory(self) -> Memory:
        """Return bytes allocated between rounds: ``{"fibers" | "areas" | "shared": {name: {purpose: bytes}}}``."""

    @abstractmethod
    def close(self) -> None:
        """Free what the backend holds; it cannot be used afterwards."""
