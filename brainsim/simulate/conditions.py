"""Effects of the clock and modulators in a round: which fibers transmit and learn, and at which rates."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import lcm

from brainsim.declare.brain import Brain
from brainsim.declare.modulator import Modulator, Oscillator, Window
from brainsim.kernels.law.weights import to_float
from brainsim.simulate.modulators import Modulators, Moment


class Conditions:
    """Applies the windows and the modulators of fibers.

    Attributes
    ----------
    exist : bool
        Whether any fiber of the brain has a window or a modulator.
    """

    def __init__(self, brain: Brain, modulators: Modulators) -> None:
        every = list(enumerate(brain.fibers))
        self._modulators = modulators
        self._transmit: dict[int, Window] = {f: each.transmits_when for f, each in every if each.transmits_when}
        self._learn: dict[int, Window] = {f: each.learns_when for f, each in every if each.learns_when}
        self.exist = any(each.modulated_by or each.transmits_when or each.learns_when for _, each in every)

    def transmitting(self, fibers: Iterable[int], moment: Moment) -> list[int]:
        """Return the fibers whose windows let them transmit."""
        return [f for f in fibers if _open(self._transmit, f, moment)]

    def rates(self, fibers: Iterable[int], moment: Moment) -> dict[int, int]:
        """Return the rates of the fibers whose windows let them learn."""
        return {f: self._modulators.rate(f, moment) for f in fibers if _open(self._learn, f, moment)}

    def vary(self, transmitting: Iterable[int], learning: Sequence[int], moment: Moment) -> bool:
        """Return whether the activity of these fibers can change from one round to the next."""
        windows = any(f in self._transmit for f in transmitting) or any(f in self._learn for f in learning)
        return windows or self._modulators.vary(learning, moment)

    def period(self, fibers: Iterable[int]) -> int:
        """Return the number of rounds after which the same fibers transmit again."""
        return lcm(*(self._transmit[f].oscillator.period for f in fibers if f in self._transmit))

    def outside(self, transmitting: Iterable[int], learning: Iterable[int], moment: Moment) -> tuple[Notes, Notes]:
        """Return why fibers do not transmit that should, and why fibers do not learn that should."""
        untransmitting = {
            f: f"transmits nothing now, outside {self._transmit[f]!r}"
            for f in transmitting
            if not _open(self._transmit, f, moment)
        }
        return untransmitting, dict(self._not_learning(learning, moment))

    def _not_learning(self, fibers: Iterable[int], moment: Moment) -> Iterator[tuple[int, str]]:
        for f in fibers:
            if not _open(self._learn, f, moment):
                yield f, f"learns nothing now, outside {self._learn[f]!r}"
            elif not self._modulators.rate(f, moment):
                yield f, "learns nothing now, at rate 0"

    def values(self, transmitting: Iterable[int], learning: Sequence[int], moment: Moment) -> dict[str, str]:
        """Return the values of the modulators of these fibers in a round, as text by name."""
        windows = [self._transmit[f] for f in transmitting if f in self._transmit]
        windows += [self._learn[f] for f in learning if f in self._learn]
        every = [each for f in learning for each in self._modulators.of(f)] + [each.oscillator for each in windows]
        return {each.name: self._value(each, moment) for each in every}

    def _value(self, modulator: Modulator, moment: Moment) -> str:
        value = f"{to_float(self._modulators.at(modulator, moment)):.4g}"
        if isinstance(modulator, Oscillator):
            return f"is at phase {moment.clock % modulator.period} of {modulator.period}, where it is {value}"
        return f"is {value}"


Notes = dict[int, str]


def _open(windows: Mapping[int, Window], fiber: int, moment: Moment) -> bool:
    return fiber not in windows or windows[fiber].open_at(moment.clock)
