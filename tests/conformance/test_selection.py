"""Signed and scaled base weights, and channels, in small cases that can be checked by hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from brainsim.kernels.law.graph import Graph, fiber_key
from brainsim.kernels.law.selection import area_key, input_tag, tie_order, winners
from brainsim.kernels.law.weights import ONE
from brainsim.kernels.parts import TOP_K, Channels
from brainsim.kernels.program import AreaSpec, FiberSpec, Program
from brainsim.kernels.state import DRIVES, Synapses, Thresholds
from listed import BUILT_IN, started
from scenarios import HEBBIAN

N = 40
FIRING = [1, 4, 7]


def graph(number: int, p: float, n: int = N) -> Graph:
    return Graph(fiber_key(0, "S", "T", str(number)), 10, n, p, False)


def into_t(bases: list[float], p: float | list[float], *, k: int = N, n: int = N, channel: int = 0) -> Program:
    """Return an area ``S`` and fibers of some base weights from it to ``T``."""
    each = p if isinstance(p, list) else [p] * len(bases)
    areas = AreaSpec("S", 10, 10), AreaSpec("T", n, k, 0, area_key(0, "T"), Channels(channel) if channel else TOP_K)
    fibers = [
        FiberSpec(f"F{f}", 0, 1, graph(f, p, n), HEBBIAN, base=int(base * ONE))
        for f, (base, p) in enumerate(zip(bases, each, strict=True))
    ]
    return Program(areas, tuple(fibers))


def counts(program: Program, firing: list[int]) -> list[Any]:
    """Return for each fiber how many of the firing neurons synapse on each neuron of ``T``."""
    n = program.areas[1].n
    rows = [[fiber.graph.row(pre) for pre in firing] for fiber in program.fibers]
    return [np.bincount(np.concatenate([np.empty(0, np.int64), *each]), minlength=n) for each in rows]


def fire(backend: Any, firing: list[int]) -> dict[int, float]:
    """Let all fibers transmit and return the drives of the winners."""
    backend.set_winners(0, firing)
    backend.round(range(len(backend.program.fibers)), {0}, learn=False)
    drives = backend.read(DRIVES, 1)
    assert drives.neurons.tolist() == backend.winners(1).tolist()
    return dict(zip(drives.neurons.tolist(), (drives.amount / ONE).tolist(), strict=True))


def driven(backend: Any, drives: Mapping[int, float]) -> dict[int, float]:
    """Give the neurons of ``T`` these drives, by stored synapses of the first fiber, and return those of the winners."""
    neurons = np.array(sorted(drives))
    weights = np.array([int(drives[neuron] * ONE) for neuron in neurons.tolist()])
    backend.set_learned(0, Synapses(np.zeros(len(neurons), np.int64), neurons, weights))
    return fire(backend, [0])


def first_of(program: Program, firing: list[int], tied: Any, count: int) -> list[int]:
    """Return those of some neurons or channels of ``T`` that come first if they tie, ascending."""
    tag = input_tag([(fiber.graph.key, np.array(firing)) for fiber in program.fibers])
    numbers = np.array(tied)
    return sorted(numbers[np.argsort(tie_order(program.areas[1].key, tag, numbers))[:count]].tolist())


@pytest.mark.parametrize("backend_class", BUILT_IN)
class TestBaseWeights:
    @pytest.mark.parametrize("bases", [[2], [100, -1, 0.25], [1, 1, -3], [-1, -2]])
    def test_a_drive_sums_base_weights(self, backend_class: Any, bases: list[float]) -> None:
        program = into_t(bases, [0.3, 0.6, 0.5][: len(bases)], k=12)
        drive = sum(int(b * ONE) * each for b, each in zip(bases, counts(program, FIRING), strict=True))
        tag = input_tag([(fiber.graph.key, np.array(FIRING)) for fiber in program.fibers])
        won = winners(drive, 12, program.areas[1].key, tag)
        assert fire(started(backend_class, program), FIRING) == {j: drive[j] / ONE for j in won.tolist()}

    def test_an_inhibited_neuron_is_silent(self, backend_class: Any) -> None:
        program = into_t([1, -1], [1.0, 0.4])
        spared = np.flatnonzero(counts(program, [5])[1] == 0).tolist()
        assert fire(started(backend_class, program), [5]) == dict.fromkeys(spared, 1.0)
        assert 10 < len(spared) < 30

    def test_a_strong_fiber_decides_the_winners(self, backend_class: Any) -> None:
        program = into_t([1, 100], [0.5, 0.1])
        chosen = np.flatnonzero(counts(program, [3])[1]).tolist()
        fired = fire(started(backend_class, program), [3])
        assert [neuron for neuron, drive in fired.items() if drive >= 100] == chosen
        assert len(chosen) > 1

    def test_a_stored_weight_replaces_the_base_weight(self, backend_class: Any) -> None:
        program = into_t([4, -1], [1.0, 1.0], k=3)
        backend = started(backend_class, program)
        pre, post = np.array([2, 2]), np.array([11, 30])
        backend.set_learned(0, Synapses(pre, post, np.array([9 * ONE, 0])))
        backend.set_learned(1, Synapses(pre, post, np.array([-ONE // 2, 5 * ONE])))
        others = first_of(program, [2], [j for j in range(N) if j not in (11, 30)], 1)
        assert fire(backend, [2]) == dict(sorted({11: 8.5, 30: 5.0, others[0]: 3.0}.items()))

    def test_a_threshold_is_subtracted(self, backend_class: Any) -> None:
        backend = started(backend_class, into_t([2.5], 1.0))
        backend.set_thresholds(1, Thresholds(np.arange(38), np.array([3] * 37 + [2]) * ONE))
        assert fire(backend, [0]) == {37: 0.5, 38: 2.5, 39: 2.5}

    def test_ties_do_not_depend_on_the_scale(self, backend_class: Any) -> None:
        fired = [fire(started(backend_class, into_t([base], 1.0, k=6)), FIRING) for base in (1, 2, 0.25)]
        assert [set(each.values()) for each in fired] == [{3.0}, {6.0}, {0.75}]
        assert list(fired[0]) == list(fired[1]) == list(fired[2])

    def test_each_round_has_the_weights_of_the_fibers_that_transmit_in_it(self, backend_class: Any) -> None:
        program = into_t([1, 3], [0.5, 0.5], k=5)
        backend = started(backend_class, program)
        seen = []
        for opened in ([0], [0, 1], [0], [1]):
            backend.set_winners(0, FIRING)
            backend.round(opened, {0}, learn=False)
            seen.append((backend.winners(1).tolist(), max(backend.read(DRIVES, 1).amount.tolist()) // ONE))
        one, three = counts(program, FIRING)
        assert [most for _, most in seen] == [max(one), max(one + 3 * three), max(one), max(3 * three)]
        assert seen[0] == seen[2]

    def test_stored_synapses_add_to_those_of_other_fibers(self, backend_class: Any) -> None:
        """A fiber with stored synapses only has the base weight 0, and does not change other fibers."""
        for base in (1.0, -2.0):
            program = into_t([0, base, 3], [0.0, 1.0, 1.0])
            assert driven(started(backend_class, program), {7: 4.5, 9: -5.0}) == {
                j: 3 + base + {7: 4.5, 9: -5.0}.get(j, 0.0) for j in range(N) if j != 9
            }


@pytest.mark.parametrize("backend_class", BUILT_IN)
class TestChannels:
    def test_the_largest_sum_wins_and_not_the_largest_drive(self, backend_class: Any) -> None:
        backend = started(backend_class, into_t([0], 0.0, k=4, channel=4))
        assert driven(backend, {0: 5, 8: 2, 9: 1, 10: 1, 11: 2}) == {8: 2, 9: 1, 10: 1, 11: 2}

    def test_a_negative_drive_does_not_lower_the_sum_of_its_channel(self, backend_class: Any) -> None:
        backend = started(backend_class, into_t([0], 0.0, k=8, channel=4))
        assert driven(backend, {0: 3, 1: -100, 5: 2.5, 12: 2, 13: 0.25}) == {0: 3, 5: 2.5}

    def test_a_channel_without_a_driven_neuron_never_wins(self, backend_class: Any) -> None:
        backend = started(backend_class, into_t([0], 0.0, k=12, channel=4))
        assert driven(backend, {6: 1, 20: -1}) == {6: 1}
        assert driven(backend, {6: -1}) == {}

    def test_channels_that_tie_are_ordered_by_a_hash_of_their_number(self, backend_class: Any) -> None:
        program = into_t([1], 1.0, k=16, channel=4)
        channels = first_of(program, FIRING, range(10), 4)
        expected = [4 * channel + at for channel in channels for at in range(4)]
        assert fire(started(backend_class, program), FIRING) == dict.fromkeys(expected, 3.0)

    def test_thresholds_are_subtracted_before_channels_are_summed(self, backend_class: Any) -> None:
        program = into_t([1], 1.0, k=4, channel=4)
        backend = started(backend_class, program)
        backend.set_thresholds(1, Thresholds(np.array([20, 21, 22]), np.array([-3, 1, 9]) * ONE))
        assert fire(backend, [0]) == {20: 4.0, 23: 1.0}, "5 in this channel, 4 in all others"

    @pytest.mark.parametrize("bases", [[1], [1, 2], [1, -0.5], [-1]])
    @pytest.mark.parametrize("channel", [1, 5, 40])
    def test_counts_are_summed_over_channels(self, backend_class: Any, channel: int, bases: list[float]) -> None:
        program = into_t(bases, 0.3, k=channel, channel=channel)
        drive = sum(int(b * ONE) * each for b, each in zip(bases, counts(program, FIRING), strict=True)) / ONE
        sums = np.maximum(drive, 0).reshape(-1, channel).sum(axis=1)
        best = first_of(program, FIRING, np.flatnonzero(sums == sums.max()), 1)[0]
        own = range(best * channel, (best + 1) * channel)
        assert fire(started(backend_class, program), FIRING) == {j: drive[j] for j in own if drive[j] > 0}
