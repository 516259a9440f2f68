"""The brains of a batch in one process, and how a process names the parts of a declaration to another.

A simulator knows the areas and fibers of its brain as objects, and a copy of a fiber belongs to no brain.  What is sent
to a worker therefore holds the number of a part in place of the part, and the worker puts its own part there.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import cloudpickle

from brainsim.declare.brain import Brain
from brainsim.simulate.simulator import Simulator
from brainsim.simulate.usage import collected, report

Each = Callable[[Simulator], Any]


class Brains:
    """The simulators of one brain with some seeds, in this process."""

    def __init__(self, brain: Brain, seeds: Sequence[int], options: Mapping[str, Any]) -> None:
        self._open = ExitStack()
        with ExitStack() as opening:
            self._simulators = [opening.enter_context(Simulator(brain, seed, **options)) for seed in seeds]
            self._open = opening.pop_all()

    def each(self, do: Each) -> list[Any]:
        """Return what a function returns for each simulator, one after the other."""
        return [named(do, sim) for sim in self._simulators]

    def close(self) -> None:
        """Close the simulators; what none of them used is reported once."""
        close_all(self._open)


def close_all(simulators: ExitStack) -> None:
    """Close simulators of one brain, and report once what none of them used."""
    with collected() as usage:
        simulators.close()
    report(usage.unused)


def named(do: Each, sim: Simulator) -> Any:
    """Return what a function returns for a simulator; an error of it gets a note that names the seed."""
    try:
        return do(sim)
    except BaseException as error:
        error.add_note(f"This was raised in the brain with seed {sim.seed} of a batch.")
        raise


def parts_of(brain: Brain) -> list[object]:
    """Return a brain and its parts, always in the same order."""
    return [brain, *brain.areas.values(), *brain.fibers, *brain.modulators.values(), *brain.regions.values()]


class _Pickler(cloudpickle.Pickler):  # type: ignore[misc]  # cloudpickle has no types
    def __init__(self, file: io.BytesIO, parts: Sequence[object]) -> None:
        super().__init__(file)
        self._numbers = {id(part): number for number, part in enumerate(parts)}

    def persistent_id(self, thing: object) -> int | None:
        return self._numbers.get(id(thing))


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, parts: Sequence[object]) -> None:
        super().__init__(file)
        self._parts = parts

    def persistent_load(self, number: int) -> object:
        return self._parts[number]


def packed(thing: object, parts: Sequence[object]) -> bytes:
    """Return a thing for another process, with numbers in place of parts."""
    file = io.BytesIO()
    _Pickler(file, parts).dump(thing)
    return file.getvalue()


def unpacked(content: bytes, parts: Sequence[object]) -> Any:
    """Return a thing from another process, with the parts of this one."""
    return _Unpickler(io.BytesIO(content), parts).load()


# What follows runs in a worker, which holds the brains of one batch.

_held: list[tuple[Brains, list[object]]] = []


def hold(brain: Brain, seeds: Sequence[int], options: Mapping[str, Any]) -> None:
    """Build the brains that this worker holds."""
    _held.append((Brains(brain, seeds, options), parts_of(brain)))


def do_each(content: bytes) -> list[Any]:
    """Return what a packed function returns for each of the brains that this worker holds."""
    ((brains, parts),) = _held
    return brains.each(unpacked(content, parts))


def let_go() -> None:
    """Close the brains that this worker holds."""
    _held.pop()[0].close()
