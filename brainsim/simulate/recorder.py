"""The recordings of a simulator: which rounds each of them sees."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from time import perf_counter
from typing import Any

from brainsim.declare.area import Area
from brainsim.errors import DeclarationError, SimulationError
from brainsim.kernels.backend import Drained
from brainsim.kernels.law.weights import ONE
from brainsim.simulate.index import Index
from brainsim.simulate.recording import Recording


class Recorder:
    """Passes the winners of rounds, and their drives, to the recordings that listen.

    A recording listens to the rounds of the probe that it was started in, or to those outside of probes.
    """

    def __init__(self, index: Index) -> None:
        self._index = index
        self._recordings: list[tuple[int, Recording]] = []
        self.depth = 0
        self.seconds = 0.0

    def start(self, areas: Sequence[Area], *, drives: bool = False) -> Recording:
        """Return a recording that sees the rounds from now on."""
        if not isinstance(drives, bool):
            raise DeclarationError(where="Simulator.record: drives", value=drives, allowed="True or False")
        recording = Recording(areas, drives=drives)
        self._recordings.append((self.depth, recording))
        return recording

    def listening(self) -> list[Recording]:
        """Return the recordings that see the next round."""
        self._recordings = [(depth, recording) for depth, recording in self._recordings if not recording.stopped]
        return [recording for depth, recording in self._recordings if depth == self.depth]

    def areas(self) -> list[int]:
        """Return the areas whose winners have to be noted in the next round."""
        return self._areas(self.listening()) if self._recordings else []

    def with_drives(self) -> list[int]:
        """Return those of them whose winners' drives have to be noted, too."""
        return self._areas(each for each in self.listening() if each.has_drives) if self._recordings else []

    def _areas(self, recordings: Iterable[Recording]) -> list[int]:
        return sorted({self._index.area(area) for recording in recordings for area in recording.areas})

    def take(self, drained: Drained) -> None:
        """Pass on what a backend noted."""
        if not drained.recorded:
            return
        begun = perf_counter()
        names = self._index.area_names
        listening = self.listening()
        wanted = any(recording.has_drives for recording in listening)
        rounds = drained.recorded_drives if wanted else [{}] * len(drained.recorded)
        for winners, drives in zip(drained.recorded, rounds, strict=True):
            fired = {names[area]: neurons for area, neurons in winners.items()}
            driven = {names[area]: amounts / ONE for area, amounts in drives.items()}
            for recording in listening:
                _append(recording, fired, driven)
        self.seconds += perf_counter() - begun

    def stop(self) -> None:
        """End the recordings that were started in the present probe."""
        for recording in self.listening():
            recording.stop()


def _append(recording: Recording, fired: Mapping[str, Any], driven: Mapping[str, Any]) -> None:
    try:
        recording.append(fired, driven)
    except SimulationError:
        if not recording.stopped:  # just now, by another thread
            raise
