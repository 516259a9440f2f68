"""Recordings of a part of a run that continue after an interruption."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from brainsim.errors import RunFolderError
from brainsim.studies.folders import writing

if TYPE_CHECKING:
    from brainsim.declare.area import Area
    from brainsim.simulate.recordings.history import History
    from brainsim.simulate.recordings.stored import StoredRecording
    from brainsim.simulate.simulator import Simulator

Place = tuple[int, int]
"""Number of rounds and of marks of a recording."""

_CURE = "delete the checkpoint of the part (parts/<key>.h5), and resume: the part begins again"


@dataclass
class Lasting:
    """A recording of all rounds of a part, in segments while it runs; made by ``Part.record``.

    A segment is a history that begins with the part, or with a checkpoint from which the part was continued.  It holds
    at least all rounds up to the next checkpoint, since `flush` precedes each checkpoint.  Rounds after the checkpoint
    that was continued are repeated in the next segment, and left out in the result.

    Attributes
    ----------
    path : Path
        The file of the whole recording.
    begin : tuple of two int
        Rounds and marks before the present segment.
    """

    path: Path
    begin: Place
    _stem: Path
    _history: History

    @classmethod
    def started(
        cls, simulator: Simulator, *areas: Area | str, path: Path, stem: Path, begin: Place, every: int
    ) -> Lasting:
        """Begin a segment; those that began later belong to a run that was not continued.

        Raises
        ------
        RunFolderError
            If those that began earlier do not hold all that came before.
        """
        for place, segment in _segments(stem):
            if place > begin:
                segment.unlink()
        _check_earlier(stem, begin)
        history = simulator.record(*areas, to=_segment(stem, begin), every=every, overwrite=True)
        return cls(path, begin, stem, history)

    @property
    def place(self) -> Place:
        """Rounds and marks so far."""
        return self.begin[0] + len(self._history), self.begin[1] + len(self._history.marks)

    def mark(self, label: str) -> None:
        """Label the rounds that follow."""
        self._history.mark(label)

    def flush(self) -> None:
        """Write the rounds in memory."""
        self._history.flush()

    def finish(self) -> None:
        """Join the segments; the file does not depend on where they were divided."""
        from brainsim.simulate.recordings.history import start

        if not self._history.stopped:
            self._history.stop()
        end, like = self.place, self._history
        # Of several ranks, only the first has the present segment in the folder of the run.
        earlier = [each for each in _segments(self._stem) if each[0] < self.begin]
        with writing(self.path) as partial:
            whole = start(
                like.areas, like.seed or 0, drives=like.has_drives, path=partial, every=like.every, overwrite=True
            )
            try:
                for (place, segment), (until, _) in pairwise([*earlier, (self.begin, like.path), (end, self.path)]):
                    _append(whole, segment, until[0] - place[0], until[1] - place[1])
            finally:
                whole.stop()

    def clear(self) -> None:
        """Delete the segments."""
        for _, segment in _segments(self._stem):
            segment.unlink()


def _segment(stem: Path, begin: Place) -> Path:
    return stem.with_name(f"{stem.name}.{begin[0]}-{begin[1]}.h5")


def _segments(stem: Path) -> Iterator[tuple[Place, Path]]:
    """Yield the segments and where they begin, in order."""
    found = []
    for path in stem.parent.iterdir():
        rounds, dash, marks = path.name.removeprefix(f"{stem.name}.").removesuffix(".h5").partition("-")
        if path.name.startswith(f"{stem.name}.") and dash and rounds.isdecimal() and marks.isdecimal():
            found.append(((int(rounds), int(marks)), path))
    yield from sorted(found)


def _check_earlier(stem: Path, begin: Place) -> None:
    """Refuse to continue from segments that lack rounds or marks: the whole recording would lack them, too."""
    from brainsim.simulate.recordings.stored import open_recordings

    earlier = [*((place, path) for place, path in _segments(stem) if place < begin), (begin, stem)]
    first = earlier[0][0]
    if first > (0, 0):
        raise RunFolderError(f"{stem}.*.h5: lack rounds 0 to {first[0]} of the recording; {_CURE}")
    for (place, path), (until, _) in pairwise(earlier):
        with open_recordings(path) as recordings:
            found = next(iter(recordings.values()), None)
            rounds, marks = (len(found), len(found.marks)) if found else (0, 0)
        if place[0] + rounds < until[0] or place[1] + marks < until[1]:
            raise RunFolderError(f"{path}: has {rounds} of {until[0] - place[0]} rounds of the recording; {_CURE}")


def _append(whole: History, segment: Path, rounds: int, marks: int) -> None:
    from brainsim.simulate.recordings.stored import open_recordings

    with open_recordings(segment) as recordings:
        (stored,) = recordings.values()
        labels = list(stored.marks)[:marks]
        for first in range(0, rounds, whole.every):
            for number, fired in enumerate(_rounds(stored, first, min(first + whole.every, rounds)), first):
                while labels and labels[0].round <= number:
                    whole.mark(labels.pop(0).label)
                whole.append(*fired)
        for mark in labels:
            whole.mark(mark.label)


def _rounds(stored: StoredRecording, first: int, end: int) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield winners and drives of each round by area."""
    names = [area.name for area in stored.areas]
    winners = [stored.winners(name, first, end) for name in names]
    drives = [stored.drives(name, first, end) for name in names] if stored.has_drives else []
    for number in range(end - first):
        fired = dict(zip(names, (each[number] for each in winners), strict=True))
        yield fired, {name: each[number] for name, each in zip(names, drives, strict=False)}
