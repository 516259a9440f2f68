"""Reinforcement: apply a late modulator to the rounds that fibers remember."""

from __future__ import annotations

from brainsim.errors import DeclarationError
from brainsim.simulate.engine import Engine
from brainsim.simulate.modulators import ModulatorLike, Modulators
from brainsim.simulate.probes import Probes


class Reinforcement:
    """Applies the rules of fibers to their traces."""

    def __init__(self, engine: Engine, modulators: Modulators, probes: Probes) -> None:
        self._engine = engine
        self._modulators = modulators
        self._probes = probes

    def reinforce(self, modulator: ModulatorLike, value: float) -> None:
        """Change the weights of all fibers with a trace that a modulator modulates; see `Simulator.reinforce`."""
        self._probes.refuse("Simulator.reinforce: a probe must not change weights; do it outside of frozen()")
        found = self._modulators.settable(modulator)
        instead = {found.name: found.fixed(value)}
        traced = [f for f in self._modulators.with_modulator(found) if self._engine.program.fibers[f].trace]
        if not traced:
            raise DeclarationError(
                f"Simulator.reinforce: no fiber with a trace is modulated by {found.name!r}; declare one with "
                f"brain.connect(..., modulated_by={found.name}, trace=Trace(rounds=5, decay=0.8))"
            )
        moment = self._modulators.now()
        rates = {f: self._modulators.rate(f, moment, instead) for f in traced}
        program = self._engine.program
        self._engine.reinforce({f: rate for f, rate in rates.items() if rate and program.fibers[f].learns})
