"""Operations that only probe: what an assembly evokes, which area is driven most, and the input to an assembly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from brainsim import Area, Assembly, Brain, Channels, FiberSet, Hebbian, Oscillator, Region, Simulator
from brainsim.errors import DeclarationError, UnknownNameError
from brainsim.operations import evoke, input_to, most_driven, mutual_inhibition, project, reciprocal_project

N, K = 800, 20
WORDS = {word: np.arange(K) + K * number for number, word in enumerate(("dog", "cat"))}


def brain_of() -> Brain:
    """Return an area of words, two areas that are linked with it in both directions, and an area that these two drive."""
    brain = Brain()
    lex, a, b, c = brain.add(Area("Lex", 2 * K, K, WORDS), Area("A", N, K), Area("B", N, K), Area("C", N, K))
    for area in (a, b):
        brain.connect(lex, area, 0.2, Hebbian(0.5, w_max=20))
        brain.connect(area, lex, 0.2, Hebbian(0.5, w_max=20))
        brain.connect(area, c, 0.2, Hebbian(0.5))
    brain.connect(a, a, 0.4, Hebbian(0.3, w_max=6))
    return brain


@pytest.fixture
def world() -> Any:
    brain = brain_of()
    with Simulator(brain, 5, backend="cpu", threads=1) as sim:
        yield sim, *brain.areas.values()
        sim.disinhibit()
        sim.release()
        sim.present(brain["Lex"]["dog"])
        sim.run(brain.fibers, 3)


def state(sim: Simulator) -> list[Any]:
    brain = sim.brain
    return [
        [sim.assembly(area) for area in brain.areas],
        [sim.connectome(fiber).to_scipy().toarray().tolist() for fiber in brain.fibers],
        [sim.thresholds(area).tolist() for area in brain.areas],
        (sim.held, sim.locks, sim.rounds, sim.learning),
    ]


def learned(sim: Simulator, lex: Area, area: Area) -> dict[str, Assembly]:
    """Project each word into an area and back; return the assemblies."""
    formed = {}
    for word in WORDS:
        sim.silence()
        sim.present(lex[word])
        formed[word] = reciprocal_project(sim, lex, area, 8)
    sim.silence()
    return formed


def test_an_assembly_evokes_what_it_is_linked_to(world: Any) -> None:
    sim, lex, a, *_ = world
    formed = learned(sim, lex, a)
    for word in WORDS:
        assert evoke(sim, lex[word], lex >> a).overlap(formed[word]) > 0.9
        found = evoke(sim, formed[word], a >> lex)
        assert found == lex[word]
        assert found.label is None


def test_evoke_follows_a_chain_of_fibers_round_by_round(world: Any) -> None:
    sim, lex, a, b, c = world
    formed = learned(sim, lex, a)
    assert evoke(sim, lex["cat"], lex >> a, a >> lex) == lex["cat"]
    by_hand: list[Assembly] = []
    with sim.frozen():
        sim.silence()
        sim.present(formed["dog"])
        sim.release()
        for step in (a >> lex, lex >> b, a >> c | b >> c):
            sim.run(step)
        by_hand.append(sim.assembly(c))
    assert evoke(sim, formed["dog"], a >> lex, lex >> b, a >> c | b >> c) == by_hand[0]
    assert evoke(sim, formed["dog"], a >> lex, lex >> b, b >> c) != by_hand[0]


def test_evoke_silences_all_other_areas_and_does_not_hold_the_assembly(world: Any) -> None:
    sim, lex, a, *_ = world
    formed = learned(sim, lex, a)
    sim.present(lex["cat"], formed["cat"])
    assert evoke(sim, lex["dog"], lex >> a).overlap(formed["dog"]) > 0.9  # the held "cat" has no effect
    half = Assembly("A", formed["dog"].neurons[: K // 2])
    assert evoke(sim, half, a >> a, a >> a).overlap(formed["dog"]) > 0.7


def test_probing_operations_change_nothing(world: Any) -> None:
    sim, lex, a, b, _ = world
    dog = learned(sim, lex, a)["dog"]
    sim.present(lex["cat"])
    sim.present(Assembly("B", range(K)), Assembly("C", range(K)))
    sim.inhibit(lex >> b, lock="x")
    sim.set_thresholds(a, 0.25)
    probes: list[Callable[[], Any]] = [
        lambda: evoke(sim, dog, a >> lex, lex >> a),
        lambda: most_driven(sim, [a, b], sim.brain.fibers),
        lambda: input_to(sim, dog, lex >> a),
    ]
    for probe in probes:
        before = state(sim)
        first = probe()
        assert state(sim) == before
        assert probe() == first
        with sim.frozen():
            assert probe() == first


def test_an_inhibited_fiber_evokes_nothing(world: Any) -> None:
    sim, lex, a, *_ = world
    learned(sim, lex, a)
    sim.inhibit(a, lock="x")
    assert len(evoke(sim, lex["dog"], lex >> a)) == 0


def test_invalid_uses_of_evoke_are_refused(world: Any) -> None:
    sim, lex, a, b, c = world
    mistakes: list[tuple[tuple[Any, ...], str]] = [
        ((lex["dog"],), r"evoke\.fibers: must name the fibers of at least one round"),
        ((lex["dog"], a >> lex), "round 1 opens <A->Lex>, but by then only Lex can fire; give the fibers in the order"),
        ((lex["dog"], lex >> a, b >> c), "round 2 opens <B->C>, but by then only Lex, A can fire"),
        ((lex["dog"], FiberSet()), "round 1 opens <no fibers>"),
        ((lex["dog"], lex >> a | lex >> b), r"must end in one area \(got A, B\); call evoke for each"),
        ((lex["dog"], a), r"evoke\.fibers: must be fibers, as in a >> b"),
        ((lex["dog"], [a]), r"evoke\.fibers: must be fibers, as in a >> b"),
        ((lex, lex >> a), "evoke: must be given an assembly to present"),
        ((Assembly("Lex", []), lex >> a), "evoke: the stimulus in area 'Lex' has no neurons"),
        ((Assembly("Lex", [2 * K]), lex >> a), "is it an assembly of another brain"),
        ((lex["dog"], (brain := brain_of())["Lex"] >> brain["A"]), "belongs to another brain"),
    ]
    for arguments, message in mistakes:
        with pytest.raises(DeclarationError, match=message):
            evoke(sim, *arguments)
    with pytest.raises(UnknownNameError, match="unknown area 'X'"):
        evoke(sim, Assembly("X", [1]), lex >> a)


def test_the_most_driven_area_is_the_winner_of_mutual_inhibition(world: Any) -> None:
    sim, lex, a, b, _ = world
    sim.present(lex["dog"])
    fibers = lex >> a | lex >> b
    first = most_driven(sim, [a, b], fibers)
    assert first is not None
    sums = {area: float(np.sort(sim.drives(area, lex >> area))[-K:].sum()) for area in (a, b)}
    assert first is max((a, b), key=lambda area: sums[area])
    other = b if first is a else a
    with sim.frozen():
        assert mutual_inhibition(sim, [a, b], fibers) == ((other.name,),)
    project(sim, lex["dog"], other, 8)
    sim.present(lex["dog"])
    assert most_driven(sim, [a, b], fibers) is other
    sim.inhibit(lex >> other, lock="x")
    assert most_driven(sim, ["A", "B"], sim.brain.fibers) is first
    sim.inhibit(first)
    assert most_driven(sim, [a, b], fibers) is None
    sim.disinhibit()
    sim.hold(other)  # whether an area is held makes no difference
    assert most_driven(sim, [a, b], fibers) is other
    assert most_driven(sim, [first], fibers) is first


def test_most_driven_is_the_first_area_in_a_tie_and_none_without_drive(world: Any) -> None:
    sim, lex, a, b, c = world
    sim.silence()
    sim.set_thresholds(c, -1.0)  # driven without any input, in a round that opens a fiber into it
    assert most_driven(sim, [a, b], sim.brain.fibers) is None
    assert most_driven(sim, [a, c], a >> c) is c
    assert most_driven(sim, [a, c], lex >> a) is None
    sim.set_thresholds(b, -1.0)
    assert most_driven(sim, [c, b], sim.brain.fibers) is c
    assert most_driven(sim, [b, c], sim.brain.fibers) is b


def test_in_an_area_of_channels_the_drive_of_the_winning_channels_counts() -> None:
    brain = Brain()
    lex = brain.add(Area("Lex", 2 * K, K, WORDS))
    one, two = brain.add(Area("One", 100, activation=Channels(10, 1)), Area("Two", 100, 10))
    brain.connect(lex, one, 0.3)
    brain.connect(lex, two, 0.3)
    with Simulator(brain, 1, backend="reference") as sim:
        sim.present(lex["dog"])
        drives = {area.name: sim.drives(area, brain.fibers) for area in (one, two)}
        channels = drives["One"].reshape(10, 10).sum(axis=1).max()
        assert channels < np.sort(drives["One"])[-10:].sum()
        assert most_driven(sim, [one, two], brain.fibers) is two
        # The drive of Two now lies between that of the best channel and that of the ten best neurons of One.
        sim.set_thresholds(two, (np.sort(drives["Two"])[-10:].sum() - channels - 1) / 10)
        assert most_driven(sim, [one, two], brain.fibers) is two
        sim.run(brain.fibers)


@pytest.mark.parametrize("gate", ["channels", "assembly"])
def test_neurons_that_a_gate_blocks_drive_nothing(gate: str) -> None:
    brain = Brain()
    lex, goal = brain.add(Area("Lex", 2 * K, K, WORDS), Area("Goal", 10, 2, {"speak": [0, 9]}))
    one = brain.add(Area("One", 100, 10))
    fiber = brain.connect(lex, one, 0.5, gate=goal if gate == "channels" else goal["speak"])
    with Simulator(brain, 1, backend="reference") as sim:
        sim.present(lex["dog"])
        assert most_driven(sim, [one], fiber) is None
        sim.present(goal["speak"])
        passing = (
            [0, 1, 2, 3] if gate == "channels" else range(K)
        )  # 40 neurons in 10 channels, of which 0 and 9 are open
        expected = np.zeros(100)
        for neuron in passing:
            expected[sim.connectome(fiber).row(neuron)] += 1
        assert sim.drives(one, fiber).tolist() == expected.tolist()
        assert input_to(sim, Assembly("One", range(100)), fiber) == expected.sum()
        sim.run(fiber)
        assert (expected[sim.assembly(one).neurons] > 0).all()


def test_fibers_that_would_not_transmit_in_the_next_round_do_not_count() -> None:
    brain = Brain()
    theta = brain.add(Oscillator("theta", period=2))
    lex, one, two = brain.add(Area("Lex", 2 * K, K, WORDS), Area("One", 100, 5), Area("Two", 100, 5))
    brain.connect(lex, one, 0.9, transmits_when=theta.window(1, 2))
    brain.connect(lex, two, 0.3)
    with Simulator(brain, 1, backend="reference") as sim:
        sim.present(lex["dog"])
        for expected in (two, one, two, one):
            assert most_driven(sim, [one, two], brain.fibers) is expected
            sim.run(brain.fibers)


@pytest.mark.parametrize("backend", ["reference", "cpu", "gpu"])
def test_probing_operations_give_the_same_on_every_backend(backend: str, emulated_gpu: None) -> None:
    brain = brain_of()
    lex, a, b, _ = brain.areas.values()
    with Simulator(brain, 5, backend=backend) as sim:
        formed = learned(sim, lex, a)
        sim.present(lex["dog"])
        assert most_driven(sim, [b, a], lex >> a | lex >> b) is a
        assert evoke(sim, formed["cat"], a >> lex) == lex["cat"]
        assert input_to(sim, formed["dog"], lex >> a) == 3361.3203125
        assert mutual_inhibition(sim, [a, b], lex >> a | lex >> b | a >> a, 2) == (("B",), ("B",))
        sim.run(brain.fibers, 2)


def test_most_driven_takes_the_areas_of_a_region() -> None:
    region = Region("R")
    one, two = region.add(Area("One", 50, 5), Area("Two", 50, 5))
    brain = Brain()
    lex = brain.add(Area("Lex", 2 * K, K, WORDS))
    brain.add(region)
    brain.connect(lex, one, 0.2)
    brain.connect(lex, two, 0.6)
    with Simulator(brain, 1, backend="reference") as sim:
        sim.present(lex["dog"])
        assert most_driven(sim, region, region.inputs) is two
        sim.run(brain.fibers)


def test_invalid_uses_of_most_driven_are_refused(world: Any) -> None:
    sim, lex, a, b, c = world
    with pytest.raises(DeclarationError, match=r"most_driven\.areas: must be at least one area \(got none\)"):
        most_driven(sim, [], lex >> a)
    with pytest.raises(DeclarationError, match=r"most_driven\.fibers: at least one must end in B, C \(got <Lex->A>\)"):
        most_driven(sim, [b, c], lex >> a)
    with pytest.raises(UnknownNameError, match="unknown area 'D'"):
        most_driven(sim, ["A", "D"], lex >> a)
    with pytest.raises(DeclarationError, match=r"most_driven\.fibers: must be fibers"):
        most_driven(sim, [a, b], a)


def test_input_to_an_assembly_is_the_sum_of_the_drives_of_its_neurons(world: Any) -> None:
    sim, lex, a, b, c = world
    formed = learned(sim, lex, a)
    sim.present(lex["dog"])
    right, wrong = (input_to(sim, formed[word], lex >> a) for word in ("dog", "cat"))
    assert right > 2 * wrong > 0
    assert right == sim.drives(a, lex >> a)[formed["dog"].neurons].sum()
    sim.set_thresholds(a, 2.0)
    assert input_to(sim, formed["dog"], lex >> a) == right - 2.0 * K
    assert input_to(sim, formed["dog"], sim.brain.fibers - (a >> a)) == right - 2.0 * K
    sim.inhibit(lex >> a)
    assert input_to(sim, formed["dog"], lex >> a) == -2.0 * K
    with pytest.raises(
        DeclarationError, match=r"input_to\.fibers: at least one must end in A \(got <Lex->B \| A->C>\)"
    ):
        input_to(sim, formed["dog"], lex >> b | a >> c)
    with pytest.raises(DeclarationError, match="input_to: the stimulus in area 'A' has no neurons"):
        input_to(sim, Assembly("A", []), lex >> a)
