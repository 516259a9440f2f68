"""Recordings: the winners of chosen areas and their drives, round by round, with labels on the time axis."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from brainsim._arguments import checked
from brainsim.declare.area import Area
from brainsim.errors import SimulationError
from brainsim.simulate.notebook import recording_html
from brainsim.simulate.recordings.timeline import Mark, Timeline, mark_label, span

if TYPE_CHECKING:
    import neo

Winners = npt.NDArray[np.int64]
Drives = npt.NDArray[np.float64]


class Recorded(ABC):
    """The interface of every recording: in memory (`Recording`), being written to a file, or read from one.

    Each kind defines its axis and how its rounds are read; everything else follows from these.
    """

    _timeline: Timeline

    @property
    def areas(self) -> tuple[Area, ...]:
        """What is recorded."""
        return self._timeline.areas

    @property
    def has_drives(self) -> bool:
        """Whether the drives of the winners are recorded, too."""
        return self._timeline.has_drives

    @property
    def seed(self) -> int | None:
        """Seed of the simulator, ``None`` if it is not known."""
        return self._timeline.seed

    @property
    def marks(self) -> tuple[Mark, ...]:
        """Labels on the time axis, in order."""
        return tuple(self._timeline.marks)

    @abstractmethod
    def __len__(self) -> int:
        """Return the number of recorded rounds."""

    @abstractmethod
    def winners(self, area: Area | str, start: int = 0, stop: int | None = None) -> list[Winners]:
        """Return the winners of one area in the rounds ``[start:stop]``."""

    @abstractmethod
    def drives(self, area: Area | str, start: int = 0, stop: int | None = None) -> list[Drives]:
        """Return the drives of the winners of one area in the rounds ``[start:stop]``."""

    def support(self, area: Area | str) -> int:
        """Return how many different neurons of the area fired during the recording, which is read in pieces."""
        self._timeline.name(area)  # of a recording without rounds, too
        fired = np.empty(0, np.int64)
        for start, stop in pieces(self):
            fired = np.union1d(fired, np.concatenate([fired, *self.winners(area, start, stop)]))
        return len(fired)

    def to_neo(self, *, dt_ms: float = 1.0) -> neo.Block:
        """Return a ``neo.Block`` with a spike train for each neuron that fired; see `brainsim.export.to_neo`."""
        from brainsim.simulate.export.neo_block import to_neo

        return to_neo(self, dt_ms=dt_ms)

    def __repr__(self) -> str:
        names = ", ".join(area.name for area in self.areas)
        return f"<{type(self).__name__} of {names}: {len(self)} rounds, {len(self.marks)} marks>"

    def _repr_html_(self) -> str:
        return recording_html(self)


class Recording(Recorded):
    """Winners of some areas over the rounds since the recording began; made by `Simulator.record`.

    Attributes
    ----------
    areas : tuple of Area
        What is recorded.
    marks : tuple of Mark
        Labels on the time axis, in order.
    has_drives : bool
        Whether the drives of the winners are recorded, too.
    seed : int or None
        Seed of the simulator, ``None`` if it is not known.
    """

    every = None
    """A recording in memory takes rounds at any time."""

    @checked()
    def __init__(self, areas: Sequence[Area], *, drives: bool = False, seed: int | None = None) -> None:
        self._timeline = Timeline(areas, drives=drives, seed=seed)
        self._rounds: list[dict[str, Winners]] = []
        self._drives: list[dict[str, Drives]] = []
        self._stopped = False

    def __len__(self) -> int:
        """Return the number of recorded rounds."""
        return len(self._rounds)

    @property
    def stopped(self) -> bool:
        """Whether the recording has ended."""
        return self._stopped

    @checked()
    def mark(self, label: str) -> None:
        """Label the rounds that follow, by any text of at most 32 KiB.

        Raises
        ------
        DeclarationError
            If it is not such a text.
        """
        self._timeline.marks.append(Mark(len(self), mark_label(label)))

    def stop(self) -> None:
        """End the recording; what has been recorded stays."""
        self._stopped = True

    def append(self, winners: Mapping[str, Winners], drives: Mapping[str, Drives] | None = None) -> None:
        """Add one round: ascending winners by area name, and their drives if it has any (the simulator does this).

        Raises
        ------
        SimulationError
            If the recording has been stopped.
        DeclarationError
            If an area is missing.
        """
        if self._stopped:
            raise SimulationError("Recording: has been stopped; start another with sim.record(...)")
        won = self._timeline.of_areas("winners", winners)
        if self.has_drives:
            self._drives.append(self._timeline.of_areas("drives", drives))
        # Last, because it defines the number of rounds: another thread that reads finds complete rounds.
        self._rounds.append(won)

    @checked()
    def winners(self, area: Area | str, start: int = 0, stop: int | None = None) -> list[Winners]:
        """Return the winners of one area, an ascending int64 array per recorded round.

        Parameters
        ----------
        area : Area or str
            Which area.
        start, stop : int, optional
            The rounds ``[start:stop]`` of the recording, as in a slice of a list; all by default.
        """
        name = self._timeline.name(area)
        first, end = span(len(self), start, stop)
        return [winners[name] for winners in self._rounds[first:end]]

    @checked()
    def drives(self, area: Area | str, start: int = 0, stop: int | None = None) -> list[Drives]:
        """Return the drives with which the winners of one area won, a float64 array per recorded round.

        They have the order of `winners` and the unit of the weight 1, with thresholds subtracted.  Presented neurons
        have 0; winners that an area keeps also keep their drives.

        Parameters
        ----------
        area : Area or str
            Which area.
        start, stop : int, optional
            The rounds ``[start:stop]`` of the recording, as in a slice of a list; all by default.

        Raises
        ------
        SimulationError
            If drives are not recorded.
        """
        name = self._timeline.with_drives(area)
        first, end = span(len(self), start, stop)
        return [drives[name] for drives in self._drives[first:end]]


_WINNERS_A_PIECE = 2**20


def pieces(recorded: Recorded) -> list[tuple[int, int]]:
    """Return rounds ``(start, stop)`` that cover a recording, each piece small enough for any memory."""
    length = len(recorded)
    step = max(1, _WINNERS_A_PIECE // max(area.k for area in recorded.areas))
    return [(start, min(start + step, length)) for start in range(0, length, step)]
