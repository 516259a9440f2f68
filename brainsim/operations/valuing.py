"""Actions and rewards: a striatum chooses, and learns from dopamine, the reward less its expectation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from brainsim._arguments import checked
from brainsim._validation import real
from brainsim.declare.area import Area
from brainsim.declare.assembly import Assembly
from brainsim.declare.fiber import Fiber, FiberSet
from brainsim.declare.modulator import Modulator
from brainsim.errors import DeclarationError, SimulationError
from brainsim.kernels.law.weights import THRESHOLD_LIMIT, to_float
from brainsim.operations._checks import fibers, generator, may_learn, stimulus_of
from brainsim.operations._firing import presented
from brainsim.simulate.simulator import Simulator

_OUT_OF_REACH = to_float(THRESHOLD_LIMIT)


@runtime_checkable
class Chooser(Protocol):
    """The parts of a region that the operations need.

    Attributes
    ----------
    area : Area
        Its patterns are the actions, of which one wins in a round.
    dopamine : Modulator
        Modulates the fibers into the area that learn.
    """

    area: Area
    dopamine: Modulator


@dataclass(frozen=True)
class Choice:
    """An action that was chosen.

    Attributes
    ----------
    action : str or None
        Its name; ``None`` if no neuron was driven.
    expected : float
        The reward that the weights expect of it, from 0 (all at their base weight) to 1 (all at their bound).
    drive : float
        Mean drive of its neurons.
    """

    action: str | None
    expected: float
    drive: float


@checked("striatum")
def choose_action(
    sim: Simulator, striatum: Chooser, cue: Assembly, noise: float = 0.1, *, rng: int | np.random.Generator
) -> Choice:
    """Let a cue and noise choose an action, which fires together with the cue in a second round.

    The first round is a probe, in which noise disturbs the value of each action.  In the second round only the chosen
    action can win, so its drive is its value, and the fibers from the cue record both in their `Trace`.  Afterwards the
    cue is silent, and the action keeps firing.

    Parameters
    ----------
    sim : Simulator
        Of the brain of the striatum.
    striatum : Chooser
        Such as `brainsim.areas.Striatum`.
    cue : Assembly
        The assembly that the action responds to.
    noise : float
        Standard deviation of the noise, in units of the reward; with 0 the action of the largest value wins.
    rng : int or numpy.random.Generator
        Draws the noise; a generator goes on from choice to choice.

    Raises
    ------
    DeclarationError
        If the striatum is no such region or of another brain, no fiber that dopamine changes leads from the cue to it,
        the cue is empty, or the noise out of range.

    Examples
    --------
    >>> from brainsim.areas import Striatum
    >>> from brainsim.operations import choose_action
    >>> brain = Brain()
    >>> cue, dopamine = brain.add(Area("Cue", 50, 50, {"light": range(50)}), Modulator("dopamine", baseline=0.0))
    >>> striatum = brain.add(Striatum("Striatum", ["left", "right"], dopamine=dopamine))
    >>> _ = striatum.learns_from(cue)
    >>> with Simulator(brain, seed=1) as sim:
    ...     choice = choose_action(sim, striatum, cue["light"], rng=1)
    >>> choice.action in ("left", "right"), abs(choice.expected) < 0.1
    (True, True)
    """
    area = _area("choose_action", sim, striatum)
    learning = _learning("choose_action", sim, striatum, cue)
    opened = fibers("choose_action", sim, stimulus_of("choose_action", sim, cue), area)
    noise, random = real("choose_action.noise", noise, 0.0, 1e6), generator("choose_action", rng)
    scale = sum(_synapses(fiber, cue) * _range(fiber) for fiber in learning)
    size = len(area.patterns[next(iter(area.patterns))])
    # The mean of the noise of the neurons of an action has the deviation that is asked for.
    disturbed = random.normal(0.0, noise * scale * size**0.5, area.n) if noise else 0.0
    with presented(sim, cue):
        with sim.frozen(), sim.temporary_thresholds(area, sim.thresholds(area) + disturbed):
            sim.release(area)
            sim.run(opened)
            action = _action(area, sim.assembly(area))
        if action is None:
            return Choice(None, 0.0, 0.0)
        outside = np.full(area.n, _OUT_OF_REACH)
        outside[area.patterns[action].neurons] = sim.thresholds(area)[area.patterns[action].neurons]
        sim.release(area)
        with sim.temporary_thresholds(area, outside):
            sim.run(opened, learn=learning)
    drive = float(sim.drive(area).sum()) / size
    base = sum(_synapses(fiber, cue) * fiber.weight for fiber in learning)
    threshold = float(sim.thresholds(area)[area.patterns[action].neurons].mean())  # not part of a value
    return Choice(action, (drive + threshold - base) / scale, drive)


@checked("striatum")
def reward(sim: Simulator, striatum: Chooser, choice: Choice, value: float, rate: float = 1.0) -> float:
    """Reward an action, and return the prediction error: the reward less what its own drive expected.

    Dopamine of ``rate`` times the error is applied to the rounds that the fibers into the striatum remember
    (`Simulator.reinforce`).  With the default trace that is the last choice.

    Parameters
    ----------
    sim : Simulator
        Of the brain of the striatum.
    striatum : Chooser
        Such as `brainsim.areas.Striatum`.
    choice : Choice
        Whose expectation is compared.
    value : float
        The reward, usually from 0 to 1.
    rate : float
        Dopamine for an error of 1.

    Raises
    ------
    DeclarationError
        If the striatum is no such region or of another brain, or dopamine would exceed 8.
    SimulationError
        Inside `Simulator.frozen`, or if no action was chosen.

    Examples
    --------
    >>> from brainsim.areas import Striatum
    >>> from brainsim.operations import choose_action, reward
    >>> brain = Brain()
    >>> cue, dopamine = brain.add(Area("Cue", 50, 50, {"light": range(50)}), Modulator("dopamine", baseline=0.0))
    >>> striatum = brain.add(Striatum("Striatum", ["left", "right"], dopamine=dopamine))
    >>> _ = striatum.learns_from(cue)
    >>> with Simulator(brain, seed=1) as sim:
    ...     for trial in range(3):
    ...         choice = choose_action(sim, striatum, cue["light"], noise=0, rng=1)
    ...         print(f"{reward(sim, striatum, choice, 1.0):.2f}")
    0.99
    0.49
    0.24
    """
    _area("reward", sim, striatum)
    may_learn("reward", sim)
    if choice.action is None:
        raise SimulationError("reward: no action was chosen, since no neuron of the striatum was driven")
    error = real("reward.value", value, -1e6, 1e6) - choice.expected
    sim.reinforce(striatum.dopamine, real("reward.rate", rate, 0.0, 1e6) * error)
    return error


def _area(operation: str, sim: Simulator, striatum: Chooser) -> Area:
    if not isinstance(striatum, Chooser):
        cure = "see brainsim.areas.Striatum"
        allowed = "a region with the parts of Chooser"
        raise DeclarationError(where=f"{operation}.striatum", value=striatum, allowed=allowed, cure=cure)
    return sim.brain.area(striatum.area)


def _learning(operation: str, sim: Simulator, striatum: Chooser, cue: Assembly) -> FiberSet:
    """Return the fibers from the cue to the actions that dopamine changes."""
    source = stimulus_of(operation, sim, cue)
    every = fibers(operation, sim, source, striatum.area)
    learning = FiberSet(fiber for fiber in every if striatum.dopamine in fiber.modulated_by)
    if not len(learning):
        raise DeclarationError(
            f"{operation}: no fiber from {source.name!r} to {striatum.area.name!r} is modulated by "
            f"{striatum.dopamine.name!r}; declare striatum.learns_from({source.name})"
        )
    return learning


def _synapses(fiber: Fiber, cue: Assembly) -> float:
    """Return how many synapses from a cue a neuron is expected to have."""
    return fiber.p * len(cue)


def _range(fiber: Fiber) -> float:
    """Return how far the weights of a fiber can rise."""
    return 0.0 if fiber.plasticity is None else fiber.plasticity.w_max - fiber.weight


def _action(area: Area, fired: Assembly) -> str | None:
    """Return the action whose neurons fire."""
    shares = {name: len(np.intersect1d(pattern.neurons, fired.neurons)) for name, pattern in area.patterns.items()}
    best = max(shares, key=lambda name: shares[name])
    return best if shares[best] else None
