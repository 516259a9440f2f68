"""What a call of `Simulator.run` did."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Outcome:
    """What a call of `Simulator.run` did.

    Attributes
    ----------
    rounds : int
        Rounds that were run.
    stable : bool
        Whether the last round changed no winner of any area.  False if no neuron of the brain fires.
    """

    rounds: int
    stable: bool
