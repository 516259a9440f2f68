"""Channels, topographic fibers and signed weights agree with the reference, over several tiles."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from brainsim.kernels.gpu import device_planner
from brainsim.kernels.law.graph import Graph, fiber_key
from brainsim.kernels.law.rules import Update
from brainsim.kernels.law.selection import area_key
from brainsim.kernels.law.taper import Tapered
from brainsim.kernels.law.weights import ONE
from brainsim.kernels.parts import TOP_K, Channels
from brainsim.kernels.program import AreaSpec, FiberSpec, Options, Program
from brainsim.kernels.reference import ReferenceBackend
from brainsim.kernels.state import DRIVES, Synapses, Thresholds
from driving import Driven
from emulator.device import emulated
from gpus import driven, state_of
from scenarios import HEBBIAN

SIGNED = Update.affine(0.5, -0.3, 3.0, floor=-2.0)


def program(size: int, open_: int, *, n: int = 600, base: int = ONE, rule: Update | None = HEBBIAN) -> Program:
    """Return an area with channels, which has inputs from another area and itself and drives a third one."""
    parts = (("S", 80, 30, TOP_K), ("C", n, size * open_, Channels(size)), ("T", 300, 20, TOP_K))
    areas = tuple(AreaSpec(name, m, k, 0, area_key(2, name), activation) for name, m, k, activation in parts)
    ends = ((0, 1, 0.1, ONE), (0, 1, 0.3, base), (1, 1, 0.02, ONE), (1, 2, 0.1, ONE), (2, 1, 0.05, 3 * ONE))
    fibers = tuple(
        FiberSpec(
            f"F{f}",
            source,
            target,
            Graph(fiber_key(f, str(source), str(target), ""), areas[source].n, areas[target].n, p, source == target),
            rule if f % 2 else HEBBIAN,
            weight,
        )
        for f, (source, target, p, weight) in enumerate(ends)
    )
    return Program(areas, fibers)


def observed(backend: Driven) -> list[Any]:
    """Return all state and the drives."""
    areas = range(len(backend.program.areas))
    return [*state_of(backend), [[column.tolist() for column in backend.read(DRIVES, a)] for a in areas]]


def play(backend: Driven) -> list[Any]:
    """Present stimuli of several sizes, one of them empty."""
    rng, seen = np.random.default_rng(4), []
    for count in (30, 1, 0, 12):
        backend.set_winners(0, np.sort(rng.choice(80, count, replace=False)))
        for opened in ([0, 1], range(len(backend.program.fibers)), [2, 3, 0]):
            backend.round(opened, {0}, learn=True)
            seen.append(observed(backend))
    return seen


def same_on_both(brain: Program, act: Any = play, **options: Any) -> list[Any]:
    """Return the result of a function of a backend, which must be equal for the reference and a gpu."""
    reference = act(Driven(ReferenceBackend(brain, Options())))
    assert act(driven(brain, **options)[0]) == reference
    return reference


class TestChannels:
    @pytest.mark.parametrize(
        ("size", "open_"), [(1, 20), (2, 7), (3, 4), (10, 4), (75, 1), (100, 3), (300, 1), (600, 1), (2, 300)]
    )
    def test_channels_of_any_size_agree_with_the_reference(self, size: int, open_: int) -> None:
        seen = same_on_both(program(size, open_), seed=size, poison=0x7F)
        assert sum(len(winners[1]) for winners, *_ in seen) > 60

    @pytest.mark.parametrize(
        ("size", "n"), [(2, 20_000), (3, 18_000), pytest.param(5000, 10_000, marks=pytest.mark.slow)]
    )
    def test_channels_over_several_tiles_agree_with_the_reference(self, size: int, n: int) -> None:
        """There are several tiles of channels, and channels that lie in two tiles of neurons."""

        def act(backend: Driven) -> list[Any]:
            backend.set_winners(0, [3, 8])
            backend.set_thresholds(1, Thresholds(np.arange(0, n, 7), np.full(len(range(0, n, 7)), ONE)))
            seen = []
            for opened in ([0, 1], [0, 4, 2], [1]):
                backend.round(opened, {0}, learn=True)
                seen.append(observed(backend))
            return seen

        seen = same_on_both(program(size, 12 if size < 10 else 1, n=n), act, multiprocessors=132, seed=3)
        assert all(len(winners[1]) > 4 for winners, *_ in seen)

    @pytest.mark.parametrize("passes", [0, 1])
    def test_ties_that_remain_after_the_passes_are_broken(self, passes: int, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(device_planner, "TIE_PASSES", passes)
        same_on_both(program(2, 30, rule=None), seed=2, poison=0x7F)

    def test_channels_are_summed_only_where_their_area_selects(self) -> None:
        backend, device = driven(program(10, 4))
        backend.set_winners(0, range(30))
        for opened, launches in (([3], 0), ([0, 1], 1), ([3], 0)):
            before = device.launches.count("sum_channels")
            backend.round(opened, {0}, learn=True)
            assert device.launches.count("sum_channels") == before + launches

    def test_low_thresholds_raise_the_sums_of_channels(self) -> None:
        def act(backend: Driven) -> list[Any]:
            backend.set_winners(0, [])
            backend.set_thresholds(1, Thresholds(np.arange(30), -(2**58) - 2**40 * np.arange(30)))
            backend.round([0], {0}, learn=False)
            return observed(backend)

        assert same_on_both(program(10, 2), act)[0][1] == list(range(10, 30))


class TestSignedWeights:
    """Learned weights may lower drives, so the peaks are upper bounds."""

    @pytest.mark.parametrize("base", [-ONE, 100 * ONE, ONE // 4, 0, 1])
    @pytest.mark.parametrize("size", [1, 4])
    def test_fibers_of_other_weights_beside_one_of_weight_1(self, base: int, size: int) -> None:
        seen = same_on_both(program(size, 20 // size, base=base, rule=SIGNED), seed=1, multiprocessors=132)
        assert sum(len(synapses[2]) for synapses in seen[-1][1]) > 100
        weights = [weight for each in seen for synapses in each[1] for weight in synapses[2]]
        assert (min(weights) < 0) == (base < ONE)

    def test_inhibition_does_not_shorten_the_digits_of_drives(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A neuron without inhibitory synapses has the same drive as without the inhibitory fiber."""
        monkeypatch.setattr(device_planner, "TIE_PASSES", 0)
        areas = AreaSpec("S", 60, 60), AreaSpec("T", 500, 20, key=area_key(0, "T"))
        fibers = tuple(
            FiberSpec(f"F{base}", 0, 1, Graph(fiber_key(base, "S", "T", ""), 60, 500, p, False), None, base * ONE)
            for base, p in ((1, 0.5), (-1, 0.2))
        )

        def act(backend: Driven) -> list[Any]:
            backend.set_winners(0, range(60))
            backend.round([0, 1], {0}, learn=False)
            return observed(backend)

        assert min(same_on_both(Program(areas, fibers), act)[3][1][1]) > 20 * ONE

    def test_learned_weights_may_silence_an_area(self) -> None:
        """All drives are at most 0 once learned weights are added; without thresholds below 0 no neuron fires."""

        def act(backend: Driven) -> list[Any]:
            seen = []
            for amount in (0, -ONE, -8 * ONE):
                backend.set_winners(0, [0, 1])
                backend.set_learned(1, Synapses(*pairs, np.full(len(pairs[0]), -2 * ONE)))
                backend.set_thresholds(1, Thresholds(np.arange(600), np.full(600, amount)))
                backend.round([1], {0}, learn=False)
                seen.append(observed(backend))
            return seen

        brain = program(1, 20, base=3 * ONE, rule=SIGNED)
        rows = [brain.fibers[1].graph.row(pre) for pre in (0, 1)]
        pairs = np.repeat([0, 1], [len(row) for row in rows]), np.concatenate(rows)
        assert [len(winners[1]) for winners, *_ in same_on_both(brain, act)] == [0, 20, 20]


