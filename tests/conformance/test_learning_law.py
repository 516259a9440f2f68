"""Learning in small cases that can be checked by hand: rates, bounds, depression, gates and traces."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from brainsim.kernels.cpu.backend import CpuBackend
from brainsim.kernels.errors import BackendUnavailableError
from brainsim.kernels.gpu.backend import GpuBackend
from brainsim.kernels.law.graph import Graph, fiber_key
from brainsim.kernels.law.rules import LARGEST_RATE, Depression, Update, multiplied
from brainsim.kernels.law.selection import area_key, input_tag, tie_order
from brainsim.kernels.law.weights import ONE
from brainsim.kernels.parts import AssemblyGate, ChannelGate, Traced
from brainsim.kernels.program import AreaSpec, FiberSpec, Options, Program, check_parts
from brainsim.kernels.reference import ReferenceBackend
from brainsim.kernels.state import TRACED_SOURCES, TRACED_TARGETS, Synapses
from devices import NEEDS_GPU
from driving import Driven
from emulator.device import EmulatedBackend

BACKENDS = [ReferenceBackend, CpuBackend, EmulatedBackend, pytest.param(GpuBackend, marks=NEEDS_GPU)]
S, T, G = range(3)
N_TARGET, K = 40, 5
HEBBIAN = Update.affine(0.1, 0.0, 20.0)
STEP = Update.affine(0.0, 0.5, 4.0, -4.0)
TABLED = Update.tabled(lambda weight: 0.25 - weight / 8, 3.0, -3.0)
LOST = Depression.affine(0.0, -0.75, 20.0)
DECAY = Depression.affine(-0.5, 0.5, 20.0, losers=True)
HALF = ONE // 2


def brain(update: Update | None = HEBBIAN, p: float = 1.0, **fiber: Any) -> Program:
    """Return a brain of a source, a target and a gating area, with one fiber from the source to the target."""
    areas = (AreaSpec("S", 12, 12), AreaSpec("T", N_TARGET, K, key=area_key(0, "T")), AreaSpec("G", 8, 8))
    graph = Graph(fiber_key(0, "S", "T", ""), 12, N_TARGET, p, False)
    return Program(areas, (FiberSpec("S->T", S, T, graph, update, **fiber),))


def begun(backend_class: Any, program: Program, *needed: type) -> Driven:
    """Return a backend that runs a program.

    A backend that does not run a part must refuse the program by name, and the test is skipped.  Only backends with
    depression have rates.
    """
    try:
        check_parts(program, backend_class.name, backend_class.parts)
    except BackendUnavailableError as refusal:
        pytest.skip(str(refusal))
    if not set(needed) <= backend_class.parts:
        pytest.skip(f"{backend_class.name} learns at rate 1 only")
    return Driven(backend_class(program, Options()))


def tied(count: int, firing: list[int], neurons: Any = range(N_TARGET)) -> list[int]:
    """Return which of some neurons of the target win if the firing neurons drive all of them equally, ascending."""
    candidates = np.array(neurons, np.int64)
    tag = input_tag([(fiber_key(0, "S", "T", ""), np.array(firing, np.int64))])
    return sorted(candidates[np.argsort(tie_order(area_key(0, "T"), tag, candidates))[:count]].tolist())


def stored(backend: Driven, fiber: int = 0) -> dict[tuple[int, int], int]:
    pre, post, weight = (column.tolist() for column in backend.learned(fiber))
    return dict(zip(zip(pre, post, strict=True), weight, strict=True))


def pairs(pre: list[int], post: list[int], weight: int) -> dict[tuple[int, int], int]:
    return {(i, j): weight for i in pre for j in post}


def imprint(backend: Driven, fired: list[int], won: list[int], rate: int = ONE) -> None:
    """Let the fiber learn from a pair of sets, without transmitting."""
    backend.set_winners(S, fired)
    backend.set_winners(T, won)
    backend.round([], set(), learn=True, learning={0: rate})


@pytest.mark.parametrize("backend_class", BACKENDS)
class TestRates:
    """The step of a rule, multiplied by a rate."""

    @pytest.mark.parametrize("update", [HEBBIAN, STEP, TABLED])
    @pytest.mark.parametrize("base", [ONE, -ONE, 100 * ONE])
    def test_weights_follow_rates_that_change_from_round_to_round(
        self, backend_class: Any, update: Update, base: int
    ) -> None:
        backend = begun(backend_class, brain(update, base=base), Depression)
        weight, kept = base, False
        for rate in [1, ONE, -ONE, 3 * ONE, -HALF, -1, HALF, -LARGEST_RATE, -LARGEST_RATE, LARGEST_RATE, ONE]:
            imprint(backend, [2, 7], [5, 30, 31], rate)
            weight = update.apply(weight, rate)
            kept = kept or weight != base
            assert stored(backend) == (pairs([2, 7], [5, 30, 31], weight) if kept else {}), rate

    def test_fibers_may_have_different_rates(self, backend_class: Any) -> None:
        program = brain()
        program = replace(program, fibers=tuple(replace(program.fibers[0], name=str(f)) for f in range(3)))
        backend = begun(backend_class, program, Depression)
        for rates in ({0: ONE, 1: 2 * ONE, 2: -ONE}, {2: HALF, 0: 0}):
            backend.set_winners(S, [3])
            backend.set_winners(T, [9])
            backend.round([], set(), learn=True, learning=rates)
        once = HEBBIAN.apply(ONE)
        assert [stored(backend, f) for f in range(2)] == [{(3, 9): once}, {(3, 9): HEBBIAN.apply(ONE, 2 * ONE)}]
        assert stored(backend, 2) == {(3, 9): HEBBIAN.apply(HEBBIAN.apply(ONE, -ONE), HALF)}

    def test_a_step_that_leaves_the_base_weight_as_it_is_stores_nothing(self, backend_class: Any) -> None:
        at_floor = replace(STEP, floor=ONE)
        backend = begun(backend_class, brain(at_floor, p=0.5), Depression)
        fired, won = [0, 4, 5, 11], [1, 2, 20, 39]
        for _ in range(3):
            imprint(backend, fired, won, -ONE)
            assert stored(backend) == {}
        imprint(backend, fired, won, ONE)
        existing = {(i, j) for i in fired for j in set(backend.row(0, i).tolist()) & set(won)}
        assert 0 < len(existing) < 16
        assert stored(backend) == dict.fromkeys(existing, ONE + HALF)
        imprint(backend, [4, 6], [2, 3], -ONE)  # some of them are stored, and go back
        assert stored(backend) == {pair: ONE if pair == (4, 2) else ONE + HALF for pair in existing}
        imprint(backend, [4, 6], [2, 3], ONE)
        more = {(i, j) for i in (4, 6) for j in set(backend.row(0, i).tolist()) & {2, 3}}
        assert stored(backend) == dict.fromkeys(existing | more, ONE + HALF)

    def test_new_synapses_are_found_although_the_fiber_transmits_and_some_steps_store_nothing(
        self, backend_class: Any
    ) -> None:
        backend = begun(backend_class, brain(replace(STEP, floor=ONE), p=0.5), Depression)
        for rate in (-ONE, ONE, -ONE, ONE):
            backend.set_winners(S, [0, 4, 5, 11])
            backend.round([0], set(), learn=True, learning={0: rate})
            won = backend.winners(T).tolist()
            existing = {(i, j) for i in (0, 4, 5, 11) for j in set(backend.row(0, i).tolist()) & set(won)}
            assert existing
            assert {stored(backend).get(pair, ONE) for pair in existing} == {ONE + HALF if rate > 0 else ONE}

    def test_weights_below_the_floor_are_not_raised_to_it_in_one_step(self, backend_class: Any) -> None:
        for update in (replace(STEP, floor=2 * ONE), replace(TABLED, floor=2 * ONE)):
            backend = begun(backend_class, brain(update, base=-ONE), Depression)
            weight = -ONE
            for rate in (-ONE, ONE, ONE, -ONE):
                imprint(backend, [1], [1], rate)
                weight = update.apply(weight, rate)
                assert stored(backend).get((1, 1), -ONE) == weight


@pytest.mark.parametrize("backend_class", BACKENDS)
class TestDepression:
    """The second step of a rule: stored synapses only."""

    def test_synapses_onto_neurons_that_just_lost_are_weakened(self, backend_class: Any) -> None:
        backend = begun(backend_class, brain(depression=LOST))
        weights = {(1, j): 9 * ONE for j in range(K)} | {(1, 10): 3 * ONE, (1, 20): ONE, (1, 30): 3 * ONE}
        weights[2, 10] = 3 * ONE
        pre, post = np.array(list(weights)).T
        backend.set_learned(0, Synapses(pre, post, np.array(list(weights.values()))))
        backend.set_winners(S, [1])
        backend.set_winners(T, [10, 15, 20])
        backend.round([0], set(), learn=True)
        assert backend.winners(T).tolist() == list(range(K))
        weights |= {(1, j): HEBBIAN.apply(9 * ONE) for j in range(K)}
        weights[1, 10] = 9 * ONE // 4  # one is at its floor, one did not fire before, and one is not stored
        assert stored(backend) == weights

    def test_a_held_area_has_no_losers(self, backend_class: Any) -> None:
        backend = begun(backend_class, brain(depression=LOST))
        backend.set_learned(0, Synapses(np.array([1, 1]), np.array([10, 11]), np.array([3, 3]) * ONE))
        backend.set_winners(S, [1])
        backend.set_winners(T, [10])
        backend.round([0], {T}, learn=True)
        assert stored(backend) == {(1, 10): HEBBIAN.apply(3 * ONE), (1, 11): 3 * ONE}

    def test_synapses_onto_a_winner_that_loses_to_others_are_weakened(self, backend_class: Any) -> None:
        backend = begun(backend_class, brain(p=0.0, base=0, depression=LOST))
        pre, post = np.array([1, 1, 3, 3]), np.array([8, 9, 8, 9])
        backend.set_learned(0, Synapses(pre, post, np.array([2, 2, 9, -4]) * ONE))
        backend.set_winners(S, [1, 3])
        backend.set_winners(T, [9, 10])
        backend.round([0], set(), learn=True)
        assert backend.winners(T).tolist() == [8]
        won = [HEBBIAN.apply(2 * ONE), HEBBIAN.apply(9 * ONE)]
        lost = [LOST.apply(2 * ONE), LOST.apply(-4 * ONE)]
        assert stored(backend) == {(1, 8): won[0], (3, 8): won[1], (1, 9): lost[0], (3, 9): lost[1]}
        assert lost == [5 * ONE // 4, -4 * ONE]
        backend.round([0], set(), learn=True)
        assert stored(backend)[1, 9] == lost[0], "it lost the round before"

    def test_all_winners_of_an_area_that_falls_silent_lose(self, backend_class: Any) -> None:
        backend = begun(backend_class, brain(p=0.0, base=0, depression=replace(LOST, base=0, floor=-4 * ONE)))
        backend.set_learned(0, Synapses(np.array([1, 1, 2]), np.array([8, 9, 9]), np.array([-1, -2, 5]) * ONE))
        backend.set_winners(S, [1])
        backend.set_winners(T, [8, 9])
        backend.round([0], set(), learn=True)
        assert backend.winners(T).tolist() == []
        assert stored(backend) == {(1, 8): -7 * ONE // 4, (1, 9): -11 * ONE // 4, (2, 9): 5 * ONE}
        backend.round([0], set(), learn=True)
        assert stored(backend)[1, 8] == -7 * ONE // 4, "none fired the round before"

    def test_rates_scale_and_reverse_depression(self, backend_class: Any) -> None:
        program = brain(depression=LOST)
        driver = replace(program.fibers[0], name="driver", update=None, depression=None)
        backend = begun(backend_class, replace(program, fibers=(*program.fibers, driver)))
        won = tied(K, [1, 2])
        loser = next(j for j in range(N_TARGET) if j not in won)
        weight = 8 * ONE
        backend.set_learned(0, Synapses(np.array([1]), np.array([loser]), np.array([weight])))
        for rate in (HALF, -ONE, 3 * ONE, ONE // 7, -1, -LARGEST_RATE, LARGEST_RATE, LARGEST_RATE, -HALF):
            backend.set_winners(S, [1, 2])
            backend.set_winners(T, [loser])
            backend.round([1], set(), learn=True, learning={0: rate})
            assert backend.winners(T).tolist() == won
            weight = LOST.apply(weight, rate)
            assert stored(backend)[1, loser] == weight, rate
        assert weight == ONE + 3 * ONE // 8, "raised from its floor by the reversed step"

    def test_all_losers_decay_to_the_base_and_stay_stored(self, backend_class: Any) -> None:
        backend = begun(backend_class, brain(depression=DECAY))
        above, below = 5 * ONE + 3, ONE // 4
        backend.set_learned(0, Synapses(np.array([1, 1, 2]), np.array([8, 9, 9]), np.array([above, below, above])))
        for _ in range(40):
            imprint(backend, [1], [30])
            above, below = DECAY.apply(above), DECAY.apply(below)
        learned = stored(backend)
        assert learned.pop((1, 30)) > ONE
        assert learned == {(1, 8): above, (1, 9): below, (2, 9): 5 * ONE + 3}
        assert above == ONE

    def test_a_table_is_looked_up_from_its_floor(self, backend_class: Any) -> None:
        rule = replace(Depression.tabled(lambda weight: -(weight**2) / 10, 9.0, -2.0, base=0.5), losers=True)
        backend = begun(backend_class, brain(STEP, depression=rule))
        weights = [-3 * ONE, -2 * ONE, 0, HALF, HALF + 1, 2 * ONE + 7, 9 * ONE]
        pre, post = np.full(7, 6), np.arange(10, 17)
        backend.set_learned(0, Synapses(pre, post, np.array(weights)))
        for rate in (ONE, -HALF, 3 * ONE):
            imprint(backend, [6], [1], rate)
            weights = [rule.apply(weight, rate) for weight in weights]
            assert [stored(backend)[6, j] for j in range(10, 17)] == weights


@pytest.mark.parametrize("backend_class", BACKENDS)
class TestGates:
    """Only neurons that pass a gate drive the target, break ties, learn and are counted."""

    GATE = ChannelGate(G, size=2, width=3)

    def test_neurons_of_open_channels_pass(self, backend_class: Any) -> None:
        backend = begun(backend_class, brain(gate=self.GATE))
        firing = [0, 1, 4, 5, 8, 9, 11]
        transmitted = np.zeros(12, int)
        for open_neurons, passing in [([2, 7], [4, 5, 9, 11]), ([0, 1], [0, 1]), ([4, 5, 6], [8, 9, 11])]:
            backend.set_learned(0, Synapses(*np.empty((3, 0), np.int64)))
            backend.set_winners(S, firing)
            backend.set_winners(G, open_neurons)
            backend.round([0], set(), learn=True)
            assert backend.winners(T).tolist() == tied(K, passing)
            assert stored(backend) == pairs(passing, tied(K, passing), HEBBIAN.apply(ONE))
            transmitted[passing] += 1
        assert backend.transmissions(0).tolist() == transmitted.tolist()

    def test_a_closed_gate_silences_the_target_and_prevents_learning(self, backend_class: Any) -> None:
        backend = begun(backend_class, brain(gate=self.GATE))
        for open_neurons in ([], [4]):
            backend.set_winners(S, [0, 1, 11])
            backend.set_winners(T, [3])
            backend.set_winners(G, open_neurons)
            backend.round([0], set(), learn=True)
            assert backend.winners(T).tolist() == []
            backend.set_winners(T, [3])
            backend.round([0], {T}, learn=True)
        assert stored(backend) == {}
        assert not backend.transmissions(0).any()

    def test_a_parallel_fiber_without_a_gate_transmits_all(self, backend_class: Any) -> None:
        program = brain(gate=self.GATE)
        keys = [fiber_key(0, "S", "T", label) for label in ("", "free")]
        free = replace(program.fibers[0], name="free", gate=None, graph=replace(program.fibers[0].graph, key=keys[1]))
        backend = begun(backend_class, replace(program, fibers=(*program.fibers, free)))
        for open_neurons, passing in [([2], [4]), ([3, 6], [4, 10]), ([], [])]:
            backend.set_winners(S, [1, 4, 10])
            backend.set_winners(G, open_neurons)
            backend.round([0, 1], set(), learn=False)
            tag = input_tag([(keys[0], np.array(passing, np.int64)), (keys[1], np.array([1, 4, 10]))])
            order = np.argsort(tie_order(area_key(0, "T"), tag, np.arange(N_TARGET)))
            assert backend.winners(T).tolist() == sorted(order[:K].tolist())
        assert backend.transmissions(0).nonzero()[0].tolist() == [4, 10]
        assert backend.transmissions(1).tolist() == [0, 3, 0, 0, 3, 0, 0, 0, 0, 0, 3, 0]

    def test_a_gated_fiber_may_learn_without_transmitting(self, backend_class: Any) -> None:
        backend = begun(backend_class, brain(p=0.5, gate=self.GATE), Depression)
        for open_neurons in ([0], [2, 3], [0, 7], [2, 3]):
            backend.set_winners(G, open_neurons)
            imprint(backend, [0, 2, 3, 11], [5, 6, 7])
        times = {0: 2, 2: 2, 3: 2, 11: 1}
        expected = {}
        for i, count in times.items():
            weight = ONE
            for _ in range(count):
                weight = HEBBIAN.apply(weight)
            expected |= {(i, j): weight for j in set(backend.row(0, i).tolist()) & {5, 6, 7}}
        assert expected
        assert stored(backend) == expected
        assert not backend.transmissions(0).any()

    def test_an_assembly_opens_the_fiber_while_half_of_it_fires(self, backend_class: Any) -> None:
        backend = begun(backend_class, brain(gate=AssemblyGate(G, (1, 3, 5))))
        for firing, opens in [([1], False), ([1, 2, 4, 6], False), ([1, 5], True), ([0, 1, 3, 5], True), ([], False)]:
            backend.set_winners(S, [2, 8])
            backend.set_winners(G, firing)
            backend.round([0], set(), learn=True)
            assert backend.winners(T).tolist() == (tied(K, [2, 8]) if opens else []), firing
        assert backend.transmissions(0).tolist() == [0, 0, 2, 0, 0, 0, 0, 0, 2, 0, 0, 0]

    def test_a_recurrent_fiber_is_gated_by_its_own_area(self, backend_class: Any) -> None:
        areas = (AreaSpec("A", 12, 6, key=area_key(0, "A")),)
        graph = Graph(fiber_key(0, "A", "A", ""), 12, 12, 1.0, True)
        gate = ChannelGate(0, size=4, width=4)
        program = Program(areas, (FiberSpec("A->A", 0, 0, graph, HEBBIAN, gate=gate),))
        gated = begun(backend_class, program)
        free = begun(backend_class, replace(program, fibers=(replace(program.fibers[0], gate=None),)))
        for backend in (gated, free):
            backend.set_winners(0, [1, 2, 9])
            for _ in range(3):
                backend.round([0], set(), learn=True)
        assert stored(gated) == stored(free), "a channel in which a neuron fires is open"


@pytest.mark.parametrize("backend_class", BACKENDS)
class TestTraces:
    """Reinforcement applies steps to the last rounds."""

    RATES = (ONE, HALF, ONE // 5)

    def test_events_are_strengthened_oldest_first(self, backend_class: Any) -> None:
        backend = begun(backend_class, brain(trace=Traced(self.RATES)))
        sets = [([0, 1], [5]), ([1], [5, 6]), ([1, 2], [5]), ([3], [7, 8])]
        for fired, won in sets:
            imprint(backend, fired, won, 0)
        assert stored(backend) == {}
        backend.set_winners(S, [9])  # neurons that fire now have no effect
        backend.set_winners(T, [39])
        weights: dict[tuple[int, int], int] = {}
        for rate in (2 * ONE, -HALF):
            backend.reinforce(0, rate)
            for kept, (fired, won) in zip(reversed(self.RATES), sets[1:], strict=True):
                for pair in pairs(fired, won, 0):
                    weights[pair] = HEBBIAN.apply(weights.get(pair, ONE), multiplied(kept, rate))
            assert stored(backend) == weights
        backend.round([0], set(), learn=False)
        assert backend.winners(T).tolist() == tied(K, [9])

    def test_a_round_after_a_reinforcement_learns_from_firing_neurons(self, backend_class: Any) -> None:
        backend = begun(backend_class, brain(trace=Traced(self.RATES)))
        imprint(backend, [1, 2], [4], 0)
        backend.reinforce(0, ONE)
        imprint(backend, [2, 3], [4, 5])
        once, twice = HEBBIAN.apply(ONE), HEBBIAN.apply(HEBBIAN.apply(ONE))
        assert stored(backend) == {(1, 4): once, (2, 4): twice, (2, 5): once, (3, 4): once, (3, 5): once}

    def test_a_reinforcement_too_small_to_change_a_weight_stores_nothing(self, backend_class: Any) -> None:
        backend = begun(backend_class, brain(trace=Traced(self.RATES)))
        imprint(backend, [1, 2], [4], 0)
        backend.reinforce(0, 1)
        assert stored(backend) == {}
        backend.reinforce(0, ONE)
        assert stored(backend) == pairs([1, 2], [4], HEBBIAN.apply(ONE))

    def test_a_reinforcement_depresses_no_synapse(self, backend_class: Any) -> None:
        backend = begun(backend_class, brain(depression=DECAY, trace=Traced(self.RATES)))
        backend.set_learned(0, Synapses(np.array([1, 1]), np.array([4, 9]), np.array([5, 5]) * ONE))
        imprint(backend, [1], [4], 0)
        backend.set_winners(T, [9])
        backend.reinforce(0, ONE)
        assert stored(backend) == {(1, 4): HEBBIAN.apply(5 * ONE), (1, 9): 5 * ONE}

    def test_traces_hold_the_neurons_that_passed_a_gate(self, backend_class: Any) -> None:
        backend = begun(backend_class, brain(gate=TestGates.GATE, trace=Traced(self.RATES)))
        backend.set_winners(G, [2])
        imprint(backend, [0, 3, 5, 7], [8], 0)
        backend.set_winners(G, [0])
        imprint(backend, [0, 3], [9])
        assert [column.tolist() for column in backend.read(TRACED_SOURCES, 0)] == [[0, 1, 1], [0, 3, 5]]
        assert [column.tolist() for column in backend.read(TRACED_TARGETS, 0)] == [[0, 1], [9, 8]]
        backend.reinforce(0, ONE)
        weight = HEBBIAN.apply(ONE, multiplied(HALF, ONE))
        assert stored(backend) == {(0, 9): HEBBIAN.apply(HEBBIAN.apply(ONE)), (3, 8): weight, (5, 8): weight}


@pytest.mark.parametrize("backend_class", BACKENDS)
def test_transmissions_are_counted_for_each_fiber_and_neuron(backend_class: Any) -> None:
    program = brain()
    recurrent = FiberSpec("T->T", T, T, Graph(fiber_key(0, "T", "T", ""), N_TARGET, N_TARGET, 1.0, True), None)
    backend = begun(backend_class, replace(program, fibers=(*program.fibers, recurrent)), Depression)
    for opened, held, learn, firing in [
        ([0], {S}, True, [1, 2]),
        ([0, 1], {S}, False, [2, 11]),  # probes count
        ([1], set(), True, [5]),  # S does not transmit
        ([0, 1], {T}, True, [6]),  # nothing reaches an area that is held
        ([0], {S}, True, []),
    ]:
        before = backend.winners(T)
        backend.set_winners(S, firing)
        backend.round(opened, held, learn=learn)
        if 1 in opened and T not in held:
            assert backend.transmissions(1)[before].all()
    assert backend.transmissions(0).tolist() == [0, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 1]
    assert backend.transmissions(1).sum() == 2 * K
    assert backend.transmissions(0).dtype == np.int64
    backend.transmissions(0)[:] = 7
    assert backend.transmissions(0)[0] == 0, "the result is a copy"
