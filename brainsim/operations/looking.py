"""Read what an assembly would make fire, and how strongly areas and assemblies are driven.  Nothing changes."""

from __future__ import annotations

import warnings
from collections.abc import Iterable

import numpy as np

from brainsim._arguments import checked
from brainsim.declare.area import Area
from brainsim.declare.assembly import Assembly
from brainsim.declare.fiber import FiberSet
from brainsim.declare.region import Region
from brainsim.errors import DeclarationError, SilentWarning
from brainsim.operations._checks import areas_of, fiber_set, stimulus_of
from brainsim.simulate.index import AreaLike, Openable
from brainsim.simulate.simulator import Simulator


@checked("assembly", "fibers")
def evoke(sim: Simulator, assembly: Assembly, *fibers: Openable) -> Assembly:
    """Fire an assembly in a silent brain, and return the winners at the end of some fibers.

    A probe: nothing is learned, and the state is restored afterwards.  All areas are silenced, the assembly
    fires, and each argument after it opens its fibers for one round.  So ``evoke(sim, a, b_to_c, c_to_d)`` follows a
    chain; fibers that are joined with ``|`` are open in the same round.

    Parameters
    ----------
    sim : Simulator
        Of the brain of the assembly.
    assembly : Assembly
        What fires at first.  It is not held: a fiber into its area that is open lets other neurons win there.
    *fibers : Fiber, FiberSet or iterable of Fiber
        What is open in each round, except inhibited fibers.  Those of the last round end in one area.

    Returns
    -------
    Assembly
        What fires in that area in the end, without a label.

    Raises
    ------
    DeclarationError
        If there are no fibers, the fibers of a round start in no area that can fire by then, those of the last round
        end in several areas, or the assembly is empty or of another brain.

    Examples
    --------
    >>> from brainsim.operations import evoke, project
    >>> dog = project(sim, phon["dog"], lex)
    >>> evoke(sim, phon["dog"], phon >> lex).overlap(dog)
    1.0
    """
    area = stimulus_of("evoke", sim, assembly)
    steps = [fiber_set("evoke", each) for each in fibers]
    target = _end_of_chain(area, steps)
    with sim.frozen():
        sim.silence()
        sim.present(assembly)
        sim.release(area)
        for step in steps:
            sim.run(step)
        return sim.assembly(target)


def _end_of_chain(area: Area, steps: list[FiberSet]) -> Area:
    """Return the area in which a chain of fibers ends; each step must start in an area that can fire."""
    if not steps:
        raise DeclarationError("evoke.fibers: must name the fibers of at least one round (got none)")
    reached = {area.name: area}
    for number, step in enumerate(steps, 1):
        if not any(fiber.source.name in reached for fiber in step):
            raise DeclarationError(
                f"evoke.fibers: round {number} opens {step!r}, but by then only {', '.join(reached)} can fire; give "
                "the fibers in the order in which they are followed"
            )
        reached |= {fiber.target.name: fiber.target for fiber in step}
    ends = {fiber.target.name: fiber.target for fiber in steps[-1]}
    if len(ends) > 1:
        raise DeclarationError(
            f"evoke.fibers: the last round must end in one area (got {', '.join(ends)}); call evoke for each of them"
        )
    return next(iter(ends.values()))


@checked("areas", "fibers")
def most_driven(sim: Simulator, areas: AreaLike | Region | Iterable[AreaLike], fibers: Openable) -> Area | None:
    """Return which of some areas is driven most by what fires now: the one that would prevail in `mutual_inhibition`.

    An area is driven as much as the neurons together that would win in it.  This is a probe: nothing changes.

    Parameters
    ----------
    sim : Simulator
        Of a brain that has these areas.
    areas : Area, str, Region or iterable of Area or str
        At least one.  Whether they are held makes no difference.
    fibers : Fiber, FiberSet or iterable of Fiber
        What drives them.  Of these, those do not count that would not transmit in the next round.

    Returns
    -------
    Area or None
        The first one named prevails in a tie; ``None`` if none is driven.

    Raises
    ------
    DeclarationError
        If there is no area, no fiber ends in any of them, or one is of another brain.

    Examples
    --------
    >>> from brainsim.operations import most_driven
    >>> most_driven(sim, [lex, "Arc"], brain.fibers) is None
    True
    >>> sim.present(phon["dog"])
    >>> most_driven(sim, [lex, "Arc"], brain.fibers)
    Area('Lex', n=1_000, k=30)
    """
    rivals = list(dict.fromkeys(areas_of("most_driven.areas", sim, areas)))
    opened = fiber_set("most_driven", fibers)
    _check_reached("most_driven", rivals, opened)
    drives = drives_of_winners(sim, rivals, opened)
    best = int(np.argmax(drives))
    return rivals[best] if drives[best] > 0 else None


@checked("assembly", "fibers")
def input_to(sim: Simulator, assembly: Assembly, fibers: Openable) -> float:
    """Return how strongly what fires now drives an assembly: the sum of the drives of its neurons.

    Drives are those of `Simulator.drives`, less thresholds, in the unit of weights.  Whether the neurons would win
    makes no difference.  No round is run, and nothing changes.  Takes as long as `Simulator.drives`: it reads all
    learned synapses of the fibers.

    Parameters
    ----------
    sim : Simulator
        Of the brain of the assembly.
    assembly : Assembly
        Whose neurons are looked at.
    fibers : Fiber, FiberSet or iterable of Fiber
        What drives them; those that are inhibited, or end elsewhere, do not count.

    Raises
    ------
    DeclarationError
        If none of the fibers ends in the assembly's area, or the assembly is empty or of another brain.

    Examples
    --------
    >>> from brainsim.operations import input_to, project
    >>> dog = project(sim, phon["dog"], lex)
    >>> heard = []
    >>> for word in ("dog", "cat"):
    ...     sim.present(phon[word])
    ...     heard.append(input_to(sim, dog, phon >> lex))
    >>> heard[0] > heard[1] > 0
    True
    """
    area, opened = stimulus_of("input_to", sim, assembly), fiber_set("input_to", fibers)
    _check_reached("input_to", [area], opened)
    return float(sim.drives(area, opened)[assembly.neurons].sum())


def drives_of_winners(sim: Simulator, areas: list[Area], fibers: FiberSet) -> list[float]:
    """Return the summed drive of the neurons that would win in each of some areas: 0 where nothing is transmitted.

    A round in a probe finds them, in much less time than `Simulator.drives`, which reads all learned synapses.
    """
    with sim.frozen(), warnings.catch_warnings():
        warnings.simplefilter("ignore", SilentWarning)  # silence is a valid answer here
        sim.release(*areas)
        # An area that does not select keeps its winners, and the drives with which they won before.
        selecting = {step.subject for step in sim.schedule(fibers).steps if step.phase == "select"}
        sim.run(fibers)
        return [float(sim.drive(area).sum()) if area.name in selecting else 0.0 for area in areas]


def _check_reached(operation: str, areas: list[Area], fibers: FiberSet) -> None:
    if not any(len(fibers.into(area)) for area in areas):
        names = ", ".join(area.name for area in areas)
        raise DeclarationError(f"{operation}.fibers: at least one must end in {names} (got {fibers!r})")
