"""How ties are broken: known answers, and properties of the order."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from brainsim.kernels.cpu.backend import CpuBackend
from brainsim.kernels.law.graph import Graph, fiber_key
from brainsim.kernels.law.rules import Update
from brainsim.kernels.law.selection import NO_TAG, area_key, input_tag, tie_order, winners
from brainsim.kernels.law.weights import ONE
from brainsim.kernels.program import AreaSpec, FiberSpec, Options, Program
from brainsim.kernels.reference import ReferenceBackend
from brainsim.kernels.state import NO_THRESHOLDS, Synapses
from driving import Driven

KNOWN = json.loads((Path(__file__).parent / "known_ties.json").read_text())
MASK = (1 << 64) - 1


def by_hand(key: int, neuron: int) -> int:
    """Return the hash of a neuron in the law, computed with Python integers."""
    x = (key + (neuron + 1) * 0x9E3779B97F4A7C15) & MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK
    return x ^ (x >> 31)


@pytest.mark.parametrize("known", KNOWN, ids=[known["area"] for known in KNOWN])
def test_ties_are_broken_as_in_the_known_answers(known: Any) -> None:
    """A change in how ties are broken would change the results of every seed."""
    seed, area = known["seed"], known["area"]
    assert area_key(seed, area) == known["area_key"]
    keys = [fiber_key(seed, fiber["source"], area, fiber["label"]) for fiber in known["fibers"]]
    firing = [np.array(fiber["firing"], np.int64) for fiber in known["fibers"]]
    tag = input_tag(zip(keys, firing, strict=True))
    assert tag == known["input_tag"]
    order = tie_order(known["area_key"], tag, np.array(known["neurons"]))
    assert order.tolist() == known["tie_order"]
    drive = np.zeros(known["n"], np.int64)
    drive[known["tied"]], drive[known["above"]] = ONE, 2 * ONE
    assert winners(drive, known["k"], known["area_key"], tag).tolist() == known["winners"]


def test_the_hashes_follow_their_formula() -> None:
    key, firing = 12345678901234567890, np.array([0, 5, 2**31 - 2])
    stream = 0x8CB92BA72F3D8DD7
    assert input_tag([(key, firing), (7, firing[:0])]) == min(by_hand(key ^ stream, int(i)) for i in firing)
    assert input_tag([]) == input_tag([(key, firing[:0])]) == NO_TAG
    mixed = by_hand(-0x9E3779B97F4A7C15 + (key ^ 99), 0)
    assert tie_order(key, 99, firing).tolist() == [by_hand(mixed, int(i)) for i in firing]


def test_similar_inputs_have_equal_tags_as_often_as_they_share_neurons() -> None:
    rng, equal = np.random.default_rng(0), 0
    for key in range(2000):
        one, other = np.array_split(rng.choice(1000, 200, replace=False), 2)
        other = np.concatenate([one[:90], other[:10]])
        equal += input_tag([(key, one)]) == input_tag([(key, other)])
    assert equal / 2000 == pytest.approx(90 / 110, abs=0.035)  # 4 standard errors


def test_winners_have_the_largest_drives_and_the_first_hashes() -> None:
    rng = np.random.default_rng(1)
    for k in (1, 10, 400):
        drive = rng.integers(-3, 4, 300) * ONE
        key, tag = (int(number) for number in rng.integers(2**64, size=2, dtype=np.uint64))
        order = tie_order(key, tag, np.arange(300)).tolist()
        best = sorted((neuron for neuron in range(300) if drive[neuron] > 0), key=lambda j: (-drive[j], order[j]))
        assert winners(drive, k, key, tag).tolist() == sorted(best[:k])


class TestTiesOnTheCpu:
    """A brain in which nearly all neurons tie, so that only the order decides."""

    N, K = 40_000, 300

    def program(self) -> Program:
        areas = (AreaSpec("S", 50, 50), AreaSpec("T", self.N, self.K, key=area_key(5, "T")))
        hebbian = Update.affine(0.5, 0.0, 20.0)
        graphs = [Graph(fiber_key(5, "S", "T", ""), 50, self.N, 0.3, False)]
        graphs.append(Graph(fiber_key(5, "T", "T", ""), self.N, self.N, 0.001, True))
        return Program(areas, tuple(FiberSpec(f"F{f}", f, 1, graph, hebbian) for f, graph in enumerate(graphs)))

    @pytest.mark.parametrize("options", [Options(), Options(threads=2), Options(threads=2, cache_mb=0)], ids=str)
    def test_the_cpu_agrees_with_the_reference(self, options: Options) -> None:
        seen: list[list[Any]] = []
        for backend_class in (ReferenceBackend, CpuBackend):
            backend = Driven(backend_class(self.program(), options))
            seen.append([])
            for firing in ([1], [1, 2], [1, 2], [7], [1, 2, 3, 4], [7, 8]):
                backend.set_winners(0, firing)
                backend.round([0, 1], {0}, learn=True)
                backend.round([0], {0}, learn=False)
                seen[-1] += [backend.winners(1).tolist(), [column.tolist() for column in backend.learned(0)]]
        assert seen[0] == seen[1]

    def test_ties_among_targets_of_learned_synapses_are_broken(self) -> None:
        backends = [
            Driven(backend_class(self.program(), Options(threads=2)))
            for backend_class in (ReferenceBackend, CpuBackend)
        ]
        for backend in backends:
            row = backend.row(0, 3)
            weights = np.full(len(row), 3 * ONE)
            backend.set_learned(0, Synapses(np.full(len(row), 3), row, weights))
            backend.set_thresholds(1, NO_THRESHOLDS)
            backend.set_winners(0, [3])
            backend.round([0], {0}, learn=False)
            assert len(row) > 10 * self.K
            tag = input_tag([(fiber_key(5, "S", "T", ""), np.array([3]))])
            expected = row[np.argsort(tie_order(area_key(5, "T"), tag, row))[: self.K]]
            assert backend.winners(1).tolist() == sorted(expected.tolist())
