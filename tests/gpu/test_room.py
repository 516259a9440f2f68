"""Arrays grow when new synapses need memory; if they cannot, the error leaves a consistent state or says so."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from brainsim import Area, Assembly, Brain, Hebbian, Simulator
from brainsim.errors import BackendMemoryError, SimulationError
from brainsim.kernels.errors import DeviceMemoryError
from brainsim.kernels.gpu import overlay
from brainsim.kernels.gpu.backend import GpuBackend
from brainsim.kernels.gpu.overlay import Overlay
from brainsim.kernels.program import Options
from brainsim.kernels.reference import ReferenceBackend
from emulator.device import EmulatedDevice, emulated
from gpus import both, one_device, small_brain, state_of
from scenarios import settled_reference, trace
from varied import SMALL, varied
from watching import difference, seen_at_last


class TestGrowth:
    """A round without memory for new synapses stalls and is run again."""

    @pytest.mark.parametrize(("rows", "pages"), [(1, 1), (1, 4096), (4096, 1)])
    def test_growing_arrays_does_not_change_results(
        self, rows: int, pages: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(overlay, "first_room", lambda _memory: (rows, pages))
        case, reference = settled_reference(200)
        backend_class, device = one_device(seed=1)
        assert trace(backend_class, case, Options()) == reference
        assert device.launches.count("assign_rows") > len(case.rounds)  # some rounds stalled and were run again

    def test_rounds_queued_after_a_stalled_one_run_after_it(self, no_room: None) -> None:
        case, _ = settled_reference(201)
        seen = []
        for backend in both(case.program):
            backend.set_winners(0, list(range(30)))
            for _ in range(7):  # without reading results in between
                backend.round(range(6), {0}, learn=True, record=[1, 2])
            recorded = [{a: won.tolist() for a, won in each.items()} for each in backend.recorded()]
            seen.append((backend.stable(), recorded, state_of(backend), backend.fired()))
        assert seen[0] == seen[1]
        assert len(seen[0][1]) == 7

    @pytest.mark.parametrize(("kind", "number"), [("traces", 0), ("gates", 1), ("depression", 2)])
    def test_rounds_of_any_kind_are_run_again(self, kind: str, number: int, no_room: None) -> None:
        case = varied(kind, number, SMALL)
        mine, theirs = (seen_at_last(each, case, Options()) for each in (emulated(seed=number), ReferenceBackend))
        assert not difference(mine, theirs)

    def test_all_arrays_grow_or_none(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """For any amount of memory, the arrays of targets and of weights have 32 places for each page."""
        grown = set()
        monkeypatch.setattr(overlay, "first_room", lambda _memory: (1024, 1024))
        for room in range(200_000, 900_000, 20_000):
            device = EmulatedDevice()
            pool = Overlay(device, 5000)
            device.give_back(room - device.room)
            try:
                pool.grow(0, 1025)
            except DeviceMemoryError:
                assert device.room == room
            sizes = {name: array.size for name, array in pool.record.arrays.items()}
            assert sizes["posts"] == sizes["weights"] == sizes["next"] * 32
            assert pool.record.value["page_capacity"] == sizes["next"]
            grown.add(sizes["next"])
        assert grown == {1024, 1025, 2048}


class TestNoMemory:
    """Errors name the memory that was needed, and a cure."""

    def test_a_brain_that_needs_more_memory_is_refused(
        self, emulated_gpu: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(GpuBackend, "device", staticmethod(lambda place: EmulatedDevice(memory=1 << 20)))
        brain = Brain()
        area = brain.add(Area("A", n=1_000_000, k=10))
        brain.connect(area, area, p=0.01, plasticity=Hebbian(0.1))
        message = (
            r"emulated device has no room for 7.6 MiB of drives: this brain holds .* MiB of its 1.0 MiB .*; lower n"
        )
        with pytest.raises(BackendMemoryError, match=message) as caught:
            Simulator(brain, backend="gpu")
        assert isinstance(caught.value, MemoryError)

    def test_synapses_that_need_more_memory_are_an_error(
        self, no_room: None, device: EmulatedDevice, tmp_path: Path
    ) -> None:
        brain, stimulus = small_brain()
        with Simulator(brain, backend="gpu") as sim:
            sim.present(stimulus)
            recording = sim.record("A")
            sim.run(brain.fibers, rounds=2)
            sim.save(tmp_path / "before.h5")
            room = device.room
            device.give_back(-room)  # another program takes all memory
            sim.present(Assembly("S", np.arange(50, 100)))
            with pytest.raises(BackendMemoryError, match=r"no room for .* MiB of learned synapses"):
                sim.run(brain.fibers, rounds=2)
            with pytest.raises(SimulationError, match="load a saved state"):
                sim.run(brain.fibers)
            device.give_back(room)
            sim.load(tmp_path / "before.h5")
            happened = len(recording)
            sim.run(brain.fibers, rounds=3)
            assert happened >= 2
            assert len(recording) == happened + 3
            assert max(neurons.max() for neurons in recording.winners("A")) < 2000
            after = sim.assembly("A").neurons.tolist()
        with Simulator(brain, backend="reference") as sim:
            sim.load(tmp_path / "before.h5")
            sim.run(brain.fibers, rounds=3)
            assert sim.assembly("A").neurons.tolist() == after

    def test_an_assembly_that_needs_more_memory_is_refused(self, device: EmulatedDevice) -> None:
        brain, stimulus = small_brain()
        with Simulator(brain, backend="gpu") as sim, Simulator(brain, backend="reference") as other:
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

    def test_a_recording_that_needs_more_memory_is_refused(self, device: EmulatedDevice) -> None:
        """The round that was to be recorded does not run, either."""
        brain, stimulus = small_brain()
        with Simulator(brain, backend="gpu") as sim:
            sim.present(stimulus)
            sim.run(brain.fibers, rounds=2)
            before, room = sim.assembly("A"), device.room
            device.give_back(1000 - room)
            recording = sim.record("A")
            with pytest.raises(BackendMemoryError, match=r"of recordings: .*; record fewer areas"):
                sim.run(brain.fibers)
            assert sim.assembly("A") == before
            device.give_back(room - 1000)
            sim.run(brain.fibers)
            assert len(recording) == 1

    def test_the_error_of_a_device_is_a_memory_error(self) -> None:
        with pytest.raises(DeviceMemoryError) as caught:
            EmulatedDevice(memory=10).empty(11, np.uint8, "a test")
        assert isinstance(caught.value, MemoryError)
