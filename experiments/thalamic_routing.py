"""Route items through a thalamus: a goal opens the channels of a few of many items, and a gate lets these through.

A goal names c of L items.  Each item has a *key* of goal neurons and a channel of a `Thalamus`, which are linked in one
round, and neurons of its own, which are linked to a pattern of the working memory.  All items fire.  The fiber to the
working memory is gated by the thalamus, so that only the items of open channels are heard.  A goal is the union of its
items' keys, of which a part is missing: 30 to 60 % are presented.  `route` lets a goal choose, and returns which
channels were open and what fires in the working memory.

Controls: relays that compete one by one, where an item counts as chosen if at least half of its relays fire; a gate
with as many random channels open; and no gate, all channels being open.  `Simulator.events` counts the synaptic events
of a query: *matching* ones, from the goal to the relays, and *transmitting* ones, from the items to working memory.

Success is stated in advance, in the mean over seeds, for a cue of 60 % and every L: .995 of the named items are chosen
with c = 4, and .95 with c = 16; with c = 4 the working memory recalls .98 of their patterns.  In logarithmic axes the
slope of the matching events against L is 1, and that of the transmitting ones 0, both within .02.  Controls at the
largest L: with a random gate at most .05 more is recalled than chance, which is that some named items are open; without
a gate at most .05 more than the chance of a neuron; and relays that compete one by one choose fewer items.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from itertools import product
from statistics import fmean, median
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from brainsim import Area, Assembly, Brain, Fiber, Hebbian, Simulator, experiment
from brainsim.areas import Thalamus
from brainsim.operations import route
from brainsim.studies.comparison import by_seed, measured, over_seeds, scores, write_table
from brainsim.studies.parts import Part
from brainsim.studies.processes import Call
from brainsim.studies.run import Run
from brainsim.studies.statistics import exponent, interval_95

Neurons = npt.NDArray[np.int64]
Cells = list[dict[str, float]]  # a measure by its name, for every seed
Seen = dict[str, dict[str, dict[str, float]]]  # chosen, cue, measure

RULE = Hebbian(8.0, 9.0)  # one co-firing saturates a synapse
GOAL, KEY, ITEM = 2000, 50, 50  # neurons of the goal area, of a key and of an item
RELAYS = 10  # relay neurons of a channel
P = 0.2
LEAST = {"channels": {"chosen=4": 0.995, "chosen=16": 0.95}, "gated": {"chosen=4": 0.98}}
SLOPES = {"matching": 1.0, "transmitting": 0.0}
CRITERIA = {"least": LEAST, "slopes": SLOPES, "slope_within": 0.02, "above_chance": 0.05}
MEASURES = {
    "channels": "items chosen, channels compete",
    "neurons": "control: items chosen, relays compete one by one",
    "gated": "recalled in working memory",
    "random_gate": "control: recalled with a random gate",
    "no_gate": "control: recalled without a gate",
}
EVENTS = {
    "matching": "goal to relays",
    "transmitting": "items to working memory, gated",
    "ungated": "items to working memory, no gate",
}
COSTS = {**EVENTS, "query_seconds": "query (s)", "link_seconds": "link (s)", "learned_mb": "learned synapses (MB)"}


@experiment(quick={"items": "60,240", "chosen": "4", "cues": ".3,.6", "working": 2000, "queries": 5, "seeds": 2})
def thalamic_routing(
    run: Run,
    *,
    items: str = "100,1000,10000,100000",
    chosen: str = "4,16",
    cues: str = ".3,.4,.6",
    working: int = 20_000,
    queries: int = 10,
    ungated_items: int = 10_000,
    seeds: int = 5,
) -> Mapping[str, Any]:
    """Choose among L ``items``, for several L, numbers of ``chosen`` items and sizes of ``cues``.

    Parameters
    ----------
    items
        Numbers of items L, with commas between them.
    chosen
        Numbers of items that a goal names, with commas between them.
    cues
        Fractions of each key that a goal holds, with commas between them.
    working
        Neurons of the working memory.
    queries
        Goals that each brain is asked for with each size of a cue.
    ungated_items
        The largest L at which one query is made without a gate: at 100 000 items it takes 2e10 synaptic events.
    seeds
        Brains of each L, each with a seed of its own; their means and 95 % intervals are reported.
    """
    sizes, named = [int(each) for each in items.split(",")], [int(each) for each in chosen.split(",")]
    asked = [float(each) for each in cues.split(",")]
    calls = {
        f"items-{size}": Call(routed, (size, named, asked, working, queries, size <= ungated_items))
        for size in sorted(sizes, reverse=True)  # the longest begin first
    }
    found = over_seeds(run, calls, seeds)
    seen = {size: found[f"items-{size}"] for size in sizes}
    _table(run, seen)
    run.picture("thalamic_routing.png", lambda: _draw(seen))
    means = {size: _by_cell(parts, _means) for size, parts in seen.items()}
    largest = f"cue={asked[-1]}"
    judged = {c: {size: each[c][largest] for size, each in means.items()} for c in means[sizes[0]]}
    slopes = {name: {c: exponent(_events(cells, name)) for c, cells in judged.items()} for name in EVENTS}
    return {
        "by_items": {str(size): each for size, each in means.items()},
        "events_exponent": slopes,
        "criteria": CRITERIA,
        "met": {name: met for c, cells in judged.items() for name, met in _met(c, cells, slopes, working).items()},
        "chance": {f"chosen={c}": {"channels": c / sizes[-1], "gated": ITEM * c / working} for c in named},
        "intervals_95": {str(size): _by_cell(parts, _intervals) for size, parts in seen.items()},
        "by_seed": {f"items={size}": _by_cell(parts, by_seed) for size, parts in seen.items()},
    }


class Router:
    """A goal area, and for each number of open channels a thalamus, relays that compete one by one, and what is gated.

    All of them learn the same items in the same rounds.
    """

    def __init__(self, items: int, chosen: Sequence[int], working: int, seed: int, **options: Any) -> None:
        brain, self.items = Brain(), items
        goal, source = brain.add(Area("Goal", GOAL, KEY), Area("Items", items * ITEM, items * ITEM))
        self.branches = {c: Branch(brain, goal, source, items, c, working) for c in chosen}
        rng = np.random.default_rng([seed, 1])
        self.keys = np.array([rng.choice(GOAL, KEY, replace=False) for _ in range(items)])
        self.patterns = np.array([rng.choice(working, ITEM, replace=False) for _ in range(items)])
        self.everything = Assembly("Items", np.arange(items * ITEM))
        self._learning = [fiber for each in self.branches.values() for fiber in each.fibers]
        self.sim = Simulator(brain, seed, **options)

    def link(self, item: int) -> None:
        """Link a key with its relays, and an item with its pattern, in a round in which nothing transmits."""
        relays = np.arange(item * RELAYS, (item + 1) * RELAYS)
        self.sim.present(
            Assembly("Goal", self.keys[item]),
            Assembly("Items", np.arange(item * ITEM, (item + 1) * ITEM)),
            *(shown for each in self.branches.values() for shown in each.shown(relays, self.patterns[item])),
        )
        self.sim.run((), learn=self._learning)

    def goal(self, items: Neurons, cue: float, rng: np.random.Generator) -> Assembly:
        """Return the union of parts of the keys of some items."""
        return Assembly("Goal", np.unique([rng.choice(self.keys[item], round(cue * KEY), False) for item in items]))


class Branch:
    """A thalamus in which c channels can be open, and what it gates."""

    def __init__(self, brain: Brain, goal: Area, source: Area, items: int, c: int, working: int) -> None:
        self.c, self.thalamus = c, brain.add(Thalamus(f"Thalamus{c}", channels=items, relays=RELAYS, open=c))
        self.single, self.working = brain.add(
            Area(f"Single{c}", items * RELAYS, RELAYS * c), Area(f"Working{c}", working, ITEM * c)
        )
        self.matches: Fiber = brain.connect(goal, self.thalamus.relay, P, RULE)
        self.one_by_one: Fiber = brain.connect(goal, self.single, P, RULE)
        self.transmits: Fiber = brain.connect(source, self.working, P, RULE, gate=self.thalamus.relay)
        self.fibers = (self.matches, self.one_by_one, self.transmits)

    def shown(self, relays: Neurons, pattern: Neurons) -> tuple[Assembly, ...]:
        """Return what fires while an item is linked."""
        names = self.thalamus.relay.name, self.single.name, self.working.name
        return tuple(Assembly(name, each) for name, each in zip(names, (relays, relays, pattern), strict=True))


def routed(
    part: Part,
    items: int,
    chosen: Sequence[int],
    cues: Sequence[float],
    working: int,
    queries: int,
    free: bool,
    seed: int,
) -> Seen:
    """Link all items, ask for some, and return the measures and the synaptic events of a query."""
    router, rng = Router(items, chosen, working, seed, **part.simulator), np.random.default_rng([seed, 2])
    with router.sim as sim:
        begun = time.process_time()
        for item in range(items):
            router.link(item)
        linked = (time.process_time() - begun) / items
        learned = sum(each["learned"] for each in sim.memory()["fibers"].values()) / 1e6
        seen: Seen = {}
        for c, branch in router.branches.items():
            ungated = _without_gate(router, branch, rng) if free else {}
            for cue in cues:
                asked = [_asked(router, branch, cue, rng) for _ in range(queries)]
                found = {name: fmean(each[name] for each in asked) for name in asked[0]}
                found["query_seconds"] = median(each["query_seconds"] for each in asked)
                cost = {"link_seconds": linked, "learned_mb": learned}
                seen.setdefault(f"chosen={c}", {})[f"cue={cue}"] = {**found, **ungated, **cost}
    return seen


def _asked(router: Router, branch: Branch, cue: float, rng: np.random.Generator) -> dict[str, float]:
    """Return what comes of one query, of relays that compete one by one, and of a random gate."""
    sim, items = router.sim, rng.choice(router.items, branch.c, replace=False)
    goal, before, begun = router.goal(items, cue, rng), sim.events(), time.process_time()
    passed = route(sim, goal, router.everything, branch.working)
    seconds, after = time.process_time() - begun, sim.events()
    sim.release(branch.single)
    sim.present(goal)
    sim.run(branch.one_by_one, learn=())
    single = np.bincount(sim.assembly(branch.single).neurons // RELAYS, minlength=router.items)
    others = rng.choice(router.items, branch.c, replace=False)
    return {
        "channels": float(np.isin(items, passed.channels).mean()),
        "neurons": float(np.mean(2 * single[items] >= RELAYS)),
        "gated": _recalled(router, passed.assembly, items),
        "random_gate": _recalled(router, _through(router, branch, others), items),
        "matching": after[branch.matches.name] - before[branch.matches.name],
        "transmitting": after[branch.transmits.name] - before[branch.transmits.name],
        "query_seconds": seconds,
    }


def _without_gate(router: Router, branch: Branch, rng: np.random.Generator) -> dict[str, float]:
    """Return what is recalled while all channels are open, and the synaptic events of that."""
    before, name = router.sim.events(), branch.transmits.name
    fired = _through(router, branch, np.arange(router.items))
    share = _recalled(router, fired, rng.choice(router.items, branch.c, replace=False))
    return {"no_gate": share, "ungated": router.sim.events()[name] - before[name]}


def _through(router: Router, branch: Branch, opened: Neurons) -> Assembly:
    """Return what fires in working memory if all items fire while some channels are open."""
    relays = (opened[:, None] * RELAYS + np.arange(RELAYS)).ravel()
    router.sim.release(branch.working)
    router.sim.present(Assembly(branch.thalamus.relay.name, relays), router.everything)
    router.sim.run(branch.transmits, learn=())
    return router.sim.assembly(branch.working)


def _recalled(router: Router, fired: Assembly, items: Neurons) -> float:
    """Return the share of the neurons of some items' patterns that fire."""
    return float(np.isin(np.unique(router.patterns[items]), fired.neurons).mean())


