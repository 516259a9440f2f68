"""Windows: fibers transmit and learn in some phases of an oscillator, by the clock of the brain."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from brainsim import Area, Assembly, Brain, Cycle, Hebbian, Oscillator, Phase, Simulator


def theta_brain() -> Brain:
    """Return a hippocampus with a theta rhythm.

    In one half of a cycle it encodes the input from the cortex; in the other it retrieves by its recurrent fiber.
    """
    brain = Brain()
    cortex, ca3 = brain.add(Area("EC", 60, 10), Area("CA3", 300, 12))
    theta = brain.add(Oscillator("theta", period=4))
    rule = Hebbian(0.5, w_max=5)
    brain.connect(cortex, ca3, 0.3, rule, transmits_when=theta.encoding, learns_when=theta.encoding)
    brain.connect(ca3, ca3, 0.3, rule, transmits_when=theta.retrieval, learns_when=theta.window(1, 3))
    return brain


def started(brain: Brain, backend: str) -> Simulator:
    sim = Simulator(brain, 2, backend=backend)
    sim.present(Assembly("EC", range(10)))
    return sim


def weights(sim: Simulator) -> dict[str, Any]:
    return {each.name: [column.tolist() for column in sim.connectome(each).learned()] for each in sim.brain.fibers}


def test_windows_give_the_same_result_as_an_explicit_cycle(backend: str) -> None:
    brain = theta_brain()
    sim, by_hand = started(brain, backend), Simulator(plain(), 2, backend=backend)
    by_hand.present(Assembly("EC", range(10)))
    mine, its = sim.record("CA3"), by_hand.record("CA3")
    assert sim.run(brain.fibers, 10).rounds == 10
    into, recurrent = by_hand.brain.fibers
    by_hand.run(
        Cycle(
            phase0=Phase(1, into, learn=into),
            phase1=Phase(1, into, learn=(into, recurrent)),
            phase2=Phase(1, recurrent, learn=recurrent),
            phase3=Phase(1, recurrent, learn=()),
        ),
        cycles=2,
    )
    by_hand.run(into, 1, learn=into)
    by_hand.run(into, 1, learn=(into, recurrent))
    assert [each.tolist() for each in mine.winners("CA3")] == [each.tolist() for each in its.winners("CA3")]
    assert weights(sim) == weights(by_hand)
    assert all(columns[0] for columns in weights(sim).values())


def plain() -> Brain:
    """Return the same brain without windows."""
    brain = Brain()
    cortex, ca3 = brain.add(Area("EC", 60, 10), Area("CA3", 300, 12))
    brain.connect(cortex, ca3, 0.3, Hebbian(0.5, w_max=5))
    brain.connect(ca3, ca3, 0.3, Hebbian(0.5, w_max=5))
    return brain


def test_one_run_and_several_shorter_runs_give_the_same_result(backend: str, tmp_path: Path) -> None:
    once, pieces = started(theta_brain(), backend), started(theta_brain(), backend)
    once.run(once.brain.fibers, 9)
    for rounds in (1, 3, 2):
        pieces.run(pieces.brain.fibers, rounds)
    with pieces.frozen():
        pieces.run(pieces.brain.fibers, 5)  # the clock advances in a probe and is restored after it
        assert pieces.rounds == 11
    pieces.save(tmp_path / "state.h5")
    loaded = Simulator(theta_brain(), 2, backend=backend)
    loaded.load(tmp_path / "state.h5")
    for each in (pieces, loaded):
        each.run(each.brain.fibers, 3)
        assert weights(each) == weights(once)
        assert each.assembly("CA3") == once.assembly("CA3")


def test_the_schedule_says_which_windows_close_a_fiber_now() -> None:
    sim = started(theta_brain(), "reference")
    sim.release()
    assert str(sim.schedule()).splitlines() == [
        "modulate   theta     is at phase 0 of 4, where it is 1",
        "project    CA3->CA3  transmits nothing now, outside theta.window(2, 4)",
        "project    EC->CA3   adds its weights to the drive of CA3",
        "select     CA3       the 12 most driven of 300 win",
        "learn      CA3->CA3  learns nothing now, outside theta.window(1, 3)",
        "learn      EC->CA3   strengthens fired -> just won",
    ]
    cycle = Cycle(first=Phase(2, sim.brain.fibers), second=Phase(1, sim.brain.fibers))
    assert "EC->CA3   transmits nothing now, outside theta.window(0, 2)" in str(sim.schedule(cycle).phases["second"])
    sim.run(sim.brain.fibers)
    assert "CA3->CA3  strengthens fired -> just won, without transmitting" in str(sim.schedule())
    with sim.frozen():
        assert "learn" not in str(sim.schedule())


def test_transmitting_and_drives_take_windows_into_account(backend: str) -> None:
    sim = started(theta_brain(), backend)
    fibers = list(sim.brain.fibers)
    for opened in ([0], [0], [1], [1], [0]):
        assert list(sim.transmitting(fibers)) == [fibers[f] for f in opened]
        drives = sim.drives("CA3")
        sim.run(fibers)
        assert sim.drive("CA3").tolist() == drives[sim.assembly("CA3").neurons].tolist()


def test_a_run_until_stable_waits_for_a_whole_cycle(backend: str) -> None:
    brain = Brain()
    s, a = brain.add(Area("S", 60, 10), Area("A", 300, 12))
    slow = brain.add(Oscillator("slow", period=6))
    brain.connect(s, a, 0.3, transmits_when=slow.window(4, 5))
    sim = Simulator(brain, 1, backend=backend)
    sim.present(Assembly("S", range(10)))
    outcome = sim.run(brain.fibers, until_stable=True)
    assert sim.fires("A"), "the rounds before the window, in which nothing changes, do not end the run"
    assert outcome.stable
    assert outcome.rounds == 5 + 6  # the area changes in the round of phase 4, and then in no round of a whole cycle
    assert not sim.run(brain.fibers, until_stable=True, max_rounds=5).stable


def test_a_brain_without_windows_uses_one_plan_for_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    from brainsim.kernels.reference import ReferenceBackend

    seen: list[Any] = []
    whole = ReferenceBackend.run

    def noted(backend: Any, plan: Any, *arguments: Any) -> None:
        seen.append(plan)
        whole(backend, plan, *arguments)

    monkeypatch.setattr(ReferenceBackend, "run", noted)
    for brain, plans in ((plain(), 1), (theta_brain(), 4)):
        seen.clear()
        sim = started(brain, "reference")
        sim.run(brain.fibers, 8)
        assert len(seen) == 8
        assert len({id(plan) for plan in seen}) == plans
