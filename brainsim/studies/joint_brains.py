"""The brains of a batch that share the launches of a GPU: each runs its schedule in a thread of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

from brainsim.declare.brain import Brain
from brainsim.simulate.joint import joint_simulators
from brainsim.studies.processes.brains import Each, close_all, named


class JointBrains:
    """The simulators of one brain with some seeds, whose rounds are carried out together."""

    def __init__(self, brain: Brain, seeds: Sequence[int], options: Mapping[str, Any]) -> None:
        self._joint, self._simulators, self._opened = joint_simulators(brain, seeds, options)

    def each(self, do: Each) -> list[Any]:
        """Return what a function returns for each simulator; the brains go from round to round together."""
        brains = range(len(self._simulators))
        with self._joint.together(brains), ThreadPoolExecutor(len(brains)) as threads:
            futures = [threads.submit(copy_context().run, self._one, do, b) for b in brains]
            try:
                errors = [future.exception() for future in futures]
            except BaseException as error:  # an interruption: no brain may wait for others
                self._joint.fail(error)
                raise
        first = next((error for error in errors if error is not None), None)
        if first is not None:
            raise first
        return [future.result() for future in futures]

    def _one(self, do: Each, brain: int) -> Any:
        try:
            return named(do, self._simulators[brain])
        finally:
            self._joint.leave(brain)

    def close(self) -> None:
        """Close the simulators; what none of them used is reported once."""
        close_all(self._opened)
