"""Forked processes, pools and threading layers give the same result or a clear error, and never hang."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from brainsim import Area, Brain, Hebbian, Simulator
from brainsim.errors import BackendError
from brainsim.kernels.gpu import cuda_device
from brainsim.simulate import backends
from brainsim.simulate.guard import changes
from checkout import ROOT

forks = pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="this system cannot fork")
pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
LIMIT = 120  # seconds until a process counts as hanging


def small_brain() -> Brain:
    brain = Brain()
    phon, lex = brain.add(Area("Phon", n=100, k=50, patterns={"dog": range(50)}), Area("Lex", n=20_000, k=50))
    rule = Hebbian(beta=0.1, w_max=20)
    brain.connect(phon, lex, p=0.05, plasticity=rule)
    brain.connect(lex, lex, p=0.05, plasticity=rule)
    return brain


def started(seed: int = 1, backend: str = "cpu") -> Simulator:
    sim = Simulator(small_brain(), seed=seed, backend=backend, threads=2 if backend == "cpu" else None)
    sim.present(sim.brain["Phon"]["dog"])
    sim.run(sim.brain.fibers, rounds=2)
    return sim


def continued(sim: Simulator) -> list[int]:
    sim.run(sim.brain.fibers, rounds=4)
    return sim.assembly("Lex").neurons.tolist()


def forked(call: Callable[[], Any]) -> Any:
    """Return the result of a call in a forked process, or the text of its error; fail if the process hangs."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)

    def answer() -> None:
        try:
            sender.send(call())
        except BaseException as error:
            sender.send(f"{type(error).__name__}: {error}")

    child = context.Process(target=answer)
    child.start()
    try:
        assert receiver.poll(LIMIT), "the forked process hangs"
        return receiver.recv()
    finally:
        child.kill()
        child.join()


@forks
def test_a_simulator_continues_in_a_forked_process_and_in_its_parent() -> None:
    with started() as sim, started() as other:
        expected = continued(other)
        assert forked(lambda: continued(sim)) == expected
        assert continued(sim) == expected


@forks
def test_a_process_forked_during_a_change_refuses_the_simulator_and_can_build_another() -> None:
    """Locks that other threads held are free in the child, and a state that may be inconsistent is refused."""
    with started() as sim:
        inside, over = threading.Event(), threading.Event()

        def stay(sim: Simulator) -> None:
            inside.set()
            over.wait(LIMIT)

        with ThreadPoolExecutor(1) as pool:
            staying = pool.submit(changes(stay), sim)
            inside.wait(LIMIT)
            text = forked(lambda: sim.rounds)
            fresh = forked(lambda: continued(started()))
            over.set()
            staying.result(LIMIT)
        assert text.startswith("SimulationError: Simulator: this process was forked while another thread")
        assert "get_context('spawn')" in text
        assert fresh == continued(sim)


@forks
def test_a_process_forked_outside_the_thread_of_a_probe_refuses_the_simulator() -> None:
    with started() as sim:
        with sim.frozen(), ThreadPoolExecutor(1) as pool:
            text = pool.submit(forked, lambda: sim.rounds).result(LIMIT)
        assert "another thread is inside frozen()" in text
        assert forked(lambda: sim.rounds) == 2


@forks
@pytest.mark.usefixtures("emulated_gpu")
def test_a_gpu_is_refused_in_a_forked_process() -> None:
    with started(backend="gpu") as sim:
        text = forked(lambda: sim.run(sim.brain.fibers))
        assert text.startswith("SimulationError: Simulator: a GPU cannot be used in a forked process; build")
        assert "spawn" in text
        assert forked(sim.close) is None
        assert sim.rounds == 2


def test_a_gpu_is_refused_after_a_fork_that_makes_cuda_unusable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cupy", type(sys)("cupy"))
    monkeypatch.setattr(cuda_device, "_lost", False)
    monkeypatch.setattr(cuda_device, "_asked", True)
    cuda_device._note_fork()
    monkeypatch.setattr(cuda_device, "why_not", lambda: None)
    with pytest.raises(BackendError, match=r"gpu: this process was forked .*; start it by .*'spawn'"):
        Simulator(small_brain(), backend="gpu")


_sim: Simulator | None = None


def _of_the_parent(extra: int) -> list[int]:
    assert _sim is not None
    for _ in range(extra):
        continued(_sim)
    return continued(_sim)


