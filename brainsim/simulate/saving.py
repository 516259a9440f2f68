"""Saving the state of a simulator, and continuing from a saved one."""

from __future__ import annotations

from pathlib import Path

from brainsim.declare.brain import Brain
from brainsim.errors import DeclarationError, DumpError
from brainsim.kernels.program import Program
from brainsim.simulate.probes import Probes
from brainsim.simulate.state import StateTable


class Saving:
    """Writes the state of one brain and seed to files, and takes it from them."""

    def __init__(self, brain: Brain, program: Program, seed: int, table: StateTable, probes: Probes) -> None:
        self._brain = brain
        self._program = program
        self._seed = seed
        self._table = table
        self._probes = probes

    def save(self, path: str | Path, note: str) -> None:
        """Write the whole state, whole or not at all."""
        from brainsim.simulate.states_file import write_state

        if not isinstance(note, str):
            raise DeclarationError(where="Simulator.save: note", value=note, allowed="text")
        write_state(path, self._brain, self._program, self._seed, self._table.snapshot(), note)

    def load(self, path: str | Path) -> str:
        """Become the state in a file, whole or not at all; return its note."""
        from brainsim.simulate.states_file import read_state

        self._probes.refuse("Simulator.load: cannot replace the state inside frozen(); load before or after the probe")
        saved = read_state(path, self._program)
        mismatch = saved.mismatch(self._brain, self._program, self._seed)
        if mismatch:
            raise DumpError(
                f"{path}: is the state of another brain or seed ({mismatch}); "
                "build the brain and the simulator as they were when it was saved"
            )
        fault = self._table.fault(saved.snapshot)
        if fault:
            raise DumpError(f"{path}: is damaged: {fault}")
        self._table.restore(saved.snapshot)
        return saved.note
