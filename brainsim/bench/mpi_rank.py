"""What each process of ``brainsim bench scale --mpi`` does.

It is started by ``mpiexec python -m brainsim.bench.mpi_rank N P BACKEND SEED``.  The first process prints a JSON list
with an item for each.
"""

from __future__ import annotations

import json
import sys
import time
from math import isqrt
from statistics import median

import numpy as np

from brainsim.bench.mpi import ROUNDS
from brainsim.declare.area import Area
from brainsim.declare.brain import Brain
from brainsim.declare.rules import Hebbian
from brainsim.kernels.comm import Comm
from brainsim.simulate.simulator import Simulator
from brainsim.studies.info import peak_rss_mb

EXCHANGES = 200


def declared(n: int, p: float) -> Brain:
    """Return a recurrent area and its stimulus."""
    brain, k = Brain(), isqrt(n)
    stimulus, area = brain.add(Area("S", k, k, {"stimulus": range(k)}), Area("A", n, k))
    for source in (stimulus, area):
        brain.connect(source, area, p=p, plasticity=Hebbian(beta=0.05))
    return brain


def _exchange_seconds(comm: Comm, nbytes: int) -> float:
    """Return the median seconds of a gathering of so many bytes from each process."""
    mine, seconds = np.zeros(nbytes, np.uint8), []
    every = np.empty((comm.size, nbytes), np.uint8)
    for _ in range(EXCHANGES):
        begun = time.perf_counter()
        comm.Allgather(mine, every)
        seconds.append(time.perf_counter() - begun)
    return median(seconds)


def main() -> None:
    """Run the rounds, after another brain that loads the kernels, and print what they took."""
    from mpi4py import MPI

    n, p, backend, seed = int(sys.argv[1]), float(sys.argv[2]), sys.argv[3], int(sys.argv[4])
    comm, brain = MPI.COMM_WORLD, declared(n, p)
    for number in (10**6 + seed, seed):
        with Simulator(brain, number, backend=backend, threads=1, comm=comm) as sim:
            sim.present(brain["S"].patterns["stimulus"])
            comm.barrier()
            begun = time.perf_counter()
            sim.run(brain.fibers, rounds=ROUNDS)
            seconds = time.perf_counter() - begun
            communicate = sim.timings().get("communicate", 0.0)
            sent = sim.traffic.nbytes
    exchange = ROUNDS * _exchange_seconds(comm, sent // ROUNDS) if sent else 0.0
    mine = {
        "exchange": exchange,
        "seconds": seconds,
        "communicate": communicate,
        "bytes": sent,
        "peak_rss_mb": peak_rss_mb(),
    }
    every = comm.allgather(mine)
    if comm.rank == 0:
        print(json.dumps(every))


if __name__ == "__main__":
    main()
