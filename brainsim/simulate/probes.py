"""Probes: rounds that learn nothing and leave no trace."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from brainsim.errors import SimulationError
from brainsim.simulate.recorder import Recorder
from brainsim.simulate.state import StateTable


class Probes:
    """Track whether a probe is running, and restore the state when it ends."""

    def __init__(self, table: StateTable, recorder: Recorder) -> None:
        self._table = table
        self._recorder = recorder
        self._depth = 0

    @property
    def active(self) -> bool:
        """Whether a probe is running, so that nothing may learn."""
        return self._depth > 0

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Switch learning off; at the end restore the state, except the record of what was used."""
        kept = self._table.kept()
        self._enter(1)
        try:
            yield
        finally:
            try:
                self._recorder.stop()  # which may fail to write
            finally:
                self._enter(-1)
                self._table.put_back(kept)

    def _enter(self, step: int) -> None:
        self._depth += step
        self._recorder.depth = self._depth

    def refuse(self, message: str) -> None:
        """Raise a `SimulationError` inside a probe."""
        if self.active:
            raise SimulationError(message)
