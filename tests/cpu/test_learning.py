"""Learning on the CPU agrees with the reference, also where visited pairs decide what is searched."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from brainsim.kernels.cpu import learn as learning
from brainsim.kernels.cpu.backend import CpuBackend
from brainsim.kernels.cpu.plastic import PlasticFiber
from brainsim.kernels.law.graph import Graph, fiber_key
from brainsim.kernels.law.rules import Depression, Update
from brainsim.kernels.law.selection import area_key
from brainsim.kernels.law.weights import ONE
from brainsim.kernels.parts import AssemblyGate, ChannelGate, Traced
from brainsim.kernels.program import AreaSpec, FiberSpec, Options, Program
from brainsim.kernels.reference import ReferenceBackend
from driving import Driven

SIZES = (("S", 240, 40), ("A", 900, 25), ("B", 600, 20), ("G", 24, 6))
UPDATES = (
    Update.affine(0.3, 0.0, 12.0),
    Update.affine(0.0, 0.4, 6.0, 1.0),  # a negative rate leaves the base weight as it is
    Update.affine(0.0, 0.4, 6.0, -3.0),
    Update.tabled(lambda weight: 0.5 - weight / 8, 5.0, -2.0),
    Update.affine(0.5, -0.5, 9.0),  # leaves weights of 1 unchanged; only other stored weights change
)
DEPRESSIONS = (
    None,
    Depression.affine(0.0, -0.5, 12.0, -2.0),
    Depression.affine(-0.25, 0.25, 12.0, -2.0, losers=True),
    Depression.tabled(lambda weight: -weight / 4, 12.0, 0.5),
)
GATES = (None, None, ChannelGate(3, 2, 20), AssemblyGate(3, (0, 1, 2, 3)))
RATES = (ONE, ONE, -ONE, 3, ONE // 2, 5 * ONE, 0, -3 * ONE)
OPTIONS = (Options(threads=1), Options(threads=2, cache_mb=0), Options(threads=2, cache_mb=0.02))


def program(rng: np.random.Generator) -> Program:
    """Return a brain whose fibers have rules, depressions, gates and traces in turn."""
    areas = tuple(AreaSpec(name, n, k, key=area_key(0, name)) for name, n, k in SIZES)
    fibers = []
    for f, (source, target) in enumerate(((0, 1), (0, 2), (1, 1), (1, 2), (2, 1), (0, 1))):
        key = fiber_key(0, SIZES[source][0], SIZES[target][0], str(f))
        graph = Graph(key, SIZES[source][1], SIZES[target][1], 0.15, source == target)
        gate = GATES[rng.integers(4)] if source == 0 else None
        update, depression = UPDATES[rng.integers(5)], DEPRESSIONS[rng.integers(4)]
        given = (FiberSpec(f"F{f}", source, target, graph, update), depression, gate)
        fibers.append(replace(given[0], depression=given[1], gate=given[2], trace=Traced((ONE, ONE // 3, ONE // 9))))
    return Program(areas, tuple(fibers))


def everything(backend: Driven) -> list[Any]:
    """Return all winners, weights and transmissions."""
    areas, fibers = range(len(SIZES)), range(len(backend.backend.program.fibers))
    return [
        [backend.winners(a).tolist() for a in areas],
        [[column.tolist() for column in backend.learned(f)] for f in fibers],
        [backend.transmissions(f).tolist() for f in fibers],
    ]


def play(backend: Driven, seed: int, rounds: int = 24) -> list[Any]:
    """Run rounds of recurring stimuli, in which different fibers transmit and learn, at changing rates."""
    rng = np.random.default_rng(seed)
    pool = [np.sort(rng.choice(240, 40, replace=False)) for _ in range(3)]
    channels = [np.sort(rng.choice(24, 6, replace=False)) for _ in range(3)]
    seen = []
    for r in range(rounds):
        if r % 3 == 0:
            backend.set_winners(0, pool[rng.integers(3)])
        backend.set_winners(3, channels[rng.integers(3)])
        opened = [f for f in range(6) if rng.random() < 0.8]
        rates = {f: RATES[rng.integers(len(RATES))] for f in range(6) if rng.random() < 0.7}
        held = {0, 3} | {a for a in (1, 2) if rng.random() < 0.2}
        backend.round(opened, held, learn=bool(rng.random() < 0.9), learning=rates)
        if r % 5 == 4:
            backend.reinforce(int(rng.integers(6)), RATES[rng.integers(6)])
        seen.append(everything(backend))
    return seen


@pytest.mark.parametrize("seed", range(6))
def test_same_bits_as_the_reference(seed: int) -> None:
    brain = program(np.random.default_rng(seed))
    expected = play(Driven(ReferenceBackend(brain, Options())), seed)
    assert sum(len(pre) for pre, _, _ in expected[-1][1]) > 1000
    for options in OPTIONS:
        seen = play(Driven(CpuBackend(brain, options)), seed)
        for number, (ours, theirs) in enumerate(zip(seen, expected, strict=True)):
            assert ours == theirs, (number, options)


def one_fiber(update: Update, **fiber: Any) -> tuple[Program, dict[str, Any]]:
    graph = Graph(fiber_key(0, "S", "A", ""), 240, 900, 0.15, False)
    areas = tuple(AreaSpec(name, n, k, key=area_key(0, name)) for name, n, k in SIZES)
    return Program(areas, (FiberSpec("F", 0, 1, graph, update, **fiber),)), {"learn": True}


@pytest.fixture
def searches(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the weights with which new synapses were searched, one for each search."""
    done: list[int] = []
    store_new = PlasticFiber.store_new

    def noted(self: PlasticFiber, pre: Any, post: Any, complete: Any, weight: int, threads: int) -> int:
        done.append(weight)
        return store_new(self, pre, post, complete, weight, threads)

    monkeypatch.setattr(PlasticFiber, "store_new", noted)
    return done


