"""Structured graphs, which are one-to-one, small-world, topographic or explicit: synapses and errors."""

from __future__ import annotations

import pickle
from time import process_time
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy.sparse import coo_array

from brainsim import (
    Area,
    Brain,
    Connectivity,
    Explicit,
    Fiber,
    Hebbian,
    OneToOne,
    SmallWorld,
    Sum,
    Topographic,
    VectorArea,
)
from brainsim.build import build
from brainsim.declare import sparse
from brainsim.declare.ring import undirected_ring
from brainsim.declare.sparse import density
from brainsim.errors import DeclarationError
from brainsim.kernels import parts
from brainsim.kernels.law.taper import Tapered


def connected(graph: Connectivity, n_source: int = 100, n_target: int | None = None, **parts: Any) -> Fiber:
    """Return a fiber between two areas, or of an area with itself if only one size is given."""
    brain = Brain()
    source = brain.add(Area("S", n_source, 1))
    target = source if n_target is None else brain.add(Area("T", n_target, 1))
    return brain.connect(source, target, graph=graph, **parts)


def neighbours(fiber: Fiber) -> npt.NDArray[np.int64]:
    """Return the distance along the ring from source to target of each synapse, shape (n, k)."""
    n = fiber.source.n
    targets = np.array([fiber.row(i) for i in range(n)])
    return (targets - np.arange(n)[:, None]) % n


class TestOneToOne:
    @pytest.mark.parametrize("n_target", [None, 100])
    def test_the_matrix_is_diagonal(self, n_target: int | None) -> None:
        fiber = connected(OneToOne(), 100, n_target, weight=-3)
        np.testing.assert_array_equal(fiber.to_scipy().toarray(), -3 * np.eye(100))
        assert fiber.row(7).tolist() == [7]
        assert fiber.contains(7, 7)
        assert not fiber.contains(7, 8)
        assert "OneToOne(): 100 synapses, 2.4 kB fixed weight=-3" in repr(fiber)

    def test_areas_must_have_equal_sizes(self) -> None:
        with pytest.raises(
            DeclarationError,
            match=r"Fiber 'S->T'\.graph: must be between areas of equal n, since it is a OneToOne \(got \(100, 99\)\)",
        ):
            connected(OneToOne(), 100, 99)