@forks
def test_a_pool_of_forked_processes_uses_a_simulator_of_its_parent(monkeypatch: pytest.MonkeyPatch) -> None:
    with started() as sim, started() as other:
        monkeypatch.setattr(sys.modules[__name__], "_sim", sim)
        with multiprocessing.get_context("fork").Pool(2, maxtasksperchild=1) as pool:
            results = [pool.apply_async(_of_the_parent, (extra,)) for extra in (0, 1)]
            assert [each.get(LIMIT) for each in results] == [continued(other) for _ in range(2)]


def script(text: str, **environment: str) -> str:
    """Return the output of a script that can ``play`` a brain large enough for two threads; fail if it hangs."""
    head = """
        import sys
        from brainsim import Area, Brain, Hebbian, Simulator

        def play(seed):
            brain = Brain()
            phon, lex = brain.add(Area("Phon", n=100, k=50, patterns={"dog": range(50)}), Area("Lex", n=200_000, k=300))
            brain.connect(phon, lex, p=0.05, plasticity=Hebbian(beta=0.1, w_max=20))
            brain.connect(lex, lex, p=0.05, plasticity=Hebbian(beta=0.1, w_max=20))
            with Simulator(brain, seed=seed, backend="cpu") as sim:
                sim.present(phon["dog"])
                sim.run(phon >> lex)
                sim.run(phon >> lex | lex >> lex, rounds=3)
                return sim.assembly(lex).neurons.tolist()
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(head) + textwrap.dedent(text)],
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_two_threads_run_rounds_under_the_workqueue_layer_of_numba() -> None:
    """Numba's workqueue aborts the process if two threads use it; brainsim uses threads of its own instead."""
    text = """
        from concurrent.futures import ThreadPoolExecutor
        with ThreadPoolExecutor(2) as pool:
            print(list(pool.map(play, [1, 2, 1])) == [play(1), play(2), play(1)])
    """
    assert script(text, NUMBA_THREADING_LAYER="workqueue", NUMBA_NUM_THREADS="1") == "True\n"


def test_a_process_that_is_given_a_share_of_the_cores_uses_as_many_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers of joblib and jobs of batch schedulers find their share in the environment."""
    monkeypatch.setattr(backends, "cores", lambda: 8)
    for share, threads in (("3", 3), ("100", 8), ("0", 1), ("", 8), ("many", 8)):
        monkeypatch.setenv("NUMBA_NUM_THREADS", share)
        assert backends.thread_count("cpu", None) == threads
        assert backends.thread_count("cpu", 5) == 5


POOLS = {
    "joblib": "from joblib import Parallel, delayed; together = Parallel(n_jobs=2)(delayed(play)(s) for s in (1, 2))",
    "joblib threads": (
        "from joblib import Parallel, delayed; "
        "together = Parallel(n_jobs=2, backend='threading')(delayed(play)(s) for s in (1, 2))"
    ),
    "joblib multiprocessing": (
        "from joblib import Parallel, delayed; "
        "together = Parallel(n_jobs=2, backend='multiprocessing')(delayed(play)(s) for s in (1, 2))"
    ),
    "concurrent.futures": (
        "from concurrent.futures import ProcessPoolExecutor\n"
        "with ProcessPoolExecutor(2) as pool: together = list(pool.map(play, (1, 2)))"
    ),
    "fork": (
        "import multiprocessing\nwith multiprocessing.get_context('fork').Pool(2) as pool:\n"
        "    together = pool.map(play, (1, 2))"
    ),
}


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="this system cannot fork")
@pytest.mark.parametrize("pool", POOLS)
def test_a_pool_gives_what_one_process_gives(pool: str) -> None:
    """Rounds with two threads come first, so that forked workers lack the threads of their parent."""
    text = f"alone = [play(1), play(2)]\n{POOLS[pool]}\nprint(together == alone)\n"
    assert script(text) == "True\n"


def _started_and_continued(seed: int) -> list[int]:
    with started(seed) as sim:
        return continued(sim)


@pytest.mark.slow
def test_a_pool_of_spawned_processes_gives_what_one_process_gives() -> None:
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        together = pool.map_async(_started_and_continued, (1, 2)).get(LIMIT)
    assert together == [_started_and_continued(1), _started_and_continued(2)]
