"""Rounds to be written to a file: held until a block is complete, then appended."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from brainsim.errors import UnwrittenError
from brainsim.kernels.interrupts import uninterrupted
from brainsim.simulate.recordings import blocks
from brainsim.simulate.recordings.growing import reason
from brainsim.simulate.recordings.history_file import HistoryFile
from brainsim.simulate.recordings.recording import Drives, Recording, Winners
from brainsim.simulate.recordings.stored import StoredRecording, open_recordings
from brainsim.simulate.recordings.timeline import Timeline


class Appender:
    """Hold the rounds since the last flush, and append them to a file.

    Parameters
    ----------
    path : Path
        The file to create; an existing one is replaced.
    every : int
        Rounds between flushes.
    like : Timeline
        What is recorded.
    """

    def __init__(self, path: Path, every: int, like: Timeline) -> None:
        self.path = path
        self.flushed = 0
        self.late = Recording(like.areas, drives=like.has_drives, seed=like.seed)
        """The rounds since the last flush."""
        self._every = every
        self._file: HistoryFile | None = HistoryFile(path, like, every)
        self._process = os.getpid()
        self._lock = threading.RLock()  # protects against other threads that read

    @property
    def closed(self) -> bool:
        """Whether nothing can be added."""
        return self._file is None

    def append(self, winners: Mapping[str, Winners], drives: Mapping[str, Drives] | None) -> None:
        """Take one round, and flush if it is time.

        Raises
        ------
        UnwrittenError
            If the file cannot be written.
        """
        with self._lock:
            self.late.append(winners, drives)
            if len(self.late) >= self._every:
                self.flush()

    def mark(self, label: str) -> None:
        """Label the rounds that follow."""
        with self._lock:
            self.late.mark(label)

    def flush(self) -> None:
        """Append all held rounds; if that fails, close the file as it is, and keep the held rounds."""
        with uninterrupted(), self._lock:
            if self._file is None or not (len(self.late) or self.late.marks):
                return
            try:
                self._file.append(self.late)
            except (OSError, RuntimeError) as error:
                self._end()
                raise self._failure(error) from error
            self.flushed += len(self.late)
            self.late = Recording(self.late.areas, drives=self.late.has_drives, seed=self.late.seed)

    def drop(self) -> None:
        """Close the file when no caller can receive an error; it is printed on stderr."""
        try:
            self.close()
        except UnwrittenError as error:
            print(f"brainsim: {error}", file=sys.stderr)

    def _failure(self, error: Exception) -> UnwrittenError:
        return UnwrittenError(
            f"{self.path}: cannot be written any further ({reason(error)}); its {self.flushed} rounds are whole, and "
            f"the {len(self.late)} after them are in memory"
        )

    def close(self) -> None:
        """Flush, close and seal the file."""
        if self._process != os.getpid():
            return  # a fork shares the file, which belongs to the process that created it
        with uninterrupted(), self._lock:
            self.flush()
            try:
                self._end()
            except UnwrittenError:
                raise
            except (OSError, RuntimeError) as error:
                raise self._failure(error) from error

    def _end(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            file.close()

    @contextmanager
    def reading(self) -> Iterator[StoredRecording]:
        """Yield the content of the file."""
        with self._lock:
            if self._file is not None:
                yield self._file.stored()
                return
        with open_recordings(self.path) as recordings:
            yield recordings[blocks.NAME]
