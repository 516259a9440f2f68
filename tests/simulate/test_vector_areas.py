"""Vector areas in a simulator: state, probes, rounds, files and errors."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from scipy.sparse import coo_array

from brainsim import (
    Area,
    Assembly,
    Brain,
    Cosine,
    Explicit,
    Hebbian,
    Modulator,
    OneToOne,
    Random,
    Relax,
    Simulator,
    SmallWorld,
    Sum,
    Topographic,
    Trace,
    VectorArea,
)
from brainsim.errors import BackendError, DeclarationError, DumpError, SimulationError
from brainsim.kernels.cpu.backend import CpuBackend
from brainsim.kernels.vectors.parts import CosineMessage
from forging import forged
from specimens import run_command

pytestmark = pytest.mark.filterwarnings("ignore::brainsim.errors.UnusedWarning")

CHANNELS = {"safety": 0.4, "joy": 0.6}
GRAPH = SmallWorld(6, 0.1, symmetric=True)


LAYER = Cosine(0.8, anchor=0.1)


def brain_of(message: Any = LAYER, **parts: Any) -> Brain:
    brain = Brain()
    words, dopamine = brain.add(VectorArea("Words", n=60, dim=8, k=5), Modulator("dopamine", baseline=1.0))
    rule = Relax({"safety": 0.1, "joy": 0.5})
    given = {"graph": GRAPH, "channels": CHANNELS, "weight": 0.5, "plasticity": rule, "modulated_by": dopamine}
    brain.connect(words, words, message=message, label="links", **{**given, **parts})
    stimulus, heard = brain.add(Area("S", 40, 10), Area("Heard", 50, 6))
    brain.connect(stimulus, words, p=0.3, plasticity=Hebbian(0.1))
    brain.connect(words, heard, p=0.5)
    return brain


def vectors_of(seed: int = 0, n: int = 60) -> Any:
    return np.random.default_rng(seed).normal(size=(n, 8)) * 3


def started(sim: Simulator) -> Any:
    """Set vectors and input, make nodes active, and run two rounds; return the edges."""
    words, links = sim.brain["Words"], sim.edges(sim.brain["Words"] >> sim.brain["Words"])
    sim.set_vectors(words, vectors_of())
    links.set_input(np.random.default_rng(1).random((60, 2)))
    sim.present(Assembly("Words", range(20)))
    sim.run(words >> words, rounds=2)
    return links


class TestState:
    def test_a_fiber_whose_message_is_read_counts_as_opened(self) -> None:
        with Simulator(brain_of(), 1, backend="reference") as sim:
            words = sim.brain["Words"]
            sim.present(Assembly("Words", range(5)))
            links = sim.edges(words >> words)
            line = "fiber 'Words->Words[links]' was never opened"
            assert any(line in each for each in sim.unused())
            links.sent()
            assert not any(line in each for each in sim.unused())

    def test_vectors_are_set_and_stay_of_length_1(self, backend: str) -> None:
        brain = brain_of()
        with Simulator(brain, 1, backend=backend) as sim:
            words = brain["Words"]
            first = sim.vectors(words)
            np.testing.assert_allclose(np.linalg.norm(first, axis=1), 1, atol=1e-6)
            sim.set_vectors(words, vectors_of())
            given = vectors_of() / np.linalg.norm(vectors_of(), axis=1, keepdims=True)
            np.testing.assert_allclose(sim.vectors("Words"), given, atol=1e-6)
            sim.set_vectors(words, 5 * vectors_of(3)[:2], nodes=[7, 4])
            np.testing.assert_allclose(
                sim.vectors(words, [4]), vectors_of(3)[1:2] / np.linalg.norm(vectors_of(3)[1]), atol=1e-6
            )
            np.testing.assert_array_equal(
                np.delete(sim.vectors(words), [4, 7], axis=0), np.delete(given.astype(np.float32), [4, 7], axis=0)
            )
            sim.run(words >> words, rounds=3)
            np.testing.assert_allclose(np.linalg.norm(sim.vectors(words), axis=1), 1, atol=1e-6)

    def test_returned_arrays_are_read_only_and_do_not_change(self, backend: str) -> None:
        brain = brain_of()
        with Simulator(brain, 1, backend=backend) as sim:
            links, words = started(sim), brain["Words"]
            seen, weights, given = sim.vectors(words), links.weights, links.input
            kept = [seen.copy(), weights.copy(), given.copy()]
            for each in (seen, weights, given):
                with pytest.raises(ValueError, match="read-only"):
                    each[0] = 0
            for active in (False, True):
                sim.run(words >> words, rounds=2)
                sim.set_vectors(words, vectors_of(active)[:3], nodes=[1, 2, 3])
                links.set_input([[0.1, 0.2]], nodes=[0])
            assert all((a == b).all() for a, b in zip(kept, (seen, weights, given), strict=True))
            assert (sim.vectors(words) != seen).any()
            assert (links.weights != weights).any()

    def test_the_first_vectors_follow_from_the_seed_and_the_name(self) -> None:
        def first(seed: int, name: str) -> Any:
            brain = Brain()
            brain.add(VectorArea(name, 500, 64, 5))
            with Simulator(brain, seed, backend="reference") as sim:
                return sim.vectors(name)

        assert (first(1, "A") == first(1, "A")).all()
        assert (first(1, "A") != first(2, "A")).any()
        assert (first(1, "A") != first(1, "B")).any()
        # Random directions: cosines of mean 0 and standard deviation 1 / sqrt(dim).
        cosines = (first(1, "A") @ first(1, "A").T)[np.triu_indices(500, 1)]
        assert abs(cosines.mean()) < 0.002
        assert abs(cosines.std() - 1 / 8) < 0.003

    def test_a_probe_restores_vectors_weights_and_input(self, backend: str) -> None:
        brain = brain_of()
        with Simulator(brain, 1, backend=backend) as sim:
            links, words = started(sim), brain["Words"]
            before = [sim.vectors(words).tobytes(), links.weights.tobytes(), links.input.tobytes()]
            with sim.frozen():
                sim.run(words >> words, rounds=2)
                sim.set_vectors(words, vectors_of(9))
                links.set_input(np.ones((60, 2)))
                assert sim.vectors(words).tobytes() != before[0]
                with pytest.raises(SimulationError, match="a probe must not change weights"):
                    links.replace(np.zeros((180, 2)))
            assert [sim.vectors(words).tobytes(), links.weights.tobytes(), links.input.tobytes()] == before

    def test_the_anchors_are_the_last_vectors_that_were_set_for_all_nodes(self) -> None:
        brain = brain_of(Cosine(0.5, anchor=1.0))
        with Simulator(brain, 1, backend="reference") as sim:
            words = brain["Words"]
            sim.set_vectors(words, vectors_of())
            given = sim.vectors(words)
            sim.set_vectors(words, vectors_of(4)[:9], nodes=range(9))
            sim.run(words >> words)
            np.testing.assert_allclose(sim.vectors(words), given, atol=1e-6)

    def test_weights_can_be_replaced_and_forgotten(self, backend: str) -> None:
        brain = brain_of()
        with Simulator(brain, 1, backend=backend) as sim:
            links = started(sim)
            assert (links.weights != 0.5).any()
            links.replace(np.full((180, 2), 0.25))
            assert (links.weights == 0.25).all()
            assert links.weight(*links.pairs[3]).tolist() == [0.25, 0.25]
            sim.forget(brain["Words"] >> brain["Words"])
            assert (links.weights == 0.5).all()
            assert links.weight(0, 30).tolist() == [0, 0] or 30 in links.row(0)[0]


class TestRounds:
    def test_assemblies_activate_nodes_and_active_nodes_fire_assemblies(self, backend: str) -> None:
        brain, plain = brain_of(), Brain()
        plain.add(Area("Words", 60, 5), Area("S", 40, 10), Area("Heard", 50, 6))
        plain.connect(plain["S"], plain["Words"], p=0.3, plasticity=Hebbian(0.1))
        plain.connect(plain["Words"], plain["Heard"], p=0.5)
        fired = []
        for each in (brain, plain):  # the spiking law is the same with and without vectors
            with Simulator(each, 1, backend=backend) as sim:
                sim.present(Assembly("S", range(10)))
                sim.run(each.fibers, rounds=3)
                fired.append([sim.assembly(name).neurons.tolist() for name in ("Words", "Heard")])
        assert fired[0] == fired[1]
        assert len(fired[0][0]) == 5

    def test_modulators_scale_learning(self) -> None:
        changes = []
        for value in (0.0, 0.5, 1.0):
            brain = brain_of()
            with Simulator(brain, 1, backend="cpu") as sim:
                words = brain["Words"]
                links = sim.edges(words >> words)
                sim.present(Assembly("Words", range(20)))
                sim.set_modulator("dopamine", value)
                sim.run((), learn=words >> words)
                changes.append(links.weights - 0.5)
        assert not changes[0].any()
        np.testing.assert_allclose(changes[1], changes[2] / 2, atol=1e-6)
        assert changes[2].any()

    def test_sent_adds_the_weights_of_the_edges_from_active_nodes(self, backend: str) -> None:
        brain = brain_of()
        with Simulator(brain, 1, backend=backend) as sim:
            links = started(sim)
            matrix = np.zeros((60, 60, 2))
            for (i, j), weights in zip(links.pairs, links.weights, strict=True):
                matrix[i, j] = matrix[j, i] = weights
            active_neighbours = (matrix[:, :20] != 0).any(axis=2).sum(axis=1)
            np.testing.assert_allclose(links.sent(), matrix[:, :20].sum(axis=1), atol=1e-5)
            mean = matrix[:, :20].sum(axis=1) / np.maximum(active_neighbours, 1)[:, None]
            np.testing.assert_allclose(links.sent(mean=True), mean, atol=1e-5)
            sim.silence("Words")
            assert not links.sent().any()

    def test_schedules_memory_recordings_and_drawings_include_vector_areas(self, backend: str) -> None:
        brain = brain_of()
        with Simulator(brain, 1, backend=backend) as sim:
            words, recording = brain["Words"], sim.record("Words")
            started(sim)
            assert len(recording.winners(words)) == 2
            sim.set_modulator("dopamine", 0.5)
            shown = str(sim.schedule(words >> words))
            assert "carries a cosine message, and the vectors of all 60 nodes of Words step" in shown
            assert "relaxes the weights of edges among active nodes at rate 0.5" in shown
            memory = sim.memory()
            assert memory["areas"]["Words"]["vectors"] >= 60 * 8 * 4
            assert memory["areas"]["Words"]["anchors"] == 60 * 8 * 4
            assert memory["fibers"]["Words->Words[links]"]["channel_weights"] == 180 * 2 * 4
            assert memory["fibers"]["Words->Words[links]"]["edges"] >= 360 * 8
        assert "VectorArea('Words', n=60, dim=8, k=5)" in repr(brain)
        assert "180 undirected edges" in repr(brain)
        assert "dim=8" in " ".join(text.get_text() for text in brain.draw().texts)

    def test_vectors_may_step_while_nothing_fires(self) -> None:
        brain = brain_of()
        with Simulator(brain, 1, backend="cpu") as sim:
            assert sim.run(brain["Words"] >> brain["Words"]).rounds == 1  # without a warning of silence
            assert "area 'Words' never fired" not in sim.unused()

    def test_inhibited_fibers_carry_nothing(self) -> None:
        brain = brain_of()
        with Simulator(brain, 1, backend="cpu") as sim:
            before = sim.vectors("Words")
            sim.present(Assembly("S", [1, 2]))
            sim.inhibit(brain["Words"] >> brain["Words"])
            sim.run(brain.fibers)
            assert sim.vectors("Words") is before

    def test_two_fibers_add_their_proposals(self) -> None:
        brain = Brain()
        a = brain.add(VectorArea("A", 30, 8, 3))
        for label in ("x", "y"):
            brain.connect(a, a, graph=SmallWorld(4, 0.1), message=Cosine(0.5), label=label)
        x, y = brain.fibers
        after = {}
        for name, opened in {"x": [x], "xy": [x, y], "yx": [y, x]}.items():
            with Simulator(brain, 1, backend="cpu") as sim:
                sim.run(opened)
                after[name] = sim.vectors(a)
        assert after["xy"].tobytes() == after["yx"].tobytes()
        np.testing.assert_allclose(after["xy"], after["x"], atol=1e-6)


class TestFiles:
    def saved(self, path: Path, backend: str = "cpu") -> None:
        with Simulator(brain_of(), 1, backend=backend) as sim:
            started(sim)
            sim.save(path)

    def test_a_saved_state_continues_bit_for_bit(self, tmp_path: Path, backend: str) -> None:
        self.saved(tmp_path / "state.h5", backend)
        ends = []
        for load in (False, True):
            brain = brain_of()
            with Simulator(brain, 1, backend=backend) as sim:
                words = brain["Words"]
                if load:
                    sim.load(tmp_path / "state.h5")
                else:
                    started(sim)
                sim.run(words >> words, rounds=2)
                links = sim.edges(words >> words)
                ends.append([sim.vectors(words).tobytes(), links.weights.tobytes(), links.input.tobytes()])
        assert ends[0] == ends[1]

    @pytest.mark.parametrize(
        ("place", "damage", "said"),
        [
            (
                "vectors/Words/rows",
                lambda rows: rows * 2,
                "vectors of area 'Words': rows must be numbers between -1.001",
            ),
            ("vectors/Words/rows", lambda rows: rows * 0.9, "vectors of area 'Words': rows must have rows of length 1"),
            (
                "vectors/Words/rows",
                lambda rows: np.where(rows == rows.max(), np.nan, rows),
                "rows must be numbers between",
            ),
            ("vectors/Words/rows", lambda rows: rows[:-1], r"vectors of area 'Words': it must be of shape \(60, 8\)"),
            ("anchors/Words/rows", lambda rows: rows * 0, "anchors of area 'Words': rows must have rows of length 1"),
            (
                "channel_weights/Words->Words[links]/rows",
                lambda rows: rows + 9,
                "rows must be numbers between -1 and 1",
            ),
            ("channel_weights/Words->Words[links]/rows", lambda rows: rows * np.nan, "rows must be numbers between"),
            ("channel_weights/Words->Words[links]/rows", lambda rows: rows.astype(np.float64), "in single precision"),
            ("inputs/Words->Words[links]/rows", lambda rows: rows * np.inf, "inputs of fiber"),
        ],
    )
    def test_damaged_vectors_and_weights_are_named(self, tmp_path: Path, place: str, damage: Any, said: str) -> None:
        path = tmp_path / "state.h5"
        self.saved(path)
        with forged(path) as file:
            rows = file[place][:]
            del file[place]
            file[place] = damage(rows)
        with Simulator(brain_of(), 1, backend="cpu") as sim:
            before = sim.vectors("Words")
            with pytest.raises(DumpError, match=said):
                sim.load(path)
            assert sim.vectors("Words") is before

    @pytest.mark.parametrize(
        ("parts", "said"),
        [
            ({"graph": SmallWorld(6, 0.1, seed=1, symmetric=True)}, "message of fiber"),
            ({"channels": {"safety": 0.4, "joy": 0.5}}, "message of fiber"),
            ({"message": Sum(0.8, anchor=0.1)}, "message of fiber"),
        ],
    )
    def test_a_state_of_another_brain_is_refused(self, tmp_path: Path, parts: Any, said: str) -> None:
        self.saved(tmp_path / "state.h5")
        with Simulator(brain_of(**parts), 1, backend="cpu") as sim, pytest.raises(DumpError, match=said):
            sim.load(tmp_path / "state.h5")

    def test_a_brain_without_vectors_saves_no_parts_for_vectors(self, tmp_path: Path) -> None:
        brain = Brain()
        brain.add(Area("A", 10, 2))
        with Simulator(brain, backend="reference") as sim:
            sim.save(tmp_path / "state.h5")
        with h5py.File(tmp_path / "state.h5") as file:
            assert not {"vectors", "anchors", "channel_weights", "inputs"} & set(file)
            assert "vectors" not in file["identity"][()].decode()

    def test_a_file_can_be_checked_shown_and_compared(self, tmp_path: Path) -> None:
        first, second = tmp_path / "a.h5", tmp_path / "b.h5"
        self.saved(first)
        with Simulator(brain_of(), 1, backend="cpu") as sim:
            sim.load(first)
            sim.run(sim.brain["Words"] >> sim.brain["Words"])
            sim.save(second)
        assert run_command("check", str(first))[0] == 0
        assert run_command("show", str(first))[0] == 0
        assert run_command("diff", str(first), str(second))[0] == 1
        with forged(second) as file:
            file["vectors/Words/rows"][3] = 0
        assert run_command("check", str(second))[0] != 0

    def test_a_brain_can_be_pickled(self) -> None:
        brain = brain_of()
        assert pickle.loads(pickle.dumps(brain)) == brain


NOT_SYMMETRIC = coo_array(([1.0, 1.0, 1.0], ([0, 1, 2], [1, 0, 3])), shape=(60, 60))
ITSELF = coo_array(([1.0], ([3], [3])), shape=(60, 60))


class TestRefusals:
    @pytest.mark.parametrize(
        ("parts", "said"),
        [
            ({"message": None}, r"\.channels: must be left out, since the fiber carries no message"),
            ({"message": None, "channels": None}, r"\.plasticity: must be a rule of spiking synapses"),
            ({"message": "cosine"}, r"\.message: must be a message, such as Cosine"),
            ({"channels": None}, r"\.plasticity: must be on a fiber with named channels"),
            ({"channels": {"safety": 0.4}}, r"\.plasticity: unknown channel 'joy'"),
            ({"channels": {"safety": -1, "joy": 1}}, r"\.channels\['safety'\]: must be a number between 0 and 1e\+06"),
            ({"channels": {"": 1}}, r"\.channels: must be printable text"),
            ({"channels": "joy"}, r"\.channels: must be a mapping"),
            ({"plasticity": Hebbian(0.1)}, r"\.plasticity: must be a Relax rule or None"),
            ({"weight": 3.0}, r"\.weight: must be between w_min = -1 and w_max = 1 of its rule \(got 3"),
            ({"weight": np.nan}, r"\.weight: must be a number between"),
            ({"graph": Random(0.1)}, r"\.graph: must be a graph that stores its edges"),
            ({"graph": Topographic(0.5, 0.1)}, r"\.graph: must be a graph that stores its edges"),
            ({"graph": SmallWorld(60, 0.1)}, r"SmallWorld\.k: must be below n = 60"),
            ({"graph": SmallWorld(40, 0.1, symmetric=True)}, r"SmallWorld\.k: must be at most \(n - 1\) / 2 = 29"),
            ({"graph": Explicit(NOT_SYMMETRIC, symmetric=True)}, r"is not symmetric: the edge 2 -> 3 has no equal"),
            (
                {"graph": Explicit(ITSELF, symmetric=True)},
                r"without edges from a node to itself, if symmetric \(got \(3, 3\)",
            ),
            ({"graph": Explicit(coo_array((5, 5)))}, r"of shape \(source\.n, target\.n\) = \(60, 60\)"),
            ({"graph": Explicit(coo_array(([np.nan], ([3], [4])), shape=(60, 60)))}, "finite real numbers"),
            ({"trace": Trace(2, 0.5)}, r"\.trace: belongs to spiking fibers"),
            ({"gate": Assembly("Words", [1])}, r"\.gate: belongs to spiking fibers"),
        ],
    )
    def test_invalid_fibers_are_refused(self, parts: Any, said: str) -> None:
        with pytest.raises(DeclarationError, match=said):
            brain_of(**{"message": Cosine(0.8), **parts})

    @pytest.mark.parametrize(
        ("other", "parts", "said"),
        [
            (Area("B", 60, 5), {}, r"'Words->B'\.message: must be between two vector areas \(got Area\('B'"),
            (VectorArea("B", 60, 9, 5), {}, r"\.message: must be between areas of equal dim \(got \(8, 9\)\)"),
            (VectorArea("B", 60, 8, 5), {"graph": GRAPH}, r"from an area to itself, since its graph is symmetric"),
            (
                VectorArea("B", 60, 8, 5),
                {"plasticity": Relax({"x": 0.1})},
                r'from an area to itself, since its target is "input"',
            ),
        ],
    )
    def test_invalid_fibers_between_two_areas_are_refused(self, other: Any, parts: Any, said: str) -> None:
        brain = brain_of()
        brain.add(other)
        with pytest.raises(DeclarationError, match=said):
            brain.connect("Words", other, **{"graph": OneToOne(), "message": Sum(0.5), "channels": {"x": 1}, **parts})

    @pytest.mark.parametrize("dim", [0, -1, 1.5, None, 10**6, "8"])
    def test_an_invalid_dim_is_refused(self, dim: Any) -> None:
        with pytest.raises(DeclarationError, match=r"Area 'Words'\.dim: must be an integer between 1 and 65536"):
            VectorArea("Words", 60, dim, 5)

    @pytest.mark.parametrize(
        ("make", "said"),
        [
            (lambda: Cosine(1.5), r"Cosine\.keep: must be a number between 0 and 1"),
            (lambda: Cosine(0.5, norm="column"), r'Cosine\.norm: must be "row" or "sum"'),
            (lambda: Cosine(0.5, onto=3), r"Cosine\.onto"),
            (lambda: Sum(0.5, anchor=-1), r"Sum\.anchor"),
            (lambda: Sum(0.5, active="yes"), r"Sum\.active: must be True or False"),
            (lambda: Relax({"a": 2}), r"Relax\.rates\['a'\]: must be a number between 0 and 1"),
            (lambda: Relax(0.5), r"Relax\.rates: must be a mapping"),
            (lambda: Relax({"a": 0.1}, "joy"), r"Relax\.target"),
            (lambda: Relax({"a": 0.1}, w_min=2), r"Relax\.w_min: must be below w_max = 1"),
        ],
    )
    def test_invalid_messages_and_rules_are_refused(self, make: Any, said: str) -> None:
        with pytest.raises(DeclarationError, match=said):
            make()

    def test_invalid_vectors_are_refused(self) -> None:
        brain = brain_of()
        with Simulator(brain, 1, backend="reference") as sim:
            before, wrong = sim.vectors("Words"), vectors_of()
            wrong[5, 3] = np.nan
            with_a_zero_row = vectors_of()
            with_a_zero_row[7] = 0
            for given, nodes, said in (
                (wrong, None, r"Area 'Words': vectors: must be numbers .* \(got nan\); correct row 5"),
                (vectors_of().astype(np.longdouble) * np.longdouble("1e4000"), None, r"at most 1e\+30 \(got -?inf\)"),
                (with_a_zero_row, None, r"vectors that are not 0 \(got 0\); row 7 is 0 and has no direction"),
                (vectors_of()[:9], None, r"an array of shape \(60, 8\) \(got \(9, 8\)\)"),
                (vectors_of()[:2], [1, 60], r"nodes: must be below n = 60 \(got 60\)"),
                (vectors_of()[:2], [1, 1], "listed twice"),
                ("words", None, r"real numbers of shape \(60, 8\)"),
                (vectors_of() * 1j, None, r"real numbers of shape \(60, 8\)"),
            ):
                with pytest.raises(DeclarationError, match=said):
                    sim.set_vectors("Words", given, nodes)
            with pytest.raises(DeclarationError, match="Area 'S': holds no vectors; declare it as a VectorArea"):
                sim.vectors("S")
            assert sim.vectors("Words") is before

    def test_invalid_uses_of_edges_are_refused(self) -> None:
        brain = brain_of()
        spiking, words = brain["S"] >> brain["Words"], brain["Words"]
        with Simulator(brain, 1, backend="reference") as sim:
            links = sim.edges(words >> words)
            with pytest.raises(DeclarationError, match="carries no message and has no edges"):
                sim.edges(spiking)
            with pytest.raises(DeclarationError, match="carries a message and has no synapses"):
                sim.connectome(words >> words)
            with pytest.raises(DeclarationError, match=r"weights: must be an array of shape \(180, 2\)"):
                links.replace(np.zeros((180, 3)))
            said = r"weights: must be between w_min = -1 and w_max = 1 of its rule \(got 1\.5\); widen the bounds"
            with pytest.raises(DeclarationError, match=said):
                links.replace(np.full((180, 2), 1.5))
            with pytest.raises(DeclarationError, match=r"input: must be numbers of size at most 1e\+06 \(got nan\)"):
                links.set_input(np.full((60, 2), np.nan))
            with pytest.raises(DeclarationError, match="target node: must be an integer between 0 and 59"):
                links.row(60)
        brain = brain_of(plasticity=Relax({"joy": 0.1}, "cosine"))
        with Simulator(brain, 1, backend="reference") as sim, pytest.raises(DeclarationError, match="has no input"):
            sim.edges(brain["Words"] >> brain["Words"]).set_input(np.zeros((60, 2)))

    def test_a_backend_that_does_not_support_a_message_refuses_the_brain(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(CpuBackend, "parts", CpuBackend.parts - {CosineMessage})
        with pytest.raises(BackendError, match="the cpu backend cannot run the message CosineMessage"):
            Simulator(brain_of(), backend="cpu")
