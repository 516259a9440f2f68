"""Routing: a goal opens the channels of a thalamus for the items that it needs."""

from __future__ import annotations

from dataclasses import dataclass

from brainsim._arguments import checked
from brainsim.declare.activation import Channels
from brainsim.declare.area import Area
from brainsim.declare.assembly import Assembly
from brainsim.declare.fiber import FiberSet
from brainsim.errors import DeclarationError
from brainsim.operations._checks import fibers, stimulus_of
from brainsim.operations._firing import presented
from brainsim.simulate.index import AreaLike
from brainsim.simulate.simulator import Simulator


@dataclass(frozen=True)
class Routed:
    """What passed a gate.

    Attributes
    ----------
    assembly : Assembly
        What fires in the target.
    channels : tuple of int
        The channels of the gating area that were open; its neurons, if it has none.
    """

    assembly: Assembly
    channels: tuple[int, ...]


@checked()
def route(sim: Simulator, goal: Assembly, items: Assembly, target: AreaLike) -> Routed:
    """Let a goal select which of the firing items reach a target.

    In the first round the goal drives the gating area, such as the relays of a `brainsim.areas.Thalamus`.  In the
    second one all items fire, and those of the open channels drive the target.  Nothing is learned.  Goal and items
    are silent afterwards; gate and target go on firing.

    Parameters
    ----------
    sim : Simulator
        Of a brain with gated fibers from the items to the target, and fibers from the goal to the gating area.
    goal : Assembly
        What chooses, for example the union of the keys of some items.
    items : Assembly
        All that fires at the gate.
    target : Area or str
        Where the chosen items go.

    Raises
    ------
    DeclarationError
        If no fiber from the items to the target is gated by an area, or several areas gate them; if no fiber leads from
        the goal to the gating area; or if an assembly is empty or of another brain.

    Examples
    --------
    >>> from brainsim.areas import Thalamus
    >>> from brainsim.operations import imprint, route
    >>> brain = Brain()
    >>> goal, items, work = brain.add(
    ...     Area("Goal", 500, 50, {"eat": range(50)}),
    ...     Area("Items", 400, 400, {"all": range(400)}),
    ...     Area("Work", 900, 30),
    ... )
    >>> thalamus = brain.add(Thalamus(channels=20, open=1))
    >>> choosing = brain.connect(goal, thalamus.relay, p=0.2, plasticity=Hebbian(8, w_max=9))
    >>> gated = brain.connect(items, work, p=0.2, gate=thalamus.relay)
    >>> with Simulator(brain, seed=1) as sim:
    ...     imprint(sim, goal["eat"], thalamus.channel(7))
    ...     routed = route(sim, goal["eat"], items["all"], work)
    ...     sim.events()[gated.name]
    3619
    >>> routed.channels, len(routed.assembly)
    ((7,), 30)
    """
    source, end = stimulus_of("route", sim, items), sim.brain.area(target)
    passing = fibers("route", sim, source, end)
    gate = _gate(source, end, passing)
    choosing = fibers("route", sim, stimulus_of("route", sim, goal), gate)
    with presented(sim, goal):
        sim.release(gate)
        sim.run(choosing, learn=())
    opened = sim.assembly(gate).neurons.tolist() if sim.fires(gate) else []
    with presented(sim, items):
        sim.release(end)
        sim.run(passing, learn=())
    activation = gate.activation
    size = activation.size if isinstance(activation, Channels) else 1
    # If the items of the open channels are silent, nothing passes: this is a valid answer without a warning.
    passed = sim.assembly(end) if sim.fires(end) else Assembly(end.name, ())
    return Routed(passed, tuple(sorted({neuron // size for neuron in opened})))


def _gate(source: Area, target: Area, passing: FiberSet) -> Area:
    """Return the one area that gates some fibers."""
    gates = {fiber.gate.name: fiber.gate for fiber in passing if isinstance(fiber.gate, Area)}
    if len(gates) != 1:
        found = ", ".join(gates) or "none"
        raise DeclarationError(
            f"route: one area must gate the fibers from {source.name!r} to {target.name!r} (got {found}); declare "
            f"brain.connect({source.name}, {target.name}, ..., gate=thalamus.relay)"
        )
    return next(iter(gates.values()))
