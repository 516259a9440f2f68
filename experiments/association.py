"""Association, pattern completion, merge, reciprocal projection and density, compared with published figures.

Papadimitriou, Vempala, Mitropolsky, Collins & Maass (PNAS 2020), and their simulations (github.com/dmitropolsky/
assemblies, `simulations.py`), whose engine redraws the inputs of neurons that never fired in every round.  Protocols
are theirs; all tests are probes, in which nothing is learned.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from brainsim import Area, Assembly, Brain, Hebbian, Simulator, experiment
from brainsim.declare.fiber import FiberSet
from brainsim.operations import chance_overlap, complete, cue_of, merge, overlap, project, reciprocal_project
from brainsim.studies.comparison import by_seed, measured, over_seeds, write_table
from brainsim.studies.parts import Part
from brainsim.studies.processes import Call
from brainsim.studies.run import Run
from brainsim.studies.statistics import interval_95

# Lazy engine, n = 1e5, k = 317, p = .01, beta = .05.
PUBLISHED_ASSOCIATION = {10: 0.136, 20: 0.486}
PUBLISHED_COMPLETION = {23: 0.0, 25: 0.41, 30: 0.83}
PUBLISHED_DENSITY = 0.0195
FORMING = 10  # rounds of each projection before two assemblies meet
COMPLETING = 8
CONDITIONS = ("trained", "beta_zero")


class World:
    """Two stimuli, two areas for them, and a third area that both project into."""

    def __init__(self, n: int, p: float, beta: float, seed: int, **options: Any) -> None:
        self.k, self.brain = round(n**0.5), Brain()
        stimuli = [self.brain.add(Area(f"Stimulus {name}", n=self.k, k=self.k)) for name in "AB"]
        self.areas = {name: self.brain.add(Area(name, n=n, k=self.k)) for name in "ABC"}
        rule = Hebbian(beta)
        for stimulus, name in zip(stimuli, "AB", strict=True):
            self.brain.connect(stimulus, self.areas[name], p=p, plasticity=rule)
        for source, target in ("AA", "BB", "CC", "AC", "BC", "CA", "CB"):
            self.brain.connect(self.areas[source], self.areas[target], p=p, plasticity=rule)
        self.stimuli = {name: Assembly(f"Stimulus {name}", np.arange(self.k)) for name in "AB"}
        self.sim = Simulator(self.brain, seed=seed, **options)

    def fibers(self, *ends: str) -> FiberSet:
        """Return the fibers between areas by their letters, ``"SA"`` being that of A's stimulus."""
        chosen = FiberSet()
        for source, target in ends:
            chosen |= self.brain.fibers_between(f"Stimulus {target}" if source == "S" else source, target)
        return chosen

    def recalled(self, source: str, target: str) -> Assembly:
        """Return what one area alone drives in another, in a probe."""
        sim = self.sim
        with sim.frozen():
            sim.release()
            sim.silence(*(name for name in "ABC" if name != source))
            sim.run(self.fibers(source + target))
            return sim.assembly(target)

    def use_all(self) -> None:
        """Open every fiber once, so that fibers which a part does not use are not reported as unused."""
        for stimulus in self.stimuli.values():
            self.sim.present(stimulus)
        self.sim.run(self.brain.fibers)


def associated(part: Part, n: int, p: float, beta: float, first: int, last: int, seed: int) -> dict[str, float]:
    """Return the overlap in C of what A and B recall there, by joint rounds."""
    world = World(n, p, beta, seed, **part.simulator)
    sim, found = world.sim, {}
    with sim:
        sim.present(*world.stimuli.values())
        sim.run(world.fibers("SA", "SB"))
        sim.run(world.fibers("SA", "SB", "AA", "BB"), FORMING - 1)
        for name in "AB":
            sim.run(world.fibers(f"S{name}", name * 2, f"{name}C"))
            sim.run(world.fibers(f"S{name}", name * 2, f"{name}C", "CC"), FORMING - 1)
        both = world.fibers("SA", "SB", "AA", "BB", "AC", "BC")
        sim.run(both)
        sim.run(both | world.fibers("CC"), first - 2)
        for rounds in range(first, last + 1):
            sim.run(both | world.fibers("CC"))
            recalled = []
            for name in "AB":
                with sim.frozen():
                    sim.present(world.stimuli[name])
                    sim.run(world.fibers(f"S{name}"))
                    sim.run(world.fibers(f"{name}C"))
                    recalled.append(sim.assembly("C"))
            found[str(rounds)] = overlap(*recalled)
        world.use_all()
    return found


