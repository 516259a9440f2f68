"""The gpu backend beyond the conformance suite: room, waiting, interruption, memory, dumps, and CuPy itself."""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from brainsim import Area, Assembly, Brain, Hebbian, Simulator
from brainsim.errors import BackendError, BackendMemoryError, SimulationError
from brainsim.kernels.backend import NO_THRESHOLDS, Thresholds
from brainsim.kernels.cpu.backend import CpuBackend
from brainsim.kernels.errors import DeviceMemoryError
from brainsim.kernels.gpu import cuda_device, overlay, source
from brainsim.kernels.gpu.backend import GpuBackend
from brainsim.kernels.gpu.cuda_device import CupyDevice
from brainsim.kernels.law.graph import Graph, fiber_key
from brainsim.kernels.law.weights import ONE
from brainsim.kernels.program import AreaSpec, FiberSpec, Options, Program
from brainsim.kernels.reference import ReferenceBackend
from brainsim.studies.info import describe
from emulator import fake_cupy
from emulator.device import EmulatedDevice, emulated
from scenarios import Scenario, excitable, scenario, settled, settled_reference, trace


def one_device(**options: Any) -> tuple[type[GpuBackend], EmulatedDevice]:
    """Return a backend that is always built on one device, and the device."""
    device = EmulatedDevice(**options)
    return type("OnOneDevice", (GpuBackend,), {"device": staticmethod(lambda: device)}), device


