"""Peak memory of each rank while it saves and loads a state: ``mpiexec -n 4 python tests/support/rank_memory.py FILE``.

One fiber has 15 million stored synapses.  The first rank prints the peaks of all ranks as JSON, in bytes, without what
each held before.
"""

from __future__ import annotations

import json
import sys
import tracemalloc

from brainsim import Area, Assembly, Brain, Hebbian, Simulator

N, K, P, STIMULI = 50_000, 5000, 0.2, 3


def main() -> None:
    from mpi4py import MPI

    comm, path, brain = MPI.COMM_WORLD, sys.argv[1], Brain()
    source, target = brain.add(Area("S", N, K), Area("T", N, K))
    fiber = brain.connect(source, target, p=P, plasticity=Hebbian(0.1))
    with Simulator(brain, 1, backend="cpu", threads=1, comm=comm) as sim:
        sim.save(path)  # imports what is needed
        sim.load(path)
        for number in range(STIMULI):
            sim.present(Assembly("S", range(K * number, K * (number + 1))))
            sim.run(fiber)
        peaks = {}
        for name, act in {"save": sim.save, "load": sim.load}.items():
            tracemalloc.start()
            act(path)
            peaks[name] = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        synapses = len(sim.connectome(fiber).learned()[0])
    every = comm.gather(peaks)
    if every is not None:
        print(json.dumps({"synapses": synapses, **{name: [each[name] for each in every] for name in peaks}}))


if __name__ == "__main__":
    main()
