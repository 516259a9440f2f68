"""Learning and transmitting are independent: ``learn`` names the fibers that learn in a round."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from brainsim import Area, Assembly, Brain, FiberSet, Hebbian, Simulator
from brainsim.errors import DeclarationError


def memory() -> Brain:
    """Return a brain in which a fixed mossy fiber selects the winners of CA3, and the other two fibers learn."""
    brain = Brain()
    cortex, dentate, ca3 = brain.add(Area("EC", 300, 20), Area("DG", 500, 15), Area("CA3", 400, 20))
    brain.connect(dentate, ca3, 0.3)
    brain.connect(cortex, ca3, 0.3, Hebbian(8, w_max=9))
    brain.connect(ca3, ca3, 0.3, Hebbian(8, w_max=9))
    return brain


def learned(sim: Simulator, fiber: Any) -> dict[tuple[int, int], float]:
    pre, post, weight = sim.connectome(fiber).learned()
    return dict(zip(zip(pre.tolist(), post.tolist(), strict=True), weight.tolist(), strict=True))


def expected(sim: Simulator, fiber: Any, fired: Assembly, won: Assembly) -> dict[tuple[int, int], float]:
    """Return the synapses that one round of learning strengthens, from the rows of the graph alone."""
    connectome = sim.connectome(fiber)
    return {(i, j): 9.0 for i in fired for j in set(connectome.row(i).tolist()) & set(won)}


@pytest.fixture
def sim(backend: str) -> Any:
    simulator = Simulator(memory(), 3, backend=backend)
    simulator.present(Assembly("EC", range(20)), Assembly("DG", range(15)))
    yield simulator
    simulator.run(simulator.brain.fibers)
    simulator.close()


def test_a_fiber_learns_without_transmitting(sim: Simulator) -> None:
    brain = sim.brain
    ec, dg, ca3 = brain["EC"], brain["DG"], brain["CA3"]
    with sim.frozen():
        sim.run(dg >> ca3)
        alone = sim.assembly(ca3)
    sim.run(dg >> ca3, learn=ec >> ca3)
    assert sim.assembly(ca3) == alone, "the learning fiber does not affect who fires"
    assert learned(sim, ec >> ca3) == expected(sim, ec >> ca3, sim.assembly(ec), alone)
    assert learned(sim, ca3 >> ca3) == {}
    sim.run(dg >> ca3, learn=ca3 >> ca3)  # CA3 fires the same assembly again, which strengthens itself
    assert learned(sim, ca3 >> ca3) == expected(sim, ca3 >> ca3, alone, alone)


def test_a_fiber_transmits_without_learning(sim: Simulator) -> None:
    brain = sim.brain
    ec, ca3 = brain["EC"], brain["CA3"]
    sim.run(ec >> ca3 | ca3 >> ca3, rounds=3, learn=())
    assert sim.fires(ca3)
    assert not learned(sim, ec >> ca3)
    assert not learned(sim, ca3 >> ca3)


def test_by_default_the_open_fibers_learn(sim: Simulator) -> None:
    other = Simulator(memory(), 3, backend=sim.backend_name)
    other.present(Assembly("EC", range(20)), Assembly("DG", range(15)))
    sim.run(sim.brain.fibers, rounds=3)
    other.run(other.brain.fibers, rounds=3, learn=other.brain.fibers)
    for mine, its in zip(sim.brain.fibers, other.brain.fibers, strict=True):
        assert learned(sim, mine) == learned(other, its)
    assert learned(sim, sim.brain["EC"] >> sim.brain["CA3"])
    other.close()


def test_a_fiber_without_a_rule_may_be_named_and_learns_nothing(sim: Simulator) -> None:
    brain = sim.brain
    sim.run(brain["EC"] >> brain["CA3"], learn=brain["DG"] >> brain["CA3"])
    assert not learned(sim, brain["DG"] >> brain["CA3"])
    assert not learned(sim, brain["EC"] >> brain["CA3"])


def test_an_inhibited_fiber_neither_transmits_nor_learns(sim: Simulator) -> None:
    brain = sim.brain
    ec, dg, ca3 = brain["EC"], brain["DG"], brain["CA3"]
    sim.inhibit(ec >> ca3)
    sim.run(dg >> ca3, learn=ec >> ca3)
    assert not learned(sim, ec >> ca3)
    assert "learn      EC->CA3  inhibited: learns nothing (" in str(sim.schedule(dg >> ca3, learn=ec >> ca3))
    sim.disinhibit()
    sim.run(dg >> ca3, learn=ec >> ca3)
    assert learned(sim, ec >> ca3)


def test_nothing_learns_in_a_probe(sim: Simulator) -> None:
    brain = sim.brain
    ec, dg, ca3 = brain["EC"], brain["DG"], brain["CA3"]
    sim.run(dg >> ca3)
    with sim.frozen():
        sim.run(dg >> ca3, learn=ec >> ca3)
    assert not learned(sim, ec >> ca3)
    assert "fiber 'EC->CA3' was never opened" in sim.unused()


def test_a_fiber_that_learns_counts_as_used(sim: Simulator) -> None:
    brain = sim.brain
    ec, dg, ca3 = brain["EC"], brain["DG"], brain["CA3"]
    sim.run(dg >> ca3, learn=ec >> ca3)
    assert "fiber 'EC->CA3' was never opened" not in sim.unused()
    assert "fiber 'CA3->CA3' was never opened" in sim.unused()


def test_a_run_until_stable_takes_learning_fibers(sim: Simulator) -> None:
    brain = sim.brain
    ec, dg, ca3 = brain["EC"], brain["DG"], brain["CA3"]
    outcome = sim.run(dg >> ca3, learn=ec >> ca3, until_stable=True)
    assert outcome.stable
    assert outcome.rounds == 2  # the fixed fiber chooses the same neurons in both rounds
    assert learned(sim, ec >> ca3)


def test_project_takes_learning_fibers(sim: Simulator) -> None:
    brain = sim.brain
    sim.project({"DG": "CA3"}, learn=brain["EC"] >> brain["CA3"])
    assert learned(sim, brain["EC"] >> brain["CA3"])


def test_the_schedule_shows_fibers_that_learn_without_transmitting(sim: Simulator) -> None:
    brain = sim.brain
    ec, dg, ca3 = brain["EC"], brain["DG"], brain["CA3"]
    sim.release()
    assert str(sim.schedule(dg >> ca3 | ca3 >> ca3, learn=ec >> ca3 | ca3 >> ca3)).splitlines() == [
        "project    DG->CA3   adds its weights to the drive of CA3",
        "project    CA3->CA3  adds its weights to the drive of CA3",
        "select     CA3       the 20 most driven of 400 win",
        "learn      EC->CA3   strengthens fired -> just won, without transmitting",
        "learn      CA3->CA3  strengthens fired -> just won",
    ]


def test_fibers_of_another_brain_do_not_learn(sim: Simulator) -> None:
    other = memory()
    with pytest.raises(DeclarationError, match="Fiber 'EC->CA3' belongs to another brain"):
        sim.run(sim.brain.fibers, learn=other["EC"] >> other["CA3"])
    with pytest.raises(DeclarationError, match="must be given fibers"):
        sim.run(sim.brain.fibers, learn="EC")  # type: ignore[arg-type]
    assert sim.rounds == 0


def test_recall_without_learning_leaves_the_weights_unchanged() -> None:
    """With ``learn=()`` a cue completes the memory and changes no weight (Hasselmo, Bodelon & Wyble 2002)."""
    brain = memory()
    ec, dg, ca3 = brain["EC"], brain["DG"], brain["CA3"]
    with Simulator(brain, 3, backend="cpu") as sim:
        sim.present(Assembly("EC", range(20)), Assembly("DG", range(15)))
        sim.run(dg >> ca3)
        sim.run(dg >> ca3, learn=ec >> ca3 | ca3 >> ca3)
        stored = sim.assembly(ca3)
        before = learned(sim, FiberSet(ec >> ca3))
        sim.silence(ca3, dg)
        sim.present(Assembly("EC", np.arange(10)))
        sim.run(ec >> ca3 | ca3 >> ca3, rounds=3, learn=())
        assert stored.overlap(sim.assembly(ca3)) == 1.0
        assert learned(sim, FiberSet(ec >> ca3)) == before
