"""Cycles: named phases of rounds, in which different fibers transmit and learn."""

from __future__ import annotations

from typing import Any

import pytest

from brainsim import Area, Assembly, Brain, Cycle, Hebbian, Phase, SilentWarning, Simulator
from brainsim.errors import DeclarationError


def brain_of() -> Brain:
    brain = Brain()
    s, a = brain.add(Area("S", 60, 10), Area("A", 300, 12))
    brain.connect(s, a, 0.3, Hebbian(0.5, w_max=5))
    brain.connect(a, a, 0.3, Hebbian(0.5, w_max=5))
    return brain


def weights(sim: Simulator) -> dict[str, Any]:
    return {fiber.name: [column.tolist() for column in sim.connectome(fiber).learned()] for fiber in sim.brain.fibers}


def theta(brain: Brain) -> Cycle:
    s, a = brain["S"], brain["A"]
    return Cycle(
        encode=Phase(rounds=2, open=s >> a, learn=s >> a | a >> a), retrieve=Phase(rounds=3, open=a >> a, learn=())
    )


def test_a_cycle_runs_its_phases_in_order(backend: str) -> None:
    brain, other = brain_of(), brain_of()
    with Simulator(brain, 1, backend=backend) as sim, Simulator(other, 1, backend=backend) as by_hand:
        for each in (sim, by_hand):
            each.present(Assembly("S", range(10)))
        recording, by_hand_recording = sim.record("A"), by_hand.record("A")
        outcome = sim.run(theta(brain), cycles=3)
        s, a = other["S"], other["A"]
        for _ in range(3):
            by_hand.run(s >> a, rounds=2, learn=s >> a | a >> a)
            last = by_hand.run(a >> a, rounds=3, learn=())
        assert outcome.rounds == 15 == sim.rounds == len(recording)
        assert outcome.stable == last.stable
        mine, its = recording.winners("A"), by_hand_recording.winners("A")
        assert [each.tolist() for each in mine] == [each.tolist() for each in its]
        assert weights(sim) == weights(by_hand)
        assert weights(sim)["A->A"][0]


def test_a_cycle_is_run_once_by_default() -> None:
    brain = brain_of()
    with Simulator(brain, 1, backend="reference") as sim:
        sim.present(Assembly("S", range(10)))
        assert sim.run(theta(brain)).rounds == 5


def test_a_cycle_in_a_silent_brain_warns_once() -> None:
    brain = brain_of()
    sim = Simulator(brain, 1, backend="reference")
    with pytest.warns(SilentWarning) as warned:
        assert not sim.run(theta(brain), cycles=4).stable
    assert len(warned) == 1


def test_a_cycle_shows_its_phases() -> None:
    brain = brain_of()
    assert repr(theta(brain)).splitlines() == [
        "Cycle(encode=Phase(rounds=2, open=<S->A>, learn=<S->A | A->A>),",
        "      retrieve=Phase(rounds=3, open=<A->A>, learn=<no fibers>))",
    ]
    sim = Simulator(brain, 1, backend="reference")
    sim.inhibit(brain["A"] >> brain["A"])
    assert str(sim.schedule(theta(brain))).splitlines() == [
        "encode, 2 rounds:",
        "  project    S->A  adds its weights to the drive of A",
        "  select     A     the 12 most driven of 300 win",
        "  learn      A->A  inhibited: learns nothing (lock 'default' on A->A)",
        "  learn      S->A  strengthens fired -> just won",
        "retrieve, 3 rounds:",
        "  project    A->A  inhibited: transmits nothing (lock 'default' on A->A)",
    ]
    one = sim.schedule(Cycle(only=Phase(1, brain["S"] >> brain["A"])))
    assert str(one).startswith("only, 1 round:\n")
    assert one.phases["only"].steps[0].subject == "S->A"


def test_phases_take_fibers_in_any_form() -> None:
    (first, second) = fibers = list(brain_of().fibers)
    assert list(Phase(1, first).open) == [first]
    assert list(Phase(1, iter(fibers), learn=second).open) == fibers
    assert Phase(1, first, learn=iter(())).learn is not None
    assert Phase(1, first).learn is None
    assert Cycle(a=Phase(2, first), b=Phase(3, second)).rounds == 5


def test_bad_phases_and_cycles_are_refused_by_name() -> None:
    brain, other = brain_of(), brain_of()
    fibers = brain.fibers
    for rounds in (0, -1, 1.5, True, "2"):
        with pytest.raises(DeclarationError, match=r"Phase\.rounds: must be an integer of at least 1"):
            Phase(rounds, fibers)  # type: ignore[arg-type]
    with pytest.raises(DeclarationError, match=r"Phase.open: must be fibers, as in a >> b \| b >> c \(got 'A'\)"):
        Phase(1, "A")  # type: ignore[arg-type]
    with pytest.raises(DeclarationError, match=r"Phase\.learn: must be fibers"):
        Phase(1, fibers, learn=brain["A"])  # type: ignore[arg-type]
    with pytest.raises(DeclarationError, match="Cycle: must have at least one phase"):
        Cycle()
    with pytest.raises(DeclarationError, match=r"Cycle.encode: must be a Phase\(rounds, open\)"):
        Cycle(encode=fibers)  # type: ignore[arg-type]
    sim = Simulator(brain, 1, backend="reference")
    sim.present(Assembly("S", range(10)))
    foreign = Cycle(good=Phase(1, fibers), bad=Phase(1, fibers, learn=other.fibers))
    with pytest.raises(DeclarationError, match="Fiber 'S->A' belongs to another brain"):
        sim.run(foreign)
    with pytest.raises(DeclarationError, match=r"Simulator.run: cycles: must be an integer of at least 1 \(got 0\)"):
        sim.run(theta(brain), cycles=0)
    for options in ({"rounds": 3}, {"learn": fibers}, {"until_stable": True}):
        with pytest.raises(DeclarationError, match="the phases of a Cycle define rounds and learning"):
            sim.run(theta(brain), **options)  # type: ignore[arg-type]
    with pytest.raises(DeclarationError, match="give cycles with a Cycle"):
        sim.run(fibers, cycles=3)
    with pytest.raises(DeclarationError, match="the phases of a Cycle define learning; leave learn out"):
        sim.schedule(theta(brain), learn=fibers)  # type: ignore[call-overload]
    assert sim.rounds == 0