def test_pairs_whose_step_stores_nothing_are_not_searched_and_stay_unvisited(searches: list[int]) -> None:
    brain, learn = one_fiber(UPDATES[1])
    backend = Driven(CpuBackend(brain, Options()))
    backend.set_winners(0, np.arange(40))
    backend.set_winners(1, np.arange(100, 125))
    for rate in (-ONE, -ONE, 1, ONE, -ONE, ONE):
        backend.round([], {0, 1}, **learn, learning={0: rate})
    assert searches == [UPDATES[1].apply(ONE)], "after one search, all pairs have been visited"
    assert len(backend.learned(0).pre) > 100
    assert set(backend.learned(0).weight.tolist()) == {UPDATES[1].apply(ONE)}


def test_a_step_of_0_at_the_base_weight_never_causes_a_search(searches: list[int]) -> None:
    brain, learn = one_fiber(UPDATES[4])
    backend = Driven(CpuBackend(brain, Options()))
    backend.set_winners(0, np.arange(40))
    for _ in range(5):
        backend.round([0], {0}, **learn)
    assert searches == []
    assert len(backend.learned(0).pre) == 0


def test_depression_is_not_computed_without_a_rule_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: Any) -> None:
        raise AssertionError("no fiber has depression")

    monkeypatch.setattr(learning, "_depress", never)
    brain, learn = one_fiber(UPDATES[0])
    backend = Driven(CpuBackend(brain, Options()))
    backend.set_winners(0, np.arange(40))
    for _ in range(3):
        backend.round([0], {0}, **learn)
    assert len(backend.learned(0).pre) > 0
    with pytest.raises(AssertionError, match="no fiber has depression"):
        brain, _ = one_fiber(UPDATES[0], depression=DEPRESSIONS[1])
        backend = Driven(CpuBackend(brain, Options()))
        backend.set_winners(0, np.arange(40))
        backend.round([0], {0}, **learn)


def test_counts_of_neurons_that_pass_a_gate_are_cached_separately() -> None:
    """A gate that opens again uses the counts of the neurons that passed it, not those of the whole source."""
    brain, learn = one_fiber(UPDATES[0], gate=GATES[2])
    gated = Driven(CpuBackend(brain, Options()))
    free = Driven(CpuBackend(replace(brain, fibers=(replace(brain.fibers[0], gate=None),)), Options()))
    gated.set_winners(0, np.arange(0, 240, 6))
    for channels in ([0, 1, 10], [20], [0, 1, 10], [20]):
        gated.set_winners(3, channels)
        passing = GATES[2].passing(np.arange(0, 240, 6), np.array(channels))
        free.set_winners(0, passing)
        for backend in (gated, free):
            backend.round([0], {0}, **learn)
        assert gated.winners(1).tolist() == free.winners(1).tolist()
        assert [c.tolist() for c in gated.learned(0)] == [c.tolist() for c in free.learned(0)]
    counts = gated.backend._resources.counts[0]  # type: ignore[attr-defined]
    assert len(counts._recent) == 2


def test_a_reinforcement_does_not_change_the_next_round() -> None:
    """Kernels read the sets of the trace during it, and the firing neurons from the next round on."""
    brain, learn = one_fiber(UPDATES[2], trace=Traced((ONE, ONE)))
    backend = Driven(CpuBackend(brain, Options()))
    tables = backend.backend._resources.tables  # type: ignore[attr-defined]
    for start in (0, 60):
        backend.set_winners(0, np.arange(start, start + 40))
        backend.round([0], {0}, **learn)
    backend.reinforce(0, ONE)
    assert tables.fired(0).neurons.tolist() == list(range(60, 100)), "the event of the last round comes last"
    backend.set_winners(0, np.arange(120, 160))
    backend.round([0], {0}, **learn)
    assert tables.fired(0).neurons.tolist() == list(range(120, 160))
    assert tables.fibers.held(0, "firing") is None
    assert np.flatnonzero(backend.transmissions(0)).tolist() == [*range(40), *range(60, 100), *range(120, 160)]
