"""What one rank of a test does: plays with every feature, alone or with others, and writes what it saw as JSON.

``mpiexec -n 2 python rank_play.py FOLDER NUMBERS``
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from scipy.sparse import coo_array

from brainsim import Area, Brain, Channels, Explicit, Hebbian, Modulator, Simulator, Topographic, Trace
from brainsim.declare.depressing import STDP


def brain() -> Brain:
    """Return a brain of several blocks in each area, with most features of the law."""
    made = Brain()
    stimulus = made.add(Area("S", 60, 12, {str(i): range(12 * i, 12 * i + 12) for i in range(5)}))
    area = made.add(Area("A", 1500, 30, refraction=0.01))
    channels = made.add(Area("C", 600, 50, activation=Channels(10, 5)))
    dopamine = made.add(Modulator("dopamine", baseline=1.0))
    rule = Hebbian(0.2, w_max=20)
    made.connect(stimulus, area, p=0.3, plasticity=rule, modulated_by=dopamine, trace=Trace(3, 0.5))
    made.connect(area, area, p=0.3, plasticity=STDP(0.1, 0.05, 20))
    made.connect(area, channels, graph=Topographic(0.5, 0.2), plasticity=rule)
    made.connect(channels, area, p=0.4, weight=-0.5)
    synapses = np.zeros((60, 600))
    synapses[np.arange(60), np.arange(60) * 10] = 2.0
    made.connect(stimulus, channels, graph=Explicit(coo_array(synapses)), plasticity=rule)
    return made


def play(sim: Simulator, folder: Path, name: str, *, halves: tuple[bool, bool] = (True, True)) -> dict[str, object]:
    """Run the first half and save, load and run the second half; return the state at the end."""
    every = sim.brain.fibers
    if halves[0]:
        for pattern in sim.brain["S"].patterns.values():
            sim.present(pattern)
            sim.run(every, rounds=3)
        sim.reinforce("dopamine", 0.5)
        sim.save(folder / f"{name}.h5", note="half")
    if halves[1]:
        assert sim.load(folder / f"{name}.h5") == "half"
        history = sim.record(to=folder / f"{name}-history.h5", overwrite=True)
        with sim.frozen():
            sim.present(sim.brain["S"].patterns["2"])
            sim.run(every, rounds=2)
        sim.set_modulator("dopamine", 0.3)
        for pattern in reversed(sim.brain["S"].patterns.values()):
            sim.present(pattern)
            sim.run(every, rounds=3)
        assert len(history) == 15
        history.stop()
    seen: dict[str, object] = {name: sim.assembly(name).neurons.tolist() for name in sim.brain.areas}
    seen |= {f"drives of {name}": sim.drive(name).tolist() for name in sim.brain.areas}
    seen |= {f"thresholds of {name}": sim.thresholds(name).tolist() for name in sim.brain.areas}
    for fiber in every:
        seen[fiber.name] = [column.tolist() for column in sim.connectome(fiber).learned()]
    return seen


def emulate() -> None:
    """Let ``backend="gpu"`` run in this process, on an emulated device."""
    from brainsim.kernels.gpu import cuda_device
    from brainsim.kernels.gpu.backend import GpuBackend
    from emulator.device import EmulatedDevice

    cuda_device.why_not = lambda: None  # type: ignore[assignment]
    GpuBackend.device = EmulatedDevice


def main() -> None:
    from mpi4py import MPI

    folder, backend, halves = Path(sys.argv[1]), sys.argv[2], tuple(word == "1" for word in sys.argv[3])
    if backend == "gpu":
        emulate()
    with Simulator(brain(), 5, backend=backend, comm=MPI.COMM_WORLD) as sim:
        seen = play(sim, folder, "ranks", halves=halves)  # type: ignore[arg-type]
    (folder / f"seen-{MPI.COMM_WORLD.rank}.json").write_text(json.dumps(seen))


if __name__ == "__main__":
    main()
