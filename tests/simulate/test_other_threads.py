"""Other threads that read, save, change or close a simulator get a consistent state or a clear error."""

from __future__ import annotations

import inspect
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from brainsim import Area, Brain, Hebbian, Modulator, Recording, Simulator
from brainsim.errors import SimulationError
from brainsim.simulate.connectome import Connectome
from brainsim.simulate.guard import Guard
from waiting_for import wait_until

WORDS = ("dog", "cat", "bird")
LONG = 10**7  # more rounds than any test waits for


def small_brain() -> Brain:
    brain = Brain()
    patterns = {word: range(20 * i, 20 * i + 20) for i, word in enumerate(WORDS)}
    phon, lex = brain.add(Area("Phon", n=60, k=20, patterns=patterns), Area("Lex", n=2000, k=30))
    dopamine = brain.add(Modulator("dopamine", baseline=1.0, decay=0.9))
    brain.connect(phon, lex, p=0.1, plasticity=Hebbian(beta=0.1, w_max=20), modulated_by=dopamine)
    brain.connect(lex, lex, p=0.1, plasticity=Hebbian(beta=0.1, w_max=20))
    return brain


@pytest.fixture
def sim() -> Iterator[Simulator]:
    with Simulator(small_brain(), seed=1, backend="cpu") as sim:
        sim.present(sim.brain["Phon"]["dog"])
        sim.run(sim.brain.fibers)
        yield sim


def in_another_thread(call: Callable[[], Any]) -> Any:
    """Return the result of a call in another thread, or raise its error; fail if it hangs."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(call).result(timeout=20)


UNGUARDED = {
    (Simulator, "close"): "may end a run or a probe of another thread; see the tests of closing",
    (Simulator, "frozen"): "a block; see the test of blocks",
    (Simulator, "temporary_thresholds"): "a block; see the test of blocks",
}


def public(kind: type) -> list[str]:
    """Return the names of the public methods and properties of a class."""
    found = [name for name in vars(kind) if not name.startswith("_")]
    return [name for name in found if callable(getattr(kind, name)) or isinstance(vars(kind)[name], property)]


@pytest.mark.parametrize("kind", [Simulator, Connectome])
def test_every_public_entry_refuses_other_threads_during_a_probe(sim: Simulator, kind: type) -> None:
    """Calls are refused before their arguments are checked, so that the test gives none."""
    names = [name for name in public(kind) if (kind, name) not in UNGUARDED]
    assert len(names) > 5
    target = sim if kind is Simulator else sim.connectome(sim.brain["Phon"] >> sim.brain["Lex"])

    def enter(name: str) -> str:
        try:
            found = getattr(target, name)
            if not isinstance(inspect.getattr_static(kind, name), property):
                found()
        except SimulationError as error:
            return str(error)
        except TypeError as error:
            return f"no guard before the arguments: {error}"
        return "no guard"

    with sim.frozen():
        refused = {name: in_another_thread(lambda name=name: enter(name)) for name in names}
    wrong = {name: text for name, text in refused.items() if "another thread is inside frozen()" not in text}
    assert not wrong


def test_blocks_refuse_other_threads_even_if_they_wait_for_them(sim: Simulator) -> None:
    for name, block in (("frozen", sim.frozen()), ("temporary_thresholds", sim.temporary_thresholds("Lex", 1.0))):
        with block:
            for other in (lambda: sim.rounds, lambda: sim.run(sim.brain.fibers), lambda: sim.frozen().__enter__()):
                with pytest.raises(
                    SimulationError, match=rf"another thread is inside {name}\(\), .*; call this in that"
                ):
                    in_another_thread(other)
            assert sim.rounds == 1
        assert in_another_thread(lambda: sim.rounds) == 1


def test_nested_blocks_end_one_by_one(sim: Simulator) -> None:
    with sim.frozen():
        with sim.temporary_thresholds("Lex", 2.0), sim.frozen():
            pass
        with pytest.raises(SimulationError, match=r"inside frozen\(\)"):
            in_another_thread(lambda: sim.rounds)
    assert in_another_thread(lambda: sim.learning)


def test_a_probe_may_end_in_another_thread(sim: Simulator) -> None:
    before = sim.assembly("Lex")
    probe = sim.frozen()
    probe.__enter__()
    sim.run(sim.brain.fibers, rounds=3)
    assert sim.assembly("Lex") != before
    in_another_thread(lambda: probe.__exit__(None, None, None))
    assert (sim.assembly("Lex"), sim.rounds, sim.learning) == (before, 1, True)
    assert in_another_thread(lambda: sim.rounds) == 1


def present_words(sim: Simulator, upto: int) -> None:
    """Present one word a round, from round ``sim.rounds`` up to round ``upto``."""
    phon, lex = sim.brain["Phon"], sim.brain["Lex"]
    while sim.rounds < upto:
        sim.present(phon[WORDS[sim.rounds % len(WORDS)]])
        sim.run(phon >> lex | lex >> lex)


def test_states_saved_during_runs_continue_to_the_same_winners(tmp_path: Path) -> None:
    brain, last = small_brain(), 60
    with Simulator(brain, seed=3) as sim:
        present_words(sim, last)
        truth = sim.assembly("Lex"), sim.connectome(brain["Lex"] >> brain["Lex"]).learned()[2].tolist()
    saved: list[Path] = []
    with Simulator(brain, seed=3) as sim:
        over = threading.Event()

        def save() -> None:
            while not over.is_set():
                saved.append(tmp_path / f"{len(saved)}.h5")
                sim.save(saved[-1])

        with ThreadPoolExecutor(1) as pool:
            saving = pool.submit(save)
            wait_until(lambda: len(saved) > 0)
            present_words(sim, last // 2)
            halfway = len(saved)
            wait_until(lambda: len(saved) > halfway + 1)  # the state of this round is saved
            present_words(sim, last)
            over.set()
            saving.result(20)
        assert sim.assembly("Lex") == truth[0]
    rounds = set()
    for path in {saved[halfway], *saved[:: max(1, len(saved) // 6)]}:
        with Simulator(brain, seed=3) as sim:
            sim.load(path)
            rounds.add(sim.rounds)
            present_words(sim, last)
            assert (sim.assembly("Lex"), sim.connectome(brain["Lex"] >> brain["Lex"]).learned()[2].tolist()) == truth
    assert last // 2 in rounds


@pytest.fixture
def running(sim: Simulator) -> Iterator[Callable[[], BaseException | None]]:
    """Start an endless run in another thread; yield a function that closes the simulator and returns the run's error."""
    raised: list[BaseException] = []

    def run() -> None:
        try:
            sim.run(sim.brain.fibers, rounds=LONG)
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    wait_until(lambda: sim.rounds > 1)

    def end() -> BaseException | None:
        sim.close()
        thread.join(20)
        assert not thread.is_alive()
        return raised[0] if raised else None

    yield end
    end()


