"""Learn 184 operations one after the other, without replay: as gated assemblies, and by gradient at equal memory.

The operations are the functions of `brainsim.networks.operations`.  *As assemblies*: the assembly of an operation
disinhibits a share of an area, two operands meet in another area, whose assembly drives the first, and its winners are
linked to one of 16 result symbols.  Each of the 64 pairs of 8 x 8 operand levels is presented once.  Accuracy is
measured just after an operation is learned, and for all operations at the end, against the neurons of the gated area.
*By gradient*: small networks see points of one operation for some steps, then the next.  Their memories hold equally
many numbers: a plain network that is given the operation as a code, elastic weight consolidation (EWC, Kirkpatrick et
al. 2017), superposition of parameters (Cheung et al. 2019), weights modulated by coordinates with all parameters free,
and a private low-rank pair and read-out for each operation on a frozen base.

*Routing* asks which operation is meant: by its name and a description as presented, by a description in other words, by
a description of which half of the neurons are replaced, and by eight examples alone.  For other words, a baseline
compares descriptions by the words that they share, weighted by rarity (TF-IDF).

Success is stated in advance.  At 10^5 neurons at least .95 of the results are right at the end, and at most .3 if
another operation gates; more neurons are better.  Routing is .99 for the cue with half of its neurons replaced, and
.95 for other words.  Private pairs do not forget: outputs at the end equal those just after, bit for bit; the plain
network and free modulation do forget (their error at the end is at least 3 times that just after).  "Zero forgetting"
is reported only where all outputs are the same bits.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from math import log, sqrt
from statistics import fmean
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from brainsim import Area, Assembly, Brain, Hebbian, OneToOne, Plasticity, Simulator, StatisticalHebbian, experiment
from brainsim.networks.needs import require_torch
from brainsim.networks.operations import Operation, operations
from brainsim.studies.comparison import by_seed, measured, over_seeds, scores, write_table
from brainsim.studies.parts import Part
from brainsim.studies.processes import Call
from brainsim.studies.run import Run
from brainsim.studies.statistics import interval_95

Neurons = npt.NDArray[np.int64]

LEVELS, RESULTS, K = 8, 16, 50
CODES, MEETING = 10_000, 20_000  # neurons of the areas of operations and operands, and of the one where operands meet
DISINHIBITS, TEACHES = 1000.0, 20_000.0  # above any drive from the meeting area, and any from the gated area
WORDS, WORD_K, MEANT_K = 20_000, 20, 50
EXAMPLES = 8
LEARNED = StatisticalHebbian(0.9, 16.0)  # logarithms of counts: many weak votes do not outweigh one strong one
ARMS = {
    "gated": "gated assemblies",
    "ungated": "no gate: the operation drives, too",
    "other_gate": "control: another operation gates",
    "beta_zero": "control: beta = 0",
}
NETWORKS = {
    "plain": "plain network",
    "ewc": "elastic weight consolidation",
    "superposition": "parameter superposition",
    "modulated": "modulation, all weights free",
    "private": "private low-rank pairs",
}
CUES = {
    "seen": "as presented",
    "other_words": "other words",
    "shared_words": "other words, baseline: shared words",
    "corrupted": "half of the neurons replaced",
    "examples": "eight examples",
}
CRITERIA = {"final": 0.95, "other_gate": 0.3, "corrupted": 0.99, "other_words": 0.95, "forgets": 3.0}


@experiment(quick={"sizes": "5000", "judged": 5000, "count": 4, "steps": 20, "seeds": 2})
def operations_184(
    run: Run,
    *,
    sizes: str = "20000,100000",
    judged: int = 100_000,
    gate: float = 0.0,
    count: int = 184,
    steps: int = 100,
    seeds: int = 5,
) -> Mapping[str, Any]:
    """Learn operations in sequence, and see what is left of each.

    Parameters
    ----------
    sizes
        Neurons of the gated area, with commas between the numbers.
    judged
        Size at which the assemblies are judged and the controls run; one of ``sizes``.
    gate
        Share of the area that an operation disinhibits; 0 for .1 up to 5e4 neurons, .05 up to 5e5, and .02 above.
    count
        Operations, spread evenly over the table.
    steps
        Steps of gradient for each operation, 64 points each.
    seeds
        Orders of the operations, brains and networks; their means and 95 % intervals are reported.
    """
    require_torch()
    every = [int(each) for each in sizes.split(",")]
    calls: dict[Any, Call] = {("gated", n): Call(assembled, ("gated", n, gate, count)) for n in every}
    calls |= {(arm, judged): Call(assembled, (arm, judged, gate, count)) for arm in ARMS if arm != "gated"}
    calls |= {("network", arm): Call(trained, (arm, count, steps)) for arm in NETWORKS}
    calls["routing", 0] = Call(routed, (count,))
    parts = over_seeds(run, calls, seeds, "runs")
    brains = {key: each for key, each in parts.items() if key[0] in ARMS}
    networks = {arm: parts["network", arm] for arm in NETWORKS}
    _tables(run, brains, networks, parts["routing", 0])
    run.picture("operations_184.png", lambda: _draw(brains, networks, parts["routing", 0]))
    named = {f"{arm}/n={n}": each for (arm, n), each in brains.items()} | networks | {"routing": parts["routing", 0]}
    means = {name: {key: fmean(scores(each, key)) for key in each[0]} for name, each in named.items()}
    return {
        "means": means,
        "criteria": CRITERIA,
        "met": _met(means, judged),
        "zero_forgetting": {
            name: each["same_bits"] == 1.0
            for name, each in means.items()
            if name in NETWORKS or name.startswith(("gated", "ungated"))
        },
        "chance": {"result": 1 / RESULTS, "routing": 1 / count},
        "intervals_95": {
            name: {key: interval_95(scores(each, key), bounded=name not in NETWORKS) for key in each[0]}
            for name, each in named.items()
        },
        "by_seed": {f"arm={name}": by_seed(each) for name, each in named.items()},
    }


def _chosen(count: int, seed: int) -> list[Operation]:
    """Return operations, spread evenly over the table, in a random order."""
    every = operations()
    some = [every[at] for at in np.linspace(0, len(every) - 1, count).astype(int)]
    return [some[at] for at in np.random.default_rng([seed, 1]).permutation(count)]


def _share(n: int) -> float:
    return 0.1 if n <= 50_000 else 0.05 if n <= 500_000 else 0.02


class Calculator:
    """A brain that learns operations: the gated area, what drives it, and the results."""

    def __init__(self, arm: str, n: int, gate: float, count: int, seed: int, **options: Any) -> None:
        brain = Brain()
        self.operation, self.first, self.second = brain.add(
            Area("Operation", CODES, K), Area("First", CODES, K), Area("Second", CODES, K)
        )
        meeting, gated, self.result = brain.add(
            Area("Meeting", MEETING, K), Area("Gated", n, K), Area("Result", RESULTS, 1)
        )
        self.teacher = brain.add(Area("Teacher", RESULTS, 1))
        self._meet = brain.connect(self.first, meeting, 0.1), brain.connect(self.second, meeting, 0.1)
        drives = [brain.connect(meeting, gated, 0.1)]
        self._opens = None
        if arm == "ungated":
            drives.append(brain.connect(self.operation, gated, 0.1))
        else:
            gates = brain.add(Area("Gate", n, max(K, round((gate or _share(n)) * n))))
            self._opens = brain.connect(self.operation, gates, 0.1)
            drives.append(brain.connect(gates, gated, graph=OneToOne(), weight=DISINHIBITS))
        self._drives = drives
        rule: Plasticity = Hebbian(0.0, 16.0) if arm == "beta_zero" else LEARNED
        self._votes = brain.connect(gated, self.result, 1.0, rule)
        self._teaches = brain.connect(self.teacher, self.result, graph=OneToOne(), weight=TEACHES)
        rng = np.random.default_rng([seed, 2])
        self._operands = [[rng.choice(CODES, K, replace=False) for _ in range(LEVELS)] for _ in range(2)]
        self._codes = [rng.choice(CODES, K, replace=False) for _ in range(count)]
        self.sim = Simulator(brain, seed, **options)

    def _pairs(self, operation: int) -> Iterator[tuple[int, int]]:
        """Let the gated area fire for each pair of operands in turn."""
        self.sim.present(Assembly("Operation", self._codes[operation]))
        if self._opens is not None:
            self.sim.run(self._opens, learn=())
        for a, b in np.ndindex(LEVELS, LEVELS):
            self.sim.present(Assembly("First", self._operands[0][a]), Assembly("Second", self._operands[1][b]))
            self.sim.run(self._meet, learn=())
            self.sim.run(self._drives, learn=())
            yield a, b

    def learn(self, operation: int, symbols: Neurons) -> None:
        """Present each pair of operands with its result, once."""
        for a, b in self._pairs(operation):
            self.sim.silence(self.result)
            self.sim.present(Assembly("Teacher", [symbols[a, b]]))
            self.sim.run(self._teaches, learn=self._votes)
        self.sim.silence(self.teacher, self.result)

    def answers(self, operation: int) -> Neurons:
        """Return the result that fires for each pair of operands, shape ``(8, 8)``."""
        found = np.zeros((LEVELS, LEVELS), np.int64)
        with self.sim.frozen():
            for a, b in self._pairs(operation):
                self.sim.silence(self.result)
                self.sim.run(self._votes, learn=())
                found[a, b] = self.sim.assembly(self.result).neurons[0]
        return found


def assembled(part: Part, arm: str, n: int, gate: float, count: int, seed: int) -> dict[str, float]:
    """Learn operations as assemblies, one after the other; return accuracies and whether answers stay the same."""
    symbols = [each.symbols(LEVELS, RESULTS) for each in _chosen(count, seed)]
    after = []
    calculator = Calculator(arm, n, gate, count, seed, **part.simulator)
    with calculator.sim:
        for at in range(count):
            calculator.learn(at, symbols[at])
            after.append(calculator.answers(at))
        asked = [(at + 1) % count if arm == "other_gate" else at for at in range(count)]
        final = [calculator.answers(at) for at in asked]
    return {
        "just_after": float(np.mean(np.array(after) == symbols)),
        "final": float(np.mean(np.array(final) == symbols)),
        "same_bits": float(np.mean(np.array(final) == after)),
        "most_frequent": fmean(float(np.bincount(each.ravel()).max()) / each.size for each in symbols),
    }


def routed(part: Part, count: int, seed: int) -> dict[str, float]:
    """Present each operation with two descriptions and its table, once, and ask which operation a cue means."""
    chosen = _chosen(count, seed)
    brain, rng = Brain(), np.random.default_rng([seed, 3])
    words = brain.add(Area("Words", WORDS, WORDS))
    meant, teacher = brain.add(Area("Meant", count * MEANT_K, MEANT_K), Area("Teacher", count * MEANT_K, MEANT_K))
    links = brain.connect(words, meant, 0.5, Hebbian(8.0, 9.0))
    teaches = brain.connect(teacher, meant, graph=OneToOne(), weight=TEACHES)
    code: dict[str, Neurons] = {}

    def cue(symbols: Sequence[str]) -> Neurons:
        for each in symbols:
            code.setdefault(each, rng.choice(WORDS, WORD_K, replace=False))
        return np.unique(np.concatenate([code[each] for each in symbols]))

    cues = {name: [cue(_symbols(each, name, seed)) for each in chosen] for name in ("seen", "other_words", "examples")}
    cues["corrupted"] = [_corrupted(each, rng) for each in cues["seen"]]
    taught = [[cue(_symbols(each, name, seed)) for name in ("seen", "paraphrase", "table")] for each in chosen]
    with Simulator(brain, seed, **part.simulator) as sim:
        for at, several in enumerate(taught):
            for each in several:
                sim.silence(meant)
                sim.present(Assembly("Words", each), Assembly("Teacher", range(at * MEANT_K, (at + 1) * MEANT_K)))
                sim.run(teaches, learn=links)
        sim.silence()
        right = {name: _share_right(sim, [words, meant], links, each) for name, each in cues.items()}
    return {**right, "shared_words": _by_shared_words(chosen, seed)}


def _by_shared_words(chosen: Sequence[Operation], seed: int) -> float:
    """Return for which share of descriptions in other words the known ones that share most words are the right ones."""
    known = [{*_symbols(each, "seen", seed), *_symbols(each, "paraphrase", seed)} for each in chosen]
    found_in = Counter(word for each in known for word in each)
    weights = {word: log(len(chosen) / count) for word, count in found_in.items()}
    right = 0
    for at, operation in enumerate(chosen):
        asked = {*_symbols(operation, "other_words", seed)}
        right += int(np.argmax([sum(weights[word] for word in asked & each) / sqrt(len(each)) for each in known])) == at
    return right / len(chosen)


def _share_right(sim: Simulator, areas: Sequence[Area], links: Any, cues: Sequence[Neurons]) -> float:
    """Return for which share of cues most of the neurons that fire are of the right operation."""
    right = 0
    with sim.frozen():
        for at, each in enumerate(cues):
            sim.silence(areas[1])
            sim.present(Assembly(areas[0].name, each))
            sim.run(links, learn=())
            votes = np.bincount(sim.assembly(areas[1]).neurons // MEANT_K, minlength=len(cues))
            right += int(votes.argmax() == at and (votes == votes.max()).sum() == 1)
    return right / len(cues)


def _symbols(operation: Operation, cue: str, seed: int) -> list[str]:
    """Return the words of a description, or the triples of operands and result of a table or of some examples."""
    if cue in ("table", "examples"):
        table = operation.symbols(LEVELS, RESULTS)
        triples = [f"{a} {b} {table[a, b]}" for a, b in np.ndindex(LEVELS, LEVELS)]
        if cue == "table":
            return triples
        picked = np.random.default_rng([seed, operations().index(operation)]).choice(
            len(triples), EXAMPLES, replace=False
        )
        return [triples[at] for at in picked]
    text = {
        "seen": operation.description,
        "paraphrase": operation.paraphrase,
        "other_words": operation.held_out,
    }[cue]
    name = [f"name: {operation.name}"] if cue == "seen" else []
    return name + [word.strip(".,:;()").lower() for word in text.split()]


def _corrupted(neurons: Neurons, rng: np.random.Generator) -> Neurons:
    """Return neurons of which half are replaced by random ones."""
    kept = rng.choice(neurons, len(neurons) - len(neurons) // 2, replace=False)
    others = rng.choice(np.setdiff1d(np.arange(WORDS), neurons), len(neurons) // 2, replace=False)
    return np.concatenate([kept, others])


FEATURES, GRID = 64, 16
GOOD = 0.1  # normalised squared error; 1 is that of the mean


def trained(part: Part, arm: str, count: int, steps: int, seed: int) -> dict[str, float]:
    """Train one network on operations one after the other; return errors just after each and at the end."""
    import torch

    from brainsim.networks.continual import Continual

    del part
    torch.set_num_threads(1)
    tasks = _tasks(_chosen(count, seed), seed)
    network = Continual(arm, FEATURES, count, seed=seed)  # type: ignore[arg-type]
    after = []
    for at, (inputs, targets) in enumerate(tasks):
        network.learn(at, inputs, targets, steps=steps, seed=seed)
        after.append(_outputs(network, inputs, at))
    final = [_outputs(network, inputs, at) for at, (inputs, _) in enumerate(tasks)]
    errors = {
        name: [float(((output - targets) ** 2).mean()) for output, (_, targets) in zip(each, tasks, strict=True)]
        for name, each in (("just_after", after), ("final", final))
    }
    return {
        **{name: fmean(each) for name, each in errors.items()},
        "forgotten": fmean(errors["final"]) - fmean(errors["just_after"]),
        "good_at_the_end": fmean(each < GOOD for each in errors["final"]),
        "same_bits": fmean(torch.equal(one, other) for one, other in zip(after, final, strict=True)),
        "numbers": float(network.held),
    }


def _outputs(network: Any, inputs: Any, task: int) -> Any:
    import torch

    with torch.no_grad():
        return network(inputs, task)


def _tasks(chosen: Sequence[Operation], seed: int) -> list[tuple[Any, Any]]:
    """Return fixed random features of the operands and standardised results of each operation, on a fine grid."""
    import torch

    mixing = 2.0 * torch.randn(3, FEATURES, generator=torch.Generator().manual_seed(seed))
    tasks = []
    for each in chosen:
        values = torch.from_numpy(each.grid(GRID)).flatten()
        levels = [torch.from_numpy(each.operands(name, GRID)) for name in ("a", "b")]
        points = torch.cartesian_prod(*(2 * (level - level[0]) / (level[-1] - level[0]) - 1 for level in levels))
        raw = torch.cat([points, torch.ones(len(points), 1, dtype=points.dtype)], dim=1).float()
        targets = ((values - values.mean()) / values.std(correction=0)).float()
        tasks.append((torch.tanh(raw @ mixing), targets))
    return tasks


def _met(means: Mapping[str, Mapping[str, float]], judged: int) -> dict[str, bool]:
    gated = sorted(
        (int(name.split("=")[1]), each["final"]) for name, each in means.items() if name.startswith("gated/")
    )
    return {
        "final": means[f"gated/n={judged}"]["final"] >= CRITERIA["final"],
        "more_neurons": all(one[1] <= other[1] for one, other in pairwise(gated)),
        "other_gate": means[f"other_gate/n={judged}"]["final"] <= CRITERIA["other_gate"],
        "corrupted": means["routing"]["corrupted"] >= CRITERIA["corrupted"],
        "other_words": means["routing"]["other_words"] >= CRITERIA["other_words"],
        "private_same_bits": means["private"]["same_bits"] == 1.0,
        "others_forget": all(
            means[arm]["final"] >= CRITERIA["forgets"] * means[arm]["just_after"] for arm in ("plain", "modulated")
        ),
    }


def _tables(
    run: Run,
    brains: Mapping[tuple[str, int], Sequence[Any]],
    networks: Mapping[str, Sequence[Any]],
    routing: Sequence[Any],
) -> None:
    names = ("just_after", "final", "same_bits")
    rows = [
        [ARMS[arm], f"{n:_}", *(measured(scores(each, name), 3, bounded=True) for name in names)]
        for (arm, n), each in brains.items()
    ]
    share = fmean(scores(next(iter(brains.values())), "most_frequent"))
    title = f"Right results; always the most frequent one of an operation: {share:.3f}"
    header = ["", "neurons", "just after", "at the end", "answers that stayed the same"]
    write_table(run, "assemblies.md", title, header, rows)
    columns = {
        "numbers": "numbers held",
        "just_after": "error just after",
        "final": "error at the end",
        "good_at_the_end": f"error below {GOOD} at the end",
        "same_bits": "same bits at the end",
    }
    rows = [[NETWORKS[arm], *(measured(scores(each, name), 3) for name in columns)] for arm, each in networks.items()]
    rows = [[*row, "zero forgetting" if min(scores(networks[arm], "same_bits")) == 1.0 else ""]
            for row, arm in zip(rows, networks, strict=True)]  # fmt: skip
    write_table(run, "networks.md", "Normalised squared error", ["", *columns.values(), ""], rows)
    routes = [[title, measured(scores(routing, name), 3, bounded=True)] for name, title in CUES.items()]
    write_table(run, "routing.md", "Which operation a cue means", ["cue", "right"], routes)


def _draw(
    brains: Mapping[tuple[str, int], Sequence[Any]], networks: Mapping[str, Sequence[Any]], routing: Sequence[Any]
) -> Figure:
    figure = Figure(figsize=(12, 3.6), layout="constrained")
    size_axes, error_axes, cue_axes = figure.subplots(1, 3)
    for at, arm in enumerate(ARMS):
        sizes = sorted(n for name, n in brains if name == arm)
        for name, style in (("just_after", "--"), ("final", "-")):
            values = [[part[name] for part in brains[arm, n]] for n in sizes]
            label = f"{ARMS[arm]}, {'at the end' if style == '-' else 'just after'}"
            size_axes.plot(sizes, [fmean(each) for each in values], f"o{style}", color=f"C{at}", ms=4, label=label)
    size_axes.set(xscale="log", xlabel="neurons of the gated area", ylabel="right results", ylim=(0, 1.03))
    size_axes.legend(fontsize="xx-small")
    for at, parts in enumerate(networks.values()):
        for name, marker in (("just_after", "o"), ("final", "s")):
            error_axes.plot(
                scores(parts, name), [at] * len(parts), marker, color=f"C{at}", mfc="none" if marker == "o" else None
            )
    error_axes.set_yticks(range(len(networks)), [NETWORKS[arm] for arm in networks], fontsize="x-small")
    error_axes.set(xscale="log", xlabel="error just after (open) and at the end (filled)")
    for at, name in enumerate(CUES):
        cue_axes.plot([at] * len(routing), scores(routing, name), "o", color="C0", alpha=0.6)
    cue_axes.set_xticks(range(len(CUES)), [title.replace(" ", "\n") for title in CUES.values()], fontsize="x-small")
    cue_axes.set(ylabel="right operation", ylim=(-0.03, 1.03))
    return figure
