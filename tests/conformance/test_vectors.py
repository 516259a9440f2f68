"""Areas of vectors: each backend agrees with the reference, and the reference with the equations of the law."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy.sparse import coo_array

from brainsim import Brain, Cosine, Explicit, OneToOne, Relax, SmallWorld, Sum, VectorArea
from brainsim.build import build, first_state
from brainsim.kernels.cpu.backend import CpuBackend
from brainsim.kernels.gpu.backend import GpuBackend
from brainsim.kernels.program import Options
from brainsim.kernels.reference import ReferenceBackend
from brainsim.kernels.state import CHANNEL_WEIGHTS, INPUTS, VECTORS, Table
from devices import NEEDS_GPU
from driving import Driven
from emulator.device import emulated
from ranked import on_ranks, ranked

BACKENDS = [CpuBackend, pytest.param(emulated(seed=3), id="emulated gpu"), pytest.param(GpuBackend, marks=NEEDS_GPU)]
TOLERANCE = 1e-5
"""Absolute for components and weights, as `brainsim.kernels.vectors.reference` states it."""

N, DIM = 70, 21  # no multiples of a warp, or of the lanes of a sum
MIXED = {"a": 0.4, "b": 0.3, "c": 0.3}
SMALL = SmallWorld(8, 0.2, seed=2, symmetric=True)


def some(rows: int, columns: int, seed: int, low: float = -1.0) -> npt.NDArray[np.float64]:
    return np.random.default_rng(seed).uniform(low, 1, (rows, columns))


def directed(source: int, target: int) -> Explicit:
    """Return a directed graph with weights of both signs and with nodes that have no input."""
    rng = np.random.default_rng(5)
    chosen = rng.random((source, target)) < 0.15
    chosen[:, :3] = False
    return Explicit(coo_array(np.where(chosen, rng.uniform(-1, 1, chosen.shape), 0)))


def alone(message: Any, graph: Any = SMALL, rule: Any = None, **parts: Any) -> Brain:
    brain = Brain()
    area = brain.add(VectorArea("V", N, DIM, 9))
    channels = {"channels": MIXED} if rule is not None else {}
    brain.connect(area, area, graph=graph, message=message, plasticity=rule, **{"weight": 0.5, **channels, **parts})
    return brain


def two_areas() -> Brain:
    """Return a brain of two areas and four fibers; of two into area B, one reaches all nodes, one the active nodes."""
    brain = Brain()
    a, b = brain.add(VectorArea("A", N, DIM, 9), VectorArea("B", 50, DIM, 5))
    brain.connect(a, b, graph=directed(N, 50), message=Sum(0.4, norm="sum"), weight=-0.7)
    rule = Relax({"c": 0.5}, target="cosine")
    brain.connect(b, b, graph=SmallWorld(6, 0.1), message=Cosine(0.9, active=True), channels=MIXED, plasticity=rule)
    brain.connect(b, a, graph=directed(50, N), message=Cosine(0.0, anchor=0.2, norm="sum"), weight=0.3)
    brain.connect(a, a, graph=OneToOne(), message=Sum(0.5, active=True), weight=1)
    return brain


SCENES = {
    "cosine by row": lambda: alone(Cosine(0.8)),
    "cosine, plain sum": lambda: alone(Cosine(0.3, norm="sum"), channels=MIXED),
    "sum with an anchor": lambda: alone(Sum(0.5, anchor=0.3), weight=-0.4),
    "onto itself": lambda: alone(Cosine(0.8, onto="self")),
    "active nodes": lambda: alone(Cosine(0.5, active=True)),
    "directed": lambda: alone(Cosine(0.2), directed(N, N)),
    "nothing kept": lambda: alone(Sum(0.0, norm="sum"), directed(N, N)),
    "to input": lambda: alone(Cosine(0.8), SMALL, Relax({"a": 0.06, "c": 1.0})),
    "to the cosine": lambda: alone(
        Sum(0.8), directed(N, N), Relax({"a": 0.5, "b": 0.2}, "cosine", w_min=-0.5, w_max=0.55)
    ),
    "product": lambda: alone(Cosine(0.8), SMALL, Relax({"b": 0.5}, "product", w_min=-1e20, w_max=1e20)),
    "two areas": two_areas,
    "weights that have decayed": lambda: alone(Cosine(0.5), weight=1e-41),
    "largest weights": lambda: alone(Sum(0.5, norm="sum"), weight=-1e20, channels=dict.fromkeys("abcdefgh", 1e6)),
}


def play(backend_class: Any, brain: Brain, options: Options | None = None) -> list[npt.NDArray[Any]]:
    """Return all tables and messages, after rounds with several sets of active nodes and rates."""
    program = build(brain, 4)
    backend, seen = Driven(backend_class(program, options or Options())), []
    for kind, owner, value in first_state(brain, program):
        backend.write(kind, owner, value)
    for f in INPUTS.owners(program):
        backend.write(INPUTS, f, Table(some(*INPUTS.shape_of(program, f), 8, low=0.0).astype(np.float32)))
    fibers = range(len(program.fibers))
    for active, rate in ((25, 1 << 16), (0, 1 << 16), (45, -(1 << 15)), (7, 3 << 16)):
        for a, area in enumerate(program.areas):
            backend.set_winners(a, np.sort(np.random.default_rng(active).choice(area.n, active, replace=False)))
        backend.round(fibers, (), learn=True, learning=dict.fromkeys(fibers, rate))
        backend.round((), (), learn=True, learning=dict.fromkeys(fibers, 1 << 16))
        seen += [part for f in fibers for part in backend.sent(f)]
    seen += [backend.read(VECTORS, a).rows for a in VECTORS.owners(program)]
    return seen + [backend.read(CHANNEL_WEIGHTS, f).rows for f in fibers]


@cache
def by_the_reference(scene: str) -> list[npt.NDArray[Any]]:
    return play(ReferenceBackend, SCENES[scene]())


QUICK = ("cosine by row", "directed", "to input", "two areas", "weights that have decayed", "largest weights")


@pytest.mark.parametrize(
    "scene", [each if each in QUICK else pytest.param(each, marks=pytest.mark.slow) for each in SCENES]
)
@pytest.mark.parametrize("backend_class", BACKENDS)
def test_backends_agree_with_the_reference(backend_class: Any, scene: str) -> None:
    expected, found = by_the_reference(scene), play(backend_class, SCENES[scene]())
    for ours, theirs in zip(expected, found, strict=True):
        assert ours.dtype == theirs.dtype
        assert np.isfinite(ours).all()
        np.testing.assert_allclose(theirs, ours, rtol=TOLERANCE, atol=TOLERANCE)


@pytest.mark.parametrize("scene", ["to input", "two areas"])
def test_any_number_of_threads_gives_the_same_bits(scene: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("brainsim.kernels.cpu.threads._WORTH_A_THREAD", 1)
    one, *others = (play(CpuBackend, SCENES[scene](), Options(threads=threads)) for threads in (1, 2, 5))
    for other in others:
        assert [part.tobytes() for part in other] == [part.tobytes() for part in one]


@pytest.mark.parametrize("inner", [ReferenceBackend, pytest.param(emulated(seed=3), id="emulated gpu")])
def test_ranks_give_the_bits_of_one_process(inner: Any) -> None:
    """Each rank steps all vectors."""
    one = [part.tobytes() for part in play(inner, two_areas())]
    for rank in on_ranks(2, lambda comm: play(ranked(inner, comm), two_areas())):
        assert [part.tobytes() for part in rank] == one


class TestTheLaw:
    """The reference, against the equations written out for whole matrices."""

    def one_round(self, brain: Brain, active: Any = ()) -> tuple[Any, Any, Any, Any]:
        program = build(brain, 4)
        backend = Driven(ReferenceBackend(program, Options()))
        for kind, owner, value in first_state(brain, program):
            backend.write(kind, owner, value)
        before = backend.read(VECTORS, 0).rows.astype(np.float64)
        weights = backend.read(CHANNEL_WEIGHTS, 0).rows.astype(np.float64)
        if INPUTS.owners(program):
            backend.write(INPUTS, 0, Table(some(*INPUTS.shape_of(program, 0), 8, low=0.0).astype(np.float32)))
        backend.set_winners(0, active)
        backend.round([0], (), learn=True)
        return before, weights, backend.read(VECTORS, 0).rows, backend.read(CHANNEL_WEIGHTS, 0).rows

    @staticmethod
    def dense(brain: Brain, weights: Any) -> Any:
        """Return the weights of one channel as a matrix, with a row for each node that receives."""
        (fiber,) = brain.fibers
        matrix = np.zeros((N, N))
        for i, j, weight in zip(*fiber.connectivity.ends().T, weights, strict=True):
            matrix[j, i] = matrix[i, j] = weight
        return matrix

    @pytest.mark.parametrize("norm", ["row", "sum"])
    def test_a_cosine_layer_follows_its_equation(self, norm: Any) -> None:
        brain = alone(Cosine(0.8, norm=norm, anchor=0.1), channels=MIXED)
        vectors, weights, after, _ = self.one_round(brain)
        matrix = sum(share * self.dense(brain, weights[:, k]) for k, share in enumerate(MIXED.values()))
        if norm == "row":
            matrix = matrix / np.abs(matrix).sum(axis=1, keepdims=True)
        layer = 0.8 * vectors + 0.2 * (matrix * (vectors @ vectors.T)) @ vectors
        expected = 0.9 * layer + 0.1 * vectors
        expected /= np.linalg.norm(expected, axis=1, keepdims=True)
        np.testing.assert_allclose(after, expected, atol=1e-6)

    def test_the_literal_projection_changes_no_vector(self) -> None:
        vectors, _, after, _ = self.one_round(alone(Cosine(0.8, onto="self", norm="sum"), weight=0.01))
        np.testing.assert_allclose(after, vectors, atol=1e-6)
        assert np.abs(self.one_round(alone(Cosine(0.8)))[2] - vectors).max() > 0.01

    def test_only_edges_among_active_nodes_relax(self) -> None:
        brain, active = alone(Cosine(0.8), SMALL, Relax({"a": 0.06, "c": 1.0})), np.arange(30)
        vectors, weights, _, after = self.one_round(brain, active)
        (fiber,) = brain.fibers
        given = some(N, 3, 8, low=0.0)
        for edge, (i, j) in enumerate(fiber.connectivity.ends().tolist()):
            goal = (given[i] + given[j]) / 2 * (vectors[i] @ vectors[j])
            gate = np.tanh(np.linalg.norm(vectors[i] - vectors[j]))
            step = np.array([0.06, 0, 1.0]) * gate * (goal - weights[edge])
            expected = weights[edge] + (step if max(i, j) < 30 else 0)
            np.testing.assert_allclose(after[edge], expected, atol=1e-6)
        assert (after != weights).any(axis=1).sum() > 50

    def test_a_layer_reads_the_weights_before_the_round(self) -> None:
        learns = alone(Cosine(0.2), SMALL, Relax({"a": 1.0, "b": 1.0, "c": 1.0}, "cosine"))
        every = np.arange(N)
        _, before, expected, same = self.one_round(alone(Cosine(0.2), SMALL), every)
        _, _, found, after = self.one_round(learns, every)
        assert np.array_equal(before, same)
        assert np.abs(after - before).max() > 0.1
        assert np.array_equal(found, expected)

    def test_the_product_form_diverges_and_the_difference_form_does_not(self) -> None:
        rule = Relax({"a": 0.06}, "product", w_min=-1e20, w_max=1e20)
        sizes = {}
        for name, each in {"product": rule, "cosine": Relax({"a": 0.06}, "cosine")}.items():
            brain = alone(Cosine(0.8), SMALL, each)
            program = build(brain, 4)
            backend = Driven(ReferenceBackend(program, Options()))
            for kind, owner, value in first_state(brain, program):
                backend.write(kind, owner, value)
            alike = np.ones((N, DIM)) + 0.2 * some(N, DIM, 1)
            alike /= np.linalg.norm(alike, axis=1, keepdims=True)
            backend.write(VECTORS, 0, Table(alike.astype(np.float32)))
            backend.set_winners(0, np.arange(4))
            for _ in range(200):
                backend.round((), (), learn=True, learning={0: 1 << 16})
            sizes[name] = float(np.abs(backend.read(CHANNEL_WEIGHTS, 0).rows).max())
        assert sizes["product"] > 1000
        assert sizes["cosine"] <= 1


def test_a_round_without_fibers_leaves_vectors_as_they_are() -> None:
    program = build(alone(Cosine(0.8)), 0)
    backend = Driven(CpuBackend(program, Options()))
    assert backend.program.holds_vectors
    before = backend.read(VECTORS, 0)
    backend.round((), (), learn=True)
    assert backend.read(VECTORS, 0) is before
