"""Rates that change in every round, and steps that create no synapses, follow the law at little cost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from brainsim.kernels.gpu import device_plans
from brainsim.kernels.law.rules import Depression, Update
from brainsim.kernels.law.weights import ONE
from brainsim.kernels.program import Program
from brainsim.kernels.state import Synapses
from driving import Driven
from emulator.device import EmulatedDevice
from gpus import both, driven, state_of
from scenarios import settled_reference

SIGNED = Update.affine(0.0, 1.0, 9.0, -3.0)
JUST_LOST = Depression.affine(0.0, -0.7, 9.0, -2.0)
ALL_LOSERS = Depression.affine(-0.3, 0.0, 9.0, -2.0, losers=True)
TABLED = Depression.tabled(lambda weight: -0.3 * weight, 9.0, 0.5)


def program(*depressions: Depression | None) -> Program:
    """Return a brain of three areas with six fibers that have these rules of depression, in turn."""
    case, _ = settled_reference(200)
    fibers = tuple(
        replace(fiber, update=SIGNED, depression=depressions[f % len(depressions)])
        for f, fiber in enumerate(case.program.fibers)
    )
    return replace(case.program, fibers=fibers)


def steep_and_flat() -> Program:
    """Return a brain in which every other fiber has a step that is 0 at the base weight."""
    steep = replace(SIGNED, gain=1 << 28, drift=-(ONE << 28))
    case = program(ALL_LOSERS)
    return replace(case, fibers=tuple(f if n % 2 else replace(f, update=steep) for n, f in enumerate(case.fibers)))


def rates(round_: int) -> dict[int, int]:
    """Return the rates of a round, which differ from those of other rounds; some are below 0."""
    return {f: (-1) ** (round_ + f) * (ONE // 2 + 1000 * round_ + f) for f in range(6)}


def begin(backend: Driven) -> None:
    backend.set_winners(0, list(range(30)))


def run(backend: Driven, learnings: Iterable[Mapping[int, int]], **options: Any) -> None:
    for number, learning in enumerate(learnings):
        if number % 4 == 0:
            backend.set_winners(0, np.arange(30) + 30 * (number % 3))
        backend.round(range(6), {0}, learn=True, learning=learning, **options)


@pytest.mark.parametrize("depressions", [(None,), (JUST_LOST, None), (ALL_LOSERS, TABLED), (JUST_LOST, ALL_LOSERS)])
def test_rates_and_depression_follow_the_law(depressions: tuple[Depression | None, ...]) -> None:
    states = []
    for backend in both(program(*depressions)):
        run(backend, map(rates, range(9)))
        states.append(state_of(backend))
    assert states[0] == states[1]
    weights = np.concatenate([columns[2] for columns in states[0][1]])
    assert len(weights) > 1000
    assert (weights < ONE).any()
    assert (weights > ONE).any()


def test_rounds_that_are_run_again_have_their_own_rates(no_room: None) -> None:
    states = []
    for backend in both(program(JUST_LOST, TABLED)):
        begin(backend)
        for number in range(7):  # without reading results in between
            backend.round(range(6), {0}, learn=True, learning=rates(number))
        states.append(state_of(backend))
    assert states[0] == states[1]


class TestCost:
    """A new rate costs one small table, and kernels without work are not launched."""

    def rounds(self, device: EmulatedDevice, backend: Driven, learnings: Iterable[Mapping[int, int]]) -> list[Any]:
        """Return the launches, writes and reads of each round."""
        seen = []
        for learning in learnings:
            before = len(device.launches), device.writes, device.reads
            backend.round(range(6), {0}, learn=True, learning=learning)
            seen.append((device.launches[before[0] :], device.writes - before[1], device.reads - before[2]))
        return seen

    def test_changing_rates_share_a_plan(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(device_plans, "_MOST_KEPT", 4)
        backend, device = driven(program(JUST_LOST))
        begin(backend)
        steady = self.rounds(device, backend, [rates(0)] * 5)
        kept = backend.memory()["shared"]["tables"]["plans"]
        changing = self.rounds(device, backend, map(rates, range(1, 20)))
        assert [writes for _, writes, _ in steady[3:]] == [0, 0]
        assert {writes for _, writes, _ in changing} == {1}
        assert {reads for _, _, reads in changing} == {0}
        assert all(launches == steady[-1][0] for launches, _, _ in changing)
        assert backend.memory()["shared"]["tables"]["plans"] == kept

    def test_a_step_of_0_at_the_base_weight_creates_no_synapse(self) -> None:
        """Of two rules, one changes only synapses that have another weight already."""
        states = []
        for backend in both(steep_and_flat()):
            pre = np.repeat(np.arange(30), 3000)
            post = np.tile(np.arange(3000), 30)
            stored = Synapses(pre[::7], post[::7], np.full(len(pre[::7]), 2 * ONE))
            backend.set_learned(0, stored)
            begin(backend)
            for number in range(4):
                backend.round(range(6), {0}, learn=True, learning=dict.fromkeys(range(6), ONE + number))
            states.append(state_of(backend))
        assert states[0] == states[1]
        learned = states[0][1]
        assert len(learned[0][0]) == len(stored.pre)
        assert max(learned[0][2]) > 2 * ONE > min(learned[0][2])
        assert [len(learned[f][0]) > 0 for f in range(1, 6)] == [True, False, True, False, True]

    def test_a_round_that_cannot_create_synapses_skips_their_kernels(self) -> None:
        flat = Update.affine(0.0, 0.0, 9.0, -3.0)
        case, _ = settled_reference(200)
        fibers = tuple(replace(f, update=flat, depression=JUST_LOST) for f in case.program.fibers)
        backend, device = driven(replace(case.program, fibers=fibers))
        begin(backend)
        (launches,) = {
            tuple(each) for each, _, _ in self.rounds(device, backend, [dict.fromkeys(range(6), ONE)] * 3)[2:]
        }
        assert "strengthen" in launches
        assert not {"assign_rows", "list_starts", "draw_pairs", "cross_out", "reserve"} & {*launches}
