"""Size and cost of the emotional cascade: its small-world graph, time of a layer, parameters and operations.

The graph has 60 000 words with 100 neighbours each, and a tenth of its edges is rewired (Watts & Strogatz 1998).  Its
clustering is compared with the theory, C(0) (1 - rewire)^3 with C(0) = 3 (k - 2) / (4 (k - 1)), and with that of a ring
(rewire 0) and of a random graph (rewire 1).  One layer is timed, in CPU seconds, for several numbers of words and of
neighbours.  A table compares the numbers of parameters and operations that the published description states with those
that follow from its shapes.

Success is stated in advance: n k / 2 edges exactly, clustering within 1 % of theory, and less than 5 CPU seconds for
the graph; the slopes of the time against n and against neighbours, in logarithmic axes, are between .9 and 1.1.  The
time of a layer is that of the fastest of several repeats.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import dijkstra

from brainsim import Brain, Cosine, Simulator, SmallWorld, VectorArea, experiment
from brainsim.models.cascade import Cascade
from brainsim.studies.comparison import by_seed, measured, over_seeds, write_table
from brainsim.studies.parts import Part
from brainsim.studies.processes import Call
from brainsim.studies.run import Run
from brainsim.studies.statistics import COUNT, interval_95
from emotional.network import LAMBDAS

REWIRED = {"ring": 0.0, "small_world": 0.1, "random": 1.0}
CRITERIA = {"clustering": 0.01, "seconds": 5.0, "slope": (0.9, 1.1)}
ROWS = 2000  # rows of a matrix product that are in memory at once
SOURCES = 20  # words from which paths are measured
STATED = {
    "emotional weights": 9e6,
    "vectors": 7.68e6,
    "attention": 6e6,
    "feed-forward": 60e6,
    "sum": 82.68e6,
}
OPERATIONS = {"cascade": 40e6, "attention": 480e6, "emotional weights": 90e6}


@experiment(quick={"n": 600, "k": 20, "dim": 16, "repeats": 2, "seeds": 2})
def small_world(
    run: Run, *, n: int = 60_000, k: int = 100, dim: int = 128, repeats: int = 3, seeds: int = 5
) -> Mapping[str, Any]:
    """Build the graph, time layers, and count parameters and operations.

    Parameters
    ----------
    n
        Words.
    k
        Neighbours of a word.
    dim
        Dimension of the vectors.
    repeats
        Repeats of a layer that is timed, of which the fastest counts.
    seeds
        Small worlds, each with a seed of its own; their means and 95 % intervals are reported.
    """
    calls = {kind: Call(built, (n, k, rewire)) for kind, rewire in REWIRED.items()}
    graphs = over_seeds(run, calls, {"ring": 1, "small_world": seeds, "random": 1}, "graphs")
    sizes = {("n", n // part): (n // part, k) for part in (8, 4, 2, 1)}
    sizes |= {("k", _even(k * part // 4)): (n, _even(k * part // 4)) for part in (1, 2, 3, 4)}
    timed = {name: run.part(f"{name[0]}-{name[1]}", _Timing(size, dim, repeats)) for name, size in sizes.items()}
    _tables(run, graphs, timed, n, k, dim)
    run.picture("small_world.png", lambda: _draw(timed))
    theory, found = clustering(k, REWIRED["small_world"]), graphs["small_world"]
    seconds = fmean(part["build_seconds"] for part in found)
    slopes = {name: _slope(timed, name) for name in ("n", "k")}
    counts, operations = _counts(n, k, dim), _operations(n, k, dim)
    low, high = CRITERIA["slope"]
    return {
        "edges": found[0]["edges"],
        "clustering": {kind: fmean(part["clustering"] for part in parts) for kind, parts in graphs.items()},
        "theory": {kind: clustering(k, rewire) for kind, rewire in REWIRED.items()},
        "path": {kind: fmean(part["path"] for part in parts) for kind, parts in graphs.items()},
        "parameter_counts": counts,
        "operations": operations,
        "build_cpu_seconds": seconds,
        "layer_cpu_seconds": {f"{name}={value}": part for (name, value), part in timed.items()},
        "slopes_of_seconds": slopes,
        "intervals_95": {
            kind: interval_95([part["clustering"] for part in parts], bounded=True) for kind, parts in graphs.items()
        },
        "criteria": CRITERIA,
        "met": {
            "edges": all(part["edges"] == n * k // 2 for part in found),
            "clustering": abs(fmean(part["clustering"] for part in found) / theory - 1.0) < CRITERIA["clustering"],
        },
        "met_in_cpu_seconds": {
            "built": seconds < CRITERIA["seconds"],
            **{f"slope_{name}": low <= slope <= high for name, slope in slopes.items()},
        },
        "chance": {"clustering": k / n},
        "by_seed": {f"graph={kind}": by_seed(parts) for kind, parts in graphs.items()},
    }


def clustering(k: int, rewire: float) -> float:
    """Return the clustering in theory of a large small world, without that of a random graph, k / n."""
    return 3 * (k - 2) / (4 * (k - 1)) * (1 - rewire) ** 3


def _even(number: int) -> int:
    return max(2, number // 2 * 2)


def _declared(n: int, k: int, dim: int, rewire: float, seed: int) -> tuple[Brain, VectorArea, Any]:
    brain = Brain()
    area = brain.add(VectorArea("Words", n=n, dim=dim, k=min(64, n)))
    graph = SmallWorld(k, rewire=rewire, seed=seed, symmetric=True)
    return brain, area, brain.connect(area, area, graph=graph, message=Cosine(), channels=LAMBDAS, weight=0.5)


def built(part: Part, n: int, k: int, rewire: float, seed: int) -> dict[str, float]:
    """Build a graph, and return its edges, clustering and paths."""
    before = time.process_time()
    brain, _, links = _declared(n, k, 2, rewire, seed)
    with Simulator(brain, seed, **part.simulator) as sim:
        pairs = np.asarray(sim.edges(links).pairs)
    seconds = time.process_time() - before
    both = np.concatenate([pairs, pairs[:, ::-1]])
    joined = csr_array(coo_array((np.ones(len(both), np.float32), (both[:, 0], both[:, 1])), shape=(n, n)))
    sources = np.random.default_rng([seed, 51]).choice(n, min(SOURCES, n), replace=False)
    steps = dijkstra(joined, unweighted=True, indices=sources)
    degrees = np.diff(joined.indptr)
    return {
        "edges": len(pairs),
        "clustering": round(_clustering(joined), 5),
        "path": round(float(steps[np.isfinite(steps) & (steps > 0)].mean()), 3),
        "least_neighbours": int(degrees.min()),
        "most_neighbours": int(degrees.max()),
        "build_seconds": seconds,
    }


def _clustering(joined: csr_array) -> float:
    """Return the mean over nodes of the share of pairs of a node's neighbours that are joined."""
    degrees, triangles = np.diff(joined.indptr), np.zeros(joined.shape[0])
    for begin in range(0, joined.shape[0], ROWS):
        rows = joined[begin : begin + ROWS]
        triangles[begin : begin + ROWS] = np.asarray((rows @ joined).multiply(rows).sum(axis=1)).ravel()
    possible = degrees * (degrees - 1.0)
    return float(np.mean(triangles / np.maximum(possible, 1.0)))


