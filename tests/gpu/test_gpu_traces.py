"""Traces on a gpu: each round that learns is stored once and in order, and reinforcement follows the law."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from brainsim.kernels.errors import DeviceMemoryError
from brainsim.kernels.gpu.backend import GpuBackend
from brainsim.kernels.law.rules import Depression, Update
from brainsim.kernels.law.weights import ONE
from brainsim.kernels.parts import Traced
from brainsim.kernels.program import Options, Program
from brainsim.kernels.reference import ReferenceBackend
from brainsim.kernels.state import KINDS, TRACED_SOURCES, TRACED_TARGETS, Events
from driving import Driven
from emulator.device import emulated
from gpus import DriverError, both, driven, fail, interrupt, state_of
from scenarios import settled_reference

RULE = Update.affine(0.0, 1.0, 9.0, -3.0)
LTD = Depression.affine(0.0, -0.7, 9.0, -2.0)
TRACES = (Traced((ONE, ONE // 2, ONE // 4)), None, Traced((ONE,)), Traced((ONE, 40_000, 0, 20_000, 10_000, 5_000, 1)))
FIBERS = range(6)


def program() -> Program:
    """Return a brain in which four fibers have traces, one of them recurrent."""
    case, _ = settled_reference(200)
    fibers = tuple(
        replace(fiber, update=RULE, depression=LTD if f % 2 else None, trace=TRACES[f % 4])
        for f, fiber in enumerate(case.program.fibers)
    )
    return replace(case.program, fibers=fibers)


TRACED = [f for f in FIBERS if TRACES[f % 4]]


def traces(backend: Driven) -> Any:
    """Return the events of all traces."""
    kinds = (TRACED_SOURCES, TRACED_TARGETS)
    return [[column.tolist() for column in backend.read(kind, f)] for f in TRACED for kind in kinds]


def everything(backend: Driven) -> Any:
    return state_of(backend), traces(backend)


def go(backend: Driven, rounds: Sequence[int]) -> None:
    """Run rounds and read nothing; some learn, some with all fibers, some while an area is held."""
    for number in rounds:
        if number % 5 == 0:
            backend.set_winners(0, np.arange(30) + 30 * (number // 5 % 3))
        learning = {f: ((number + f) % 3 - 1) * ONE // 2 for f in FIBERS if (number + f) % 4} if number % 2 else None
        held = {0, 1} if number % 7 == 3 else {0}
        backend.round(FIBERS, held, learn=number % 6 != 4, learning=learning)


def reinforce(backend: Driven) -> None:
    for f, rate in zip(TRACED, (ONE, -3 * ONE, 8 * ONE, 1), strict=True):
        backend.reinforce(f, rate)


@pytest.mark.parametrize("seed", [-1, 3])
def test_events_are_stored_and_reinforced_as_in_the_law(seed: int) -> None:
    states = []
    for backend_class in (ReferenceBackend, emulated(seed=seed)):
        backend, seen = Driven(backend_class(program(), Options())), []
        for first in (0, 4, 9):
            go(backend, range(first, first + 4))
            seen.append(everything(backend))
            reinforce(backend)
            seen.append(everything(backend))
        states.append(seen)
    assert states[0] == states[1]
    assert all(before[0] != after[0] for before, after in zip(states[0][::2], states[0][1::2], strict=True))
    assert any(len(set(columns[0])) > 3 for columns in states[0][-1][1]), "events of several ages"


def test_rounds_that_stall_are_stored_once(no_room: None) -> None:
    gpu, device = driven(program(), seed=2)
    seen = []
    for backend in (Driven(ReferenceBackend(program(), Options())), gpu):
        for first, rounds in ((0, 1), (1, 6), (7, 3)):
            go(backend, range(first, first + rounds))
            seen.append(everything(backend))
    assert seen[:3] == seen[3:]
    assert device.launches.count("remember") > 10 - 2 + 3, "rounds that learn, and those run again"


def test_a_reinforcement_that_stalls_is_run_again(no_room: None) -> None:
    gpu, device = driven(program(), seed=2)
    seen = []
    for backend in (Driven(ReferenceBackend(program(), Options())), gpu):
        backend.set_winners(0, list(range(30)))
        for _ in range(4):
            backend.round(FIBERS, {0}, learn=True, learning=dict.fromkeys(TRACED, 0))  # rate 0 stores no synapse
        before = len(device.launches)
        reinforce(backend)
        backend.round(FIBERS, {0}, learn=True)
        seen.append(everything(backend))
        drained = backend.drain()
        seen.append((drained.rounds, drained.stable, sorted(drained.fired)))
    assert seen[:2] == seen[2:]
    assert device.launches[before:].count("strengthen") > 3 + 1 + 4 + 1, "events of three traces, and the round"


class TestLargeSets:
    """An event may have more neurons than the area has winners."""

    def test_presented_sets_are_stored_in_full(self) -> None:
        seen = []
        for backend in both(program()):
            go(backend, range(3))
            backend.set_winners(0, np.arange(90))
            backend.set_winners(1, np.arange(0, 3000, 10))
            backend.round(FIBERS, {0, 1}, learn=True)
            backend.round(FIBERS, {0}, learn=True)
            go(backend, range(6, 8))
            reinforce(backend)
            seen.append(everything(backend))
        assert seen[0] == seen[1]
        assert max(len(columns[1]) for columns in seen[0][1]) > 300

    def test_written_sets_are_stored_in_full(self) -> None:
        seen = []
        for backend in both(program()):
            go(backend, range(5))
            fired = Events(np.repeat([0, 2], [80, 90]), np.concatenate([np.arange(80), np.arange(90)]))
            won = Events(np.repeat([0, 1], [500, 3]), np.concatenate([np.arange(500) * 6, [4, 5, 6]]))
            backend.write(TRACED_SOURCES, 0, fired)
            backend.write(TRACED_TARGETS, 0, won)
            written = traces(backend)
            backend.reinforce(0, ONE)
            go(backend, range(6, 8))
            backend.reinforce(0, ONE)
            seen.append((written, everything(backend)))
        assert seen[0] == seen[1]

    def test_sets_without_memory_are_refused(self) -> None:
        backend, device = driven(program())
        go(backend, range(3))
        before, room = everything(backend), device.room
        device.give_back(1000 - room)
        with pytest.raises(DeviceMemoryError, match=r"of traces: .*; let traces remember fewer rounds"):
            backend.write(TRACED_TARGETS, 0, Events(np.zeros(3000, np.int64), np.arange(3000)))
        with pytest.raises(DeviceMemoryError):
            backend.reinforce(0, ONE)
        device.give_back(room - 1000)
        assert not backend.broken
        assert everything(backend) == before


def restore(backend: Driven, taken: Any) -> None:
    for kind in KINDS:
        for owner in kind.owners(backend.backend.program):
            backend.write(kind, owner, taken[kind, owner])


def take(backend: Driven) -> Any:
    program = backend.backend.program
    return {(kind, owner): backend.read(kind, owner) for kind in KINDS for owner in kind.owners(program)}


@pytest.mark.parametrize(("kernel", "when"), [("remember", "round"), ("commit", "round"), ("strengthen", "reinforce")])
def test_writing_a_whole_state_repairs_a_failure(kernel: str, when: str) -> None:
    seen = []
    for backend_class in (ReferenceBackend, emulated()):
        backend = Driven(backend_class(program(), Options()))
        go(backend, range(4))
        taken = take(backend)
        if isinstance(backend.backend, GpuBackend):
            go(backend, range(6, 9))
            backend.backend._device.before[kernel] = fail  # type: ignore[attr-defined]
            with pytest.raises(DriverError):
                backend.reinforce(0, ONE) if when == "reinforce" else go(backend, [9])
            assert backend.broken
            restore(backend, taken)
        go(backend, range(4, 7))
        reinforce(backend)
        seen.append(everything(backend))
    assert seen[0] == seen[1]


@pytest.mark.parametrize(("kernel", "when"), [("remember", "round"), ("commit", "round"), ("strengthen", "reinforce")])
def test_an_interruption_waits_for_the_last_launch(kernel: str, when: str, request: pytest.FixtureRequest) -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a process in the background ignores it
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, before))
    seen = []
    for interrupted in (False, True):
        backend, device = driven(program())
        go(backend, range(3))
        backend.drain()
        if interrupted:
            device.before[kernel] = interrupt
        with pytest.raises(KeyboardInterrupt) if interrupted else nullcontext():
            backend.reinforce(0, ONE) if when == "reinforce" else go(backend, [3])
        go(backend, [5, 6])
        seen.append(everything(backend))
    assert seen[0] == seen[1]


class TestCost:
    """Features that are not used cost nothing."""

    def launched(self, case: Program, *, learn: bool) -> list[str]:
        backend, device = driven(case)
        backend.set_winners(0, list(range(30)))
        for _ in range(3):
            backend.round(FIBERS, {0}, learn=learn)
        return device.launches

    def test_only_rounds_that_learn_are_stored_and_only_for_traces(self) -> None:
        traced = program()
        plain = replace(traced, fibers=tuple(replace(fiber, trace=None) for fiber in traced.fibers))
        assert "remember" not in self.launched(plain, learn=True)
        assert "remember" not in self.launched(traced, learn=False)
        without = [kernel for kernel in self.launched(traced, learn=True) if kernel != "remember"]
        assert without == self.launched(plain, learn=True)

    def test_rounds_with_traces_read_nothing_from_the_device(self) -> None:
        backend, device = driven(program())
        backend.set_winners(0, list(range(30)))
        before = device.reads
        for _ in range(20):
            backend.round(FIBERS, {0}, learn=True)
        assert device.reads == before

    def test_memory_is_reported_and_freed(self) -> None:
        backend, device = driven(program())
        go(backend, range(3))
        reinforce(backend)
        report = backend.memory()
        slots = 2 + 30 + 25
        assert report["fibers"]["F01"]["trace"] == (1 + 3 * slots) * 4
        assert "trace" not in report["fibers"]["F02"]
        held = device.description.memory - device.room
        assert 0 <= held - sum(n for part in report.values() for each in part.values() for n in each.values()) < 10_000
        backend.close()
        assert device.room == device.description.memory
