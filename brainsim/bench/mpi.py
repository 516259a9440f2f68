"""``brainsim bench scale --mpi``: one brain over several processes, measured here and reckoned for many nodes.

One recurrent area of ``n`` neurons, of which ``sqrt(n)`` win, hears one stimulus.  *Strong* scaling keeps ``n``,
*weak* scaling keeps the neurons of a process, so that its synapses grow as the root of the number of processes.  Each
process has one thread.  The time in the exchange of winners is
communication and waiting for the slowest process.  Communication is measured by itself, as the median of exchanges of
as many bytes without work between them; the rest is waiting.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from math import isqrt, log2
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from brainsim.bench.measure import Record, Say
from brainsim.errors import WorkerError
from brainsim.simulate import backends

P, ROUNDS = 0.001, 10
BYTES_OF_CANDIDATE, SPARE = 16, 32
NODES = (64, 256, 1024)
PAPER_NEURONS = (10**8, 10**9)


class Network(NamedTuple):
    """Assumptions about the network between nodes, which the table states."""

    latency: float = 2e-6
    bandwidth: float = 12.5e9


def measure_mpi(n: int, options: dict[str, Any], say: Say) -> list[Record]:
    """Return a record for each number of processes, first of strong scaling, then of weak.

    Raises
    ------
    WorkerError
        If there is no mpiexec, or the processes fail.
    """
    program = shutil.which("mpiexec", path=os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"])))
    if program is None:
        raise WorkerError("bench --mpi: there is no mpiexec; pip install 'brainsim[mpi]' mpich")
    counts = [1, 2] if options["quick"] else _counts(backends.cores())
    backend = backends.resolve(options["backend"])
    p = 0.05 if options["quick"] else options["p"] or P
    sizes = [*(("strong", n, ranks) for ranks in counts), *(("weak", n * ranks, ranks) for ranks in counts[1:])]
    found: dict[tuple[int, int], list[list[Record]]] = {}
    for repeat in range(1 if options["quick"] else options["repeats"]):
        for _, size, ranks in sizes:
            say(f"scale n={size:.0e} on {ranks} processes: repeat {repeat + 1}")
            arguments = [str(size), str(p), backend, str(repeat)]
            found.setdefault((size, ranks), []).append(_run(program, ranks, arguments))
    alone = median(_seconds(each) for each in found[n, 1])
    return [_record(how, size, ranks, p, backend, found[size, ranks], alone) for how, size, ranks in sizes]


def _counts(cores: int) -> list[int]:
    return sorted({*(1 << bit for bit in range(cores.bit_length()) if 1 << bit <= cores), cores})


def _run(program: str, ranks: int, arguments: list[str]) -> list[Record]:
    command = [program, "-n", str(ranks), sys.executable, "-m", "brainsim.bench.mpi_rank", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise WorkerError(f"bench --mpi: {ranks} processes failed ({last})")
    each: list[Record] = json.loads(done.stdout)
    return each


def _seconds(ranks: list[Record]) -> float:
    return max(float(rank["seconds"]) for rank in ranks)


def _record(how: str, n: int, ranks: int, p: float, backend: str, runs: list[list[Record]], alone: float) -> Record:
    times = [_seconds(run) for run in runs]
    middle = median(times)
    return {
        "case": "scale --mpi",
        "scaling": how,
        "n": n,
        "k": isqrt(n),
        "p": p,
        "backend": backend,
        "ranks": ranks,
        "repeats": len(runs),
        "seconds_per_round": middle / ROUNDS,
        "seconds_per_round_range": [min(times) / ROUNDS, max(times) / ROUNDS],
        "efficiency": alone / middle / (ranks if how == "strong" else 1),
        "communicating": median(_share(run, "exchange") for run in runs),
        "waiting": max(0.0, median(_share(run, "communicate") - _share(run, "exchange") for run in runs)),
        "bytes_per_round": runs[0][0]["bytes"] / ROUNDS,
        "peak_rss_mb": median(max(rank["peak_rss_mb"] for rank in run) for run in runs),
    }


def _share(run: list[Record], what: str) -> float:
    """Return the share of a time in that of the rounds, mean over processes."""
    return sum(float(rank[what]) for rank in run) / len(run) / _seconds(run)


def on_paper(records: list[Record], network: Network) -> list[tuple[int, int, float, float]]:
    """Return neurons, nodes, and the seconds of a round on them: of computing and of the exchange.

    A process computes for the synapses that it draws, ``k * p * n / nodes``, at the rate of one process here, with
    ``p * n`` as measured.  The exchange gathers ``2 * k / nodes + 32`` candidates of 16 bytes from each node:
    ``log2(nodes)`` latencies, and the bytes of all others at the bandwidth.
    """
    first = records[0]
    per_synapse = first["seconds_per_round"] / (first["k"] * first["p"] * first["n"])
    incoming = first["p"] * first["n"]
    found = []
    for n in PAPER_NEURONS:
        for nodes in NODES:
            k = isqrt(n)
            nbytes = (nodes - 1) * BYTES_OF_CANDIDATE * (2 * k // nodes + SPARE)
            exchange = log2(nodes) * network.latency + nbytes / network.bandwidth
            found.append((n, nodes, per_synapse * k * incoming / nodes, exchange))
    return found


def mpi_table(records: list[Record]) -> str:
    """Return the records as lines, and what follows from them for many nodes."""
    lines = [
        f"one area, p={records[0]['p']:g}, {records[0]['backend']}, one thread a process, {ROUNDS} rounds, median of "
        f"{records[0]['repeats']} (range)",
        "weak: k = sqrt(n) grows, so a process draws sqrt(processes) times as many synapses a round",
        f"{'scaling':8} {'n':>11} {'processes':>9} {'ms a round':>24} {'efficiency':>10} {'communication':>13} "
        f"{'waiting':>8} {'bytes a round':>13} {'MB a process':>12}",
    ]
    for each in records:
        low, high = (1e3 * seconds for seconds in each["seconds_per_round_range"])
        time = f"{1e3 * each['seconds_per_round']:.2f} ({low:.2f}-{high:.2f})"
        lines.append(
            f"{each['scaling']:8} {each['n']:>11_} {each['ranks']:>9} {time:>24} {each['efficiency']:>10.2f} "
            f"{each['communicating']:>12.1%} {each['waiting']:>8.1%} {each['bytes_per_round']:>14_.0f} "
            f"{each['peak_rss_mb']:>12.0f}"
        )
    network = Network()
    lines += [
        "",
        f"On paper, not measured: latency {1e6 * network.latency:g} us, bandwidth {network.bandwidth / 1e9:g} GB/s a "
        f"node; k = sqrt(n), p * n = {records[0]['p'] * records[0]['n']:_.0f} synapses a firing neuron,",
        "one process a node at the rate of one process above, on one thread; a node sends 2 k / nodes + 32 candidates.",
        f"{'n':>14} {'nodes':>6} {'ms computing':>13} {'ms exchange':>12}",
    ]
    for n, nodes, computing, exchange in on_paper(records, network):
        lines.append(f"{n:>14_} {nodes:>6} {1e3 * computing:>13.2f} {1e3 * exchange:>12.2f}")
    return "\n".join(lines)
