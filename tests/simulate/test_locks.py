"""Locks: an area or a fiber can have several locks, and is open if it has none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from brainsim import Area, Brain, FiberSet, Hebbian, Simulator
from brainsim.errors import DeclarationError, UnknownNameError


def brain_of() -> Brain:
    brain = Brain()
    lex, subj, verb = brain.add(Area("Lex", 60, 8, {"dog": range(8)}), Area("Subj", 90, 8), Area("Verb", 90, 8))
    for source, target in ((lex, subj), (subj, lex), (lex, verb), (verb, lex), (subj, verb)):
        brain.connect(source, target, 0.3, Hebbian(0.1))
    return brain


@pytest.fixture
def sim() -> Any:
    with Simulator(brain_of(), 3, backend="reference") as simulator:
        yield simulator
        simulator.disinhibit()
        simulator.present(simulator.brain["Lex"]["dog"])
        simulator.run(simulator.brain.fibers, 2)


def opened(sim: Simulator) -> set[str]:
    return {fiber.name for fiber in sim.transmitting(sim.brain.fibers)}


ALL = {"Lex->Subj", "Subj->Lex", "Lex->Verb", "Verb->Lex", "Subj->Verb"}


def test_an_area_is_open_when_no_lock_is_left_on_it(sim: Simulator) -> None:
    sim.inhibit("Subj", lock="noun")
    sim.inhibit("Subj", lock="clause")
    sim.inhibit("Subj", lock="noun")  # setting a lock twice is the same as setting it once
    sim.disinhibit("Subj", lock="noun")
    assert opened(sim) == {"Lex->Verb", "Verb->Lex"}
    sim.disinhibit("Subj", lock="clause")
    assert opened(sim) == ALL


def test_a_fiber_is_open_when_no_lock_is_left_on_it_and_its_areas(sim: Simulator) -> None:
    lex, verb = sim.brain["Lex"], sim.brain["Verb"]
    sim.inhibit(lex >> verb | verb >> lex, lock="noun")
    sim.inhibit(verb)
    sim.disinhibit(lex >> verb, lock="noun")
    assert opened(sim) == {"Lex->Subj", "Subj->Lex"}
    sim.disinhibit(verb)
    assert opened(sim) == ALL - {"Verb->Lex"}


def test_without_a_name_only_the_default_lock_is_set_and_removed(sim: Simulator) -> None:
    sim.inhibit("Subj", "Verb")
    sim.inhibit("Subj", lock="noun")
    sim.disinhibit("Subj", "Verb")
    assert sim.locks == {"Subj": ("noun",)}
    sim.inhibit("Verb", lock="default")
    sim.disinhibit("Verb")
    assert sim.locks == {"Subj": ("noun",)}


def test_disinhibit_without_areas_removes_one_lock_or_all_locks_everywhere(sim: Simulator) -> None:
    lex, subj = sim.brain["Lex"], sim.brain["Subj"]
    sim.inhibit("Verb", lex >> subj, lock="noun")
    sim.inhibit("Verb", subj >> lex, lock="verb")
    sim.disinhibit(lock="noun")
    assert sim.locks == {"Verb": ("verb",), "Subj->Lex": ("verb",)}
    sim.inhibit("Lex")
    sim.disinhibit()
    assert sim.locks == {}
    assert opened(sim) == ALL


def test_inhibiting_nothing_and_removing_an_absent_lock_have_no_effect(sim: Simulator) -> None:
    sim.inhibit(lock="noun")
    sim.disinhibit("Verb", FiberSet(), lock="noun")
    sim.inhibit("Verb", lock="noun")
    sim.disinhibit(FiberSet())
    assert sim.locks == {"Verb": ("noun",)}


def test_a_lock_that_is_given_as_an_area_is_explained(sim: Simulator) -> None:
    with pytest.raises(
        UnknownNameError, match=r"unknown area 'noun'; .*; if it is the name of a lock, give it as lock='noun'"
    ):
        sim.inhibit("Subj", "noun")
    assert sim.locks == {}


def test_locks_are_listed_by_area_and_fiber_and_the_list_is_a_copy(sim: Simulator) -> None:
    lex, subj = sim.brain["Lex"], sim.brain["Subj"]
    sim.inhibit(subj >> lex, lock="b")
    sim.inhibit("Verb", "Lex", lock="b")
    sim.inhibit("Verb", lock="a")
    assert list(sim.locks.items()) == [("Lex", ("b",)), ("Verb", ("a", "b")), ("Subj->Lex", ("b",))]
    dict(sim.locks).clear()
    assert len(sim.locks) == 3


def test_the_schedule_names_the_locks_that_close_a_fiber(sim: Simulator) -> None:
    lex, subj = sim.brain["Lex"], sim.brain["Subj"]
    sim.inhibit(subj, lock="noun")
    sim.inhibit(lex >> subj)
    sim.inhibit(lex, lock="word")
    text = str(sim.schedule(lex >> subj))
    assert "inhibited: transmits nothing (lock 'default' on Lex->Subj, lock 'word' on Lex, lock 'noun' on Subj)" in text
    sim.disinhibit()
    assert "lock" not in str(sim.schedule())


def test_a_probe_restores_locks(sim: Simulator) -> None:
    lex, verb = sim.brain["Lex"], sim.brain["Verb"]
    sim.inhibit("Subj", lock="noun")
    sim.inhibit(lex >> verb)
    before = sim.locks
    with sim.frozen():
        sim.disinhibit()
        sim.inhibit("Subj", lock="verb")
        sim.inhibit("Verb")
    assert sim.locks == before == {"Subj": ("noun",), "Lex->Verb": ("default",)}
    with sim.frozen():
        sim.inhibit("Subj", lock="verb")
        sim.disinhibit("Subj", lock="noun")
    assert sim.locks == before


def test_locks_are_saved_and_loaded(tmp_path: Path) -> None:
    brain = brain_of()
    with Simulator(brain, 3, backend="reference") as sim:
        sim.inhibit("Subj", "Verb", lock='§ noun, "quoted" / ü')
        sim.inhibit("Subj")
        sim.inhibit(brain["Lex"] >> brain["Verb"], lock="verb")
        sim.save(tmp_path / "state.h5")
        before = sim.locks
    with Simulator(brain, 3, backend="reference") as again:
        again.inhibit("Lex", lock="other")
        again.load(tmp_path / "state.h5")
        assert again.locks == before
        assert len(before) == 3
        again.disinhibit(lock='§ noun, "quoted" / ü')
        assert again.locks == {"Subj": ("default",), "Lex->Verb": ("verb",)}


@pytest.mark.parametrize("lock", ["", "  ", "a\nb", 3, None, b"noun", ["noun"]])
def test_an_invalid_name_of_a_lock_is_refused(sim: Simulator, lock: Any) -> None:
    with pytest.raises(DeclarationError, match=r"Simulator\.inhibit: lock: must be the name of a lock.*\(got "):
        sim.inhibit("Subj", lock=lock)
    if lock is not None:
        with pytest.raises(DeclarationError, match=r"Simulator\.disinhibit: lock: must be the name of a lock"):
            sim.disinhibit("Subj", lock=lock)
    assert sim.locks == {}


def test_if_one_area_or_fiber_is_unknown_nothing_is_locked(sim: Simulator) -> None:
    with pytest.raises(UnknownNameError, match="unknown area 'Sub'; did you mean 'Subj'"):
        sim.inhibit("Verb", "Sub", lock="noun")
    other = brain_of()
    with pytest.raises(DeclarationError, match="belongs to another brain"):
        sim.inhibit("Verb", other["Lex"] >> other["Verb"], lock="noun")
    assert sim.locks == {}
