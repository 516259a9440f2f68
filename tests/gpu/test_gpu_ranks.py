"""One brain on several ranks, each with a device: which it takes, what it is asked, and what happens without room."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from brainsim import Assembly, Simulator
from brainsim.errors import BackendMemoryError, SimulationError
from brainsim.kernels.gpu.backend import GpuBackend
from brainsim.kernels.gpu.cuda_device import CupyDevice
from brainsim.kernels.program import Options
from brainsim.kernels.reference import ReferenceBackend
from brainsim.simulate.company import Company
from emulator import fake_cupy
from emulator.device import EmulatedDevice, emulated
from gpus import small_brain
from rank_play import brain, play
from ranked import ThreadComm, on_ranks, ranked
from varied import SIZES, varied
from watching import difference, seen_at_last


@pytest.fixture
def devices(emulated_gpu: None, monkeypatch: pytest.MonkeyPatch) -> dict[int, EmulatedDevice]:
    """The devices that ranks have opened, by their places."""
    opened: dict[int, EmulatedDevice] = {}

    def open_device(place: int) -> EmulatedDevice:
        opened[place] = EmulatedDevice(place)
        return opened[place]

    monkeypatch.setattr(GpuBackend, "device", staticmethod(open_device))
    return opened


def seen(folder: Path, **options: Any) -> Any:
    with Simulator(brain(), 5, **options) as sim:
        return json.loads(json.dumps(play(sim, folder, "ranks")))


def test_simulators_on_devices_give_the_bits_of_one(devices: dict[int, EmulatedDevice], tmp_path: Path) -> None:
    """Saved states, recordings, probes, modulators, reinforcement: whatever a simulator does."""
    expected = seen(tmp_path, backend="reference")
    found = on_ranks(2, lambda comm: seen(tmp_path, backend="gpu", comm=comm))
    assert found == [expected] * 2
    assert all(devices[place].closed for place in range(2))


@pytest.mark.parametrize("kind", ["all", pytest.param("depression", marks=pytest.mark.slow)])
def test_learning_without_room_is_done_again(kind: str, no_room: None) -> None:
    case = varied(kind, 2, SIZES, 6)
    expected = seen_at_last(ReferenceBackend, case, Options())
    found = on_ranks(2, lambda comm: seen_at_last(ranked(emulated(), comm), case, Options()))
    assert [difference(each, expected) for each in found] == ["", ""]


def test_areas_of_a_round_share_launches_and_readings(devices: dict[int, EmulatedDevice]) -> None:
    def counted(comm: ThreadComm) -> tuple[int, int, int]:
        with Simulator(brain(), 5, backend="gpu", comm=comm) as sim:
            sim.present(sim.brain["S"].patterns["0"])
            sim.run(sim.brain.fibers, rounds=6)
            device = devices[comm.rank]
            launches, reads = len(device.launches), device.reads
            sim.run(sim.brain.fibers)
            own = device.launches[launches:]
            return own.count("project"), own.count("strengthen"), device.reads - reads

    # Two areas select and three fibers learn.  The host waits for the candidates (status, winners, drives) and once,
    # after learning, for the status.
    assert on_ranks(2, counted) == [(1, 1, 4)] * 2


def test_no_memory_for_synapses_breaks_the_brain_until_a_state_is_loaded(
    devices: dict[int, EmulatedDevice], no_room: None, tmp_path: Path
) -> None:
    expected, stimulus = small_brain()

    def fails(comm: ThreadComm) -> list[int]:
        with Simulator(expected, backend="gpu", comm=comm) as sim:
            sim.present(stimulus)
            sim.run(expected.fibers, rounds=2)
            sim.save(tmp_path / "before.h5")
            device = devices[comm.rank]
            room = device.room
            device.give_back(-room)  # another program takes all there is
            sim.present(Assembly("S", np.arange(50, 100)))
            with pytest.raises(BackendMemoryError, match=r"no room for .* MiB of learned synapses"):
                sim.run(expected.fibers, rounds=2)
            with pytest.raises(SimulationError, match="load a saved state"):
                sim.run(expected.fibers)
            device.give_back(room)
            sim.load(tmp_path / "before.h5")
            sim.run(expected.fibers, rounds=3)
            return sim.assembly("A").neurons.tolist()

    found = on_ranks(2, fails)
    with Simulator(expected, backend="reference") as sim:
        sim.load(tmp_path / "before.h5")
        sim.run(expected.fibers, rounds=3)
        assert found == [sim.assembly("A").neurons.tolist()] * 2


def test_the_report_of_memory_adds_up(devices: dict[int, EmulatedDevice]) -> None:
    def unreported(comm: ThreadComm) -> int:
        with Simulator(brain(), 5, backend="gpu", comm=comm) as sim:
            sim.present(sim.brain["S"].patterns["0"])
            sim.run(sim.brain.fibers, rounds=2)
            memory = sim.memory()
            assert memory["areas"]["A"].keys() >= {"winners", "drive", "index", "thresholds", "drives"}
            total = sum(size for part in memory.values() for owner in part.values() for size in owner.values())
            return devices[comm.rank].held - total

    # Tables of areas are not reported; winners, thresholds and traces are on the host.
    assert all(abs(each) < 20_000 for each in on_ranks(2, unreported))


class TestPlaces:
    """The ranks on a machine take its devices in turn."""

    def test_a_rank_knows_its_number_on_its_machine(self) -> None:
        nodes = ["a", "b", "a", "a", "b"]

        class Comm(ThreadComm):
            def allgather(self, sendobj: Any) -> list[Any]:
                return nodes

        companies = [Company(Comm(rank, [None] * 5, None)) for rank in range(5)]  # type: ignore[arg-type]
        with pytest.MonkeyPatch.context() as patch:
            for company, node in zip(companies, nodes, strict=True):
                patch.setattr("platform.node", lambda node=node: node)
                assert company.neighbours == nodes.count(node)
                assert company.place == nodes[: company.rank].count(node)
        assert Company(None).place == 0

    def test_ranks_take_the_devices_in_turn(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "cupy", fake_cupy.module(devices=3))
        names = [CupyDevice(place).description.name for place in (0, 1, 2, 3, None)]
        assert names == ["Fake H100", "Fake H100 1", "Fake H100 2", "Fake H100", "Fake H100"]

    def test_a_brain_runs_on_a_device_that_is_not_current(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "cupy", fake_cupy.module(devices=3))
        backend = type("OnCupy", (GpuBackend,), {"device": staticmethod(CupyDevice)})
        case = varied("traces", 0, SIZES, 3)
        expected = seen_at_last(ReferenceBackend, case, Options())
        assert not difference(seen_at_last(lambda *given: backend(*given, 4), case, Options()), expected)
