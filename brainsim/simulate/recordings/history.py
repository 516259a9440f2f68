"""Histories: recordings in a file, written while the simulation runs."""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from brainsim._arguments import checked
from brainsim._validation import count, integer
from brainsim.declare.area import Area
from brainsim.errors import DeclarationError, DumpError, SimulationError
from brainsim.simulate.hdf5.places import file_path
from brainsim.simulate.recordings.appender import Appender
from brainsim.simulate.recordings.recording import Drives, Recorded, Winners
from brainsim.simulate.recordings.timeline import Mark, Timeline, span

EVERY = 100


class History(Recorded):
    """Winners of some areas since the recording began, in a file; made by ``Simulator.record(..., to="file.h5")``.

    The rounds since the last flush are in memory, all others in the file, where other processes can read them
    (`brainsim.dumps.open_recordings`).  A process that is killed loses only the rounds in memory.

    Attributes
    ----------
    path : Path
        The file.
    every : int
        After how many rounds they are flushed to the file.
    flushed : int
        Rounds that are in the file.
    areas : tuple of Area
        What is recorded.
    marks : tuple of Mark
        Labels on the time axis, in order.
    has_drives : bool
        Whether the drives of the winners are recorded, too.
    seed : int or None
        Seed of the simulator.
    stopped : bool
        Whether the recording has ended, so that the file is closed.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     history = sim.record(lex, to=f"{folder}/lex.h5", every=5)
    ...     sim.present(phon["dog"])
    ...     _ = sim.run(phon >> lex, rounds=12)
    ...     history.stop()
    ...     len(history), len(history.winners(lex, -2))
    (12, 2)
    """

    def __init__(self, path: str | Path, every: int, like: Timeline) -> None:
        if not isinstance(like, Timeline):
            raise DeclarationError(where="History: like", value=like, allowed="a Timeline; use sim.record(to=...)")
        self.path = file_path(path, "written")
        self.every = integer("History: every", every, 1, None)
        self._timeline = like
        self._appender = Appender(self.path, self.every, like)
        # If a simulator is deleted, or not closed when Python ends, its rounds in memory must still be written.
        self._finalizer = weakref.finalize(self, self._appender.drop)

    def __len__(self) -> int:
        """Return the number of recorded rounds."""
        return self.flushed + len(self._appender.late)

    @property
    def flushed(self) -> int:
        """Rounds that are in the file."""
        return self._appender.flushed

    @property
    def marks(self) -> tuple[Mark, ...]:
        """Labels on the time axis, in order."""
        with self._appender.reading() as stored:
            late = self._appender.late.marks
            return (*stored.marks, *(Mark(self.flushed + mark.round, mark.label) for mark in late))

    @property
    def stopped(self) -> bool:
        """Whether the recording has ended."""
        return self._appender.closed

    @checked()
    def mark(self, label: str) -> None:
        """Label the rounds that follow; the label is flushed with them."""
        self._check_open()
        self._appender.mark(label)

    def flush(self) -> None:
        """Write the rounds in memory to the file now.

        Raises
        ------
        DumpError
            If the file cannot be written any further; then the recording has ended.
        """
        self._appender.flush()

    def stop(self) -> None:
        """End the recording; the file is closed and sealed.

        Raises
        ------
        DumpError
            If the last rounds cannot be written.
        """
        self._appender.close()

    def append(self, winners: Mapping[str, Winners], drives: Mapping[str, Drives] | None = None) -> None:
        """Add one round: ascending winners by area name, and their drives if it has any (the simulator does this)."""
        self._check_open()
        self._appender.append(winners, drives)

    def _check_open(self) -> None:
        if self.stopped:
            raise SimulationError(f"{self.path}: the history has been stopped; start another with sim.record(...)")

    @checked()
    def winners(self, area: Area | str, start: int = 0, stop: int | None = None) -> list[Winners]:
        """Return the winners of one area, an ascending int64 array per recorded round, read from the file.

        Parameters
        ----------
        area : Area or str
            Which area.
        start, stop : int, optional
            The rounds ``[start:stop]`` of the history, as in a slice of a list; all by default.

        Raises
        ------
        DumpError
            If the file has changed since it was written.
        """
        name = self._timeline.name(area)
        with self._appender.reading() as stored:
            early, late = self._split(start, stop)
            return stored.winners(name, *early) + self._appender.late.winners(name, *late)

    @checked()
    def drives(self, area: Area | str, start: int = 0, stop: int | None = None) -> list[Drives]:
        """Return the drives with which the winners of one area won; see `Recording.drives` and `winners`."""
        name = self._timeline.with_drives(area)
        with self._appender.reading() as stored:
            early, late = self._split(start, stop)
            return stored.drives(name, *early) + self._appender.late.drives(name, *late)

    def _split(self, start: int, stop: int | None) -> tuple[tuple[int, int], tuple[int, int]]:
        """Return which of some rounds are in the file, and which of those that are not."""
        first, end = span(len(self), start, stop)
        flushed = self.flushed
        return (min(first, flushed), min(end, flushed)), (max(first - flushed, 0), max(end - flushed, 0))

    @contextmanager
    def reading(self) -> Iterator[Recorded]:
        """Yield the history for reading it in pieces; a closed file is opened and verified once."""
        with self._appender.reading() as stored:
            yield stored if self.stopped and not len(self._appender.late) else self

    def support(self, area: Area | str) -> int:
        """Return how many different neurons of the area fired during the recording."""
        with self.reading() as recorded:
            return super().support(area) if recorded is self else recorded.support(area)


def start(areas: Sequence[Area], seed: int, *, drives: bool, path: object, every: object, overwrite: object) -> History:
    """Return a history in a new file.

    Raises
    ------
    DeclarationError
        If ``every`` is no number of rounds, or ``overwrite`` no truth value.
    DumpError
        If the path is none, exists and is not to be overwritten, or cannot be written.
    """
    rounds = count("Simulator.record: every", EVERY if every is None else every, 1)
    if not isinstance(overwrite, bool):
        raise DeclarationError(where="Simulator.record: overwrite", value=overwrite, allowed="True or False")
    place = file_path(path, "written")
    if place.exists() and not overwrite:
        raise DumpError(f"{place}: exists already; choose another path, or replace the file with overwrite=True")
    return History(place, rounds, Timeline(areas, drives=drives, seed=seed))
