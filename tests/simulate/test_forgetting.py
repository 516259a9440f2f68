"""Forgetting: weights return to their initial values, and learning starts again from there."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.sparse import coo_array

from brainsim import STDP, Area, Brain, Explicit, FiberSet, Hebbian, Region, Simulator
from brainsim.errors import DeclarationError, SimulationError

GIVEN = coo_array((1.0 + np.arange(60) % 3, (np.arange(60), np.arange(60) % 40)), shape=(60, 40))


def brain_of() -> Brain:
    """Return a brain with a stimulus, a recurrent fiber, a stored graph, and a fiber whose synapses can be weakened."""
    brain = Brain()
    s, a, t = brain.add(Area("S", 50, 10, {"x": range(10), "y": range(10, 20)}), Area("A", 60, 8), Area("T", 40, 6))
    brain.connect(s, a, 0.3, Hebbian(0.2, w_max=4))
    brain.connect(a, a, 0.3, Hebbian(0.2))
    brain.connect(a, t, graph=Explicit(GIVEN), plasticity=Hebbian(0.5, w_max=9))
    brain.connect(s, t, 0.3)
    brain.connect(t, a, 0.3, STDP(0.5, 0.25, w_max=6, floor=1.0), weight=2.5)
    return brain


def trained(brain: Brain, sim: Simulator) -> list[Any]:
    """Silence all areas and train for a few rounds; return the winners and the learned weights."""
    sim.silence()
    sim.present(brain["S"]["x"])
    sim.run(brain.fibers, 4)
    return [
        [sim.assembly(name).neurons.tolist() for name in "SAT"],
        [[column.tolist() for column in sim.connectome(fiber).learned()] for fiber in brain.fibers],
    ]


def weights(brain: Brain, sim: Simulator) -> list[Any]:
    return [sim.connectome(fiber).to_scipy().toarray().tolist() for fiber in brain.fibers]


def test_after_forgetting_everything_a_brain_learns_as_a_new_one_does(backend: str) -> None:
    brain = brain_of()
    with Simulator(brain, 6, backend=backend) as sim:
        first = weights(brain, sim)
        sim.present(brain["S"]["y"])
        sim.run(brain.fibers, 3)
        assert weights(brain, sim)[:3] != first[:3]
        assert weights(brain, sim)[4] != first[4]
        sim.forget(brain.fibers)
        assert weights(brain, sim) == first
        again = trained(brain, sim)
        assert sim.rounds == 7
    with Simulator(brain_of(), 6, backend=backend) as sim:
        assert trained(sim.brain, sim) == again


def test_forgetting_resets_only_the_weights_of_the_given_fibers(backend: str) -> None:
    brain = brain_of()
    s, a, t = brain.areas.values()
    with Simulator(brain, 6, backend=backend) as sim:
        trained(brain, sim)
        sim.set_thresholds("A", 0.5)
        before, fired = weights(brain, sim), [sim.assembly(area) for area in (s, a, t)]
        sim.forget(FiberSet())
        sim.forget(s >> t)  # never learns
        assert weights(brain, sim) == before
        sim.forget(a >> t)
        assert weights(brain, sim) == [*before[:2], GIVEN.toarray().tolist(), *before[3:]]
        sim.forget(a >> t | s >> a)
        assert weights(brain, sim)[1] == before[1]
        assert len(sim.connectome(s >> a).learned()[0]) == 0
        assert [sim.assembly(area) for area in (s, a, t)] == fired
        assert (sim.rounds, sim.held, sim.thresholds("A").tolist()) == (4, ("S",), [0.5] * 60)


def test_the_fibers_of_a_region_can_be_forgotten() -> None:
    region = Region("R")
    a, b = region.add(Area("A", 40, 5, {"x": range(5)}), Area("B", 40, 5))
    region.connect(a, b, 0.4, Hebbian(0.5))
    brain = Brain()
    brain.add(region)
    with Simulator(brain, 1, backend="reference") as sim:
        sim.present(a["x"])
        sim.run(region.fibers, 2)
        assert len(sim.connectome(a >> b).learned()[0])
        sim.forget(region.fibers)
        assert len(sim.connectome(a >> b).learned()[0]) == 0


def test_forgetting_is_refused_in_a_probe_and_for_fibers_of_another_brain() -> None:
    brain, other = brain_of(), brain_of()
    with Simulator(brain, 6, backend="reference") as sim:
        trained(brain, sim)
        before = weights(brain, sim)
        with sim.frozen(), pytest.raises(SimulationError, match="a probe must not change weights"):
            sim.forget(brain.fibers)
        with pytest.raises(DeclarationError, match="'S->A' belongs to another brain"):
            sim.forget([*brain.fibers, *other.fibers])
        with pytest.raises(DeclarationError, match="must be given fibers"):
            sim.forget(brain["A"])  # type: ignore[arg-type]
        assert weights(brain, sim) == before