def _by_cell(parts: Sequence[Seen], look: Callable[[Cells], Any]) -> dict[str, dict[str, Any]]:
    """Return something of each number of chosen items and each cue, from the measures of all seeds."""
    return {c: {cue: look([part[c][cue] for part in parts]) for cue in cells} for c, cells in parts[0].items()}


def _means(cells: Cells) -> dict[str, float]:
    return {name: fmean(scores(cells, name)) for name in cells[0]}


def _intervals(cells: Cells) -> dict[str, Any]:
    return {name: interval_95(scores(cells, name), bounded=True) for name in MEASURES if name in cells[0]}


def _events(cells: Mapping[int, Mapping[str, float]], name: str) -> dict[float, float]:
    return {size: cell[name] for size, cell in cells.items() if name in cell}


def _met(c: str, cells: Mapping[int, Mapping[str, float]], slopes: Mapping[str, Any], working: int) -> dict[str, bool]:
    """Compare what was measured for a number of chosen items with the criteria, as far as it was measured."""
    most, count = max(cells), int(c.partition("=")[2])
    named, neuron = count / most, ITEM * count / working  # chances that an item and that a neuron is a right one
    above, last = CRITERIA["above_chance"], cells[most]
    met = {name: all(cell[name] >= each[c] for cell in cells.values()) for name, each in LEAST.items() if c in each}
    for name, expected in SLOPES.items():
        if slopes[name][c] is not None:
            met[name] = abs(slopes[name][c] - expected) <= CRITERIA["slope_within"]
    if free := [cell["no_gate"] for cell in cells.values() if "no_gate" in cell]:
        met["no_gate"] = free[-1] <= neuron + above
    met["random_gate"] = last["random_gate"] <= named + (1 - named) * neuron + above
    met["neurons"] = last["neurons"] < last["channels"]
    return {f"{name}, {c}": each for name, each in met.items()}


