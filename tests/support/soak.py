"""Open, run, save, load and close many simulators in one process, and watch its memory, threads and open files.

Run it as ``python tests/support/soak.py --simulators 2000``.
"""

from __future__ import annotations

import argparse
import gc
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from brainsim import Area, Brain, Hebbian, Simulator


@dataclass(frozen=True)
class Row:
    """Memory, threads and files of the process after some simulators.

    Attributes
    ----------
    simulators : int
        Opened and closed so far.
    memory : float
        Resident memory in MiB.
    threads, files : int
        Threads, and open files and pipes.
    """

    simulators: int
    memory: float
    threads: int
    files: int


def small_brain(n: int) -> Brain:
    brain = Brain()
    phon, lex = brain.add(Area("Phon", n=100, k=20, patterns={"dog": range(20)}), Area("Lex", n=n, k=30))
    for source in (phon, lex):
        brain.connect(source, lex, p=0.05, plasticity=Hebbian(beta=0.1, w_max=20))
    return brain


def play(seed: int, folder: Path, n: int, backend: str) -> None:
    """Run a simulator with a recording in memory and one in a file, save it, and continue from the state in another one."""
    brain = small_brain(n)
    state, history = folder / "state.h5", folder / "history.h5"
    with Simulator(brain, seed=seed, backend=backend) as sim:
        sim.present(brain["Phon"]["dog"])
        sim.record("Lex", drives=True)
        sim.record("Lex", to=history, overwrite=True)
        sim.run(brain.fibers, rounds=3)
        with sim.frozen():
            sim.run(brain.fibers)
        sim.save(state)
        firing = sim.assembly("Lex")
    with Simulator(brain, seed=seed, backend=backend) as sim:
        sim.load(state)
        assert sim.assembly("Lex") == firing
        sim.run(brain.fibers)


def soak(simulators: int, step: int, *, n: int = 20_000, backend: str = "cpu") -> Iterator[Row]:
    """Run ``simulators``, two at a time, and measure the process after each ``step`` of them."""
    process = psutil.Process()
    with tempfile.TemporaryDirectory() as folder:
        for done in range(2, simulators + 1, 2):
            play(done, Path(folder), n, backend)
            if done % step == 0:
                gc.collect()
                memory = process.memory_info().rss / 2**20
                yield Row(done, memory, process.num_threads(), process.num_fds() if hasattr(process, "num_fds") else 0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--simulators", type=int, default=2000)
    parser.add_argument("--n", type=int, default=20_000)
    parser.add_argument("--backend", default="cpu")
    given = parser.parse_args()
    print(f"{'simulators':>10} {'memory MiB':>10} {'threads':>8} {'files':>6}")
    for row in soak(given.simulators, max(2, given.simulators // 20 * 2), n=given.n, backend=given.backend):
        print(f"{row.simulators:>10} {row.memory:>10.1f} {row.threads:>8} {row.files:>6}", flush=True)


if __name__ == "__main__":
    main()
