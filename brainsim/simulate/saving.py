"""Saving the state of a simulator, and continuing from a saved one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from brainsim._validation import text
from brainsim.declare.brain import Brain
from brainsim.errors import DumpError
from brainsim.kernels.state import WEIGHTS, Synapses
from brainsim.simulate.company import Ask
from brainsim.simulate.engine import Engine
from brainsim.simulate.probes import Probes
from brainsim.simulate.state import Snapshot, StateTable


class Saving:
    """Write the state of one brain and seed to files, and read it."""

    def __init__(self, brain: Brain, seed: int, engine: Engine, table: StateTable, probes: Probes) -> None:
        self._brain = brain
        self._engine = engine
        self._program = engine.program
        self._seed = seed
        self._table = table
        self._probes = probes

    def save(self, path: str | Path, note: str) -> None:
        """Write the whole state, completely or not at all."""
        text("Simulator.save: note", note, longest=None)
        from brainsim.simulate.spreading import Giving, gathered
        from brainsim.simulate.states_file import write_state

        company, giving = self._engine.company, Giving(self._engine)

        def write(ask: Ask) -> None:
            snapshot, stored = self._table.snapshot(), partial(gathered, ask, company.size)
            write_state(path, self._brain, self._program, self._seed, snapshot, note, stored)

        company.led(write, giving.offer)

    def load(self, path: str | Path) -> str:
        """Load the state in a file, completely or not at all; return its note."""
        self._probes.refuse("Simulator.load: cannot replace the state inside frozen(); load before or after the probe")
        from brainsim.simulate.spreading import Taking

        taking = Taking(self._engine)
        snapshot, note = self._engine.company.led(partial(self._read, path), taking.take)
        stored = {WEIGHTS.name: taking.taken()}
        self._table.restore(replace(snapshot, values={**snapshot.values, **stored}))
        return note

    def _read(self, path: str | Path, ask: Ask) -> tuple[Snapshot, str]:
        """Return the state in a file, and its note; each rank is given the stored synapses that end in its range."""
        from brainsim.simulate.states_file import continuing

        with continuing(path, self._program, lazy=self._engine.company.size > 1) as (saved, stored):
            mismatch = saved.mismatch(self._brain, self._program, self._seed)
            if mismatch:
                raise DumpError(
                    f"{path}: is the state of another brain or seed ({mismatch}); "
                    "build the brain and the simulator as they were when it was saved"
                )
            fault = self._table.fault(saved.snapshot) or self._fault_of_synapses(stored, ask)
            if fault:
                raise DumpError(f"{path}: is damaged: {fault}")
            return saved.snapshot, saved.note

    def _fault_of_synapses(self, stored: Callable[[str], Iterator[Synapses]], ask: Ask) -> str | None:
        """Give the ranks the stored synapses of all fibers, and return what is wrong with them."""
        from brainsim.simulate.spreading import spread

        for fiber in self._brain.fibers:
            index = WEIGHTS.named(self._program).get(fiber.name)
            if index is not None:
                fault = spread(ask, self._engine, index, fiber, stored(fiber.name))
                if fault:
                    return f"{WEIGHTS.name} of fiber {fiber.name!r}: {fault}"
        return None