class _Timing:
    """Times one layer of a size."""

    def __init__(self, size: tuple[int, int], dim: int, repeats: int) -> None:
        self.size, self.dim, self.repeats = size, dim, repeats

    def __call__(self, part: Part) -> float:
        n, k = self.size
        brain, area, links = _declared(n, k, self.dim, REWIRED["small_world"], 0)
        with Simulator(brain, 0, **part.simulator) as sim:
            sim.run(links, learn=())  # compiles, or loads what is compiled
            taken = []
            for _ in range(self.repeats):
                before = time.process_time()
                sim.run(area >> area, learn=())
                taken.append(time.process_time() - before)
        return min(taken)


def _slope(timed: Mapping[tuple[str, int], float], name: str) -> float:
    """Return the slope of log seconds against the logarithm of a size, by least squares."""
    points = np.array([(value, seconds) for (title, value), seconds in timed.items() if title == name])
    return float(np.polyfit(*np.log(np.maximum(points, 1e-9)).T, 1)[0])


def _counts(n: int, k: int, dim: int) -> dict[str, dict[str, int]]:
    """Return the parameters by part that two designs of these sizes have."""
    found = {}
    for title, design in (("paper", Cascade.paper()), ("natural", Cascade.natural())):
        counts = type(design)(n=n, dim=dim, neighbours=k, head_dim=design.head_dim, hidden=design.hidden).counts()
        found[title] = {part.name: part.parameters for part in counts.parts} | {"sum": counts.total}
    return found


