"""The winners during an operation, round by round."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from brainsim.declare.area import Area
from brainsim.declare.assembly import Assembly
from brainsim.errors import DeclarationError
from brainsim.simulate.simulator import Simulator


class Trace:
    """Winners of the target area of an operation after every round; pass an empty trace to have it filled.

    Attributes
    ----------
    winners : tuple of Assembly
        One a round, in order.

    Examples
    --------
    >>> from brainsim.operations import Trace, project
    >>> rounds = Trace()
    >>> dog = project(sim, phon["dog"], lex, trace=rounds)
    >>> rounds.overlaps[-1]
    1.0
    """

    def __init__(self) -> None:
        self._winners: list[Assembly] = []

    @property
    def winners(self) -> tuple[Assembly, ...]:
        """Winners after each round."""
        return tuple(self._winners)

    @property
    def overlaps(self) -> tuple[float, ...]:
        """Overlap of the winners of each round, from the second on, with those of the round before."""
        return tuple(
            later.overlap(earlier) for earlier, later in zip(self._winners[:-1], self._winners[1:], strict=True)
        )

    @property
    def support(self) -> tuple[int, ...]:
        """How many different neurons have fired by the end of each round."""
        fired: set[int] = set()
        counts = []
        for winners in self._winners:
            fired.update(winners)
            counts.append(len(fired))
        return tuple(counts)

    def __len__(self) -> int:
        return len(self._winners)

    def __repr__(self) -> str:
        return f"<Trace of {len(self)} rounds, support {self.support[-1] if self._winners else 0}>"

    @contextmanager
    def _of(self, sim: Simulator, area: Area) -> Iterator[None]:
        recording = sim.record(area)
        try:
            yield
        finally:
            recording.stop()
            self._winners += [Assembly(area.name, neurons) for neurons in recording.winners(area)]


@contextmanager
def traced(trace: Trace | None, sim: Simulator, area: Area) -> Iterator[None]:
    """Fill a trace, if there is one, with the winners of an area in the rounds of a block."""
    if trace is None:
        yield
        return
    if not isinstance(trace, Trace):
        cure = "brainsim.Trace is what a fiber remembers"
        raise DeclarationError(where="trace", value=trace, allowed="a brainsim.operations.Trace", cure=cure)
    with trace._of(sim, area):
        yield
