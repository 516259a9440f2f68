"""Fibers with given synapses: exact sums, learning, files, custom graphs and errors."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy.sparse import coo_array, csr_array

from brainsim import Area, Brain, Connectivity, Explicit, Hebbian, Plasticity, SaturatingHebbian, Simulator
from brainsim.declare.graph import Stored
from brainsim.errors import DeclarationError, DumpError
from brainsim.operations import normalize

N, K = 60, 8
RULES = [None, Hebbian(0.5, 6.0), SaturatingHebbian(0.25, 8.0)]


def table(seed: int = 0, density: float = 0.3) -> npt.NDArray[np.float64]:
    """Return dense weights in quarters from 0.25 to 5, 0 where there is no synapse."""
    rng = np.random.default_rng(seed)
    return np.asarray((rng.random((N, N)) < density) * rng.integers(1, 21, (N, N)) / 4)


def brain_of(rule: Plasticity | None = None, weights: Any = None) -> Brain:
    brain = Brain()
    source, target = brain.add(Area("S", N, K, {"a": range(K), "b": range(20, 20 + K)}), Area("T", N, K))
    graph = Explicit(csr_array(table()) if weights is None else weights)
    brain.connect(source, target, graph=graph, plasticity=rule)
    brain.connect(target, target, 0.1, Hebbian(0.1))
    return brain


@pytest.mark.parametrize("rule", RULES)
def test_rounds_follow_a_dense_matrix(rule: Plasticity | None, backend: str) -> None:
    brain, dense = brain_of(rule), table()
    with Simulator(brain, 5, backend=backend) as sim:
        for label in "abab":
            pattern = brain["S"][label].neurons
            sim.present(brain["S"][label])
            np.testing.assert_array_equal(sim.drives("T", brain["S"] >> brain["T"]), dense[pattern].sum(axis=0))
            sim.run(brain["S"] >> brain["T"])
            winners = sim.assembly("T").neurons
            drives = dense[pattern].sum(axis=0)
            assert drives[winners].min() >= np.sort(drives)[-K]
            if rule is not None:
                for i in pattern:
                    for j in winners:
                        if table()[i, j]:
                            dense[i, j] = round(rule.update(dense[i, j]) * 2**16) / 2**16
            np.testing.assert_allclose(sim.connectome(brain["S"] >> brain["T"]).to_scipy().toarray(), dense, atol=2e-5)
        sim.run(brain["T"] >> brain["T"])


def test_backends_agree(emulated_gpu: None) -> None:
    seen = []
    for backend in ("reference", "cpu", "gpu"):
        brain = brain_of(SaturatingHebbian(0.3, 8.0))
        with Simulator(brain, 5, backend=backend) as sim:
            recording = sim.record("T")
            for label in "abba":
                sim.present(brain["S"][label])
                sim.run(brain.fibers, 5)
            learned = [[c.tolist() for c in sim.connectome(fiber).learned()] for fiber in brain.fibers]
            seen.append(([winners.tolist() for winners in recording.winners("T")], learned))
    assert seen[0] == seen[1] == seen[2]


def test_a_fiber_and_its_connectome_show_the_given_synapses(backend: str) -> None:
    weights = coo_array(([0.0, 2.5, 1.0], ([3, 3, 0], [7, 2, 5])), shape=(N, N))
    brain = brain_of(Hebbian(0.1), weights)
    (fiber,) = brain["S"] >> brain["T"]
    assert repr(fiber) == "<Fiber S->T 3 synapses Hebbian(beta=0.1, w_max=32767.0)>"
    assert fiber.p == 0.0
    with Simulator(brain, 5, backend=backend) as sim:
        connectome = sim.connectome(fiber)
        assert repr(connectome) == "<Connectome of S->T: 60 x 60 neurons, explicit>"
        for view in (fiber, connectome):
            assert view.row(3).tolist() == [2, 7]
            assert view.row(1).tolist() == []
            assert view.contains(3, 7)
            assert not view.contains(7, 3)
            assert view.to_scipy().nnz == 3
            np.testing.assert_array_equal(view.to_scipy().toarray(), weights.toarray())
        assert (connectome.weight(3, 2), connectome.weight(3, 7), connectome.weight(2, 3)) == (2.5, 0.0, 0.0)
        assert [column.tolist() for column in connectome.learned()] == [[0, 3, 3], [5, 2, 7], [1.0, 2.5, 0.0]]
        sim.present(brain["S"]["a"])
        sim.run(brain.fibers)


def test_a_synapse_of_weight_0_can_learn_and_self_synapses_are_allowed(backend: str) -> None:
    brain = Brain()
    area = brain.add(Area("A", 5, 2, {"x": [0, 1]}))
    fiber = brain.connect(
        area,
        area,
        graph=Explicit(coo_array(([1.0, 0.0], ([0, 1], [0, 0])), shape=(5, 5))),
        plasticity=SaturatingHebbian(1, 4),
    )
    with Simulator(brain, 1, backend=backend) as sim:
        sim.present(area["x"])
        sim.release()
        sim.run(fiber)
        assert sim.assembly(area).neurons.tolist() == [0]
        assert sim.connectome(fiber).learned()[2].tolist() == [1.75, 1.0]


def test_a_saved_state_continues_and_is_refused_by_other_synapses(backend: str, tmp_path: Path) -> None:
    brain = brain_of(Hebbian(0.5, 6.0))
    with Simulator(brain, 5, backend="reference") as sim:
        sim.present(brain["S"]["a"])
        sim.run(brain.fibers, 3)
        sim.save(tmp_path / "state.h5")
        sim.run(brain.fibers, 2)
        expected = [column.tolist() for column in sim.connectome(brain["S"] >> brain["T"]).learned()]
    again = brain_of(Hebbian(0.5, 6.0))
    with Simulator(again, 5, backend=backend) as sim:
        sim.load(tmp_path / "state.h5")
        sim.run(again.fibers, 2)
        assert [column.tolist() for column in sim.connectome(again["S"] >> again["T"]).learned()] == expected
    other = Simulator(brain_of(Hebbian(0.5, 6.0), csr_array(table(seed=1))), 5, backend=backend)
    with pytest.raises(DumpError, match="graph of fiber 'S->T'"):
        other.load(tmp_path / "state.h5")


def test_a_probe_changes_no_weight(backend: str) -> None:
    brain = brain_of(Hebbian(0.5, 6.0))
    with Simulator(brain, 5, backend=backend) as sim:
        with sim.frozen():
            sim.present(brain["S"]["a"])
            sim.run(brain.fibers, 3)
        np.testing.assert_array_equal(sim.connectome(brain["S"] >> brain["T"]).to_scipy().toarray(), table())


def test_weights_can_be_normalized(backend: str) -> None:
    brain = brain_of(Hebbian(0.5, 20.0))
    with Simulator(brain, 5, backend=backend) as sim:
        normalize(sim, brain["S"] >> brain["T"], 10.0)
        sums = sim.connectome(brain["S"] >> brain["T"]).to_scipy().toarray().sum(axis=0)
        np.testing.assert_allclose(sums, 10.0, rtol=1e-3)
        sim.present(brain["S"]["a"])
        sim.run(brain.fibers)


def test_declarations_compare_and_pickle() -> None:
    assert brain_of() == brain_of()
    assert brain_of() != brain_of(weights=csr_array(table(seed=1)))
    assert pickle.loads(pickle.dumps(brain_of())) == brain_of()


def test_later_changes_of_the_array_do_not_change_the_graph() -> None:
    weights = coo_array(table())
    brain = brain_of(weights=weights)
    weights.data[:] = 9.0
    (fiber,) = brain["S"] >> brain["T"]
    np.testing.assert_array_equal(fiber.to_scipy().toarray(), table())


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (
            np.zeros((N, N)),
            r"Explicit\.weights: must be a SciPy sparse array \(got .*scipy\.sparse\.coo_array\(dense\)",
        ),
        (
            csr_array((N, N + 1)),
            r"Fiber 'S->T'\.graph: must be of shape \(source\.n, target\.n\) = \(60, 60\) \(got \(60, 61\)",
        ),
        (
            coo_array(([1.0, 2.0], ([1, 1], [2, 2])), shape=(N, N)),
            r"graph: the synapse 1 -> 2 is given twice; array\.sum_dup",
        ),
        (coo_array(([-1.0], ([1], [2])), shape=(N, N)), r"graph: weights: must be between 0 and w_max = 6 \(got -1\)"),
        (
            coo_array(([np.nan], ([1], [2])), shape=(N, N)),
            r"graph: weights: must be between 0 and w_max = 6 \(got nan\)",
        ),
        (coo_array(([6.5], ([1], [2])), shape=(N, N)), r"graph: weights: must be between 0 and w_max = 6 \(got 6\.5\)"),
        (
            coo_array(([1j], ([1], [2])), shape=(N, N)),
            r"graph: weights: must be real numbers \(got dtype\('complex128'\)\)",
        ),
    ],
)
def test_invalid_weights_are_refused(weights: Any, message: str) -> None:
    with pytest.raises(DeclarationError, match=message):
        brain_of(Hebbian(0.5, 6.0), weights)


@dataclass(frozen=True)
class Shifted(Connectivity):
    """Each neuron ``i`` has a synapse on neuron ``i + by``, modulo the size of the target."""

    by: int
    width: int = N

    def synapses(self, source: Area, target: Area) -> Any:
        every = np.arange(source.n)
        return coo_array((np.ones(source.n), (every, (every + self.by) % target.n)), shape=(source.n, self.width))


def test_a_custom_graph_is_computed_from_the_areas(backend: str) -> None:
    brain = Brain()
    area = brain.add(Area("A", N, K, {"a": range(50, 50 + K)}))
    fiber = brain.connect(area, area, graph=Shifted(5), plasticity=Hebbian(0.5, 6.0))
    with Simulator(brain, 5, backend=backend) as sim:
        sim.present(area["a"])
        sim.release(area)
        sim.run(fiber, 2)
        assert set(sim.assembly(area)) == {(neuron + 10) % N for neuron in range(50, 50 + K)}
        pre, post, weight = sim.connectome(fiber).learned()
    assert post.tolist() == ((pre + 5) % N).tolist()
    learned = {neuron % N for start in (50, 55) for neuron in range(start, start + K)}
    expected = [1.5 if i in learned else 1.0 for i in range(N)]
    for i in range(55, 50 + K):
        expected[i % N] = 2.25  # fired in both rounds
    assert weight.tolist() == expected


def test_a_custom_graph_must_fit_the_areas() -> None:
    brain = Brain()
    area = brain.add(Area("A", N, K))
    with pytest.raises(DeclarationError, match=r"Fiber 'A->A'\.graph: .*of shape"):
        brain.connect(area, area, graph=Shifted(5, width=N + 1))


def test_a_custom_graph_must_return_a_sparse_array() -> None:
    class ReturnsNothing(Connectivity):
        def synapses(self, source: Area, target: Area) -> Any:
            np.ones((source.n, target.n))

    brain = Brain()
    area = brain.add(Area("A", N, K))
    with pytest.raises(
        DeclarationError, match=r"Fiber 'A->A'\.graph: what ReturnsNothing\.synapses returns: must be a SciPy"
    ):
        brain.connect(area, area, graph=ReturnsNothing())


@pytest.mark.parametrize(
    ("synapses", "message"),
    [
        (([1, 0], [2, 2], [1 << 16, 1 << 16]), "its items must be in ascending order, each once"),
        (([0, 0], [2, 2], [1 << 16, 1 << 16]), "its items must be in ascending order, each once"),
        (([0], [60], [1 << 16]), "post must lie between 0 and 59"),
        (([0], [2], [-1]), "weight must lie between 0 and"),
        (([0], [2], [7 << 16]), "weight must lie between 0 and 393216"),
    ],
)
def test_the_stored_synapses_of_a_custom_graph_are_checked(synapses: Any, message: str) -> None:
    class Custom(Connectivity):
        def stored(self) -> Stored:
            return Stored(*(np.array(column) for column in synapses))

    brain = Brain()
    source, target = brain.add(Area("S", N, K), Area("T", N, K))
    brain.connect(source, target, graph=Custom(), plasticity=Hebbian(0.5, 6.0))
    with pytest.raises(DeclarationError, match=rf"Fiber 'S->T'\.graph: stored synapses: {message}"):
        Simulator(brain, backend="reference")
