"""A thread that draws the next batches while the model computes; batches and bits are the same as without it."""

from __future__ import annotations

from collections.abc import Callable
from queue import Full, Queue
from threading import Event, Thread

import torch

from brainsim._arguments import checked
from brainsim._validation import integer
from brainsim.networks.training import Batch

Draw = Callable[[torch.Generator, int, int], Batch]


class Prefetch:
    """Draw batches ahead, in a thread with a bounded queue.

    The thread draws with a copy of the generator.  Each batch is queued with the state of the copy after it, to which
    the generator itself is then set.  A checkpoint between two steps is therefore the same as without a thread.

    Parameters
    ----------
    depth : int
        Largest number of batches that wait, 1 to 4096.

    Raises
    ------
    DeclarationError
        If ``depth`` is out of range.

    Examples
    --------
    >>> import torch
    >>> from brainsim.networks.techniques.prefetch import Prefetch
    >>> from brainsim.networks.training import Corpus
    >>> corpus, prefetch = Corpus(range(100)), Prefetch()
    >>> ahead, one, other = prefetch.around(corpus.draw), torch.Generator(), torch.Generator()
    >>> all(torch.equal(ahead(one, 2, 5)[0], corpus.draw(other, 2, 5)[0]) for _ in range(4))
    True
    >>> prefetch.close()
    """

    @checked()
    def __init__(self, depth: int = 4) -> None:
        self.depth = integer("Prefetch.depth", depth, 1, 4096)
        self._thread: Thread | None = None
        self._stop, self._queue = Event(), Queue[tuple[Batch, torch.Tensor] | BaseException](self.depth)
        self._expected: tuple[bytes, int, int] | None = None

    def around(self, draw: Draw) -> Draw:
        """Return a function that draws what ``draw`` draws."""

        def ahead(generator: torch.Generator, batch: int, length: int) -> Batch:
            asked = (_bits(generator.get_state()), batch, length)
            if asked != self._expected:  # the first batch, or a generator whose state was restored
                self._restart(draw, generator, batch, length)
            found = self._queue.get()
            if isinstance(found, BaseException):
                self.close()
                raise found
            generator.set_state(found[1])
            self._expected = (_bits(found[1]), batch, length)
            return found[0]

        return ahead

    def close(self) -> None:
        """End the thread; what it has drawn ahead is dropped."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        self._thread, self._expected = None, None

    def _restart(self, draw: Draw, generator: torch.Generator, batch: int, length: int) -> None:
        self.close()
        own = torch.Generator(generator.device)
        own.set_state(generator.get_state())
        stop = self._stop = Event()
        queue = self._queue = Queue(self.depth)

        def put(found: tuple[Batch, torch.Tensor] | BaseException) -> None:
            while not stop.is_set():
                try:
                    return queue.put(found, timeout=0.05)
                except Full:
                    continue

        def work() -> None:
            while not stop.is_set():
                try:
                    put((draw(own, batch, length), own.get_state()))
                except Exception as error:  # it is raised where the batch is requested
                    return put(error)

        self._thread = Thread(target=work, name="prefetch", daemon=True)
        self._thread.start()


def _bits(state: torch.Tensor) -> bytes:
    return bytes(state.numpy().tobytes())
