"""The host waits only to read results; an interrupted round is completed, and a failed one is reported."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from brainsim import Simulator
from brainsim.errors import SimulationError
from brainsim.kernels.errors import KernelError
from emulator.device import EmulatedDevice
from gpus import DriverError, both, driven, every, fail, interrupt, refracting, run_all, small_brain, state_of
from scenarios import scenario, settled_reference

SLOW = ("list_winners", "cross_out", "reserve", "strengthen")  # kernels that fail; each takes seconds on the emulator


def test_a_loop_of_rounds_reads_nothing_from_the_device() -> None:
    case, _ = settled_reference(202)
    backend, device = driven(case.program)
    backend.set_winners(0, list(range(30)))
    backend.round(range(6), {0}, learn=True)
    assert not backend.stable()
    before, each = device.reads, len(device.launches)
    for _ in range(20):
        backend.round(range(6), {0}, learn=True, record=[0, 1, 2])
    assert device.reads == before
    launched = device.launches[each:]
    assert len(launched) % 20 == 0  # all rounds take the same number of launches
    assert len(set(zip(*[iter(launched)] * (len(launched) // 20), strict=True))) == 1
    assert len(backend.recorded()) == 20
    assert device.reads > before


def test_a_run_reads_from_the_device_once(device: EmulatedDevice) -> None:
    brain, stimulus = small_brain()
    with Simulator(brain, backend="gpu") as sim:
        sim.present(stimulus)
        sim.run(brain.fibers)
        reads = []
        for rounds in (1, 30):
            before = device.reads
            stable = sim.run(brain.fibers, rounds=rounds).stable
            reads.append((stable, device.reads - before))
        assert reads == [(False, 1), (True, 1)]


def test_more_rounds_are_recorded_than_the_ring_has_slots() -> None:
    case, _ = settled_reference(200)
    seen = []
    for backend in both(case.program):
        backend.set_winners(0, list(range(30)))
        for number in range(300):
            backend.round([0], {0}, learn=False, record=[1] if number % 40 else [0, 1])
        seen.append([{area: won.tolist() for area, won in each.items()} for each in backend.recorded()])
    assert seen[0] == seen[1]
    assert len(seen[0]) == 300


@pytest.mark.parametrize("kernel", ["project", "list_winners", "reserve", "commit", "record"])
def test_an_interrupted_round_is_completed(kernel: str, request: pytest.FixtureRequest) -> None:
    """Ctrl-C during the launches of a round takes effect after the last one."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a process in the background ignores it
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, before))
    case, _ = settled_reference(200)
    states = []
    for interrupted in (False, True):
        backend, device = driven(refracting(case.program))
        backend.set_winners(0, list(range(30)))
        backend.round(range(6), {0}, learn=True)
        first = state_of(backend)
        if interrupted:
            device.before[kernel] = interrupt
            with pytest.raises(KeyboardInterrupt):
                backend.round(range(6), {0}, learn=True, record=[1])
        else:
            backend.round(range(6), {0}, learn=True, record=[1])
        second, stable = state_of(backend), backend.stable()
        backend.round(range(6), {0}, learn=True)
        recorded = [won[1].tolist() for won in backend.recorded()]
        states.append((first, second, stable, recorded, state_of(backend)))
    assert states[0] == states[1]
    assert states[0][0] != states[0][1]


class TestFailures:
    """An inconsistent state cannot be used; a saved state can be loaded."""

    @pytest.mark.parametrize(
        "kernel", ["project", *(pytest.param(each, marks=pytest.mark.slow) for each in ("commit", *SLOW))]
    )
    def test_a_failure_within_a_round_is_reported(self, kernel: str, tmp_path: Path, device: EmulatedDevice) -> None:
        brain, stimulus = small_brain(refraction=0.05)
        after = []
        for backend in ("reference", "gpu"):
            with Simulator(brain, backend=backend) as sim:
                sim.present(stimulus)
                sim.run(brain.fibers, rounds=2)
                sim.save(tmp_path / "state.h5")
                if backend == "gpu":
                    device.before[kernel] = fail
                    with pytest.raises(DriverError):
                        sim.run(brain.fibers, rounds=3)
                    with pytest.raises(SimulationError, match="load a saved state"):
                        sim.run(brain.fibers)
                    sim.load(tmp_path / "state.h5")
                sim.run(brain.fibers, rounds=3)
                weights = [sim.connectome(fiber).to_scipy().toarray().tolist() for fiber in brain.fibers]
                after.append((sim.assembly("A"), weights, sim.thresholds("A").tolist()))
        assert after[0] == after[1]

    def test_a_failure_while_rounds_are_run_again_is_reported(self, no_room: None) -> None:
        case, _ = settled_reference(200)
        backend, device = driven(case.program)
        backend.set_winners(0, list(range(30)))
        for _ in range(5):
            backend.round(range(6), {0}, learn=True)
        device.before["commit"] = fail
        with pytest.raises(DriverError):
            backend.winners(1)
        assert backend.broken
        assert not backend.drain().fired
        for call in (lambda: backend.winners(1), lambda: backend.round(range(6), {0}, learn=True)):
            with pytest.raises(KernelError, match="the state on the device is inconsistent"):
                call()

    @pytest.mark.parametrize("kind", ["winners", "thresholds"])
    def test_a_failure_while_a_state_is_written_is_reported(self, kind: str) -> None:
        case, _ = settled_reference(200)
        backend, device = driven(case.program)
        assert not backend.broken
        device.before["write"] = fail
        with pytest.raises(DriverError):
            if kind == "winners":
                backend.set_winners(1, [3])
            else:
                backend.set_thresholds(1, every(1, 7))
        assert backend.broken

    def test_a_failure_while_learned_synapses_are_stored_is_reported(self) -> None:
        """They are stored when the next round begins."""
        case, _ = settled_reference(200)
        backend, device = driven(case.program)
        backend.set_winners(0, list(range(30)))
        run_all(backend, case.rounds[:3])
        backend.set_learned(0, backend.learned(0))
        device.before["write"] = fail
        with pytest.raises(DriverError):
            backend.round([0], {0}, learn=True)
        assert backend.broken


def test_rounds_without_learning_launch_no_kernels_of_learning() -> None:
    case = scenario(2)
    backend, device = driven(case.program)
    run_all(backend, [(stimuli, opened, held, False) for stimuli, opened, held, _ in case.rounds])
    assert "list_winners" in device.launches
    assert "strengthen" not in device.launches