class TestSmallWorld:
    def test_without_rewiring_it_is_a_ring(self) -> None:
        assert {tuple(row) for row in np.sort(neighbours(connected(SmallWorld(6, 0.0, 1)))).tolist()} == {
            (1, 2, 3, 97, 98, 99)
        }

    @pytest.mark.parametrize("rewire", [0.1, 0.5, 1.0])
    def test_the_given_fraction_of_synapses_is_rewired(self, rewire: float) -> None:
        n, k = 2000, 20
        steps = neighbours(connected(SmallWorld(k, rewire, 1), n))
        assert steps.shape == (n, k)
        assert all(len(set(row)) == k for row in steps.tolist())
        assert not (steps == 0).any()
        near = ((steps <= k // 2) | (steps >= n - k // 2)).mean()
        # A synapse stays with probability 1 - rewire; a rewired one has a near target with probability k / n.
        assert near == pytest.approx(1 - rewire + rewire * k / n, abs=4 * 0.5 / np.sqrt(n * k))
        far = steps[(steps > k // 2) & (steps < n - k // 2)]
        assert np.histogram(far, bins=8, range=(k // 2 + 1, n - k // 2))[0].std() < 4 * np.sqrt(len(far) / 8)

    def test_every_free_target_is_equally_likely(self) -> None:
        # A neuron has 4 of 5 possible targets; if all synapses are rewired, the 5 sets of 4 are equally likely.
        missing = [
            place
            for seed in range(400)
            for i, row in enumerate(neighbours(connected(SmallWorld(4, 1.0, seed), 6)).tolist())
            for place in {1, 2, 3, 4, 5} - set(row)
        ]
        counts = np.bincount(missing, minlength=6)[1:]
        assert counts.sum() == 2400
        assert ((counts - 480) ** 2 / 480).sum() < 18.5  # chi-square with 4 degrees of freedom, p = .001

    def test_the_graph_is_a_function_of_its_seed(self) -> None:
        assert connected(SmallWorld(6, 0.3, 1)) == connected(SmallWorld(6, 0.3, 1))
        assert connected(SmallWorld(6, 0.3, 1)) != connected(SmallWorld(6, 0.3, 2))
        assert connected(SmallWorld(6, 0.3, 1)).row(1).tolist() == [0, 4, 38, 56, 98, 99]

    def test_it_may_connect_two_areas(self) -> None:
        fiber = connected(SmallWorld(4, 0.2, 1), 50, 50, plasticity=Hebbian(0.1, 5), weight=2)
        assert repr(fiber) == (
            "<Fiber S->T SmallWorld(k=4, rewire=0.2, seed=1): 200 synapses, 4.8 kB "
            "Hebbian(beta=0.1, w_max=5.0) weight=2>"
        )
        assert set(fiber.to_scipy().data) == {2.0}
        assert pickle.loads(pickle.dumps(fiber)) == fiber

    def test_k_may_be_the_number_of_all_other_neurons(self) -> None:
        assert {tuple(row) for row in neighbours(connected(SmallWorld(6, 1.0, 1), 7)).tolist()} == {
            tuple((np.arange(7)[np.arange(7) != i] - i) % 7) for i in range(7)
        }

    @pytest.mark.parametrize(
        ("make", "message"),
        [
            (lambda: SmallWorld(3, 0.1, 1), r"SmallWorld\.k: must be an even number of at least 2 \(got 3\)"),
            (lambda: SmallWorld(0, 0.1, 1), r"SmallWorld\.k: must be an even number of at least 2 \(got 0\)"),
            (lambda: SmallWorld(4, 1.1, 1), r"SmallWorld\.rewire: must be a number between 0 and 1 \(got 1\.1\)"),
            (lambda: SmallWorld(4, 0.1, -1), r"SmallWorld\.seed: must be an integer of at least 0 \(got -1\)"),
            (
                lambda: connected(SmallWorld(4, 0.1, 1), 4),
                r"Fiber 'S->S'\.graph: SmallWorld\.k: must be below n = 4 \(got 4\); lower k",
            ),
            (
                lambda: connected(SmallWorld(4, 0.1, 1), 10, 11),
                r"Fiber 'S->T'\.graph: must be between areas of equal n, since it is a SmallWorld \(got \(10, 11\)\)",
            ),
            (
                lambda: connected(SmallWorld(2000, 0.1, 1), 10**6),
                r"Fiber 'S->S'\.graph: synapses: must be at most MAX_STORED = 200_000_000, since each is stored in 24 bytes "
                r"\(got 2000000000\); lower n, or take a graph that is not stored",
            ),
        ],
    )
    def test_mistakes_are_named(self, make: Any, message: str) -> None:
        with pytest.raises(DeclarationError, match=message):
            make()


SYMMETRIC = ([0, 128, 265, 408, 565, 733, 915], [1, 131, 270, 411, 753, 735, 920])


class TestSymmetricSmallWorld:
    """The undirected graph of Watts and Strogatz."""

    @staticmethod
    def links(n: int, k: int, rewire: float, seed: int = 0) -> npt.NDArray[np.int64]:
        return undirected_ring(n, k, rewire, seed)

    def test_without_rewiring_it_is_a_ring(self) -> None:
        first, second = self.links(50, 6, 0.0)
        assert {int(each) for each in (second - first) % 50} == {1, 2, 3, 47, 48, 49}
        assert np.bincount(np.concatenate([first, second])).tolist() == [6] * 50

    @pytest.mark.parametrize(("n", "k"), [(5, 2), (7, 2), (41, 20), (300, 10), (4001, 12)])
    @pytest.mark.parametrize("rewire", [0.1, 1.0])
    def test_links_are_distinct_and_never_loops(self, n: int, k: int, rewire: float) -> None:
        for seed in range(20 if n < 100 else 2):
            first, second = self.links(n, k, rewire, seed)
            assert len(first) == n * k // 2
            assert (first < second).all()
            assert second.max() < n
            names = first * n + second
            assert (np.diff(names) > 0).all()
            # A rewired link keeps its first neuron, so that each neuron has at least k / 2 links.
            assert np.bincount(np.concatenate([first, second]), minlength=n).min() >= k // 2

    def test_the_given_fraction_of_links_is_rewired_uniformly(self) -> None:
        n, k = 4000, 20
        first, second = self.links(n, k, 0.3, 5)
        apart = np.minimum(second - first, n - second + first)
        far = apart > k // 2
        expected, deviation = 0.3 * (1 - k / n), (0.3 * 0.7 / (n * k / 2)) ** 0.5
        assert abs(far.mean() - expected) < 4 * deviation
        counts = np.histogram(apart[far], 10, (k // 2, n // 2))[0]
        assert ((counts - counts.mean()) ** 2 / counts.mean()).sum() < 28  # chi square, 9 degrees of freedom, p = 0.001

    @pytest.mark.parametrize("rewire", [0.0, 0.1, 0.5])
    def test_clustering_agrees_with_theory(self, rewire: float) -> None:
        k = 40
        found = clustering(self.links(6000, k, rewire))
        ring = 3 * (k - 2) / (4 * (k - 1))
        # Barrat & Weigt 2000: three links of a triangle of the ring must stay; chance adds about k / n.
        assert abs(found - ring * (1 - rewire) ** 3) < 0.01 * ring * (1 - rewire) ** 3 + 40 / 6000

    def test_the_graph_is_the_same_on_all_machines(self) -> None:
        first, second = self.links(1000, 10, 0.2, 3)
        assert (first[::777].tolist(), second[::777].tolist()) == SYMMETRIC

    def test_spiking_fibers_have_both_directions(self) -> None:
        fiber = connected(SmallWorld(6, 0.2, symmetric=True), 50)
        weights = fiber.to_scipy().toarray()
        assert (weights == weights.T).all()
        assert weights.sum() == 300
        assert "SmallWorld(k=6, rewire=0.2, seed=0, symmetric=True): 300 synapses" in repr(fiber)

    def test_an_explicit_graph_declared_symmetric_must_be_symmetric(self) -> None:
        given = coo_array(([1.0, 1.0, 2.0], ([0, 1, 2], [1, 0, 3])), shape=(50, 50))
        with pytest.raises(
            DeclarationError, match="is not symmetric: the edge 2 -> 3 has no equal in the other direction"
        ):
            connected(Explicit(given, symmetric=True), 50)
        both = connected(Explicit(given + given.T, symmetric=True), 50).to_scipy().toarray()
        assert (both == both.T).all()

    @pytest.mark.slow
    def test_three_million_edges_are_built_in_seconds(self) -> None:
        n, k = 60_000, 100
        begun = process_time()
        brain = Brain()
        words = brain.add(VectorArea("W", n, 4, 1))
        fiber = brain.connect(words, words, graph=SmallWorld(k, 0.1, symmetric=True), message=Sum(0.5))
        assert process_time() - begun < 5
        ends = fiber.connectivity.ends().T.astype(np.int64)
        assert ends.shape == (2, 3_000_000)
        theory = 3 * (k - 2) / (4 * (k - 1)) * 0.9**3
        assert abs(clustering(ends) / theory - 1) < 0.01


def clustering(links: npt.NDArray[np.int64]) -> float:
    """Return the mean over nodes of the fraction of pairs of their neighbours that are linked."""
    n = int(links.max()) + 1
    ends = np.concatenate([links, links[::-1]], axis=1)
    matrix = coo_array((np.ones(ends.shape[1], np.float32), tuple(ends)), shape=(n, n)).tocsr()
    triangles = np.empty(n)
    for first in range(0, n, 2000):  # in parts, which bounds the memory
        rows = matrix[first : first + 2000]
        triangles[first : first + 2000] = (rows @ matrix).multiply(rows).sum(axis=1) / 2
    degrees = np.diff(matrix.indptr)
    return float(np.mean(2 * triangles / (degrees * (degrees - 1))))


class TestTopographic:
    def test_probability_falls_with_distance(self) -> None:
        fiber = connected(Topographic(0.8, 0.1), 400, 600)
        matrix = fiber.to_scipy(seed=1).toarray()
        distance = np.arange(400)[:, None] / 400 - np.arange(600) / 600
        for low in np.arange(-0.3, 0.3, 0.05):
            ring = (distance >= low) & (distance < low + 0.05)
            wanted = 0.8 * np.exp(-(distance[ring] ** 2) / 0.02)
            assert matrix[ring].mean() == pytest.approx(wanted.mean(), abs=4 * 0.5 / np.sqrt(ring.sum()))
        assert not matrix[np.abs(distance) > 0.6].any()

    def test_it_is_not_stored_and_depends_on_the_seed(self) -> None:
        fiber = connected(Topographic(0.5, 0.05), 200, weight=30)
        (spec,) = build(fiber.source.brain, 4).fibers  # type: ignore[arg-type]
        assert isinstance(spec.graph, Tapered)
        assert spec.base == 30 << 16
        assert repr(fiber) == "<Fiber S->S Topographic(p=0.5, width=0.05) fixed weight=30>"
        assert fiber.p == 0.5
        matrix = fiber.to_scipy(seed=4)
        assert set(matrix.data) == {30.0}
        assert not matrix.diagonal().any()
        assert matrix[[17]].nonzero()[1].tolist() == fiber.row(17, seed=4).tolist() != fiber.row(17, seed=5).tolist()
        assert [j for j in range(200) if fiber.contains(17, j, seed=4)] == fiber.row(17, seed=4).tolist()

    @pytest.mark.parametrize("width", [0.01, 0.1, 1.0])
    def test_the_computed_density_agrees_with_the_graph(self, width: float) -> None:
        fiber = connected(Topographic(0.5, width), 500, 300)
        expected = density(fiber.graph(1)) * 150_000
        assert fiber.to_scipy(seed=1).nnz == pytest.approx(expected, abs=5 * np.sqrt(expected))

    def test_a_narrow_graph_of_large_areas_is_small_enough_to_inspect(self) -> None:
        wide, narrow = (connected(Topographic(0.5, width), 100_000).graph() for width in (10, 0.001))
        assert density(wide) * 1e10 > sparse.MAX_SYNAPSES > density(narrow) * 1e10

    @pytest.mark.parametrize(
        ("make", "message"),
        [
            (lambda: Topographic(1.5, 0.1), r"Topographic\.p: must be a number between 0 and 1 \(got 1\.5\)"),
            (lambda: Topographic(0.5, 0), r"Topographic\.width: must be a number between 0\.001 and 10 \(got 0\)"),
            (lambda: Topographic(0.5, 11), r"Topographic\.width: must be a number between 0\.001 and 10 \(got 11\)"),
            (lambda: Topographic(0.5), "width"),  # type: ignore[call-arg]
        ],
    )
    def test_mistakes_are_named(self, make: Any, message: str) -> None:
        with pytest.raises((DeclarationError, TypeError), match=message):
            make()


class TestGivenSynapses:
    def test_the_number_of_stored_synapses_is_bounded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sparse, "MAX_STORED", 9)
        with pytest.raises(DeclarationError, match=r"Fiber 'S->S'\.graph: synapses: must be at most MAX_STORED = 9, "):
            connected(OneToOne(), 10)
        with pytest.raises(DeclarationError, match=r"graph: synapses: must be at most MAX_STORED = 9.*\(got 100\)"):
            connected(Explicit(coo_array(np.ones((10, 10)))), 10)
        assert connected(OneToOne(), 9).row(0).tolist() == [0]

    def test_the_order_of_the_items_does_not_matter(self) -> None:
        rng = np.random.default_rng(0)
        at = rng.permutation(10_000)[:500]
        shuffled = coo_array((np.arange(1.0, 501), (at // 100, at % 100)), shape=(100, 100))
        one, other = connected(Explicit(shuffled)), connected(Explicit(shuffled.tocsr().sorted_indices()))
        assert one == other
        np.testing.assert_array_equal(one.to_scipy().toarray(), shuffled.toarray())

    @pytest.mark.parametrize("items", [[3, 3, 5], [5, 3, 3], [3, 5, 3]])
    def test_a_synapse_given_twice_is_refused_at_any_position(self, items: list[int]) -> None:
        array = coo_array(([1.0, 1.0, 1.0], ([2, 2, 2], items)), shape=(100, 100))
        with pytest.raises(DeclarationError, match="the synapse 2 -> 3 is given twice"):
            connected(Explicit(array))

    def test_the_digest_in_a_program_depends_on_the_weights(self) -> None:
        graphs = [
            build(connected(OneToOne(), 50, weight=weight).source.brain, 1).fibers[0].graph  # type: ignore[arg-type]
            for weight in (1, 2)
        ]
        first, second = graphs
        assert isinstance(first, parts.Explicit)
        assert isinstance(second, parts.Explicit)
        assert first.digest != second.digest
