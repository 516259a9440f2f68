"""A small study that `kills.py` interrupts: brains with and without learning, with a checkpoint every few rounds."""

from __future__ import annotations

from typing import Any

import numpy as np

from brainsim import Area, Assembly, Brain, Hebbian, Simulator, experiment
from brainsim.simulate.dumps import write_assemblies
from brainsim.studies.comparison import by_seed
from brainsim.studies.parts import Part
from brainsim.studies.processes import Call
from brainsim.studies.run import Run

K, CHUNK = 20, 10
LAST, ROUNDS = "last.h5", "rounds.h5"


def learned(part: Part, n: int, beta: float, rounds: int, seed: int) -> dict[str, Any]:
    """Present stimuli in turn and return the number of learned synapses; write the last assembly to a file."""
    brain = Brain()
    stimulus, area = brain.add(Area("Stimulus", n=10 * K, k=K), Area("A", n=n, k=K))
    for source in (stimulus, area):
        brain.connect(source, area, p=0.2, plasticity=Hebbian(beta))
    with Simulator(brain, seed=seed, **part.simulator) as sim:
        curve: list[dict[str, float]] = part.load(sim) or []
        recording = part.record(sim, area, to=ROUNDS, every=7) if ROUNDS in part.files else None
        for step in range(len(curve), rounds // CHUNK):
            if recording:
                recording.mark(f"stimulus {step % 10}")
            sim.present(Assembly("Stimulus", np.arange(K) + K * (step % 10)))
            sim.run(brain.fibers, rounds=CHUNK)
            synapses, winners = len(sim.connectome(area >> area).learned()[0]), sim.assembly(area).neurons
            curve.append({"round": (step + 1) * CHUNK, "learned": synapses, "winners": int(winners.sum())})
            part.tick(CHUNK)
            part.save(sim, curve, now=True)
        if LAST in part.files:
            with part.file(LAST) as path:
                write_assemblies(path, [sim.assembly(area, "last")])
    return {"curve": curve, **{name: curve[-1][name] for name in ("learned", "winners")}}


@experiment
def killed(run: Run, *, n: int = 5000, rounds: int = 200) -> dict[str, Any]:
    """Train brains of two seeds, and two controls with beta 0."""
    kinds = {"trained": 0.1, "beta_zero": 0.0}
    keys = {(kind, seed): f"{kind}-{seed}" for kind in kinds for seed in (run.seed, run.seed + 1)}
    found = run.parts(
        {key: Call(learned, (n, kinds[kind], rounds, seed)) for (kind, seed), key in keys.items()},
        unit="rounds",
        steps=dict.fromkeys(keys.values(), rounds),
        files={f"trained-{run.seed}": (LAST, ROUNDS)},
    )
    parts = {kind: [found[keys[kind, seed]] for seed in (run.seed, run.seed + 1)] for kind in kinds}
    return {
        "by_seed": by_seed(parts["trained"]),
        "controls": {"beta_zero": {"by_seed": by_seed(parts["beta_zero"])}},
        "curve": {kind: [part["curve"] for part in each] for kind, each in parts.items()},
    }