@pytest.mark.parametrize("width", [0.02, 0.3, 10.0])
def test_topographic_fibers_agree_with_the_reference(width: float) -> None:
    sizes = (("S", 100), ("A", 9000), ("B", 700))
    areas = tuple(AreaSpec(name, n, 20, key=area_key(5, name)) for name, n in sizes)
    fibers = tuple(
        FiberSpec(
            f"F{f}", s, t, Tapered(fiber_key(f, str(s), str(t), ""), areas[s].n, areas[t].n, p, s == t, w), HEBBIAN
        )
        for f, (s, t, p, w) in enumerate(((0, 1, 0.2, width), (1, 1, 0.1, width / 2), (1, 2, 0.5, width)))
    )
    plain = FiberSpec("plain", 0, 2, Graph(fiber_key(9, "0", "2", ""), 100, 700, 0.1, False), HEBBIAN)

    def act(backend: Driven) -> list[Any]:
        seen = []
        for stimulus in (range(15), range(40, 55)):
            backend.set_winners(0, stimulus)
            for _ in range(3):
                backend.round(range(4), {0}, learn=True)
                seen.append(observed(backend))
        return seen

    seen = same_on_both(Program(areas, (*fibers, plain)), act, multiprocessors=132, seed=6)
    assert len(seen[-1][1][0][0]) > 30
    backend = emulated()(Program(areas, (*fibers, plain)), Options())
    assert backend.row(0, 7).tolist() == fibers[0].graph.row(7).tolist()
