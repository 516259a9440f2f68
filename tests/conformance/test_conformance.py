"""Every backend gives the same bits as the reference: winners after every round, and all weights."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from brainsim.kernels.cpu.backend import CpuBackend
from brainsim.kernels.errors import BackendUnavailableError
from brainsim.kernels.gpu.backend import GpuBackend
from brainsim.kernels.law.graph import Graph, fiber_key
from brainsim.kernels.law.rules import Update
from brainsim.kernels.law.selection import area_key, input_tag, tie_order
from brainsim.kernels.law.weights import ONE
from brainsim.kernels.program import AreaSpec, FiberSpec, Options, Program
from brainsim.kernels.reference import ReferenceBackend
from brainsim.kernels.state import NO_THRESHOLDS, Synapses, Thresholds
from devices import NEEDS_GPU
from driving import Driven
from emulator.device import EmulatedBackend, emulated
from listed import BACKENDS, OPTIONS
from scenarios import HEBBIAN, SATURATING, TABLED, Scenario, excitable, scenario, settled_reference, trace

GPUS = [
    pytest.param(EmulatedBackend, id="in turn"),
    pytest.param(emulated(seed=7, multiprocessors=132), id="shuffled, small tiles"),
    pytest.param(emulated(seed=8, poison=0xFF), id="shuffled, other poison"),
    pytest.param(GpuBackend, marks=NEEDS_GPU, id="device"),
]


SETTLED = range(200, 203)
EXCITABLE = range(300, 308)


@cache
def expected(number: int, large: bool) -> tuple[Scenario, list[Any]]:
    if number in SETTLED:
        return settled_reference(number)
    if number in EXCITABLE:
        return (case := excitable(number)), trace(ReferenceBackend, case, Options())
    case = scenario(number, (150, 60_000, 600), rounds=9) if large else scenario(number)
    return case, trace(ReferenceBackend, case, Options())


def firings(seen: list[Any]) -> int:
    return sum(len(area) for _, winners in seen[:-2] for area in winners)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("number", [*range(8), *SETTLED, *EXCITABLE])
def test_the_cpu_gives_the_same_winners_and_weights(number: int, options: Options) -> None:
    case, reference = expected(number, large=False)
    if number not in EXCITABLE:
        assert firings(reference) > 40
    assert trace(CpuBackend, case, options) == reference


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("number", [100, 101])
def test_the_cpu_gives_the_same_over_several_tiles(number: int, options: Options) -> None:
    case, reference = expected(number, large=True)
    assert trace(CpuBackend, case, options) == reference


@pytest.mark.parametrize("gpu", GPUS)
@pytest.mark.parametrize("number", [*range(8), *SETTLED, *EXCITABLE])
def test_a_gpu_gives_the_same_winners_and_weights(number: int, gpu: Any) -> None:
    case, reference = expected(number, large=False)
    assert trace(gpu, case, Options()) == reference


@pytest.mark.parametrize("gpu", GPUS)
@pytest.mark.parametrize("number", [100, 101])
def test_a_gpu_gives_the_same_over_several_tiles(number: int, gpu: Any) -> None:
    case, reference = expected(number, large=True)
    assert trace(gpu, case, Options()) == reference


def test_scenarios_learn_something() -> None:
    learned = [sum(len(pre) for pre, _, _ in expected(number, large=False)[1][-2]) for number in range(8)]
    assert sum(count > 100 for count in learned) >= 6


def test_scenarios_with_thresholds_fire_and_refract() -> None:
    seen = [expected(number, large=False)[1] for number in EXCITABLE]
    assert sum(firings(each) > 1000 for each in seen) >= 4
    assert sum(max(len(neurons) for neurons, _ in each[-1]) > 100 for each in seen) >= 4


def two_areas(p: float, update: Update | None, n: int = 40, k: int = 5) -> Program:
    areas = (AreaSpec("S", 10, 10), AreaSpec("T", n, k, key=area_key(0, "T")))
    return Program(areas, (FiberSpec("S->T", 0, 1, Graph(fiber_key(0, "S", "T", ""), 10, n, p, False), update),))


def first(count: int, firing: list[int], tied: Any = range(40)) -> list[int]:
    """Return the neurons of ``T`` that win if some are driven equally by the firing neurons of ``S``, ascending."""
    neurons = np.array(tied, np.int64)
    tag = input_tag([(fiber_key(0, "S", "T", ""), np.array(firing, np.int64))])
    return sorted(neurons[np.argsort(tie_order(area_key(0, "T"), tag, neurons))[:count]].tolist())


def all_but(*left_out: int) -> list[int]:
    return [neuron for neuron in range(40) if neuron not in left_out]


@pytest.mark.parametrize("backend_class", BACKENDS)
class TestLaw:
    """The law in small cases that can be checked by hand; the same tests run for every backend."""

    def test_ties_are_broken_by_the_area_and_its_input(self, backend_class: Any) -> None:
        backend = Driven(backend_class(two_areas(1.0, None), Options()))
        seen = set()
        for firing in ([2, 3], [2, 3, 7], [5], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]):
            backend.set_winners(0, firing)
            backend.round([0], {0}, learn=True)
            assert backend.winners(1).tolist() == first(5, firing)
            seen.add(tuple(first(5, firing)))
        assert len(seen) > 1

    def test_the_tag_is_taken_over_all_fibers_that_transmit(self, backend_class: Any) -> None:
        keys = [fiber_key(0, source, "T", "") for source in ("S", "T", "U")]
        areas = (AreaSpec("S", 9, 9), AreaSpec("T", 60, 5, key=area_key(0, "T")), AreaSpec("U", 4, 4))
        fibers = tuple(
            FiberSpec(f"F{f}", source, 1, Graph(keys[f], areas[source].n, 60, 1.0, source == 1), None)
            for f, source in enumerate((0, 1, 2))
        )
        backend = Driven(backend_class(Program(areas, fibers), Options()))
        firing = [np.array([1, 4, 8]), np.array([50]), np.array([0, 3])]
        for opened in ([0], [2], [0, 2], [0, 1, 2]):
            for area in range(3):
                backend.set_winners(area, firing[area])
            backend.round(opened, {0, 2}, learn=True)
            tag = input_tag([(keys[f], firing[f]) for f in opened])
            others = np.array([neuron for neuron in range(60) if 1 not in opened or neuron != 50])
            expected = np.sort(others[np.argsort(tie_order(area_key(0, "T"), tag, others))[:5]])
            assert backend.winners(1).tolist() == expected.tolist(), opened

    def test_zero_drive_never_fires(self, backend_class: Any) -> None:
        backend = Driven(backend_class(two_areas(0.0, None), Options()))
        backend.set_winners(0, [1])
        backend.set_winners(1, [7])
        backend.round([0], {0}, learn=True)
        assert backend.winners(1).tolist() == []

    def test_an_area_falls_silent_without_input_and_keeps_firing_without_fibers(self, backend_class: Any) -> None:
        backend = Driven(backend_class(two_areas(1.0, None), Options()))
        backend.set_winners(1, [7])
        backend.round([], set(), learn=True)
        assert backend.winners(1).tolist() == [7]
        backend.round([0], {0}, learn=True)
        assert backend.winners(1).tolist() == []

    def test_held_area_keeps_its_winners_and_still_learns(self, backend_class: Any) -> None:
        backend = Driven(backend_class(two_areas(1.0, HEBBIAN), Options()))
        backend.set_winners(0, [4])
        backend.set_winners(1, [30])
        backend.round([0], {0, 1}, learn=True)
        assert backend.stable()
        assert backend.winners(1).tolist() == [30]
        assert [column.tolist() for column in backend.learned(0)] == [[4], [30], [HEBBIAN.apply(ONE)]]

    @pytest.mark.parametrize("update", [HEBBIAN, SATURATING])
    def test_weights_follow_the_rule_and_saturate(self, backend_class: Any, update: Update) -> None:
        backend = Driven(backend_class(two_areas(1.0, update, n=5), Options()))
        backend.set_winners(0, [0])
        weight = ONE
        for _ in range(400):
            backend.round([0], {0}, learn=True)
            weight = update.apply(weight)
        assert backend.learned(0).weight.tolist() == [weight] * 5
        assert weight == pytest.approx(update.ceiling, rel=1e-3)

    def test_beta_zero_stores_nothing(self, backend_class: Any) -> None:
        backend = Driven(backend_class(two_areas(1.0, Update.affine(0.0, 0.0, 10.0)), Options()))
        backend.set_winners(0, [0, 1])
        backend.round([0], {0}, learn=True)
        assert len(backend.learned(0).pre) == 0

    def test_learning_uses_the_winners_before_and_after(self, backend_class: Any) -> None:
        backend = Driven(backend_class(two_areas(1.0, HEBBIAN), Options()))
        backend.set_winners(0, [9])
        backend.set_winners(1, [39])
        backend.round([0], {0}, learn=True)
        assert backend.learned(0).post.tolist() == first(5, [9])

    def test_all_areas_change_at_the_same_time(self, backend_class: Any) -> None:
        areas = (AreaSpec("A", 6, 6), AreaSpec("B", 6, 6), AreaSpec("C", 6, 6))

        def fiber(s: int, t: int) -> FiberSpec:
            return FiberSpec(f"{s}{t}", s, t, Graph(fiber_key(0, str(s), str(t), ""), 6, 6, 1.0, False), None)

        backend = Driven(backend_class(Program(areas, (fiber(0, 1), fiber(1, 2))), Options()))
        backend.set_winners(0, [0])
        backend.round([0, 1], {0}, learn=True)
        assert backend.winners(1).tolist() == list(range(6))
        assert backend.winners(2).tolist() == []

    def test_learned_weights_add_to_the_drive(self, backend_class: Any) -> None:
        backend = Driven(backend_class(two_areas(1.0, HEBBIAN), Options()))
        backend.set_learned(0, Synapses(np.array([3, 3]), np.array([20, 35]), np.array([2 * ONE, 3 * ONE])))
        backend.set_winners(0, [3])
        backend.round([0], {0}, learn=False)
        assert backend.winners(1).tolist() == sorted([20, 35, *first(3, [3], all_but(20, 35))])

    def test_a_threshold_is_subtracted_and_one_below_zero_excites(self, backend_class: Any) -> None:
        backend = Driven(backend_class(two_areas(1.0, None), Options()))
        backend.set_winners(0, [3, 4])
        backend.set_thresholds(1, Thresholds(np.array([0, 1, 2, 7]), np.array([2, 1, -1, -1]) * ONE))
        backend.round([0], {0}, learn=True)
        assert backend.winners(1).tolist() == sorted([2, 7, *first(3, [3, 4], all_but(0, 1, 2, 7))])
        backend.set_winners(0, [])
        backend.round([0], {0}, learn=True)
        assert backend.winners(1).tolist() == [2, 7], "thresholds below 0 make them fire without input"
        assert [column.tolist() for column in backend.thresholds(1)] == [[0, 1, 2, 7], [2 * ONE, ONE, -ONE, -ONE]]
        backend.set_thresholds(1, NO_THRESHOLDS)
        backend.round([0], {0}, learn=True)
        assert backend.winners(1).tolist() == []

    def test_thresholds_of_0_are_not_stored(self, backend_class: Any) -> None:
        program = two_areas(1.0, None)
        program = replace(program, areas=(program.areas[0], replace(program.areas[1], refraction=ONE)))
        backend = Driven(backend_class(program, Options()))
        backend.set_thresholds(1, Thresholds(np.array([1, 2, 3]), np.array([0, -ONE, 0])))
        assert [column.tolist() for column in backend.thresholds(1)] == [[2], [-ONE]]
        backend.set_winners(0, [3])
        backend.round([0], {0}, learn=True)  # raises it to 0
        assert [column.tolist() for column in backend.thresholds(1)] == [first(4, [3], all_but(2)), [ONE] * 4]

    def test_winners_refract_by_their_whole_drive_while_learning(self, backend_class: Any) -> None:
        program = two_areas(1.0, HEBBIAN, n=8)
        program = replace(program, areas=(program.areas[0], replace(program.areas[1], refraction=ONE // 2)))
        backend = Driven(backend_class(program, Options()))
        backend.set_winners(0, [1, 2])
        backend.round([0], {0}, learn=False)
        assert len(backend.thresholds(1).neurons) == 0
        backend.round([0], {0}, learn=True)
        won = first(5, [1, 2], range(8))
        assert backend.winners(1).tolist() == won
        assert [column.tolist() for column in backend.thresholds(1)] == [won, [ONE] * 5]
        backend.round([0], {0}, learn=True)  # driven by 2.2 less 1, or by 2
        again, others = first(2, [1, 2], won), [neuron for neuron in range(8) if neuron not in won]
        assert backend.winners(1).tolist() == sorted([*again, *others])
        amount = [ONE + HEBBIAN.apply(ONE) if neuron in again else ONE for neuron in range(8)]
        assert backend.thresholds(1).amount.tolist() == amount
        backend.round([0], {0, 1}, learn=True)
        assert backend.thresholds(1).amount.tolist() == amount, "a held area does not refract"

    def test_a_rule_may_be_a_table(self, backend_class: Any) -> None:
        backend = Driven(backend_class(two_areas(1.0, TABLED, n=5), Options()))
        backend.set_winners(0, [0])
        weight = ONE
        for _ in range(50):
            backend.round([0], {0}, learn=True)
            weight = TABLED.apply(weight)
        assert backend.learned(0).weight.tolist() == [weight] * 5
        assert weight / ONE == pytest.approx(1 + np.log(1 + 2.0 * 0.2 * 50) / 2.0, rel=0.05)

    def test_fibers_may_have_different_tables_and_weights_beyond_their_ends(self, backend_class: Any) -> None:
        short = Update(0, 0, 9 * ONE, steps=(3 * ONE, ONE // 4, -ONE // 8), shift=16)
        rules = [TABLED, HEBBIAN, short, TABLED]
        program = two_areas(1.0, TABLED, n=5)
        fibers = tuple(replace(program.fibers[0], name=str(number), update=rule) for number, rule in enumerate(rules))
        backend = Driven(backend_class(replace(program, fibers=fibers), Options()))
        weights = [ONE, 2 * ONE, 3 * ONE + 5, 8 * ONE]
        one = np.array([0])
        for f, weight in enumerate(weights):
            backend.set_learned(f, Synapses(one, one, np.array([weight])))
        backend.set_winners(0, [0])
        for _ in range(20):
            backend.round(range(4), {0}, learn=True)
            weights = [rule.apply(weight) for rule, weight in zip(rules, weights, strict=True)]
        assert [int(backend.learned(f).weight[0]) for f in range(4)] == weights

    def test_weights_can_be_set_where_nothing_is_learned(self, backend_class: Any) -> None:
        backend = Driven(backend_class(two_areas(1.0, Update.affine(0.0, 0.0, 10.0)), Options()))
        backend.set_learned(0, Synapses(np.array([3]), np.array([20]), np.array([2 * ONE])))
        backend.set_winners(0, [3])
        backend.round([0], {0}, learn=True)
        assert backend.winners(1).tolist() == sorted([20, *first(4, [3], all_but(20))])
        assert backend.learned(0).weight.tolist() == [2 * ONE]

    def test_a_fiber_without_a_graph_has_the_synapses_that_are_stored(self, backend_class: Any) -> None:
        program = two_areas(0.0, HEBBIAN)
        stored = replace(program, fibers=(replace(program.fibers[0], base=0),))
        backend = Driven(backend_class(stored, Options()))
        weights = [2 * ONE, ONE // 2, 3 * ONE]
        backend.set_learned(0, Synapses(np.array([1, 1, 4]), np.array([7, 9, 9]), np.array(weights)))
        for _ in range(3):
            backend.set_winners(0, [1, 4])
            backend.round([0], {0}, learn=True)
            assert backend.winners(1).tolist() == [7, 9]
            weights = [HEBBIAN.apply(weight) for weight in weights]
            assert backend.learned(0).weight.tolist() == weights
        backend.set_winners(0, [4])
        backend.round([0], {0}, learn=True)
        assert backend.winners(1).tolist() == [9]
        assert backend.learned(0).weight.tolist() == [*weights[:2], HEBBIAN.apply(weights[2])]

    def test_weights_that_are_written_are_read_back(self, backend_class: Any) -> None:
        case, reference = expected(3, large=False)
        backend = Driven(backend_class(case.program, Options()))
        for f in range(len(case.program.fibers)):
            table = [np.array(column, dtype=np.int64) for column in reference[-2][f]]
            backend.set_learned(f, Synapses(*table))
            assert [column.tolist() for column in backend.learned(f)] == reference[-2][f]

    def test_memory_is_reported_for_every_fiber(self, backend_class: Any) -> None:
        backend = Driven(backend_class(two_areas(0.5, HEBBIAN), Options()))
        backend.set_winners(0, [0, 1])
        backend.round([0], {0}, learn=True)
        report = backend.memory()
        assert report["fibers"]["S->T"]["learned"] > 0
        assert set(report["areas"]) == {"S", "T"}
        assert all(size >= 0 for part in report.values() for owner in part.values() for size in owner.values())


def test_more_threads_than_any_machine_has_are_refused_by_name() -> None:
    with pytest.raises(BackendUnavailableError, match=r"threads: the cpu backend can use 1 to 1024 \(got 4096\)"):
        CpuBackend(two_areas(0.5, None), Options(threads=4096))


def test_tile_must_be_a_power_of_two() -> None:
    with pytest.raises(BackendUnavailableError, match="power of two"):
        Driven(CpuBackend(two_areas(0.5, None), Options(tile=1000)))
