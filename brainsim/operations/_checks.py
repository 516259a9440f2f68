"""Checks of arguments that operations make before they run a round."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from brainsim._validation import count, integer
from brainsim.declare.area import Area
from brainsim.declare.assembly import Assembly
from brainsim.declare.fiber import Fiber, FiberSet
from brainsim.declare.region import Region
from brainsim.errors import DeclarationError, SimulationError
from brainsim.simulate.index import AreaLike, Openable
from brainsim.simulate.simulator import Simulator


def stimulus_of(operation: str, sim: Simulator, stimulus: Assembly) -> Area:
    """Return the area of a stimulus, which must belong to the brain of the simulator and not be empty."""
    if not isinstance(stimulus, Assembly):
        raise DeclarationError(
            f"{operation}: must be given an assembly to present (got {stimulus!r}); take a pattern by area[label]"
        )
    area = sim.brain.area(stimulus.area)
    if not len(stimulus):
        raise DeclarationError(f"{operation}: the stimulus in area {area.name!r} has no neurons; give it some")
    if stimulus.neurons[-1] >= area.n:
        raise DeclarationError(
            f"{operation}: the stimulus has neuron {stimulus.neurons[-1]}, but area {area.name!r} has n = {area.n}; "
            "is it an assembly of another brain?"
        )
    return area


def firing(operation: str, sim: Simulator, area: AreaLike) -> Assembly:
    """Return the assembly that fires in an area, of at least one neuron."""
    if not sim.fires(area):
        name = sim.brain.area(area).name
        raise SimulationError(
            f"{operation}: area {name!r} does not fire; project a stimulus into it, or present an assembly"
        )
    return sim.assembly(area)


def fibers(operation: str, sim: Simulator, source: AreaLike, target: AreaLike, *, needed: bool = True) -> FiberSet:
    """Return the fibers from one area to another; at least one, if it is needed."""
    ends = sim.brain.area(source), sim.brain.area(target)
    chosen = FiberSet(fiber for fiber in sim.brain.fibers if (fiber.source, fiber.target) == ends)
    if needed and not len(chosen):
        raise DeclarationError(
            f"{operation}: no fiber leads from {ends[0].name!r} to {ends[1].name!r}; "
            f"declare brain.connect({ends[0].name}, {ends[1].name}, ...)"
        )
    return chosen


def areas_of(where: str, sim: Simulator, given: AreaLike | Region | Iterable[AreaLike]) -> list[Area]:
    """Return areas, given as one, several or a region, as a list of at least one."""
    one = (given,) if isinstance(given, Area | str) else given
    several = given.areas.values() if isinstance(given, Region) else one
    if not isinstance(several, Iterable):
        raise DeclarationError(where=where, value=given, allowed="one or more areas")
    areas = [sim.brain.area(each) for each in several]
    if not areas:
        raise DeclarationError(f"{where}: must be at least one area (got none)", where=where, value=given)
    return areas


def fiber_set(operation: str, fibers: Openable) -> FiberSet:
    """Return one fiber, or several, as a set."""
    several = (fibers,) if isinstance(fibers, Fiber) or not isinstance(fibers, Iterable) else tuple(fibers)
    if not all(isinstance(fiber, Fiber) for fiber in several):
        raise DeclarationError(f"{operation}.fibers: must be fibers, as in a >> b | b >> c (got {fibers!r})")
    return FiberSet(several)


def may_learn(operation: str, sim: Simulator) -> None:
    """Refuse an operation that learns inside a probe, where learning is off."""
    if not sim.learning:
        raise SimulationError(
            f"{operation}: a probe must not change weights, so learning is off; call it outside of frozen()"
        )


def generator(operation: str, rng: int | np.random.Generator) -> np.random.Generator:
    """Return a random generator, from a seed if that is given."""
    if isinstance(rng, np.random.Generator):
        return rng
    return np.random.default_rng(integer(f"{operation}.rng", rng, 0, None))


def outcomes_of(operation: str, name: str, area: Area, outcomes: Mapping[str, Assembly]) -> None:
    """Refuse outcomes other than two or more assemblies of one area."""
    if not isinstance(outcomes, Mapping) or len(outcomes) < 2:
        raise DeclarationError(
            f"{operation}.{name}: must map two or more names to assemblies of area {area.name!r} (got {outcomes!r})"
        )
    for label, assembly in outcomes.items():
        if not isinstance(assembly, Assembly) or assembly.area != area.name:
            raise DeclarationError(
                f"{operation}.{name}[{label!r}]: must be an assembly of area {area.name!r} (got {assembly!r})"
            )
        if not len(assembly) or assembly.neurons[-1] >= area.n:
            raise DeclarationError(
                f"{operation}.{name}[{label!r}]: must have neurons, all below n = {area.n} (got {assembly!r})"
            )


def rounds_of(operation: str, rounds: int, name: str = "rounds") -> int:
    """Return a number of rounds, at least one."""
    return count(f"{operation}.{name}", rounds, 1)
