"""State that is read, written and reported between rounds: thresholds, learned synapses, memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from brainsim import Simulator
from brainsim.errors import BackendMemoryError
from brainsim.kernels.law.graph import Graph, fiber_key
from brainsim.kernels.law.weights import ONE
from brainsim.kernels.program import AreaSpec, FiberSpec, Options, Program
from brainsim.kernels.reference import ReferenceBackend
from brainsim.kernels.state import NO_THRESHOLDS, Synapses
from driving import Driven
from emulator.device import EmulatedDevice
from gpus import driven, every, refracting, run_all, small_brain, state_of
from scenarios import settled_reference


def reported(backend: Driven) -> int:
    return sum(size for part in backend.memory().values() for owner in part.values() for size in owner.values())


class TestMemory:
    """The report names the memory in use, and `close` frees all of it."""

    def test_the_report_sums_to_the_memory_in_use(self) -> None:
        case, _ = settled_reference(200)
        backend, device = driven(case.program)
        run_all(backend, case.rounds[:6], record=[0, 1])
        held = device.description.memory - device.room
        small = 10_000  # areas, status, sizes and peaks of a few tiles
        assert 0 <= held - reported(backend) < small
        assert backend.memory()["fibers"]["F01"]["learned"] > 0

    def test_reporting_changes_nothing(self) -> None:
        case, _ = settled_reference(200)
        backend, device = driven(case.program)
        run_all(backend, case.rounds[:6])
        backend.set_learned(0, backend.learned(0))
        before = device.writes, len(device.launches), device.room
        backend.memory()
        assert (device.writes, len(device.launches), device.room) == before

    def test_close_frees_all_memory(self) -> None:
        case, _ = settled_reference(200)
        backend, device = driven(case.program)
        run_all(backend, case.rounds[:6], record=[0])
        backend.close()  # the object still exists
        assert device.closed
        assert device.room == device.description.memory


class TestThresholds:
    """Only areas with thresholds have memory for them, and each round raises them once."""

    def test_memory_for_thresholds_is_allocated_when_they_are_set(self) -> None:
        case, _ = settled_reference(200)
        gpu, device = driven(case.program)
        backends = [Driven(ReferenceBackend(case.program, Options())), gpu]
        some, others = every(3, ONE), every(2, -2 * ONE)
        steps = [(1, NO_THRESHOLDS), (1, some), (2, others), (2, some), (1, NO_THRESHOLDS), (1, others), (0, some)]
        seen, held = [], []
        for backend in backends:
            backend.set_winners(0, list(range(30)))
            for area, thresholds in steps:
                run_all(backend, case.rounds[1:4])
                held.append([parts["thresholds"] for parts in backend.memory()["areas"].values()])
                backend.set_thresholds(area, thresholds)
                seen.append([backend.winners(a).tolist() for a in range(3)])
        assert seen[: len(steps)] == seen[len(steps) :]
        assert held[len(steps) :] == [*[[0, 0, 0]] * 2, [0, 24_000, 0], *[[0, 24_000, 16_000]] * 4]
        assert 0 <= device.description.memory - device.room - reported(gpu) < 10_000
        assert gpu.memory()["areas"]["S"]["thresholds"] == 720, "although its winners are held"

    def test_areas_that_refract_have_thresholds_from_the_start(self) -> None:
        case, _ = settled_reference(200)
        held = [driven(program)[0].memory()["areas"] for program in (case.program, refracting(case.program))]
        assert [each["A"]["thresholds"] for each in held] == [0, 24_000]
        assert [each["B"]["thresholds"] for each in held] == [0, 16_000]

    def test_thresholds_take_no_launches_unless_they_make_drives_longer(self) -> None:
        """Thresholds far below 0 make drives longer, and each further digit takes a pass."""
        case, _ = settled_reference(200)
        backend, device = driven(case.program)
        counts = []
        backend.set_winners(0, list(range(30)))
        for amount, fire in ((0, 25), (2**62 - 1, 0), (-ONE, 25), (1 - 2**62, 25)):
            backend.set_thresholds(1, every(1, amount, n=3000))
            before = len(device.launches)
            backend.round([0], {0}, learn=True)
            counts.append(len(device.launches) - before)
            assert len(backend.winners(1)) == fire
        assert counts[:3] == [counts[0]] * 3
        assert counts[3] == counts[0] + 3, "63 bits instead of 26 are 6 digits"

    def test_a_round_that_stalls_raises_thresholds_once(self, no_room: None) -> None:
        case, _ = settled_reference(200)
        gpu, device = driven(refracting(case.program), seed=2)
        seen = []
        for backend in (Driven(ReferenceBackend(refracting(case.program), Options())), gpu):
            backend.set_winners(0, list(range(30)))
            for rounds in (1, 4, 2):  # without reading results in between
                for _ in range(rounds):
                    backend.round(range(6), {0}, learn=True)
                winners, _, amounts = state_of(backend)
                seen.append((amounts, winners))
        assert seen[:3] == seen[3:]
        assert device.launches.count("project") > 7 + 1  # more than one round was run again
        assert max(len(neurons) for neurons, _ in seen[-1][0]) > 25, "others have won, too"

    def test_probes_do_not_copy_unchanged_thresholds(self) -> None:
        """Thresholds that are written back unchanged are still on the device."""
        case, _ = settled_reference(200)
        backend, device = driven(refracting(case.program))
        backend.set_winners(0, list(range(30)))
        backend.round(range(6), {0}, learn=True)
        taken, before = backend.thresholds(1), device.writes
        backend.set_thresholds(1, taken)
        assert device.writes == before
        backend.round(range(6), {0}, learn=True)
        backend.set_thresholds(1, taken)
        assert device.writes > before
        assert [column.tolist() for column in backend.thresholds(1)] == [column.tolist() for column in taken]

    def test_thresholds_without_memory_are_refused(self, device: EmulatedDevice) -> None:
        brain, stimulus = small_brain()
        with Simulator(brain, backend="gpu") as sim, Simulator(brain, backend="reference") as other:
            for each in (sim, other):
                each.present(stimulus)
                each.run(brain.fibers, rounds=2)
            room = device.room
            device.give_back(15_999 - room)
            with pytest.raises(BackendMemoryError, match=r"no room for .* of thresholds: .*; let fewer areas have"):
                sim.set_thresholds("A", -1)
            sim.set_thresholds("A", 0)  # needs no memory
            assert not sim.thresholds("A").any()
            for each in (sim, other):
                each.run(brain.fibers, rounds=2)
            device.give_back(room - 15_999)
            for each in (sim, other):
                each.set_thresholds("A", -1)
                each.run(brain.fibers, rounds=2)
            assert sim.assembly("A") == other.assembly("A")
            assert sim.thresholds("A").tolist() == other.thresholds("A").tolist() == [-1.0] * 2000


class TestLearnedSynapses:
    """A state moves from one backend to another bit for bit."""

    @pytest.mark.parametrize(("first", "second"), [("cpu", "gpu"), ("gpu", "cpu"), ("gpu", "gpu")])
    def test_a_run_is_continued_on_another_backend(
        self, first: str, second: str, emulated_gpu: None, tmp_path: Path
    ) -> None:
        states = []
        for chain in (("cpu", "cpu"), (first, second)):
            brain, stimulus = small_brain(refraction=0.05)
            path = tmp_path / "-".join(chain)
            with Simulator(brain, seed=5, backend=chain[0]) as sim:
                sim.present(stimulus)
                sim.run(brain.fibers, rounds=4)
                sim.save(f"{path}-half.h5")
            with Simulator(brain, seed=5, backend=chain[1]) as sim:
                sim.load(f"{path}-half.h5")
                recording = sim.record()
                sim.run(brain.fibers, rounds=4)
                with sim.frozen():
                    sim.silence("S")
                    sim.set_thresholds("A", -1)
                    sim.run(brain.fibers, rounds=2)
                    probed = sim.assembly("A").neurons.tolist()
                won = [winners.tolist() for winners in recording.winners("A")]
                weights = [[column.tolist() for column in sim.connectome(f).learned()] for f in brain.fibers]
                states.append((won, probed, weights, sim.rounds, sim.thresholds("A").tolist()))
        assert states[0] == states[1]
        assert len(states[0][0]) == 4

    def test_weights_set_for_one_fiber_do_not_change_the_others(self) -> None:
        case, reference = settled_reference(200)
        backend, device = driven(case.program)
        run_all(backend, case.rounds)
        fewer = Synapses(*(column[:5] for column in backend.learned(0)))
        backend.set_learned(0, fewer)
        for stored in (False, True):
            if stored:
                before = device.writes
                backend.round([], set(), learn=False)  # stores them
                assert device.writes > before
            learned = state_of(backend)[1]
            assert learned[1:] == reference[-2][1:]
            assert learned[0] == [column[:5] for column in reference[-2][0]]

    def test_a_fiber_without_a_rule_has_no_learned_synapses(self) -> None:
        areas = (AreaSpec("S", 10, 10), AreaSpec("T", 40, 5))
        graph = Graph(fiber_key(0, "S", "T", ""), 10, 40, 0.5, False)
        backend, _ = driven(Program(areas, (FiberSpec("S->T", 0, 1, graph, None),)))
        assert len(backend.learned(0).pre) == 0
        assert backend.row(0, 3).tolist() == graph.row(3).tolist()
        assert backend.memory()["fibers"] == {"S->T": {"learned": 0, "transmissions": 0}}