def test_states_can_be_saved_between_the_rounds_of_a_long_run(backend: str, tmp_path: Path) -> None:
    brain, saved = small_brain(), []
    length = 2000 if backend == "cpu" else 40  # about 0.1 s
    with Simulator(brain, seed=1, backend=backend) as sim, ThreadPoolExecutor(1) as pool:
        sim.present(brain["Phon"]["dog"])
        recording = sim.record("Lex")
        run = pool.submit(lambda: sim.run(brain.fibers, rounds=length))
        while not run.done() and len(saved) < 30:
            saved.append(tmp_path / f"{len(saved)}.h5")
            sim.save(saved[-1])
    seen = {}
    for path in saved:
        with Simulator(brain, seed=1, backend="cpu") as later:
            later.load(path)
            seen[later.rounds] = state(later)
    assert len(seen) > 2
    with Simulator(brain, seed=1, backend="cpu") as alone:
        alone.present(brain["Phon"]["dog"])
        for rounds in range(1, length + 1):
            alone.run(brain.fibers)
            assert alone.assembly("Lex").neurons.tolist() == recording.winners("Lex")[rounds - 1].tolist()
            if rounds in seen:
                assert seen.pop(rounds) == state(alone)
    assert not seen.keys() - {0}


def state(sim: Simulator) -> Any:
    """Return the winners, the learned weights, and the report of parts that were not used."""
    learned = [[column.tolist() for column in sim.connectome(fiber).learned()] for fiber in sim.brain.fibers]
    return sim.assembly("Lex").neurons.tolist(), learned, sim.unused()


def test_closing_ends_a_run_in_another_thread_with_an_error(
    sim: Simulator, running: Callable[[], BaseException | None]
) -> None:
    error = running()
    assert isinstance(error, SimulationError)
    assert "is closed" in str(error)