def _operations(n: int, k: int, dim: int) -> dict[str, float]:
    """Return the floating-point operations of a pass that the stated shapes need.

    A layer of the cascade reads each edge from both ends, with a product of two vectors and a sum of two, 4 dim
    operations.  Attention of 4 layers over T words takes 4 T^2 dim operations a layer; its 480 M are those of T = 484,
    and among all words it takes far more.  The local rule, if all edges learn, takes the product of two vectors, 2 dim,
    and a distance, 3 dim.
    """
    layers, edges = 16, n * k // 2
    return {
        "cascade": float(2 * edges * 4 * dim * layers),
        "attention": float(4 * 4 * 484**2 * dim),
        "attention, all words": float(4 * 4 * n**2 * dim),
        "emotional weights": float(edges * 5 * dim),
    }


def _tables(
    run: Run, graphs: Mapping[str, Sequence[Any]], timed: Mapping[tuple[str, int], float], n: int, k: int, dim: int
) -> None:
    rows = [
        [
            kind.replace("_", " "),
            parts[0]["edges"],
            measured([part["clustering"] for part in parts], 5, bounded=True),
            f"{clustering(k, REWIRED[kind]):.5f}",
            measured([part["path"] for part in parts], 2, bounded=COUNT),
            f"{min(part['least_neighbours'] for part in parts)}-{max(part['most_neighbours'] for part in parts)}",
            measured([part["build_seconds"] for part in parts], 1, bounded=COUNT),
        ]
        for kind, parts in graphs.items()
    ]
    header = ["graph", "edges", "clustering", "theory", "mean path", "neighbours", "CPU seconds"]
    write_table(run, "graph.md", "The graph", header, rows)
    rows = [[name, value, f"{seconds:.3f}"] for (name, value), seconds in timed.items()]
    write_table(run, "cost.md", "One layer", ["varied", "value", "CPU seconds"], rows)
    counts, operations = _counts(n, k, dim), _operations(n, k, dim)
    rows = [
        [f"parameters, {name}", f"{stated:,.0f}", *(f"{counts[each].get(name, 0):,}" for each in ("paper", "natural"))]
        for name, stated in STATED.items()
    ]
    rows += [
        [f"operations, {name}", f"{OPERATIONS[name]:,.0f}" if name in OPERATIONS else "", f"{count:,.0f}", ""]
        for name, count in operations.items()
    ]
    write_table(run, "counts.md", "Stated and counted", ["", "stated", "counted", "natural sizes"], rows)


def _draw(timed: Mapping[tuple[str, int], float]) -> Figure:
    figure = Figure(figsize=(8, 3), layout="constrained")
    for axes, (name, title) in zip(figure.subplots(1, 2), (("n", "words"), ("k", "neighbours")), strict=True):
        points: npt.NDArray[Any] = np.array([(value, each) for (kind, value), each in timed.items() if kind == name])
        axes.loglog(*points.T, "o-", label=f"slope {_slope(timed, name):.2f}")
        axes.set(xlabel=title, ylabel="time of a layer (CPU seconds)")
        axes.legend()
    return figure
