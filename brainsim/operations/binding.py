"""Link a new assembly to others that fire, without letting these decide which neurons it has."""

from __future__ import annotations

from collections.abc import Iterable

from brainsim._arguments import checked
from brainsim._validation import count
from brainsim.declare.area import Area
from brainsim.declare.assembly import Assembly
from brainsim.declare.fiber import FiberSet
from brainsim.declare.region import Region
from brainsim.errors import DeclarationError
from brainsim.operations._checks import areas_of, fibers, firing, may_learn, rounds_of, stimulus_of
from brainsim.operations._firing import held, presented
from brainsim.operations.trace import Trace, traced
from brainsim.simulate.index import AreaLike
from brainsim.simulate.simulator import Simulator


@checked("source", "to", "trace")
def attach(
    sim: Simulator,
    source: AreaLike | Assembly,
    target: AreaLike,
    *,
    to: AreaLike | Region | Iterable[AreaLike],
    alone: int = 5,
    rounds: int = 20,
    trace: Trace | None = None,
) -> Assembly:
    """Form an assembly in an area from its source alone, and then link it to what fires in others.

    In the first ``alone`` rounds only the source drives the target (from the second round on also the target itself),
    so the new assembly depends on nothing else.  In the rounds that follow, the source, the target and the areas of
    ``to`` are held.  The fibers between the target and each of these areas are open both ways, and those from the
    target to the source: held assemblies do not change, but their synapses learn.

    If all fibers were open from the first round on, an assembly with several links would re-activate an old one instead
    of forming a new one: a noun that is the subject of two verbs would re-activate the first.

    Parameters
    ----------
    sim : Simulator
        Outside of `Simulator.frozen`.
    source : Assembly, Area or str
        An assembly, which is presented and falls silent afterwards; or an area that fires.
    target : Area or str
        The area in which the new assembly forms; not held.
    to : Area, str, Region or iterable of Area or str
        The areas that it is linked to; each must be firing.
    alone : int
        Rounds in which it forms, at least 1.
    rounds : int
        How many rounds in all, more than ``alone``.
    trace : Trace, optional
        Filled with the winners of the target in every round.

    Returns
    -------
    Assembly
        The new assembly, under the label of the source if that is an assembly.

    Raises
    ------
    SimulationError
        If the source, or an area that is to be attached to, does not fire; or inside a probe.
    DeclarationError
        If no fiber leads from the source to the target, or between the target and one of the others each way; if the
        target is held, or an area is given twice.

    Examples
    --------
    >>> from brainsim.operations import attach, evoke
    >>> symbol, state, arc = (brain[name] for name in ("Symbol", "State", "Arc"))
    >>> sim.present(state["even"])
    >>> link = attach(sim, symbol["1"], arc, to=state)
    >>> evoke(sim, link, arc >> state).overlap(state["even"])
    1.0
    """
    may_learn("attach", sim)
    stimulus = source if isinstance(source, Assembly) else None
    start = sim.brain.area(source) if stimulus is None else stimulus_of("attach", sim, stimulus)  # type: ignore[arg-type]
    area = sim.brain.area(target)
    others = areas_of("attach.to", sim, to)
    rounds = count("attach.rounds", rounds, rounds_of("attach", alone, "alone") + 1, cure="or lower alone")
    _check(sim, start, area, others, presented_=stimulus is not None)
    forward, inner = fibers("attach", sim, start, area), fibers("attach", sim, area, area, needed=False)
    # Fibers of the target to itself stay closed while it is held.  Otherwise they would grow, and the next assembly of
    # the area would complete to this one.
    links = forward | fibers("attach", sim, area, start, needed=False) | _links(sim, area, others)
    with presented(sim, stimulus) if stimulus is not None else held(sim, start), traced(trace, sim, area):
        sim.run(forward)
        if alone > 1:
            sim.run(forward | inner, alone - 1)
        with held(sim, area, *others):
            sim.run(links, rounds - alone)
    return sim.assembly(area, None if stimulus is None else stimulus.label)


def _links(sim: Simulator, area: Area, others: list[Area]) -> FiberSet:
    """Return the fibers between an area and others, each way."""
    ends = [pair for other in others for pair in ((area, other), (other, area))]
    return FiberSet(fiber for pair in ends for fiber in fibers("attach", sim, *pair))


def _check(sim: Simulator, source: Area, target: Area, others: list[Area], *, presented_: bool) -> None:
    names = [area.name for area in (source, target, *others)]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise DeclarationError(f"attach: source, target and to must be different areas (got {twice!r} twice)")
    if target.name in sim.held:
        raise DeclarationError(f"attach: area {target.name!r} is held, so no assembly can form in it; release it first")
    for area in others if presented_ else (source, *others):
        firing("attach", sim, area)
