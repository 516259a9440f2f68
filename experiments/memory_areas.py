"""Store items in one area with refraction: how many are distinct, and completed from half of their assembly.

Items are random stimuli.  Each is presented for one round, in which the winners of the memory area refract: their
thresholds rise by a part of their drive, so that the next items recruit other neurons.  In a second round the area is
held, and its recurrent fiber learns in one step.  At each load some items are recalled in two ways, in probes: from
their stimulus, and from half of their assembly, which five recurrent rounds complete with the thresholds at rest.  The
answer is the stored assembly that is nearest; an item is *distinct* if that is its own and no other is as near.  The
number of distinct items is the load times the share of distinct ones among those asked by half their assembly.

Success is stated in advance: with n = 4000 and p = .5 more than 1600 distinct items for k = 40 (another implementation
of refracted areas reports 1150 to 1600 for k = 10 to 80, and .40 (n / k)² items by rank), and at n = 10⁵ and p = .05
at least .95 of 2000 items.  Controls must fail: without refraction, and with a recurrent fiber that does not learn, at
most .1 of the items are distinct at the last load.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from scipy.sparse import csr_array

from brainsim import Area, Assembly, Brain, Fiber, Hebbian, Simulator, experiment
from brainsim.studies.comparison import by_seed, measured, over_seeds, write_table
from brainsim.studies.parts import Part
from brainsim.studies.processes import Call
from brainsim.studies.run import Run
from brainsim.studies.statistics import COUNT, crossing, interval_95

Neurons = npt.NDArray[np.int64]
Seen = dict[str, dict[str, float]]  # load, measure

BETA = 0.5  # stimulus to memory area
ONE_SHOT, NEVER = Hebbian(8.0, 9.0), Hebbian(0.0, 9.0)
ROUNDS = 5
LEVEL = 0.9  # of right neurons
CRITERIA = {"distinct": 1600, "large": 0.95, "controls": 0.1}
LARGE = {"n": 100_000, "k": 400, "p": 0.05}
ARMS = {
    "refracted": "refracts",
    "no_refraction": "control: no refraction",
    "no_recurrence": "control: recurrent fiber does not learn",
}
MEASURES = {
    "by_stimulus": "distinct, from the stimulus",
    "by_half": "distinct, from half the assembly",
    "completed": "right neurons, from half the assembly",
    "nearest": "shared with the nearest other assembly",
}


@experiment(
    quick={"n": 1000, "ks": "10,30", "loads": "30,90", "large_loads": "", "probes": 15, "seeds": 2, "control_k": 30}
)
def memory_areas(
    run: Run,
    *,
    n: int = 4000,
    p: float = 0.5,
    ks: str = "10,20,40,80",
    control_k: int = 40,
    loads: str = "400,800,1200,1600,2400,3200,4000",
    large_loads: str = "500,1000,2000",
    refraction: float = 0.02,
    probes: int = 50,
    seeds: int = 5,
) -> Mapping[str, Any]:
    """Fill memory areas of ``n`` neurons for several ``k``, and a large one; controls have ``control_k``.

    Parameters
    ----------
    n
        Neurons of the memory area and of the stimulus area.
    p
        Connection probability.
    ks
        Winners of the memory areas, with commas between the numbers.
    control_k
        Winners of the controls.
    loads
        How many items are stored when some are asked for, with commas between the numbers.
    large_loads
        The same for a memory area of 100 000 neurons; empty for none.
    refraction
        By which part of its drive the threshold of a winner rises.
    probes
        Items that are asked for at each load.
    seeds
        Brains of each kind, each with a seed of its own; their means and 95 % intervals are reported.
    """
    every = [int(each) for each in loads.split(",")]
    cells = {f"refracted-{k}": ("refracted", n, int(k), p, every) for k in ks.split(",")}
    cells |= {f"{arm}-{control_k}": (arm, n, control_k, p, every) for arm in ARMS if arm != "refracted"}
    if large_loads:
        large = [int(each) for each in large_loads.split(",")]
        cells["large"] = ("refracted", LARGE["n"], LARGE["k"], LARGE["p"], large)
    seen = over_seeds(run, {name: Call(filled, (*cell, refraction, probes)) for name, cell in cells.items()}, seeds)
    _table(run, seen, cells)
    run.picture("memory_areas.png", lambda: _draw(seen, cells))
    found = {name: [distinct(part) for part in parts] for name, parts in seen.items()}
    last = {name: fmean(part[str(cells[name][4][-1])]["by_half"] for part in parts) for name, parts in seen.items()}
    return {
        "distinct": {name: round(fmean(values)) for name, values in found.items()},
        "completed_to_nine_tenths": {name: [completed(part) for part in parts] for name, parts in seen.items()},
        "distinct_by_rank": {name: round(0.4 * (cell[1] / cell[2]) ** 2) for name, cell in cells.items()},
        "distinct_at_last_load": last,
        "controls": {arm: last[f"{arm}-{control_k}"] for arm in ARMS if arm != "refracted"},
        "criteria": CRITERIA,
        "met": {
            "distinct": fmean(found.get(f"refracted-{control_k}", [0])) > CRITERIA["distinct"],
            "large": last.get("large", 0.0) >= CRITERIA["large"],
            "controls": all(last[f"{arm}-{control_k}"] <= CRITERIA["controls"] for arm in ARMS if arm != "refracted"),
        },
        "chance": {name: 1 / cell[4][-1] for name, cell in cells.items()},
        "intervals_95": {name: interval_95(values, bounded=COUNT) for name, values in found.items()},
        "by_seed": {
            f"area={name}": {f"items={load}": by_seed([part[load] for part in parts]) for load in parts[0]}
            for name, parts in seen.items()
        },
    }


class MemoryArea:
    """A stimulus area, and an area that stores the assemblies that it activates."""

    def __init__(self, arm: str, n: int, k: int, p: float, refraction: float, seed: int, **options: Any) -> None:
        brain = Brain()
        stimulus = brain.add(Area("Stimulus", n, k))
        memory = brain.add(Area("Memory", n, k, refraction=0.0 if arm == "no_refraction" else refraction))
        self._cued: Fiber = brain.connect(stimulus, memory, p, Hebbian(BETA))
        self._inner: Fiber = brain.connect(memory, memory, p, NEVER if arm == "no_recurrence" else ONE_SHOT)
        self.sim = Simulator(brain, seed, **options)

    def store(self, item: Neurons) -> Neurons:
        """Present an item in one round, imprint what fires in a second one, and return it."""
        self.sim.silence()
        self.sim.present(Assembly("Stimulus", item))
        self.sim.run(self._cued)
        fired = self.sim.assembly("Memory").neurons
        self.sim.hold("Memory")
        self.sim.run((), learn=self._inner)
        return fired

    def by_stimulus(self, item: Neurons) -> Neurons:
        """Return the assembly that a stimulus activates, in a probe."""
        with self.sim.frozen():
            self.sim.silence()
            self.sim.present(Assembly("Stimulus", item))
            self.sim.run(self._cued)
            return self.sim.assembly("Memory").neurons

    def by_half(self, assembly: Neurons, rng: np.random.Generator) -> Neurons:
        """Return the completion of half of an assembly, in a probe with the thresholds at rest."""
        with self.sim.frozen():
            self.sim.silence()
            self.sim.set_thresholds("Memory", 0.0)
            self.sim.present(Assembly("Memory", rng.choice(assembly, len(assembly) // 2, replace=False)))
            self.sim.release("Memory")
            self.sim.run(self._inner, ROUNDS)
            return self.sim.assembly("Memory").neurons


def filled(
    part: Part,
    arm: str,
    n: int,
    k: int,
    p: float,
    loads: Sequence[int],
    refraction: float,
    probes: int,
    seed: int,
) -> Seen:
    """Store items, and return how many are distinct at each load."""
    rng, memory = np.random.default_rng([seed, 5]), MemoryArea(arm, n, k, p, refraction, seed, **part.simulator)
    items: list[Neurons] = []
    stored: list[Neurons] = []
    seen = {}
    with memory.sim:
        for load in loads:
            for _ in range(load - len(items)):
                items.append(rng.choice(n, k, replace=False))
                stored.append(memory.store(items[-1]))
            asked = rng.choice(load, min(probes, load), replace=False).tolist()
            every = _rows(stored, n)
            shown = _shares(every, [memory.by_stimulus(items[at]) for at in asked], n) / k
            halves = _shares(every, [memory.by_half(stored[at], rng) for at in asked], n) / k
            others = _shares(every, [stored[at] for at in asked], n) / k
            others[np.arange(len(asked)), asked] = 0.0
            seen[str(load)] = {
                "by_stimulus": _named(shown, asked),
                "by_half": _named(halves, asked),
                "completed": float(halves[np.arange(len(asked)), asked].mean()),
                "nearest": float(others.max(axis=1).mean()),
                "winners": fmean(len(stored[at]) for at in asked),
            }
    return seen


def _rows(sets: Sequence[Neurons], n: int) -> csr_array[np.float64]:
    """Return sets of neurons as rows of ones."""
    starts = np.concatenate([[0], np.cumsum([len(each) for each in sets])])
    return csr_array((np.ones(starts[-1]), np.concatenate(sets), starts), shape=(len(sets), n))


def _shares(stored: csr_array[np.float64], fired: Sequence[Neurons], n: int) -> npt.NDArray[np.float64]:
    """Return how many neurons what fired has in common with each stored assembly, a row for each probe."""
    return np.asarray((_rows(fired, n) @ stored.T).toarray(), dtype=np.float64)


def _named(shares: npt.NDArray[np.float64], asked: Sequence[int]) -> float:
    """Return the share of probes that are nearest to their own assembly alone."""
    own = shares[np.arange(len(asked)), asked]
    return float(np.mean((own > 0) & ((shares >= own[:, None]).sum(axis=1) == 1)))


def distinct(seen: Seen) -> int:
    """Return the largest number of distinct items at any load."""
    return max(round(int(load) * each["by_half"]) for load, each in seen.items())


def completed(seen: Seen) -> float | None:
    """Return up to how many items nine tenths of an assembly are completed from half of it; ``None`` if at every load.

    Half an assembly is nearest to its own without any completion, so that items may be distinct and not completed.
    """
    return crossing({0: LEVEL, **{int(load): each["completed"] for load, each in seen.items()}}, LEVEL)


def _table(run: Run, seen: Mapping[str, Sequence[Seen]], cells: Mapping[str, tuple[Any, ...]]) -> None:
    rows = [
        [
            ARMS[cells[name][0]],
            f"{cells[name][1]:_}",
            cells[name][2],
            load,
            *(measured([part[str(load)][each] for part in parts], bounded=True) for each in MEASURES),
        ]
        for name, parts in seen.items()
        for load in cells[name][4]
    ]
    write_table(run, "memory_areas.md", "Items in one area", ["", "n", "k", "items", *MEASURES.values()], rows)


def _draw(seen: Mapping[str, Sequence[Seen]], cells: Mapping[str, tuple[Any, ...]]) -> Figure:
    figure = Figure(figsize=(10, 4.4), layout="constrained")
    for axes, measure in zip(figure.subplots(1, 2), ("by_half", "completed"), strict=True):
        for at, (name, parts) in enumerate(seen.items()):
            arm, n, k, _, loads = cells[name]
            values = [[part[str(load)][measure] for part in parts] for load in loads]
            axes.plot(loads, values, ".", color=f"C{at}", alpha=0.4)
            style = "-" if arm == "refracted" else "--"
            means = [fmean(each) for each in values]
            axes.plot(loads, means, style, color=f"C{at}", label=f"n = {n:,}, k = {k}, {ARMS[arm]}")
        axes.set(xlabel="items stored", ylabel=f"share: {MEASURES[measure]}", ylim=(-0.03, 1.03))
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize="x-small")
    figure.suptitle("Items stored in one area: which are recalled from half of their assembly")
    return figure
