"""Every backend gives the bits of the reference in brains with rates, gates, traces, channels and signed weights.

The reference itself is checked against a dense simulation that was written from the law alone.
"""

from __future__ import annotations

from collections import Counter
from functools import cache
from typing import Any

import numpy as np
import pytest

from brainsim.kernels.cpu.backend import CpuBackend
from brainsim.kernels.errors import BackendUnavailableError
from brainsim.kernels.gpu.backend import GpuBackend
from brainsim.kernels.law.graph import Graph, fiber_key
from brainsim.kernels.law.rules import Depression, Update
from brainsim.kernels.law.weights import ONE
from brainsim.kernels.parts import Traced
from brainsim.kernels.program import AreaSpec, FiberSpec, Options, Program, check_capacity, check_parts
from brainsim.kernels.reference import ReferenceBackend
from dense import DenseBackend
from devices import NEEDS_GPU
from driving import Driven
from emulator.device import EmulatedBackend, emulated
from oracle import Oracle
from varied import ALL, CROWDED, KINDS, SIZES, SMALL, Varied, varied
from watching import Seen, difference, watched

NUMBERS = range(4)
OPTIONS = [Options(threads=1), Options(threads=3, tile=4096), Options(threads=2, cache_mb=0)]
GPUS = [
    pytest.param(EmulatedBackend, id="in turn"),
    pytest.param(emulated(seed=7, multiprocessors=132), id="shuffled, small tiles"),
    pytest.param(GpuBackend, marks=NEEDS_GPU, id="device"),
]


def cases(quick: int, every: int) -> list[Any]:
    """Return kinds and numbers of scenarios; those from ``quick`` on are marked as slow."""
    drawn = [(kind, number) for kind in KINDS for number in range(quick)]
    slow = [(kind, number) for kind in KINDS for number in range(quick, every)]
    return [*drawn, *(pytest.param(*case, marks=pytest.mark.slow) for case in slow)]


@cache
def expected(kind: str, number: int) -> tuple[Varied, Seen]:
    case = varied(kind, number)
    return case, watched(ReferenceBackend, case, Options())


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize(("kind", "number"), cases(1, 12))
def test_the_cpu_gives_the_bits_of_the_reference(kind: str, number: int, options: Options) -> None:
    case, reference = expected(kind, number)
    assert not difference(watched(CpuBackend, case, options), reference)


@pytest.mark.parametrize("gpu", GPUS)
@pytest.mark.parametrize(("kind", "number"), cases(2, 8))
def test_a_gpu_gives_the_bits_of_the_reference(kind: str, number: int, gpu: Any) -> None:
    case, reference = expected(kind, number)
    assert not difference(watched(gpu, case, Options()), reference)


@cache
def checked(kind: str, number: int) -> tuple[str, Counter[str]]:
    """Return where the reference and the dense simulation differ, and which cases occurred."""
    case = varied(kind, number, SMALL)
    reference, oracle = watched(ReferenceBackend, case, Options()), Oracle(case)
    for at, each in enumerate(case.rounds):
        oracle.round(each)
        mine = {f"round {at}: {name}": value for name, value in oracle.state().items()}
        for fiber, rate in each.reinforced:
            oracle.reinforce(fiber, rate)
        if each.reinforced:
            mine |= {f"reinforced after {at}: {name}": value for name, value in oracle.state().items()}
        found = difference({name: reference.get(name) for name in mine}, mine)
        if found:
            return found, oracle.facts
    return "", oracle.facts


@pytest.mark.parametrize(("kind", "number"), cases(2, 24))
def test_the_reference_agrees_with_a_dense_simulation(kind: str, number: int) -> None:
    found, _ = checked(kind, number)
    assert not found


@pytest.mark.slow
def test_scenarios_contain_every_case() -> None:
    facts = Counter[str]()
    for kind in KINDS:
        for number in NUMBERS:
            facts += checked(kind, number)[1]
    least = {
        "negative drives": 200,
        "rates other than 1": 300,
        "learns without transmitting": 100,
        "strengthened in reverse": 800,
        "changed by a table": 1000,
        "at the floor": 400,
        "at the ceiling": 300,
        "below the floor": 100,
        "depressed, just lost": 25,
        "depressed, losers": 1500,
        "arrived at the base": 300,
        "gated by channel, some pass": 50,
        "gated by assembly, open": 15,
        "gated by assembly, closed": 50,
        "neurons kept back by gates": 800,
        "ties among channels": 25,
        "neurons of winning channels not driven": 100,
        "a winner is driven less than a loser": 40,
        "reinforced": 800,
        "reinforced after more than a round": 500,
    }
    assert {fact: facts[fact] for fact, count in least.items() if facts[fact] < count} == {}


def test_scenarios_are_brains_that_simulators_accept() -> None:
    for kind in KINDS:
        for number in NUMBERS:
            check_capacity(varied(kind, number).program)
            check_parts(varied(kind, number).program, "reference", ReferenceBackend.parts)