def _table(run: Run, seen: Mapping[int, Sequence[Seen]]) -> None:
    table = []
    for c, cues in seen[min(seen)][0].items():
        for size, cue in product(seen, cues):
            cells = [part[c][cue] for part in seen[size]]
            shares = [measured(scores(cells, name), 3, bounded=True) if name in cells[0] else None for name in MEASURES]
            costs = [f"{fmean(scores(cells, name)):.3g}" if name in cells[0] else None for name in COSTS]
            table.append([c.partition("=")[2], f"{size:_}", cue.partition("=")[2], *shares, *costs])
    header = ["c", "L", "cue", *MEASURES.values(), *COSTS.values()]
    write_table(run, "thalamic_routing.md", "Choosing items, and what a query costs", header, table)


def _draw(seen: Mapping[int, Sequence[Seen]]) -> Figure:
    figure, every = Figure(figsize=(12, 5), layout="constrained"), seen[min(seen)][0]
    *shares, events = figure.subplots(1, 1 + len(every))
    for axes, marker, (c, cues) in zip(shares, "os^vDx", every.items(), strict=False):
        for at, cue in enumerate(cues):
            _line(axes, seen, c, cue, "channels", f"{marker}-", color=f"C{at}")
            _line(axes, seen, c, cue, "neurons", f"{marker}:", color=f"C{at}")
        for name, color in (("gated", "k"), ("random_gate", "0.5"), ("no_gate", "0.75")):
            _line(axes, seen, c, cue, name, "--", color=color)
        for at, name in enumerate(EVENTS):
            _line(events, seen, c, cue, name, f"{marker}-", color=f"C{at}")
        axes.set(xscale="log", xlabel="items L", ylabel="share of the named items", ylim=(-0.03, 1.03))
        axes.set_title(f"{c.partition('=')[2]} items named")
    figure.legend(*shares[0].get_legend_handles_labels(), loc="outside lower left", ncols=2, fontsize=7)
    figure.legend(*events.get_legend_handles_labels(), loc="outside lower right", ncols=2, fontsize=7)
    events.set(xscale="log", yscale="log", xlabel="items L", ylabel="synaptic events of a query")
    return figure


def _line(
    axes: Any, seen: Mapping[int, Sequence[Seen]], c: str, cue: str, name: str, style: str, *, color: str
) -> None:
    parts = {size: [part[c][cue] for part in every] for size, every in seen.items()}
    means = {size: fmean(scores(cells, name)) for size, cells in parts.items() if name in cells[0]}
    title = {**MEASURES, **EVENTS}[name].removeprefix("control: ").removeprefix("items ")
    axes.plot(
        list(means), list(means.values()), style, ms=3, color=color, label=f"{title} ({cue if name in MEASURES else c})"
    )
