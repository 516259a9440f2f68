"""Modulators: named numbers of a brain that scale learning; oscillators are modulators that follow the clock.

Values are integers with 16 fractional bits, and all arithmetic is in integers, so all machines agree.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from brainsim._validation import MOST, integer, name, real
from brainsim.declare.cosine import cosine
from brainsim.declare.owner import Part
from brainsim.errors import DeclarationError
from brainsim.kernels.law.rules import MAX_RATE
from brainsim.kernels.law.weights import ONE, WEIGHT_BITS, to_fixed

_LONGEST_PERIOD = 2**31 - 1


@dataclass(frozen=True, repr=False)
class Modulator(Part):
    """A neuromodulator: a number by which the steps of all fibers that name it are multiplied.

    ``connect(..., modulated_by=dopamine)`` names it.  A fiber with several modulators is multiplied by all of them.  At
    1 a fiber learns as without a modulator, at 0 it does not learn, and a negative value reverses each step, within the
    bounds of the rule.

    Parameters
    ----------
    name : str
        Unique among the modulators and areas of the brain.
    baseline : float
        Value at the beginning, -8 to 8.
    decay : float
        The fraction of its distance from the baseline that a value keeps from one round to the next, 0 to 1.  With 1 a
        value stays until the next one is set; with 0 it lasts for one round.

    Raises
    ------
    DeclarationError
        If a value is out of range.

    Examples
    --------
    >>> brain = Brain()
    >>> a, b = brain.add(Area("A", n=1000, k=50), Area("B", n=1000, k=50))
    >>> dopamine = brain.add(Modulator("dopamine", baseline=0.0, decay=0.5))
    >>> brain.connect(a, b, p=0.1, plasticity=Hebbian(0.1, w_max=5), modulated_by=dopamine)
    <Fiber A->B p=0.1 Hebbian(beta=0.1, w_max=5.0) modulated_by=dopamine>
    """

    name: str
    baseline: float = 1.0
    decay: float = 1.0

    def __post_init__(self) -> None:
        name("Modulator.name", self.name)
        object.__setattr__(self, "baseline", real(f"{self._where}.baseline", self.baseline, -MAX_RATE, MAX_RATE))
        object.__setattr__(self, "decay", real(f"{self._where}.decay", self.decay, 0.0, 1.0))
        if self.decay < 1.0 and to_fixed(self.decay) == ONE:
            allowed = "1 or at most 1 - 2**-16, since it has 16 fractional bits"
            raise DeclarationError(where=f"{self._where}.decay", value=self.decay, allowed=allowed)

    @property
    def _where(self) -> str:
        return f"{type(self).__name__} {self.name!r}"

    def fixed(self, value: float) -> int:
        """Return a value of this modulator with 16 fractional bits.

        Raises
        ------
        DeclarationError
            If it is not a number between -8 and 8.
        """
        return to_fixed(real(f"{self._where}: value", value, -MAX_RATE, MAX_RATE))

    def value_after(self, value: int) -> int:
        """Return the value of the next round, with 16 fractional bits as ``value``.

        Examples
        --------
        >>> dopamine = Modulator("dopamine", baseline=0.0, decay=0.5)
        >>> dopamine.value_after(65536), dopamine.value_after(-1)
        (32768, 0)
        """
        baseline = to_fixed(self.baseline)
        # The distance is rounded towards 0.  Because the factor is below 1, it shrinks by at least one unit a round, so
        # the baseline is reached, and values above and below it decay alike.
        distance = abs(value - baseline) * to_fixed(self.decay) >> WEIGHT_BITS
        return baseline + distance if value >= baseline else baseline - distance

    def __repr__(self) -> str:
        baseline = "" if self.baseline == 1.0 else f", baseline={self.baseline:g}"
        decay = "" if self.decay == 1.0 else f", decay={self.decay:g}"
        return f"Modulator({self.name!r}{baseline}{decay})"


@dataclass(frozen=True, repr=False)
class Oscillator(Modulator):
    """A modulator that follows the clock: in each round it is ``cos(2 pi phase / period)``.

    The phase is the number of the round modulo the period; the first round of a simulation has phase 0.  Fibers name an
    oscillator in ``modulated_by``, or a `Window` of its phases in ``transmits_when`` and ``learns_when``.

    Parameters
    ----------
    name : str
        Unique among the modulators and areas of the brain.
    period : int
        Rounds of a cycle, at least 2.

    Raises
    ------
    DeclarationError
        If the period is not an integer of at least 2.

    Examples
    --------
    >>> theta = Oscillator("theta", period=8)
    >>> [round(theta.value_at(clock) / 2**16, 2) for clock in range(9)]
    [1.0, 0.71, 0.0, -0.71, -1.0, -0.71, 0.0, 0.71, 1.0]
    >>> theta.encoding, theta.retrieval, theta.window(6, 2)
    (theta.window(0, 4), theta.window(4, 8), theta.window(6, 2))
    """

    baseline: float = field(default=1.0, init=False)
    decay: float = field(default=1.0, init=False)
    period: int

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "period", integer(f"{self._where}.period", self.period, 2, _LONGEST_PERIOD))

    def value_at(self, clock: int) -> int:
        """Return the value in round ``clock``, counted from 0, with 16 fractional bits."""
        clock = integer(f"{self._where}.value_at: clock", clock, -MOST, MOST)
        return cosine(clock % self.period, self.period)

    def window(self, start: int, end: int) -> Window:
        """Return the phases from ``start`` to before ``end``, across the end of the cycle if ``end < start``."""
        return Window(self, start, end)

    @property
    def encoding(self) -> Window:
        """The first half of the cycle: the first ``period // 2`` phases."""
        return Window(self, 0, self.period // 2)

    @property
    def retrieval(self) -> Window:
        """The rest of the cycle: the phases from ``period // 2``."""
        return Window(self, self.period // 2, self.period)

    def __repr__(self) -> str:
        return f"Oscillator({self.name!r}, period={self.period})"


@dataclass(frozen=True, repr=False)
class Window:
    """Some phases of an oscillator, during which a fiber transmits or learns; `Oscillator.window` makes one.

    Parameters
    ----------
    oscillator : Oscillator
        Whose cycle it is.
    start, end : int
        The window is open in the phases ``start <= phase < end``; if ``end < start``, in the phases from ``start`` and
        in those before ``end``.

    Raises
    ------
    DeclarationError
        If a phase lies outside the cycle, or the window is never open.

    Examples
    --------
    >>> window = Oscillator("theta", period=8).window(6, 2)
    >>> [clock for clock in range(10) if window.open_at(clock)]
    [0, 1, 6, 7, 8, 9]
    """

    oscillator: Oscillator
    start: int
    end: int

    def __post_init__(self) -> None:
        if not isinstance(self.oscillator, Oscillator):
            allowed = "an Oscillator of the brain"
            raise DeclarationError(where="Window.oscillator", value=self.oscillator, allowed=allowed)
        period, where = self.oscillator.period, f"Window of {self.oscillator.name!r}"
        object.__setattr__(self, "start", integer(f"{where}.start", self.start, 0, period - 1))
        object.__setattr__(self, "end", integer(f"{where}.end", self.end, 0, period))
        if self.start == self.end:
            allowed = f"another phase than start = {self.start}, or the window is never open"
            raise DeclarationError(where=f"{where}.end", value=self.end, allowed=allowed)

    def open_at(self, clock: int) -> bool:
        """Return whether the window is open in round ``clock``, counted from 0."""
        clock = integer(f"Window of {self.oscillator.name!r}: clock", clock, -MOST, MOST)
        phase = clock % self.oscillator.period
        if self.start < self.end:
            return self.start <= phase < self.end
        return phase >= self.start or phase < self.end

    def __repr__(self) -> str:
        return f"{self.oscillator.name}.window({self.start}, {self.end})"
