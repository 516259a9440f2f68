"""Ctrl-C waits while a state is being changed."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # conversions to enums in `signal` take longer than a small kernel
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGINT = int(signal.SIGINT)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Delay Ctrl-C until the end of the block (in the main thread, the only one that it reaches)."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    pending: list[tuple[int, FrameType | None]] = []
    before = _signal.getsignal(_SIGINT)
    if before is None:  # set by another language, and could not be restored
        yield
        return
    _signal.signal(_SIGINT, lambda number, frame: pending.append((number, frame)))
    try:
        yield
    finally:
        _signal.signal(_SIGINT, before)
        if pending and callable(before):
            before(*pending[0])
        elif pending and before == signal.SIG_DFL:
            signal.raise_signal(_SIGINT)