def test_crowds_are_larger_than_k_of_their_areas() -> None:
    larger, tiny = Counter[str](), 0
    for number in NUMBERS:
        case = varied(CROWDED, number)
        for each in case.rounds:
            crowded = {a for a, neurons in each.stimuli.items() if len(neurons) > case.program.areas[a].k}
            larger["gated"] += sum(f.source in crowded and f.gate is not None for f in case.program.fibers)
            larger["gating"] += sum(f.gate is not None and f.gate.area in crowded for f in case.program.fibers)
            larger["traced"] += sum(f.trace is not None and f.source in crowded for f in case.program.fibers)
            tiny += sum(0 < abs(rate) <= 3 for rate in (each.learning or {}).values())
    assert min(larger["gated"], larger["gating"], larger["traced"]) > 30
    assert tiny > 10


def test_base_weights_are_of_all_kinds() -> None:
    weights = {fiber.base / ONE for number in NUMBERS for fiber in varied(ALL, number).program.fibers}
    assert weights >= {-2.0, -1.0, 0.0, 0.25, 1.0, 3.0, 100.0}


def test_weights_are_of_both_signs() -> None:
    signs = Counter[int]()
    for number in NUMBERS:
        for name, seen in expected(ALL, number)[1].items():
            if "learned of" in name:
                signs.update(np.sign(seen[2]).tolist())
    assert min(signs[-1], signs[1]) > 1000


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "weights"])
def test_a_backend_without_a_part_refuses_by_name(kind: str) -> None:
    new = varied(kind, 0).needs() - DenseBackend.parts
    with pytest.raises(BackendUnavailableError, match="|".join(each.__name__ for each in new)):
        check_parts(varied(kind, 0).program, DenseBackend.name, DenseBackend.parts)


def traced_brain(decay: float, rounds: int, update: Update, depression: Depression | None = None) -> Program:
    areas = (AreaSpec("S", 40, 5), AreaSpec("T", 50, 6))
    trace = Traced(tuple(round(decay**age * ONE) for age in range(rounds)))
    graph = Graph(fiber_key(0, "S", "T", ""), 40, 50, 0.3, False)
    return Program(areas, (FiberSpec("S->T", 0, 1, graph, update, depression=depression, trace=trace),))


@pytest.mark.parametrize("backend_class", [ReferenceBackend, CpuBackend, EmulatedBackend])
class TestTraces:
    """A trace of winner sets equals a trace at every synapse that is cut at its length."""

    @pytest.mark.parametrize("decay", [0.5, 0.8, 1.0])
    def test_traces_of_sets_equal_traces_of_all_synapses(self, backend_class: Any, decay: float) -> None:
        length, rng = 5, np.random.default_rng(3)
        backend = Driven(backend_class(traced_brain(decay, length, Update.affine(0.0, 0.5, 1000.0)), Options()))
        exists = np.array([np.isin(np.arange(50), backend.row(0, i)) for i in range(40)])
        eligible, weight = np.zeros((length, 40, 50)), np.ones((40, 50))
        for number in range(60):
            fires = np.sort(rng.choice(40, 5, replace=False))
            backend.set_winners(0, fires)
            backend.round([0], {0}, learn=True, learning={0: 0})
            eligible = np.roll(eligible, 1, axis=0)
            eligible[0] = 0.0
            eligible[0][np.ix_(fires, backend.winners(1))] = 1.0
            if number % 4 == 3:
                reward = float(rng.uniform(0.0, 3.0))
                backend.reinforce(0, round(reward * ONE))
                trace = np.tensordot(decay ** np.arange(length), eligible, axes=1)  # decays by a factor each round
                weight += 0.5 * reward * trace * exists
        pre, post, learned = backend.learned(0)
        assert len(pre) > 200
        assert np.argwhere(weight > 1).tolist() == np.column_stack([pre, post]).tolist()
        assert learned / ONE == pytest.approx(weight[pre, post], abs=60 * length / ONE)

    def test_events_older_than_a_trace_have_no_effect(self, backend_class: Any) -> None:
        backend = Driven(backend_class(traced_brain(1.0, 3, Update.affine(0.0, 1.0, 1000.0)), Options()))
        backend.set_winners(0, [1, 2, 3])
        backend.round([0], {0}, learn=True, learning={0: 0})
        for more in range(4):
            before = backend.learned(0).weight.sum()
            backend.reinforce(0, ONE)
            assert (backend.learned(0).weight.sum() > before) == (more < 3)
            backend.round([], {0, 1}, learn=True, learning={})

    def test_reinforcement_weakens_no_synapse(self, backend_class: Any) -> None:
        update, decay = Update.affine(0.0, 1.0, 9.0), Depression.affine(0.0, -1.0, 9.0, losers=True)
        backend = Driven(backend_class(traced_brain(1.0, 1, update, decay), Options()))
        backend.set_winners(0, [1, 2, 3])
        backend.round([0], {0}, learn=True)
        pre, post, weight = backend.learned(0)
        backend.set_winners(1, np.setdiff1d(np.arange(50), post)[:6])
        backend.round([0], {0, 1}, learn=True, learning={0: 0})
        backend.reinforce(0, ONE)
        after = {(i, j): w for i, j, w in zip(*(column.tolist() for column in backend.learned(0)), strict=True)}
        assert [after[i, j] for i, j in zip(pre.tolist(), post.tolist(), strict=True)] == weight.tolist()
        assert len(after) > len(pre) > 3


def test_sizes_have_the_divisors_of_channels() -> None:
    assert all(size % 60 == 0 for size in (*SIZES, *SMALL))