def test_after_another_thread_closes_the_simulator_a_probe_refuses_to_run(sim: Simulator) -> None:
    with pytest.raises(SimulationError, match="is closed"), sim.frozen():
        in_another_thread(sim.close)
        sim.run(sim.brain.fibers)


def test_ctrl_c_ends_the_wait_for_a_run(sim: Simulator, running: Callable[[], BaseException | None]) -> None:
    timer = threading.Timer(0.2, lambda: signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        sim.present(sim.brain["Phon"]["cat"])
    assert sim.rounds > 0
    assert isinstance(running(), SimulationError)


def test_runs_of_several_threads_alternate(sim: Simulator) -> None:
    """The runs of three threads give the result of one thread: all rounds are counted and complete."""
    fibers = sim.brain.fibers
    with ThreadPoolExecutor(3) as pool:
        for each in [pool.submit(lambda: [sim.run(fibers, rounds=3) for _ in range(20)]) for _ in range(3)]:
            each.result(30)
    assert sim.rounds == 1 + 3 * 20 * 3
    with Simulator(small_brain(), seed=1, backend="cpu") as alone:
        alone.present(alone.brain["Phon"]["dog"])
        alone.run(alone.brain.fibers, rounds=sim.rounds)
        assert alone.assembly("Lex") == sim.assembly("Lex")


def test_a_thread_can_read_between_many_short_runs_of_another(sim: Simulator) -> None:
    over = threading.Event()

    def run() -> int:
        rounds = 0
        while not over.is_set():
            sim.run(sim.brain.fibers)
            rounds += 1
        return rounds

    with ThreadPoolExecutor(1) as pool:
        rounds = pool.submit(run)
        begun = time.monotonic()
        for _ in range(50):
            sim.assembly("Lex")
        took = time.monotonic() - begun
        over.set()
        assert rounds.result(20) > 0
    assert took < 10  # about 0.1 s on a quiet machine; without fair turns, up to 0.15 s a read


def test_another_thread_reads_only_complete_rounds_of_a_recording(sim: Simulator) -> None:
    recording: Recording = sim.record("Lex", drives=True)

    def read() -> int:
        seen = 0
        while seen < 150:
            seen, drives = len(recording), recording.drives("Lex")
            assert all(len(a) == len(b) for a, b in zip(recording.winners("Lex"), drives, strict=False))
            assert len(drives) >= seen
        recording.stop()
        return len(recording)

    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(read)
        while not recording.stopped:
            sim.run(sim.brain.fibers)
        length = reading.result(20)
    sim.run(sim.brain.fibers)
    assert length <= len(recording) <= length + 1


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no timers that send signals")
def test_a_signal_handler_is_refused_in_the_middle_of_a_run(sim: Simulator, tmp_path: Path) -> None:
    refused = []

    def save(number: int, frame: object) -> None:
        try:
            sim.save(tmp_path / "torn.h5")
        except SimulationError as error:
            refused.append(str(error))

    before = signal.signal(signal.SIGALRM, save)
    try:
        while not refused:
            signal.setitimer(signal.ITIMER_REAL, 0.01)
            sim.run(sim.brain.fibers, rounds=1000)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert "in the middle of a call of the same thread" in refused[0]
    with Simulator(small_brain(), seed=1, backend="cpu") as alone:
        alone.present(alone.brain["Phon"]["dog"])
        alone.run(alone.brain.fibers, rounds=sim.rounds)
        assert state(alone) == state(sim)


def test_simulators_in_several_threads_do_not_wait_for_each_other(sim: Simulator) -> None:
    other = Simulator(small_brain(), seed=1, backend="reference")
    with other.frozen():
        assert in_another_thread(lambda: sim.run(sim.brain.fibers)).rounds == 1
    other.close()


def test_a_change_inside_a_read_is_refused() -> None:
    """A read holds no lock against a run, so that a change of the same thread inside it is refused."""
    guard = Guard()

    class Thing:
        _guard = guard

    from brainsim.simulate.guard import changes, looks

    thing = Thing()
    change = changes(lambda self: "changed")
    assert changes(lambda self: looks(lambda self: change(self))(self))(thing) == "changed"
    with pytest.raises(SimulationError, match="in the middle of a call"):
        looks(lambda self: change(self))(thing)
    assert change(thing) == "changed"
