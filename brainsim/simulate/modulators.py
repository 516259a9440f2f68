"""Modulators in a simulation: their present values, and the rates of the fibers that they modulate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from brainsim.declare.brain import Brain
from brainsim.declare.modulator import Modulator, Oscillator
from brainsim.errors import DeclarationError, SimulationError, UnknownNameError, unknown
from brainsim.kernels.law.rules import LARGEST_RATE, MAX_RATE, multiplied
from brainsim.kernels.law.weights import ONE, to_float
from brainsim.simulate.state import BrainState

ModulatorLike = Modulator | str


class Moment(NamedTuple):
    """The state of modulators in a round: the clock, and by name the values that differ from their baselines.

    Values have 16 fractional bits.
    """

    clock: int
    away: Mapping[str, int]


class Modulators:
    """The value of each modulator in the next round and in later ones."""

    def __init__(self, brain: Brain, state: BrainState) -> None:
        self._brain = brain
        self._state = state
        self._baselines = {name: each.fixed(each.baseline) for name, each in brain.modulators.items()}
        # Because of rounding, the product depends on the order, which must not depend on the declaration.
        self._of = {f: sorted(fiber.modulated_by, key=_name) for f, fiber in enumerate(brain.fibers)}

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the modulators that can be set."""
        return tuple(each.name for each in self._brain.modulators.values() if not isinstance(each, Oscillator))

    def find(self, modulator: ModulatorLike) -> Modulator:
        """Return a modulator of this brain, given as itself or by name."""
        if isinstance(modulator, str):
            if modulator not in self._brain.modulators:
                message = f"Brain: {unknown('modulator', modulator, self._brain.modulators)}"
                raise UnknownNameError(message, where="Brain", value=modulator)
            return self._brain.modulators[modulator]
        if not isinstance(modulator, Modulator):
            raise DeclarationError(where="Simulator", value=modulator, allowed="given a Modulator or its name")
        if modulator.brain is not self._brain:
            owner = "no brain yet" if modulator.brain is None else "another brain"
            raise DeclarationError(f"Modulator {modulator.name!r} belongs to {owner}; use a modulator of this one")
        return modulator

    def settable(self, modulator: ModulatorLike) -> Modulator:
        """Return a modulator of this brain that does not follow the clock."""
        found = self.find(modulator)
        if isinstance(found, Oscillator):
            raise DeclarationError(f"Oscillator {found.name!r}: follows the clock; set a Modulator instead")
        return found

    def set(self, modulator: ModulatorLike, value: float) -> None:
        """Give a modulator a value, which the next round uses."""
        found = self.settable(modulator)
        self._state.modulators[found.name] = found.fixed(value)

    def value(self, modulator: ModulatorLike) -> float:
        """Return the value of a modulator in the next round."""
        return to_float(self.at(self.find(modulator), self.now()))

    def at(self, modulator: Modulator, moment: Moment) -> int:
        """Return the value of a modulator in a round, with 16 fractional bits."""
        if isinstance(modulator, Oscillator):
            return modulator.value_at(moment.clock)
        return moment.away.get(modulator.name, self._baselines[modulator.name])

    def now(self) -> Moment:
        """Return the moment of the next round."""
        return Moment(self._state.rounds, dict(self._state.modulators))

    def later(self, moment: Moment, rounds: int = 1) -> Moment:
        """Return the moment some rounds later: each value has decayed towards its baseline."""
        away = dict(moment.away)
        for _ in range(rounds):
            before = away
            decayed = {name: self._brain.modulators[name].value_after(value) for name, value in away.items()}
            away = {name: value for name, value in decayed.items() if value != self._baselines[name]}
            if away == before:
                break
        return Moment(moment.clock + rounds, away)

    def pass_rounds(self, rounds: int) -> None:
        """Let the clock pass some rounds."""
        if self._state.modulators:
            self._state.modulators = dict(self.later(self.now(), rounds).away)
        self._state.rounds += rounds

    def of(self, fiber: int) -> list[Modulator]:
        """Return the modulators of a fiber, by name."""
        return self._of[fiber]

    def with_modulator(self, modulator: Modulator) -> list[int]:
        """Return the fibers that a modulator modulates."""
        return [f for f, own in self._of.items() if any(each is modulator for each in own)]

    def vary(self, fibers: Iterable[int], moment: Moment) -> bool:
        """Return whether the rate of some fiber can change from one round to the next."""
        every = {id(each): each for f in fibers for each in self._of[f]}.values()
        return any(isinstance(each, Oscillator) or self._decays(each, moment) for each in every)

    def _decays(self, modulator: Modulator, moment: Moment) -> bool:
        return modulator.decay < 1.0 and modulator.name in moment.away

    def rate(self, fiber: int, moment: Moment, instead: Mapping[str, int] | None = None) -> int:
        """Return the product of a fiber's modulators in a round, 1 if it has none, with 16 fractional bits.

        ``instead`` gives values to use instead of the present ones.

        Raises
        ------
        SimulationError
            If it is not between -8 and 8.
        """
        present = {each.name: self.at(each, moment) for each in self._of[fiber]}
        values = {**present, **(instead or {})}
        rate = ONE
        for value in values.values():
            rate = multiplied(rate, value)
        if abs(rate) > LARGEST_RATE:
            self._refuse(fiber, values, rate)
        return rate

    def _refuse(self, fiber: int, values: Mapping[str, int], rate: int) -> None:
        name = list(self._brain.fibers)[fiber].name
        factors = ", ".join(f"{modulator} = {to_float(value):g}" for modulator, value in values.items())
        raise SimulationError(
            f"Fiber {name!r}: the product of its modulators must lie between -{MAX_RATE:g} and {MAX_RATE:g} "
            f"(got {to_float(rate):g} from {factors}); set one of them closer to 0"
        )


def _name(modulator: Modulator) -> str:
    return modulator.name