def completed(
    part: Part, n: int, p: float, beta: float, steps: Sequence[int], cue: float, seed: int
) -> dict[str, float]:
    """Return the share of an assembly that a part of it restores, by rounds of training."""
    k, brain, found, done = round(n**0.5), Brain(), {}, 0
    stimulus, area = brain.add(Area("Stimulus", n=k, k=k), Area("A", n=n, k=k))
    for source in (stimulus, area):
        brain.connect(source, area, p=p, plasticity=Hebbian(beta))
    with Simulator(brain, seed=seed, **part.simulator) as sim:
        sim.present(Assembly("Stimulus", np.arange(k)))
        sim.run(stimulus >> area)
        for rounds in steps:
            sim.run(brain.fibers, rounds - 1 - done)
            done = rounds - 1
            whole = sim.assembly(area)
            found[str(rounds)] = overlap(complete(sim, cue_of(whole, cue, seed), COMPLETING), whole)
        inside = [len(np.intersect1d(sim.connectome(area >> area).row(int(i)), whole.neurons)) for i in whole.neurons]
        found["density"] = sum(inside) / k**2
    return found


def linked(part: Part, n: int, p: float, beta: float, rounds: int, seed: int) -> dict[str, float]:
    """Return the shares that reciprocal projection restores in both directions, and those of merge."""
    found: dict[str, float] = {}
    world = World(n, p, beta, seed, **part.simulator)
    with world.sim as sim:
        original = project(sim, world.stimuli["A"], "A", 2 * FORMING)
        copy = reciprocal_project(sim, "A", "C", rounds)
        found["reciprocal.there"] = overlap(world.recalled("A", "C"), copy)
        found["reciprocal.back"] = overlap(world.recalled("C", "A"), original)
        world.use_all()
    world = World(n, p, beta, seed, **part.simulator)
    with world.sim as sim:
        formed = {name: project(sim, world.stimuli[name], name, 2 * FORMING) for name in "AB"}
        both = merge(sim, "A", "B", "C", rounds)
        for name in "AB":
            found[f"merge.from_{name}"] = overlap(world.recalled(name, "C"), both)
            found[f"merge.to_{name}"] = overlap(world.recalled("C", name), formed[name])
    return found


@experiment(quick={"n": 4000, "p_half": 0.2, "seeds": 2, "p": 0.05, "beta": 0.1})
def association(
    run: Run,
    *,
    n: int = 100_000,
    p: float = 0.01,
    p_half: float = 0.05,
    beta: float = 0.05,
    first: int = 10,
    last: int = 20,
    rounds: int = 20,
    seeds: int = 5,
) -> Mapping[str, Any]:
    """Run the five simulations with k = sqrt(n), trained and with ``beta = 0``.

    Parameters
    ----------
    n
        Neurons of an area; sqrt(n) of them win.
    p
        Connection probability.
    p_half
        Connection probability where an assembly is restored from half of it.
    beta
        Plasticity: how much a synapse strengthens in a step, as a fraction of its weight.
    first, last
        Fewest and most rounds in which two assemblies fire together.
    rounds
        Rounds of each projection in the simulations of reciprocal projection and merge.
    seeds
        Brains of each kind, each with a seed of its own; their means and 95 % intervals are reported.
    """
    steps = (10, 15, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 40)
    calls = {}
    for condition in CONDITIONS:
        rate = beta if condition == "trained" else 0.0
        calls["association", condition] = Call(associated, (n, p, rate, first, last))
        calls["completion", condition] = Call(completed, (n, p, rate, steps, 0.4))
        calls["half_cue", condition] = Call(completed, (n, p_half, rate, (25,), 0.5))
        calls["links", condition] = Call(linked, (n, p, rate, rounds))
    found = over_seeds(run, calls, seeds)
    results = {name: {condition: found[name, condition] for condition in CONDITIONS} for name in TITLES}
    _tables(run, results, chance_overlap(n, round(n**0.5)), {"completion": p, "half_cue": p_half})
    run.picture("association.png", lambda: _draw(results, chance_overlap(n, round(n**0.5))))
    return _metrics(results, n, p)


