"""Dopamine as a reward prediction error with a tonic and a phasic part, and a striatum that learns from it.

Plain numbers, no PyTorch.  `Dopamine` turns rewards and values into a level between 0 and 1; `gate` is the factor by
which that level scales a local update; `OpponentActor` learns to choose from the prediction error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import tanh

import numpy as np
import numpy.typing as npt

from brainsim._arguments import check_record, checked
from brainsim._validation import integer, real
from brainsim.errors import DeclarationError

BASELINE = 0.5
"""The level if nothing is better or worse than expected."""


@checked()
def gate(level: float) -> float:
    """Return the factor by which a level of dopamine scales a local update: ``max(0, (level - 0.3) / 0.7)``.

    Parameters
    ----------
    level : float
        Dopamine, 0 to 1.

    Raises
    ------
    DeclarationError
        If the level is out of range.

    Examples
    --------
    >>> from brainsim.networks.plasticity.dopamine import gate
    >>> gate(1.0), gate(0.2)
    (1.0, 0.0)
    """
    return max(0.0, (real("gate.level", level, 0.0, 1.0) - 0.3) / 0.7)


@dataclass
class Dopamine:
    """A level of dopamine that follows rewards, values and novelty.

    The error is ``δ = r + discount · V' - V`` (Schultz, Dayan & Montague 1997).  The phasic part leaves out errors
    smaller than ``dead_zone`` and weighs losses half: ``max(0, δ - .1) - .5 max(0, -δ - .1)``.  The tonic part is ``.5
    + .1 r̄ + .3 novelty`` within .1 and .9.  Both are taken relative to their running means, so that a steady state has
    the level .5.  Their effect decreases in time without surprises (*habituation*).

    Parameters
    ----------
    discount : float
        Weight of the next value, 0 to 1.
    dead_zone : float
        Errors that are ignored, 0 to 10.

    Attributes
    ----------
    level : float
        Dopamine, 0 to 1.
    error : float
        δ of the last update.
    habituation : float
        0 immediately after a surprise; approaches 1 in steps without one.

    Examples
    --------
    >>> from brainsim.networks.plasticity.dopamine import Dopamine
    >>> dopamine = Dopamine()
    >>> dopamine.update(reward=1.0) > 0.9  # an unexpected reward
    True
    >>> dopamine.update(reward=0.0, value=1.0) < 0.2  # an expected one that does not come
    True
    """

    discount: float = 0.99
    dead_zone: float = 0.1

    def __post_init__(self) -> None:
        check_record(self)
        real("Dopamine.discount", self.discount, 0.0, 1.0)
        real("Dopamine.dead_zone", self.dead_zone, 0.0, 10.0)
        self.level, self.error, self._quiet = BASELINE, 0.0, 0
        self._reward, self._tonic, self._phasic = 0.0, BASELINE, 0.0

    @property
    def habituation(self) -> float:
        """``tanh(steps without a surprise / 100)``."""
        return tanh(self._quiet / 100)

    @checked()
    def update(self, reward: float, value: float = 0.0, next_value: float = 0.0, novelty: float = 0.0) -> float:
        """Take one step, and return the level.

        Parameters
        ----------
        reward : float
            The reward, -1e6 to 1e6.
        value, next_value : float
            The expected reward before and after the step, -1e6 to 1e6.
        novelty : float
            0 to 1.

        Returns
        -------
        float
            Dopamine, 0 to 1.

        Raises
        ------
        DeclarationError
            If a value is out of range.
        """
        r, before, after = (
            real(f"Dopamine.update.{name}", each, -1e6, 1e6)
            for name, each in (("reward", reward), ("value", value), ("next_value", next_value))
        )
        new = real("Dopamine.update.novelty", novelty, 0.0, 1.0)
        self.error = r + self.discount * after - before
        self._quiet = 0 if abs(self.error) > self.dead_zone else self._quiet + 1
        self._reward += 0.05 * (r - self._reward)
        phasic = max(0.0, self.error - self.dead_zone) - 0.5 * max(0.0, -self.error - self.dead_zone)
        tonic = min(max(BASELINE + 0.1 * self._reward + 0.3 * new, 0.1), 0.9)
        scale = max(0.2, 1.0 - 0.8 * self.habituation)
        change = scale * (tonic - self._tonic) + scale * (phasic - self._phasic)
        self._tonic += 0.01 * (tonic - self._tonic)
        self._phasic += 0.1 * (phasic - self._phasic)
        self.level = min(max(BASELINE + change, 0.0), 1.0)
        return self.level


class OpponentActor:
    """Choose by a Go and a NoGo pathway (OpAL: Collins & Frank, *Psychological Review* 2014).

    The preference of action a is ``G_a (1 + b (DA - .5)) - N_a (1 - b (DA - .5))``; the choice is a softmax over
    preferences.  An error δ changes ``G_a`` by ``rate · G_a · δ`` and ``N_a`` by ``-rate · N_a · δ``.

    Parameters
    ----------
    actions : int
        From 1 to 65 536.
    rate : float
        Step, 0 to 1.
    balance : float
        b, how far dopamine shifts the balance of the pathways, 0 to 2.
    temperature : float
        Of the softmax, 1e-6 to 1e6.

    Raises
    ------
    DeclarationError
        If a value is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from brainsim.networks.plasticity.dopamine import OpponentActor
    >>> actor = OpponentActor(2, rate=0.5)
    >>> actor.learn(1, 1.0)
    >>> actor.preferences().tolist()
    [0.0, 1.0]
    """

    @checked()
    def __init__(self, actions: int, rate: float = 0.1, balance: float = 1.0, temperature: float = 1.0) -> None:
        self.rate = real("OpponentActor.rate", rate, 0.0, 1.0)
        self.balance = real("OpponentActor.balance", balance, 0.0, 2.0)
        self.temperature = real("OpponentActor.temperature", temperature, 1e-6, 1e6)
        n = integer("OpponentActor.actions", actions, 1, 65_536)
        self.go, self.no_go = np.ones(n), np.ones(n)

    @checked()
    def preferences(self, dopamine: float = BASELINE) -> npt.NDArray[np.float64]:
        """Return the preference of each action at a level of dopamine, 0 to 1."""
        shift = self.balance * (real("OpponentActor.preferences.dopamine", dopamine, 0.0, 1.0) - BASELINE)
        preference: npt.NDArray[np.float64] = self.go * (1 + shift) - self.no_go * (1 - shift)
        return preference

    @checked()
    def choose(self, rng: np.random.Generator, dopamine: float = BASELINE) -> int:
        """Draw an action."""
        scaled = self.preferences(dopamine) / self.temperature
        return int(np.argmax(scaled + rng.gumbel(size=len(scaled))))  # the same as drawing from the softmax

    @checked()
    def learn(self, action: int, error: float) -> None:
        """Learn from a prediction error; ``rate · |error|`` is limited to 1, so that no pathway becomes negative."""
        at = integer("OpponentActor.learn.action", action, 0, len(self.go) - 1)
        step = min(max(self.rate * real("OpponentActor.learn.error", error, -1e6, 1e6), -1.0), 1.0)
        self.go[at] *= 1 + step
        self.no_go[at] *= 1 - step


@checked("values")
def temporal_difference(
    rewards: Sequence[float], values: npt.NDArray[np.float64], dopamine: Dopamine, rate: float = 0.1
) -> list[float]:
    """Run one trial of TD(0) over states in a row, and return the errors.

    Parameters
    ----------
    rewards : sequence of float
        The reward on leaving each state.
    values : array
        The expected reward from each state on, changed in place; the state after the last has the value 0.
    dopamine : Dopamine
        The level of dopamine, which the errors change.
    rate : float
        Step, 0 to 1.

    Returns
    -------
    list of float
        δ of each state.

    Raises
    ------
    DeclarationError
        If ``values`` has another length than ``rewards``, or the rate is out of range.
    """
    step = real("temporal_difference.rate", rate, 0.0, 1.0)
    if not isinstance(values, np.ndarray) or values.shape != (len(rewards),) or values.dtype != np.float64:
        allowed = f"an array of {len(rewards)} float64, one for each reward"
        raise DeclarationError(where="temporal_difference.values", value=values, allowed=allowed)
    errors = []
    for at, reward in enumerate(rewards):
        after = float(values[at + 1]) if at + 1 < len(values) else 0.0
        dopamine.update(float(reward), float(values[at]), after)
        values[at] += step * dopamine.error
        errors.append(dopamine.error)
    return errors
