"""Attaching: an assembly forms from its source alone and is linked to others afterwards."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from brainsim import Area, Assembly, Brain, Hebbian, Simulator
from brainsim.errors import DeclarationError, SimulationError
from brainsim.operations import Trace, attach, evoke, read_out, reciprocal_project

# The simulators used for comparison do not use all fibers.
pytestmark = pytest.mark.filterwarnings("ignore::brainsim.UnusedWarning")

N, K = 2000, 40
WORDS = {word: np.arange(20) + 20 * number for number, word in enumerate(("dogs", "cats", "chase", "run"))}


def brain_of(recurrent: bool = True) -> Brain:
    """Return a brain of words, subjects, verbs and places, whose areas are linked with each other."""
    brain = Brain()
    lex, subj, verb, place = brain.add(
        Area("Lex", 80, 20, WORDS), Area("Subj", N, K), Area("Verb", N, K), Area("Place", N, K)
    )
    for area in (subj, verb, place):
        brain.connect(lex, area, 0.1, Hebbian(1.0))
        brain.connect(area, lex, 0.1, Hebbian(1.0))
        if recurrent:
            brain.connect(area, area, 0.1, Hebbian(0.1))
    for source, target in ((subj, verb), (verb, subj), (verb, place), (place, verb), (subj, place)):
        brain.connect(source, target, 0.1, Hebbian(0.5))
    return brain


@pytest.fixture
def world() -> Any:
    brain = brain_of()
    with Simulator(brain, 1, backend="cpu", threads=1) as sim:
        yield sim, *brain.areas.values()
        sim.present(brain["Lex"]["dogs"])
        sim.run(brain.fibers, 3)


def with_subject(sim: Simulator) -> Assembly:
    lex, subj = sim.brain["Lex"], sim.brain["Subj"]
    sim.present(lex["dogs"])
    dogs = reciprocal_project(sim, lex, subj, 20)
    sim.silence(lex)
    return dogs


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("recurrent", [True, False])
def test_two_assemblies_that_share_a_partner_remain_distinct(seed: int, recurrent: bool) -> None:
    brain = brain_of(recurrent)
    lex, subj, verb, _ = brain.areas.values()
    with Simulator(brain, seed, backend="cpu", threads=1) as sim:
        dogs, formed = with_subject(sim), {}
        for word in ("chase", "run"):
            sim.silence(verb)
            formed[word] = attach(sim, lex[word], verb, to=subj)
            assert formed[word].label == word
        assert formed["chase"].overlap(formed["run"]) < 0.15
        for word, assembly in formed.items():
            assert read_out(evoke(sim, assembly, verb >> lex), lex.patterns).label == word
            assert evoke(sim, assembly, verb >> subj).overlap(dogs) > 0.9
            assert read_out(evoke(sim, assembly, verb >> subj, subj >> lex), lex.patterns).label == "dogs"
            assert evoke(sim, dogs, subj >> verb).overlap(assembly) > 0.2
        _control_runs_together(brain, seed)


def _control_runs_together(brain: Brain, seed: int) -> None:
    """With all fibers open from the first round, the shared partner gives both words the same assembly."""
    lex, subj, verb, _ = brain.areas.values()
    with Simulator(brain, seed, backend="cpu", threads=1) as sim:
        with_subject(sim)
        sim.hold(subj)
        formed = []
        for word in ("chase", "run"):
            sim.silence(verb)
            sim.present(lex[word])
            sim.run(lex & verb | subj & verb, 20)
            formed.append(sim.assembly(verb))
    assert formed[0].overlap(formed[1]) > 0.9


def test_attach_follows_its_documented_protocol(world: Any) -> None:
    sim, lex, subj, verb, place = world
    with_subject(sim)
    sim.present(Assembly("Place", range(K)))
    trace = Trace()
    got = attach(sim, lex["run"], "Verb", to=["Subj", place], alone=3, rounds=7, trace=trace)
    assert len(trace) == 7
    assert set(trace.winners[2:]) == {Assembly("Verb", got.neurons)}
    assert sim.held == ("Place",)  # what was held before
    assert not sim.fires(lex)
    brain = brain_of()
    with Simulator(brain, 1, backend="cpu", threads=1) as by_hand:
        lex, subj, verb, place = brain.areas.values()
        with_subject(by_hand)
        by_hand.present(lex["run"])
        by_hand.run(lex >> verb)
        by_hand.run(lex >> verb | verb >> verb, 2)
        by_hand.present(Assembly("Place", range(K)))
        by_hand.hold(verb, subj)
        by_hand.run(lex & verb | subj & verb | place & verb, 4)
        assert by_hand.assembly(verb) == got
        for fiber, other in zip(brain.fibers, sim.brain.fibers, strict=True):
            ours, theirs = by_hand.connectome(fiber).learned(), sim.connectome(other).learned()
            assert all(np.array_equal(one, two) for one, two in zip(ours, theirs, strict=True))


def test_the_source_can_be_an_area_that_fires(world: Any) -> None:
    sim, lex, subj, verb, _ = world
    with_subject(sim)
    sim.present(lex["run"])
    got = attach(sim, lex, verb, to=subj)
    assert (got.area, len(got), got.label) == ("Verb", K, None)
    assert sim.held == ("Lex",)  # as before
    assert sim.fires("Lex")
    brain = brain_of()
    with Simulator(brain, 1, backend="cpu", threads=1) as other:
        with_subject(other)
        assert attach(other, brain["Lex"]["run"], "Verb", to="Subj") == got


def test_invalid_uses_of_attach_are_refused(world: Any) -> None:
    sim, lex, subj, verb, place = world
    with_subject(sim)
    run, mistakes = lex["run"], []
    mistakes += [
        ((run, verb), {"to": place}, SimulationError, "attach: area 'Place' does not fire"),
        ((lex, verb), {"to": subj}, SimulationError, "attach: area 'Lex' does not fire"),
        ((run, verb), {"to": []}, DeclarationError, r"attach\.to: must be at least one area \(got none\)"),
        ((run, verb), {"to": 3}, DeclarationError, r"attach\.to: must be one or more areas \(got 3\)"),
        ((run, verb), {"to": [subj, verb]}, DeclarationError, r"must be different areas \(got 'Verb' twice\)"),
        ((run, verb), {"to": [subj, subj]}, DeclarationError, r"must be different areas \(got 'Subj' twice\)"),
        ((run, lex), {"to": subj}, DeclarationError, r"must be different areas \(got 'Lex' twice\)"),
        ((run, place), {"to": subj}, DeclarationError, "attach: no fiber leads from 'Place' to 'Subj'"),
        (
            (Assembly("Subj", [1]), lex),
            {"to": verb, "alone": 0},
            DeclarationError,
            r"attach\.alone: must be an integer",
        ),
        ((run, verb), {"to": subj, "rounds": 5}, DeclarationError, r"attach\.rounds: must be an integer of at least 6"),
        ((Assembly("Lex", []), verb), {"to": subj}, DeclarationError, "attach: the stimulus in area 'Lex' has no neur"),
    ]
    before = sim.rounds, sim.held
    for arguments, keywords, kind, message in mistakes:
        with pytest.raises(kind, match=message):
            attach(sim, *arguments, **keywords)
    with sim.frozen(), pytest.raises(SimulationError, match="attach: a probe must not change weights"):
        attach(sim, run, verb, to=subj)
    sim.hold(verb)
    with pytest.raises(DeclarationError, match="attach: area 'Verb' is held, so no assembly can form in it"):
        attach(sim, run, verb, to=subj)
    sim.release(verb)
    assert (sim.rounds, sim.held) == before