Results = Mapping[str, Mapping[str, Sequence[Mapping[str, float]]]]
PUBLISHED: Mapping[str, Mapping[str, float]] = {
    "association": {str(rounds): value for rounds, value in PUBLISHED_ASSOCIATION.items()},
    "completion": {
        **{str(rounds): value for rounds, value in PUBLISHED_COMPLETION.items()},
        "density": PUBLISHED_DENSITY,
    },
    "half_cue": {"25": 0.946},
    "links": {},
}
TITLES = {
    "association": "Overlap in C of what A and B recall, by joint rounds",
    "completion": "Share of an assembly restored from 40 % of it, by rounds of training, and density inside it",
    "half_cue": "Share of an assembly restored from half of it after 25 rounds, at the larger p, and density",
    "links": "Reciprocal projection and merge: share recalled",
}


def _tables(run: Run, results: Results, chance: float, densities: Mapping[str, float]) -> None:
    for name, conditions in results.items():
        rows = [
            [
                key,
                PUBLISHED[name].get(key),
                *(measured([found[key] for found in conditions[c]], 3, bounded=True) for c in CONDITIONS),
                f"{densities[name] if key == 'density' else chance:.4f}",
            ]
            for key in conditions["trained"][0]
        ]
        header = ["", "published, lazy", "the law", "control: beta 0", "chance"]
        write_table(run, f"{name}.md", TITLES[name], header, rows)


def _metrics(results: Results, n: int, p: float) -> dict[str, Any]:
    def means(name: str, condition: str) -> dict[str, float]:
        found = results[name][condition]
        return {key: round(fmean(each[key] for each in found), 4) for key in found[0]}

    trained = {name: means(name, "trained") for name in results}
    return {
        "overlap_by_rounds": trained["association"],
        "completion_by_rounds": {key: value for key, value in trained["completion"].items() if key != "density"},
        "half_cue": trained["half_cue"]["25"],
        "links": trained["links"],
        "density": trained["completion"]["density"],
        "chance": {"overlap": chance_overlap(n, round(n**0.5)), "density": p},
        "published": {name: dict(values) for name, values in PUBLISHED.items()},
        "intervals_95": {
            name: {
                key: interval_95([each[key] for each in found["trained"]], bounded=True) for key in found["trained"][0]
            }
            for name, found in results.items()
        },
        "by_seed": {name: by_seed(results[name]["trained"]) for name in results},
        "controls": {
            "beta_zero": {
                **{name: means(name, "beta_zero") for name in results},
                "by_seed": {name: by_seed(results[name]["beta_zero"]) for name in results},
            }
        },
    }


def _draw(results: Results, chance: float) -> Figure:
    figure = Figure(figsize=(10, 4.4), layout="constrained")
    for ax, name, published in zip(
        figure.subplots(1, 2, sharey=True),
        ("association", "completion"),
        (PUBLISHED_ASSOCIATION, PUBLISHED_COMPLETION),
        strict=True,
    ):
        for condition, style in zip(CONDITIONS, ({"lw": 2}, {"color": "0.4", "ls": "--"}), strict=True):
            found = results[name][condition]
            steps = [key for key in found[0] if key != "density"]
            values = np.array([[each[step] for step in steps] for each in found])
            (line,) = ax.plot([int(s) for s in steps], values.mean(axis=0), label=f"the law, {condition}", **style)
            low, high = values.min(axis=0), values.max(axis=0)
            ax.fill_between([int(s) for s in steps], low, high, color=line.get_color(), alpha=0.15, lw=0)
        ax.plot(list(published), list(published.values()), "k^", label="published, lazy (n = 1e5)")
        ax.axhline(chance, color="tab:red", lw=1)
        ax.set_title(name)
        ax.set_xlabel("joint rounds" if name == "association" else "rounds of training")
    figure.axes[0].set_ylabel("overlap")
    figure.axes[0].legend(frameon=False, fontsize="small")
    return figure