class TestRoom:
    """New synapses find room however little there was, and if there is none, nothing is half-done."""

    @pytest.mark.parametrize(("rows", "pages"), [(1, 1), (1, 4096), (4096, 1)])
    def test_growing_changes_nothing(self, rows: int, pages: int, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(overlay, "FIRST_ROWS", rows)
        monkeypatch.setattr(overlay, "FIRST_PAGES", pages)
        case, reference = settled_reference(200)
        backend_class, device = one_device(seed=1)
        assert trace(backend_class, case, Options()) == reference
        assert device.launches.count("assign_rows") > len(case.rounds)  # some rounds stalled and were run again

    def test_rounds_behind_a_stalled_one_happen_after_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(overlay, "FIRST_PAGES", 1)
        case, _ = settled_reference(201)
        backends = [backend_class(case.program, Options()) for backend_class in (CpuBackend, emulated())]
        seen = []
        for backend in backends:
            backend.set_winners(0, list(range(30)))
            for _ in range(7):  # without a look in between
                backend.round(range(6), {0}, learn=True)
                backend.record([1, 2])
            recorded = [{a: won.tolist() for a, won in each.items()} for each in backend.recorded()]
            learned = [[column.tolist() for column in backend.learned(f)] for f in range(6)]
            seen.append((backend.stable(), recorded, learned, backend.fired()))
        assert seen[0] == seen[1]
        assert len(seen[0][1]) == 7

    def test_no_memory_for_the_brain(self, emulated_gpu: None, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(GpuBackend, "device", staticmethod(lambda: EmulatedDevice(memory=1 << 20)))
        brain = Brain()
        area = brain.add(Area("A", n=1_000_000, k=10))
        brain.connect(area, area, p=0.01, plasticity=Hebbian(0.1))
        message = (
            r"emulated device has no room for 7.6 MiB of drives: this brain holds .* MiB of its 1.0 MiB .*; lower n"
        )
        with pytest.raises(BackendMemoryError, match=message) as caught:
            Simulator(brain, backend="gpu")
        assert isinstance(caught.value, MemoryError)

    def test_no_memory_for_more_synapses(
        self, emulated_gpu: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setattr(overlay, "FIRST_ROWS", 1)
        monkeypatch.setattr(overlay, "FIRST_PAGES", 1)
        devices = []

        def tight() -> EmulatedDevice:
            devices.append(EmulatedDevice(memory=1 << 20))
            return devices[-1]

        monkeypatch.setattr(GpuBackend, "device", staticmethod(tight))
        brain, stimulus = small_brain()
        with Simulator(brain, backend="gpu") as sim:
            sim.present(stimulus)
            recording = sim.record("A")
            sim.run(brain.fibers, rounds=2)
            sim.save(tmp_path / "before.h5")
            devices[0].give_back(-devices[0].room)  # somebody else takes all there is
            sim.present(Assembly("S", np.arange(50, 100)))
            with pytest.raises(BackendMemoryError, match=r"no room for .* MiB of learned synapses"):
                sim.run(brain.fibers, rounds=2)
            with pytest.raises(SimulationError, match="load a saved state"):
                sim.run(brain.fibers)
            devices[0].give_back(1 << 20)
            sim.load(tmp_path / "before.h5")
            happened = len(recording)
            sim.run(brain.fibers, rounds=3)
            assert happened >= 2
            assert len(recording) == happened + 3
            assert max(neurons.max() for neurons in recording.winners("A")) < 2000
            after = sim.assembly("A").neurons.tolist()
        with Simulator(brain, backend="cpu") as sim:
            sim.load(tmp_path / "before.h5")
            sim.run(brain.fibers, rounds=3)
            assert sim.assembly("A").neurons.tolist() == after

    def test_growth_is_of_all_arrays_or_none(self) -> None:
        """However little memory there is, posts and weights have room for as many synapses as pages are counted."""
        case, _ = settled_reference(200)
        grown = set()
        for room in range(250_000, 900_000, 20_000):
            backend_class, device = one_device()
            backend = backend_class(case.program, Options())
            device.give_back(room - device.room)
            arrays = backend._overlay
            try:
                arrays.grow(0, 1025)
            except DeviceMemoryError:
                assert device.room == room
            assert arrays.posts.size == arrays.weights.size == arrays.following.size * 32
            grown.add(arrays.following.size)
        assert grown == {1024, 1025, 2048}

    def test_no_memory_for_a_large_assembly(self, emulated_gpu: None, monkeypatch: pytest.MonkeyPatch) -> None:
        device = EmulatedDevice()
        monkeypatch.setattr(GpuBackend, "device", staticmethod(lambda: device))
        brain, stimulus = small_brain()
        with Simulator(brain, backend="gpu") as sim, Simulator(brain, backend="cpu") as other:
            for each in (sim, other):
                each.present(stimulus)
                each.run(brain.fibers)
            room = device.room
            device.give_back(100 - room)
            with pytest.raises(BackendMemoryError, match=r"of winners: .*; present fewer neurons"):
                sim.present(Assembly("S", np.arange(300)))
            device.give_back(room - 100)
            for each in (sim, other):
                assert each.assembly("S") == stimulus
                each.present(Assembly("S", np.arange(300)))
                each.run(brain.fibers, rounds=2)
            assert sim.assembly("A") == other.assembly("A")

    def test_more_sources_than_16_bits_count(self) -> None:
        areas = (AreaSpec("S", 50_000, 1), AreaSpec("T", 300, 20))
        fibers = tuple(
            FiberSpec(f"F{i}", 0, 1, Graph(fiber_key(i, "S", "T", ""), 50_000, 300, p, False), None)
            for i, p in enumerate((1.0, 0.05))
        )
        won = []
        for backend_class in (CpuBackend, emulated(), emulated(multiprocessors=132, seed=1)):
            backend = backend_class(Program(areas, fibers), Options())
            backend.set_winners(0, np.arange(50_000))
            backend.set_thresholds(1, every(2, -60 * ONE, n=300))
            backend.round([0, 1], {0}, learn=True)
            won.append(backend.winners(1).tolist())
        assert won[0] == won[1] == won[2]
        assert len(won[0]) == 20

    def test_an_area_given_more_winners_than_it_selects(self) -> None:
        case, _ = settled_reference(200)
        won = []
        for backend_class in (CpuBackend, emulated()):
            backend = backend_class(case.program, Options())
            backend.set_winners(0, list(range(30)))
            backend.round(range(6), {0}, learn=True)
            backend.set_winners(1, np.arange(0, 3000, 2))
            backend.round(range(6), set(), learn=True)
            won.append([backend.winners(a).tolist() for a in range(3)])
        assert won[0] == won[1]


def small_brain(refraction: float = 0.0) -> tuple[Brain, Assembly]:
    brain = Brain()
    stimulus, area = brain.add(Area("S", n=300, k=50), Area("A", n=2000, k=40, refraction=refraction))
    rule = Hebbian(0.2, 20)
    brain.connect(stimulus, area, p=0.1, plasticity=rule)
    brain.connect(area, area, p=0.1, plasticity=rule)
    return brain, Assembly("S", np.arange(50))


def test_the_host_waits_for_nothing_in_a_loop_of_rounds() -> None:
    case, _ = settled_reference(202)
    backend_class, device = one_device()
    backend = backend_class(case.program, Options())
    backend.set_winners(0, list(range(30)))
    backend.round(range(6), {0}, learn=True)
    assert not backend.stable()
    before, each = device.reads, len(device.launches)
    for _ in range(20):
        backend.round(range(6), {0}, learn=True)
        backend.record([0, 1, 2])
    assert device.reads == before
    launched = device.launches[each:]
    assert len(launched) % 20 == 0  # no round takes more launches than another, whatever it finds
    assert len(set(zip(*[iter(launched)] * (len(launched) // 20), strict=True))) == 1
    assert len(backend.recorded()) == 20
    assert device.reads > before


def test_a_run_waits_once(emulated_gpu: None, monkeypatch: pytest.MonkeyPatch) -> None:
    device = EmulatedDevice()
    monkeypatch.setattr(GpuBackend, "device", staticmethod(lambda: device))
    brain, stimulus = small_brain()
    with Simulator(brain, backend="gpu") as sim:
        sim.present(stimulus)
        sim.run(brain.fibers)
        reads = []
        for rounds in (1, 30):
            before = device.reads
            sim.run(brain.fibers, rounds=rounds)
            reads.append(device.reads - before)
        assert reads == [1, 1]


def test_an_interrupted_round_is_whole(request: pytest.FixtureRequest) -> None:
    """Ctrl-C while a round is being launched waits until all of it is."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # in the background it would be ignored
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, before))
    case, _ = settled_reference(200)
    done = []
    for interrupt_at in (None, "project", "list_winners", "reserve", "commit"):
        backend_class, device = one_device()
        backend = backend_class(case.program, Options())
        backend.set_winners(0, list(range(30)))
        backend.round(range(6), {0}, learn=True)
        if interrupt_at:
            interrupting(device, interrupt_at)
            with pytest.raises(KeyboardInterrupt):
                backend.round(range(6), {0}, learn=True)
        else:
            backend.round(range(6), {0}, learn=True)
        backend.round(range(6), {0}, learn=True)
        learned = [[column.tolist() for column in backend.learned(f)] for f in range(6)]
        done.append(([backend.winners(a).tolist() for a in range(3)], learned))
    assert all(each == done[0] for each in done)


def interrupting(device: Any, kernel: str) -> None:
    """Let Ctrl-C come during the next launch of a kernel."""
    launch = device._launch

    def interrupted(name: str, blocks: int, shared: int, arguments: Sequence[np.generic]) -> None:
        if name == kernel:
            device._launch = launch
            os.kill(os.getpid(), signal.SIGINT)
        launch(name, blocks, shared, arguments)

    device._launch = interrupted


class DriverError(RuntimeError):
    """What only a real device can raise."""


@pytest.mark.parametrize("kernel", ["project", "list_winners", "cross_out", "reserve", "strengthen", "commit"])
def test_a_round_that_fails_half_way_is_noticed(kernel: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing goes on from a state of no moment; a saved one can be loaded, and goes on as ever."""
    device = EmulatedDevice()
    monkeypatch.setattr(cuda_device, "why_not", lambda: None)
    monkeypatch.setattr(GpuBackend, "device", staticmethod(lambda: device))
    brain, stimulus = small_brain(refraction=0.05)
    after = []
    for backend in ("cpu", "gpu"):
        with Simulator(brain, backend=backend) as sim:
            sim.present(stimulus)
            sim.run(brain.fibers, rounds=2)
            sim.save(tmp_path / "state.h5")
            if backend == "gpu":
                failing(device, kernel)
                with pytest.raises(DriverError):
                    sim.run(brain.fibers, rounds=3)
                with pytest.raises(SimulationError, match="load a saved state"):
                    sim.run(brain.fibers)
                sim.load(tmp_path / "state.h5")
            sim.run(brain.fibers, rounds=3)
            weights = [sim.connectome(fiber).to_scipy().toarray().tolist() for fiber in brain.fibers]
            after.append((sim.assembly("A"), weights, sim.thresholds("A").tolist()))
    assert after[0] == after[1]


def test_a_failure_while_rounds_are_run_again_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overlay, "FIRST_PAGES", 1)
    case, _ = settled_reference(200)
    backend_class, device = one_device()
    backend = backend_class(case.program, Options())
    backend.set_winners(0, list(range(30)))
    for _ in range(5):
        backend.round(range(6), {0}, learn=True)
    failing(device, "commit")
    with pytest.raises(DriverError):
        backend.winners(1)
    assert backend.broken


def failing(device: Any, kernel: str) -> None:
    """Let the next launch of a kernel fail."""
    launch = device._launch

    def failed(name: str, blocks: int, shared: int, arguments: Sequence[np.generic]) -> None:
        if name == kernel:
            device._launch = launch
            raise DriverError
        launch(name, blocks, shared, arguments)

    device._launch = failed


def test_recording_twice_in_a_round_that_stalled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overlay, "FIRST_PAGES", 1)
    case, _ = settled_reference(200)
    seen = []
    for backend_class in (CpuBackend, emulated()):
        backend = backend_class(case.program, Options())
        backend.set_winners(0, list(range(30)))
        backend.round(range(6), {0}, learn=True)
        backend.record([1])
        backend.record([1, 2])
        seen.append([{area: won.tolist() for area, won in each.items()} for each in backend.recorded()])
    assert seen[0] == seen[1]


def test_a_changed_header_is_compiled_anew(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """CuPy keeps compiled kernels by their own text and the options; what they include has to show in the options."""
    assert any(option == f"-DBRAINSIM_SOURCES=0x{source._digest()}" for option in source.OPTIONS)
    for path in source.FOLDER.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    monkeypatch.setattr(source, "FOLDER", tmp_path)
    before = source._digest()
    (tmp_path / "types.cuh").write_text((tmp_path / "types.cuh").read_text() + "\n")
    assert source._digest() != before


class TestMemory:
    """What is reported is what is held, and all of it is given back."""

    def test_the_report_adds_up(self) -> None:
        case, _ = settled_reference(200)
        backend_class, device = one_device()
        backend = backend_class(case.program, Options())
        trace_of_rounds(backend, case.rounds[:6])
        backend.record([0, 1])
        report = backend.memory()
        reported = sum(size for part in report.values() for owner in part.values() for size in owner.values())
        held = device.description.memory - device.room
        small = 10_000  # areas, status, sizes and peaks of a few tiles
        assert 0 <= held - reported < small
        assert report["fibers"]["F01"]["learned"] > 0

    def test_close_gives_all_back(self) -> None:
        case, _ = settled_reference(200)
        backend_class, device = one_device()
        backend = backend_class(case.program, Options())
        trace_of_rounds(backend, case.rounds[:6])
        backend.record([0])
        backend.close()  # and is still held
        assert device.closed
        assert device.room == device.description.memory


def trace_of_rounds(backend: Any, rounds: Sequence[Any]) -> None:
    for stimuli, opened, fixed, learn in rounds:
        for area, neurons in stimuli.items():
            backend.set_winners(area, neurons)
        backend.round(opened, fixed, learn=learn)


class TestThresholds:
    """Only areas that have thresholds have memory for them, and a round raises them if it happens, once."""

    def test_memory_is_there_when_it_is_needed(self) -> None:
        case, _ = settled_reference(200)
        backend_class, device = one_device()
        backends = [CpuBackend(case.program, Options()), backend_class(case.program, Options())]
        some, others = every(3, ONE), every(2, -2 * ONE)
        steps = [(1, NO_THRESHOLDS), (1, some), (2, others), (2, some), (1, NO_THRESHOLDS), (1, others), (0, some)]
        seen, held = [], []
        for backend in backends:
            backend.set_winners(0, list(range(30)))
            for area, thresholds in steps:
                trace_of_rounds(backend, case.rounds[1:4])
                held.append({name: parts["thresholds"] for name, parts in backend.memory()["areas"].items()})
                backend.set_thresholds(area, thresholds)
                seen.append([backend.winners(a).tolist() for a in range(3)])
        report = backends[1].memory()
        assert seen[: len(steps)] == seen[len(steps) :]
        assert [list(each.values()) for each in held[len(steps) :]] == [
            *[[0, 0, 0]] * 2,
            [0, 24_000, 0],
            *[[0, 24_000, 16_000]] * 4,
        ]
        reported = sum(size for part in report.values() for owner in part.values() for size in owner.values())
        assert 0 <= device.description.memory - device.room - reported < 10_000
        assert report["areas"]["S"]["thresholds"] == 720, "though its winners stay"

    def test_areas_that_refract_have_theirs_from_the_first(self) -> None:
        case, _ = settled_reference(200)
        backend_class = emulated()
        held = [
            backend_class(program, Options()).memory()["areas"] for program in (case.program, refracting(case.program))
        ]
        assert [each["A"]["thresholds"] for each in held] == [0, 24_000]
        assert [each["B"]["thresholds"] for each in held] == [0, 16_000]

    def test_they_take_no_launches(self) -> None:
        """But as many more passes over the digits of a drive as thresholds below 0 make it longer."""
        case, _ = settled_reference(200)
        backend_class, device = one_device()
        backend = backend_class(case.program, Options())
        counts = []
        backend.set_winners(0, list(range(30)))
        for amount, fire in ((0, 25), (2**62 - 1, 0), (-ONE, 25), (1 - 2**62, 25)):
            backend.set_thresholds(1, every(1, amount, n=3000))
            before = len(device.launches)
            backend.round([0], {0}, learn=True)
            counts.append(len(device.launches) - before)
            assert len(backend.winners(1)) == fire
        assert counts[:3] == [counts[0]] * 3
        assert counts[3] == counts[0] + 3, "63 bits, instead of 26, are 6 digits"

    def test_a_round_that_stalls_raises_them_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(overlay, "FIRST_ROWS", 1)
        monkeypatch.setattr(overlay, "FIRST_PAGES", 1)
        case, _ = settled_reference(200)
        backend_class, device = one_device(seed=2)
        seen = []
        for backend in (
            CpuBackend(refracting(case.program), Options()),
            backend_class(refracting(case.program), Options()),
        ):
            backend.set_winners(0, list(range(30)))
            for rounds in (1, 4, 2):  # without a look in between
                for _ in range(rounds):
                    backend.round(range(6), {0}, learn=True)
                amounts = [[column.tolist() for column in backend.thresholds(a)] for a in range(3)]
                seen.append((amounts, [backend.winners(a).tolist() for a in range(3)]))
        assert seen[:3] == seen[3:]
        assert device.launches.count("project") > 7 + 1  # more than one round was run again
        assert max(len(neurons) for neurons, _ in seen[-1][0]) > 25, "others have won, too"

    def test_probes_copy_none(self) -> None:
        """What is put back as it was taken is there still."""
        case, _ = settled_reference(200)
        backend_class, device = one_device()
        backend = backend_class(refracting(case.program), Options())
        backend.set_winners(0, list(range(30)))
        backend.round(range(6), {0}, learn=True)
        taken, written = backend.thresholds(1), []
        monitor, device._write = device._write, lambda array, *_: written.append(array)  # type: ignore[method-assign]
        backend.set_thresholds(1, taken)
        assert not written
        device._write = monitor  # type: ignore[method-assign]
        backend.round(range(6), {0}, learn=True)
        backend.set_thresholds(1, taken)
        assert [column.tolist() for column in backend.thresholds(1)] == [column.tolist() for column in taken]

    def test_no_memory_for_them(self, emulated_gpu: None, monkeypatch: pytest.MonkeyPatch) -> None:
        device = EmulatedDevice()
        monkeypatch.setattr(GpuBackend, "device", staticmethod(lambda: device))
        brain, stimulus = small_brain()
        with Simulator(brain, backend="gpu") as sim, Simulator(brain, backend="cpu") as other:
            for each in (sim, other):
                each.present(stimulus)
                each.run(brain.fibers, rounds=2)
            room = device.room
            device.give_back(15_999 - room)
            with pytest.raises(BackendMemoryError, match=r"no room for .* of thresholds: .*; let fewer areas have"):
                sim.set_thresholds("A", -1)
            sim.set_thresholds("A", 0)  # takes none
            assert not sim.thresholds("A").any()
            for each in (sim, other):
                each.run(brain.fibers, rounds=2)
            device.give_back(room - 15_999)
            for each in (sim, other):
                each.set_thresholds("A", -1)
                each.run(brain.fibers, rounds=2)
            assert sim.assembly("A") == other.assembly("A")
            assert sim.thresholds("A").tolist() == other.thresholds("A").tolist() == [-1.0] * 2000

    def test_a_failure_while_they_are_set_is_noticed(self) -> None:
        case, _ = settled_reference(200)
        backend_class, device = one_device()
        backend = backend_class(case.program, Options())

        def failed(*_: object) -> None:
            raise DriverError

        device._write = failed  # type: ignore[method-assign]
        with pytest.raises(DriverError):
            backend.set_thresholds(1, every(1, ONE))
        assert backend.broken


def every(stride: int, amount: int, n: int = 90) -> Thresholds:
    """Return thresholds for some of the first neurons of an area."""
    neurons = np.arange(0, n, stride)
    return Thresholds(neurons, np.full(len(neurons), amount))


def refracting(program: Program) -> Program:
    return replace(program, areas=tuple(replace(area, refraction=ONE // 8) for area in program.areas))


class TestDumps:
    """A state goes from one backend to another and on, bit for bit."""

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
                weights = [sim._backend.learned(f) for f in range(2)]  # type: ignore[union-attr]
                states.append(
                    (won, probed, [[c.tolist() for c in w] for w in weights], sim.rounds, sim.thresholds("A").tolist())
                )
        assert states[0] == states[1]
        assert len(states[0][0]) == 4

    def test_weights_set_for_one_fiber_leave_the_others(self) -> None:
        case, reference = settled_reference(200)
        backend = emulated()(case.program, Options())
        trace_of_rounds(backend, case.rounds)
        moved = backend.learned(2)
        backend.set_learned(0, type(moved)(*(column[:5] for column in backend.learned(0))))
        backend.memory()  # stores them
        learned = [[column.tolist() for column in backend.learned(f)] for f in range(6)]
        assert learned[1:] == reference[-2][1:]
        assert learned[0] == [column[:5] for column in reference[-2][0]]


class TestCupy:
    """`CupyDevice` itself, on a stand-in for CuPy; and why there may be no device."""

    @pytest.fixture
    def cupy(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "cupy", fake_cupy.module())
        cuda_device.why_not.cache_clear()

    @pytest.fixture(autouse=True)
    def _forget(self) -> Any:
        yield
        if hasattr(cuda_device.why_not, "cache_clear"):
            cuda_device.why_not.cache_clear()

    @pytest.mark.parametrize("case", [settled(200, rounds=12), excitable(304)], ids=["settled", "excitable"])
    def test_the_same_on_cupy(self, case: Scenario, cupy: None) -> None:
        backend_class = type("OnCupy", (GpuBackend,), {"device": staticmethod(CupyDevice)})
        assert trace(backend_class, case, Options()) == trace(ReferenceBackend, case, Options())

    def test_it_is_chosen_where_there_is_one(self, cupy: None) -> None:
        brain, stimulus = small_brain()
        with Simulator(brain) as sim:
            assert sim.backend_name == "gpu"
            sim.present(stimulus)
            sim.run(brain.fibers, rounds=2)
            assert len(sim.assembly("A")) == 40
            assert sim.timings()["project"] > 0
        assert describe()["auto"] == "gpu"
        about = describe()["gpu"]
        assert (about["device"], about["driver"], about["cuda"], about["cupy"]) == (
            "Fake H100",
            "13.0",
            "12.9",
            "14.2.0",
        )

    @pytest.mark.parametrize(
        ("options", "reason"),
        [
            ({"failure": "cudaErrorNoDevice: no CUDA-capable device is detected"}, "no CUDA-capable device"),
            ({"devices": 0}, "CUDA finds no device"),
            ({"compiler": "CuPy failed to load libnvrtc.so.12"}, "finds no compiler .*libnvrtc"),
            ({"capability": "61"}, "compute capability 6.1; 7.5 is the oldest"),
        ],
    )
    def test_why_there_is_none(self, options: Any, reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "cupy", fake_cupy.module(**options))
        cuda_device.why_not.cache_clear()
        assert re.search(reason, str(describe()["backends"]["gpu"]))
        assert describe()["gpu"] is None
        with pytest.raises(BackendError, match=reason):
            Simulator(small_brain()[0], backend="gpu")

    def test_without_cupy_the_extras_are_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "cupy", None)
        cuda_device.why_not.cache_clear()
        with pytest.raises(BackendError, match=r"CuPy cannot be imported .* pip install brainsim\[cuda12\]"):
            Simulator(small_brain()[0], backend="gpu")


def test_unlearned_and_learned_of_a_fixed_fiber() -> None:
    areas = (AreaSpec("S", 10, 10), AreaSpec("T", 40, 5))
    graph = Graph(fiber_key(0, "S", "T", ""), 10, 40, 0.5, False)
    backend = emulated()(Program(areas, (FiberSpec("S->T", 0, 1, graph, None),)), Options())
    assert len(backend.learned(0).pre) == 0
    assert backend.row(0, 3).tolist() == graph.row(3).tolist()


def test_a_scenario_without_learning_needs_no_lessons() -> None:
    case = scenario(2)
    backend_class, device = one_device()
    backend = backend_class(case.program, Options())
    trace_of_rounds(backend, [(stimuli, opened, fixed, False) for stimuli, opened, fixed, _ in case.rounds])
    assert "list_winners" in device.launches
    assert "strengthen" not in device.launches


def test_device_memory_errors_are_memory_errors() -> None:
    with pytest.raises(DeviceMemoryError) as caught:
        EmulatedDevice(memory=10).empty(11, np.uint8, "a test")
    assert isinstance(caught.value, MemoryError)
