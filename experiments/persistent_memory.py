"""Memory across processes: learn, save and end; a new process, also on another backend, recalls and learns more.

A hippocampus stores a first set of episodes and saves its state; the process ends.  A second process loads the state,
recalls the first set, stores a second one, and saves.  A third process loads this state and recalls both sets from half
their cues.  The reference backend also loads the state of a small brain.  For comparison, one process that does not end
in between does all of it.

Success is stated in advance.  Recall after each restart equals recall before it, bit for bit.  All answers and all
learned weights of the third process equal those of the process that did not end, bit for bit, on both backends.  At
least .985 of CA3 is recalled of either set.  Controls: a new process that loads nothing recalls at most .05 of CA3, and
a brain of another seed refuses the file.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
from matplotlib.figure import Figure

import brainsim
from brainsim import Assembly, Brain, Simulator, experiment
from brainsim.areas import Hippocampus
from brainsim.errors import DumpError
from brainsim.operations import recall, store
from brainsim.studies.comparison import by_seed, measured, over_seeds, scores, write_table
from brainsim.studies.parts import Part
from brainsim.studies.processes import Call
from brainsim.studies.run import Run
from brainsim.studies.statistics import interval_95

CRITERIA = {"completed": 0.985, "control": 0.05}
MEASURES = {
    "first": "first set, before the process ends",
    "first_restarted": "first set, in a second process",
    "first_after_second": "first set, in a third process",
    "second": "second set, in a third process",
    "control": "control: first set, nothing loaded",
}
FACTS = {
    "same_after_restart": "answers after a restart are the same",
    "same_as_never_ended": "answers and weights are those of a process that never ended",
    "same_on_reference": "answers and weights on the reference backend are the same (small brain)",
    "other_seed_refused": "a brain of another seed refuses the file",
}


@experiment(quick={"n_dg": 2000, "n_ca3": 1000, "n_ec": 500, "first": 6, "second": 6, "probes": 6, "seeds": 2})
def persistent_memory(
    run: Run,
    *,
    n_ec: int = 1000,
    n_dg: int = 20_000,
    n_ca3: int = 10_000,
    first: int = 200,
    second: int = 200,
    probes: int = 40,
    seeds: int = 5,
) -> Mapping[str, Any]:
    """Store two sets of episodes in different processes, and recall them in a third.

    Parameters
    ----------
    n_ec, n_dg, n_ca3
        Neurons of the areas; CA1 has as many as CA3.
    first, second
        Episodes of the sets.
    probes
        Episodes of each set that are recalled.
    seeds
        Brains, each with a seed of its own; their means and 95 % intervals are reported.
    """
    sizes = {"n_ec": n_ec, "n_dg": n_dg, "n_ca3": n_ca3, "n_ca1": n_ca3}
    seen = over_seeds(run, {"brain": Call(kept, (sizes, first, second, probes))}, seeds)["brain"]
    rows = [[title, measured(scores(seen, name), 3, bounded=True)] for name, title in MEASURES.items()]
    rows += [[title, f"{sum(scores(seen, name))} of {len(seen)} brains"] for name, title in FACTS.items()]
    write_table(run, "persistent.md", "Right neurons of CA3 from half a cue", ["", ""], rows)
    run.picture("persistent_memory.png", lambda: _draw(seen))
    means = {name: fmean(scores(seen, name)) for name in MEASURES}
    return {
        "retention": means,
        "facts": {name: all(scores(seen, name)) for name in FACTS},
        "controls": {"nothing_loaded": means["control"]},
        "criteria": CRITERIA,
        "met": {
            "completed": min(means["first_after_second"], means["second"]) >= CRITERIA["completed"],
            "control": means["control"] <= CRITERIA["control"],
            **{name: all(scores(seen, name)) for name in FACTS},
        },
        "chance": {"retention": 100 / n_ca3},
        "intervals_95": {name: interval_95(scores(seen, name), bounded=True) for name in MEASURES},
        "by_seed": by_seed(seen),
    }


def kept(part: Part, sizes: Mapping[str, int], first: int, second: int, probes: int, seed: int) -> dict[str, Any]:
    """Let processes store and recall one after another, and compare them with one that does not end in between."""
    life = Life(part, seed)
    sets = {"first": [0, first], "second": [first, first + second]}
    alone = life.process(sizes, [*_store(sets, "first"), *_store(sets, "second"), *_recalls(sets, probes)])
    begun = life.process(sizes, [*_store(sets, "first"), ("recall", *sets["first"], probes), ("save", "first")])
    went_on = life.process(
        sizes,
        [("load", "first"), ("recall", *sets["first"], probes), *_store(sets, "second"), ("save", "second")],
    )
    ended = life.process(sizes, [("load", "second"), *_recalls(sets, probes)])
    nothing = life.process(sizes, [("recall", *sets["first"], probes)])
    refused = life.process(sizes, [("load", "second")], seed=seed + 1)["refused"]
    small = {"n_ec": 200, "n_dg": 400, "n_ca3": 300, "n_ca1": 300}
    few = {"first": [0, 3], "second": [3, 5]}
    life.process(small, [*_store(few, "first"), ("save", "small")])
    rest = [("load", "small"), *_store(few, "second"), *_recalls(few, 3)]
    there, here = life.process(small, rest, backend="reference"), life.process(small, rest)
    life.clear()
    return {
        "first": begun["completed"][0],
        "first_restarted": went_on["completed"][0],
        "first_after_second": ended["completed"][0],
        "second": ended["completed"][1],
        "control": nothing["completed"][0],
        "same_after_restart": begun["answers"] == went_on["answers"],
        "same_as_never_ended": (alone["answers"], alone["weights"]) == (ended["answers"], ended["weights"]),
        "same_on_reference": there == here,
        "other_seed_refused": refused,
    }


def _store(sets: Mapping[str, list[int]], name: str) -> list[Any]:
    return [("store", *sets[name])]


def _recalls(sets: Mapping[str, list[int]], probes: int) -> list[Any]:
    return [("recall", *each, probes) for each in sets.values()]


class Life:
    """Processes that run one after another, and the states that they save."""

    def __init__(self, part: Part, seed: int) -> None:
        self._part, self._seed, self._saved = part, seed, set[Path]()

    def process(
        self, sizes: Mapping[str, int], steps: Sequence[Any], *, seed: int | None = None, backend: str | None = None
    ) -> dict[str, Any]:
        """Carry out steps in a process of its own, and return what it prints at the end."""
        files = {
            step[1]: self._part.folder / "parts" / f"{self._part.key}-{step[1]}.h5"
            for step in steps
            if step[0] in ("save", "load")
        }
        self._saved |= set(files.values())
        options = {**self._part.simulator, **({"backend": backend} if backend else {})}
        task = {
            "sizes": dict(sizes),
            "seed": self._seed,
            "brain_seed": self._seed if seed is None else seed,
            "options": options,
            "steps": [[step[0], str(files[step[1]])] if step[0] in ("save", "load") else step for step in steps],
        }
        found = str(Path(brainsim.__file__).parents[1])
        path = os.pathsep.join([found, *filter(None, [os.environ.get("PYTHONPATH")])])
        done = subprocess.run(
            [sys.executable, __file__],
            input=json.dumps(task),
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONPATH": path},
        )
        answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return answer

    def clear(self) -> None:
        """Remove the states."""
        for path in self._saved:
            path.unlink(missing_ok=True)


def carried_out(task: Mapping[str, Any]) -> dict[str, Any]:
    """Carry out the steps of one process."""
    rng, brain = np.random.default_rng([task["seed"], 16]), Brain()
    memory = brain.add(Hippocampus(**task["sizes"]))
    entry = memory.entry
    episodes = [rng.choice(entry.n, entry.k, replace=False) for _ in range(500)]
    halves = [rng.choice(each, entry.k // 2, replace=False) for each in episodes]
    completed, answers = [], []
    with Simulator(brain, task["brain_seed"], **task["options"]) as sim:
        for name, *rest in task["steps"]:
            if name == "load":
                try:
                    sim.load(rest[0])
                except DumpError:
                    return {"refused": True}
            elif name == "save":
                sim.save(rest[0])
            elif name == "store":
                for at in range(*rest):
                    store(sim, memory, Assembly(entry.name, episodes[at]))
            else:
                begin, end, probes = rest
                found = [recall(sim, memory, Assembly(entry.name, halves[at])) for at in range(begin, end)[:probes]]
                whole = _assemblies(sim, memory, episodes[begin:end][:probes])
                completed.append(fmean(each.completed.overlap(own) for each, own in zip(found, whole, strict=True)))
                answers += [each.answer.neurons.tolist() for each in found]
        digest = sha256()
        for fiber in memory.fibers:
            for column in sim.connectome(fiber).learned():
                digest.update(np.ascontiguousarray(column).tobytes())
    return {"completed": completed, "answers": answers, "weights": digest.hexdigest(), "refused": False}


def _assemblies(sim: Simulator, memory: Hippocampus, episodes: Sequence[Any]) -> list[Assembly]:
    """Return the assemblies of CA3 that fixed fibers choose for some episodes, in a probe."""
    separate, choose, _ = memory.encoding.phases.values()
    found = []
    for episode in episodes:
        with sim.frozen():
            sim.silence()
            sim.present(Assembly(memory.entry.name, episode))
            sim.run(separate.open)
            sim.run(choose.open)
            found.append(sim.assembly(memory.attractor))
    return found


def _draw(seen: Sequence[Mapping[str, float]]) -> Figure:
    figure = Figure(figsize=(6, 2.6), layout="constrained")
    axes = figure.subplots()
    for at, name in enumerate(MEASURES):
        values = scores(seen, name)
        axes.plot(values, [at] * len(values), "o", color="0.5" if name == "control" else "C0", alpha=0.6)
    axes.set_yticks(range(len(MEASURES)), list(MEASURES.values()), fontsize=7)
    axes.invert_yaxis()
    axes.set(xlabel="share of right neurons, CA3", xlim=(-0.03, 1.03), title="recall from half a cue")
    return figure


if __name__ == "__main__":
    print(json.dumps(carried_out(json.load(sys.stdin))))
