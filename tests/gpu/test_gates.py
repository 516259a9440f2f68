"""Gates, drives of winners and transmissions agree with the reference, in queued and in stalled rounds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from brainsim.kernels.errors import DeviceMemoryError
from brainsim.kernels.gpu import transmissions
from brainsim.kernels.law.graph import Graph, fiber_key
from brainsim.kernels.law.selection import area_key
from brainsim.kernels.parts import AssemblyGate, ChannelGate
from brainsim.kernels.program import AreaSpec, FiberSpec, Options, Program
from brainsim.kernels.reference import ReferenceBackend
from brainsim.kernels.state import DRIVES, Drives
from driving import Driven
from gpus import driven, refracting, run_all, state_of
from scenarios import HEBBIAN, settled_reference

SIZES = (("S", 300, 200), ("G", 900, 12), ("T", 800, 25))


def gated_program() -> Program:
    """Return a brain in which ``G`` gates fibers from ``S`` and ``T``, by channels of three widths and by assemblies."""
    areas = tuple(AreaSpec(name, n, k, key=area_key(1, name)) for name, n, k in SIZES)
    assembly = AssemblyGate(2, tuple(range(0, 800, 40)))
    gates = [
        *((0, 2, ChannelGate(1, 3, 1)), (0, 2, ChannelGate(1, 9, 3)), (0, 1, None)),
        *((2, 2, ChannelGate(0, 3, 8)), (2, 1, assembly), (0, 2, None), (1, 2, AssemblyGate(1, (5,)))),
    ]
    fibers = tuple(
        FiberSpec(
            f"F{f}",
            source,
            target,
            Graph(fiber_key(f, str(source), str(target), ""), areas[source].n, areas[target].n, 0.1, source == target),
            HEBBIAN if f != 5 else None,
            gate=gate,
        )
        for f, (source, target, gate) in enumerate(gates)
    )
    return Program(areas, fibers)


def observed(backend: Driven) -> list[Any]:
    """Return all state, drives and transmissions."""
    areas, fibers = range(len(backend.program.areas)), range(len(backend.program.fibers))
    drives = [[column.tolist() for column in backend.read(DRIVES, a)] for a in areas]
    return [*state_of(backend), drives, [backend.transmissions(f).tolist() for f in fibers]]


def on_both(program: Program, act: Any, **options: Any) -> list[Any]:
    """Return what a function of a backend returns for the reference and a gpu."""
    return [act(each) for each in (Driven(ReferenceBackend(program, Options())), driven(program, **options)[0])]


def play(backend: Driven) -> list[Any]:
    """Queue rounds in which sources fire in all channels, in some channels, or not at all."""
    rng, seen = np.random.default_rng(3), []
    every = range(len(backend.program.fibers))
    for count in (200, 30, 0, 7):
        backend.set_winners(0, np.sort(rng.choice(300, count, replace=False)))
        backend.set_winners(1, [5, *(3 * np.arange(20, 31) + 1)])
        backend.set_winners(2, np.arange(0, 800, 35 + count % 2))
        backend.round([0, 1, 3, 5], {0}, learn=True)
        for _ in range(3):
            backend.round(every, {0}, learn=True)
        backend.round([0, 6], {0}, learn=False)
        seen.append(observed(backend))
    return seen


@pytest.mark.parametrize("options", [{}, {"multiprocessors": 132, "seed": 4}], ids=["in turn", "shuffled"])
def test_gates_agree_with_the_reference(options: Any) -> None:
    reference, gpu = on_both(gated_program(), play, **options)
    assert reference == gpu
    counts = [sum(each) for each in reference[-1][-1]]
    assert counts[5] > counts[1] > counts[0] > 0, "gates of channels pass some neurons"
    assert 0 < counts[6] < counts[2]
    assert len(reference[-1][1][1][0]) > 100, "a gated fiber learns"


def test_stalled_rounds_filter_and_count_once(no_room: None) -> None:
    def act(backend: Driven) -> list[Any]:
        backend.set_winners(0, np.arange(0, 300, 2))
        backend.set_winners(1, np.arange(0, 900, 70))
        backend.set_winners(2, np.arange(0, 800, 40))
        seen = []
        for rounds in (2, 5):  # without reading results in between
            for _ in range(rounds):
                backend.round(range(7), {0}, learn=True, record=[1, 2], drives=[2])
            drives = [{a: each.tolist() for a, each in noted.items()} for noted in backend.recorded_drives()]
            seen.append([*observed(backend), drives])
        return seen

    program = refracting(gated_program())
    gpu, device = driven(program, seed=5)
    assert act(Driven(ReferenceBackend(program, Options()))) == act(gpu)
    assert device.launches.count("pass_gates") > 7, "some rounds stalled and were run again"


def test_gates_are_launched_only_where_they_are_used() -> None:
    backend, device = driven(gated_program())
    backend.set_winners(0, range(50))
    for opened, launches in (([2, 5], 0), ([0, 2], 1), ([2, 5], 0)):
        before = device.launches.count("pass_gates")
        backend.round(opened, {0}, learn=True)
        assert device.launches.count("pass_gates") == before + launches


def test_buffers_hold_only_neurons_that_can_pass() -> None:
    """One firing neuron of a gating area opens one channel."""
    backend, _ = driven(gated_program())
    backend.set_winners(0, range(200))
    backend.set_winners(1, [8])
    backend.round([0], {0}, learn=True)
    assert backend.transmissions(0).sum() == 1
    assert backend.memory()["shared"]["buffers"]["gates"] < 200


@pytest.mark.parametrize(("size", "least"), [(1, 1), (2, 1), (4, 2), (5, 3), (600, 300)])
def test_half_of_an_assembly_opens_a_gate(size: int, least: int) -> None:
    program = gated_program()
    gate = AssemblyGate(2, tuple(range(100, 100 + size)))
    program = replace(program, fibers=(replace(program.fibers[0], gate=gate), *program.fibers[1:]))
    for firing, passed in ((least, 40), (least - 1, 0)):

        def act(backend: Driven, firing: int = firing) -> list[Any]:
            backend.set_winners(0, range(40))
            backend.set_winners(2, [*range(50), *range(100 + size - firing, 100 + size), 750])
            backend.round([0], {0}, learn=True)
            return observed(backend)

        reference, gpu = on_both(program, act)
        assert reference == gpu
        assert sum(gpu[-1][0]) == passed


def test_transmissions_are_counted_again_after_a_failed_round(no_room: None) -> None:
    backend, device = driven(gated_program())
    backend.set_winners(0, range(40))
    backend.round([2], {0}, learn=False)
    room = device.room
    backend.round([2, 5], {0}, learn=True)
    device.give_back(-device.room)  # another program takes all memory
    with pytest.raises(DeviceMemoryError):
        backend.winners(1)
    device.give_back(room)
    for area, firing in enumerate((range(40), [], [])):
        backend.set_winners(area, firing)
    before = backend.transmissions(2)
    backend.round([2], {0}, learn=True)
    assert (backend.transmissions(2) - before).tolist() == [1] * 40 + [0] * 260


class TestDrives:
    """The drives with which firing neurons have won."""

    def test_drives_are_written_with_the_state_and_removed_with_the_winners(self) -> None:
        case, _ = settled_reference(200)

        def act(backend: Driven) -> list[Any]:
            run_all(backend, case.rounds[:3])
            seen = [observed(backend)]
            kept = backend.read(DRIVES, 1)
            backend.set_winners(1, kept.neurons)
            seen.append(observed(backend))
            backend.write(DRIVES, 1, Drives(kept.neurons[::2], kept.amount[::2]))
            backend.round([0], {0, 1}, learn=False, record=[0, 1, 2], drives=[1, 0])
            seen += [
                observed(backend),
                [{a: d.tolist() for a, d in each.items()} for each in backend.recorded_drives()],
            ]
            backend.set_winners(0, range(80))  # more than the lists hold, so that they move
            seen.append(observed(backend))
            backend.round([0, 1], {0}, learn=False)
            return [*seen, observed(backend)]

        reference, gpu = on_both(case.program, act)
        assert reference == gpu
        assert len(reference[0][3][1][0]) == 25
        assert reference[1][3][1] == [[], []]
        assert np.count_nonzero(reference[3][0][1]) == 13

    def test_drives_of_all_areas_are_read_in_one_copy(self) -> None:
        case, _ = settled_reference(200)
        backend, device = driven(case.program)
        run_all(backend, case.rounds[:2])
        backend.winners(0)
        before = device.reads
        for area in range(3):
            backend.read(DRIVES, area)
        assert device.reads == before + 1


class TestTransmissions:
    """How often each neuron has fired while a fiber transmitted."""

    def test_full_counters_are_moved_to_the_host(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(transmissions, "MOST_ROUNDS", 2)
        case, _ = settled_reference(200)

        def act(backend: Driven) -> list[Any]:
            run_all(backend, case.rounds[:7])
            return observed(backend)

        reference, gpu = on_both(case.program, act)
        assert reference == gpu
        assert max(map(max, reference[-1])) > 4

    def test_fibers_that_never_transmit_take_no_memory(self) -> None:
        case, _ = settled_reference(200)
        backend, _ = driven(case.program)
        backend.set_winners(0, range(30))
        backend.round([0], {0}, learn=True)
        backend.round([2, 0], {0}, learn=True)
        sizes = {name: each["transmissions"] for name, each in backend.memory()["fibers"].items()}
        assert sizes == {"F01": 360, "F02": 0, "F11": 12_000, "F12": 0, "F21": 0, "F10": 0}
        assert backend.transmissions(1).tolist() == [0] * 90
        assert backend.transmissions(0).tolist() == [2] * 30 + [0] * 60
