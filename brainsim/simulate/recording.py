"""Recordings: the winners of chosen areas and their drives, round by round, with labels on the time axis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from brainsim.declare.area import Area
from brainsim.errors import SimulationError, UnknownNameError, unknown


@dataclass(frozen=True)
class Mark:
    """A label on the time axis: it holds from ``round`` (0 is the first recorded one) until the next mark."""

    round: int
    label: str


class Recording:
    """Winners of some areas over the rounds since the recording began; made by `Simulator.record`.

    Attributes
    ----------
    areas : tuple of Area
        What is recorded.
    marks : tuple of Mark
        Labels on the time axis, in order.
    has_drives : bool
        Whether the drives of the winners are recorded, too.
    """

    def __init__(self, areas: Sequence[Area], *, drives: bool = False) -> None:
        self.areas = tuple(areas)
        self.has_drives = drives
        self._rounds: list[dict[str, npt.NDArray[np.int64]]] = []
        self._drives: list[dict[str, npt.NDArray[np.float64]]] = []
        self._marks: list[Mark] = []
        self._stopped = False

    def __len__(self) -> int:
        """Return the number of recorded rounds."""
        return len(self._rounds)

    @property
    def marks(self) -> tuple[Mark, ...]:
        """Labels on the time axis, in order."""
        return tuple(self._marks)

    @property
    def stopped(self) -> bool:
        """Whether the recording has ended."""
        return self._stopped

    def mark(self, label: str) -> None:
        """Label the rounds that follow."""
        self._marks.append(Mark(len(self), label))

    def stop(self) -> None:
        """End the recording; what has been recorded stays."""
        self._stopped = True

    def append(
        self, winners: Mapping[str, npt.NDArray[np.int64]], drives: Mapping[str, npt.NDArray[np.float64]] | None = None
    ) -> None:
        """Add one round: ascending winners by area name, and their drives if it has any (the simulator does this)."""
        if self._stopped:
            raise SimulationError("Recording: has been stopped; start another with sim.record(...)")
        if self.has_drives:
            self._drives.append({area.name: (drives or {})[area.name] for area in self.areas})
        # Last, since it counts: another thread that reads meanwhile finds whole rounds.
        self._rounds.append({area.name: winners[area.name] for area in self.areas})

    def winners(self, area: Area | str) -> list[npt.NDArray[np.int64]]:
        """Return the winners of one area, an ascending int64 array per recorded round."""
        name = self._name(area)
        return [winners[name] for winners in self._rounds]

    def drives(self, area: Area | str) -> list[npt.NDArray[np.float64]]:
        """Return the drives with which the winners of one area won, a float64 array per recorded round.

        They stand in the order of `winners`, in units of the weight 1, with thresholds subtracted.  Neurons that have
        not won, because they were presented, have 0; those of an area that keeps its winners keep their drives.

        Raises
        ------
        SimulationError
            If drives are not recorded.
        """
        name = self._name(area)
        if not self.has_drives:
            raise SimulationError("Recording: has no drives; start it with sim.record(area, drives=True)")
        return [drives[name] for drives in self._drives[: len(self)]]

    def _name(self, area: Area | str) -> str:
        name = area if isinstance(area, str) else area.name
        known = [own.name for own in self.areas]
        if name not in known:
            raise UnknownNameError(f"Recording: {unknown('area', name, known)}")
        return name

    def support(self, area: Area | str) -> int:
        """Return how many different neurons of the area fired during the recording."""
        rounds = self.winners(area)
        return len(np.unique(np.concatenate(rounds))) if rounds else 0

    def __repr__(self) -> str:
        return f"<Recording of {', '.join(a.name for a in self.areas)}: {len(self)} rounds, {len(self._marks)} marks>"
