"""Reports of areas that never fired and fibers that were never opened: a warning, or collected over a whole run."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

from brainsim.errors import UnusedWarning
from brainsim.simulate.silence import callers_outside


class Usage:
    """The parts that no simulation of a run used."""

    def __init__(self) -> None:
        self._common: dict[str, None] | None = None

    def add(self, unused: Sequence[str]) -> None:
        """Add the report of one simulation."""
        before = self._common
        self._common = {line: None for line in unused if before is None or line in before}

    def merge(self, other: Usage) -> None:
        """Add the reports of another collector, for example of another process."""
        if other._common is not None:
            self.add(tuple(other._common))

    @property
    def unused(self) -> tuple[str, ...]:
        """One line for each area and fiber that no simulation used."""
        return tuple(self._common or ())


_collector: ContextVar[Usage | None] = ContextVar("brainsim_usage", default=None)


@contextmanager
def collected() -> Iterator[Usage]:
    """Collect the reports of all simulations closed inside, instead of warning about each."""
    usage = Usage()
    token = _collector.set(usage)
    try:
        yield usage
    finally:
        _collector.reset(token)


def collector() -> Usage | None:
    """Return the active collector, if any."""
    return _collector.get()


def report(unused: Sequence[str]) -> None:
    """Deliver the report of one simulation; outside `collected`, warn if it is not empty."""
    usage = _collector.get()
    if usage is not None:
        usage.add(unused)
    elif unused:
        warnings.warn("; ".join(unused), UnusedWarning, stacklevel=callers_outside())
