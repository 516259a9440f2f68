"""Saving the state of a simulator, and continuing from a saved one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from brainsim._validation import text
from brainsim.declare.brain import Brain
from brainsim.errors import DumpError
from brainsim.kernels.state import WEIGHTS
from brainsim.simulate.engine import Engine
from brainsim.simulate.existence import missing_somewhere
from brainsim.simulate.probes import Probes
from brainsim.simulate.state import StateTable

if TYPE_CHECKING:
    from brainsim.simulate.states_file import SavedState


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
        from brainsim.simulate.states_file import write_state

        snapshot = self._table.snapshot()
        self._engine.company.once(lambda: write_state(path, self._brain, self._program, self._seed, snapshot, note))

    def load(self, path: str | Path) -> str:
        """Load the state in a file, completely or not at all; return its note."""
        self._probes.refuse("Simulator.load: cannot replace the state inside frozen(); load before or after the probe")
        saved = self._engine.company.once(lambda: self._sound(path))
        self._table.restore(saved.snapshot)
        return saved.note

    def _sound(self, path: str | Path) -> SavedState:
        """Return the content of a file in which nothing is wrong."""
        from brainsim.simulate.states_file import read_state

        saved = read_state(path, self._program)
        mismatch = saved.mismatch(self._brain, self._program, self._seed)
        if mismatch:
            raise DumpError(
                f"{path}: is the state of another brain or seed ({mismatch}); "
                "build the brain and the simulator as they were when it was saved"
            )
        stored = saved.snapshot.values.get(WEIGHTS.name, {})
        fibers = {fiber.name: fiber for fiber in self._brain.fibers}
        fault = self._table.fault(saved.snapshot) or missing_somewhere(self._engine, fibers, stored)
        if fault:
            raise DumpError(f"{path}: is damaged: {fault}")
        return saved
