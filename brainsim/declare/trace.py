"""Eligibility traces: a fiber remembers its last rounds until a modulator reinforces them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, localcontext

from brainsim._validation import integer, real
from brainsim.errors import DeclarationError
from brainsim.kernels.law.weights import ONE

MAX_ROUNDS = 1000
_DIGITS = 40


@dataclass(frozen=True)
class Trace:
    """A fiber remembers which neurons fired and which won in its last rounds; `Simulator.reinforce` learns from them.

    It applies the potentiation of the fiber's rule to all of these rounds, the oldest first, at the rate
    ``value * decay ** age``, where the last round has age 0.  Every round outside a probe counts; one in which the
    fiber does not learn adds nothing to the trace.  This equals a trace at each synapse that is cut off after
    ``rounds``, but takes memory for the winners of these rounds only.

    Parameters
    ----------
    rounds : int
        Rounds that are remembered, 1 to 1000.
    decay : float
        How much less each older round counts, above 0 and at most 1.

    Raises
    ------
    DeclarationError
        If a value is out of range.

    Examples
    --------
    >>> Trace(rounds=4, decay=0.5).rates()
    (65536, 32768, 16384, 8192)

    References
    ----------
    Izhikevich. Solving the distal reward problem through linkage of STDP and dopamine signaling. Cerebral Cortex 17,
    2443-2452, 2007: traces of synapses, and dopamine that makes them permanent.
    """

    rounds: int
    decay: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "rounds", integer("Trace.rounds", self.rounds, 1, MAX_ROUNDS))
        object.__setattr__(self, "decay", real("Trace.decay", self.decay, 0.0, 1.0))
        if not self.decay:
            cure = "Trace(rounds=1, decay=1) remembers the last round alone"
            raise DeclarationError(where="Trace.decay", value=0.0, allowed="above 0", cure=cure)

    def rates(self) -> tuple[int, ...]:
        """Return how much the events of each age count, with 16 fractional bits, age 0 first."""
        with localcontext() as context:
            context.prec = _DIGITS
            decay = Decimal(self.decay)
            return tuple(int(decay**age * ONE + Decimal("0.5")) for age in range(self.rounds))
