"""The recordings of a simulator, and which rounds each of them receives."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from time import perf_counter
from typing import Any, Protocol

from brainsim.declare.area import Area
from brainsim.errors import DumpError, SimulationError
from brainsim.kernels.backend import Drained
from brainsim.kernels.law.weights import ONE
from brainsim.simulate.index import Index
from brainsim.simulate.recordings.recording import Drives, Winners


class Listener(Protocol):
    """A receiver of rounds: `Recording` keeps them in memory, `History` writes them to a file."""

    @property
    def areas(self) -> tuple[Area, ...]:
        """The areas whose winners it takes."""

    @property
    def has_drives(self) -> bool:
        """Whether it takes drives, too."""

    @property
    def stopped(self) -> bool:
        """Whether it has ended."""

    @property
    def every(self) -> int | None:
        """Largest number of rounds between deliveries; ``None`` for any number."""

    def append(self, winners: Mapping[str, Winners], drives: Mapping[str, Drives] | None = None) -> None:
        """Take one round."""

    def stop(self) -> None:
        """End."""


class Recorder:
    """Pass the winners of rounds, and their drives, to the active recordings.

    A recording receives the rounds of the probe in which it was started, or those outside of probes.
    """

    def __init__(self, index: Index) -> None:
        self._index = index
        self._recordings: list[tuple[int, Listener]] = []
        self.depth = 0
        self.seconds = 0.0

    def start(self, listener: Listener) -> None:
        """Add a recording, which receives the following rounds."""
        self._recordings.append((self.depth, listener))

    def listening(self) -> list[Listener]:
        """Return the recordings that receive the next round."""
        self._recordings = [(depth, recording) for depth, recording in self._recordings if not recording.stopped]
        return [recording for depth, recording in self._recordings if depth == self.depth]

    @property
    def recording(self) -> bool:
        """Whether a recording may be active."""
        return bool(self._recordings)

    def every(self, rounds: int) -> int:
        """Return after how many rounds, at most, they must be passed on, given the number to be run."""
        if not self._recordings:
            return rounds
        wanted = (recording.every for recording in self.listening())
        return min((every for every in wanted if every is not None), default=rounds)

    def areas(self) -> list[int]:
        """Return the areas whose winners must be noted in the next round."""
        return self._areas(self.listening()) if self._recordings else []

    def with_drives(self) -> list[int]:
        """Return the areas of these whose drives must be noted, too."""
        return self._areas(each for each in self.listening() if each.has_drives) if self._recordings else []

    def _areas(self, recordings: Iterable[Listener]) -> list[int]:
        return sorted({self._index.area(area) for recording in recordings for area in recording.areas})

    def take(self, drained: Drained) -> None:
        """Pass on what a backend noted.

        Raises
        ------
        DumpError
            If a recording cannot write to its file; all others have received everything.
        """
        if not drained.recorded:
            return
        begun = perf_counter()
        names = self._index.area_names
        listening = self.listening()
        wanted = any(recording.has_drives for recording in listening)
        rounds = drained.recorded_drives if wanted else [{}] * len(drained.recorded)
        failures: list[DumpError] = []
        for winners, drives in zip(drained.recorded, rounds, strict=True):
            fired = {names[area]: neurons for area, neurons in winners.items()}
            driven = {names[area]: amounts / ONE for area, amounts in drives.items()}
            for recording in listening:
                _append(failures, recording, fired, driven)
        self.seconds += perf_counter() - begun
        _raise(failures)

    def stop(self) -> None:
        """End the recordings that were started in the present probe, so that their files are whole."""
        failures: list[DumpError] = []
        for recording in self.listening():
            _try(failures, recording.stop)
        _raise(failures)

    def close(self) -> None:
        """End all recordings."""
        failures: list[DumpError] = []
        for _, recording in self._recordings:
            _try(failures, recording.stop)
        _raise(failures)


def _append(
    failures: list[DumpError], recording: Listener, fired: Mapping[str, Any], driven: Mapping[str, Any]
) -> None:
    try:
        if not recording.stopped:  # an earlier round may have ended it, if it could not be written
            _try(failures, recording.append, fired, driven)
    except SimulationError:
        if not recording.stopped:  # just now, by another thread
            raise


def _try(failures: list[DumpError], call: Callable[..., None], *arguments: Any) -> None:
    """Call, and keep an error for later, so that other recordings continue."""
    try:
        call(*arguments)
    except DumpError as error:
        failures.append(error)


def _raise(failures: list[DumpError]) -> None:
    if failures:
        raise failures[0]
