"""Case ``vectors``: an area whose nodes hold vectors, on an undirected small world with three weights an edge.

*Graph*: drawing the edges and listing them at both ends.  *Layer*: one round in which all nodes step.  *Sentence*: 30
nodes are presented, the weights of the edges among them learn for one round, and what they send is read out.  Times are
those of a clock; *processor* seconds add up over threads, and other programs on the machine change them less.  The
slopes say how the processor seconds of a layer grow with the nodes, and with their neighbours.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from brainsim import Assembly, Brain, Cosine, Relax, Simulator, SmallWorld, VectorArea
from brainsim.bench.engine import OURS, Settings
from brainsim.bench.exponent import exponent
from brainsim.bench.measure import Record, Say
from brainsim.bench.memory import peak_of
from brainsim.simulate.usage import collected

CHANNELS = {"safety": 0.4, "curiosity": 0.3, "joy": 0.3}
RATES = {"safety": 0.06, "curiosity": 0.08, "joy": 0.07}
ACTIVE = 30


@dataclass(frozen=True)
class Network:
    """One size: nodes, neighbours of each, and components of a vector."""

    n: int
    neighbours: int
    dim: int


@dataclass(frozen=True)
class VectorTimes:
    """Seconds of the graph and of the first round, and of each layer and each sentence after it.

    ``layers_cpu`` are processor seconds, those of all threads together.
    """

    graph: float
    first: float
    layers: list[float]
    layers_cpu: list[float]
    sentences: list[float]


def networks(sizes: Sequence[int], *, quick: bool) -> list[Network]:
    """Return the networks of the case: all at the full number of neighbours, and the last one with fewer, too."""
    most, dim = (10, 16) if quick else (100, 128)
    ns = sorted(set(sizes)) or ([500, 1000] if quick else [15_000, 30_000, 60_000])
    fewer = [Network(ns[-1], neighbours, dim) for neighbours in ((4,) if quick else (26, 50))]
    return [*(Network(n, most, dim) for n in ns), *fewer]


def run_vectors(network: Network, repeats: int, settings: Settings) -> VectorTimes:
    """Run one warm-up of each, then ``repeats`` layers and sentences."""
    begun = time.perf_counter()
    brain = Brain()
    words = brain.add(VectorArea("Words", n=network.n, dim=network.dim, k=ACTIVE))
    links = brain.connect(
        words,
        words,
        graph=SmallWorld(network.neighbours, rewire=0.1, symmetric=True),
        message=Cosine(keep=0.8),
        channels=CHANNELS,
        weight=0.5,
        plasticity=Relax(RATES),
    )
    graph = time.perf_counter() - begun
    rng = np.random.default_rng(0)
    with collected(), Simulator(brain, threads=settings.threads, backend=settings.backend) as sim:
        layers, processor = zip(*(_layer(sim) for _ in range(repeats + 1)), strict=True)
        edges, sentences = sim.edges(links), []
        for _ in range(repeats + 1):
            # Words of a sentence that are near each other, so that some of them are linked.
            heard = np.sort(rng.choice(4 * ACTIVE, ACTIVE, replace=False) + rng.integers(network.n - 4 * ACTIVE))
            begun = time.perf_counter()
            edges.set_input(rng.random((ACTIVE, len(CHANNELS))), nodes=heard)
            sim.present(Assembly("Words", heard))
            sim.run((), learn=links)
            edges.sent(mean=True)
            sentences.append(time.perf_counter() - begun)
    return VectorTimes(graph, layers[0], list(layers[1:]), list(processor[1:]), sentences[1:])


def _layer(sim: Simulator) -> tuple[float, float]:
    """Return the seconds of one layer, and the processor seconds of all threads."""
    begun, processor = time.perf_counter(), time.process_time()
    sim.run(sim.brain.fibers, learn=())
    sim.timings()  # waits for a device
    return time.perf_counter() - begun, time.process_time() - processor


def measure_vectors(
    sizes: Sequence[int], settings: Settings, repeats: int, *, quick: bool, memory: bool, say: Say
) -> list[Record]:
    """Return a record for each network."""
    every, times = networks(sizes, quick=quick), []
    for network in every:
        say(f"vectors n={network.n:.0e}: {network.neighbours} neighbours, {network.dim} components")
        times.append(run_vectors(network, 1 if quick else repeats, settings))
    slopes = _slopes(every, times)
    return [
        {
            "case": "vectors",
            "engine": OURS,
            "backend": settings.backend,
            "threads": settings.threads,
            "n": network.n,
            "neighbours": network.neighbours,
            "dim": network.dim,
            "edges": network.n * network.neighbours // 2,
            "repeats": len(each.layers),
            "graph_seconds": each.graph,
            "first_seconds": each.first,
            "layer_seconds": median(each.layers),
            "layer_range": [min(each.layers), max(each.layers)],
            "layer_cpu_seconds": median(each.layers_cpu),
            "sentence_seconds": median(each.sentences),
            "sentence_range": [min(each.sentences), max(each.sentences)],
            "peak_rss_mb": peak_of(run_vectors, network, 1, settings) if memory else None,
            **slopes,
        }
        for network, each in zip(every, times, strict=True)
    ]


def _slopes(every: list[Network], times: list[VectorTimes]) -> dict[str, float | None]:
    """Return the exponents with which the time of a layer grows with the nodes, and with their neighbours."""
    most, largest = max(each.neighbours for each in every), max(each.n for each in every)
    layers = [(network, median(each.layers_cpu)) for network, each in zip(every, times, strict=True)]
    by_n = [(network.n, seconds) for network, seconds in layers if network.neighbours == most]
    by_neighbours = [(network.neighbours, seconds) for network, seconds in layers if network.n == largest]
    return {
        name: exponent([size for size, _ in points], [seconds for _, seconds in points])
        for name, points in (("slope_n", by_n), ("slope_neighbours", by_neighbours))
    }


def vectors_table(records: list[Record]) -> str:
    """Return the records as lines."""
    first = records[0]
    lines = [
        f"vectors of {first['dim']} components, {first['backend']}, {first['threads'] or 'all'} threads: "
        f"median (range) of {first['repeats']} repeats",
        f"{'nodes':>8}  {'neighbours':>10}  {'edges':>10}  {'graph, s':>8}  {'layer, ms':>24}  {'processor, ms':>13}  "
        f"{'sentence, ms':>20}  {'peak, MB':>8}",
    ]
    for record in records:
        peak = "" if record["peak_rss_mb"] is None else f"{record['peak_rss_mb']:.0f}"
        lines.append(
            f"{record['n']:8_}  {record['neighbours']:10}  {record['edges']:10_}  {record['graph_seconds']:8.2f}  "
            f"{_cell(record, 'layer'):>24}  {1e3 * record['layer_cpu_seconds']:13.1f}  "
            f"{_cell(record, 'sentence'):>20}  {peak:>8}"
        )
    for name, what in (("slope_n", "nodes"), ("slope_neighbours", "neighbours")):
        if first[name] is not None:
            lines.append(f"a layer grows as {what} ^ {first[name]:.2f}")
    return "\n".join(lines)


def _cell(record: Record, what: str) -> str:
    low, high = record[f"{what}_range"]
    return f"{1e3 * record[f'{what}_seconds']:.2f} ({1e3 * low:.2f}-{1e3 * high:.2f})"
