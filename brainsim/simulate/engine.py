"""A backend in use: it refuses calls once it is closed or broken, and translates errors."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from brainsim.errors import BackendError, BackendMemoryError, SimulationError
from brainsim.kernels.backend import Backend, Drained, Memory
from brainsim.kernels.comm import Traffic
from brainsim.kernels.errors import DeviceMemoryError, KernelError
from brainsim.kernels.interrupts import uninterrupted
from brainsim.kernels.program import Program
from brainsim.kernels.round_plan import RoundPlan
from brainsim.kernels.state import WINNERS, Floats, Neurons
from brainsim.kernels.state_kind import StateKind
from brainsim.simulate.company import ALONE, Company

T = TypeVar("T")


@contextmanager
def named_errors() -> Iterator[None]:
    """Translate the errors of a backend into errors of the public API."""
    try:
        yield
    except KernelError as error:
        raise _named(error) from error


def _named(error: KernelError) -> BackendError | BackendMemoryError:
    return BackendMemoryError(str(error)) if isinstance(error, DeviceMemoryError) else BackendError(str(error))


class Engine:
    """Pass calls to a backend that is open and consistent.

    Attributes
    ----------
    program : Program
        The brain.
    company : Company
        The ranks that run it.

    Raises
    ------
    SimulationError
        By every call but `close`, once the backend is closed, or a round or a load failed half-way.
    BackendError, BackendMemoryError
        Where the backend fails.
    """

    def __init__(self, backend: Backend, company: Company = ALONE) -> None:
        self._backend: Backend | None = backend
        self.program: Program = backend.program
        self.company = company

    @property
    def closed(self) -> bool:
        """Whether the backend has been freed."""
        return self._backend is None

    @property
    def usable(self) -> bool:
        """Whether the backend is open and consistent."""
        return self._backend is not None and not self._backend.broken

    def check_open(self) -> None:
        """Refuse calls that would have no effect on a closed simulator."""
        self._open()

    def _sound(self) -> Backend:
        backend = self._open()
        if backend.broken:
            raise SimulationError(
                "Simulator: a round failed half-way through learning, or a load did; "
                "load a saved state or build a new one"
            )
        return backend

    def _open(self) -> Backend:
        if self._backend is None:
            raise SimulationError("Simulator: is closed; build a new one")
        return self._backend

    def _call(self, method: Callable[..., T], *arguments: Any) -> T:
        try:
            return method(*arguments)
        except KernelError as error:
            raise _named(error) from error

    def run(self, plan: RoundPlan, record: Sequence[int], drives: Collection[int] = ()) -> None:
        """Run one round, and note the winners of some areas, and optionally their drives."""
        self._call(self._sound().run, plan, record, drives)

    def reinforce(self, rates: Mapping[int, int]) -> None:
        """Apply the rules of fibers to the events of their traces: of all, or the backend is broken."""
        backend, done = self._sound(), 0
        with uninterrupted():
            try:
                for fiber, rate in rates.items():
                    self._call(backend.reinforce, fiber, rate)
                    done += 1
            except BaseException:
                backend.broken = backend.broken or done > 0
                raise

    def transmissions(self, fiber: int) -> npt.NDArray[np.int64]:
        """Return how often each source neuron of a fiber has transmitted so far."""
        return self._call(self._sound().transmissions, fiber)

    def sent(self, fiber: int) -> tuple[Floats, Neurons]:
        """Return the signal of the active nodes of a fiber with messages, and the number of its edges."""
        return self._call(self._sound().sent, fiber)

    def drain(self) -> Drained:
        """Return the events since the last call; also after a round that failed."""
        return self._call(self._open().drain)

    def read(self, kind: StateKind, owner: int) -> Any:
        """Return a value of the state."""
        return self._call(self._sound().read, kind, owner)

    def read_own(self, kind: StateKind, owner: int) -> Any:
        """Return a value of the state, of stored synapses those that end in the range of this rank."""
        return self._call(self._sound().read_own, kind, owner)

    def read_all(self, owners: Sequence[tuple[StateKind, int]]) -> list[Any]:
        """Return the values of several kinds and owners."""
        read = self._sound().read
        with named_errors():
            return [read(kind, owner) for kind, owner in owners]

    def fires(self, area: int) -> bool:
        """Return whether any neuron of an area fires."""
        return len(self.read(WINNERS, area).neurons) > 0

    def write(self, kind: StateKind, owner: int, value: Any) -> None:
        """Replace a value of the state."""
        self._call(self._sound().write, kind, owner, value)

    def write_all(self, values: Sequence[tuple[StateKind, int, Any]]) -> None:
        """Replace the whole state; if that fails half-way, the backend stays broken until it succeeds."""
        backend = self._open()
        with uninterrupted():
            backend.broken = True
            for kind, owner, value in values:
                self._call(backend.write, kind, owner, value)
            backend.broken = False

    def row(self, fiber: int, pre: int) -> Neurons:
        """Return the targets of a neuron in the graph of a fiber."""
        return self._call(self._sound().row, fiber, pre)

    def existing(self, fiber: int, pre: Neurons, post: Neurons) -> npt.NDArray[np.bool_]:
        """Return which of some synapses, sorted, are in the random graph of a fiber; also after a round that failed."""
        return self._call(self._open().existing, fiber, pre, post)

    def memory(self) -> Memory:
        """Return the bytes that the backend holds."""
        return self._call(self._sound().memory)

    def seconds(self) -> dict[str, float]:
        """Return the seconds spent in each phase so far."""
        with named_errors():
            return self._sound().seconds

    @property
    def traffic(self) -> Traffic:
        """What was sent to other ranks in rounds so far."""
        return self._sound().traffic

    @property
    def forks(self) -> bool:
        """Whether the backend can be used in a forked process."""
        return self._open().forks

    def close(self, *, free: bool = True) -> None:
        """Free the backend and drop it."""
        backend, self._backend = self._backend, None
        if backend is not None:
            self.company.add(backend.traffic)
        if backend is not None and free:
            backend.close()
