"""Route items through a thalamus: a goal opens the channels of a few of many items, and a gate lets these pass.

A goal names c of L items.  Each item has a *key*, which is a set of goal neurons, and a channel of a `Thalamus`; both
are linked in one round.  The item's own neurons are linked to a pattern of the working memory.  All items fire.  The
thalamus gates the fiber to the working memory, so that only items of open channels drive it.  A goal is the union of
the keys of its items, of which 30 to 60 % are presented.  `route` lets a goal choose; it returns which channels were
open and what fires in the working memory.

Controls: relays that compete as single neurons, where an item counts as chosen if at least half of its relays fire; a
gate with as many random channels open; and no gate, with all channels open.  `Simulator.events` counts the synaptic
events of a query: *matching* events, from the goal to the relays, and *transmitting* events, from the items to working
memory.

Success is stated in advance, as means over seeds, for a cue of 60 % and every L.  At least .995 of the named items are
chosen with c = 4, and .95 with c = 16; with c = 4 the working memory recalls .98 of their patterns.  In logarithmic
axes the slope of the matching events against L is 1, and that of the transmitting events is 0, both within .02.
Controls at the largest L: with a random gate the recall exceeds chance, which includes that named items are open by
chance, by at most .05; without a gate it exceeds the chance of a neuron by at most .05; and relays that compete as
single neurons choose fewer items.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from statistics import fmean, median
from typing import Any

import numpy as np

from brainsim import Assembly, experiment
from brainsim.operations import route
from brainsim.studies.comparison import by_seed, over_seeds, scores
from brainsim.studies.parts import Part
from brainsim.studies.processes import Call
from brainsim.studies.run import Run
from brainsim.studies.statistics import exponent, interval_95
from thalamic.report import EVENTS, MEASURES, Seen, draw, table
from thalamic.router import ITEM, RELAYS, Branch, Neurons, Router

Cells = list[dict[str, float]]  # a measure by its name, for every seed

LEAST = {"channels": {"chosen=4": 0.995, "chosen=16": 0.95}, "gated": {"chosen=4": 0.98}}
SLOPES = {"matching": 1.0, "transmitting": 0.0}
CRITERIA = {"least": LEAST, "slopes": SLOPES, "slope_within": 0.02, "above_chance": 0.05}


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
        Goals that are presented to each brain, for each size of a cue.
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
    table(run, seen)
    run.picture("thalamic_routing.png", lambda: draw(seen))
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
    """Return the results of one query, of relays that compete as single neurons, and of a random gate."""
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
    """Return what is recalled while all channels are open, and the synaptic events."""
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
    """Apply a function to the measures of all seeds, for each number of chosen items and each cue."""
    return {c: {cue: look([part[c][cue] for part in parts]) for cue in cells} for c, cells in parts[0].items()}


def _means(cells: Cells) -> dict[str, float]:
    return {name: fmean(scores(cells, name)) for name in cells[0]}


def _intervals(cells: Cells) -> dict[str, Any]:
    return {name: interval_95(scores(cells, name), bounded=True) for name in MEASURES if name in cells[0]}


def _events(cells: Mapping[int, Mapping[str, float]], name: str) -> dict[float, float]:
    return {size: cell[name] for size, cell in cells.items() if name in cell}


def _met(c: str, cells: Mapping[int, Mapping[str, float]], slopes: Mapping[str, Any], working: int) -> dict[str, bool]:
    """Return which criteria are met for a number of chosen items, of those whose measures exist."""
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
